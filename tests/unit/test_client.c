/* SPDX-License-Identifier: MIT */
#include "ws/client.h"

#include "support/ear.h"
#include "support/frames.h"
#include "support/net.h"
#include "support/record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

enum then { HOLD, FIN, RST };

/* What the server does: "$A" in answer stands for the right Sec-WebSocket-Accept. */
struct script {
	const char *answer;       /* NULL: none */
	const struct buf *frames; /* right behind it; NULL: none */
	size_t piece;             /* bytes in each segment; 0: all */
	size_t cut;               /* only so many bytes of all that, then `then`; 0: all */
	enum then then;
	bool at_accept;           /* `then` comes before the request is read */
};

struct trial {
	struct net_test *nt;
	struct journal journal;
	struct record record;
	struct url url;
	struct client_options opt;
	struct client *client;
	struct conn *conn;
	bool stays;               /* else an open connection is dropped at once */

	int listener, fd;
	char request[4096];
	size_t request_len;
	struct buf answer;
	size_t sent;
	bool has_answered, is_done;

	int opened, failed, gone, ended, conn_gone;
	struct client_failure failure;
	char location[128];
	enum event_type end_type;
	struct buf trail;
};

static void
on_chunk(void *arg, const struct stream_chunk *c)
{
	struct trial *t = arg;

	buf_append(&t->trail, c->data, c->n);
	if (c->last)
		buf_putc(&t->trail, '.');
}

static void
on_writable(void *arg)
{
	(void)arg;
}

static void
on_pong(void *arg, int64_t rtt)
{
	(void)arg;
	(void)rtt;
}

static void
on_ended(void *arg, enum event_type type, const struct ev_ended *e, bool we_closed_first)
{
	struct trial *t = arg;

	(void)e;
	(void)we_closed_first;
	t->ended++;
	t->end_type = type;
}

static void
on_conn_gone(void *arg)
{
	struct trial *t = arg;

	t->conn_gone++;
}

static const struct conn_events conn_up = { on_chunk, on_writable, on_pong, on_ended, on_conn_gone };

static void
on_opened(void *arg, struct conn *c)
{
	struct trial *t = arg;

	t->opened++;
	t->conn = c;
	if (!t->stays)
		conn_abort(c, ENDING_DROPPED, TRANSPORT_RST);
}

static void
on_failed(void *arg, const struct client_failure *f)
{
	struct trial *t = arg;

	t->failed++;
	t->failure = *f;
	if (f->location.n > 0)
		memcpy(t->location, f->location.p, MIN(f->location.n, sizeof(t->location) - 1));
}

static void
on_gone(void *arg)
{
	struct trial *t = arg;

	ck_assert_int_eq(t->opened, 0);
	t->gone++;
}

static const struct client_events client_up = { on_opened, on_failed, on_gone };

static void
prepare(struct trial *t)
{
	struct sockaddr_in address;
	char text[64], *error = NULL;

	*t = (struct trial){ .nt = net_test_new(), .fd = -1 };
	t->listener = net_listen(&address, 8);
	fcntl(t->listener, F_SETFL, O_NONBLOCK);
	snprintf(text, sizeof(text), "ws://127.0.0.1:%d/chat?x=1", ntohs(address.sin_port));
	ck_assert_int_eq(url_parse(text, &t->url, &error), 0);
	journal_init(&t->journal, ROLE_CLIENT, 7, &clock_system);
	record_start(&t->record, &t->journal, EVENT_ALL & ~EVENT_VERBOSE);
	t->opt = (struct client_options){
		.url = &t->url,
		.connect_timeout_us = 20 * US_PER_S,
		.conn = { .loop = &t->nt->l, .journal = &t->journal, .session = SPAN_LIT("s-1"), .id = 1, .dial = 1, .close_timeout_us = 5 * US_PER_S },
		.conn_up = &conn_up,
		.conn_arg = t,
	};
}

