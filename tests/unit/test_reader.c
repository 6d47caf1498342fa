/* SPDX-License-Identifier: MIT */
#include "log/reader.h"

#include "base/arena.h"
#include "log/json_line.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define TIME "2026-03-04T22:13:02.071042Z"
#define COMMON(event, seq) "{\"v\":1,\"event\":\"" event "\",\"time\":\"" TIME "\",\"mono\":12.500000," \
	"\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"seq\":" seq

/* --- events with random values, made from the same rows that writer and reader walk --- */

static uint64_t
draw(uint64_t *state, uint64_t below)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*state >> 20) % below;
}

static struct span
draw_text(uint64_t *s, struct arena *a, bool is_raw)
{
	static const char *const parts[] = { "a", "\"", "\\", "\n", "\xc3\xa9", "\xe2\x80\xa8", "\x01", "wss://e.org/x", "\xf0\x9f\x98\x80", "]}", "" };
	struct buf b CLEANUP(buf_deinit) = { 0 };

	for (size_t n = draw(s, 5); n > 0; n--)
		buf_puts(&b, parts[draw(s, ARRAY_LEN(parts))]);
	if (is_raw && draw(s, 3) == 0)
		buf_append(&b, "\xff\0\xc3", 3);
	buf_putc(&b, draw(s, 8) == 0 && is_raw ? '\0' : 'z');
	return draw(s, 6) == 0 ? SPAN_NONE : arena_copy(a, buf_span(&b));
}

static struct span
some_text(uint64_t *s, struct arena *a, bool is_raw)
{
	struct span text = draw_text(s, a, is_raw);

	return text.p != NULL ? text : SPAN_LIT("");
}

static int64_t
draw_us(uint64_t *s)
{
	return draw(s, 5) == 0 ? US_UNKNOWN : (int64_t)draw(s, UINT64_C(1) << (draw(s, 50) + 1));
}

static void fill(uint64_t *s, struct arena *a, const struct field *fields, void *base);

static void
fill_list(uint64_t *s, struct arena *a, enum field_kind kind, void *at)
{
	size_t n = draw(s, 4);
	struct span *texts = arena_get(a, n * sizeof(*texts));
	struct header *headers = arena_get(a, n * sizeof(*headers));
	struct count *counts = arena_get(a, n * sizeof(*counts));
	struct attempt *attempts = arena_get(a, n * sizeof(*attempts));

	for (size_t i = 0; i < n; i++) {
		texts[i] = some_text(s, a, false);
		headers[i] = (struct header){ some_text(s, a, false), some_text(s, a, true) };
		counts[i] = (struct count){ cause_name((enum cause)(i + 1)), (uint32_t)draw(s, UINT32_MAX) };
		fill(s, a, log_attempt_fields, &attempts[i]);
	}
	if (kind == FIELD_TEXTS)
		*(struct span_list *)at = (struct span_list){ texts, n };
	else if (kind == FIELD_HEADERS)
		*(struct header_list *)at = (struct header_list){ headers, n };
	else if (kind == FIELD_COUNTS)
		*(struct count_list *)at = (struct count_list){ counts, n };
	else
		*(struct attempt_list *)at = (struct attempt_list){ attempts, n };
}

