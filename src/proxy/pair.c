/* SPDX-License-Identifier: MIT */
#include "proxy/pair_state.h"

#include "codec/close_code.h"
#include "net/tcp.h"

#include <assert.h>
#include <string.h>

int64_t
pair_now(const struct pair *p)
{
	return clock_mono(p->opt->loop->clock);
}

/* --- its end --- */

static void
leg_deinit(struct leg_side *l)
{
	head_io_deinit(&l->io);
	flow_deinit(&l->from);
}

void
pair_release(struct pair *p)
{
	if (--p->handles > 0)
		return;

	const struct pair_events *up = p->up;
	void *arg = p->up_arg;
	leg_deinit(pair_client(p));
	leg_deinit(pair_origin(p));
	watch_free(p->watch);
	buf_deinit(&p->request);
	free(p->key);
	free(p);
	up->gone(arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	pair_release(handle->data);
}

static void
on_closed(void *arg)
{
	struct leg_side *l = arg;
	struct pair *p = l->pair;

	if (l->was_opened) {
		struct event ev = pair_event(p, EV_GONE, l->which);

		ev.u.gone.after = pair_now(p) - l->told_us;
		journal_emit(p->opt->journal, &ev);
	}
	l->transport = NULL;
	pair_release(p);
}

/* --- legs --- */

void
leg_init(struct leg_side *l, struct pair *p, enum leg which)
{
	l->pair = p;
	l->which = which;
	l->close_due_us = -1;
	flow_init(&l->from, which == LEG_CLIENT ? FROM_CLIENT : FROM_SERVER, p->opt->loop->rng, &flow_up, l);
}

void
leg_close(struct leg_side *l, enum transport_close how, enum ending_reason why, const char *sent_end)
{
	if (!leg_is_up(l))
		return;
	/* What we ended before is not the peer's doing. */
	if (why == ENDING_BY_TRANSPORT && l->fin_why != ENDING_BY_TRANSPORT && how == TRANSPORT_GRACEFUL) {
		why = l->fin_why;
		sent_end = "FIN";
	}
	leg_tell_end(l, why, sent_end);
	l->is_closing = true;
	l->ended_as = how;
	transport_close(l->transport, how);
}

static const char *
name_of(enum transport_close how)
{
	return how == TRANSPORT_RST ? "RST" : how == TRANSPORT_FIN ? "FIN without close_notify" : "FIN";
}

/* Nothing was ended where nobody was: an origin that is still dialled is given up. */
void
leg_pass_on_end(struct leg_side *ended, enum transport_close how)
{
	struct leg_side *l = leg_other(ended);
	struct pair *p = l->pair;

	/* One that has a Close of ours to answer ends after that. */
	if (l->is_held || (l->is_closed_by_us && l->close_due_us >= 0))
		return;
	if (l->which == LEG_ORIGIN && p->dial != NULL) {
		dial_cancel(steal(&p->dial));
		pair_release(p);
		return;
	}
	if (!leg_is_up(l))
		return;
	if (how == TRANSPORT_FIN && transport_tls(l->transport) == NULL)
		how = TRANSPORT_GRACEFUL;
	/* What the ended one had sent belongs to this one, as far as it can be had at once. */
	if (how != TRANSPORT_RST)
		flow_flush(&ended->from, pair_now(p));
	leg_close(l, how, ENDING_RELAYED, name_of(how));
}

/* The ends of reading that leave nothing to write to either. */
static bool
find_cut(const struct leg_side *l, enum transport_close *ret_how)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n = transport_ends(l->transport, ends);
	bool is_cut = false;

	*ret_how = TRANSPORT_GRACEFUL;
	for (int i = 0; i < n; i++) {
		if (ends[i].kind == END_TRUNCATED || ends[i].kind == END_MID_RECORD) {
			*ret_how = TRANSPORT_FIN;
			is_cut = true;
		} else if (ends[i].kind != END_FIN && ends[i].kind != END_NOTIFY) {
			*ret_how = TRANSPORT_RST;
			return true;
		}
	}
	return is_cut;
}

/* It has sent a Close that was passed on, so the answer may still pass: the end is told when the leg is closed. */
static bool
waits_for_close(struct leg_side *l)
{
	return l->close_received && !l->close_sent && leg_other(l)->close_sent && leg_is_up(leg_other(l));
}

