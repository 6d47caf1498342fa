/* SPDX-License-Identifier: MIT */
/*
 * input: logs of any kind, as events with the place each came from: the seam between reading (input*.c, log/reader) and judging (model, join, findings).
 *
 *	file, stdin, .gz  -->  blocks  -->  lines  -->  a reader of its kind (input_json, input_text, ...)  -->  struct input_events
 *
 * A reader turns one log into events in the order of its lines; nothing is kept but one line. What a kind of log cannot tell stays unknown (0, US_UNKNOWN,
 * SPAN_NONE). Text logs have no run, no seq, no conn and no monotonic clock: mono_us is then INPUT_NO_MONO; a role is guessed and said so.
 *
 * What comes by the million is counted, not parsed: messages, frames, heads, healthy pings. Told as events are only a ping that waits for its answer
 * (waiting is known) and a pong that has an rtt.
 *
 * How an end reads where a log does not say how: EV_LOST is "an error said it ended", EV_CLOSE "it ended", and CAUSE_NONE means that the cause is not known,
 * and then neither is by. An EV_CLOSE behind an EV_LOST of the same connection (on_close after on_error) is the same end told twice. The error that a log
 * gives, if any, is text.
 */
#ifndef WSDIAG_REPORT_INPUT_H
#define WSDIAG_REPORT_INPUT_H

#include "lifecycle/event.h"

#include <stdbool.h>

#define INPUT_NO_MONO INT64_MIN

/* A line that must be parsed and is longer is unreadable: what it may grow to in memory is bounded by it. A message line may have any length. */
enum { INPUT_LINE_MAX = 512 * 1024 };

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
	bool role_is_guessed;      /* by words, or by the log's name */
	int64_t resolution_us;     /* of its times: 1 for JSON, 1000000 for "22:13:02"; 0: rough, from the Date of answers, or (no has_date) none at all */
};

struct input_trouble {
	uint64_t unreadable;       /* lines; the first three places are told one by one */
	uint64_t first_unreadable[3];
	uint64_t unknown_events, newer_version, missing_seq, out_of_order;
	uint64_t restarts;         /* followed: the file was cut back, or another took its name, and its lines count from 1 again */
	bool torn_end;             /* the last line has no end */
	bool no_end;               /* no end event: the log was cut short */
};

struct input_counts {
	uint64_t lines, events, messages; /* events: that were told; the rest of the lines says nothing of connections */
};

struct input_events {
	/* ev is borrowed; ev->src has run, role and boot. For text logs wall_us may count from midnight (has_date false) or local time (has_zone false). */
	void (*event)(void *arg, const struct place *at, const struct event *ev);
	/* Once per log that could be opened, before its first event, also if none comes. about is borrowed, name and kind last as long as the spec. */
	void (*begin)(void *arg, uint32_t log, const struct input_log *about);
	/* Once per log that began, behind its last event. */
	void (*end)(void *arg, uint32_t log, const struct input_counts *counts, const struct input_trouble *trouble);
};

/* A reader of one kind of log: input.c lists them. */
struct input_kind;

/* One log to read. */
struct input_spec {
	const struct input_kind *kind; /* NULL: by its content */
	const char *path;              /* "-": stdin */
};

/* KIND:FILE, as --from has it; ret points into arg. -EINVAL with a sentence in *ret_error, which the caller frees. */
MUST_CHECK int input_spec_parse(const char *arg, struct input_spec *ret, char **ret_error);
/* The names of kinds, for help: NULL behind the last. */
const char *input_kind_name(size_t i);
const char *input_kind_help(size_t i);

/* Reads a log to its end; gzip is seen by its content. 0, or a negative errno with a sentence in *ret_error, which the caller frees: what had been told until
 * then was told (end, too, if it had begun). */
MUST_CHECK int input_read(const struct input_spec *spec, uint32_t log, const struct input_events *up, void *arg, char **ret_error);

/*
 * input_follow: the same, and goes on as the file grows (tail -F): it waits for one that does not exist yet, and survives its being cut back and being replaced
 * by another of its name. What is there when it begins is told from the loop, too.
 */
struct loop;
struct input_follow;

enum input_turn { INPUT_AWAITED, INPUT_APPEARED, INPUT_CUT_BACK, INPUT_REPLACED };

struct input_follow_events {
	void (*turned)(void *arg, enum input_turn turn); /* what became of the file, in passing; INPUT_AWAITED comes once at most, before input_follow_new() returns */
	void (*caught_up)(void *arg);      /* all there is so far has been told: a moment to judge. Again after every growth. */
	void (*ended)(void *arg, int err); /* no more will come: the end of a pipe (0), or a negative errno. Once at most; then close it. */
	void (*closed)(void *arg);         /* it is gone */
};

/* As input_read(); arg is for both. */
MUST_CHECK int input_follow_new(struct loop *l, const struct input_spec *spec, uint32_t log, const struct input_events *up,
    const struct input_follow_events *follow, void *arg, struct input_follow **ret, char **ret_error);
/* From inside caught_up and ended, too, but not from inside up's. A file is looked at once more. up->end comes before it returns, closed from the loop. */
void input_follow_close(struct input_follow *f);

#endif