static void
fill_one(uint64_t *s, struct arena *a, const struct field *f, void *at)
{
	switch (f->kind) {
	case FIELD_BOOL: *(bool *)at = draw(s, 2); break;
	case FIELD_INT:
	case FIELD_INT_OR_NULL: *(int *)at = (int)draw(s, UINT32_MAX) >> draw(s, 31); break;
	case FIELD_U8: *(uint8_t *)at = (uint8_t)draw(s, 256); break;
	case FIELD_U16: *(uint16_t *)at = (uint16_t)draw(s, 65536); break;
	case FIELD_U32: *(uint32_t *)at = (uint32_t)draw(s, UINT32_MAX); break;
	case FIELD_U64: *(uint64_t *)at = draw(s, UINT64_C(1) << 43); break;
	case FIELD_I64_OR_NULL: *(int64_t *)at = (int64_t)draw(s, UINT64_C(1) << 43) - 1; break;
	case FIELD_SECONDS: *(int64_t *)at = draw_us(s); break;
	case FIELD_SIGNED_SECONDS: *(int64_t *)at = draw_us(s) - draw_us(s); break;
	case FIELD_TEXT: *(struct span *)at = draw_text(s, a, false); break;
	case FIELD_DATA: *(struct span *)at = draw_text(s, a, true); break;
	case FIELD_TEXTS:
	case FIELD_HEADERS:
	case FIELD_COUNTS:
	case FIELD_ATTEMPTS: fill_list(s, a, f->kind, at); break;
	case FIELD_CAUSE: *(enum cause *)at = (enum cause)draw(s, CAUSE_COUNT); break;
	case FIELD_STAGE: *(enum stage *)at = (enum stage)draw(s, STAGE_OPEN + 1); break;
	case FIELD_PARTY: *(enum party *)at = (enum party)draw(s, BY_PATH + 1); break;
	case FIELD_DIRECTION: *(enum direction *)at = (enum direction)draw(s, 2); break;
	case FIELD_OPCODE: *(uint8_t *)at = (uint8_t)draw(s, 16); break;
	case FIELD_OBJECT: fill(s, a, f->members, at); break;
	case FIELD_OBJECT_PTR:
		if (draw(s, 2) == 0) {
			void *object = arena_get(a, MAX(sizeof(struct tls_facts), sizeof(struct tcp_facts)));

			fill(s, a, f->members, object);
			*(void **)at = object;
		}
		break;
	}
}

static void
fill(uint64_t *s, struct arena *a, const struct field *fields, void *base)
{
	for (const struct field *f = fields; f->name != NULL; f++)
		fill_one(s, a, f, (char *)base + f->offset);
}

static const struct json_options everything = { .wants = EVENT_ALL, .show_secrets = true, .message_data = true };

static void
draw_event(uint64_t *s, struct arena *a, struct source *src, struct event *ev)
{
	*src = (struct source){ .run = draw(s, UINT64_C(1) << 43) << 20, .role = (enum role)draw(s, 3) };
	ev->src = src;
	ev->seq = draw(s, 1000);
	ev->wall_us = (int64_t)draw(s, UINT64_C(1) << 43) * 400;
	ev->mono_us = (int64_t)draw(s, UINT64_C(1) << 43);
	ev->session = draw_text(s, a, false);
	ev->conn = (uint32_t)draw(s, 3);
	ev->dial = (uint32_t)draw(s, 3);
	ev->leg = (enum leg)draw(s, 3);
	fill(s, a, event_spec(ev->type)->fields, &ev->u);
	if (ev->type == EV_OPENED)
		ev->u.opened.is_reconnect = draw(s, 2);
	if (ev->type == EV_START && draw(s, 2))
		src->boot = "8d2c3f0e-1111-4222-8333-444455556666";
	/* What is not at hand is not cut either: the writer says so, whatever the event does. */
	if (ev->type == EV_MESSAGE && ev->u.message.data.p == NULL)
		ev->u.message.truncated = false;
}

static void
check_round_trip(struct log_reader *r, struct arena *a, uint64_t *state, enum event_type type)
{
	struct buf first CLEANUP(buf_deinit) = { 0 }, second CLEANUP(buf_deinit) = { 0 };
	struct event ev = { .type = type }, again;
	struct source src;

	draw_event(state, a, &src, &ev);
	event_to_json(&first, &ev, ev.seq, &everything);

	enum log_line got = log_reader_line(r, buf_span(&first), true, &again);
	ck_assert_msg(got == LOG_EVENT, "%s: %s", buf_cstr(&first), log_reader_error(r));
	ck_assert_int_eq(again.type, ev.type);
	ck_assert_int_eq(again.wall_us, ev.wall_us);
	ck_assert_int_eq(again.mono_us, ev.mono_us);
	event_to_json(&second, &again, again.seq, &everything);
	ck_assert_str_eq(buf_cstr(&second), buf_cstr(&first));
	arena_clear(a);
}