static void
build_answer(struct trial *t, const struct script *s)
{
	const char *key = strstr(t->request, "Sec-WebSocket-Key: ");
	char accept[WS_ACCEPT_SIZE];

	ck_assert_ptr_nonnull(key);
	handshake_accept((struct span){ key + 19, WS_KEY_SIZE - 1 }, accept);
	for (const char *p = s->answer; p != NULL && *p != '\0'; p++) {
		if (p[0] == '$' && p[1] == 'A')
			buf_puts(&t->answer, accept), p++;
		else
			buf_putc(&t->answer, *p);
	}
	if (s->frames != NULL)
		buf_append(&t->answer, buf_head(s->frames), s->frames->len);
	if (s->cut > 0)
		buf_chop(&t->answer, t->answer.len - MIN(t->answer.len, s->cut));
	t->has_answered = true;
}

static void
do_then(struct trial *t, enum then then)
{
	t->is_done = true;
	if (then == FIN)
		shutdown(t->fd, SHUT_WR);
	if (then == RST) {
		net_reset(t->fd);
		t->fd = -1;
	}
}

/* One step of the server's. */
static void
serve(struct trial *t, const struct script *s)
{
	if (t->is_done) {
		/* The client gave up: so do we. */
		if (t->fd >= 0 && recv(t->fd, t->request, sizeof(t->request), MSG_DONTWAIT) == 0) {
			close(t->fd);
			t->fd = -1;
		}
		return;
	}
	if (t->fd < 0) {
		t->fd = accept(t->listener, NULL, NULL);
		if (t->fd >= 0 && s->at_accept)
			do_then(t, s->then);
		return;
	}
	if (!t->has_answered) {
		ssize_t n = recv(t->fd, t->request + t->request_len, sizeof(t->request) - 1 - t->request_len, MSG_DONTWAIT);

		t->request_len += n > 0 ? (size_t)n : 0;
		if (strstr(t->request, "\r\n\r\n") != NULL)
			build_answer(t, s);
		return;
	}
	size_t left = t->answer.len - t->sent, step = s->piece > 0 ? MIN(s->piece, left) : left;
	if (step > 0) {
		ssize_t n = send(t->fd, buf_head(&t->answer) + t->sent, step, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			t->is_done = true; /* it went away: no wonder, with what it is sent */
		t->sent += n > 0 ? (size_t)n : 0;
	} else {
		do_then(t, s->then);
	}
}

static bool
is_over(const struct trial *t)
{
	return t->opened ? t->conn_gone : t->gone;
}

static void
play(struct trial *t, const struct script *s)
{
	t->client = client_dial(&t->opt, &client_up, t);
	ck_assert_int_eq(t->opened + t->failed, 0);
	while (!is_over(t)) {
		struct pollfd pfd[2] = { { .fd = uv_backend_fd(&t->nt->l.uv), .events = POLLIN }, { .fd = t->fd, .events = POLLIN } };

		uv_run(&t->nt->l.uv, UV_RUN_NOWAIT);
		serve(t, s);
		if (t->is_done || !t->has_answered)
			poll(pfd, t->fd >= 0 && !t->is_done ? 2 : 1, 1);
	}
}

static void
check_over(struct trial *t)
{
	ck_assert_int_eq(t->opened + t->failed, 1);
	ck_assert_int_eq(t->gone, t->failed);
	ck_assert_int_eq(t->ended, t->opened);
	ck_assert_int_eq(t->conn_gone, t->opened);
	ck_assert_uint_eq(record_count(&t->record, EV_DIAL), 1);
	ck_assert_uint_eq(record_count(&t->record, EV_FAILED), (size_t)t->failed);
	ck_assert_uint_eq(record_count(&t->record, EV_OPENED), (size_t)t->opened);
	if (t->fd >= 0)
		close(t->fd);
	close(t->listener);
	net_test_end(t->nt);
	journal_deinit(&t->journal);
	url_deinit(&t->url);
	buf_deinit(&t->answer);
}

static void
release(struct trial *t)
{
	buf_deinit(&t->trail);
}

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: $A\r\n"
#define GOOD SWITCHING UPGRADE CONNECTION ACCEPT "\r\n"

/* Everything that does not open, and what is said of it. "*" ends a text whose rest varies. */
static const struct {
	const char *name;
	struct script script;
	enum cause cause;
	int status;
	bool answered;
	const char *text;
	const char *body;
} refused[] = {
	/* A 101 that is none. */
	{ "no Accept", { SWITCHING UPGRADE CONNECTION "\r\n" }, CAUSE_HTTP_INVALID, 101, true, "Sec-WebSocket-Accept header is missing, expected *" },
	{ "another Accept", { SWITCHING UPGRADE CONNECTION "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" }, CAUSE_HTTP_INVALID, 101, true,
	    "Sec-WebSocket-Accept header is \"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\", expected *" },
	{ "two Accepts", { SWITCHING UPGRADE CONNECTION ACCEPT ACCEPT "\r\n" }, CAUSE_HTTP_INVALID, 101, true, "Sec-WebSocket-Accept header came 2 times *" },
	{ "no Upgrade", { SWITCHING CONNECTION ACCEPT "\r\n" }, CAUSE_HTTP_INVALID, 101, true, "Upgrade header is missing, expected \"websocket\"" },
	{ "another Upgrade", { SWITCHING "Upgrade: h2c\r\n" CONNECTION ACCEPT "\r\n" }, CAUSE_HTTP_INVALID, 101, true,
	    "Upgrade header is \"h2c\", expected \"websocket\"" },
	{ "no Connection", { SWITCHING UPGRADE ACCEPT "\r\n" }, CAUSE_HTTP_INVALID, 101, true, "Connection header is missing, expected \"Upgrade\"" },
	{ "another Connection", { SWITCHING UPGRADE "Connection: close\r\n" ACCEPT "\r\n" }, CAUSE_HTTP_INVALID, 101, true, "Connection header is \"close\", *" },
	{ "HTTP/1.0", { "HTTP/1.0 101 OK\r\n" UPGRADE CONNECTION ACCEPT "\r\n" }, CAUSE_HTTP_INVALID, 101, true, "the answer is HTTP/1.0, *" },
	{ "a subprotocol not offered", { SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: mqtt\r\n\r\n" }, CAUSE_HTTP_INVALID, 101, true,
	    "Sec-WebSocket-Protocol header is \"mqtt\", but none was offered" },
	{ "an extension not offered", { SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: permessage-deflate; x=1\r\n\r\n" }, CAUSE_HTTP_INVALID,
	    101, true, "Sec-WebSocket-Extensions header is \"permessage-deflate; x=1\", but none was offered" },

	/* Another answer. */
	{ "200", { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" }, CAUSE_HTTP_REFUSED, 200, true, "HTTP 200 OK", "hello" },
	{ "301", { "HTTP/1.1 301 Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n" }, CAUSE_HTTP_REFUSED, 301, true, "HTTP 301 Moved", "" },
	{ "401", { "HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\n" }, CAUSE_HTTP_REFUSED, 401, true, "HTTP 401", "" },
	{ "403 until FIN", { "HTTP/1.1 403 Forbidden\r\n\r\ngo away", .then = FIN }, CAUSE_HTTP_REFUSED, 403, true, "HTTP 403 Forbidden", "go away" },
	{ "404, chunked", { "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n5\r\n here\r\n0\r\n\r\n" }, CAUSE_HTTP_REFUSED, 404, true,
	    "HTTP 404 Not Found", "not here" },
	{ "426", { "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n" }, CAUSE_HTTP_REFUSED, 426, true,
	    "HTTP 426 Upgrade Required", "" },
	{ "503, cut in its body", { "HTTP/1.1 503 Busy\x1b[2J\r\nContent-Length: 100\r\n\r\nwait", .then = FIN }, CAUSE_HTTP_REFUSED, 503, true,
	    "HTTP 503 Busy\\e[2J", "wait" },
	{ "204 has no body", { "HTTP/1.1 204 No Content\r\n\r\n" }, CAUSE_HTTP_REFUSED, 204, true, "HTTP 204 No Content", "" },
	{ "103 before it", { "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno" }, CAUSE_HTTP_REFUSED, 502,
	    true, "HTTP 502 Bad Gateway", "no" },

	/* No answer that can be understood. */
	{ "garbage", { "SSH-2.0-OpenSSH\x07\r\n" }, CAUSE_HTTP_NOT_HTTP, 0, true, "the answer is not HTTP: \"S*" },
	{ "FIN at accept", { .then = FIN, .at_accept = true }, CAUSE_TCP_CLOSED, 0, false, "FIN before any answer" },
	{ "RST at accept", { .then = RST, .at_accept = true }, CAUSE_TCP_RESET, 0, false, "RST before any answer" },
	{ "FIN after the request", { .then = FIN }, CAUSE_TCP_CLOSED, 0, false, "FIN before any answer" },
	{ "RST after the request", { .then = RST }, CAUSE_TCP_RESET, 0, false, "RST before any answer" },
	{ "FIN in the answer", { "HTTP/1.1 101 Sw", .then = FIN }, CAUSE_TCP_CLOSED, 0, true, "FIN in the middle of the answer" },
	{ "FIN behind a 103, which is no answer yet", { "HTTP/1.1 103 Early Hints\r\n\r\n", .then = FIN }, CAUSE_TCP_CLOSED, 0, false, "FIN before any answer" },
};

static bool
matches(const char *text, const char *pattern)
{
	size_t n = strlen(pattern);

	return n > 0 && pattern[n - 1] == '*' ? strncmp(text, pattern, n - 1) == 0 : strcmp(text, pattern) == 0;
}

START_TEST(what_does_not_open_is_named)
{
	for (size_t r = 0; r < ARRAY_LEN(refused); r++) {
		/* At once, and one byte at a time. */
		for (size_t piece = 0; piece < 2; piece++) {
			struct trial t CLEANUP(release);
			struct script s = refused[r].script;

			prepare(&t);
			s.piece = piece;
			play(&t, &s);
			ck_assert_msg(t.failed == 1 && t.opened == 0, "%s", refused[r].name);
			ck_assert_msg(matches(t.failure.failure.text, refused[r].text), "%s: %s", refused[r].name, t.failure.failure.text);
			ck_assert_msg(t.failure.failure.cause == refused[r].cause, "%s: %s", refused[r].name, cause_name(t.failure.failure.cause));
			/* What is behind the first bad byte may not have come. */
			ck_assert_msg(t.failure.failure.stage == STAGE_UPGRADE && t.failure.failure.answered == refused[r].answered, "%s", refused[r].name);
			ck_assert_msg(t.failure.status == refused[r].status, "%s: %d", refused[r].name, t.failure.status);
			const struct ev_failed *ev = &record_nth(&t.record, EV_FAILED, 0)->ev.u.failed;
			ck_assert_int_eq(ev->status, refused[r].status);
			if (refused[r].body != NULL)
				ck_assert_msg(ev->body.n == strlen(refused[r].body), "%s: %zu", refused[r].name, ev->body.n);
			ck_assert_str_eq(t.record.trail, "dial failed");
			check_over(&t);
		}
	}
}
END_TEST

START_TEST(garbage_is_shown_escaped)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	play(&t, &(struct script){ .answer = "SSH-2.0-OpenSSH\x07\r\n" });
	ck_assert_str_eq(t.failure.failure.text, "the answer is not HTTP: \"SSH-2.0-OpenSSH\\x07\\r\\n\"");
	check_over(&t);
}
END_TEST

START_TEST(a_redirect_tells_where)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	play(&t, &(struct script){ .answer = "HTTP/1.1 307 There\r\nLocation: wss://h/x\r\nContent-Length: 0\r\n\r\n" });
	ck_assert_int_eq(t.failure.status, 307);
	ck_assert_str_eq(t.location, "wss://h/x");
	check_over(&t);
}
END_TEST

/* The body comes in segments of its own: what was read of the head before is still good. */
START_TEST(a_body_that_comes_later_is_read)
{
	static const size_t pieces[] = { 7, 100, 1000 };

	for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
		struct trial t CLEANUP(release);
		struct buf answer = { 0 };

		prepare(&t);
		buf_printf(&answer, "HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nLocation: /x\r\nContent-Length: 3000\r\n\r\n%3000s", "end");
		play(&t, &(struct script){ .answer = buf_cstr(&answer), .piece = pieces[p] });
		ck_assert_str_eq(t.failure.failure.text, "HTTP 502 Bad Gateway");
		ck_assert_uint_eq(record_nth(&t.record, EV_FAILED, 0)->ev.u.failed.body.n, 3000);
		check_over(&t);
		buf_deinit(&answer);
	}
}
END_TEST

START_TEST(a_huge_body_is_cut)
{
	struct trial t CLEANUP(release);
	struct buf answer = { 0 };

	prepare(&t);
	buf_printf(&answer, "HTTP/1.1 500 Oops\r\n\r\n%300000s", "");
	play(&t, &(struct script){ .answer = buf_cstr(&answer) });
	ck_assert_uint_eq(record_nth(&t.record, EV_FAILED, 0)->ev.u.failed.body.n, CLIENT_BODY_MAX);
	check_over(&t);
	buf_deinit(&answer);
}
END_TEST

START_TEST(a_huge_head_is_refused)
{
	struct trial t CLEANUP(release);
	struct buf answer = { 0 };

	prepare(&t);
	buf_printf(&answer, SWITCHING "X: %70000s\r\n\r\n", "");
	play(&t, &(struct script){ .answer = buf_cstr(&answer) });
	ck_assert_int_eq(t.failure.failure.cause, CAUSE_HTTP_TOO_LARGE);
	check_over(&t);
	buf_deinit(&answer);
}
END_TEST

START_TEST(odd_answers_open)
{
	static const char *const answers[] = {
		GOOD,
		"HTTP/1.1 101 \r\nuPGRADE:WebSocket\r\nconnection:  keep-alive ,  upgrade  \r\nSEC-WEBSOCKET-ACCEPT:$A\r\n\r\n",
		"HTTP/1.1 101 x\nUpgrade: websocket\nConnection: upgrade\nSec-WebSocket-Accept:\t$A \n\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" GOOD,
		SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: b\r\n\r\n",
	};
	static const struct span offered[] = { { "a", 1 }, { "b", 1 } };
	static const struct span_list subprotocols = { offered, 2 };

	for (size_t r = 0; r < ARRAY_LEN(answers); r++) {
		for (size_t piece = 0; piece < 3; piece++) {
			struct trial t CLEANUP(release);

			prepare(&t);
			t.opt.subprotocols = &subprotocols;
			play(&t, &(struct script){ .answer = answers[r], .piece = piece });
			ck_assert_msg(t.opened == 1, "%zu: %s", r, t.failure.failure.text);
			ck_assert_str_eq(t.record.trail, "dial open lost gone");
			const struct recorded *open = record_nth(&t.record, EV_OPENED, 0);
			ck_assert_int_eq(open->ev.u.opened.status, 101);
			ck_assert_str_eq(open->text, r == 4 ? "b" : "");
			ck_assert_int_ge(open->ev.u.opened.timing.upgrade, 0);
			ck_assert_ptr_nonnull(strstr(t.request, "Sec-WebSocket-Protocol: a, b\r\n"));
			check_over(&t);
		}
	}
}
END_TEST

START_TEST(frames_and_close_in_the_segment_of_the_101_are_heard)
{
	struct buf frames = { 0 };

	put_frame_text(&frames, false, 0x81, "hello");
	put_frame_text(&frames, false, 0x01, "wor");
	put_frame_text(&frames, false, 0x80, "ld");
	put_frame_text(&frames, false, 0x88, "\x03\xe8");
	for (size_t piece = 0; piece < 40; piece++) {
		struct trial t CLEANUP(release);

		prepare(&t);
		t.stays = true;
		play(&t, &(struct script){ .answer = GOOD, .frames = &frames, .piece = piece, .then = FIN });
		ck_assert_str_eq(buf_cstr(&t.trail), "hello.world.");
		ck_assert_int_eq(t.end_type, EV_CLOSE);
		check_over(&t);
	}
	buf_deinit(&frames);
}
END_TEST

START_TEST(an_end_at_every_byte_of_the_answer)
{
	size_t whole = strlen(GOOD) - 2 + WS_ACCEPT_SIZE - 1;

	for (size_t cut = 1; cut <= whole; cut += 3) {
		for (enum then then = FIN; then <= RST; then++) {
			struct trial t CLEANUP(release);

			prepare(&t);
			t.stays = true;
			play(&t, &(struct script){ .answer = GOOD, .cut = cut, .then = then });
			/* An RST may overtake the bytes before it. */
			if (cut < whole || then == RST)
				ck_assert_int_eq(t.opened ? t.end_type == EV_LOST : t.failed, 1);
			if (cut < whole)
				ck_assert_int_eq(t.opened, 0);
			if (cut < whole && then == FIN)
				ck_assert_str_eq(t.failure.failure.text, "FIN in the middle of the answer");
			check_over(&t);
		}
	}
}
END_TEST

START_TEST(time_runs_out)
{
	static const struct {
		const char *answer, *text;
		enum cause cause;
		bool answered;
	} rows[] = {
		{ NULL, "no answer within 60ms", CAUSE_DIAL_TIMEOUT, false },
		{ "HTTP/1.1 10", "no complete answer within 60ms", CAUSE_DIAL_TIMEOUT, true },
		{ "HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhalf", "HTTP 503 Busy", CAUSE_HTTP_REFUSED, true },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct trial t CLEANUP(release);

		prepare(&t);
		t.opt.connect_timeout_us = 60 * US_PER_MS;
		play(&t, &(struct script){ .answer = rows[r].answer, .then = HOLD });
		ck_assert_str_eq(t.failure.failure.text, rows[r].text);
		ck_assert_int_eq(t.failure.failure.cause, rows[r].cause);
		ck_assert_int_eq(t.failure.failure.stage, STAGE_UPGRADE);
		ck_assert(t.failure.failure.answered == rows[r].answered);
		check_over(&t);
	}
}
END_TEST

START_TEST(nobody_listens)
{
	struct trial t CLEANUP(release);

	prepare(&t);
	close(t.listener);
	t.listener = dup(0);
	play(&t, &(struct script){ 0 });
	ck_assert_int_eq(t.failure.failure.cause, CAUSE_TCP_REFUSED);
	ck_assert_int_eq(t.failure.failure.stage, STAGE_TCP);
	ck_assert_uint_eq(record_nth(&t.record, EV_FAILED, 0)->ev.u.failed.attempts.n, 1);
	check_over(&t);
}
END_TEST

/* Cancelled at once, and while the answer is on its way. */
START_TEST(a_cancelled_dial_is_logged_and_goes)
{
	for (int later = 0; later < 2; later++) {
		struct trial t CLEANUP(release);
		const struct script s = { .answer = "HTTP/1.1 1", .then = HOLD };

		prepare(&t);
		t.client = client_dial(&t.opt, &client_up, &t);
		while (later && !t.is_done) {
			uv_run(&t.nt->l.uv, UV_RUN_NOWAIT);
			serve(&t, &s);
		}
		client_cancel(t.client);
		client_cancel(t.client);
		net_run_until(t.nt, &t.gone);
		ck_assert_int_eq(t.failed, 0);
		ck_assert_int_eq(record_nth(&t.record, EV_FAILED, 0)->ev.u.failed.cause, CAUSE_LOCAL_INTERRUPT);
		t.failed = 1;
		check_over(&t);
	}
}
END_TEST

UNIT_MAIN("client", what_does_not_open_is_named, garbage_is_shown_escaped, a_redirect_tells_where, a_body_that_comes_later_is_read, a_huge_body_is_cut,
    a_huge_head_is_refused, odd_answers_open, frames_and_close_in_the_segment_of_the_101_are_heard, an_end_at_every_byte_of_the_answer,
    time_runs_out, nobody_listens, a_cancelled_dial_is_logged_and_goes)
