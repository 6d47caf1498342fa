/* SPDX-License-Identifier: MIT */
#include "serve/service.h"

#include "support/ear.h"
#include "support/frames.h"
#include "support/net.h"
#include "support/record.h"

#include <errno.h>
#include <poll.h>

enum { GUESTS = 4 };

/* A raw client: a socket, and what came over it. */
struct guest {
	int fd;
	struct buf in;          /* up to the end of the head, then frames go to the ear */
	bool has_head, is_over;
	int error;
	struct ear ear;
};

struct trial {
	struct net_test *nt;
	struct journal journal;
	struct record record;
	struct service_options opt;
	struct service *service;
	int stopped, writables;
	struct guest guests[GUESTS];
};

static void
on_writable(void *arg)
{
	struct trial *t = arg;

	t->writables++;
}

static void
on_stopped(void *arg)
{
	struct trial *t = arg;

	t->stopped++;
}

static const struct service_events service_up = { on_writable, on_stopped };

static void
prepare(struct trial *t, enum service_mode mode)
{
	*t = (struct trial){ .nt = net_test_new() };
	for (size_t i = 0; i < GUESTS; i++)
		t->guests[i].fd = -1;
	journal_init(&t->journal, ROLE_SERVER, 7, &clock_system);
	record_start(&t->record, &t->journal, EVENT_ALL & ~EVENT_VERBOSE);
	t->opt = (struct service_options){
		.server = {
			.upgrade_timeout_us = 20 * US_PER_S,
			.conn = { .loop = &t->nt->l, .journal = &t->journal, .close_timeout_us = 5 * US_PER_S, .max_message = 1 << 20 },
		},
		.mode = mode,
		.max_connections = GUESTS,
	};
	struct sockaddr_in *a = (struct sockaddr_in *)&t->opt.address;
	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void
start(struct trial *t)
{
	ck_assert_int_eq(service_new(&t->opt, &service_up, t, &t->service), 0);
}

static void
come(struct trial *t, size_t i)
{
	const struct recorded *listen = record_nth(&t->record, EV_LISTEN, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned port;

	ck_assert_int_eq(sscanf(listen->text, "ws://127.0.0.1:%u/", &port), 1);
	a.sin_port = htons((uint16_t)port);
	t->guests[i] = (struct guest){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	ck_assert_int_eq(connect(t->guests[i].fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ear_open(&t->guests[i].ear, false);
}

static void
say(struct guest *g, const void *data, size_t n)
{
	ck_assert_int_eq(send(g->fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* A refusal stays in g->in; what comes behind a 101 goes to the ear. */
static void
hear(struct guest *g)
{
	uint8_t data[4096];
	ssize_t n = recv(g->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		g->is_over = true;
		g->error = n < 0 ? errno : 0;
		return;
	}
	buf_append(&g->in, data, (size_t)n);
	const char *end = strstr(buf_cstr(&g->in), "\r\n\r\n");
	if (g->has_head)
		stream_feed(g->ear.s, data, (size_t)n);
	else if (end != NULL && strncmp(buf_cstr(&g->in), "HTTP/1.1 101", 12) == 0) {
		size_t head = (size_t)(end + 4 - (const char *)buf_head(&g->in));

		g->has_head = true;
		stream_feed(g->ear.s, buf_head(&g->in) + head, g->in.len - head);
	}
}

/* One turn of everybody's. */
static void
turn(struct trial *t)
{
	struct pollfd pfd[1 + GUESTS] = { { .fd = uv_backend_fd(&t->nt->l.uv), .events = POLLIN } };

	uv_run(&t->nt->l.uv, UV_RUN_NOWAIT);
	for (size_t i = 0; i < GUESTS; i++) {
		struct guest *g = &t->guests[i];

		if (g->fd >= 0 && !g->is_over)
			hear(g);
		pfd[1 + i] = (struct pollfd){ .fd = g->is_over ? -1 : g->fd, .events = POLLIN };
	}
	poll(pfd, 1 + GUESTS, 1);
}

static void
until_over(struct trial *t, size_t i)
{
	while (!t->guests[i].is_over)
		turn(t);
}

static void
until_open(struct trial *t, size_t i)
{
	while (!t->guests[i].has_head) {
		ck_assert_msg(!t->guests[i].is_over, "%s", buf_cstr(&t->guests[i].in));
		turn(t);
	}
}

static void
until_heard(struct trial *t, size_t i, const char *what)
{
	struct guest *g = &t->guests[i];

	while (strstr(buf_cstr(&g->ear.trail), what) == NULL) {
		ck_assert_msg(!g->is_over, "%s", buf_cstr(&g->in));
		turn(t);
	}
}

static void
leave(struct trial *t, size_t i)
{
	struct guest *g = &t->guests[i];

	if (g->fd < 0)
		return;
	close(g->fd);
	g->fd = -1;
	buf_deinit(&g->in);
	ear_close(&g->ear);
}

static void
finish(struct trial *t)
{
	service_stop(t->service, true);
	for (size_t i = 0; i < GUESTS; i++)
		leave(t, i);
	net_run_until(t->nt, &t->stopped);
	service_free(t->service);
	net_test_end(t->nt);
	ck_assert_int_eq(t->stopped, 1);
	ck_assert_uint_eq(record_count(&t->record, EV_OPENED), record_count(&t->record, EV_LOST) + record_count(&t->record, EV_CLOSE));
	ck_assert_uint_eq(record_count(&t->record, EV_OPENED), record_count(&t->record, EV_GONE));
	journal_deinit(&t->journal);
}

#define GET "GET /chat HTTP/1.1\r\n"
#define HOST "Host: h\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define GOOD GET HOST UPGRADE KEY VERSION "\r\n"

static void
say_text(struct guest *g, const char *text)
{
	say(g, text, strlen(text));
}

static void
say_frame(struct guest *g, uint8_t first, const char *text)
{
	struct buf wire = { 0 };

	put_frame_text(&wire, true, first, text);
	say(g, buf_head(&wire), wire.len);
	buf_deinit(&wire);
}

static void
join(struct trial *t, size_t i)
{
	come(t, i);
	say_text(&t->guests[i], GOOD);
	until_open(t, i);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&t->guests[i].in), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

static const struct {
	const char *name, *request;
	int status;
	enum cause cause;
	const char *header; /* in the answer; NULL: none in particular */
} refused[] = {
	{ "no key", GET HOST UPGRADE VERSION "\r\n", 400, CAUSE_HTTP_REFUSED, "Sec-WebSocket-Version: 13" },
	{ "a short key", GET HOST UPGRADE "Sec-WebSocket-Key: dGhl\r\n" VERSION "\r\n", 400, CAUSE_HTTP_REFUSED, NULL },
	{ "two keys", GET HOST UPGRADE KEY KEY VERSION "\r\n", 400, CAUSE_HTTP_REFUSED, NULL },
	{ "another version", GET HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426, CAUSE_HTTP_REFUSED, "Sec-WebSocket-Version: 13" },
	{ "no version", GET HOST UPGRADE KEY "\r\n", 426, CAUSE_HTTP_REFUSED, "Sec-WebSocket-Version: 13" },
	{ "POST", "POST / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 405, CAUSE_HTTP_REFUSED, "Allow: GET" },
	{ "no Host", GET UPGRADE KEY VERSION "\r\n", 400, CAUSE_HTTP_REFUSED, NULL },
	{ "no Upgrade", GET HOST KEY VERSION "\r\n", 426, CAUSE_HTTP_REFUSED, "Upgrade: websocket" },
	{ "HTTP/1.0", "GET / HTTP/1.0\r\n" HOST UPGRADE KEY VERSION "\r\n", 505, CAUSE_HTTP_REFUSED, NULL },
	{ "a body", GET HOST UPGRADE KEY VERSION "Content-Length: 3\r\n\r\nabc", 400, CAUSE_HTTP_REFUSED, NULL },
	{ "no HTTP", "\x16\x03\x01\x02", 400, CAUSE_HTTP_NOT_HTTP, NULL },
	{ "a bad header", GET "no colon\r\n\r\n", 400, CAUSE_HTTP_INVALID, NULL },
};

START_TEST(what_is_no_upgrade_is_refused)
{
	for (size_t r = 0; r < ARRAY_LEN(refused); r++) {
		struct trial t;
		char line[32];

		prepare(&t, SERVICE_ECHO);
		start(&t);
		come(&t, 0);
		say_text(&t.guests[0], refused[r].request);
		until_over(&t, 0);
		snprintf(line, sizeof(line), "HTTP/1.1 %d ", refused[r].status);
		ck_assert_msg(strncmp(buf_cstr(&t.guests[0].in), line, strlen(line)) == 0, "%s: %s", refused[r].name, buf_cstr(&t.guests[0].in));
		ck_assert_int_eq(t.guests[0].error, 0);
		if (refused[r].header != NULL)
			ck_assert_msg(strstr(buf_cstr(&t.guests[0].in), refused[r].header) != NULL, "%s: %s", refused[r].name, buf_cstr(&t.guests[0].in));
		const struct recorded *reject = record_nth(&t.record, EV_REJECT, 0);
		ck_assert_int_eq(reject->ev.u.reject.status, refused[r].status);
		ck_assert_msg(reject->ev.u.reject.cause == refused[r].cause, "%s: %s", refused[r].name, cause_name(reject->ev.u.reject.cause));
		ck_assert_str_eq(t.record.trail, "listen reject");
		finish(&t);
	}
}
END_TEST

START_TEST(a_huge_head_is_refused)
{
	struct trial t;
	struct buf request = { 0 };

	prepare(&t, SERVICE_ECHO);
	start(&t);
	come(&t, 0);
	buf_printf(&request, GET "X: %70000s", "");
	say(&t.guests[0], buf_head(&request), request.len);
	until_over(&t, 0);
	ck_assert_int_eq(strncmp(buf_cstr(&t.guests[0].in), "HTTP/1.1 431 ", 13), 0);
	finish(&t);
	buf_deinit(&request);
}
END_TEST

START_TEST(a_slow_head_is_refused_and_the_good_are_served)
{
	struct trial t;

	prepare(&t, SERVICE_ECHO);
	t.opt.server.upgrade_timeout_us = 150 * US_PER_MS;
	start(&t);
	come(&t, 0);
	come(&t, 1);
	say_text(&t.guests[1], "GET / HT");
	join(&t, 2);
	until_over(&t, 0);
	until_over(&t, 1);
	ck_assert_int_eq(strncmp(buf_cstr(&t.guests[0].in), "HTTP/1.1 408 ", 13), 0);
	ck_assert_int_eq(strncmp(buf_cstr(&t.guests[1].in), "HTTP/1.1 408 ", 13), 0);
	say_frame(&t.guests[2], 0x81, "still here");
	until_heard(&t, 2, "T[still here]");
	finish(&t);
}
END_TEST

START_TEST(who_goes_before_the_request_is_complete_is_told)
{
	static const struct {
		const char *request, *text;
		bool rst;
		enum cause cause;
	} rows[] = {
		{ "", "gone before any request", false, CAUSE_TCP_CLOSED },
		{ "GET /", "gone in the middle of the request", false, CAUSE_TCP_CLOSED },
		{ "", "gone before any request", true, CAUSE_TCP_RESET },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct trial t;

		prepare(&t, SERVICE_ECHO);
		start(&t);
		come(&t, 0);
		if (*rows[r].request != '\0')
			say_text(&t.guests[0], rows[r].request);
		if (rows[r].rst) {
			turn(&t);
			net_reset(t.guests[0].fd);
			t.guests[0].fd = dup(0);
			t.guests[0].is_over = true;
		} else {
			shutdown(t.guests[0].fd, SHUT_WR);
		}
		while (record_count(&t.record, EV_REJECT) == 0)
			turn(&t);
		ck_assert_str_eq(record_nth(&t.record, EV_REJECT, 0)->text, rows[r].text);
		ck_assert_int_eq(record_nth(&t.record, EV_REJECT, 0)->ev.u.reject.cause, rows[r].cause);
		ck_assert_int_eq(record_nth(&t.record, EV_REJECT, 0)->ev.u.reject.status, 0);
		finish(&t);
	}
}
END_TEST

/* The request and the first frames, cut anywhere. */
START_TEST(frames_right_behind_the_request_are_echoed)
{
	struct buf all = { 0 };
	size_t head = strlen(GOOD);

	buf_puts(&all, GOOD);
	put_frame_text(&all, true, 0x81, "hello");
	put_frame_text(&all, true, 0x02, "a");
	put_frame_text(&all, true, 0x80, "b");
	put_frame_text(&all, true, 0x88, "\x03\xe8");
	for (size_t cut = head - 4; cut <= all.len; cut++) {
		struct trial t;

		prepare(&t, SERVICE_ECHO);
		start(&t);
		come(&t, 0);
		say(&t.guests[0], buf_head(&all), cut);
		turn(&t);
		turn(&t);
		say(&t.guests[0], buf_head(&all) + cut, all.len - cut);
		until_over(&t, 0);
		ck_assert_int_eq(t.guests[0].error, 0);
		ck_assert_msg(strncmp(buf_cstr(&t.guests[0].ear.trail), "T[hello]B[ab]C1000<>", 20) == 0, "cut %zu: %s", cut, buf_cstr(&t.guests[0].ear.trail));
		ck_assert_uint_eq(record_count(&t.record, EV_CLOSE), 1);
		finish(&t);
	}
	buf_deinit(&all);
}
END_TEST

START_TEST(a_tag_names_session_and_dial)
{
	static const struct {
		const char *header, *session;
		uint32_t dial;
	} rows[] = {
		{ "Wsdiag-Session: 00ff-1; dial=3\r\n", "00ff-1", 3 },
		{ "Wsdiag-Session: 00ff-1\r\n", "00ff-1", 0 },
		{ "Wsdiag-Session: a b; dial=3\r\n", NULL, 0 },
		{ "Wsdiag-Session: x;dial=4294967296000000\r\n", "x", 0 },
		{ "Wsdiag-Session: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n", NULL, 0 },
		{ "Wsdiag-Session: ;\r\n", NULL, 0 },
		{ "", NULL, 0 },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct trial t;
		struct buf request = { 0 };

		prepare(&t, SERVICE_ECHO);
		start(&t);
		come(&t, 0);
		buf_printf(&request, GET HOST UPGRADE KEY VERSION "%s\r\n", rows[r].header);
		say(&t.guests[0], buf_head(&request), request.len);
		until_open(&t, 0);
		const struct event *open = &record_nth(&t.record, EV_OPENED, 0)->ev;
		ck_assert_uint_eq(open->dial, rows[r].dial);
		ck_assert_uint_eq(open->conn, 1);
		ck_assert((open->session.n > 0) == (rows[r].session != NULL));
		ck_assert_uint_eq(open->session.n, rows[r].session != NULL ? strlen(rows[r].session) : 0);
		buf_deinit(&request);
		finish(&t);
	}
}
END_TEST

START_TEST(too_many_are_refused_and_room_is_made)
{
	struct trial t;

	prepare(&t, SERVICE_ECHO);
	t.opt.max_connections = 2;
	start(&t);
	join(&t, 0);
	join(&t, 1);
	come(&t, 2);
	say_text(&t.guests[2], GOOD);
	until_over(&t, 2);
	ck_assert_int_eq(strncmp(buf_cstr(&t.guests[2].in), "HTTP/1.1 503 ", 13), 0);
	ck_assert_int_eq(record_nth(&t.record, EV_REJECT, 0)->ev.u.reject.cause, CAUSE_LOCAL_LIMIT);
	say_frame(&t.guests[0], 0x88, "\x03\xe8");
	until_over(&t, 0);
	join(&t, 3);
	ck_assert_uint_eq(record_nth(&t.record, EV_OPENED, 2)->ev.conn, 3);
	finish(&t);
}
END_TEST

START_TEST(stop_closes_with_1001_and_waits_for_the_answer)
{
	struct trial t;

	prepare(&t, SERVICE_ECHO);
	start(&t);
	join(&t, 0);
	join(&t, 1);
	come(&t, 2);
	turn(&t);
	turn(&t);
	service_stop(t.service, false);
	until_heard(&t, 0, "C1001<>");
	until_heard(&t, 1, "C1001<>");
	until_over(&t, 2);
	say_frame(&t.guests[0], 0x88, "\x03\xe9");
	until_over(&t, 0);
	ck_assert_int_eq(t.stopped, 0);
	say_frame(&t.guests[1], 0x88, "\x03\xe9");
	until_over(&t, 1);
	leave(&t, 0);
	leave(&t, 1);
	net_run_until(t.nt, &t.stopped);
	ck_assert_uint_eq(record_count(&t.record, EV_CLOSE), 2);
	finish(&t);
}
END_TEST

START_TEST(stop_at_once_does_not_wait)
{
	struct trial t;

	prepare(&t, SERVICE_ECHO);
	start(&t);
	join(&t, 0);
	service_stop(t.service, false);
	service_stop(t.service, true);
	until_over(&t, 0);
	leave(&t, 0);
	net_run_until(t.nt, &t.stopped);
	ck_assert_int_eq(record_nth(&t.record, EV_LOST, 0)->ev.u.ended.cause, CAUSE_LOCAL_INTERRUPT);
	finish(&t);
}
END_TEST

/* Who comes in the middle of a message hears the next one, not its end. */
START_TEST(a_broadcast_goes_to_all_who_heard_its_beginning)
{
	struct trial t;
	static const char half[STREAM_FRAGMENT + 1];

	prepare(&t, SERVICE_SEND);
	start(&t);
	ck_assert(service_is_full(t.service));
	join(&t, 0);
	ck_assert_int_ge(t.writables, 1);
	ck_assert(!service_is_full(t.service));
	service_broadcast(t.service, OP_BINARY, half, sizeof(half), false);
	join(&t, 1);
	service_broadcast(t.service, OP_BINARY, "end", 3, true);
	service_broadcast(t.service, OP_TEXT, "next", 4, true);
	until_heard(&t, 1, "T[next]");
	ck_assert_str_eq(buf_cstr(&t.guests[1].ear.trail), "T[next]");
	while (t.guests[0].ear.trail.len < sizeof(half) + 3)
		turn(&t);
	ck_assert_ptr_null(strchr(buf_cstr(&t.guests[1].ear.trail), '!'));
	finish(&t);
}
END_TEST

START_TEST(a_sink_says_nothing)
{
	struct trial t;

	prepare(&t, SERVICE_SINK);
	start(&t);
	join(&t, 0);
	say_frame(&t.guests[0], 0x81, "hello");
	say_frame(&t.guests[0], 0x88, "\x03\xe8");
	until_over(&t, 0);
	ck_assert_str_eq(buf_cstr(&t.guests[0].ear.trail), "C1000<>");
	finish(&t);
}
END_TEST

START_TEST(a_busy_port_is_an_error_and_nothing_is_left)
{
	struct trial t;
	struct service *second = NULL;
	struct service_options opt;
	unsigned port;

	prepare(&t, SERVICE_ECHO);
	start(&t);
	ck_assert_int_eq(sscanf(record_nth(&t.record, EV_LISTEN, 0)->text, "ws://127.0.0.1:%u/", &port), 1);
	opt = t.opt;
	((struct sockaddr_in *)&opt.address)->sin_port = htons((uint16_t)port);
	ck_assert_int_eq(service_new(&opt, &service_up, &t, &second), -EADDRINUSE);
	ck_assert_ptr_null(second);
	finish(&t);
}
END_TEST

UNIT_MAIN("service", what_is_no_upgrade_is_refused, a_huge_head_is_refused, a_slow_head_is_refused_and_the_good_are_served,
    who_goes_before_the_request_is_complete_is_told, frames_right_behind_the_request_are_echoed, a_tag_names_session_and_dial,
    too_many_are_refused_and_room_is_made, stop_closes_with_1001_and_waits_for_the_answer, stop_at_once_does_not_wait,
    a_broadcast_goes_to_all_who_heard_its_beginning, a_sink_says_nothing, a_busy_port_is_an_error_and_nothing_is_left)
