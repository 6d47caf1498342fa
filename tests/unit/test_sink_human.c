/* SPDX-License-Identifier: MIT */
#include "log/human_text.h"

#include "support/unit.h"

#include <locale.h>
#include <string.h>
#include <time.h>

static const struct source client = { .run = UINT64_C(0x7f3a9c0000000001), .role = ROLE_CLIENT };
static const struct source server = { .run = UINT64_C(0x7f3a9c0000000001), .role = ROLE_SERVER };
static const struct human_options wide = { .wants = EVENT_ALL, .time = TIME_NONE };

#define MS INT64_C(1000)
#define S INT64_C(1000000)

static struct event
event_of(enum event_type type, uint32_t conn, uint32_t dial)
{
	return (struct event){ .type = type, .src = &client, .wall_us = INT64_C(1772658782071000), .mono_us = 100 * S, .conn = conn,
		.dial = dial };
}

static void
collect(void *arg, const char *line, size_t n)
{
	buf_append(arg, line, n);
}

static void
check(const struct event *ev, const struct human_options *opt, const char *expected)
{
	struct buf b = { 0 };
	struct sink *s = sink_human_new(opt, collect, &b);

	s->event(s, ev);
	ck_assert_str_eq(buf_cstr(&b), expected);
	s->free(s);
	buf_deinit(&b);
}

static struct event
start_event(void)
{
	struct event ev = event_of(EV_START, 0, 0);

	ev.session = SPAN_LIT("7f3a9c0000000001-1");
	ev.u.start = (struct ev_start){ .version = SPAN_LIT("1.0"), .url = SPAN_LIT("wss://example.org/ws") };
	return ev;
}

static struct event
lost_event(void)
{
	struct event ev = event_of(EV_LOST, 1, 1);

	ev.u.ended = (struct ev_ended){ .by = BY_PEER,
		.cause = CAUSE_TCP_CLOSED,
		.text = SPAN_LIT("peer FIN, no Close frame"),
		.synthesised = 1006,
		.age = 410 * S,
		.silent_rx = 10400 * MS,
		.silent_tx = 10400 * MS,
		.rtt = US_UNKNOWN,
		.answered = US_UNKNOWN,
		.unacked = -1 };
	return ev;
}

START_TEST(times_are_shown_as_asked)
{
	struct event ev = start_event();
	struct human_options opt = wide;

	setenv("TZ", "XXX-1", 1);
	tzset();
	opt.time = TIME_LOCAL;
	check(&ev, &opt, "22:13:02.071  start      s1  wss://example.org/ws  2026-03-04 +01:00  wsdiag 1.0  run 7f3a9c\n");
	opt.time = TIME_ISO;
	check(&ev, &opt, "2026-03-04T21:13:02.071000Z  start      s1  wss://example.org/ws  wsdiag 1.0  run 7f3a9c\n");
	opt.time = TIME_NONE;
	check(&ev, &opt, "start      s1  wss://example.org/ws  2026-03-04T21:13:02.071000Z  wsdiag 1.0  run 7f3a9c\n");
}
END_TEST

START_TEST(relative_time_counts_from_the_first_event)
{
	struct event ev = event_of(EV_NOTE, 0, 0);
	struct human_options opt = wide;
	struct buf b = { 0 };

	ev.u.note.text = SPAN_LIT("x");
	opt.time = TIME_RELATIVE;
	struct sink *s = sink_human_new(&opt, collect, &b);
	s->event(s, &ev);
	ev.mono_us += 12345 * MS;
	s->event(s, &ev);
	ev.mono_us += 3600 * S;
	s->event(s, &ev);
	ck_assert_str_eq(buf_cstr(&b), "  +0.000  note:          x\n +12.345  note:          x\n+3612.345  note:          x\n");
	s->free(s);
	buf_deinit(&b);
}
END_TEST

