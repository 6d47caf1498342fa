/* SPDX-License-Identifier: MIT */
#include "ws/conn.h"

#include "codec/close_code.h"

#include "support/ear.h"
#include "support/frames.h"
#include "support/net.h"
#include "support/pipe_transport.h"
#include "support/record.h"

#include <errno.h>
#include <stdio.h>

struct trial;
typedef void act_fn(struct trial *t);

/* A conn at one end of a pipe; at the other the test, which speaks frames by hand and hears with an ear. */
struct trial {
	struct net_test *nt;
	struct journal journal;
	struct record record;
	struct conn_settings set;
	struct transport *near, *far;
	struct conn *c;
	struct ear ear;
	struct buf raw;              /* what came to the far end, as bytes */
	size_t raw_head;             /* of those the first are no frames */
	bool far_deaf;               /* does not read */
	int far_over, far_closed;

	struct buf trail;            /* what the conn gave: "T[hi]" */
	int chunks, writables, pongs, ended, gone;
	int64_t rtt;
	bool we_closed_first;
	enum event_type end_type;
	struct ev_ended end;         /* without its spans */
	uint64_t unsent_when_writable;
	act_fn *in_chunk, *in_pong, *in_writable, *in_ended;
};

static void
on_chunk(void *arg, const struct stream_chunk *c)
{
	struct trial *t = arg;

	ck_assert_int_eq(t->ended, 0);
	t->chunks++;
	if (c->first)
		buf_puts(&t->trail, c->opcode == OP_TEXT ? "T[" : "B[");
	buf_append(&t->trail, c->data, c->n);
	if (c->last)
		buf_putc(&t->trail, ']');
	if (t->in_chunk != NULL)
		t->in_chunk(t);
}

static void
on_writable(void *arg)
{
	struct trial *t = arg;

	ck_assert_int_eq(t->ended, 0);
	t->writables++;
	t->unsent_when_writable = conn_unsent(t->c);
	if (t->in_writable != NULL)
		t->in_writable(t);
}

static void
on_pong(void *arg, int64_t rtt_us)
{
	struct trial *t = arg;

	ck_assert_int_eq(t->ended, 0);
	t->pongs++;
	t->rtt = rtt_us;
	if (t->in_pong != NULL)
		t->in_pong(t);
}

static void
on_ended(void *arg, enum event_type type, const struct ev_ended *e, bool we_closed_first)
{
	struct trial *t = arg;

	ck_assert_int_eq(t->ended, 0);
	t->ended++;
	t->end_type = type;
	t->end = *e;
	t->we_closed_first = we_closed_first;
	if (t->in_ended != NULL)
		t->in_ended(t);
}

static void
on_gone(void *arg)
{
	struct trial *t = arg;

	ck_assert_int_eq(t->ended, 1);
	ck_assert_int_eq(t->gone, 0);
	t->gone++;
	t->c = NULL;
}

static const struct conn_events conn_up = { on_chunk, on_writable, on_pong, on_ended, on_gone };

static void
on_far_ready(void *arg, unsigned bits)
{
	struct trial *t = arg;
	uint8_t data[4096];

	(void)bits;
	while (!t->far_over) {
		ssize_t n = transport_read(t->far, data, sizeof(data));

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			t->far_over = 1;
			transport_want(t->far, 0);
			return;
		}
		size_t head = MIN(t->raw_head - MIN(t->raw_head, t->raw.len), (size_t)n);
		buf_append(&t->raw, data, (size_t)n);
		stream_feed(t->ear.s, data + head, (size_t)n - head);
	}
}

static void
on_far_closed(void *arg)
{
	struct trial *t = arg;

	t->far_closed = 1;
}

static const struct transport_events far_up = { .ready = on_far_ready, .closed = on_far_closed };

/* Everything up to conn_open(): the settings may be changed in between. */
static void
prepare(struct trial *t, bool is_server)
{
	struct transport *pipe[2];

	*t = (struct trial){ .nt = net_test_new() };
	pipe_pair(&t->nt->l, pipe);
	t->near = pipe[0];
	t->far = pipe[1];
	transport_set_owner(t->far, &far_up, t);
	journal_init(&t->journal, is_server ? ROLE_SERVER : ROLE_CLIENT, 7, &clock_system);
	record_start(&t->record, &t->journal, EVENT_ALL & ~EVENT_VERBOSE);
	ear_open(&t->ear, !is_server);
	t->set = (struct conn_settings){
		.loop = &t->nt->l,
		.journal = &t->journal,
		.is_server = is_server,
		.session = SPAN_LIT("s-1"),
		.id = 3,
		.dial = 4,
		.close_timeout_us = 20 * US_PER_S,
		.capture = 100,
	};
}

static void
start(struct trial *t)
{
	t->c = conn_open(&t->set, t->near, SPAN_NONE, SPAN_NONE, &conn_up, t);
	transport_want(t->far, T_READ);
}

static void
open_trial(struct trial *t, bool is_server)
{
	prepare(t, is_server);
	start(t);
}

static void
far_frame(struct trial *t, uint8_t first, const char *text)
{
	struct buf wire = { 0 };

	put_frame_text(&wire, t->set.is_server, first, text);
	pipe_inject(t->near, buf_head(&wire), wire.len);
	buf_deinit(&wire);
}

