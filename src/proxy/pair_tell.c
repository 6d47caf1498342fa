/* SPDX-License-Identifier: MIT */
/* pair_tell: the events of a pair, each with its leg. */
#include "proxy/pair_state.h"

#include "codec/close_code.h"
#include "codec/handshake.h"

#include <string.h>

struct event
pair_event(struct pair *p, enum event_type type, enum leg leg)
{
	struct event ev = { .type = type, .conn = p->conn, .dial = p->tag.dial, .leg = leg };

	if (p->tag.session[0] != '\0')
		ev.session = span_of(p->tag.session);
	return ev;
}

static void
tell(struct pair *p, struct event *ev)
{
	journal_emit(p->opt->journal, ev);
	if (ev->leg == LEG_CLIENT)
		p->up->told(p->up_arg, ev, pair_client(p)->peer);
}

void
pair_tell_inject(struct pair *p, const struct plan_line *line)
{
	struct event ev = pair_event(p, EV_INJECT, LEG_NONE);

	ev.u.inject = watch_inject(p->watch, line, pair_client(p)->peer);
	journal_emit(p->opt->journal, &ev);
}

static struct header_list
headers_of(const struct leg_side *l)
{
	return (struct header_list){ l->io.head.headers, l->io.head.n_headers };
}

void
pair_tell_reject(struct pair *p, int status, enum cause cause, const char *text)
{
	struct leg_side *c = pair_client(p);
	struct event ev = pair_event(p, EV_REJECT, LEG_CLIENT);

	if (c->is_told)
		return;
	c->is_told = true;
	c->told_us = pair_now(p);
	ev.u.reject = (struct ev_reject){
		.peer = span_of(c->peer),
		.status = status,
		.cause = cause,
		.text = span_of(text),
		.request = c->io.head.first_line,
		.headers = headers_of(c),
		.took = pair_now(p) - p->began_us,
	};
	tell(p, &ev);
}

void
pair_tell_failed(struct pair *p, const struct failure *f, const struct attempt_list *attempts, bool has_answer)
{
	struct leg_side *o = pair_origin(p);
	struct event ev = pair_event(p, EV_FAILED, LEG_ORIGIN);
	struct buf hop CLEANUP(buf_deinit) = { 0 };

	o->is_told = true;
	ev.u.failed = (struct ev_failed){
		.stage = f->stage,
		.cause = f->cause,
		.code = f->code,
		.text = span_of(f->text),
		.took = pair_now(p) - p->dial_us,
		.attempts = attempts != NULL ? *attempts : (struct attempt_list){ 0 },
		.ws_key = span_of(p->key),
		.local = o->transport != NULL ? span_of(o->local) : SPAN_NONE,
	};
	if (has_answer) {
		ev.u.failed.status = o->io.head.status;
		ev.u.failed.headers = headers_of(o);
		handshake_name_hop(&hop, &ev.u.failed.headers);
		ev.u.failed.hop = hop.len > 0 ? buf_span(&hop) : SPAN_NONE;
	}
	journal_emit(p->opt->journal, &ev);
}

static struct span
value_of(const struct http_head *h, const char *name)
{
	const struct header *found = http_find(h, name, 0);

	return found != NULL ? found->value : SPAN_NONE;
}

