/* SPDX-License-Identifier: MIT */
#include "report/input_pump.h"
#include "report/input_stamp.h"
#include "report/input_words.h"

#include "support/input_story.h"
#include "support/unit.h"

/* --- times --- */

static const struct {
	const char *line, *time;   /* NULL: none */
	bool has_date, has_zone;
	int64_t resolution_us;
	const char *rest;
} stamps[] = {
	{ "22:13:02 - connected", "01-01T22:13:02.000", false, false, 1000000, "connected" },
	{ "[22:13:02.071] open", "01-01T22:13:02.071", false, false, 1000, "open" },
	{ "2026-03-04 22:13:02,071 INFO x", "03-04T22:13:02.071", true, false, 1000, "INFO x" },
	{ "2026-03-04T22:13:02.071042Z x", "03-04T22:13:02.071", true, true, 1, "x" },
	{ "2026-03-04T22:13:02+01:00 x", "03-04T21:13:02.000", true, true, 1000000, "x" },
	{ "2026-03-04T22:13:02.1234567890-0130 x", "03-04T23:43:02.123", true, true, 1, "x" },
	{ "2026/03/04 22:13:02 x", "03-04T22:13:02.000", true, false, 1000000, "x" },
	{ "10.0.0.1 - - [04/Mar/2026:22:13:02 +0000] \"GET", "03-04T22:13:02.000", true, true, 1000000, "\"GET" },
	{ "Wed, 04 Mar 2026 22:13:02 GMT", "03-04T22:13:02.000", true, true, 1000000, "" },
	{ "INFO:2026-03-04 22:13:02,071:ws:x", "03-04T22:13:02.071", true, false, 1000, "ws:x" },
	{ "Mar  4 22:13:02 host app[1]: x", "01-01T22:13:02.000", false, false, 1000000, "host app[1]: x" },
	{ "1772662382.071 x", "03-04T22:13:02.071", true, true, 1000, "x" },
	{ "(1772662382) x", "03-04T22:13:02.000", true, true, 1000000, "x" },
	{ "24:00:00 x", NULL, false, false, 0, NULL },
	{ "22:13:02:07 x", NULL, false, false, 0, NULL },
	{ "122:13:02 x", NULL, false, false, 0, NULL },
	{ "2026-13-04 22:13:02 x", "01-01T22:13:02.000", false, false, 1000000, "x" },
	{ "port 1772662382071 x", NULL, false, false, 0, NULL },
	{ "22:13", NULL, false, false, 0, NULL },
	{ "", NULL, false, false, 0, NULL },
};

START_TEST(times_are_found_in_every_common_form)
{
	for (size_t i = 0; i < ARRAY_LEN(stamps); i++) {
		struct buf b CLEANUP(buf_deinit) = { 0 };
		struct stamp s;

		if (!stamp_find(span_of(stamps[i].line), &s)) {
			ck_assert_msg(stamps[i].time == NULL, "%s", stamps[i].line);
			continue;
		}
		ck_assert_msg(stamps[i].time != NULL, "%s", stamps[i].line);
		story_time(&b, s.us);
		ck_assert_msg(strcmp(buf_cstr(&b), stamps[i].time) == 0, "%s: %s", stamps[i].line, buf_cstr(&b));
		ck_assert_msg(s.has_date == stamps[i].has_date && s.has_zone == stamps[i].has_zone, "%s", stamps[i].line);
		ck_assert_int_eq(s.resolution_us, stamps[i].resolution_us);
		ck_span_eq(s.rest, stamps[i].rest);
	}
}
END_TEST

static int64_t
clock_at(struct stamp_clock *c, const char *text)
{
	struct stamp s;

	ck_assert(stamp_find(span_of(text), &s));
	return stamp_clock_us(c, &s) / US_PER_S;
}

START_TEST(the_day_rolls_when_time_goes_back_by_hours)
{
	struct stamp_clock c = { 0 };

	ck_assert_int_eq(clock_at(&c, "23:59:58"), 86398);
	ck_assert_int_eq(clock_at(&c, "23:59:57"), 86397);
	ck_assert_int_eq(clock_at(&c, "00:00:03"), 86403);
	ck_assert_int_eq(clock_at(&c, "23:59:59"), 86399);
	ck_assert_int_eq(clock_at(&c, "00:00:04"), 86404);
	ck_assert_int_eq(clock_at(&c, "22:00:00"), 86400 + 79200);
	ck_assert_int_eq(clock_at(&c, "01:00:00"), 2 * 86400 + 3600);
}
END_TEST