static void
far_close(struct trial *t, int code, const char *reason)
{
	char body[128] = { (char)(code >> 8), (char)code };
	const struct raw_frame f = { .first = 0x88, .data = body, .n = 2 + strlen(reason) };
	struct buf wire = { 0 };

	memcpy(body + 2, reason, strlen(reason));
	put_raw_frame(&wire, t->set.is_server, &f);
	pipe_inject(t->near, buf_head(&wire), wire.len);
	buf_deinit(&wire);
}

static void
far_fin(struct trial *t)
{
	transport_half_close(t->far);
}

static void
far_rst(struct trial *t)
{
	pipe_cut(t->near, pipe_arrived(t->near), ECONNRESET);
}

static void
turn(struct trial *t)
{
	net_turn(t->nt);
}

/* Until it is gone, however it ends; and that nothing is left. */
static void
finish(struct trial *t)
{
	net_run_until(t->nt, &t->gone);
	turn(t);
	if (!t->far_closed)
		transport_close(t->far, TRANSPORT_RST);
	net_run_until(t->nt, &t->far_closed);
	net_test_end(t->nt);
	ck_assert_int_eq(t->ended, 1);
	ck_assert_int_eq(t->gone, 1);
	const struct recorded *end = record_end(&t->record);
	ck_assert_int_eq(end->ev.type, t->end_type);
	ck_assert_uint_eq(end->ev.conn, 3);
	ck_assert_uint_eq(end->ev.dial, 4);
	ck_assert_msg(t->record.n >= 2 && t->record.items[t->record.n - 1].ev.type == EV_GONE && &t->record.items[t->record.n - 2] == end,
	    "the end and gone are the last: %s", t->record.trail);
	ck_assert_uint_eq(record_count(&t->record, EV_GONE), 1);
	journal_deinit(&t->journal);
}

/* What was written down stays until here. */
static void
release(struct trial *t)
{
	ear_close(&t->ear);
	buf_deinit(&t->trail);
	buf_deinit(&t->raw);
}

static void
check_end(struct trial *t, enum event_type type, enum cause cause, const char *text)
{
	const struct recorded *end = record_end(&t->record);

	ck_assert_msg(end->ev.type == type && end->ev.u.ended.cause == cause, "%s: %s", cause_name(end->ev.u.ended.cause), end->text);
	ck_assert_str_eq(end->text, text);
}

static void
echo_hi(struct trial *t)
{
	conn_send(t->c, OP_TEXT, "hi", 2, true);
}

/* --- the closing handshake --- */

/* In turns of the loop until the far end has heard this much. */
static void
until_heard(struct trial *t, const char *what)
{
	for (int i = 0; i < 10000 && strstr(buf_cstr(&t->ear.trail), what) == NULL; i++)
		uv_run(&t->nt->l.uv, UV_RUN_NOWAIT);
	ck_assert_msg(strstr(buf_cstr(&t->ear.trail), what) != NULL, "%s", buf_cstr(&t->ear.trail));
}

START_TEST(peer_closes_first)
{
	for (size_t split = 0; split < 12; split++) {
		struct trial t CLEANUP(release);

		open_trial(&t, _i);
		pipe_split(t.near, split);
		t.in_chunk = echo_hi;
		far_frame(&t, 0x81, "hi");
		far_close(&t, 1001, "bye");
		until_heard(&t, "C1001<>");
		ck_assert_str_eq(buf_cstr(&t.trail), "T[hi]");
		if (!_i) {
			/* A client waits for the server to end TCP. */
			turn(&t);
			ck_assert_int_eq(t.ended, 0);
			far_fin(&t);
		}
		turn(&t);
		ck_assert_int_eq(pipe_closed_by_peer(t.far), TRANSPORT_GRACEFUL);
		finish(&t);
		check_end(&t, EV_CLOSE, CAUSE_WS_CLOSE, _i ? "peer 1001 Going Away \"bye\", we closed TCP" : "peer 1001 Going Away \"bye\", peer FIN");
		ck_assert(!t.we_closed_first);
		ck_assert(t.end.clean);
		ck_assert_int_eq(t.end.code, 1001);
		ck_assert_int_eq(t.end.close_sent, 1001);
		ck_assert_uint_eq(t.end.received.messages, 1);
		ck_assert_uint_eq(t.end.received.bytes, 2);
		ck_assert_int_eq(t.end.unsent, 0);
		ck_assert_uint_eq(record_count(&t.record, EV_MESSAGE), 1 + t.end.sent.messages);
	}
}
END_TEST

START_TEST(we_close_first)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	conn_send(t.c, OP_TEXT, "last", 4, true);
	ck_assert(conn_is_open(t.c));
	conn_close(t.c, 1000, SPAN_LIT("bye"));
	ck_assert(!conn_is_open(t.c));
	ck_assert(!conn_send(t.c, OP_TEXT, "no", 2, true));
	conn_close(t.c, 1001, SPAN_NONE);
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "T[last]C1000<bye>");
	/* What the peer had sent before it heard our Close still counts. */
	far_frame(&t, 0x81, "late");
	far_close(&t, 1000, "");
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.trail), "T[late]");
	if (!_i)
		far_fin(&t);
	finish(&t);
	const char *text = record_end(&t.record)->text;
	ck_assert_msg(strncmp(text, "ours 1000, answered 1000 in ", 28) == 0, "%s", text);
	ck_assert_msg(strstr(text, _i ? ", we closed TCP" : ", peer FIN") != NULL, "%s", text);
	ck_assert(t.we_closed_first);
	ck_assert_int_eq(t.end.by, BY_LOCAL);
	ck_assert_int_ge(t.end.answered, 0);
	ck_assert_str_eq(t.record.trail, ">message <message close gone");
}
END_TEST

