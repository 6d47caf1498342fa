/* SPDX-License-Identifier: MIT */
#include "demo/story.h"

#include "base/clock.h"

#include <inttypes.h>

/* Enough for any demo; what comes behind it is counted, but not followed. */
enum { DIALS_MAX = 1024, OVERLAPS_MAX = 16, TOLD_MAX = 3 };

/* Of one dial. */
struct course {
	uint32_t client_conn, server_conn;   /* 0: never opened there */
	bool failed, client_ended, server_ended;
};

struct twosome {
	uint32_t older, newer;               /* as the server counts */
	int64_t from_us, until_us;           /* until 0: still */
};

struct story {
	struct course courses[DIALS_MAX + 1];
	struct twosome overlaps[OVERLAPS_MAX];
	size_t n_overlaps;
	uint32_t lost, closed, failed, reconnects, silences, opens_heard, up, replay, replayed;
	bool has_returned;                   /* the other library's run_forever(), or an exception came out of it */
};

struct story *
story_new(void)
{
	return xcalloc(1, sizeof(struct story));
}

void
story_free(struct story *s)
{
	free(s);
}

static struct course *
course_of(struct story *s, const struct event *ev)
{
	return ev->dial > 0 && ev->dial <= DIALS_MAX ? &s->courses[ev->dial] : &s->courses[0];
}

static void
feed_client(struct story *s, const struct event *ev, struct span heard)
{
	struct course *c = course_of(s, ev);
	bool is_silent = span_eq(heard, "(silence)");

	s->has_returned = s->has_returned || span_eq(heard, "(returned)") || span_eq(heard, "(raised)");
	switch (ev->type) {
	case EV_OPENED:
		c->client_conn = ev->conn;
		s->up++;
		s->reconnects += ev->u.opened.is_reconnect;
		s->opens_heard += span_starts_ci(heard, "on_open");
		break;
	case EV_FAILED:
		c->failed = true;
		s->failed++;
		s->silences += is_silent;
		break;
	case EV_LOST:
	case EV_CLOSE:
		s->lost += ev->type == EV_LOST;
		s->closed += ev->type == EV_CLOSE && ev->u.ended.by == BY_PEER;
		s->silences += is_silent;
		s->up--;
		c->client_ended = true;
		break;
	default: break;
	}
}

static void
end_overlaps(struct story *s, const struct event *ev)
{
	for (size_t i = 0; i < s->n_overlaps; i++)
		if (s->overlaps[i].until_us == 0 && (s->overlaps[i].older == ev->conn || s->overlaps[i].newer == ev->conn))
			s->overlaps[i].until_us = ev->mono_us;
}

static void
feed_server(struct story *s, const struct event *ev)
{
	struct course *c = course_of(s, ev);

	switch (ev->type) {
	case EV_OPENED:
		c->server_conn = ev->conn;
		break;
	case EV_LOST:
	case EV_CLOSE:
		/* Of one that was replayed the last counts. */
		if (c->server_conn == ev->conn)
			c->server_ended = true;
		end_overlaps(s, ev);
		break;
	case EV_OVERLAP:
		if (s->n_overlaps < OVERLAPS_MAX)
			s->overlaps[s->n_overlaps++] = (struct twosome){ .older = ev->u.overlap.with, .newer = ev->conn, .from_us = ev->mono_us };
		break;
	case EV_REPLAY:
		s->replay = ev->conn;
		s->replayed = ev->u.replay.with;
		break;
	default: break;
	}
}

void
story_feed(struct story *s, const struct event *ev, struct span heard)
{
	if (ev->src->role == ROLE_CLIENT)
		feed_client(s, ev, heard);
	else if (ev->src->role == ROLE_SERVER)
		feed_server(s, ev);
}

static bool
is_unseen(const struct course *c)
{
	return c->client_conn > 0 && !c->client_ended && c->server_ended;
}

static bool
is_orphan(const struct course *c)
{
	return c->failed && c->server_conn > 0;
}

static bool
has_course(const struct story *s, bool (*is_such)(const struct course *c))
{
	for (size_t i = 1; i <= DIALS_MAX; i++)
		if (is_such(&s->courses[i]))
			return true;
	return false;
}

/* The older one first. */
static bool
ended_late(const struct story *s, const struct twosome *t)
{
	for (size_t i = 1; i <= DIALS_MAX; i++)
		if (s->courses[i].server_conn == t->older)
			return t->until_us > 0 && s->courses[i].server_ended;
	return false;
}

