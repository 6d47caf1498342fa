/* SPDX-License-Identifier: MIT */
#include "log/json_line.h"

#include "support/unit.h"

#include <string.h>

static const struct source source = { .run = UINT64_C(0x7f3a9c0000000001), .role = ROLE_CLIENT, .boot = "b-1" };
static const struct json_options with_data = { .wants = EVENT_ALL, .message_data = true };

#define COMMON(event) "{\"v\":1,\"event\":\"" event "\",\"time\":\"2026-03-04T22:13:02.071042Z\",\"mono\":12.500000," \
	"\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"seq\":3"

static struct event
event_of(enum event_type type)
{
	return (struct event){ .type = type, .src = &source, .wall_us = INT64_C(1772662382071042), .mono_us = 12500000 };
}

static void
check(const struct event *ev, const struct json_options *opt, const char *expected)
{
	struct buf b = { 0 };

	event_to_json(&b, ev, 3, opt);
	ck_assert_str_eq(buf_cstr(&b), expected);
	buf_deinit(&b);
}

START_TEST(the_fields_before_an_events_own_come_where_known)
{
	struct event ev = event_of(EV_NOTE);

	ev.u.note.text = SPAN_LIT("a \"note\"\n");
	check(&ev, &with_data, COMMON("note") ",\"text\":\"a \\\"note\\\"\\n\"}");
	ev.session = SPAN_LIT("7f3a9c-1");
	ev.conn = 2;
	ev.dial = 5;
	ev.leg = LEG_ORIGIN;
	check(&ev, &with_data,
	    COMMON("note") ",\"session\":\"7f3a9c-1\",\"conn\":2,\"dial\":5,\"leg\":\"origin\",\"text\":\"a \\\"note\\\"\\n\"}");
}
END_TEST

START_TEST(start_hides_secrets_in_its_url_and_arguments_and_has_the_boot_id)
{
	struct event ev = event_of(EV_START);
	const struct span args[] = { SPAN_LIT("-v"), SPAN_LIT("ws://u:pw@e.org/?token=abc") };

	ev.u.start = (struct ev_start){ .version = SPAN_LIT("1.0"), .libraries = SPAN_LIT("libuv"),
		.url = SPAN_LIT("ws://e.org/?token=abc"), .args = { args, 2 } };
	check(&ev, &with_data,
	    COMMON("start") ",\"version\":\"1.0\",\"libraries\":\"libuv\",\"url\":\"ws://e.org/?token=***\","
	                    "\"args\":[\"-v\",\"ws://u:***@e.org/?token=***\"],\"boot\":\"b-1\"}");
	check(&ev, &(struct json_options){ .show_secrets = true },
	    COMMON("start") ",\"version\":\"1.0\",\"libraries\":\"libuv\",\"url\":\"ws://e.org/?token=abc\","
	                    "\"args\":[\"-v\",\"ws://u:pw@e.org/?token=abc\"],\"boot\":\"b-1\"}");
}
END_TEST

START_TEST(open_has_headers_tls_timing_and_attempts)
{
	struct event ev = event_of(EV_OPENED);
	const struct header headers[] = { { SPAN_LIT("Set-Cookie"), SPAN_LIT("a=b") }, { SPAN_LIT("X"), SPAN_LIT("\xff") },
		{ SPAN_LIT("Empty"), SPAN_NONE } };
	const struct attempt attempts[] = { { SPAN_LIT("[::1]:443"), CAUSE_TCP_REFUSED, 1500 } };
	const struct tls_facts tls = { .version = SPAN_LIT("TLSv1.3"), .verified = true };

	ev.u.opened = (struct ev_opened){ .url = SPAN_LIT("wss://e.org/"), .peer = SPAN_LIT("192.0.2.1:443"), .status = 101,
		.headers = { headers, 3 }, .tls = &tls, .timing = { 3000, 9000, US_UNKNOWN, 12000, 19000 }, .attempts = { attempts, 1 } };
	check(&ev, &with_data,
	    COMMON("open") ",\"url\":\"wss://e.org/\",\"peer\":\"192.0.2.1:443\",\"local\":null,\"ws_key\":null,\"status\":101,"
	                   "\"headers\":[[\"Set-Cookie\",\"a=***\"],[\"X\",\"/w==\",\"base64\"],[\"Empty\",\"\"]],"
	                   "\"subprotocol\":null,\"extensions\":null,\"forwarded_for\":null,"
	                   "\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":null,\"sni\":null,\"verified\":true,\"subject\":null,"
	                   "\"issuer\":null,\"not_before\":null,\"not_after\":null,\"sha256\":null},"
	                   "\"timing\":{\"dns\":0.003000,\"tcp\":0.009000,\"tunnel\":null,\"tls\":0.012000,\"upgrade\":0.019000},"
	                   "\"attempts\":[{\"address\":\"[::1]:443\",\"cause\":\"tcp.refused\",\"after\":0.001500}],\"hop\":null,\"down\":0.000000,\"failed\":0}");
}
END_TEST