START_TEST(both_close_at_once)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	far_close(&t, 1001, "");
	conn_close(t.c, 1000, SPAN_NONE);
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "C1000<>");
	if (!_i)
		far_fin(&t);
	finish(&t);
	ck_assert_int_eq(t.end_type, EV_CLOSE);
	ck_assert_int_eq(t.end.code, 1001);
	ck_assert_int_eq(t.end.close_sent, 1000);
}
END_TEST

START_TEST(an_empty_close_is_answered_with_an_empty_one)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	far_frame(&t, 0x88, "");
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "C1005<>");
	if (!_i)
		far_fin(&t);
	finish(&t);
	ck_assert_int_eq(t.end.code, CLOSE_NO_STATUS);
	ck_assert_int_eq(t.end.synthesised, CLOSE_NO_STATUS);
}
END_TEST

START_TEST(a_close_that_came_with_the_fin_is_answered)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	far_frame(&t, 0x82, "x");
	far_close(&t, 1000, "");
	far_fin(&t);
	finish(&t);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "C1000<>");
	ck_assert_int_eq(t.end_type, EV_CLOSE);
}
END_TEST

START_TEST(data_behind_the_close_is_counted)
{
	struct trial t CLEANUP(release);

	open_trial(&t, false);
	far_close(&t, 1000, "");
	far_frame(&t, 0x81, "ghost");
	turn(&t);
	far_frame(&t, 0xff, "");
	far_fin(&t);
	finish(&t);
	ck_assert_int_eq(t.chunks, 0);
	ck_assert_int_eq(t.end_type, EV_CLOSE);
	ck_assert_uint_eq(t.end.after_close, 9);
}
END_TEST

/* --- the end without one --- */

static void
truncate_tls(struct trial *t)
{
	transport_add_end(t->near, LAYER_TLS, END_TRUNCATED, 0, NULL);
	far_fin(t);
}

START_TEST(the_transport_ends)
{
	static const struct {
		act_fn *end;
		enum cause cause;
		const char *text;
	} rows[] = {
		{ far_fin, CAUSE_TCP_CLOSED, "peer FIN, no Close frame (1006)" },
		{ far_rst, CAUSE_TCP_RESET, "peer RST (1006)" },
		{ truncate_tls, CAUSE_TLS_TRUNCATED, "TLS cut, no close_notify (1006)" },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct trial t CLEANUP(release);

		open_trial(&t, _i);
		far_frame(&t, 0x81, "whole");
		far_frame(&t, 0x01, "half");
		rows[r].end(&t);
		finish(&t);
		check_end(&t, EV_LOST, rows[r].cause, rows[r].text);
		ck_assert_str_eq(buf_cstr(&t.trail), "T[whole]T[half");
		ck_assert_uint_eq(t.end.partial_in, 4);
		ck_assert_uint_eq(t.end.received.messages, 1);
		ck_assert_int_eq(t.end.synthesised, CLOSE_ABNORMAL);
		ck_assert(!t.end.clean);
		ck_assert_str_eq(t.record.trail, "<message lost gone");
	}
}
END_TEST

/* A cut at every byte of a message, a ping and a Close: never a whole message that was none, never a close without a Close. */
START_TEST(a_fin_at_every_byte)
{
	struct buf wire = { 0 };
	size_t message_end;

	put_frame_text(&wire, _i, 0x81, "hello");
	message_end = wire.len;
	put_frame_text(&wire, _i, 0x89, "p");
	put_frame_text(&wire, _i, 0x88, "\x03\xe8");
	for (size_t cut = 0; cut <= wire.len; cut++) {
		struct trial t CLEANUP(release);

		open_trial(&t, _i);
		pipe_inject(t.near, buf_head(&wire), cut);
		far_fin(&t);
		finish(&t);
		ck_assert_uint_eq(t.end.received.messages, cut >= message_end);
		ck_assert_int_eq(t.end_type, cut == wire.len ? EV_CLOSE : EV_LOST);
		if (cut < wire.len)
			ck_assert_str_eq(record_end(&t.record)->text, "peer FIN, no Close frame (1006)");
	}
	buf_deinit(&wire);
}
END_TEST

START_TEST(what_waits_is_read_when_writing_fails)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	pipe_fail_writes(t.far, EPIPE);
	far_frame(&t, 0x81, "hi");
	far_close(&t, 1011, "oops");
	far_fin(&t);
	conn_send(t.c, OP_TEXT, "x", 1, true);
	conn_close(t.c, 1000, SPAN_NONE);
	finish(&t);
	ck_assert_str_eq(buf_cstr(&t.trail), "T[hi]");
	ck_assert_int_eq(t.end_type, EV_LOST);
	ck_assert_int_eq(t.end.code, 1011);
	ck_assert_msg(strncmp(record_end(&t.record)->text, "peer 1011 Internal Error \"oops\", then before our answer ", 56) == 0, "%s",
	    record_end(&t.record)->text);
}
END_TEST

