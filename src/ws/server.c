/* SPDX-License-Identifier: MIT */
#include "ws/server.h"

#include "net/tcp.h"
#include "ws/head_io.h"
#include "ws/tag.h"

#include <assert.h>
#include <string.h>

enum phase {
	PHASE_TLS,
	PHASE_REQUEST,
	PHASE_WAITING,  /* because of a step's turn */
	PHASE_SILENT,   /* the same, for ever */
	PHASE_REFUSING,
	PHASE_OVER,
};

struct server {
	const struct server_options *opt;
	const struct server_events *up;
	void *up_arg;
	enum phase phase;
	struct transport *transport;
	struct head_io io;
	uv_timer_t deadline;
	int handles;
	int64_t began_us;
	char peer[64];
	struct conn_settings conn;
	struct tag tag;
	void *conn_arg;
	struct handshake_offer offer;
	struct buf extensions;       /* agreed, as answered */
	int status;                  /* what the request deserves, and why */
	struct buf sentence;
	struct server_turn turn;
	void (*next)(struct server *s); /* behind the step under way */
};

static int64_t
now_us(const struct server *s)
{
	return clock_mono(s->conn.loop->clock);
}

static void
release(struct server *s)
{
	if (--s->handles > 0)
		return;
	s->up->gone(s->up_arg);
	head_io_deinit(&s->io);
	buf_deinit(&s->extensions);
	buf_deinit(&s->sentence);
	free(s);
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
end(struct server *s, enum transport_close how)
{
	s->phase = PHASE_OVER;
	uv_close((uv_handle_t *)&s->deadline, on_timer_closed);
	transport_close(s->transport, how);
}

static void
emit_head(struct server *s, enum direction dir, struct span text)
{
	struct event ev = conn_event(&s->conn, EV_HEAD);

	if (!journal_wants(s->conn.journal, EV_HEAD))
		return;
	ev.conn = 0;
	ev.u.head = (struct ev_head){ .dir = dir, .text = text };
	journal_emit(s->conn.journal, &ev);
}

/* status 0: nothing was answered. */
static void
emit_reject(struct server *s, int status, enum cause cause, const char *text)
{
	struct event ev = conn_event(&s->conn, EV_REJECT);
	struct span in = buf_span(&s->io.in), line;

	ev.conn = 0;
	ev.u.reject = (struct ev_reject){
		.peer = span_of(s->peer),
		.status = status,
		.cause = cause,
		.text = span_of(text),
		.headers = { s->io.head.headers, s->io.head.n_headers },
		.took = now_us(s) - s->began_us,
	};
	if (in.n > 0 && span_next(&in, '\n', &line))
		ev.u.reject.request = line.n > 0 && line.p[line.n - 1] == '\r' ? (struct span){ line.p, line.n - 1 } : line;
	journal_emit(s->conn.journal, &ev);
}

/* Ends when the refusal is written, or at the deadline. */
static void
write_answer(struct server *s)
{
	bool all = head_io_write(&s->io);

	transport_want(s->transport, all ? T_READ : T_READ | T_WRITE);
	if (all && s->phase == PHASE_REFUSING)
		end(s, TRANSPORT_GRACEFUL);
}

static void
refuse(struct server *s, int status, enum cause cause, const char *text)
{
	emit_reject(s, status, cause, text);
	buf_clear(&s->io.out);
	handshake_write_refusal(&s->io.out, status, text);
	emit_head(s, DIR_OUT, buf_span(&s->io.out));
	s->phase = PHASE_REFUSING;
	write_answer(s);
}

/* --- steps --- */

static void on_deadline(uv_timer_t *timer);

static void
start_deadline(struct server *s)
{
	uv_timer_start(&s->deadline, on_deadline, (uint64_t)(s->opt->upgrade_timeout_us / US_PER_MS), 0);
}

static void
fall_silent(struct server *s)
{
	emit_reject(s, 0, CAUSE_LOCAL_FAULT, s->turn.half_closes ? "half-closed without an answer" : "left without an answer");
	s->phase = PHASE_SILENT;
	uv_timer_stop(&s->deadline);
	if (s->turn.half_closes)
		(void)transport_half_close(s->transport);
	transport_want(s->transport, T_READ);
}

static void
finish_step(struct server *s)
{
	if (s->turn.sent_end != NULL) {
		emit_reject(s, 0, CAUSE_LOCAL_FAULT, s->turn.sent_end);
		end(s, s->turn.how);
	} else if (s->turn.half_closes || s->turn.is_silent) {
		fall_silent(s);
	} else if (s->turn.status != 0) {
		refuse(s, s->turn.status, CAUSE_LOCAL_FAULT, s->turn.sentence);
	} else {
		s->next(s);
	}
}

static void
on_waited(uv_timer_t *timer)
{
	struct server *s = timer->data;

	start_deadline(s);
	finish_step(s);
}

/* What comes meanwhile waits in the kernel, an end too. */
static void
take_step(struct server *s, enum server_step step, struct buf *answer, void (*next)(struct server *s))
{
	s->turn = (struct server_turn){ 0 };
	s->next = next;
	if (s->up->step != NULL)
		s->up->step(s->up_arg, step, step != SERVER_ACCEPT ? &s->io.head : NULL, answer, &s->turn);
	if (s->turn.wait_us <= 0) {
		finish_step(s);
		return;
	}
	s->phase = PHASE_WAITING;
	transport_want(s->transport, 0);
	uv_timer_start(&s->deadline, on_waited, (uint64_t)(s->turn.wait_us / US_PER_MS), 0);
}

/* --- the upgrade --- */

static struct span
header_value(const struct server *s, const char *name)
{
	const struct header *h = http_find(&s->io.head, name, 0);

	return h != NULL ? h->value : SPAN_NONE;
}

static void
open_conn(struct server *s)
{
	struct event ev = conn_event(&s->conn, EV_OPENED);
	struct transport_stat stat;
	struct buf url = { 0 };
	struct span forwarded = header_value(s, "X-Forwarded-For");

	transport_stat(s->transport, &stat);
	buf_puts(&url, transport_tls(s->transport) != NULL ? "wss://" : "ws://");
	buf_append(&url, s->offer.host.p, s->offer.host.n);
	buf_append(&url, s->io.head.target.p, s->io.head.target.n);
	ev.u.opened = (struct ev_opened){
		.is_reconnect = !journal_is_first(s->conn.journal, s->conn.session),
		.down = US_UNKNOWN,
		.url = buf_span(&url),
		.peer = span_of(s->peer),
		.local = span_of(stat.local),
		.ws_key = s->offer.key,
		.status = 101,
		.headers = { s->io.head.headers, s->io.head.n_headers },
		.subprotocol = s->offer.subprotocol,
		.extensions = s->extensions.len > 0 ? buf_span(&s->extensions) : SPAN_NONE,
		.forwarded_for = forwarded.p != NULL ? forwarded : header_value(s, "Forwarded"),
		.tls = transport_tls(s->transport),
		.timing = { US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, now_us(s) - s->began_us },
	};
	journal_emit(s->conn.journal, &ev);
	buf_deinit(&url);
	s->phase = PHASE_OVER;
	s->handles--; /* the transport is the conn's */
	struct span early = head_io_rest(&s->io), unsent = buf_span(&s->io.out);
	if (s->up->wrap != NULL) {
		s->transport = s->up->wrap(s->up_arg, s->conn_arg, s->transport, early, unsent);
		early = unsent = SPAN_NONE;
	}
	struct conn *c = conn_open(&s->conn, s->transport, early, unsent, s->opt->conn_up, s->conn_arg);
	s->up->opened(s->up_arg, s->conn_arg, c);
	uv_close((uv_handle_t *)&s->deadline, on_timer_closed);
}

static void
agree_on_deflate(struct server *s)
{
	const struct header *h;

	for (size_t nth = 0; s->opt->accepts_deflate && (h = http_find(&s->io.head, "Sec-WebSocket-Extensions", nth)) != NULL; nth++)
		if (deflate_accept(h->value, &s->conn.deflate, &s->extensions))
			return;
}

static void
answer_upgrade(struct server *s)
{
	s->status = s->up->admit(s->up_arg, &s->conn.id, &s->conn_arg, &s->sentence);
	if (s->status != 101) {
		refuse(s, s->status, CAUSE_LOCAL_LIMIT, buf_cstr(&s->sentence));
		return;
	}
	emit_head(s, DIR_OUT, buf_span(&s->io.out));
	head_io_write(&s->io);
	open_conn(s);
}

static void
answer_request(struct server *s)
{
	if (s->status != 101) {
		refuse(s, s->status, CAUSE_HTTP_REFUSED, buf_cstr(&s->sentence));
		return;
	}
	agree_on_deflate(s);
	handshake_write_answer(&s->io.out, s->offer.key, s->offer.subprotocol, s->extensions.len > 0 ? buf_span(&s->extensions) : SPAN_NONE);
	take_step(s, SERVER_RESPONSE, &s->io.out, answer_upgrade);
}

static void
judge_request(struct server *s)
{
	s->status = handshake_judge_request(&s->io.head, s->opt->subprotocols, &s->offer, &s->sentence);
	emit_head(s, DIR_IN, (struct span){ (const char *)buf_head(&s->io.in), s->io.head.length });
	if (s->status == 101) {
		tag_read(&s->tag, &s->io.head, s->opt->tag_query);
		s->conn.session = s->tag.session[0] != '\0' ? span_of(s->tag.session) : SPAN_NONE;
		s->conn.dial = s->tag.dial;
	}
	take_step(s, SERVER_REQUEST, NULL, answer_request);
}

/* The peer went away in the middle of its request, or before it. */
static void
on_cut(struct server *s)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n = transport_ends(s->transport, ends);
	enum cause cause = CAUSE_TCP_CLOSED;

	for (int i = 0; i < n; i++)
		if (ends[i].kind == END_ERRNO)
			cause = cause_of_errno(ends[i].code);
	emit_reject(s, 0, cause, s->io.in.len > 0 ? "gone in the middle of the request" : "gone before any request");
	end(s, TRANSPORT_GRACEFUL);
}

