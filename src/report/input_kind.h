/* SPDX-License-Identifier: MIT */
/*
 * input_kind: what a reader of one kind of log is, and where its events go.
 *
 * To read another kind of log: write input_NAME.c with a struct input_kind, name it below and in the table of input.c, and put a real sample into
 * tests/data/input and a row into tests/unit/test_input.c. A reader keeps nothing that grows with the log.
 */
#ifndef WSDIAG_REPORT_INPUT_KIND_H
#define WSDIAG_REPORT_INPUT_KIND_H

#include "report/input.h"

/* How much of a log's beginning a reader sees before its first line: to know its kind, and what is true of all of it. */
enum { INPUT_HEAD = 64 * 1024 };

/* A log while it is read. A reader fills in about (not its name) before its first event, and trouble as it goes; input_tell() and its like do the rest. */
struct input_out {
	uint32_t log;
	const struct input_events *up;
	void *arg;
	struct input_log about;
	struct input_counts counts;
	struct input_trouble trouble;
	bool has_begun;
};

struct input_line {
	struct span text;          /* without its end */
	uint64_t number;
	bool is_whole;             /* false: longer than INPUT_LINE_MAX, and this is its beginning */
	bool has_end;              /* false: the last one, and no newline is behind it */
};

struct input_kind {
	const char *name;          /* as in --from */
	const char *title;         /* as in a report */
	const char *help;
	/* Whether a log that begins so is of this kind; of those that say so the first in the table is taken. */
	bool (*knows)(struct span head);
	/* head: the first INPUT_HEAD bytes, or all there is. */
	void *(*open)(struct input_out *out, struct span head);
	void (*line)(void *reader, const struct input_line *line);
	/* The last line was read. Frees it. */
	void (*close)(void *reader);
};

extern const struct input_kind input_wsdiag, input_websocket_client, input_daphne, input_text;

/* Its descriptor, the caller's; "-" is a copy of stdin. A negative errno with a sentence. */
MUST_CHECK int input_open(const char *path, char **ret_error);
/* What head says a log is; never NULL. */
const struct input_kind *input_kind_of(struct span head);
void input_begin(struct input_out *out);
void input_tell(struct input_out *out, uint64_t line, const struct event *ev);
void input_tell_unreadable(struct input_out *out, uint64_t line);

#endif