START_TEST(what_waits_is_read_when_writing_fails_also_while_paused)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	turn(&t);
	conn_pause(t.c, true);
	pipe_fail_writes(t.far, ECONNRESET);
	far_frame(&t, 0x81, "hi");
	far_rst(&t);
	conn_send(t.c, OP_TEXT, "x", 1, true);
	finish(&t);
	ck_assert_str_eq(buf_cstr(&t.trail), "T[hi]");
	ck_assert_int_eq(t.end.cause, CAUSE_TCP_RESET);
	ck_assert_int_ge(t.end.unsent, 1);
}
END_TEST

/* --- timeouts --- */

START_TEST(our_close_is_not_answered)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.set.close_timeout_us = 20 * US_PER_MS;
	start(&t);
	conn_close(t.c, 1000, SPAN_NONE);
	finish(&t);
	check_end(&t, EV_LOST, CAUSE_WS_CLOSE_TIMEOUT, "our Close 1000 unanswered for 20ms (1006)");
	ck_assert_int_eq(t.end.close_sent, 1000);
	ck_assert_int_eq(t.end.by, BY_LOCAL);
}
END_TEST

START_TEST(our_close_does_not_leave)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.set.close_timeout_us = 20 * US_PER_MS;
	start(&t);
	pipe_capacity(t.far, 0);
	conn_close(t.c, 1000, SPAN_NONE);
	finish(&t);
	check_end(&t, EV_LOST, CAUSE_WS_CLOSE_TIMEOUT, "our Close 1000 could not be sent for 20ms: peer does not read (1006)");
	ck_assert_int_eq(t.end.close_sent, 0);
	ck_assert_int_gt(t.end.unsent, 0);
}
END_TEST

START_TEST(our_answer_does_not_leave)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.set.close_timeout_us = 20 * US_PER_MS;
	start(&t);
	pipe_capacity(t.far, 0);
	far_close(&t, 1001, "");
	finish(&t);
	check_end(&t, EV_LOST, CAUSE_WS_CLOSE_TIMEOUT, "peer 1001 Going Away, but our answer could not be sent for 20ms: peer does not read");
}
END_TEST

START_TEST(peer_holds_tcp_after_its_close)
{
	struct trial t CLEANUP(release);

	prepare(&t, false);
	t.set.close_timeout_us = 20 * US_PER_MS;
	start(&t);
	far_close(&t, 1000, "");
	finish(&t);
	check_end(&t, EV_CLOSE, CAUSE_WS_CLOSE, "peer 1000, no FIN for 20ms");
	ck_assert(t.end.clean);
}
END_TEST

START_TEST(a_ping_timeout_is_not_said_of_a_closing_handshake)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.set.close_timeout_us = 60 * US_PER_MS;
	t.set.ping_interval_us = 2 * US_PER_MS;
	t.set.ping_timeout_us = 4 * US_PER_MS;
	start(&t);
	conn_close(t.c, 1000, SPAN_NONE);
	finish(&t);
	check_end(&t, EV_LOST, CAUSE_WS_CLOSE_TIMEOUT, "our Close 1000 unanswered for 60ms (1006)");
	ck_assert_uint_eq(record_count(&t.record, EV_PING), 0);
}
END_TEST

START_TEST(silence_is_a_ping_timeout)
{
	struct trial t CLEANUP(release);
	int64_t waiting = 0;

	prepare(&t, _i);
	t.set.ping_interval_us = 4 * US_PER_MS;
	t.set.ping_timeout_us = 20 * US_PER_MS;
	start(&t);
	finish(&t);
	ck_assert_int_eq(t.end.cause, CAUSE_WS_PING_TIMEOUT);
	ck_assert_msg(strncmp(record_end(&t.record)->text, "ping timeout ", 13) == 0, "%s", record_end(&t.record)->text);
	ck_assert_int_ge(t.ear.pings, 1);
	/* Told once that it begins to look bad. */
	for (size_t i = 0, n = record_count(&t.record, EV_PING); i < n; i++) {
		const struct ev_ping *p = &record_nth(&t.record, EV_PING, i)->ev.u.ping;

		if (p->waiting != US_UNKNOWN) {
			ck_assert_int_eq(waiting, 0);
			waiting = p->waiting;
		}
	}
	ck_assert_int_ge(waiting, 10 * US_PER_MS);
}
END_TEST

/* Sends back what the last ping carried. */
static void
answer_pings(struct trial *t)
{
	const char *text = buf_cstr(&t->ear.trail), *last = strrchr(text, 'P');
	char payload[64] = "";

	ck_assert_int_eq(sscanf(last, "P<%63[^>]>", payload), 1);
	far_frame(t, 0x8a, payload);
}

START_TEST(a_pong_tells_the_round_trip)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.set.ping_interval_us = 2 * US_PER_MS;
	start(&t);
	net_run_until(t.nt, &t.ear.pings);
	far_frame(&t, 0x8a, "not asked for");
	answer_pings(&t);
	net_run_until(t.nt, &t.pongs);
	ck_assert_int_ge(t.rtt, 0);
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	finish(&t);
	ck_assert_int_eq(t.pongs, 1);
	ck_assert_int_eq(t.end.rtt, t.rtt);
	ck_assert_int_eq(record_nth(&t.record, EV_PONG, 0)->ev.u.pong.rtt, US_UNKNOWN);
	ck_assert_int_eq(record_nth(&t.record, EV_PONG, 1)->ev.u.pong.rtt, t.rtt);
	ck_assert_str_eq(record_nth(&t.record, EV_PONG, 0)->text, "not asked for");
}
END_TEST

