/* SPDX-License-Identifier: MIT */
/* output: the options that say where events go, shared by every command that has events, and the sinks they stand for. */
#ifndef WSDIAG_CLI_OUTPUT_H
#define WSDIAG_CLI_OUTPUT_H

#include "cli/option.h"
#include "cli/terminal.h"
#include "log/sink.h"

enum log_messages { LOG_MESSAGES_META, LOG_MESSAGES_NONE, LOG_MESSAGES_DATA };

struct output_options {
	bool json;
	const char *log;
	int log_messages;   /* enum log_messages */
	int time;           /* 0: by terminal; else enum time_style + 1 */
	int colour;         /* enum colour_when */
	bool quiet;
	unsigned verbose;
	bool show_secrets;
	bool show_pings;
};

/* --json --log --log-messages --time --color -q/--quiet -v/--verbose --show-secrets -P/--show-pings, for a command's tables. */
extern const struct option output_rows[];

/* Where lines go, as long as the journal lives: human lines to stderr with a NULL, JSON lines as they must be told. */
struct output_lines {
	line_fn *human;
	void *human_arg;
	line_fn *json;
	void *json_arg;
};

/*
 * Adds the sinks to j: human lines unless quiet or json (quiet still shows notes of trouble: a log that is full); JSON lines
 * through json_line with json; --log. With json every event goes out except heads and frames, which need -v and -vv as in the human lines.
 * ret_human: the human sink, for resizing; NULL if there is none. 0, or an exit status after having printed why.
 */
MUST_CHECK int output_open(const struct output_options *opt, struct journal *j, const struct output_lines *to, struct sink **ret_human);
/* Bytes of a message that some sink wants to see in EV_MESSAGE; 0: none. max_message bounds JSON on stdout. */
size_t output_capture(const struct output_options *opt, uint64_t max_message);
/* Lines of text on stderr, as they are: the caller has escaped them. */
void output_say(struct span text);
/* "wsdiag: <sentence>\n" on stderr, control characters escaped. */
void output_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
