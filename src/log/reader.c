/* SPDX-License-Identifier: MIT */
#include "log/reader.h"

#include "base/clock.h"
#include "log/reader_scan.h"
#include "log/reader_value.h"
#include "log/runs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct log_reader {
	enum log_depth depth;
	struct runs runs;
	struct log_totals totals;
	struct values values;
};

struct log_reader *
log_reader_new(enum log_depth depth)
{
	struct log_reader *r = xcalloc(1, sizeof(*r));

	r->depth = depth;
	runs_init(&r->runs);
	return r;
}

void
log_reader_free(struct log_reader *r)
{
	if (r == NULL)
		return;
	values_deinit(&r->values);
	runs_deinit(&r->runs);
	free(r);
}

const char *
log_reader_error(const struct log_reader *r)
{
	return r->values.error;
}

struct log_totals
log_reader_totals(const struct log_reader *r)
{
	struct log_totals totals = r->totals;

	totals.missing_seq = runs_missing(&r->runs);
	totals.out_of_order = r->runs.out_of_order;
	totals.no_end = runs_lack_end(&r->runs);
	return totals;
}

static bool
contains(struct span s, struct span text)
{
	return s.n > 0 && memmem(s.p, s.n, text.p, text.n) != NULL;
}

/* Also where the log begins in the middle of a line. */
bool
log_reader_knows(struct span head)
{
	if (contains(head, SPAN_LIT("\n{\"v\":")))
		return true;
	return head.n > 0 && *head.p == '{' && contains(head, SPAN_LIT("\"event\":"));
}

/* --- the fields that every line has --- */

/* "2026-03-04T22:13:02.071042Z", as it is always written. */
static bool
read_time(struct span text, int64_t *ret_us)
{
	char copy[32];
	struct tm tm = { 0 };
	int rest, used = 0;

	if (text.n == 0 || text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &rest, &used) != 7 ||
	    (size_t)used != text.n || rest < 0)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_us = (int64_t)timegm(&tm) * US_PER_S + rest;
	return true;
}

static bool
read_run(struct span digits, uint64_t *ret)
{
	char copy[RUN_DIGITS + 1] = { 0 };

	if (digits.n != RUN_DIGITS)
		return false;
	memcpy(copy, digits.p, RUN_DIGITS);
	if (strspn(copy, "0123456789abcdef") != RUN_DIGITS)
		return false;
	*ret = strtoull(copy, NULL, 16);
	return true;
}

static bool
read_role(struct span name, enum role *ret)
{
	for (enum role role = ROLE_CLIENT; role <= ROLE_SERVER; role++)
		if (span_eq(name, role_name(role))) {
			*ret = role;
			return true;
		}
	return false;
}

static bool
read_leg(struct span name, enum leg *ret)
{
	for (enum leg leg = LEG_NONE; leg <= LEG_ORIGIN; leg++)
		if (span_eq(name, leg_name(leg))) {
			*ret = leg;
			return true;
		}
	return false;
}

static bool
read_type(struct span name, struct event *ev)
{
	for (int type = 0; type < EV_TYPE_COUNT; type++)
		if (span_eq(name, event_spec((enum event_type)type)->name)) {
			ev->type = (enum event_type)type;
			return true;
		}
	ev->type = EV_OPENED;
	ev->u.opened.is_reconnect = span_eq(name, "reconnect");
	return ev->u.opened.is_reconnect;
}

/* As they are written, to be made sense of. */
struct envelope {
	uint32_t v, conn, dial;
	struct span event, time, role, run, session, leg, boot;
	int64_t mono;
	uint64_t seq;
};

#define F(member, kind) { #member, kind, offsetof(struct envelope, member), NULL, NULL }
static const struct field envelope_fields[] = {
	F(v, FIELD_U32),
	F(event, FIELD_TEXT),
	F(time, FIELD_TEXT),
	F(mono, FIELD_SIGNED_SECONDS),
	F(role, FIELD_TEXT),
	F(run, FIELD_TEXT),
	F(seq, FIELD_U64),
	F(session, FIELD_TEXT),
	F(conn, FIELD_U32),
	F(dial, FIELD_U32),
	F(leg, FIELD_TEXT),
	F(boot, FIELD_TEXT),
	{ 0 },
};
#undef F

