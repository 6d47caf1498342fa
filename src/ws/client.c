/* SPDX-License-Identifier: MIT */
#include "ws/client.h"

#include "base/escape.h"
#include "codec/http_body.h"
#include "ws/head_io.h"

#include <assert.h>
#include <string.h>

enum phase { PHASE_DIALLING, PHASE_UPGRADING, PHASE_BODY, PHASE_OVER };

struct client {
	struct client_options opt;
	const struct client_events *up;
	void *up_arg;
	enum phase phase;
	struct dial *dial;               /* while dialling */
	struct transport *transport;     /* afterwards */
	struct head_io io;
	uv_timer_t deadline, body_wait;
	int handles;
	bool is_cancelled, is_open;
	int64_t began_us, upgrade_us;    /* when it, and its upgrade, began */
	struct dial_timing timing;
	struct attempt attempts[DIAL_ATTEMPTS_MAX];
	size_t n_attempts;
	char key[WS_KEY_SIZE];
	char *sent_key;                  /* ours, or what a header of the user's says instead */
	struct conn *conn;
};

static int64_t
now_us(const struct client *c)
{
	return clock_mono(c->opt.conn.loop->clock);
}

/* --- the end of a dial --- */

static void
release(struct client *c)
{
	if (--c->handles > 0)
		return;

	const struct client_events *up = c->up;
	void *arg = c->up_arg;
	bool was_open = c->is_open;
	for (size_t i = 0; i < c->n_attempts; i++)
		free((char *)c->attempts[i].address.p);
	head_io_deinit(&c->io);
	free(c->sent_key);
	free(c);
	if (!was_open)
		up->gone(arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static void
on_closed(void *arg)
{
	release(arg);
}

static void
close_timers(struct client *c)
{
	uv_close((uv_handle_t *)&c->deadline, on_timer_closed);
	uv_close((uv_handle_t *)&c->body_wait, on_timer_closed);
}

static struct attempt_list
attempts_of(const struct client *c)
{
	return (struct attempt_list){ c->attempts, c->n_attempts };
}

static void
keep_attempts(struct client *c, const struct attempt_list *list)
{
	for (size_t i = 0; i < list->n && c->n_attempts < DIAL_ATTEMPTS_MAX; i++) {
		struct attempt *a = &c->attempts[c->n_attempts++];
		char *address = span_dup(list->items[i].address);

		*a = list->items[i];
		a->address = span_of(address);
	}
}

/* status 0: no answer was understood. */
static void
fail(struct client *c, const struct failure *f, bool has_answer, struct span body)
{
	struct event ev = conn_event(&c->opt.conn, EV_FAILED);
	struct client_failure told = { .failure = *f };
	struct transport_stat stat;
	struct buf hop = { 0 };

	ev.conn = 0;
	ev.u.failed = (struct ev_failed){
		.stage = f->stage,
		.cause = f->cause,
		.code = f->code,
		.text = span_of(f->text),
		.took = now_us(c) - c->began_us,
		.attempts = attempts_of(c),
	};
	if (c->transport != NULL) {
		transport_stat(c->transport, &stat);
		ev.u.failed.local = span_of(stat.local);
		ev.u.failed.ws_key = span_of(c->sent_key);
	}
	if (has_answer) {
		const struct header *location = http_find(&c->io.head, "Location", 0), *after = http_find(&c->io.head, "Retry-After", 0);

		ev.u.failed.headers = (struct header_list){ c->io.head.headers, c->io.head.n_headers };
		handshake_name_hop(&hop, &ev.u.failed.headers);
		ev.u.failed.hop = hop.len > 0 ? buf_span(&hop) : SPAN_NONE;
		ev.u.failed.status = told.status = c->io.head.status;
		ev.u.failed.body = body;
		if (location != NULL && told.status >= 300 && told.status < 400)
			told.location = location->value;
		if (after != NULL)
			told.retry_after = after->value;
	}
	c->phase = PHASE_OVER;
	journal_emit(c->opt.conn.journal, &ev);
	if (!c->is_cancelled)
		c->up->failed(c->up_arg, &told);
	buf_deinit(&hop);
	/* Who was silent all along will not answer a FIN either, and who was told to stop does not wait. */
	if (c->transport != NULL)
		transport_close(c->transport, f->cause == CAUSE_DIAL_TIMEOUT || c->is_cancelled ? TRANSPORT_RST : TRANSPORT_GRACEFUL);
	close_timers(c);
}

static void
fail_upgrade(struct client *c, enum cause cause, const char *text)
{
	struct failure f;

	failure_set(&f, STAGE_UPGRADE, cause, 0, "%s", text);
	f.answered = c->io.in.len > 0;
	fail(c, &f, false, SPAN_NONE);
}

/* --- the upgrade --- */

static void
emit_head(struct client *c, enum direction dir, struct span text)
{
	struct event ev = conn_event(&c->opt.conn, EV_HEAD);

	if (!journal_wants(c->opt.conn.journal, EV_HEAD))
		return;
	ev.conn = 0;
	ev.u.head = (struct ev_head){ .dir = dir, .text = text };
	journal_emit(c->opt.conn.journal, &ev);
}

static void
open_conn(struct client *c, const struct handshake_answer *answer)
{
	struct event ev = conn_event(&c->opt.conn, EV_OPENED);
	struct header_list headers = { c->io.head.headers, c->io.head.n_headers };
	struct transport_stat stat;
	struct buf hop = { 0 };

	c->timing.upgrade = now_us(c) - c->upgrade_us;
	transport_stat(c->transport, &stat);
	handshake_name_hop(&hop, &headers);
	ev.u.opened = (struct ev_opened){
		.is_reconnect = !journal_is_first(c->opt.conn.journal, c->opt.conn.session),
		.url = span_of(c->opt.url->text),
		.peer = span_of(stat.peer),
		.local = span_of(stat.local),
		.ws_key = span_of(c->sent_key),
		.status = c->io.head.status,
		.headers = headers,
		.subprotocol = answer->subprotocol,
		.extensions = answer->extensions,
		.tls = transport_tls(c->transport),
		.timing = c->timing,
		.attempts = attempts_of(c),
		.hop = hop.len > 0 ? buf_span(&hop) : SPAN_NONE,
		.down = c->opt.down_us == US_UNKNOWN ? US_UNKNOWN : c->opt.down_us + now_us(c) - c->began_us,
		.failed = c->opt.failed,
	};
	journal_emit(c->opt.conn.journal, &ev);
	buf_deinit(&hop);
	c->phase = PHASE_OVER;
	c->is_open = true;
	c->handles--; /* the transport is the conn's */
	c->conn = conn_open(&c->opt.conn, c->transport, head_io_rest(&c->io), buf_span(&c->io.out), c->opt.conn_up, c->opt.conn_arg);
	c->up->opened(c->up_arg, c->conn);
	close_timers(c);
}

static void
fail_refused(struct client *c)
{
	struct buf body = { 0 }, reason = { 0 };
	struct failure f;

	http_body(&c->io.head, head_io_rest(&c->io), CLIENT_BODY_MAX, &body);
	escape_text(&reason, c->io.head.reason, 100);
	failure_set(&f, STAGE_UPGRADE, CAUSE_HTTP_REFUSED, 0, "HTTP %d%s%s", c->io.head.status, reason.len > 0 ? " " : "", buf_cstr(&reason));
	f.answered = true;
	fail(c, &f, true, buf_span(&body));
	buf_deinit(&body);
	buf_deinit(&reason);
}

static void
judge_answer(struct client *c)
{
	static const struct span deflate[] = { SPAN_LIT("permessage-deflate") };
	static const struct span_list offered = { deflate, 1 };
	struct handshake_answer answer;
	struct buf error = { 0 };
	struct failure f;

	if (handshake_judge_answer(&c->io.head, c->sent_key, c->opt.subprotocols, c->opt.offers_deflate ? &offered : NULL, &answer, &error) &&
	    (answer.extensions.p == NULL || deflate_judge_answer(answer.extensions, &c->opt.conn.deflate, &error))) {
		open_conn(c, &answer);
	} else {
		failure_set(&f, STAGE_UPGRADE, CAUSE_HTTP_INVALID, 0, "%s", buf_cstr(&error));
		f.answered = true;
		fail(c, &f, true, SPAN_NONE);
	}
	buf_deinit(&error);
}

static void
on_body_wait(uv_timer_t *timer)
{
	fail_refused(timer->data);
}

/* The answer's head is there: 101 opens; anything else is worth its body. An interim answer before it is passed over, but for a 101 look-alike
 * (RFC 9110 section 15.2: a client must be able to read them; 101 is final here). */
static void
on_head(struct client *c)
{
	int status = c->io.head.status;

	emit_head(c, DIR_IN, (struct span){ (const char *)buf_head(&c->io.in), c->io.head.length });
	if (status == 101) {
		judge_answer(c);
	} else if (status >= 100 && status < 200) {
		buf_consume(&c->io.in, c->io.head.length);
		c->io.seen = 0;
	} else {
		c->phase = PHASE_BODY;
		uv_timer_start(&c->body_wait, on_body_wait, CLIENT_BODY_WAIT_MS, 0);
	}
}

static void
fail_not_http(struct client *c, enum cause cause, const char *what)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s: \"", what);
	escape_text(&text, buf_span(&c->io.in), 60);
	buf_putc(&text, '"');
	fail_upgrade(c, cause, buf_cstr(&text));
	buf_deinit(&text);
}