START_TEST(opens_say_where_and_how_fast)
{
	const struct tls_facts tls = { .version = SPAN_LIT("TLSv1.3"), .verified = true }, unverified = { .version = SPAN_LIT("TLSv1.2") };
	const struct attempt tried[] = { { SPAN_LIT("[2001:db8::1]:443"), CAUSE_TCP_UNREACHABLE, 5 } };
	struct event ev = event_of(EV_OPENED, 1, 1);

	ev.u.opened = (struct ev_opened){ .url = SPAN_LIT("wss://example.org/ws"), .peer = SPAN_LIT("104.18.2.3:443"), .tls = &tls,
		.timing = { 3 * MS, 9 * MS, US_UNKNOWN, 12 * MS, 19 * MS }, .hop = SPAN_LIT("Cloudflare 7d2e41-FRA") };
	check(&ev, &wide, "open       c1  d1 104.18.2.3:443 TLSv1.3 43ms (dns 3 tcp 9 tls 12 upgrade 19); Cloudflare 7d2e41-FRA\n");
	ev.u.opened.is_reconnect = true;
	ev.u.opened.down = 6100 * MS;
	ev.u.opened.failed = 1;
	check(&ev, &wide, "reconnect  c1  d1 104.18.2.3:443 TLSv1.3 43ms; down 6.1s, 1 dial failed; Cloudflare 7d2e41-FRA\n");

	ev.u.opened = (struct ev_opened){ .peer = SPAN_LIT("127.0.0.1:80"), .tls = &unverified, .attempts = { tried, 1 },
		.timing = { US_UNKNOWN, 420, US_UNKNOWN, US_UNKNOWN, 2 * MS }, .subprotocol = SPAN_LIT("chat") };
	check(&ev, &wide,
	    "open       c1  d1 127.0.0.1:80 TLSv1.2 not verified 2ms (tcp 0.4 upgrade 2); tried [2001:db8::1]:443 "
	    "(tcp.address_unreachable); subprotocol chat\n");
}
END_TEST

START_TEST(a_servers_open_says_who_came_and_for_what)
{
	struct event ev = event_of(EV_OPENED, 12, 0);

	ev.src = &server;
	ev.session = SPAN_LIT("abc-1");
	ev.u.opened = (struct ev_opened){ .url = SPAN_LIT("ws://h:80/ws?token=x"), .peer = SPAN_LIT("127.0.0.1:5000"),
		.timing = { US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, US_UNKNOWN, MS }, .subprotocol = SPAN_LIT("chat"),
		.forwarded_for = SPAN_LIT("203.0.113.9\033[0m") };
	check(&ev, &wide,
	    "open       c12  127.0.0.1:5000 /ws?token=***; subprotocol chat; session abc-1; forwarded for 203.0.113.9\\e[0m\n");
	ev.u.opened.url = SPAN_LIT("/plain");
	ev.u.opened.subprotocol = ev.u.opened.forwarded_for = ev.session = SPAN_NONE;
	check(&ev, &wide, "open       c12  127.0.0.1:5000 /plain\n");
}
END_TEST

START_TEST(ends_say_the_cause_then_the_numbers)
{
	const struct tcp_facts tcp = { .retransmits = 5 };
	struct event ev = lost_event();

	check(&ev, &wide, "lost       c1  peer FIN, no Close frame (1006); age 6m50s, silent in 10.4s out 10.4s\n");
	ev.u.ended.text = SPAN_LIT("ping timeout 25.0s; TCP acked: far side silent");
	check(&ev, &wide, "lost       c1  ping timeout 25.0s (1006); TCP acked: far side silent; age 6m50s, silent in 10.4s out 10.4s\n");
	ev.u.ended.text = SPAN_LIT("peer FIN, no Close frame (1006)");
	ev.u.ended.silent_tx = US_UNKNOWN;
	ev.u.ended.paused_rx = 3200 * MS;
	ev.u.ended.unsent = 1;
	ev.u.ended.unacked = 340;
	ev.u.ended.partial_in = 5;
	ev.u.ended.after_close = 7;
	ev.u.ended.tcp = &tcp;
	check(&ev, &wide,
	    "lost       c1  peer FIN, no Close frame (1006); age 6m50s, silent in 10.4s; not reading for 3.2s; 1 byte unsent, 340 bytes "
	    "unacked, "
	    "5 bytes of an unfinished message in, 7 bytes after the peer's Close; TCP retransmitting, 5 tries\n");

	ev = event_of(EV_CLOSE, 3, 4);
	ev.u.ended = (struct ev_ended){ .cause = CAUSE_WS_CLOSE,
		.text = SPAN_LIT("ours 1000, answered 1000 in 31ms, peer FIN"),
		.code = 1000,
		.synthesised = 1000,
		.age = 1741 * S,
		.silent_rx = 0,
		.silent_tx = 0 };
	check(&ev, &wide, "close      c3  ours 1000, answered 1000 in 31ms, peer FIN; age 29m01s\n");
	ev.u.ended.text = SPAN_LIT("peer 1012 Service Restart \"a\\nb\033\"");
	check(&ev, &wide, "close      c3  peer 1012 Service Restart \"a\\nb\\e\"; age 29m01s\n");
}
END_TEST