unsigned
story_shown(const struct story *s)
{
	const bool is_shown[SHOWN_COUNT] = {
		[SHOWN_LOST] = s->lost > 0,
		[SHOWN_CLOSED] = s->closed > 0,
		[SHOWN_FAILED] = s->failed > 0,
		[SHOWN_RECONNECT] = s->reconnects > 0,
		[SHOWN_HIDDEN] = s->silences > 0,
		[SHOWN_OVERLAP] = s->n_overlaps > 0,
		[SHOWN_LATE_END] = s->n_overlaps > 0 && ended_late(s, &s->overlaps[0]),
		[SHOWN_UNSEEN] = has_course(s, is_unseen),
		[SHOWN_ORPHAN] = has_course(s, is_orphan),
		[SHOWN_REPLAY] = s->replay > 0,
	};
	unsigned bits = 0;

	for (int i = 0; i < SHOWN_COUNT; i++)
		bits |= is_shown[i] ? 1u << i : 0;
	return bits;
}

bool
story_is_up(const struct story *s)
{
	return s->up > 0;
}

/* --- in words --- */

/* ", 3 dials failed" */
static void
put_count(struct buf *out, uint32_t n, const char *one, const char *many, bool *is_first)
{
	if (n == 0)
		return;
	buf_printf(out, "%s%" PRIu32 " %s", *is_first ? "" : ", ", n, n == 1 ? one : many);
	*is_first = false;
}

/* What the app heard of it, beside what there was to hear. */
static void
tell_app(const struct story *s, const char *version, struct buf *out)
{
	uint32_t bad = s->lost + s->failed + s->closed, heard = bad - MIN(s->silences, bad);
	bool is_first = true;

	if (bad > 0) {
		buf_puts(out, "What the client saw: ");
		put_count(out, s->lost, "connection lost", "connections lost", &is_first);
		put_count(out, s->failed, "dial failed", "dials failed", &is_first);
		put_count(out, s->closed, "connection closed by the far end", "connections closed by the far end", &is_first);
		buf_printf(out, ". An app on websocket-client %s hears of ", version);
		if (bad == 1)
			buf_puts(out, heard == 1 ? "it.\n" : "nothing.\n");
		else if (heard == bad)
			buf_printf(out, "all %" PRIu32 ".\n", bad);
		else
			buf_printf(out, "%" PRIu32 " of these %" PRIu32 ".\n", heard, bad);
	}
	if (s->has_returned)
		buf_puts(out, "It does not dial again: its run_forever() is over, while the client here goes on.\n");
	else if (s->opens_heard > 1)
		buf_printf(out, "It hears on_open %" PRIu32 " times: nothing tells it that a reconnect is no first open.\n", s->opens_heard);
}

static void
tell_overlap(const struct story *s, const struct twosome *t, struct buf *out)
{
	if (t->until_us == 0) {
		buf_printf(out, "Two connections of one client at the server: c%" PRIu32 " is still there beside c%" PRIu32 ".\n", t->older, t->newer);
		return;
	}
	buf_puts(out, "Two connections of one client at the server for ");
	clock_format_duration(out, t->until_us - t->from_us);
	if (ended_late(s, t))
		buf_printf(out, ": c%" PRIu32 "'s late disconnect must not clear c%" PRIu32 "'s state.\n", t->older, t->newer);
	else
		buf_printf(out, ": c%" PRIu32 " and c%" PRIu32 ".\n", t->older, t->newer);
}

static void
tell_courses(const struct story *s, struct buf *out)
{
	unsigned unseen = 0, orphans = 0;

	for (size_t i = 1; i <= DIALS_MAX; i++) {
		const struct course *c = &s->courses[i];

		if (is_unseen(c) && unseen++ < TOLD_MAX)
			buf_printf(out, "c%" PRIu32 " has ended at the server, and the client does not know: it believes it open.\n", c->server_conn);
		if (is_orphan(c) && orphans++ < TOLD_MAX)
			buf_printf(out, "c%" PRIu32 " opened at the server for d%zu, which the client had given up: a connection without a client.\n",
			    c->server_conn, i);
	}
}

void
story_tell(const struct story *s, const char *version, struct buf *out)
{
	tell_app(s, version, out);
	for (size_t i = 0; i < MIN(s->n_overlaps, (size_t)TOLD_MAX); i++)
		tell_overlap(s, &s->overlaps[i], out);
	if (s->replay > 0)
		buf_printf(out, "One request opened twice at the server, c%" PRIu32 " and c%" PRIu32 ", with the same key: a hop sent it again.\n", s->replayed,
		    s->replay);
	tell_courses(s, out);
}