static void
read_head(struct client *c)
{
	const char *error = NULL;

	do {
		switch (head_io_parse(&c->io, &error)) {
		case HTTP_DONE: on_head(c); break;
		case HTTP_MORE: return;
		case HTTP_TOO_LARGE: fail_upgrade(c, CAUSE_HTTP_TOO_LARGE, "the head of the answer is larger than 64 KiB"); break;
		case HTTP_NOT_HTTP: fail_not_http(c, CAUSE_HTTP_NOT_HTTP, "the answer is not HTTP"); break;
		case HTTP_BAD: fail_upgrade(c, CAUSE_HTTP_INVALID, error); break;
		}
	} while (c->phase == PHASE_UPGRADING && c->io.in.len > 0);
}

/* The answer ended in the middle, or before it began. */
static void
fail_cut(struct client *c)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n = transport_ends(c->transport, ends);
	const char *when = c->io.in.len > 0 ? "in the middle of the answer" : "before any answer";
	struct failure f;
	enum cause cause = CAUSE_TCP_CLOSED;
	const char *what = "FIN";
	int code = 0;

	for (int i = 0; i < n; i++) {
		if (ends[i].kind == END_ERRNO) {
			code = ends[i].code;
			cause = cause_of_errno(code);
			what = cause == CAUSE_TCP_RESET ? "RST" : strerror(code);
		} else if (ends[i].kind == END_ALERT) {
			cause = CAUSE_TLS_ALERT;
			code = ends[i].code;
			what = ends[i].text;
		} else if (ends[i].kind == END_CORRUPT) {
			cause = CAUSE_TLS_CORRUPT;
			what = "a damaged TLS record";
		}
	}
	failure_set(&f, STAGE_UPGRADE, cause, code, "%s %s", what, when);
	f.answered = c->io.in.len > 0;
	fail(c, &f, false, SPAN_NONE);
}