START_TEST(the_end_leaves_out_what_is_zero)
{
	struct event ev = event_of(EV_END, 0, 0);

	ev.session = SPAN_LIT("x-1");
	ev.u.end = (struct ev_end){ .up = 3277 * S, .total = 3285 * S, .dials = 4, .conns = 3, .lost = 2, .received = { 1204, 188000 },
		.sent = { 61, 4000 }, .rtt_min = US_UNKNOWN, .rtt_median = US_UNKNOWN, .rtt_max = US_UNKNOWN };
	check(&ev, &wide, "end        s1  up 54m37s of 54m45s; 4 dials, 3 conns, 2 lost; in 1204 (188kB) out 61 (4kB); exit 0\n");
	ev.u.end = (struct ev_end){ .total = 1200 * MS, .dials = 1, .exit = 7, .rtt_median = US_UNKNOWN };
	check(&ev, &wide, "end        s1  never open in 1.2s; 1 dial; exit 7\n");
	ev.u.end = (struct ev_end){ .up = 1 * S, .total = 2 * S, .dials = 1, .conns = 1, .sent = { 1, 5 }, .rtt_min = 29 * MS,
		.rtt_median = 31 * MS, .rtt_max = 44 * MS };
	check(&ev, &wide, "end        s1  up 1.0s of 2.0s; 1 dial, 1 conn; out 1 (5B); rtt 31ms (29ms to 44ms); exit 0\n");
	ev.src = &server;
	ev.u.end = (struct ev_end){ .up = US_UNKNOWN, .total = 2 * S, .conns = 2, .rtt_median = US_UNKNOWN };
	check(&ev, &wide, "end            ran 2.0s; 2 conns; exit 0\n");
}
END_TEST

START_TEST(a_refused_upgrade_shows_the_answer)
{
	const struct header headers[] = { { SPAN_LIT("Server"), SPAN_LIT("cloudflare\033") },
		{ SPAN_LIT("Set-Cookie"), SPAN_LIT("a=b; Path=/") } };
	struct event ev = event_of(EV_FAILED, 0, 2);

	ev.u.failed = (struct ev_failed){ .stage = STAGE_UPGRADE,
		.cause = CAUSE_HTTP_REFUSED,
		.code = 502,
		.text = SPAN_LIT("HTTP 502 Bad\033 Gateway"),
		.took = 41 * MS,
		.status = 502,
		.headers = { headers, 2 },
		.body = SPAN_LIT("<html>\r\n  <p>no\x07</p>\n"),
		.hop = SPAN_LIT("Cloudflare 7d2f03-FRA") };
	check(&ev, &wide,
	    "failed     d2  upgrade: HTTP 502 Bad\\e Gateway, 41ms; Cloudflare 7d2f03-FRA\n"
	    "                 Server: cloudflare\\e\n"
	    "                 Set-Cookie: a=***; Path=/\n"
	    "                 <html>\n"
	    "                   <p>no\\x07</p>\n");
}
END_TEST

START_TEST(a_failed_dial_names_stage_and_addresses)
{
	const struct attempt tried[] = { { SPAN_LIT("[::1]:9"), CAUSE_TCP_REFUSED, 5 },
		{ SPAN_LIT("127.0.0.1:9"), CAUSE_TCP_TIMED_OUT, 5 } };
	struct event ev = event_of(EV_FAILED, 0, 1);

	ev.u.failed = (struct ev_failed){ .stage = STAGE_TCP,
		.cause = CAUSE_TCP_REFUSED,
		.code = 111,
		.text = SPAN_LIT("Connection refused"),
		.took = 400,
		.attempts = { tried, 2 } };
	check(&ev, &wide, "failed     d1  tcp: Connection refused, 0.4ms; tried [::1]:9, 127.0.0.1:9 (tcp.timed_out)\n");
	ev.u.failed.text = SPAN_LIT("connection refused by [::1]:9");
	check(&ev, &wide, "failed     d1  tcp: connection refused by [::1]:9, 0.4ms; tried 127.0.0.1:9 (tcp.timed_out)\n");
}
END_TEST