START_TEST(no_ping_timeout_while_we_do_not_read)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.set.ping_interval_us = 2 * US_PER_MS;
	t.set.ping_timeout_us = 6 * US_PER_MS;
	start(&t);
	conn_pause(t.c, true);
	while (t.ear.pings < 12)
		uv_run(&t.nt->l.uv, UV_RUN_ONCE);
	ck_assert_int_eq(t.ended, 0);
	/* With the pongs that waited it is alive. */
	answer_pings(&t);
	conn_pause(t.c, false);
	net_run_until(t.nt, &t.pongs);
	finish(&t);
	ck_assert_int_eq(t.end.cause, CAUSE_WS_PING_TIMEOUT);
}
END_TEST

/* --- violations --- */

START_TEST(a_violation_is_answered_and_named)
{
	static const struct {
		uint8_t first;
		const char *text;
		enum frame_rule rule;
		enum cause cause;
		const char *heard, *said;
	} rows[] = {
		{ 0xc1, "x", RULE_RSV1, CAUSE_WS_PROTOCOL, "C1002<reserved bit RSV1 set without an extension>",
		    "broke RFC 6455 5.2: reserved bit RSV1 set without an extension, answered 1002 (1006)" },
		{ 0x80, "x", RULE_CONTINUATION_ALONE, CAUSE_WS_PROTOCOL, "C1002<continuation frame without a message to continue>",
		    "broke RFC 6455 5.4: continuation frame without a message to continue, answered 1002 (1006)" },
		{ 0x81, "\xff", RULE_TEXT_UTF8, CAUSE_WS_UTF8, "C1007<text message is not UTF-8>",
		    "broke RFC 6455 8.1: text message is not UTF-8, answered 1007 (1006)" },
		{ 0x88, "x", RULE_CLOSE_ONE_BYTE, CAUSE_WS_PROTOCOL, "C1002<Close body of one byte>",
		    "broke RFC 6455 5.5.1: Close body of one byte, answered 1002 (1006)" },
		{ 0x88, "\x03\xed", RULE_CLOSE_CODE, CAUSE_WS_PROTOCOL, "C1002<close code that must not be sent>",
		    "broke RFC 6455 7.4.1: close code that must not be sent, answered 1002 (1006)" },
		{ 0x82, "more than sixteen bytes", RULE_MESSAGE_TOO_BIG, CAUSE_WS_TOO_BIG, "C1009<message larger than our limit>",
		    "message larger than --max-message, answered 1009 (1006)" },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct trial t CLEANUP(release);

		prepare(&t, _i);
		t.set.max_message = 16;
		start(&t);
		far_frame(&t, 0x81, "good");
		size_t before = pipe_arrived(t.near);
		far_frame(&t, rows[r].first, rows[r].text);
		far_frame(&t, 0x81, "behind");
		finish(&t);
		check_end(&t, EV_LOST, rows[r].cause, rows[r].said);
		ck_assert_str_eq(buf_cstr(&t.ear.trail), rows[r].heard);
		ck_assert_int_eq(strncmp(buf_cstr(&t.trail), "T[good]", 7), 0);
		ck_assert_str_eq(t.record.trail, "<message violation lost gone");
		const struct ev_violation *v = &record_nth(&t.record, EV_VIOLATION, 0)->ev.u.violation;
		ck_assert_uint_eq(v->offset, before);
		ck_assert_int_eq(v->answer, frame_rule_answer(rows[r].rule));
		ck_assert_int_eq(t.end.synthesised, CLOSE_ABNORMAL);
		ck_assert_uint_eq(t.end.after_close, 0);
	}
}
END_TEST

START_TEST(a_violation_behind_our_close_gets_no_second_one)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	conn_close(t.c, 1000, SPAN_NONE);
	turn(&t);
	far_frame(&t, 0xc1, "x");
	finish(&t);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "C1000<>");
	ck_assert_int_eq(t.end.cause, CAUSE_WS_PROTOCOL);
	ck_assert_int_eq(record_nth(&t.record, EV_VIOLATION, 0)->ev.u.violation.answer, 0);
	ck_assert_msg(strstr(record_end(&t.record)->text, "answered") == NULL, "%s", record_end(&t.record)->text);
}
END_TEST

/* --- floods and back-pressure --- */

START_TEST(a_flood_of_pings_is_not_a_flood_of_pongs)
{
	struct trial t CLEANUP(release);
	struct buf wire = { 0 };
	char text[16];

	open_trial(&t, _i);
	t.record.sink.wants = 0;
	t.journal.wants &= ~(EVENT_BIT(EV_PING) | EVENT_BIT(EV_PONG));
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		put_frame_text(&wire, _i, 0x89, text);
	}
	pipe_inject(t.near, buf_head(&wire), wire.len);
	until_heard(&t, "p<4999>");
	ck_assert_int_le(t.ear.pongs, 3);
	/* To a peer that does not read, nothing piles up. */
	pipe_capacity(t.far, 0);
	for (int i = 0; i < 200; i++) {
		far_frame(&t, 0x89, text);
		turn(&t);
	}
	ck_assert_uint_le(conn_unsent(t.c), CONN_OUT_HIGH + FRAME_HEADER_MAX + FRAME_CONTROL_MAX);
	t.record.sink.wants = EVENT_ALL;
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	finish(&t);
	buf_deinit(&wire);
}
END_TEST

