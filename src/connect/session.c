/* SPDX-License-Identifier: MIT */
#include "connect/session_state.h"

#include "cli/exit_status.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* A connection that lived so long makes the next delay a first one again. */
enum { LASTING_S = 5 };

int64_t
session_now(const struct session *s)
{
	return clock_mono(session_loop(s)->clock);
}

static void
forget_ghost(struct session *s, struct bond *b)
{
	if (!b->is_ghost)
		return;
	b->is_ghost = false;
	list_remove(&b->link);
	s->n_ghosts--;
}

/* --- the end --- */

void
session_release(struct session *s)
{
	if (--s->open_objects == 0)
		s->up->gone(s->up_arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	session_release(handle->data);
}

/* Ghosts never delay it. */
void
session_end_with(struct session *s, int status)
{
	s->status = status;
	summary_end_down(&s->sum, session_now(s));
	if (s->opt.stays) {
		s->is_closing = false;
		s->up->idle(s->up_arg, status);
		return;
	}
	s->is_over = true;
	s->undelivered += outbox_bytes(&s->outbox);
	while (!list_is_empty(&s->ghosts)) {
		struct bond *b = container_of(s->ghosts.next, struct bond, link);

		forget_ghost(s, b);
		conn_release(b->conn);
	}
	uv_close((uv_handle_t *)&s->retry, on_timer_closed);
	uv_close((uv_handle_t *)&s->heartbeat, on_timer_closed);
	s->up->ended(s->up_arg, status);
}

/* --- the connection --- */

static void
on_chunk(void *arg, const struct stream_chunk *c)
{
	struct bond *b = arg;
	struct session *s = b->session;

	if (c->last)
		s->received_now++;
	if (b == s->current || s->opt.stays)
		s->up->chunk(s->up_arg, c);
}

static void
on_writable(void *arg)
{
	struct bond *b = arg;

	if (b == b->session->current)
		b->session->up->writable(b->session->up_arg);
}

static void
on_pong(void *arg, int64_t rtt_us)
{
	struct session *s = ((struct bond *)arg)->session;

	summary_add_rtt(&s->sum, rtt_us);
}

/* What it did not hand over waits for the next connection, or is counted as lost with the session. */
static void
settle_outbox(struct session *s, const struct conn *c, const struct ev_ended *e)
{
	if (!s->opt.policy.enabled) {
		s->undelivered += (uint64_t)e->unsent + e->partial_out;
		return;
	}
	outbox_handed(&s->outbox, conn_handed(c));
	outbox_cut(&s->outbox);
}

static void
hold_ghost(struct session *s, struct bond *b)
{
	list_append(&s->ghosts, &b->link);
	b->is_ghost = true;
	if (++s->n_ghosts > SESSION_GHOSTS_MAX) {
		struct bond *oldest = container_of(s->ghosts.next, struct bond, link);

		forget_ghost(s, oldest);
		conn_release(oldest->conn);
	}
}

/* The last one has ended: what now? */
static void
go_on_without(struct session *s, enum event_type type, const struct ev_ended *e, bool we_closed_first)
{
	const char *why;

	if (e->age >= LASTING_S * US_PER_S)
		s->step = 0;
	s->status = exit_of_end(e, we_closed_first);
	if (s->redials && !s->is_closing) {
		s->redials = false;
		s->up->interrupted(s->up_arg);
		target_reset(&s->target);
		session_start_dial(s);
	} else if (!s->is_closing && policy_after_end(&s->opt.policy, type, e, we_closed_first, &why)) {
		s->up->interrupted(s->up_arg);
		session_schedule(s, US_UNKNOWN);
	} else {
		if (s->opt.policy.enabled && !s->is_closing && !we_closed_first)
			session_give_up(s, why);
		session_end_with(s, s->status);
	}
}

static void
on_ended(void *arg, enum event_type type, const struct ev_ended *e, bool we_closed_first)
{
	struct bond *b = arg;
	struct session *s = b->session;
	bool was_current = b == s->current;

	list_remove(&b->link);
	summary_add_end(&s->sum, type, e, session_now(s));
	if (e->held)
		hold_ghost(s, b);
	if (!was_current)
		return;
	settle_outbox(s, b->conn, e);
	s->current = list_is_empty(&s->bonds) ? NULL : container_of(s->bonds.prev, struct bond, link);
	if (s->current != NULL)
		s->up->interrupted(s->up_arg);
	else if (s->client == NULL) /* else another is on its way */
		go_on_without(s, type, e, we_closed_first);
}

static void
on_conn_gone(void *arg)
{
	struct bond *b = arg;
	struct session *s = b->session;

	forget_ghost(s, b);
	free(b);
	session_release(s);
}

const struct conn_events session_conn_up = {
	.chunk = on_chunk,
	.writable = on_writable,
	.pong = on_pong,
	.ended = on_ended,
	.gone = on_conn_gone,
};

/* --- heartbeats --- */

/* Data where a hop ignores control frames; not into the middle of another message, which keeps the hop awake as well, nor behind what nobody reads. */
static void
on_heartbeat(uv_timer_t *timer)
{
	struct session *s = timer->data;

	if (!session_is_full(s))
		session_send_now(s, OP_TEXT, span_of(s->opt.heartbeat));
}

/* --- the interface --- */

int
session_new(const struct session_options *opt, const struct session_events *up, void *arg, struct session **ret, char **ret_error)
{
	struct session *s = xcalloc(1, sizeof(*s));
	int status;

	s->opt = *opt;
	s->up = up;
	s->up_arg = arg;
	list_init(&s->bonds);
	list_init(&s->ghosts);
	if (target_init(&s->target, &s->opt, ret_error) != 0) {
		session_free(s);
		return EXIT_URL;
	}
	status = session_need_tls(s, ret_error);
	if (status != 0) {
		session_free(s);
		return status;
	}
	outbox_init(&s->outbox, opt->resend_max);
	snprintf(s->name, sizeof(s->name), "%016" PRIx64 "-1", session_journal(s)->src.run);
	*ret = s;
	return 0;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	assert(s->open_objects == 0);
	target_deinit(&s->target);
	free(s->given_url);
	outbox_deinit(&s->outbox);
	tls_context_free(s->tls);
	free(s);
}

struct span
session_name(const struct session *s)
{
	return span_of(s->name);
}

struct span
session_url(const struct session *s)
{
	return span_of(s->target.given.text);
}

void
session_start(struct session *s)
{
	uint64_t beat_ms = (uint64_t)(s->opt.heartbeat_us / US_PER_MS);

	uv_timer_init(&session_loop(s)->uv, &s->retry);
	uv_timer_init(&session_loop(s)->uv, &s->heartbeat);
	s->retry.data = s->heartbeat.data = s;
	s->open_objects = 2;
	s->sum.began_us = session_now(s);
	if (beat_ms > 0)
		uv_timer_start(&s->heartbeat, on_heartbeat, beat_ms, beat_ms);
	session_start_dial(s);
}

bool
session_send(struct session *s, uint8_t opcode, const void *data, size_t n, bool last)
{
	struct conn *c = session_conn(s);

	if (s->is_over || s->is_closing)
		return false;
	if (!s->opt.policy.enabled)
		return c != NULL && conn_send(c, opcode, data, n, last);
	if (c != NULL)
		outbox_handed(&s->outbox, conn_handed(c));
	if (outbox_add(&s->outbox, opcode, data, n, last) && c != NULL && conn_send(c, opcode, data, n, last))
		outbox_sent(&s->outbox, conn_queued(c));
	return true;
}

bool
session_send_now(struct session *s, uint8_t opcode, struct span data)
{
	struct conn *c = session_conn(s);

	return c != NULL && !conn_is_mid_message(c) && conn_send(c, opcode, data.p, data.n, true);
}

bool
session_is_full(const struct session *s)
{
	const struct conn *c = session_conn(s);

	return c == NULL || !conn_is_open(c) || conn_is_full(c);
}

bool
session_is_paused(const struct session *s)
{
	const struct conn *c = session_conn(s);

	return c != NULL && conn_is_paused(c);
}

bool
session_is_sent(struct session *s)
{
	const struct conn *c = session_conn(s);

	if (c != NULL)
		outbox_handed(&s->outbox, conn_handed(c));
	return (c == NULL || conn_unsent(c) == 0) && outbox_is_empty(&s->outbox);
}

void
session_pause(struct session *s, bool paused)
{
	struct conn *c = session_conn(s);

	if (c != NULL)
		conn_pause(c, paused);
}

static void
cancel_dial(struct session *s)
{
	if (s->client == NULL)
		return;
	client_cancel(steal(&s->client));
	free(steal(&s->dialling));
	s->sum.failed++;
	if (s->status == EXIT_OK)
		s->status = EXIT_LOST;
}

void
session_end_all(struct session *s, int code, bool at_once)
{
	struct list *next;
	bool any = !list_is_empty(&s->bonds);

	if (s->is_over)
		return;
	s->is_closing = true;
	cancel_dial(s);
	uv_timer_stop(&s->retry);
	for (struct list *l = s->bonds.next; l != &s->bonds; l = next) {
		struct conn *c = container_of(l, struct bond, link)->conn;

		next = l->next;
		if (at_once)
			conn_abort(c, ENDING_INTERRUPTED, TRANSPORT_RST);
		else
			conn_close(c, code, SPAN_NONE);
	}
	if (!any)
		session_end_with(s, s->status);
}

void
session_close(struct session *s, int code)
{
	session_end_all(s, code, false);
}

void
session_abort(struct session *s)
{
	session_end_all(s, 0, true);
}

uint64_t
session_received(const struct session *s)
{
	return s->received_now;
}

uint64_t
session_undelivered(const struct session *s)
{
	return s->undelivered;
}

uint64_t
session_cut_messages(const struct session *s)
{
	return s->outbox.lost;
}

void
session_emit_end(struct session *s, int exit_status)
{
	summary_emit(&s->sum, session_journal(s), span_of(s->name), session_now(s), exit_status);
}

const struct summary *
session_summary(const struct session *s)
{
	return &s->sum;
}