START_TEST(a_reject_names_peer_and_request)
{
	struct event ev = event_of(EV_REJECT, 0, 0);

	ev.src = &server;
	ev.u.reject = (struct ev_reject){ .peer = SPAN_LIT("127.0.0.1:5000"), .status = 426, .cause = CAUSE_HTTP_INVALID,
		.text = SPAN_LIT("no Upgrade header"), .request = SPAN_LIT("GET /?token=a HTTP/1.1"), .took = 2 * MS };
	check(&ev, &wide, "reject         127.0.0.1:5000 HTTP 426: no Upgrade header; GET /?token=*** HTTP/1.1, 2ms\n");
}
END_TEST

START_TEST(heads_and_frames_have_a_direction)
{
	struct event ev = event_of(EV_HEAD, 0, 1);

	ev.u.head = (struct ev_head){ DIR_OUT, SPAN_LIT("GET / HTTP/1.1\r\nCookie: a=b\r\n\r\n") };
	check(&ev, &wide, "head       d1  > GET / HTTP/1.1\n               > Cookie: a=***\n");
	ev.u.head = (struct ev_head){ DIR_IN, SPAN_LIT("HTTP/1.1 101 \033\r\n\r\n") };
	check(&ev, &wide, "head       d1  < HTTP/1.1 101 \\e\n");
	ev = event_of(EV_FRAME, 1, 1);
	ev.u.frame = (struct ev_frame){ DIR_IN, true, 0, 1, true, 5 };
	check(&ev, &wide, "frame      c1  < text fin 5 bytes masked\n");
	ev.u.frame = (struct ev_frame){ DIR_OUT, false, 5, 3, false, 1 };
	check(&ev, &wide, "frame      c1  > opcode 3 rsv1 rsv3 1 byte\n");
	ev = event_of(EV_MESSAGE, 1, 1);
	ev.u.message = (struct ev_message){ DIR_IN, 1, 3, SPAN_LIT("a\nb"), false };
	check(&ev, &wide, "message    c1  < text 3 bytes \"a\\nb\"\n");
}
END_TEST

START_TEST(healthy_pings_show_only_when_asked_for)
{
	struct human_options pings = wide;
	struct event ev = event_of(EV_PING, 2, 2);

	pings.show_pings = true;
	ev.u.ping = (struct ev_ping){ DIR_OUT, SPAN_NONE, US_UNKNOWN };
	check(&ev, &wide, "");
	check(&ev, &pings, "ping       c2  >\n");
	ev.u.ping = (struct ev_ping){ DIR_OUT, SPAN_NONE, 12500 * MS };
	check(&ev, &wide, "ping       c2  no pong for 12.5s\n");
	ev = event_of(EV_PONG, 2, 2);
	ev.u.pong = (struct ev_pong){ DIR_IN, SPAN_NONE, 31 * MS };
	check(&ev, &pings, "pong       c2  < rtt 31ms\n");
	ev.u.pong = (struct ev_pong){ DIR_IN, SPAN_LIT("hi"), US_UNKNOWN };
	check(&ev, &pings, "pong       c2  < unasked \"hi\"\n");
}
END_TEST

START_TEST(violations_name_the_rule)
{
	struct event ev = event_of(EV_VIOLATION, 1, 1);

	ev.u.violation = (struct ev_violation){ DIR_IN, SPAN_LIT("reserved bit RSV2 set"), SPAN_LIT("RFC 6455 5.2"), 1234, 1002 };
	check(&ev, &wide, "violation  c1  broke RFC 6455 5.2: reserved bit RSV2 set (byte 1234); answering 1002\n");
}
END_TEST

START_TEST(listen_dial_gone_and_note_are_short)
{
	struct event ev = event_of(EV_LISTEN, 0, 0);

	ev.src = &server;
	ev.u.listen = (struct ev_listen){ SPAN_LIT("ws://127.0.0.1:9000/"), SPAN_LIT("127.0.0.1:9000") };
	check(&ev, &wide, "listen         ws://127.0.0.1:9000/\n");
	ev.u.listen.address = SPAN_LIT("0.0.0.0:9000");
	check(&ev, &wide, "listen         ws://127.0.0.1:9000/  0.0.0.0:9000\n");
	ev = event_of(EV_DIAL, 0, 3);
	ev.u.dialled.url = SPAN_LIT("ws://e.org/?sig=abc");
	check(&ev, &wide, "dial       d3  ws://e.org/?sig=***\n");
	check(&ev, &(struct human_options){ .time = TIME_NONE, .show_secrets = true }, "dial       d3  ws://e.org/?sig=abc\n");
	ev = event_of(EV_GONE, 2, 2);
	ev.u.gone.after = 25200 * MS;
	check(&ev, &wide, "gone       c2  socket closed 25.2s after that\n");
	ev = event_of(EV_NOTE, 0, 0);
	ev.u.note.text = SPAN_LIT("stdin ended, so we closed");
	check(&ev, &wide, "note:          stdin ended, so we closed\n");
}
END_TEST

