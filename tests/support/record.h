/* SPDX-License-Identifier: MIT */
/* record: a sink in memory: what a journal was told, kept in order. */
#ifndef WSDIAG_TESTS_RECORD_H
#define WSDIAG_TESTS_RECORD_H

#include "log/journal.h"

#include "support/unit.h"

#include <string.h>

enum { RECORD_MAX = 512 };

struct recorded {
	struct event ev;    /* what it points to is gone, but for text */
	char text[300];     /* the sentence, the rule, or the data of a message, ping or pong */
};

struct record {
	struct sink sink;
	struct recorded items[RECORD_MAX];
	size_t n;
	char trail[4096];   /* "open >message <message close gone" */
};

static inline struct span
record_text_of(const struct event *ev)
{
	switch (ev->type) {
	case EV_FAILED: return ev->u.failed.text;
	case EV_REJECT: return ev->u.reject.text;
	case EV_MESSAGE: return ev->u.message.data;
	case EV_PING: return ev->u.ping.data;
	case EV_PONG: return ev->u.pong.data;
	case EV_VIOLATION: return ev->u.violation.rule;
	case EV_LOST:
	case EV_CLOSE: return ev->u.ended.text;
	case EV_NOTE: return ev->u.note.text;
	case EV_OPENED: return ev->u.opened.subprotocol;
	case EV_LISTEN: return ev->u.listen.url;
	default: return SPAN_NONE;
	}
}

static inline const char *
record_mark_of(const struct event *ev)
{
	/* The direction is the first member of each. */
	if (ev->type == EV_MESSAGE || ev->type == EV_PING || ev->type == EV_PONG || ev->type == EV_FRAME || ev->type == EV_HEAD)
		return ev->u.message.dir == DIR_IN ? "<" : ">";
	return "";
}

static inline void
record_event(struct sink *s, const struct event *ev)
{
	struct record *r = container_of(s, struct record, sink);
	struct span text = record_text_of(ev);
	size_t used = strlen(r->trail);

	ck_assert_uint_lt(r->n, RECORD_MAX);
	r->items[r->n].ev = *ev;
	if (text.n > 0)
		memcpy(r->items[r->n].text, text.p, MIN(text.n, sizeof(r->items[0].text) - 1));
	r->n++;
	snprintf(r->trail + used, sizeof(r->trail) - used, "%s%s%s", used > 0 ? " " : "", record_mark_of(ev), event_name(ev));
}

static inline void
record_free(struct sink *s)
{
	(void)s;
}

/* r must live as long as the journal. */
static inline void
record_start(struct record *r, struct journal *j, event_mask wants)
{
	*r = (struct record){ .sink = { .event = record_event, .free = record_free, .wants = wants } };
	journal_add(j, &r->sink);
}

/* The nth (from 0) of its type. */
static inline const struct recorded *
record_nth(const struct record *r, enum event_type type, size_t nth)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].ev.type == type && nth-- == 0)
			return &r->items[i];
	ck_abort_msg("no such event in: %s", r->trail);
	return NULL;
}

static inline size_t
record_count(const struct record *r, enum event_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->items[i].ev.type == type;
	return n;
}

/* How the connection ended; it must have, once. */
static inline const struct recorded *
record_end(const struct record *r)
{
	ck_assert_msg(record_count(r, EV_LOST) + record_count(r, EV_CLOSE) == 1, "%s", r->trail);
	return record_nth(r, record_count(r, EV_LOST) > 0 ? EV_LOST : EV_CLOSE, 0);
}

#endif
