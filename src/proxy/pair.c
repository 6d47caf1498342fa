/* SPDX-License-Identifier: MIT */
#include "proxy/pair_state.h"

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

static void
leg_init(struct leg_side *l, struct pair *p, enum leg which)
{
	l->pair = p;
	l->which = which;
	l->close_due_us = -1;
	flow_init(&l->from, which == LEG_CLIENT ? FROM_CLIENT : FROM_SERVER, p->opt->loop->rng, &flow_up, l);
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
	take_earlier(&next, expiries_next(&p->expiries));
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
		leg_finish(pair_client(p));
		leg_finish(pair_origin(p));
		leg_finish(pair_client(p)); /* it may have waited for the end of the other */
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

static void
on_timer(uv_timer_t *timer)
{
	struct pair *p = timer->data;
	int64_t now = pair_now(p);
	enum pair_step step = p->step;

	p->armed_us = -1;
	for (int i = 0; i < 2; i++)
		leg_end_closed(&p->legs[i], now);
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