/* On the client leg what a server knows, on the origin leg what a client does. */
void
pair_tell_opened(struct leg_side *l)
{
	struct pair *p = l->pair;
	bool is_client = l->which == LEG_CLIENT;
	struct leg_side *c = pair_client(p), *o = pair_origin(p);
	struct event ev = pair_event(p, EV_OPENED, l->which);
	struct buf hop CLEANUP(buf_deinit) = { 0 }, url CLEANUP(buf_deinit) = { 0 };
	struct header_list answer = headers_of(o);
	struct span target = c->io.head.target, host = value_of(&c->io.head, "Host");

	l->was_opened = true;
	l->opened_us = l->last_rx_us = l->last_tx_us = pair_now(p);
	buf_puts(&url, (is_client ? p->opt->client_tls != NULL : p->opt->upstream->is_tls) ? "wss://" : "ws://");
	if (is_client)
		buf_append(&url, host.p, host.n);
	else
		buf_puts(&url, p->opt->upstream->host_header);
	buf_append(&url, target.p, target.n);
	handshake_name_hop(&hop, &answer);
	ev.u.opened = (struct ev_opened){
		.is_reconnect = is_client && ev.session.n > 0 && !journal_is_first(p->opt->journal, ev.session),
		.url = buf_span(&url),
		.peer = span_of(l->peer),
		.local = span_of(l->local),
		.ws_key = span_of(p->key),
		.status = o->io.head.status,
		.headers = headers_of(l),
		.subprotocol = value_of(&o->io.head, "Sec-WebSocket-Protocol"),
		.extensions = value_of(&o->io.head, "Sec-WebSocket-Extensions"),
		.forwarded_for = is_client ? value_of(&c->io.head, "X-Forwarded-For") : SPAN_NONE,
		.tls = transport_tls(l->transport),
		.timing = is_client ? (struct dial_timing){ US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, pair_now(p) - p->began_us } : p->timing,
		.hop = !is_client && hop.len > 0 ? buf_span(&hop) : SPAN_NONE,
		.down = US_UNKNOWN,
	};
	tell(p, &ev);
}

static int64_t
since(int64_t now, int64_t then)
{
	return then > 0 ? now - then : US_UNKNOWN;
}

void
leg_tell_end(struct leg_side *l, enum ending_reason why, const char *sent_end)
{
	struct pair *p = l->pair;
	int64_t now = pair_now(p);
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	struct transport_stat stat;
	struct event ev = pair_event(p, EV_LOST, l->which);
	struct buf text CLEANUP(buf_deinit) = { 0 };
	struct leg_side *other = leg_other(l);

	if (l->is_told || !l->was_opened)
		return;
	l->is_told = true;
	l->told_us = now;
	transport_stat(l->transport, &stat);
	const struct ending_facts facts = {
		.reason = why,
		.is_server = l->which == LEG_CLIENT,
		.close_received = l->close_received,
		.close_sent = l->close_sent,
		.we_closed_first = l->we_closed_first,
		.code_received = l->code_received,
		.code_sent = l->code_sent,
		.reason_received = { l->reason, l->n_reason },
		.answered_us = l->second_close_us > 0 ? l->second_close_us - l->first_close_us : US_UNKNOWN,
		.ends = ends,
		.n_ends = transport_ends(l->transport, ends),
		.waited_us = US_UNKNOWN,
		.sent_end = sent_end,
	};
	if (ending_judge(&facts, &ev.u.ended, &text))
		ev.type = EV_CLOSE;
	struct ev_ended *e = &ev.u.ended;
	e->text = buf_span(&text);
	e->age = now - l->opened_us;
	e->silent_rx = since(now, l->last_rx_us);
	e->silent_tx = since(now, l->last_tx_us);
	e->rtt = US_UNKNOWN;
	e->sent = l->sent;
	e->received = (struct traffic){ l->from.messages, l->from.bytes };
	e->unsent = (int64_t)(other->from.out.len + other->from.delayed.len + transport_pending(l->transport));
	e->unacked = stat.unacked;
	e->tcp = stat.has_tcp ? &stat.tcp : NULL;
	tell(p, &ev);
	p->up->ended(p->up_arg, l->which, ev.type == EV_LOST, &e->sent, &e->received);
}

void
leg_tell_head(struct leg_side *l, enum direction dir, struct span text)
{
	struct event ev = pair_event(l->pair, EV_HEAD, l->which);

	if (!journal_wants(l->pair->opt->journal, EV_HEAD))
		return;
	ev.u.head = (struct ev_head){ .dir = dir, .text = text };
	journal_emit(l->pair->opt->journal, &ev);
}
