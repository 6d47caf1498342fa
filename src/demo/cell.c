/* SPDX-License-Identifier: MIT */
#include "demo/cell.h"

#include "base/clock.h"
#include "base/escape.h"

#include <inttypes.h>
#include <string.h>

static bool
is_client(const struct event *ev)
{
	return ev->src->role == ROLE_CLIENT;
}

static void
put_until(struct buf *out, struct span text, const char *const *ends)
{
	for (size_t i = 0; ends[i] != NULL; i++) {
		const char *end = text.n > 0 ? memmem(text.p, text.n, ends[i], strlen(ends[i])) : NULL;

		if (end != NULL)
			text.n = (size_t)(end - text.p);
	}
	escape_text(out, text, 0);
}

/* The cause without its details: they are in the log. */
static void
put_end(struct buf *out, const struct event *ev)
{
	static const char *const lost[] = { ", no Close frame", " (1006)", "; ", NULL };
	static const char *const closed[] = { ", answered ", ", peer FIN", ", peer RST", ", we closed TCP", ", no FIN", NULL };

	buf_printf(out, "%s c%" PRIu32 ": ", ev->type == EV_LOST ? "lost" : "close", ev->conn);
	put_until(out, ev->u.ended.text, ev->type == EV_LOST ? lost : closed);
}

void
cell_put_failure(struct buf *out, const struct ev_failed *f)
{
	/* At which stage an RST is seen, of one right behind the accept, is chance. */
	if (f->cause == CAUSE_TCP_RESET) {
		buf_puts(out, "RST");
		return;
	}
	if (f->cause == CAUSE_TCP_CLOSED)
		buf_puts(out, "FIN");
	else if (f->cause == CAUSE_TCP_REFUSED)
		buf_puts(out, "refused");
	else if (f->cause == CAUSE_DIAL_TIMEOUT)
		buf_puts(out, "timed out");
	else if (f->cause == CAUSE_HTTP_REFUSED)
		buf_printf(out, "HTTP %d", f->status);
	else
		escape_text(out, f->text, 80);
	buf_printf(out, " at %s", stage_name(f->stage));
}

/* A dial that opened under another number than its own is named too. */
static void
put_opened(struct buf *out, const struct event *ev)
{
	buf_printf(out, "%s c%" PRIu32, is_client(ev) && ev->u.opened.is_reconnect ? "reconnect" : "open", ev->conn);
	if (ev->dial != 0 && ev->dial != ev->conn)
		buf_printf(out, " (d%" PRIu32 ")", ev->dial);
}

static enum part
put_proxys(struct buf *out, const struct event *ev)
{
	const struct ev_ended *e = &ev->u.ended;

	switch (ev->type) {
	case EV_INJECT:
		escape_text(out, ev->u.inject.action, 80);
		buf_printf(out, " :%" PRIu32, ev->u.inject.line);
		return ev->conn == 0 ? PART_BEGIN : PART_EITHER;
	case EV_OPENED:
		if (ev->leg != LEG_CLIENT)
			return PART_NONE;
		buf_puts(out, "pass");
		return PART_BEGIN;
	case EV_FAILED:
		buf_puts(out, "server: ");
		cell_put_failure(out, &ev->u.failed);
		return PART_BEGIN;
	case EV_CLOSE:
		buf_puts(out, "pass");
		return PART_END;
	case EV_LOST:
		/* What the plan did stands there already, and what it passed on is seen at the other end. */
		if (e->cause == CAUSE_LOCAL_FAULT || e->cause == CAUSE_LOCAL_RELAY || e->cause == CAUSE_LOCAL_INTERRUPT)
			return PART_NONE;
		buf_printf(out, "%s from %s", e->cause == CAUSE_TCP_CLOSED ? "FIN" : e->cause == CAUSE_TCP_RESET ? "RST" : "end",
		    ev->leg == LEG_CLIENT ? "client" : "server");
		return PART_END;
	default: return PART_NONE;
	}
}

bool
cell_is_verdict(const struct event *ev)
{
	return ev->type == EV_OVERLAP || ev->type == EV_REPLAY || ev->type == EV_ORPHAN;
}

static enum part
put_verdict(struct buf *out, const struct event *ev)
{
	switch (ev->type) {
	case EV_OVERLAP: buf_printf(out, "overlap with c%" PRIu32, ev->u.overlap.with); break;
	case EV_REPLAY: buf_printf(out, "replay of c%" PRIu32, ev->u.replay.with); break;
	default: buf_printf(out, "orphan: d%" PRIu32 " opened before", ev->u.orphan.successor); break;
	}
	return PART_BEGIN;
}

enum part
cell_put(struct buf *out, const struct event *ev)
{
	if (cell_is_verdict(ev))
		return ev->src->role == ROLE_PROXY ? PART_NONE : put_verdict(out, ev);
	if (ev->type == EV_NOTE) {
		escape_text(out, ev->u.note.text, 0);
		return PART_EITHER;
	}
	if (ev->src->role == ROLE_PROXY)
		return put_proxys(out, ev);
	switch (ev->type) {
	case EV_OPENED:
		put_opened(out, ev);
		return PART_BEGIN;
	case EV_FAILED:
		buf_printf(out, "failed d%" PRIu32 ": ", ev->dial);
		cell_put_failure(out, &ev->u.failed);
		return PART_BEGIN;
	case EV_REJECT:
		buf_puts(out, "reject: ");
		escape_text(out, ev->u.reject.text, 80);
		return PART_BEGIN;
	case EV_LOST:
	case EV_CLOSE:
		put_end(out, ev);
		return PART_END;
	case EV_GHOST:
		buf_printf(out, "ghost c%" PRIu32 ": ", ev->conn);
		escape_text(out, ev->u.ghost.text, 0);
		return PART_END;
	case EV_GIVEUP:
		buf_puts(out, "gives up: ");
		escape_text(out, ev->u.giveup.text, 0);
		return PART_BEGIN;
	case EV_SUSPEND:
		if (!is_client(ev))
			return PART_NONE;
		buf_puts(out, "stalled for ");
		clock_format_duration(out, MAX(ev->u.suspend.slept, ev->u.suspend.stalled));
		return PART_EITHER;
	default: return PART_NONE;
	}
}
