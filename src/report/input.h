/* SPDX-License-Identifier: MIT */
/*
 * input: logs of any kind, as events with the place each came from: the seam between reading (input*.c, log/reader) and judging (model, join, findings).
 *
 * A reader turns one log into events in the order of its lines; nothing is kept but one line. What a kind of log cannot tell stays unknown (0, US_UNKNOWN,
 * SPAN_NONE). Text logs have no run, no seq and no monotonic clock: mono_us is then INPUT_NO_MONO; a role is guessed and said so.
 * Message lines of JSON logs are counted, not parsed: they come as one input_counts at the end, never as events.
 */
#ifndef WSDIAG_REPORT_INPUT_H
#define WSDIAG_REPORT_INPUT_H

#include "lifecycle/event.h"

#include <stdbool.h>

#define INPUT_NO_MONO INT64_MIN

/* Where an event was read. */
struct place {
	uint32_t log;              /* which log of the report, from 0 */
	uint64_t line;             /* from 1 */
};

/* What is known of a log as a whole, when its first event is told; what changes later (run) comes with the events. */
struct input_log {
	const char *name;          /* as given: "client.log", "-" */
	const char *kind;          /* "wsdiag", "text", "websocket-client trace", "Daphne access log" */
	bool has_date, has_zone, has_key, has_mono;
	int64_t resolution_us;     /* of its times: 1 for JSON, 1000000 for "22:13:02" */
};

struct input_trouble {
	uint64_t unreadable;       /* lines; the first three places are told one by one */
	uint64_t first_unreadable[3];
	uint64_t unknown_events, newer_version, missing_seq, out_of_order;
	bool torn_end;             /* the last line has no end */
	bool no_end;               /* no end event: the log was cut short */
};

struct input_counts {
	uint64_t lines, events, messages;
};

struct input_events {
	/* ev is borrowed; ev->src has run, role and boot. For text logs wall_us may count from midnight (has_date false) or local time (has_zone false). */
	void (*event)(void *arg, const struct place *at, const struct event *ev);
	/* Once per log, before its first event. */
	void (*begin)(void *arg, uint32_t log, const struct input_log *about);
	/* Once per log, behind its last event. */
	void (*end)(void *arg, uint32_t log, const struct input_counts *counts, const struct input_trouble *trouble);
};

#endif