void
leg_owe_fin(struct leg_side *l, enum ending_reason why)
{
	if (l->write_over || l->owes_fin)
		return;
	l->owes_fin = true;
	/* After its own end ours is only the answer. */
	if (!l->read_over)
		l->fin_why = why;
}

void
leg_read_over(struct leg_side *l)
{
	struct pair *p = l->pair;
	enum transport_close how;

	if (l->read_over)
		return;
	l->read_over = true;
	flow_end(&l->from, pair_now(p));
	if (!leg_is_up(l))
		return;
	if (p->phase != PAIR_RELAY && p->phase != PAIR_RAW) {
		pair_gone_early(l);
		return;
	}
	if (find_cut(l, &how) || l->is_closed_by_us) {
		leg_close(l, how == TRANSPORT_FIN ? TRANSPORT_GRACEFUL : how, ENDING_BY_TRANSPORT, NULL);
		leg_pass_on_end(l, how);
		return;
	}
	if (!waits_for_close(l))
		leg_tell_end(l, l->fin_why, l->fin_why != ENDING_BY_TRANSPORT ? "FIN" : NULL);
	if (leg_is_up(leg_other(l)) && !leg_other(l)->is_held)
		leg_owe_fin(leg_other(l), ENDING_RELAYED);
}

/* The half-close that was passed on, once everything before it is written; and the end of a leg that is over both ways. */
static void
finish_leg(struct leg_side *l)
{
	struct leg_side *other = leg_other(l);

	if (!leg_is_up(l))
		return;
	if (l->owes_fin && !l->write_over && flow_is_empty(&other->from)) {
		l->owes_fin = false;
		l->write_over = true;
		(void)transport_half_close(l->transport);
	}
	/* A held leg lives as long as its far end wants. */
	if (l->read_over && (l->write_over || (!leg_is_up(other) && l->pair->dial == NULL && flow_is_empty(&other->from))))
		leg_close(l, TRANSPORT_GRACEFUL, ENDING_BY_TRANSPORT, NULL);
}

/* --- what is wanted, and when --- */

static unsigned
wanted_of(struct leg_side *l)
{
	struct pair *p = l->pair;
	struct leg_side *other = leg_other(l);
	unsigned bits = 0;

	switch (p->phase) {
	case PAIR_TLS: break;
	case PAIR_REQUEST:
		if (l->which == LEG_CLIENT && p->step == STEP_NONE)
			bits = T_READ;
		break;
	case PAIR_ANSWER:
		if (l->which == LEG_ORIGIN)
			bits = (p->step == STEP_NONE && other->io.out.len < HTTP_HEAD_MAX ? T_READ : 0) | (flow_is_blocked(&other->from) ? T_WRITE : 0);
		else
			bits = (p->has_body && !flow_is_full(&l->from) ? T_READ : 0) | (l->io.out.len > 0 ? T_WRITE : 0);
		break;
	case PAIR_REFUSING:
		if (l->which == LEG_CLIENT)
			bits = T_READ | (l->io.out.len > 0 ? T_WRITE : 0);
		break;
	case PAIR_RELAY:
	case PAIR_RAW:
		if (!l->read_over && !l->is_stalled && (!flow_is_full(&l->from) || !leg_is_up(other)))
			bits |= T_READ;
		if (flow_is_blocked(&other->from))
			bits |= T_WRITE;
		break;
	case PAIR_DIAL:
	case PAIR_SILENT:
	case PAIR_OVER: break;
	}
	return bits;
}

static void
take_earlier(int64_t *next, int64_t due)
{
	if (due >= 0 && (*next < 0 || due < *next))
		*next = due;
}

static void on_timer(uv_timer_t *timer);

static int64_t
next_due(struct pair *p)
{
	int64_t next = watch_next(p->watch);

	take_earlier(&next, p->step != STEP_NONE ? p->step_due_us : -1);
	take_earlier(&next, p->deadline_us);
	for (int i = 0; i < 2; i++)
		take_earlier(&next, p->legs[i].close_due_us);
	take_earlier(&next, p->kill_due_us);
	for (unsigned i = 0; i < p->n_expiries; i++)
		take_earlier(&next, p->expiries[i].due_us);
	for (int i = 0; i < 2; i++)
		if (leg_is_up(&p->legs[1 - i]))
			take_earlier(&next, flow_next(&p->legs[i].from));
	return next;
}