START_TEST(lines_fold_under_their_text)
{
	struct event ev = lost_event();
	struct human_options opt = wide;

	opt.time = TIME_LOCAL;
	opt.columns = 60;
	check(&ev, &opt,
	    "22:13:02.071  lost       c1  peer FIN, no Close frame\n"
	    "                             (1006); age 6m50s, silent in\n"
	    "                             10.4s out 10.4s\n");
	/* 11 columns would be left for the text: it takes the whole width instead. */
	opt.columns = 40;
	check(&ev, &opt,
	    "22:13:02.071  lost  c1  peer FIN, no\n"
	    "  Close frame (1006); age 6m50s, silent\n"
	    "  in 10.4s out 10.4s\n");
	opt.columns = 20;
	check(&ev, &opt,
	    "22:13:02.071  lost\n"
	    "  c1  peer FIN, no\n"
	    "  Close frame\n"
	    "  (1006); age 6m50s,\n"
	    "  silent in 10.4s\n"
	    "  out 10.4s\n");
	opt.time = TIME_ISO;
	ev = start_event();
	check(&ev, &opt,
	    "2026-03-04T21:13:02.\n"
	    "  071000Z  start  s1\n"
	    "  wss://example.org/\n"
	    "  ws  wsdiag 1.0\n"
	    "  run 7f3a9c\n");
}
END_TEST

START_TEST(only_the_event_word_is_coloured)
{
	struct event ev = lost_event();
	struct human_options opt = wide;

	opt.colour = true;
	check(&ev, &opt, "\033[31mlost\033[0m       c1  peer FIN, no Close frame (1006); age 6m50s, silent in 10.4s out 10.4s\n");
	ev = start_event();
	check(&ev, &opt, "start      s1  wss://example.org/ws  2026-03-04T21:13:02.071000Z  wsdiag 1.0  run 7f3a9c\n");
}
END_TEST

START_TEST(columns_widen_with_the_numbers_and_stay)
{
	struct event ev = event_of(EV_GONE, 12345, 0);
	struct buf b = { 0 };
	struct sink *s = sink_human_new(&wide, collect, &b);

	s->event(s, &ev);
	ev.conn = 1;
	s->event(s, &ev);
	ck_assert_str_eq(
	    buf_cstr(&b), "gone       c12345  socket closed 0.0ms after that\ngone       c1      socket closed 0.0ms after that\n");
	buf_clear(&b);
	sink_human_set_columns(s, 40);
	s->event(s, &ev);
	ck_assert_str_eq(buf_cstr(&b), "gone       c1      socket closed 0.0ms\n                   after that\n");
	s->free(s);
	buf_deinit(&b);
}
END_TEST

START_TEST(every_type_makes_a_line_at_every_width)
{
	for (int type = 0; type < EV_TYPE_COUNT; type++) {
		for (unsigned columns = 0; columns < 60; columns += 3) {
			struct event ev = event_of((enum event_type)type, 0, 0);
			struct human_options opt = { .time = TIME_LOCAL, .columns = columns, .show_pings = true };
			struct buf b = { 0 };
			struct sink *s = sink_human_new(&opt, collect, &b);

			s->event(s, &ev);
			ck_assert_uint_gt(b.len, 12);
			ck_assert(buf_cstr(&b)[b.len - 1] == '\n');
			ck_assert_ptr_null(strstr(buf_cstr(&b), " \n"));
			s->free(s);
			buf_deinit(&b);
		}
	}
}
END_TEST

START_TEST(bytes_read_as_a_person_says_them)
{
	static const struct {
		uint64_t n;
		const char *text;
	} rows[] = { { 0, "0B" }, { 999, "999B" }, { 1000, "1kB" }, { 188400, "188kB" }, { 999600, "1.0MB" }, { 1500000, "1.5MB" },
		{ 250000000, "250MB" }, { UINT64_C(2147483648), "2.1GB" }, { UINT64_MAX, "18.4EB" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };

		human_bytes(&b, rows[i].n);
		ck_assert_str_eq(buf_cstr(&b), rows[i].text);
		buf_deinit(&b);
	}
}
END_TEST

