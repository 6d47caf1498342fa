/* SPDX-License-Identifier: MIT */
/* input_story: what a log says, as text to compare: a line for each event, and for what was wrong. */
#ifndef WSDIAG_TESTS_INPUT_STORY_H
#define WSDIAG_TESTS_INPUT_STORY_H

#include "base/buf.h"
#include "base/clock.h"
#include "report/input.h"

#include <inttypes.h>
#include <string.h>

struct story {
	struct buf text;
	unsigned begun, ended;
	struct input_counts counts;
	struct input_trouble trouble;
	struct input_log about;
	enum role role;
};

static inline void
story_begin(void *arg, uint32_t log UNUSED, const struct input_log *about)
{
	struct story *s = arg;

	s->begun++;
	s->about = *about;
}

static inline void
story_time(struct buf *b, int64_t us)
{
	struct buf stamp CLEANUP(buf_deinit) = { 0 };

	clock_format_rfc3339(&stamp, us);
	/* Day, time and milliseconds are enough. */
	buf_append(b, buf_head(&stamp) + 5, strlen("03-04T22:13:02.071"));
}

static inline void
story_error(struct buf *b, enum cause cause, struct span text)
{
	if (cause != CAUSE_NONE)
		buf_printf(b, " %s", cause_name(cause));
	if (text.n > 0)
		buf_printf(b, " \"%.*s\"", (int)MIN(text.n, (size_t)40), text.p);
}

/* What the kinds of logs have to tell. */
static inline void
story_details(struct buf *b, const struct event *ev)
{
	switch (ev->type) {
	case EV_OPENED:
		if (ev->u.opened.url.n > 0)
			buf_printf(b, " %.*s", (int)ev->u.opened.url.n, ev->u.opened.url.p);
		if (ev->u.opened.peer.n > 0)
			buf_printf(b, " from %.*s", (int)ev->u.opened.peer.n, ev->u.opened.peer.p);
		if (ev->u.opened.ws_key.n > 0)
			buf_printf(b, " key %.*s", (int)ev->u.opened.ws_key.n, ev->u.opened.ws_key.p);
		if (ev->u.opened.headers.n > 0)
			buf_printf(b, " %zu headers", ev->u.opened.headers.n);
		break;
	case EV_FAILED:
		buf_printf(b, " %s", stage_name(ev->u.failed.stage));
		if (ev->u.failed.status != 0)
			buf_printf(b, " %d", ev->u.failed.status);
		story_error(b, ev->u.failed.cause, ev->u.failed.text);
		break;
	case EV_LOST:
	case EV_CLOSE:
		story_error(b, ev->u.ended.cause, ev->u.ended.text);
		if (ev->u.ended.code != 0 || ev->u.ended.close_sent != 0)
			buf_printf(b, " got %d sent %d by %s", ev->u.ended.code, ev->u.ended.close_sent, party_name(ev->u.ended.by));
		break;
	case EV_RETRY:
		if (ev->u.retry.delay != US_UNKNOWN)
			buf_printf(b, " in %" PRId64 "ms", ev->u.retry.delay / US_PER_MS);
		break;
	default: break;
	}
}

static inline void
story_event(void *arg, const struct place *at, const struct event *ev)
{
	struct story *s = arg;

	s->role = ev->src->role;
	buf_printf(&s->text, "%" PRIu64 " ", at->line);
	story_time(&s->text, ev->wall_us);
	buf_printf(&s->text, " %s", event_name(ev));
	if (ev->conn != 0)
		buf_printf(&s->text, " c%u", ev->conn);
	if (ev->dial != 0)
		buf_printf(&s->text, " d%u", ev->dial);
	story_details(&s->text, ev);
	buf_putc(&s->text, '\n');
}

static inline void
story_end(void *arg, uint32_t log UNUSED, const struct input_counts *counts, const struct input_trouble *trouble)
{
	struct story *s = arg;

	s->ended++;
	s->counts = *counts;
	s->trouble = *trouble;
}

static const struct input_events story_events = { .event = story_event, .begin = story_begin, .end = story_end };

#endif