static void
on_ready(void *arg, unsigned bits)
{
	struct client *c = arg;

	if (bits & T_WRITE)
		transport_want(c->transport, head_io_write(&c->io) ? T_READ : T_READ | T_WRITE);
	if (!(bits & (T_READ | T_END)))
		return;
	head_io_fill(&c->io, c->opt.conn.loop);
	if (c->phase == PHASE_UPGRADING)
		read_head(c);
	else if (c->phase == PHASE_BODY)
		head_io_parse_again(&c->io);
	if (c->phase == PHASE_BODY) {
		struct buf body = { 0 };

		if (http_body(&c->io.head, head_io_rest(&c->io), CLIENT_BODY_MAX, &body) || c->io.is_over)
			fail_refused(c);
		buf_deinit(&body);
	} else if (c->phase == PHASE_UPGRADING && c->io.is_over) {
		fail_cut(c);
	}
}

static void
on_opened(void *arg UNUSED)
{
	assert(!"a dial gives open transports");
}

static void
on_failed(void *arg UNUSED, const struct failure *f UNUSED)
{
	assert(!"a dial gives open transports");
}

static const struct transport_events transport_up = {
	.opened = on_opened,
	.failed = on_failed,
	.ready = on_ready,
	.closed = on_closed,
};

/* Whoever sends a Sec-WebSocket-Key of his own wants its answer judged by it. */
static struct span
key_sent(const struct client *c)
{
	const struct header_list *extra = c->opt.headers;

	for (size_t i = 0; extra != NULL && i < extra->n; i++)
		if (span_eq_ci(extra->items[i].name, "Sec-WebSocket-Key"))
			return extra->items[i].value;
	return span_of(c->key);
}

static void
start_upgrade(struct client *c)
{
	struct handshake_request rq = {
		.target = c->opt.url->target,
		.host = c->opt.host != NULL ? c->opt.host : c->opt.url->host_header,
		.key = c->key,
		.origin = c->opt.origin,
		.authorization = c->opt.authorization,
		.subprotocols = c->opt.subprotocols,
		.extensions = c->opt.offers_deflate ? DEFLATE_OFFER : NULL,
		.extra = c->opt.headers,
	};

	c->upgrade_us = now_us(c);
	c->sent_key = span_dup(key_sent(c));
	handshake_write_request(&c->io.out, &rq);
	emit_head(c, DIR_OUT, buf_span(&c->io.out));
	head_io_write(&c->io);
	transport_want(c->transport, c->io.out.len > 0 ? T_READ | T_WRITE : T_READ);
}