START_TEST(lost_tells_null_from_nothing)
{
	struct event ev = event_of(EV_LOST);

	ev.u.ended = (struct ev_ended){ .by = BY_PEER,
		.cause = CAUSE_TCP_CLOSED,
		.text = SPAN_LIT("peer FIN, no Close frame"),
		.synthesised = 1006,
		.age = 410000000,
		.silent_rx = 10400000,
		.silent_tx = US_UNKNOWN,
		.answered = US_UNKNOWN,
		.rtt = US_UNKNOWN,
		.received = { 1, 5 },
		.unacked = -1 };
	check(&ev, &with_data,
	    COMMON("lost") ",\"by\":\"peer\",\"cause\":\"tcp.closed\",\"text\":\"peer FIN, no Close frame\",\"errno\":null,"
	                   "\"clean\":false,\"code\":null,\"close_sent\":null,\"synthesised\":1006,\"age\":410.000000,"
	                   "\"silent_rx\":10.400000,\"silent_tx\":null,\"answered\":null,\"paused_rx\":0.000000,\"rtt\":null,"
	                   "\"sent\":{\"messages\":0,\"bytes\":0},\"received\":{\"messages\":1,\"bytes\":5},\"unsent\":0,"
	                   "\"unacked\":null,\"partial_in\":0,\"partial_out\":0,\"after_close\":0,\"held\":false,\"held_open\":false,\"tcp\":null}");
}
END_TEST

static const struct {
	uint8_t opcode;
	const char *data; /* NULL: none at hand */
	bool truncated;
	size_t max;
	bool wanted;
	const char *expected; /* behind length */
} messages[] = {
	{ 1, "h\xc3\xa9", false, 0, true, "\"truncated\":false,\"data\":\"h\xc3\xa9\"}" },
	{ 1, "h\xc3\xa9", false, 2, true, "\"truncated\":true,\"data\":\"h\"}" },
	{ 1, "h\xc3", true, 0, true, "\"truncated\":true,\"data\":\"h\"}" },
	{ 2, "h\xc3", true, 0, true, "\"truncated\":true,\"data\":\"aMM=\",\"encoding\":\"base64\"}" },
	{ 2, "\xff\xfe", false, 0, true, "\"truncated\":false,\"data\":\"//4=\",\"encoding\":\"base64\"}" },
	{ 2, "plain", false, 0, true, "\"truncated\":false,\"data\":\"plain\"}" },
	{ 1, "", false, 0, true, "\"truncated\":false,\"data\":\"\"}" },
	{ 1, NULL, false, 0, true, "\"truncated\":false}" },
	{ 1, "secret", true, 0, false, "\"truncated\":false}" },
};

START_TEST(message_data_is_text_or_base64_cut_between_characters)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct event ev = event_of(EV_MESSAGE);
		struct json_options opt = { .message_data = messages[i].wanted, .data_max = messages[i].max };
		struct buf b = { 0 };

		ev.u.message = (struct ev_message){ .dir = DIR_OUT, .opcode = messages[i].opcode, .length = 9,
			.data = span_of(messages[i].data), .truncated = messages[i].truncated };
		buf_printf(&b, "%s,\"dir\":\"out\",\"opcode\":\"%s\",\"length\":9,%s", COMMON("message"),
		    messages[i].opcode == 1 ? "text" : "binary", messages[i].expected);
		check(&ev, &opt, buf_cstr(&b));
		buf_deinit(&b);
	}
}
END_TEST

START_TEST(frames_of_reserved_opcodes_show_the_number)
{
	struct event ev = event_of(EV_FRAME);

	ev.u.frame = (struct ev_frame){ .dir = DIR_IN, .fin = true, .rsv = 4, .opcode = 3, .length = UINT64_MAX };
	check(&ev, &with_data,
	    COMMON("frame") ",\"dir\":\"in\",\"opcode\":3,\"fin\":true,\"rsv\":4,\"masked\":false,\"length\":18446744073709551615}");
}
END_TEST

