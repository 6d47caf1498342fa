/* SPDX-License-Identifier: MIT */
/* pair_upgrade: from the client's request to the answer it gets: the origin's own, or ours where there is none. */
#include "proxy/pair_state.h"

#include "codec/handshake.h"

#include <string.h>

/* Lets the step wait where a line said delay; else it is done at once. */
void
pair_wait(struct pair *p, enum pair_step step)
{
	int64_t wait = p->step_delay_us;

	p->step_delay_us = 0;
	if (wait <= 0) {
		pair_go_on(p, step);
		return;
	}
	p->step = step;
	p->step_due_us = pair_now(p) + wait;
	/* What the plan makes wait does not time out. */
	if (p->deadline_us >= 0)
		p->deadline_us += wait;
}

bool
pair_awaits(const struct pair *p, enum pair_step step)
{
	switch (step) {
	case STEP_READ_REQUEST: return (p->phase == PAIR_TLS || p->phase == PAIR_REQUEST) && leg_is_up(&p->legs[0]);
	/* A held origin is dialled for nobody, as one is that a hop dials before it notices. */
	case STEP_DIAL: return p->phase == PAIR_DIAL && (leg_is_up(&p->legs[0]) || p->legs[1].is_held);
	case STEP_ANSWER: return p->phase == PAIR_ANSWER;
	default: return false;
	}
}

/* --- an answer of our own --- */

static void
write_refusal(struct pair *p)
{
	struct leg_side *c = pair_client(p);

	if (leg_is_up(c) && head_io_write(&c->io))
		leg_close(c, TRANSPORT_GRACEFUL, ENDING_FAULT, "FIN");
}

void
pair_refuse(struct pair *p, int status, enum cause cause, const char *text)
{
	struct leg_side *c = pair_client(p);

	if (!leg_is_up(c) || p->phase == PAIR_REFUSING || p->phase == PAIR_SILENT || p->phase == PAIR_RELAY || p->phase == PAIR_RAW)
		return;
	pair_tell_reject(p, status, cause, text);
	if (!pair_origin(p)->is_held)
		leg_close(pair_origin(p), TRANSPORT_GRACEFUL, ENDING_FAULT, "FIN");
	handshake_write_refusal(&c->io.out, status, text);
	leg_tell_head(c, DIR_OUT, buf_span(&c->io.out));
	p->phase = PAIR_REFUSING;
	p->deadline_us = pair_now(p) + DRAIN_MS * US_PER_MS;
	write_refusal(p);
}

/* The origin did not come so far as to answer. */
static void
fail_origin(struct pair *p, const struct failure *f, const struct attempt_list *attempts, int status)
{
	struct leg_side *o = pair_origin(p);
	struct buf text CLEANUP(buf_deinit) = { 0 };

	pair_tell_failed(p, f, attempts, false);
	leg_close(o, f->cause == CAUSE_DIAL_TIMEOUT ? TRANSPORT_RST : TRANSPORT_GRACEFUL, ENDING_BY_TRANSPORT, NULL);
	buf_printf(&text, "The origin %s cannot be had: %s: %s.", p->opt->upstream->host_header, stage_name(f->stage), f->text);
	pair_refuse(p, status, f->cause, buf_cstr(&text));
}

void
pair_deadline(struct pair *p)
{
	struct failure f;

	switch (p->phase) {
	case PAIR_TLS:
		pair_tell_reject(p, 0, CAUSE_HTTP_TIMEOUT, "no TLS handshake in time");
		leg_close(pair_client(p), TRANSPORT_RST, ENDING_INTERRUPTED, "RST");
		break;
	case PAIR_REQUEST: pair_refuse(p, 408, CAUSE_HTTP_TIMEOUT, "No complete request head in time."); break;
	case PAIR_DIAL:
		failure_set(&f, dial_stage(p->dial), CAUSE_DIAL_TIMEOUT, 0, "no answer from %s in time", dial_target(p->dial));
		dial_cancel(steal(&p->dial));
		pair_release(p);
		fail_origin(p, &f, NULL, 504);
		break;
	case PAIR_ANSWER:
		failure_set(&f, STAGE_UPGRADE, CAUSE_DIAL_TIMEOUT, 0, "no %sanswer in time", pair_origin(p)->io.in.len > 0 ? "complete " : "");
		fail_origin(p, &f, NULL, 504);
		break;
	case PAIR_REFUSING: leg_close(pair_client(p), TRANSPORT_RST, ENDING_FAULT, "RST"); break;
	default: break;
	}
}

/* --- the request --- */