START_TEST(whatever_is_written_is_read_back_the_same)
{
	struct log_reader *r = log_reader_new(LOG_ALL);
	struct arena a = { 0 };
	uint64_t state = 971;

	for (int type = 0; type < EV_TYPE_COUNT; type++)
		for (int round = 0; round < 200; round++)
			check_round_trip(r, &a, &state, (enum event_type)type);
	arena_deinit(&a);
	log_reader_free(r);
}
END_TEST

/* --- lines --- */

static const struct {
	const char *line;
	enum log_line what;
	const char *error;    /* part of it */
} lines[] = {
	{ COMMON("note", "1") ",\"text\":\"x\"}", LOG_EVENT, NULL },
	{ COMMON("note", "1") ",\"text\":\"x\"}\r", LOG_EVENT, NULL },
	{ COMMON("note", "1") ",\"text\":null,\"of tomorrow\":{\"a\":[1,2]}}", LOG_EVENT, NULL },
	{ COMMON("note", "1") "}", LOG_EVENT, NULL },
	{ COMMON("reconnect", "1") "}", LOG_EVENT, NULL },
	{ "{\"event\":\"note\",\"seq\":1,\"v\":1,\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"mono\":1,\"time\":\"" TIME "\"}",
	    LOG_EVENT, NULL },
	{ COMMON("lost", "1") ",\"cause\":\"tcp.of_tomorrow\"}", LOG_EVENT, NULL },
	{ COMMON("sparkle", "1") "}", LOG_UNKNOWN, NULL },
	{ COMMON("message", "1") ",\"dir\":\"in\",\"opcode\":\"text\",\"length\":5,\"truncated\":false}", LOG_COUNTED, NULL },
	{ COMMON("message", "1") ",not JSON at all, but nobody looks}", LOG_COUNTED, NULL },
	{ COMMON("message", "1") ",\"dir\":\"in\",\"opcode\":\"te", LOG_UNREADABLE, "premature end" },
	{ COMMON("frame", "1") ",\"dir\":\"in\"}", LOG_COUNTED, NULL },
	{ COMMON("head", "1") ",\"dir\":\"in\"}", LOG_COUNTED, NULL },
	{ COMMON("ping", "1") ",\"dir\":\"out\",\"waiting\":null,\"usual_rtt\":null,\"tcp\":null}", LOG_COUNTED, NULL },
	{ COMMON("ping", "1") ",\"dir\":\"out\",\"waiting\":12.500000,\"usual_rtt\":0.031000,\"tcp\":\"acked\"}", LOG_EVENT, NULL },
	{ COMMON("pong", "1") ",\"dir\":\"in\",\"rtt\":null,\"data\":\"\\\"rtt\\\":0.5\"}", LOG_COUNTED, NULL },
	{ COMMON("pong", "1") ",\"dir\":\"in\",\"rtt\":0.031000,\"data\":\"\\\",\\\"rtt\\\":null\"}", LOG_EVENT, NULL },
	{ "{\"event\":\"message\",\"seq\":1,\"v\":1,\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"mono\":1,\"time\":\"" TIME "\"}",
	    LOG_COUNTED, NULL },
	{ COMMON("note", "1") ",\"text\":\"x\"", LOG_UNREADABLE, "near end of file" },
	{ COMMON("note", "1") ",\"text\":7}", LOG_UNREADABLE, "text is not" },
	{ COMMON("note", "1") ",\"text\":\"\xff\"}", LOG_UNREADABLE, "unable to decode" },
	{ COMMON("note", "1") ",\"text\":\"a\",\"text\":\"b\"}", LOG_UNREADABLE, "uplicate" },
	{ COMMON("note", "1") ",\"conn\":-1}", LOG_UNREADABLE, "conn is not" },
	{ COMMON("note", "1") ",\"conn\":4294967296}", LOG_UNREADABLE, "conn is not" },
	{ COMMON("note", "99999999999999999999") "}", LOG_UNREADABLE, "integer" },
	{ COMMON("gone", "1") ",\"after\":1e300}", LOG_UNREADABLE, "after is not" },
	{ COMMON("failed", "1") ",\"body\":\"!\",\"encoding\":\"base64\"}", LOG_UNREADABLE, "body is not" },
	{ COMMON("failed", "1") ",\"body\":\"x\",\"encoding\":\"rot13\"}", LOG_UNREADABLE, "body is not" },
	{ COMMON("failed", "1") ",\"headers\":[[\"a\"]]}", LOG_UNREADABLE, "headers is not" },
	{ COMMON("failed", "1") ",\"headers\":{}}", LOG_UNREADABLE, "headers is not" },
	{ COMMON("failed", "1") ",\"stage\":\"space\"}", LOG_UNREADABLE, "stage is not" },
	{ "{\"v\":1,\"event\":\"note\",\"time\":\"yesterday\",\"mono\":1.0,\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"seq\":1}",
	    LOG_UNREADABLE, "time is not" },
	{ "{\"v\":1,\"event\":\"note\",\"time\":\"" TIME "\",\"mono\":1.0,\"role\":\"king\",\"run\":\"7f3a9c0000000001\",\"seq\":1}",
	    LOG_UNREADABLE, "role is not" },
	{ "{\"v\":1,\"event\":\"note\",\"time\":\"" TIME "\",\"mono\":1.0,\"role\":\"client\",\"run\":\"xyz\",\"seq\":1}",
	    LOG_UNREADABLE, "run is not" },
	{ "{\"v\":1,\"event\":\"note\"}", LOG_UNREADABLE, "time is not" },
	{ "{}", LOG_UNREADABLE, "no v" },
	{ "[]", LOG_UNREADABLE, "no JSON object" },
	{ "", LOG_UNREADABLE, "expected near end" },
	{ "22:13:02 - connected", LOG_UNREADABLE, "byte" },
};