/* A TLS record of a handshake, version 3.x (RFC 8446 section 5.1): the most frequent thing that is no HTTP. */
static const char *
what_it_is_instead(const struct server *s)
{
	struct span in = buf_span(&s->io.in);

	if (in.n >= 2 && in.p[0] == 0x16 && in.p[1] == 0x03)
		return "This is TLS, but this port speaks plain ws://; wss:// needs --cert.";
	return "This is not an HTTP request.";
}

/* What else the peer sends is not wanted, but its end is. */
static void
await_end(struct server *s, unsigned bits)
{
	buf_clear(&s->io.in);
	head_io_fill(&s->io, s->conn.loop);
	if (s->io.is_over)
		end(s, TRANSPORT_GRACEFUL);
	else if (s->phase == PHASE_REFUSING && (bits & T_WRITE))
		write_answer(s);
}

static void
on_ready(void *arg, unsigned bits)
{
	struct server *s = arg;
	const char *error = NULL;

	if (s->phase == PHASE_WAITING)
		return;
	if (s->phase == PHASE_REFUSING || s->phase == PHASE_SILENT) {
		await_end(s, bits);
		return;
	}
	head_io_fill(&s->io, s->conn.loop);
	switch (head_io_parse(&s->io, &error)) {
	case HTTP_DONE: judge_request(s); break;
	case HTTP_MORE:
		if (s->io.is_over)
			on_cut(s);
		break;
	case HTTP_TOO_LARGE: refuse(s, 431, CAUSE_HTTP_TOO_LARGE, "The head of the request is larger than 64 KiB."); break;
	case HTTP_NOT_HTTP: refuse(s, 400, CAUSE_HTTP_NOT_HTTP, what_it_is_instead(s)); break;
	case HTTP_BAD: refuse(s, 400, CAUSE_HTTP_INVALID, error); break;
	}
}