/* A server must refuse it (RFC 9112 section 3.2); to make one Host of it would hide the fault that is looked for. */
static bool
refuses_hosts(struct pair *p)
{
	const struct http_head *h = &pair_client(p)->io.head;
	size_t n = http_count(h, "Host");
	struct buf text CLEANUP(buf_deinit) = { 0 };

	if (p->opt->keeps_host || n == 1 || (n == 0 && h->minor == 0))
		return false;
	if (n == 0)
		buf_puts(&text, "The request has no Host header");
	else
		buf_printf(&text, "The request has %zu Host headers", n);
	buf_puts(&text, ", and there must be one (RFC 9112 3.2); the proxy's --keep-host passes it on all the same.");
	pair_refuse(p, 400, CAUSE_HTTP_INVALID, buf_cstr(&text));
	return true;
}

static void
on_request(struct pair *p)
{
	struct leg_side *c = pair_client(p);
	const struct header *key = http_find(&c->io.head, "Sec-WebSocket-Key", 0);

	leg_tell_head(c, DIR_IN, (struct span){ (const char *)buf_head(&c->io.in), c->io.head.length });
	tag_read(&p->tag, &c->io.head, p->opt->tag_query);
	p->key = key != NULL ? span_dup(key->value) : NULL;
	p->has_body = http_find(&c->io.head, "Content-Length", 0) != NULL || http_find(&c->io.head, "Transfer-Encoding", 0) != NULL;
	if (refuses_hosts(p))
		return;
	p->deadline_us = -1;
	p->phase = PAIR_DIAL;
	watch_request(p->watch, &c->io.head);
	if (pair_awaits(p, STEP_DIAL))
		pair_wait(p, STEP_DIAL);
}

/* The most frequent thing that is no HTTP: a record of a TLS handshake (RFC 8446 section 5.1). */
static const char *
name_stranger(const struct buf *in)
{
	const uint8_t *b = buf_head(in);

	return in->len >= 2 && b[0] == 22 && b[1] == 3 ? "This is TLS, but this port speaks plain ws://; wss:// needs --cert." : "This is not an HTTP request.";
}

static void
read_request(struct pair *p)
{
	struct leg_side *c = pair_client(p);
	const char *error = NULL;

	head_io_fill(&c->io, p->opt->loop);
	switch (head_io_parse(&c->io, &error)) {
	case HTTP_DONE: on_request(p); break;
	case HTTP_MORE: break;
	case HTTP_TOO_LARGE: pair_refuse(p, 431, CAUSE_HTTP_TOO_LARGE, "The head of the request is larger than 64 KiB."); break;
	case HTTP_NOT_HTTP: pair_refuse(p, 400, CAUSE_HTTP_NOT_HTTP, name_stranger(&c->io.in)); break;
	case HTTP_BAD: pair_refuse(p, 400, CAUSE_HTTP_INVALID, error); break;
	}
	if (c->io.is_over && p->phase == PAIR_REQUEST)
		leg_read_over(c);
}

/* --- the dial --- */

static void
feed_rest(struct leg_side *l)
{
	struct span rest = head_io_rest(&l->io);
	struct buf copy CLEANUP(buf_deinit) = { 0 };

	if (rest.n == 0)
		return;
	buf_append(&copy, rest.p, rest.n);
	buf_chop(&l->io.in, rest.n);
	flow_feed(&l->from, buf_head(&copy), copy.len, pair_now(l->pair));
}

static void
on_dial_opened(void *arg, struct transport *t, const struct dial_timing *timing, const struct attempt_list *attempts UNUSED)
{
	struct pair *p = arg;
	struct leg_side *o = pair_origin(p);
	struct transport_stat stat;

	p->dial = NULL; /* its handle goes over to the transport */
	p->timing = *timing;
	o->transport = t;
	transport_set_owner(t, &leg_events, o);
	transport_stat(t, &stat);
	memcpy(o->local, stat.local, sizeof(o->local));
	memcpy(o->peer, stat.peer, sizeof(o->peer));
	head_io_init(&o->io, t, true);
	p->phase = PAIR_ANSWER;
	p->request_us = pair_now(p);
	leg_tell_head(o, DIR_OUT, buf_span(&p->request));
	leg_write(o, buf_head(&p->request), p->request.len);
	if (p->has_body) {
		pair_client(p)->from.is_raw = true;
		feed_rest(pair_client(p));
	}
	if (p->replays)
		p->replica = replica_start(p);
	pair_update(p);
}

static void
on_dial_failed(void *arg, const struct failure *f, const struct attempt_list *attempts)
{
	struct pair *p = arg;

	p->dial = NULL;
	fail_origin(p, f, attempts, 502);
	pair_update(p);
	pair_release(p);
}

static const struct dial_events dial_up = { .opened = on_dial_opened, .failed = on_dial_failed };