START_TEST(pause_stops_reading_and_pushes_back)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	turn(&t);
	pipe_capacity(t.near, 64);
	conn_pause(t.c, true);
	far_frame(&t, 0x81, "one");
	far_frame(&t, 0x81, "two");
	turn(&t);
	ck_assert_int_eq(t.chunks, 0);
	/* What is on its way to us stays with the peer. */
	char more[128] = { 0 };
	struct iovec iov = { more, sizeof(more) };
	ck_assert_int_lt(transport_writev(t.far, &iov, 1), 64);
	/* Writing goes on. */
	conn_send(t.c, OP_TEXT, "x", 1, true);
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "T[x]");
	ck_assert_int_eq(t.chunks, 0);
	conn_pause(t.c, false);
	turn(&t);
	ck_assert_int_eq(strncmp(buf_cstr(&t.trail), "T[one]T[two]", 12), 0);
	if (t.c != NULL && !t.ended)
		conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	finish(&t);
}
END_TEST

/* By hand, and by back-pressure: either alone is enough, and only the first ends with a Close of ours. */
START_TEST(a_stall_ends_with_our_close_and_a_pause_does_not)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	conn_stall(t.c, true);
	conn_pause(t.c, true);
	far_frame(&t, 0x81, "one");
	conn_stall(t.c, false);
	turn(&t);
	ck_assert(conn_is_paused(t.c));
	ck_assert_int_eq(t.chunks, 0);
	conn_stall(t.c, true);
	conn_pause(t.c, false);
	turn(&t);
	ck_assert_int_eq(t.chunks, 0);
	conn_close(t.c, 1000, SPAN_NONE);
	ck_assert(!conn_is_paused(t.c));
	far_close(&t, 1000, "");
	turn(&t);
	far_fin(&t);
	finish(&t);
	ck_assert_str_eq(buf_cstr(&t.trail), "T[one]");
	ck_assert_int_eq(t.end_type, EV_CLOSE);
}
END_TEST

static void
pause_here(struct trial *t)
{
	conn_pause(t->c, true);
}

START_TEST(a_pause_inside_chunk_is_obeyed)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	t.in_chunk = pause_here;
	far_frame(&t, 0x81, "one");
	turn(&t);
	far_frame(&t, 0x81, "two");
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.trail), "T[one]");
	t.in_chunk = NULL;
	conn_pause(t.c, false);
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.trail), "T[one]T[two]");
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	finish(&t);
}
END_TEST

/* Fills it beyond the mark while nobody reads. */
static void
fill(struct trial *t)
{
	static const uint8_t block[16 * 1024];

	pipe_capacity(t->far, 0);
	ck_assert(!conn_is_full(t->c));
	while (!conn_is_full(t->c))
		ck_assert(conn_send(t->c, OP_BINARY, block, sizeof(block), true));
	turn(t);
	ck_assert(conn_is_full(t->c));
	ck_assert_uint_lt(conn_unsent(t->c), CONN_OUT_HIGH + 2 * sizeof(block));
	ck_assert_int_eq(t->writables, 0);
}

START_TEST(full_and_writable_are_apart)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	turn(&t);
	fill(&t);
	/* Some of it goes, not enough. */
	pipe_hold(t.far, true);
	pipe_capacity(t.far, 100 * 1024);
	turn(&t);
	ck_assert(!conn_is_full(t.c));
	ck_assert_int_eq(t.writables, 0);
	pipe_hold(t.far, false);
	pipe_capacity(t.far, SIZE_MAX);
	turn(&t);
	ck_assert_int_eq(t.writables, 1);
	ck_assert_uint_lt(t.unsent_when_writable, CONN_OUT_LOW);
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	finish(&t);
	ck_assert_int_eq(t.writables, 1);
}
END_TEST

static void
resume_here(struct trial *t)
{
	conn_pause(t->c, false);
}

/* Whoever stopped reading because it was full must hear that it is not, or the answer to our Close is never read. */
START_TEST(writable_comes_while_closing)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	turn(&t);
	t.in_writable = resume_here;
	fill(&t);
	conn_pause(t.c, true);
	conn_close(t.c, 1001, SPAN_NONE);
	turn(&t);
	pipe_capacity(t.far, SIZE_MAX);
	turn(&t);
	ck_assert_int_eq(t.writables, 1);
	far_close(&t, 1001, "");
	far_fin(&t);
	finish(&t);
	ck_assert_int_eq(t.end_type, EV_CLOSE);
}
END_TEST

/* --- inside callbacks --- */