START_TEST(heads_and_bodies_are_redacted_or_encoded)
{
	struct event ev = event_of(EV_HEAD);

	ev.u.head = (struct ev_head){ DIR_OUT, SPAN_LIT("GET /?key=1 HTTP/1.1\r\nCookie: a=b\r\n\r\n") };
	check(&ev, &with_data, COMMON("head") ",\"dir\":\"out\",\"text\":\"GET /?key=*** HTTP/1.1\\r\\nCookie: a=***\\r\\n\\r\\n\"}");
	ev.u.head.text = SPAN_LIT("\xff\r\nCookie: a=b");
	check(&ev, &with_data, COMMON("head") ",\"dir\":\"out\",\"text\":\"/w0KQ29va2llOiBhPSoqKg==\",\"encoding\":\"base64\"}");
	ev = event_of(EV_FAILED);
	ev.u.failed = (struct ev_failed){ .stage = STAGE_UPGRADE, .cause = CAUSE_HTTP_REFUSED, .code = 502, .text = SPAN_LIT("HTTP 502"),
		.took = 41000, .status = 502, .body = SPAN_LIT("\x80") };
	check(&ev, &with_data,
	    COMMON("failed") ",\"stage\":\"upgrade\",\"cause\":\"http.refused\",\"errno\":502,\"text\":\"HTTP 502\",\"took\":0.041000,"
	                     "\"attempts\":[],\"ws_key\":null,\"local\":null,\"status\":502,\"headers\":[],\"hop\":null,\"body\":\"gA==\",\"encoding\":\"base64\"}");
}
END_TEST

START_TEST(every_type_makes_a_line)
{
	for (int type = 0; type < EV_TYPE_COUNT; type++) {
		struct event ev = event_of((enum event_type)type);
		struct buf b = { 0 };

		event_to_json(&b, &ev, 1, &with_data);
		ck_assert_uint_gt(b.len, 100);
		ck_assert(buf_cstr(&b)[b.len - 1] == '}');
		buf_deinit(&b);
	}
}
END_TEST

/* The stamp is kept within a second and made anew in the next, also when time goes back. */
START_TEST(time_follows_the_second)
{
	static const struct {
		int64_t us;
		const char *time;
	} times[] = {
		{ INT64_C(1772662382999999), "2026-03-04T22:13:02.999999Z" },
		{ INT64_C(1772662382000000), "2026-03-04T22:13:02.000000Z" },
		{ INT64_C(1772662383000001), "2026-03-04T22:13:03.000001Z" },
		{ INT64_C(1772662381000001), "2026-03-04T22:13:01.000001Z" },
		{ -1, "1969-12-31T23:59:59.999999Z" },
		{ 0, "1970-01-01T00:00:00.000000Z" },
	};
	struct json_line l;

	json_line_init(&l, &with_data);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct event ev = event_of(EV_NOTE);

		ev.wall_us = times[i].us;
		buf_clear(&l.text);
		json_line_put(&l, &ev, 1);
		ck_assert_msg(strstr(buf_cstr(&l.text), times[i].time) != NULL, "%s", buf_cstr(&l.text));
	}
	json_line_deinit(&l);
}
END_TEST

static void
collect(void *arg, const char *line, size_t n)
{
	buf_append(arg, line, n);
	buf_putc(arg, '|');
}

START_TEST(a_sink_numbers_its_lines_and_ends_them)
{
	struct buf lines = { 0 };
	struct sink *s = sink_json_new(&(struct json_options){ .wants = EVENT_BIT(EV_GONE) }, collect, &lines);
	struct event ev = event_of(EV_GONE);

	ck_assert_uint_eq(s->wants, EVENT_BIT(EV_GONE));
	ev.u.gone.after = 1;
	s->event(s, &ev);
	s->event(s, &ev);
	ck_assert(strstr(buf_cstr(&lines), "\"seq\":1,\"after\":0.000001}\n|{\"v\":1") != NULL);
	ck_assert(strstr(buf_cstr(&lines), "\"seq\":2,\"after\":0.000001}\n|") != NULL);
	s->free(s);
	buf_deinit(&lines);
}
END_TEST

UNIT_MAIN("json_line", the_fields_before_an_events_own_come_where_known,
    start_hides_secrets_in_its_url_and_arguments_and_has_the_boot_id, open_has_headers_tls_timing_and_attempts,
    lost_tells_null_from_nothing, message_data_is_text_or_base64_cut_between_characters, frames_of_reserved_opcodes_show_the_number,
    heads_and_bodies_are_redacted_or_encoded, every_type_makes_a_line, time_follows_the_second, a_sink_numbers_its_lines_and_ends_them)