struct dial *
pair_dial(struct pair *p, const struct dial_events *up, void *arg)
{
	const struct url *u = p->opt->upstream;
	const struct dial_options opt = {
		.host = u->host,
		.port = u->port,
		.families = p->opt->families,
		.tls = u->is_tls ? p->opt->origin_tls : NULL,
		.tls_name = p->opt->tls_name,
	};

	p->handles++;
	return dial_start(p->opt->loop, &opt, up, arg);
}

static void
start_dial(struct pair *p)
{
	struct event ev = pair_event(p, EV_DIAL, LEG_ORIGIN);

	pair_write_request(p);
	p->dial_us = pair_now(p);
	p->deadline_us = p->dial_us + p->opt->connect_timeout_us;
	ev.u.dialled.url = span_of(p->opt->upstream->text);
	journal_emit(p->opt->journal, &ev);
	p->dial = pair_dial(p, &dial_up, p);
}

/* --- the answer --- */

/* The client gets the answer; from now on bytes pass. */
static void
answer_client(struct pair *p)
{
	struct leg_side *c = pair_client(p), *o = pair_origin(p);
	bool is_open = o->io.head.status == 101;
	struct buf head CLEANUP(buf_deinit) = { 0 };

	pair_write_answer(p, &head);
	p->phase = is_open ? PAIR_RELAY : PAIR_RAW;
	c->from.is_raw = o->from.is_raw = !is_open;
	c->from.drops = !is_open && !p->has_body; /* the client was told that nothing more is answered here */
	if (!leg_is_up(c))
		return;
	leg_tell_head(c, DIR_OUT, buf_span(&head));
	if (is_open)
		pair_tell_opened(c);
	else
		pair_tell_reject(p, o->io.head.status, CAUSE_HTTP_REFUSED,
		    pair_asks_for_upgrade(p) ? "the origin's answer" : "the origin's answer, and no upgrade was asked for");
	leg_write(c, buf_head(&c->io.out), c->io.out.len); /* what is left of interim answers */
	leg_write(c, buf_head(&head), head.len);
	if (is_open)
		watch_open(p->watch, p->conn, pair_now(p));
	feed_rest(o);
	feed_rest(c);
	if (o->io.is_over)
		leg_read_over(o);
}

static void
on_answer(struct pair *p)
{
	struct leg_side *o = pair_origin(p);
	const struct header *extensions = http_find(&o->io.head, "Sec-WebSocket-Extensions", 0);

	leg_tell_head(o, DIR_IN, (struct span){ (const char *)buf_head(&o->io.in), o->io.head.length });
	p->deadline_us = -1;
	if (o->io.head.status == 101) {
		p->conn = p->up->opens(p->up_arg);
		p->timing.upgrade = pair_now(p) - p->request_us;
		o->from.decoder.rsv1_allowed = pair_client(p)->from.decoder.rsv1_allowed = extensions != NULL && span_contains_ci(extensions->value, "permessage-deflate");
		pair_tell_opened(o);
	} else {
		struct failure f;

		failure_set(&f, STAGE_UPGRADE, CAUSE_HTTP_REFUSED, 0, "HTTP %d %s", o->io.head.status, http_reason(o->io.head.status));
		pair_tell_failed(p, &f, NULL, true);
	}
	watch_response(p->watch);
	if (pair_awaits(p, STEP_ANSWER))
		pair_wait(p, STEP_ANSWER);
}

static void
fail_answer(struct pair *p, enum cause cause, const char *text)
{
	struct failure f;

	failure_set(&f, STAGE_UPGRADE, cause, 0, "%s", text);
	fail_origin(p, &f, NULL, 502);
}

/* 103 and its like: a relay passes them on (RFC 9110 section 15.2), and it is the next one that counts; but for 101, which is final here. */
static void
pass_interim(struct pair *p)
{
	struct leg_side *c = pair_client(p), *o = pair_origin(p);
	struct span head = { (const char *)buf_head(&o->io.in), o->io.head.length };

	leg_tell_head(o, DIR_IN, head);
	if (leg_is_up(c)) {
		leg_tell_head(c, DIR_OUT, head);
		buf_append(&c->io.out, head.p, head.n);
		(void)head_io_write(&c->io);
	}
	buf_consume(&o->io.in, head.n);
	o->io.seen = 0;
}