static void
abort_here(struct trial *t)
{
	conn_abort(t->c, ENDING_INTERRUPTED, TRANSPORT_RST);
	ck_assert_int_eq(t->ended, 1);
	/* The rest is silence, whatever is called. */
	ck_assert(!conn_send(t->c, OP_TEXT, "x", 1, true));
	ck_assert(!conn_is_open(t->c));
	conn_close(t->c, 1000, SPAN_NONE);
	conn_pause(t->c, true);
	conn_pause(t->c, false);
	conn_abort(t->c, ENDING_DROPPED, TRANSPORT_FIN);
}

START_TEST(abort_inside_chunk)
{
	for (size_t split = 0; split < 8; split++) {
		struct trial t CLEANUP(release);

		open_trial(&t, _i);
		pipe_split(t.near, split);
		t.in_chunk = abort_here;
		far_frame(&t, 0x81, "a");
		far_frame(&t, 0x81, "b");
		far_frame(&t, 0xff, "");
		far_close(&t, 1000, "");
		finish(&t);
		ck_assert_str_eq(buf_cstr(&t.trail), "T[a]");
		check_end(&t, EV_LOST, CAUSE_LOCAL_INTERRUPT, "stopped by us at once (1006)");
		ck_assert_str_eq(t.record.trail, "<message lost gone");
	}
}
END_TEST

START_TEST(abort_inside_pong)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.set.ping_interval_us = 2 * US_PER_MS;
	start(&t);
	t.in_pong = abort_here;
	net_run_until(t.nt, &t.ear.pings);
	answer_pings(&t);
	finish(&t);
	ck_assert_int_eq(t.end.cause, CAUSE_LOCAL_INTERRUPT);
}
END_TEST

START_TEST(abort_inside_writable)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	t.in_writable = abort_here;
	fill(&t);
	pipe_capacity(t.far, SIZE_MAX);
	finish(&t);
	ck_assert_int_eq(t.writables, 1);
	ck_assert_int_eq(t.end.cause, CAUSE_LOCAL_INTERRUPT);
}
END_TEST

START_TEST(abort_inside_ended)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	t.in_ended = abort_here;
	far_fin(&t);
	finish(&t);
	ck_assert_int_eq(t.end.cause, CAUSE_TCP_CLOSED);
}
END_TEST

START_TEST(abort_before_anything)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	far_frame(&t, 0x81, "a");
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_FIN);
	ck_assert_int_eq(t.ended, 1);
	ck_assert_int_eq(t.gone, 0);
	finish(&t);
	check_end(&t, EV_LOST, CAUSE_LOCAL_DROP, "dropped by us, no Close frame (1006)");
	ck_assert_int_eq(t.chunks, 0);
}
END_TEST

static void
close_here(struct trial *t)
{
	conn_close(t->c, 1000, SPAN_LIT("enough"));
	ck_assert_int_eq(t->ended, 0);
}

START_TEST(close_inside_chunk)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	t.in_chunk = close_here;
	far_frame(&t, 0x81, "a");
	far_frame(&t, 0x81, "b");
	turn(&t);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "C1000<enough>");
	ck_assert_str_eq(buf_cstr(&t.trail), "T[a]T[b]");
	far_close(&t, 1000, "");
	far_fin(&t);
	finish(&t);
	ck_assert_int_eq(t.end_type, EV_CLOSE);
	ck_assert(t.we_closed_first);
}
END_TEST

/* --- around the head --- */

START_TEST(early_bytes_are_heard_at_every_cut)
{
	struct buf wire = { 0 };

	put_frame_text(&wire, _i, 0x01, "he");
	put_frame_text(&wire, _i, 0x89, "p");
	put_frame_text(&wire, _i, 0x80, "llo");
	put_frame_text(&wire, _i, 0x88, "\x03\xe8");
	for (size_t cut = 0; cut <= wire.len; cut++) {
		struct trial t CLEANUP(release);

		prepare(&t, _i);
		t.c = conn_open(&t.set, t.near, (struct span){ (const char *)buf_head(&wire), cut }, SPAN_NONE, &conn_up, &t);
		transport_want(t.far, T_READ);
		ck_assert_int_eq(t.chunks, 0);
		pipe_inject(t.near, buf_head(&wire) + cut, wire.len - cut);
		far_fin(&t);
		finish(&t);
		ck_assert_str_eq(buf_cstr(&t.trail), "T[hello]");
		ck_assert_int_eq(t.end_type, EV_CLOSE);
	}
	buf_deinit(&wire);
}
END_TEST

START_TEST(an_unsent_head_goes_first)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.raw_head = 10;
	t.c = conn_open(&t.set, t.near, SPAN_NONE, SPAN_LIT("HTTP 101\r\n"), &conn_up, &t);
	transport_want(t.far, T_READ);
	conn_send(t.c, OP_TEXT, "x", 1, true);
	turn(&t);
	ck_assert_int_eq(memcmp(buf_head(&t.raw), "HTTP 101\r\n", 10), 0);
	ck_assert_str_eq(buf_cstr(&t.ear.trail), "T[x]");
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	finish(&t);
}
END_TEST

START_TEST(an_unsent_head_goes_also_when_nothing_is_said)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.raw_head = 10;
	t.c = conn_open(&t.set, t.near, SPAN_NONE, SPAN_LIT("HTTP 101\r\n"), &conn_up, &t);
	transport_want(t.far, T_READ);
	turn(&t);
	ck_assert_uint_eq(t.raw.len, 10);
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	finish(&t);
}
END_TEST

/* --- what is written down --- */