/* Who tells, and when. The run is then known. */
static bool
open_envelope(struct log_reader *r, const struct envelope *e, struct event *ev, struct run **ret_run)
{
	uint64_t id;
	enum role role;

	if (!read_time(e->time, &ev->wall_us))
		return values_fail(&r->values, "time is not what it should be");
	if (!read_role(e->role, &role))
		return values_fail(&r->values, "role is not what it should be");
	if (!read_run(e->run, &id))
		return values_fail(&r->values, "run is not what it should be");
	if (e->leg.p != NULL && !read_leg(e->leg, &ev->leg) && !r->values.is_newer)
		return values_fail(&r->values, "leg is not what it should be");
	ev->mono_us = e->mono;
	ev->seq = e->seq;
	ev->session = e->session;
	ev->conn = e->conn;
	ev->dial = e->dial;
	*ret_run = runs_find(&r->runs, id, role);
	ev->src = &(*ret_run)->src;
	return true;
}

/* --- lines --- */

/* A run is over with its end line, and goes on with whatever comes behind it. */
static void
note_line(struct log_reader *r, struct run *run, enum event_type type, uint64_t seq)
{
	runs_count(&r->runs, run, seq);
	run->ended = type == EV_END;
	r->totals.messages += type == EV_MESSAGE;
}

static void
note_boot(struct run *run, struct span boot)
{
	if (boot.n == 0 || boot.n >= sizeof(run->boot))
		return;
	memcpy(run->boot, boot.p, boot.n);
	run->boot[boot.n] = '\0';
	run->src.boot = run->boot;
}

static bool
is_counted(const struct log_reader *r, const struct event *ev)
{
	if (r->depth == LOG_ALL)
		return false;
	return ev->type == EV_MESSAGE || ev->type == EV_FRAME || ev->type == EV_HEAD || (ev->type == EV_PING && ev->u.ping.waiting == US_UNKNOWN) ||
	    (ev->type == EV_PONG && ev->u.pong.rtt == US_UNKNOWN);
}

static enum log_line
read_parsed(struct log_reader *r, struct event *ret)
{
	struct envelope e = { 0 };
	struct event ev = { 0 };
	struct run *run;

	r->values.is_newer = false;
	if (!values_read(&r->values, r->values.root, envelope_fields, &e))
		return LOG_UNREADABLE;
	if (e.v == 0 || e.event.p == NULL) {
		values_fail(&r->values, "no line of wsdiag: it has no %s", e.v == 0 ? "v" : "event");
		return LOG_UNREADABLE;
	}
	r->values.is_newer = e.v > EVENT_SCHEMA_VERSION;
	r->totals.newer_version += r->values.is_newer;

	bool is_known = read_type(e.event, &ev);
	if (!open_envelope(r, &e, &ev, &run))
		return LOG_UNREADABLE;
	if (is_known && !values_read(&r->values, r->values.root, event_spec(ev.type)->fields, &ev.u))
		return LOG_UNREADABLE;
	note_line(r, run, is_known ? ev.type : EV_NOTE, e.seq);
	note_boot(run, e.boot);
	if (!is_known) {
		r->totals.unknown_events++;
		return LOG_UNKNOWN;
	}
	if (is_counted(r, &ev))
		return LOG_COUNTED;
	*ret = ev;
	return LOG_EVENT;
}

/* The run of the line before is nearly always the run of this one. */
static bool
count_scanned(struct log_reader *r, const struct scanned *s)
{
	struct run *run = runs_latest(&r->runs);
	uint64_t id;

	if (run == NULL || memcmp(run->digits, s->run.p, RUN_DIGITS) != 0) {
		if (!read_run(s->run, &id))
			return false;
		run = runs_find(&r->runs, id, s->role);
	}
	note_line(r, run, s->type, s->seq);
	return true;
}

enum log_line
log_reader_line(struct log_reader *r, struct span line, bool is_whole, struct event *ret)
{
	struct scanned s;

	while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
		line.n--;
	if (r->depth == LOG_LIFECYCLE && reader_scan(line, &s) && (!is_whole || line.p[line.n - 1] == '}') && count_scanned(r, &s))
		return LOG_COUNTED;
	if (!is_whole) {
		values_fail(&r->values, "longer than a line of this event can be");
		return LOG_UNREADABLE;
	}
	return values_parse(&r->values, line) ? read_parsed(r, ret) : LOG_UNREADABLE;
}