START_TEST(lines_without_a_date_go_with_the_one_before)
{
	struct stamp_clock c = { 0 };
	int64_t day = clock_at(&c, "2026-03-04 23:00:00") - 23 * 3600;

	ck_assert_int_eq(clock_at(&c, "23:30:00"), day + 23 * 3600 + 1800);
	ck_assert_int_eq(clock_at(&c, "00:10:00"), day + 86400 + 600);
}
END_TEST

/* --- words --- */

static void
read_text(const char *name, const char *text, struct story *s)
{
	struct input_spec spec = { .path = name };
	struct input_pump *p = input_pump_new(&spec, 0, &story_events, s);

	*s = (struct story){ 0 };
	ck_assert(input_pump_feed(p, text, strlen(text)));
	input_pump_finish(p);
	input_pump_free(p);
	buf_cstr(&s->text);
}

#define T "2026-03-04 22:13:02 "
#define E "03-04T22:13:02.000 "

static const struct {
	const char *line, *event;  /* NULL: none */
} said[] = {
	{ "on_open", "open" },
	{ "onOpen()", "open" },
	{ "[app] On Open", "open" },
	{ "WebSocket connected", "open" },
	{ "connected to wss://e.org/", "open" },
	{ "Client connected: 10.0.0.1", "open" },
	{ "INFO:     connection open", "open" },
	{ "open", "open" },
	{ "on_reconnect", "reconnect" },
	{ "on_error: [Errno 104] Connection reset by peer", "lost tcp.reset \"[Errno 104] Connection reset by peer\"" },
	{ "on_error ping/pong timed out", "lost ws.ping_timeout \"ping/pong timed out\"" },
	{ "on_error [Errno 111] Connection refused", "failed tcp tcp.refused \"[Errno 111] Connection refused\"" },
	{ "on_error: Handshake status 502 Bad Gateway -+-+- {}", "failed upgrade 502 http.refused \"Handshake status 502 Bad Gateway -+-+- {\"" },
	{ "on_error: [Errno -2] Name or service not known", "failed dns dns.name_not_resolved \"[Errno -2] Name or service not known\"" },
	{ "on_error: something else", "lost \"something else\"" },
	{ "on_close 1001 going away", "close ws.close \"1001 going away\" got 1001 sent 0 by peer" },
	{ "on_close(None, None)", "close \"None, None)\"" },
	{ "closed: 1006", "lost \"1006\"" },
	{ "closed", "close" },
	{ "client disconnected", "close" },
	{ "on_disconnect code=1005", "close ws.close \"code=1005\" got 1005 sent 0 by peer" },
	{ "reconnecting in 2.5 s", "retry in 2500ms" },
	{ "connecting ...", "dial" },
	{ "not connected", NULL },
	{ "sending {\"text\": \"connected\"}", NULL },
	{ "reconnection of the database", NULL },
	{ "closed the file", NULL },
	{ "opening", NULL },
	{ "", NULL },
	/* What WebSocket programs say. */
	{ "INFO app.consumers: client connected from 10.0.0.1", "open" },
	{ "app - INFO - New client 5 connected", "open" },
	{ "{\"level\":\"info\",\"msg\":\"user connected\"}", "open" },
	{ "[handler] New WebSocket connection established from 10.0.0.1", "open" },
	{ "INFO:     ('127.0.0.1', 54321) - \"WebSocket /ws\" [accepted]", "open" },
	{ "Connected to the server", "open" },
	{ "DEBUG:websockets.server:connection open", "open" },
	{ "INFO:     connection closed", "close" },
	{ "new connection from 127.0.0.1:5000", "open" },
	{ "Disconnected from server", "close" },
	{ "WebSocket connection closed: 1001", "close ws.close \"1001\" got 1001 sent 0 by peer" },
	{ "Failed to connect to wss://e.org/: connection refused", "failed tcp tcp.refused \"to wss://e.org/: connection refused\"" },
	/* What they, and others, say of something else. */
	{ "database connected", NULL },
	{ "INFO app.db: connected", NULL },
	{ "[redis] connected", NULL },
	{ "redis on_connect", NULL },
	{ "Connected to Berlin", NULL },
	{ "connected to MongoDB at 10.0.0.1", NULL },
	{ "postgres connection closed", NULL },
	{ "DB connection opened", NULL },
	{ "Accepted password for root from 10.0.0.1", NULL },
	{ "accepted", NULL },
	{ "3 clients connected", NULL },
	{ "websocket clients connected: 3", NULL },
	{ "connected clients: 3", NULL },
	{ "connected=true", NULL },
	{ "connected: false", NULL },
	{ "auto-connected devices", NULL },
	{ "USB device mounted, printer connected", NULL },
	{ "will abort on error", NULL },
	{ "flush on close", NULL },
	{ "mqtt: disconnected from broker", NULL },
	{ "network cable disconnected", NULL },
	{ "disconnected from Berlin", NULL },
	{ "connection refused", NULL },
	{ "write: broken pipe", NULL },
	{ "user: on_error handling fine, websocket error count is 0", NULL },
	{ "websocket error count: 3", NULL },
	{ "DEBUG websocket ping ok, no websocket error so far", NULL },
	{ "0 websocket error", NULL },
	{ "ws open interest 4000", NULL },
	{ "order closed: ws close price 1234", NULL },
	{ "ws open", "open" },
	{ "ws_open: wss://e.org/", "open" },
	{ "ws open to wss://e.org/", "open" },
	{ "ws close code 1001", "close ws.close \"code 1001\" got 1001 sent 0 by peer" },
	{ "ws_close 1001", "close ws.close \"1001\" got 1001 sent 0 by peer" },
	{ "websocket error: 0 bytes", "lost \"0 bytes\"" },
};