/* A timer that fires too early only looks again: it is not put off each time a byte comes. */
static void
arm(struct pair *p)
{
	int64_t next = next_due(p), now = pair_now(p);

	if (next < 0 || (p->armed_us >= 0 && p->armed_us <= next))
		return;
	p->armed_us = next;
	uv_update_time(&p->opt->loop->uv);
	uv_timer_start(&p->timer, on_timer, (uint64_t)MAX((next - now + US_PER_MS - 1) / US_PER_MS, INT64_C(0)), 0);
}

static bool
is_all_over(struct pair *p)
{
	return p->phase != PAIR_OVER && p->dial == NULL && p->step == STEP_NONE && !leg_is_up(pair_client(p)) && !leg_is_up(pair_origin(p));
}

void
pair_update(struct pair *p)
{
	if (p->phase == PAIR_OVER)
		return;
	if (p->phase == PAIR_RELAY || p->phase == PAIR_RAW) {
		finish_leg(pair_client(p));
		finish_leg(pair_origin(p));
		finish_leg(pair_client(p)); /* it may have waited for the end of the other */
	}
	if (is_all_over(p)) {
		p->phase = PAIR_OVER;
		if (p->replica != NULL)
			replica_stop(steal(&p->replica));
		uv_close((uv_handle_t *)&p->timer, on_timer_closed);
		return;
	}
	for (int i = 0; i < 2; i++)
		if (leg_is_up(&p->legs[i]) && p->phase != PAIR_TLS)
			transport_want(p->legs[i].transport, wanted_of(&p->legs[i]));
	arm(p);
}

/* Our Close was answered, or for long enough not. */
static void
end_closed(struct leg_side *l, int64_t now)
{
	if (l->close_due_us < 0 || now < l->close_due_us)
		return;
	l->close_due_us = -1;
	if (!leg_is_up(l) || l->is_held)
		return; /* held: a Close without the FIN that should follow */
	leg_close(l, TRANSPORT_GRACEFUL, l->close_why, "Close, then FIN");
	leg_pass_on_end(l, TRANSPORT_GRACEFUL);
}

static void
on_timer(uv_timer_t *timer)
{
	struct pair *p = timer->data;
	int64_t now = pair_now(p);
	enum pair_step step = p->step;

	p->armed_us = -1;
	for (int i = 0; i < 2; i++)
		end_closed(&p->legs[i], now);
	if (p->deadline_us >= 0 && now >= p->deadline_us) {
		p->deadline_us = -1;
		pair_deadline(p);
	}
	if (p->kill_due_us >= 0 && now >= p->kill_due_us) {
		p->kill_due_us = -1;
		pair_end_as(p, p->kill->how, (int)p->kill->number, span_of(p->kill->text), PLAN_BOTH_LEGS);
	}
	pair_expire(p, now);
	watch_due(p->watch, now);
	if (step != STEP_NONE && p->step == step && now >= p->step_due_us) {
		p->step = STEP_NONE;
		pair_fire_late(p);
		if (pair_awaits(p, step))
			pair_wait(p, step);
	}
	pair_flush(p);
	pair_update(p);
}

/* --- the client's beginning --- */

static void
note_addresses(struct leg_side *l)
{
	struct transport_stat stat;

	transport_stat(l->transport, &stat);
	memcpy(l->local, stat.local, sizeof(l->local));
	memcpy(l->peer, stat.peer, sizeof(l->peer));
}

static void
on_opened(void *arg)
{
	struct leg_side *l = arg;
	struct pair *p = l->pair;

	note_addresses(l);
	if (p->phase == PAIR_TLS)
		p->phase = PAIR_REQUEST;
	pair_update(p);
}

static void
on_failed(void *arg, const struct failure *f)
{
	struct leg_side *l = arg;

	pair_tell_reject(l->pair, 0, f->cause, f->text);
	leg_close(l, TRANSPORT_GRACEFUL, ENDING_BY_TRANSPORT, NULL);
	pair_update(l->pair);
}

