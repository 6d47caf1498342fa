/* SPDX-License-Identifier: MIT */
/*
 * report_world: logs made by hand, for the tests of report. Events are put at a true time into one of several logs, each with a clock of its own; world_feed()
 * tells them, log after log, in the order of their times, to a model.
 */
#ifndef WSDIAG_TESTS_REPORT_WORLD_H
#define WSDIAG_TESTS_REPORT_WORLD_H

#include "base/clock.h"
#include "base/rng.h"
#include "report/finding.h"
#include "report/join.h"

#include <stdio.h>
#include <string.h>

enum { WORLD_LOGS = 3, WORLD_EVENTS_MAX = 20000 };

struct world_event {
	int64_t at_us;
	uint32_t order;
	uint32_t log;
	struct event ev;
	char key[32], session[32], local[32], peer[32];
};

struct world_log {
	struct source source;
	struct input_log about;
	int64_t wall_skew_us, mono_skew_us;
	bool is_missing;              /* not fed at all */
	int64_t cut_us;               /* fed up to here; 0: to its end */
};

struct world {
	struct rng rng;
	struct world_log logs[WORLD_LOGS];
	struct world_event *events;
	uint32_t n;
};

#define WORLD_START (INT64_C(1770000000) * US_PER_S)

static inline void
world_init(struct world *w, uint64_t seed)
{
	static const enum role roles[WORLD_LOGS] = { ROLE_CLIENT, ROLE_PROXY, ROLE_SERVER };
	static const char *const names[WORLD_LOGS] = { "c.jsonl", "p.jsonl", "s.jsonl" };
	static const char *const boots[WORLD_LOGS] = { "boot-c", "boot-p", "boot-s" };

	memset(w, 0, sizeof(*w));
	rng_init_seed(&w->rng, seed);
	w->events = xcalloc(WORLD_EVENTS_MAX, sizeof(*w->events));
	for (uint32_t i = 0; i < WORLD_LOGS; i++) {
		w->logs[i].source = (struct source){ .run = 100 + i, .role = roles[i], .boot = boots[i] };
		w->logs[i].about = (struct input_log){
			.name = names[i], .kind = "wsdiag", .has_date = true, .has_zone = true, .has_key = true, .has_mono = true, .resolution_us = 1 };
		w->logs[i].mono_skew_us = (int64_t)(i + 1) * 1000 * US_PER_S;
		w->logs[i].is_missing = i == 1;
	}
}

static inline void
world_deinit(struct world *w)
{
	free(w->events);
}

/* A number in [from, to]. */
static inline int64_t
world_random(struct world *w, int64_t from, int64_t to)
{
	return from + (int64_t)(rng_u64(&w->rng) % (uint64_t)(to - from + 1));
}

/* The event is to be filled in; texts go by its slots. */
static inline struct world_event *
world_put(struct world *w, uint32_t log, int64_t at_us, enum event_type type, uint32_t conn)
{
	struct world_event *e = &w->events[w->n];

	if (w->n == WORLD_EVENTS_MAX)
		abort();
	*e = (struct world_event){ .at_us = at_us, .order = w->n++, .log = log, .ev = event_blank(type) };
	e->ev.conn = conn;
	return e;
}

static inline int
world_compare(const void *a, const void *b)
{
	const struct world_event *x = a, *y = b;

	if (x->log != y->log)
		return (x->log > y->log) - (x->log < y->log);
	return x->at_us != y->at_us ? (x->at_us > y->at_us) - (x->at_us < y->at_us) : (x->order > y->order) - (x->order < y->order);
}

static inline void
world_tell(struct world *w, struct world_event *e, uint64_t line, struct model *m)
{
	const struct world_log *log = &w->logs[e->log];
	struct event *ev = &e->ev;
	struct place at = { .log = e->log, .line = line };

	ev->src = &log->source;
	ev->wall_us = WORLD_START + e->at_us + log->wall_skew_us;
	ev->mono_us = log->about.has_mono ? e->at_us + log->mono_skew_us : INPUT_NO_MONO;
	ev->session = e->session[0] != '\0' ? span_of(e->session) : ev->session;
	if (ev->type == EV_OPENED) {
		ev->u.opened.ws_key = span_of(e->key);
		ev->u.opened.local = span_of(e->local);
		ev->u.opened.peer = span_of(e->peer);
	} else if (ev->type == EV_FAILED) {
		ev->u.failed.ws_key = span_of(e->key);
	}
	/* A clock that has no date, and is read to the second. */
	if (!log->about.has_date)
		ev->wall_us %= INT64_C(86400) * US_PER_S;
	ev->wall_us -= log->about.resolution_us > 1 ? ev->wall_us % log->about.resolution_us : 0;
	model_input.event(m, &at, ev);
}

static inline void
world_feed(struct world *w, struct model *m)
{
	uint64_t line = 0;

	qsort(w->events, w->n, sizeof(*w->events), world_compare);
	for (uint32_t log = 0; log < WORLD_LOGS; log++, line = 0) {
		if (w->logs[log].is_missing)
			continue;
		model_input.begin(m, log, &w->logs[log].about);
		for (uint32_t i = 0; i < w->n; i++)
			if (w->events[i].log == log && (w->logs[log].cut_us == 0 || w->events[i].at_us <= w->logs[log].cut_us))
				world_tell(w, &w->events[i], ++line, m);
		model_input.end(m, log, &(struct input_counts){ .lines = line, .events = line }, &(struct input_trouble){ 0 });
	}
}

/* "OVERLAP LOSS" */
static inline void
world_findings(const struct findings *f, struct buf *out)
{
	for (uint32_t i = 0; i < f->n; i++)
		buf_printf(out, "%s%s", i > 0 ? " | " : "", finding_spec(f->items[i].kind)->name);
}

#endif