/* --- the dial --- */

static void
on_dial_opened(void *arg, struct transport *t, const struct dial_timing *timing, const struct attempt_list *attempts)
{
	struct client *c = arg;

	c->dial = NULL;
	c->transport = t;
	c->handles++;
	c->timing = *timing;
	keep_attempts(c, attempts);
	transport_set_owner(t, &transport_up, c);
	head_io_init(&c->io, t, true);
	c->phase = PHASE_UPGRADING;
	start_upgrade(c);
}

static void
on_dial_failed(void *arg, const struct failure *f, const struct attempt_list *attempts)
{
	struct client *c = arg;

	c->dial = NULL;
	keep_attempts(c, attempts);
	fail(c, f, false, SPAN_NONE);
}

static const struct dial_events dial_up = { .opened = on_dial_opened, .failed = on_dial_failed };

static void
drop_dial(struct client *c)
{
	struct attempt_list tried = dial_attempts(c->dial);

	keep_attempts(c, &tried);
	dial_cancel(steal(&c->dial));
}

/* What it was waiting for when time ran out. */
static void
set_timeout_failure(struct client *c, struct failure *f)
{
	struct buf took = { 0 };
	enum stage stage = c->dial != NULL ? dial_stage(c->dial) : STAGE_UPGRADE;

	clock_format_duration(&took, c->opt.connect_timeout_us);
	if (c->dial == NULL)
		failure_set(f, stage, CAUSE_DIAL_TIMEOUT, 0, "%s within %s", c->io.in.len > 0 ? "no complete answer" : "no answer", buf_cstr(&took));
	else if (stage == STAGE_DNS)
		failure_set(f, stage, CAUSE_DIAL_TIMEOUT, 0, "no address for %s within %s", dial_target(c->dial), buf_cstr(&took));
	else
		failure_set(f, stage, CAUSE_DIAL_TIMEOUT, 0, "no answer from %s within %s", dial_target(c->dial), buf_cstr(&took));
	f->answered = c->dial == NULL && c->io.in.len > 0;
	buf_deinit(&took);
}

static void
on_deadline(uv_timer_t *timer)
{
	struct client *c = timer->data;
	struct failure f;

	if (c->phase == PHASE_BODY) {
		fail_refused(c);
		return;
	}
	set_timeout_failure(c, &f);
	if (c->dial != NULL)
		drop_dial(c);
	fail(c, &f, false, SPAN_NONE);
}

struct client *
client_dial(const struct client_options *opt, const struct client_events *up, void *arg)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct loop *l = opt->conn.loop;
	struct event ev = conn_event(&opt->conn, EV_DIAL);
	struct dial_options dial = {
		.host = opt->url->host,
		.port = opt->url->port,
		.families = opt->families,
		.tls = opt->url->is_tls ? opt->tls : NULL,
		.pins = opt->pins,
		.n_pins = opt->n_pins,
	};

	c->opt = *opt;
	c->up = up;
	c->up_arg = arg;
	c->began_us = now_us(c);
	c->timing = (struct dial_timing){ US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, US_UNKNOWN };
	handshake_key(l->rng, c->key);
	uv_timer_init(&l->uv, &c->deadline);
	uv_timer_init(&l->uv, &c->body_wait);
	c->deadline.data = c->body_wait.data = c;
	c->handles = 2;
	ev.conn = 0;
	ev.u.dialled.url = span_of(opt->url->text);
	journal_emit(opt->conn.journal, &ev);
	uv_timer_start(&c->deadline, on_deadline, (uint64_t)MAX(opt->connect_timeout_us / US_PER_MS, INT64_C(1)), 0);
	c->dial = dial_start(l, &dial, &dial_up, c);
	return c;
}

void
client_cancel(struct client *c)
{
	struct failure f;

	if (c->phase == PHASE_OVER)
		return;
	failure_set(&f, c->dial != NULL ? dial_stage(c->dial) : STAGE_UPGRADE, CAUSE_LOCAL_INTERRUPT, 0, "stopped by us");
	c->is_cancelled = true;
	if (c->dial != NULL)
		drop_dial(c);
	fail(c, &f, false, SPAN_NONE);
}