static void
read_answer(struct pair *p)
{
	struct leg_side *o = pair_origin(p);
	const char *error = NULL;

	head_io_fill(&o->io, p->opt->loop);
	/* Where the client is gone a failed answer changes no phase, and only ends the leg. */
	while (p->phase == PAIR_ANSWER && p->step == STEP_NONE && leg_is_up(o) && o->io.in.len > 0) {
		enum http_result r = head_io_parse(&o->io, &error);
		int status = o->io.head.status;

		if (r == HTTP_MORE)
			break;
		if (r == HTTP_TOO_LARGE)
			fail_answer(p, CAUSE_HTTP_TOO_LARGE, "the head of the answer is larger than 64 KiB");
		else if (r == HTTP_NOT_HTTP)
			fail_answer(p, CAUSE_HTTP_NOT_HTTP, "the answer is not HTTP");
		else if (r == HTTP_BAD)
			fail_answer(p, CAUSE_HTTP_INVALID, error);
		else if (status >= 100 && status < 200 && status != 101) {
			pass_interim(p);
		} else {
			on_answer(p);
			return;
		}
	}
	if (o->io.is_over && p->phase == PAIR_ANSWER && p->step == STEP_NONE && leg_is_up(o))
		leg_read_over(o);
}

/* --- what happens meanwhile --- */

static enum cause
cause_of_end(const struct leg_side *l)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n = transport_ends(l->transport, ends);

	for (int i = 0; i < n; i++)
		if (ends[i].kind == END_ERRNO)
			return cause_of_errno(ends[i].code);
	return CAUSE_TCP_CLOSED;
}

/* A leg ended before anything was relayed. */
void
pair_gone_early(struct leg_side *l)
{
	struct pair *p = l->pair;
	enum cause cause = cause_of_end(l);
	struct failure f;

	if (l->which == LEG_ORIGIN) {
		if (l->is_told || l->was_opened) { /* it had answered */
			leg_close(l, TRANSPORT_GRACEFUL, ENDING_BY_TRANSPORT, NULL);
			leg_pass_on_end(l, cause == CAUSE_TCP_RESET ? TRANSPORT_RST : TRANSPORT_GRACEFUL);
			return;
		}
		failure_set(&f, STAGE_UPGRADE, cause, 0, "%s %s", cause == CAUSE_TCP_RESET ? "RST" : "FIN",
		    l->io.in.len > 0 ? "in the middle of the answer" : "before any answer");
		fail_origin(p, &f, NULL, 502);
		return;
	}
	pair_tell_reject(p, 0, cause, p->phase == PAIR_REQUEST || p->phase == PAIR_TLS
	    ? (l->io.in.len > 0 ? "gone in the middle of the request" : "gone before any request") : "gone before the answer");
	leg_close(l, TRANSPORT_GRACEFUL, ENDING_BY_TRANSPORT, NULL);
	if (p->phase == PAIR_DIAL && p->step != STEP_NONE && !pair_origin(p)->is_held)
		p->step = STEP_NONE;
	leg_pass_on_end(l, cause == CAUSE_TCP_RESET ? TRANSPORT_RST : TRANSPORT_GRACEFUL);
	if (!leg_is_up(pair_origin(p)) && p->dial == NULL)
		p->step = STEP_NONE;
}

void
pair_go_on(struct pair *p, enum pair_step step)
{
	switch (step) {
	case STEP_NONE:
	case STEP_READ_REQUEST: break;
	case STEP_DIAL: start_dial(p); break;
	case STEP_ANSWER: answer_client(p); break;
	}
}

void
pair_ready_upgrade(struct leg_side *l, unsigned bits)
{
	struct pair *p = l->pair;

	if (!leg_is_up(l))
		return;
	if (l->which == LEG_ORIGIN && (bits & T_WRITE))
		flow_flush(&pair_client(p)->from, pair_now(p));
	if (p->phase == PAIR_ANSWER && l->which == LEG_CLIENT && (bits & T_WRITE))
		(void)head_io_write(&l->io);
	if (p->phase == PAIR_REFUSING && l->which == LEG_CLIENT) {
		buf_clear(&l->io.in);
		head_io_fill(&l->io, p->opt->loop);
		if (l->io.is_over)
			leg_close(l, TRANSPORT_GRACEFUL, ENDING_BY_TRANSPORT, NULL);
		else
			write_refusal(p);
	} else if (p->phase == PAIR_REQUEST && l->which == LEG_CLIENT && (bits & T_READ)) {
		read_request(p);
	} else if (p->phase == PAIR_ANSWER && l->which == LEG_ORIGIN && (bits & T_READ)) {
		read_answer(p);
	} else if (p->phase == PAIR_ANSWER && l->which == LEG_CLIENT && (bits & T_READ)) {
		pair_ready_relay(l, bits);
	} else if (p->step == STEP_ANSWER && l->which == LEG_ORIGIN) {
		/* Its answer waits, and its end behind it: both are read when the client gets them. */
	} else if (bits & T_END) {
		/* What it had sent before does not matter any more, but how it ended does. */
		for (int i = 0; i < PAIR_READS_A_TURN && transport_read(l->transport, p->opt->loop->scratch, LOOP_SCRATCH) > 0; i++)
			;
		l->read_over = true;
		pair_gone_early(l);
	}
}