START_TEST(messages_are_recorded_up_to_the_capture)
{
	static const struct {
		size_t capture;
		const char *in, *out;
		bool truncated;
	} rows[] = { { 100, "abcdef", "uvwxyz", false }, { 6, "abcdef", "uvwxyz", false }, { 4, "abcd", "uvwx", true }, { 0, "", "", false } };

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		for (int fragmented = 0; fragmented < 2; fragmented++) {
			struct trial t CLEANUP(release);

			prepare(&t, _i);
			t.set.capture = rows[r].capture;
			start(&t);
			if (fragmented) {
				far_frame(&t, 0x01, "abc");
				far_frame(&t, 0x80, "def");
				conn_send(t.c, OP_TEXT, "uvw", 3, false);
				conn_send(t.c, OP_TEXT, "xyz", 3, true);
			} else {
				far_frame(&t, 0x81, "abcdef");
				conn_send(t.c, OP_TEXT, "uvwxyz", 6, true);
			}
			turn(&t);
			conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
			finish(&t);
			ck_assert_str_eq(t.record.trail, ">message <message lost gone");
			for (size_t i = 0; i < 2; i++) {
				const struct recorded *m = record_nth(&t.record, EV_MESSAGE, i);

				ck_assert_str_eq(m->text, i == 0 ? rows[r].out : rows[r].in);
				ck_assert_uint_eq(m->ev.u.message.length, 6);
				ck_assert_int_eq(m->ev.u.message.opcode, OP_TEXT);
				ck_assert(m->ev.u.message.truncated == rows[r].truncated);
				ck_assert((m->ev.u.message.data.p == NULL) == (rows[r].capture == 0));
			}
			ck_assert_uint_eq(t.end.sent.bytes, 6);
			ck_assert_uint_eq(t.end.sent.messages, 1);
		}
	}
}
END_TEST

START_TEST(frames_are_recorded_when_wanted)
{
	struct trial t CLEANUP(release);

	prepare(&t, _i);
	t.journal.wants |= EVENT_BIT(EV_FRAME);
	t.record.sink.wants |= EVENT_BIT(EV_FRAME);
	start(&t);
	far_frame(&t, 0x01, "he");
	far_frame(&t, 0x89, "p");
	far_frame(&t, 0x80, "llo");
	far_close(&t, 1000, "");
	turn(&t);
	far_fin(&t);
	finish(&t);
	ck_assert_str_eq(t.record.trail, "<frame <frame <ping <frame <message <frame >frame >pong >frame close gone");
	ck_assert_uint_eq(record_nth(&t.record, EV_FRAME, 2)->ev.u.frame.length, 3);
	ck_assert(record_nth(&t.record, EV_FRAME, 0)->ev.u.frame.masked == (bool)_i);
	ck_assert(record_nth(&t.record, EV_FRAME, 4)->ev.u.frame.masked != (bool)_i);
}
END_TEST

START_TEST(what_was_not_sent_is_counted)
{
	struct trial t CLEANUP(release);

	open_trial(&t, _i);
	pipe_capacity(t.far, 0);
	conn_send(t.c, OP_TEXT, "0123456789", 10, true);
	conn_send(t.c, OP_TEXT, "part", 4, false);
	turn(&t);
	ck_assert_uint_eq(conn_unsent(t.c), _i ? 12 : 16);
	conn_abort(t.c, ENDING_DROPPED, TRANSPORT_RST);
	ck_assert_uint_eq(conn_unsent(t.c), 0);
	finish(&t);
	ck_assert_int_eq(t.end.unsent, _i ? 12 : 16);
	ck_assert_uint_eq(t.end.partial_out, 4);
	ck_assert_uint_eq(t.end.sent.messages, 1);
}
END_TEST

/* Each test runs as a client (_i 0) and as a server. */
UNIT_LOOP_MAIN("conn", 2, peer_closes_first, we_close_first, both_close_at_once, an_empty_close_is_answered_with_an_empty_one,
    a_close_that_came_with_the_fin_is_answered, data_behind_the_close_is_counted, the_transport_ends, a_fin_at_every_byte,
    what_waits_is_read_when_writing_fails, what_waits_is_read_when_writing_fails_also_while_paused, our_close_is_not_answered,
    our_close_does_not_leave, our_answer_does_not_leave, peer_holds_tcp_after_its_close, a_ping_timeout_is_not_said_of_a_closing_handshake,
    silence_is_a_ping_timeout, a_pong_tells_the_round_trip, no_ping_timeout_while_we_do_not_read, a_violation_is_answered_and_named,
    a_violation_behind_our_close_gets_no_second_one, a_flood_of_pings_is_not_a_flood_of_pongs, pause_stops_reading_and_pushes_back,
    a_stall_ends_with_our_close_and_a_pause_does_not,
    a_pause_inside_chunk_is_obeyed, full_and_writable_are_apart, writable_comes_while_closing, abort_inside_chunk, abort_inside_pong,
    abort_inside_writable, abort_inside_ended, abort_before_anything, close_inside_chunk, early_bytes_are_heard_at_every_cut,
    an_unsent_head_goes_first, an_unsent_head_goes_also_when_nothing_is_said, messages_are_recorded_up_to_the_capture,
    frames_are_recorded_when_wanted, what_was_not_sent_is_counted)