START_TEST(words_mean_events)
{
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		struct buf line CLEANUP(buf_deinit) = { 0 }, expected CLEANUP(buf_deinit) = { 0 };
		struct story s;

		buf_printf(&line, T "%s\n", said[i].line);
		if (said[i].event != NULL)
			buf_printf(&expected, "1 " E "%s\n", said[i].event);
		read_text("x.log", buf_cstr(&line), &s);
		ck_assert_msg(strcmp(buf_cstr(&s.text), buf_cstr(&expected)) == 0, "%s: got \"%s\"", said[i].line, buf_cstr(&s.text));
		buf_deinit(&s.text);
	}
}
END_TEST

static const struct {
	const char *name, *text;
	enum role role;
} roles[] = {
	{ "x.log", "22:13:02 on_open\n", ROLE_CLIENT },
	{ "x.log", "22:13:02 connected\n", ROLE_SERVER },
	{ "client.log", "22:13:02 connected\n", ROLE_SERVER },
	{ "x.log", "22:13:02 connected\n22:13:03 on_close\n22:13:04 on_open\n", ROLE_CLIENT },
	{ "logs/server.log", "22:13:02 connection closed\n", ROLE_SERVER },
	{ "server/client.log", "22:13:02 connection closed\n", ROLE_CLIENT },
	{ "x.log", "22:13:02 connection closed\n", ROLE_CLIENT },
};

START_TEST(words_tell_the_role_and_else_the_name_of_the_file)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		struct story s;

		read_text(roles[i].name, roles[i].text, &s);
		ck_assert_msg(s.role == roles[i].role, "%s: %s", roles[i].name, roles[i].text);
		ck_assert(s.about.role_is_guessed);
		buf_deinit(&s.text);
	}
}
END_TEST

START_TEST(lines_without_a_time_continue_one_or_go_with_it_or_are_unreadable)
{
	struct story s;

	read_text("x.log", "on_open\n" T "start\nTraceback\n  connection lost\non_close\n", &s);
	ck_assert_str_eq(buf_cstr(&s.text), "5 " E "close\n");
	ck_assert_uint_eq(s.trouble.unreadable, 1);
	ck_assert_uint_eq(s.trouble.first_unreadable[0], 1);
	buf_deinit(&s.text);
}
END_TEST

START_TEST(bytes_that_no_text_has_are_unreadable)
{
	static const char text[] = T "on_open\n" T "\0\0\0\n" T "\xff\xfe on_close\n";
	struct input_spec spec = { .path = "x.log" };
	struct story s = { 0 };
	struct input_pump *p = input_pump_new(&spec, 0, &story_events, &s);

	ck_assert(input_pump_feed(p, text, sizeof(text) - 1));
	input_pump_finish(p);
	input_pump_free(p);
	ck_assert_str_eq(buf_cstr(&s.text), "1 " E "open\n3 " E "close\n");
	ck_assert_uint_eq(s.trouble.unreadable, 1);
	ck_assert_uint_eq(s.trouble.first_unreadable[0], 2);
	buf_deinit(&s.text);
}
END_TEST

static const struct {
	const char *lines, *events;
} mixed[] = {
	/* An application's log: the rest of what it does is not its WebSocket. */
	{ T "database connected\n" T "on_open\n" T "redis connected\n" T "redis: connection lost\n" T "connection reset by peer\n",
	    "2 " E "open\n5 " E "lost tcp.reset \"by peer\"\n" },
	{ T "client connected\n" T "billing: connection refused while paying\n" T "client disconnected\n", "1 " E "open\n3 " E "close\n" },
	/* Uvicorn tells of one open twice. */
	{ T "INFO: ('10.0.0.1', 1) - \"WebSocket /ws\" [accepted]\n" T "INFO: ('10.0.0.1', 2) - \"WebSocket /ws\" [accepted]\n" T "INFO:     connection open\n"
	  T "INFO:     connection open\n" T "INFO:     connection closed\n", "1 " E "open\n2 " E "open\n5 " E "close\n" },
};