START_TEST(a_line_is_an_event_or_counted_or_says_what_is_wrong)
{
	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		/* A copy of its exact size, so that sanitizers see a read past its end. */
		struct span text = span_of(lines[i].line);
		char *exact = xmalloc(text.n + 1);
		struct event ev;

		memcpy(exact, text.p, text.n);
		exact = xrealloc(exact, MAX(text.n, (size_t)1));

		enum log_line got = log_reader_line(r, (struct span){ exact, text.n }, true, &ev);
		ck_assert_msg(got == lines[i].what, "%s: %d, %s", lines[i].line, got, log_reader_error(r));
		if (got == LOG_UNREADABLE)
			ck_assert_msg(strstr(log_reader_error(r), lines[i].error) != NULL, "%s: %s", lines[i].line, log_reader_error(r));
		free(exact);
	}
	log_reader_free(r);
}
END_TEST

static enum log_line
feed(struct log_reader *r, const char *line)
{
	struct event ev;

	return log_reader_line(r, span_of(line), true, &ev);
}

/* A message may be larger than what is kept of a line; its beginning says what it is. */
START_TEST(the_beginning_of_a_long_message_is_counted_and_of_anything_else_is_not)
{
	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);
	struct event ev;

	ck_assert_int_eq(log_reader_line(r, SPAN_LIT(COMMON("message", "1") ",\"data\":\"xxxx"), false, &ev), LOG_COUNTED);
	ck_assert_int_eq(log_reader_line(r, SPAN_LIT(COMMON("note", "2") ",\"text\":\"xxxx"), false, &ev), LOG_UNREADABLE);
	ck_assert_uint_eq(log_reader_totals(r).messages, 1);
	log_reader_free(r);
}
END_TEST

