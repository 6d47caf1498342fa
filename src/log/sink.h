/* SPDX-License-Identifier: MIT */
/*
 * sink: the renderings of an event. Each ends in a line_fn that takes one whole line, its newline with it, in one call.
 *
 * JSON lines: "v", "event", "time", "mono", "role", "run", "seq", then "session", "conn", "dial", "leg" where known, then the event's own
 * fields, always in this order. seq counts the lines of this sink, from 1. A start line ends in "boot". FIELD_ATTEMPTS is an array of
 * objects, FIELD_HEADERS one of [name, value], or [name, base64, "base64"] where the value is not UTF-8.
 *
 * Texts in events are as they came: the human sink escapes what it prints, and both redact. A sentence (the text of failed, lost, close,
 * note) may have been escaped by whoever made it; that is not done twice.
 */
#ifndef WSDIAG_LOG_SINK_H
#define WSDIAG_LOG_SINK_H

#include "log/journal.h"

typedef void line_fn(void *arg, const char *line, size_t n);

struct json_options {
	event_mask wants;
	bool show_secrets;
	bool message_data;   /* false: EV_MESSAGE without its data */
	size_t data_max;     /* bytes of a message kept, then truncated; 0: all */
};

struct sink *sink_json_new(const struct json_options *opt, line_fn *line, void *arg);

enum time_style { TIME_LOCAL, TIME_ISO, TIME_RELATIVE, TIME_NONE };

struct human_options {
	event_mask wants;
	bool show_secrets;
	bool colour;
	enum time_style time;
	unsigned columns;    /* fold there; 0: never */
	bool show_pings;     /* -P */
};

struct sink *sink_human_new(const struct human_options *opt, line_fn *line, void *arg);
/* The terminal was resized. */
void sink_human_set_columns(struct sink *s, unsigned columns);

/*
 * --log FILE: JSON lines, each one write(), O_APPEND, mode 0600 when made. An error (full disk) is told once through trouble and does not
 * stop anything; later lines are tried again, and seq shows the gap. 0 or a negative errno; so is what trouble gets. trouble must not emit
 * events.
 */
typedef void log_trouble_fn(void *arg, const char *path, int err);
MUST_CHECK int sink_file_new(const char *path, const struct json_options *opt, log_trouble_fn *trouble, void *arg, struct sink **ret);

/* An event as one JSON line without newline; for tests. */
void event_to_json(struct buf *out, const struct event *ev, uint64_t seq, const struct json_options *opt);

/* For whoever documents or checks the schema: the fields before an event's own, those of one attempt. A name of NULL ends each. */
extern const struct field log_common_fields[];
extern const struct field log_attempt_fields[];

#endif