START_TEST(a_log_of_many_things_has_only_the_events_of_its_websocket)
{
	for (size_t i = 0; i < ARRAY_LEN(mixed); i++) {
		struct story s;

		read_text("x.log", mixed[i].lines, &s);
		ck_assert_str_eq(buf_cstr(&s.text), mixed[i].events);
		buf_deinit(&s.text);
	}
}
END_TEST

START_TEST(a_byte_order_mark_is_no_part_of_the_first_line)
{
	struct story s;

	read_text("x.log", "\xef\xbb\xbf" "22:13:02 on_open\n22:13:03 on_close\n", &s);
	ck_assert_str_eq(buf_cstr(&s.text), "1 01-01T22:13:02.000 open\n2 01-01T22:13:03.000 close\n");
	buf_deinit(&s.text);
	read_text("x.log", "\xef\xbb\xbf{\"v\":1,\"event\":\"start\",\"time\":\"2026-03-04T22:13:02.071042Z\",\"mono\":12.5,\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"seq\":1}\n", &s);
	ck_assert_str_eq(s.about.kind, "wsdiag");
	ck_assert_uint_eq(s.trouble.unreadable + s.trouble.missing_seq, 0);
	buf_deinit(&s.text);
}
END_TEST

/* A packed log is replaced by a plain one, and the other way round. */
START_TEST(after_a_restart_a_log_may_be_packed_otherwise)
{
	/* gzip of "22:13:02 on_open\n". */
	static const uint8_t packed[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x33, 0x32, 0xb2, 0x32, 0x34, 0xb6, 0x32, 0x30, 0x52, 0xc8,
		0xcf, 0x8b, 0xcf, 0x2f, 0x48, 0xcd, 0xe3, 0x02, 0x00, 0x37, 0xce, 0xa8, 0x47, 0x11, 0x00, 0x00, 0x00 };
	static const char plain[] = "22:13:03 on_close\n";
	const struct {
		const void *data;
		size_t n;
	} pieces[] = { { plain, sizeof(plain) - 1 }, { packed, sizeof(packed) }, { plain, sizeof(plain) - 1 }, { packed, sizeof(packed) }, { packed, sizeof(packed) } };
	struct input_spec spec = { .path = "x.log" };
	struct story s = { 0 };
	struct input_pump *p = input_pump_new(&spec, 0, &story_events, &s);

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		if (i > 0)
			input_pump_restart(p);
		ck_assert(input_pump_feed(p, pieces[i].data, pieces[i].n));
	}
	input_pump_finish(p);
	input_pump_free(p);
	ck_assert_str_eq(buf_cstr(&s.text), "1 01-01T22:13:03.000 close\n1 01-01T22:13:02.000 open\n1 01-01T22:13:03.000 close\n1 01-01T22:13:02.000 open\n1 01-01T22:13:02.000 open\n");
	buf_deinit(&s.text);
}
END_TEST

/* Whatever the pieces are that a log comes in. */
START_TEST(a_log_may_be_cut_anywhere)
{
	const char text[] = "22:13:02 on_open\r\n\r\n22:13:03 on_message x\n22:13:04 on_close 1000";
	struct input_spec spec = { .path = "x.log" };

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct story s = { 0 };
		struct input_pump *p = input_pump_new(&spec, 0, &story_events, &s);

		ck_assert(input_pump_feed(p, text, cut));
		input_pump_flush(p);
		ck_assert(input_pump_feed(p, text + cut, strlen(text) - cut));
		input_pump_finish(p);
		input_pump_free(p);
		ck_assert_str_eq(buf_cstr(&s.text), "1 01-01T22:13:02.000 open\n4 01-01T22:13:04.000 close ws.close \"1000\" got 1000 sent 0 by peer\n");
		ck_assert_uint_eq(s.counts.messages, 1);
		ck_assert_uint_eq(s.counts.lines, 4);
		buf_deinit(&s.text);
	}
}
END_TEST

UNIT_MAIN("input_text", times_are_found_in_every_common_form, the_day_rolls_when_time_goes_back_by_hours,
    lines_without_a_date_go_with_the_one_before, words_mean_events, words_tell_the_role_and_else_the_name_of_the_file,
    a_log_of_many_things_has_only_the_events_of_its_websocket, lines_without_a_time_continue_one_or_go_with_it_or_are_unreadable,
    bytes_that_no_text_has_are_unreadable, a_byte_order_mark_is_no_part_of_the_first_line, after_a_restart_a_log_may_be_packed_otherwise, a_log_may_be_cut_anywhere)