static void
read_request(struct server *s)
{
	s->phase = PHASE_REQUEST;
	transport_want(s->transport, T_READ);
}

static void
on_opened(void *arg)
{
	read_request(arg);
}

static void
on_failed(void *arg, const struct failure *f)
{
	struct server *s = arg;

	emit_reject(s, 0, f->cause, f->text);
	end(s, TRANSPORT_GRACEFUL);
}

static const struct transport_events transport_up = {
	.opened = on_opened,
	.failed = on_failed,
	.ready = on_ready,
	.closed = on_closed,
};

static void
on_deadline(uv_timer_t *timer)
{
	struct server *s = timer->data;

	if (s->phase == PHASE_REQUEST) {
		refuse(s, 408, CAUSE_HTTP_TIMEOUT, "No complete request head in time.");
		if (s->phase == PHASE_REFUSING)
			uv_timer_start(&s->deadline, on_deadline, DRAIN_MS, 0);
		return;
	}
	if (s->phase == PHASE_TLS)
		emit_reject(s, 0, CAUSE_HTTP_TIMEOUT, "no TLS handshake in time");
	end(s, TRANSPORT_RST);
}

/* TLS starts on an open transport: the socket's own opening comes first. */
static void
start_tls(struct server *s)
{
	s->phase = PHASE_TLS;
	s->transport = tls_start(s->conn.loop, s->opt->tls, NULL, s->transport, &transport_up, s);
	s->io.transport = s->transport;
}

static void
on_tcp_opened(void *arg)
{
	struct server *s = arg;

	take_step(s, SERVER_ACCEPT, NULL, s->opt->tls != NULL ? start_tls : read_request);
}

static const struct transport_events tcp_up = {
	.opened = on_tcp_opened,
	.failed = on_failed,
	.ready = on_ready,
	.closed = on_closed,
};

struct server *
server_accept(const struct server_options *opt, int fd, const char *peer, const struct server_events *up, void *arg)
{
	struct server *s = xcalloc(1, sizeof(*s));
	struct loop *l = opt->conn.loop;

	s->opt = opt;
	s->up = up;
	s->up_arg = arg;
	s->conn = opt->conn;
	s->began_us = now_us(s);
	s->handles = 2;
	strncpy(s->peer, peer, sizeof(s->peer) - 1);
	uv_timer_init(&l->uv, &s->deadline);
	s->deadline.data = s;
	start_deadline(s);
	s->transport = tcp_adopt(l, fd, &tcp_up, s);
	head_io_init(&s->io, s->transport, false);
	return s;
}

void
server_cancel(struct server *s)
{
	if (s->phase != PHASE_OVER)
		end(s, TRANSPORT_RST);
}
