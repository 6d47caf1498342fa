/* SPDX-License-Identifier: MIT */
/* input_words: what the words of other programs mean: of what a line speaks, and errors as libraries and systems put them. */
#ifndef WSDIAG_REPORT_INPUT_WORDS_H
#define WSDIAG_REPORT_INPUT_WORDS_H

#include "base/span.h"
#include "lifecycle/cause.h"

#include <stdbool.h>
#include <stdint.h>

struct words_error {
	enum cause cause;          /* CAUSE_NONE: the words do not tell */
	enum party by;
	bool is_dial;              /* it never opened: stage says where */
	enum stage stage;
	int status;                /* of the answer to an upgrade, 0: none told */
};

struct words_error words_of_error(struct span text);
/* The length of words if they stand at i in text, else 0: as whole words and in any case; each space in words stands for a space, "_", "-" or nothing:
 * "on open" is on_open, onopen, On-Open. All in lower case. */
size_t words_at(struct span text, size_t i, const char *words);
/* The same anywhere: where they end, 0: nowhere. */
size_t words_find(struct span text, const char *words);
/* A line names a WebSocket: "ws", "wss://...", "WebSocket". */
bool words_name_websocket(struct span line);
/* It names something else that connects and is lost: a database, a broker, a shell. */
bool words_name_other(struct span line);
/* What stands before words about a connection leaves them to a WebSocket: nothing, tags of a logger ("[app] ", "INFO: "), who connects ("New client 5 "). */
bool words_are_subject(struct span before);
/* What stands behind them leaves them so: nothing, a mark, a number, "from 10.0.0.1", "to the server", "successfully"; not "to Berlin", "= false". */
bool words_are_sequel(struct span behind);
/* Words about an error stand for none: "no websocket error", "websocket error count is 0", "on_error handling". */
bool words_are_denied(struct span before, struct span behind);
/* The first close code in text, 1000-4999, 0: none. */
int words_close_code(struct span text);
/* The number in front of "s" or "seconds" in "in 5 s", "retrying in 1.5 seconds", in microseconds; -1: none. */
int64_t words_delay(struct span text);
/* The bytes that a bytes literal of Python stands for, at most max: "b'\x03\xe8bye'"; 0 where it is none. */
size_t words_python_bytes(struct span literal, uint8_t *ret, size_t max);

#endif