START_TEST(lost_lines_are_counted_in_each_run_of_a_shared_log)
{
	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);

	ck_assert_int_eq(feed(r, COMMON("note", "1") "}"), LOG_EVENT);
	ck_assert_int_eq(feed(r, "{\"v\":1,\"event\":\"message\",\"time\":\"" TIME "\",\"mono\":1.0,"
	                         "\"role\":\"server\",\"run\":\"00000000000000aa\",\"seq\":3,}"), LOG_COUNTED);
	ck_assert_int_eq(feed(r, COMMON("message", "2") ",}"), LOG_COUNTED);
	ck_assert_int_eq(feed(r, COMMON("message", "5") ",}"), LOG_COUNTED);
	ck_assert_uint_eq(log_reader_totals(r).missing_seq, 2 + 2);
	ck_assert_uint_eq(log_reader_totals(r).out_of_order, 0);
	ck_assert_int_eq(feed(r, COMMON("sparkle", "3") "}"), LOG_UNKNOWN);
	ck_assert_uint_eq(log_reader_totals(r).missing_seq, 2 + 1);
	ck_assert_uint_eq(log_reader_totals(r).out_of_order, 1);
	ck_assert_uint_eq(log_reader_totals(r).messages, 3);
	ck_assert_uint_eq(log_reader_totals(r).unknown_events, 1);
	log_reader_free(r);
}
END_TEST

START_TEST(a_run_without_its_end_was_cut_short)
{
	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);

	ck_assert(!log_reader_totals(r).no_end);
	feed(r, COMMON("note", "1") "}");
	ck_assert(log_reader_totals(r).no_end);
	ck_assert_int_eq(feed(r, COMMON("end", "2") ",\"exit\":0}"), LOG_EVENT);
	ck_assert(!log_reader_totals(r).no_end);
	log_reader_free(r);
}
END_TEST

START_TEST(a_newer_version_is_read_as_far_as_it_is_understood)
{
	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);
	struct event ev;

	ck_assert_int_eq(log_reader_line(r, SPAN_LIT("{\"v\":2,\"event\":\"gone\",\"time\":\"2026-03-04T22:13:02.071042Z\",\"mono\":1.0,"
	                                             "\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"seq\":1,\"conn\":4,\"after\":\"soon\"}"),
	                     true, &ev),
	    LOG_EVENT);
	ck_assert_uint_eq(ev.conn, 4);
	ck_assert_int_eq(ev.u.gone.after, US_UNKNOWN);
	ck_assert_uint_eq(log_reader_totals(r).newer_version, 1);
	log_reader_free(r);
}
END_TEST

START_TEST(the_boot_of_the_start_line_goes_with_all_of_its_run)
{
	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);
	struct event ev;

	feed(r, COMMON("start", "1") ",\"boot\":\"b-1\"}");
	ck_assert_int_eq(log_reader_line(r, SPAN_LIT(COMMON("note", "2") "}"), true, &ev), LOG_EVENT);
	ck_assert_str_eq(ev.src->boot, "b-1");
	ck_assert_uint_eq(ev.src->run, UINT64_C(0x7f3a9c0000000001));
	log_reader_free(r);
}
END_TEST

START_TEST(runs_are_forgotten_before_they_fill_memory)
{
	struct log_reader *r = log_reader_new(LOG_LIFECYCLE);

	for (unsigned i = 0; i < 5000; i++) {
		char line[256];

		snprintf(line, sizeof(line),
		    "{\"v\":1,\"event\":\"note\",\"time\":\"" TIME "\",\"mono\":1.0,\"role\":\"client\",\"run\":\"%016x\",\"seq\":2}", i);
		ck_assert_int_eq(feed(r, line), LOG_EVENT);
	}
	ck_assert_uint_eq(log_reader_totals(r).missing_seq, 5000);
	log_reader_free(r);
}
END_TEST

UNIT_MAIN("reader", whatever_is_written_is_read_back_the_same, a_line_is_an_event_or_counted_or_says_what_is_wrong,
    the_beginning_of_a_long_message_is_counted_and_of_anything_else_is_not, lost_lines_are_counted_in_each_run_of_a_shared_log,
    a_run_without_its_end_was_cut_short, a_newer_version_is_read_as_far_as_it_is_understood,
    the_boot_of_the_start_line_goes_with_all_of_its_run, runs_are_forgotten_before_they_fill_memory)