START_TEST(what_happens_between_connections_reads_as_a_story)
{
	struct event ev = event_of(EV_RETRY, 0, 2);

	ev.u.retry = (struct ev_retry){ .delay = 1300 * MS };
	check(&ev, &wide, "retry      d2  in 1.3s\n");
	ev.u.retry.failures = 3;
	check(&ev, &wide, "retry      d2  in 1.3s; 3 dials in a row have failed\n");
	ev = event_of(EV_OVERLAP, 3, 4);
	ev.u.overlap = (struct ev_overlap){ .with = 2, .since = 2100 * MS };
	check(&ev, &wide, "overlap    c3  c2 not known to have ended; the server may hold both\n");
	ev.u.overlap.held = true;
	check(&ev, &wide, "overlap    c3  c2 is held open by us\n");
	ev.u.overlap = (struct ev_overlap){ .with = 2, .since = US_UNKNOWN };
	check(&ev, &wide, "overlap    c3  c2 is still open\n");
	ev = event_of(EV_GHOST, 2, 1);
	ev.u.ghost = (struct ev_ghost){ .text = SPAN_LIT("peer FIN"), .ended = true, .after = 25200 * MS, .with = 3, .overlap = 23100 * MS };
	check(&ev, &wide, "ghost      c2  peer FIN 25.2s after lost; overlap with c3 23.1s\n");
	ev.u.ghost = (struct ev_ghost){ .text = SPAN_LIT("still there, let go"), .after = 30000 * MS, .overlap = US_UNKNOWN, .received = { 1, 70 } };
	check(&ev, &wide, "ghost      c2  still there, let go 30.0s after lost; came meanwhile: 70 bytes, 1 message\n");
	ev = event_of(EV_PING, 2, 1);
	ev.u.ping = (struct ev_ping){ .dir = DIR_OUT, .waiting = 12500 * MS, .usual_rtt = 31 * MS, .tcp = SPAN_LIT("acked") };
	check(&ev, &wide, "ping       c2  no pong for 12.5s (usual rtt 31ms); TCP acked: next hop alive\n");
	ev = event_of(EV_REPLAY, 5, 0);
	ev.u.replay = (struct ev_replay){ .with = 4, .after = 12 * MS };
	check(&ev, &wide, "replay     c5  c4 opened with the same key 12ms before: a hop sent the request twice\n");
	ev = event_of(EV_ORPHAN, 4, 3);
	ev.u.orphan.successor = 4;
	check(&ev, &wide, "orphan     c4  d3 opened after its successor d4: the client had given it up\n");
}
END_TEST

START_TEST(time_that_went_missing_is_told)
{
	struct event ev = event_of(EV_SUSPEND, 0, 0);

	ev.u.suspend.slept = 123000 * MS;
	check(&ev, &wide, "suspend        the machine slept for 2m03s\n");
	ev.u.suspend = (struct ev_suspend){ .stalled = 12000 * MS };
	check(&ev, &wide, "suspend        this process did not run for 12.0s (stopped, or the machine overloaded)\n");
	ev = event_of(EV_CLOCK, 0, 0);
	ev.u.clock.jump = -3600000 * MS;
	check(&ev, &wide, "clock          the wall clock jumped 1h00m back; durations are not affected\n");
}
END_TEST

UNIT_MAIN("sink_human", what_happens_between_connections_reads_as_a_story, time_that_went_missing_is_told, times_are_shown_as_asked, relative_time_counts_from_the_first_event, opens_say_where_and_how_fast,
    a_servers_open_says_who_came_and_for_what, ends_say_the_cause_then_the_numbers, the_end_leaves_out_what_is_zero,
    a_refused_upgrade_shows_the_answer, a_failed_dial_names_stage_and_addresses, a_reject_names_peer_and_request,
    heads_and_frames_have_a_direction, healthy_pings_show_only_when_asked_for, violations_name_the_rule,
    listen_dial_gone_and_note_are_short, lines_fold_under_their_text, only_the_event_word_is_coloured,
    columns_widen_with_the_numbers_and_stay, every_type_makes_a_line_at_every_width, bytes_read_as_a_person_says_them)