static void
on_ready(void *arg, unsigned bits)
{
	struct leg_side *l = arg;
	struct pair *p = l->pair;

	if (p->phase == PAIR_RELAY || p->phase == PAIR_RAW)
		pair_ready_relay(l, bits);
	else
		pair_ready_upgrade(l, bits);
	pair_update(p);
}

const struct transport_events leg_events = { .opened = on_opened, .failed = on_failed, .ready = on_ready, .closed = on_closed };

/* TLS starts on an open transport: the socket's own opening comes first. */
static void
on_tcp_opened(void *arg)
{
	struct leg_side *l = arg;

	if (l->pair->phase != PAIR_TLS)
		return;
	l->transport = tls_start(l->pair->opt->loop, l->pair->opt->client_tls, NULL, l->transport, &leg_events, l);
	l->io.transport = l->transport;
}

static const struct transport_events tcp_events = { .opened = on_tcp_opened, .failed = on_failed, .ready = on_ready, .closed = on_closed };

struct pair *
pair_accept(const struct pair_options *opt, int fd, const char *peer, uint32_t accept, const struct pair_events *up, void *arg)
{
	struct pair *p = xcalloc(1, sizeof(*p));
	struct leg_side *c = pair_client(p);

	p->opt = opt;
	p->up = up;
	p->up_arg = arg;
	p->accept = accept;
	p->phase = PAIR_TLS;
	p->armed_us = p->kill_due_us = -1;
	p->handles = 2;
	leg_init(c, p, LEG_CLIENT);
	leg_init(pair_origin(p), p, LEG_ORIGIN);
	strncpy(c->peer, peer, sizeof(c->peer) - 1);
	p->began_us = pair_now(p);
	p->deadline_us = p->began_us + opt->upgrade_timeout_us;
	uv_timer_init(&opt->loop->uv, &p->timer);
	p->timer.data = p;
	c->transport = tcp_adopt(opt->loop, fd, opt->client_tls != NULL ? &tcp_events : &leg_events, c);
	head_io_init(&c->io, c->transport, false);
	p->watch = watch_new(opt->plan, accept, pair_fire, p);
	watch_accept(p->watch);
	if (pair_awaits(p, STEP_READ_REQUEST))
		pair_wait(p, STEP_READ_REQUEST);
	pair_update(p);
	return p;
}

bool
pair_is_open(const struct pair *p)
{
	return p->phase == PAIR_RELAY;
}

void
pair_kill(struct pair *p, const struct plan_action *how, int64_t after_us)
{
	p->kill = how;
	p->kill_due_us = pair_now(p) + after_us;
	pair_update(p);
}

void
pair_signal(struct pair *p, int signum)
{
	watch_signal(p->watch, signum);
	pair_flush(p);
	pair_update(p);
}

void
pair_line(struct pair *p, struct span typed)
{
	watch_line(p->watch, typed);
	pair_flush(p);
	pair_update(p);
}

/* A Close was written before: its answer, and the end, are given as long as those of a new one. */
static void
leg_say_goodbye(struct leg_side *l)
{
	leg_send_close(l, ENDING_INTERRUPTED, CLOSE_GOING_AWAY, SPAN_NONE);
	if (!leg_is_up(l) || l->close_due_us >= 0)
		return;
	l->close_why = ENDING_INTERRUPTED;
	l->close_due_us = pair_now(l->pair) + l->pair->opt->close_timeout_us;
}

void
pair_stop(struct pair *p, bool at_once)
{
	bool is_open = p->phase == PAIR_RELAY;

	if (p->phase == PAIR_OVER)
		return;
	p->step = STEP_NONE;
	for (int i = 0; i < 2; i++) {
		struct leg_side *l = &p->legs[i];

		l->is_held = l->is_stalled = false;
		if (is_open && !at_once)
			leg_say_goodbye(l);
		else
			leg_close(l, TRANSPORT_RST, ENDING_INTERRUPTED, "RST");
	}
	if (!is_open)
		pair_tell_reject(p, 0, CAUSE_LOCAL_INTERRUPT, "the proxy was stopped");
	if (p->dial != NULL) {
		dial_cancel(steal(&p->dial));
		pair_release(p);
	}
	pair_update(p);
}
