/* SPDX-License-Identifier: MIT */
#include "codec/json.h"

#include "support/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
check_text(struct span in, const char *expected)
{
	struct buf out = { 0 };
	struct json w = json_on(&out);

	json_text(&w, in);
	ck_assert_msg(strcmp(buf_cstr(&out), expected) == 0, "got %s, expected %s", buf_cstr(&out), expected);
	buf_deinit(&out);
}

START_TEST(commas_come_by_themselves)
{
	struct buf out = { 0 };
	struct json w = json_on(&out);

	json_begin(&w, '{');
	json_key(&w, "a");
	json_u64(&w, 1);
	json_key(&w, "b");
	json_begin(&w, '[');
	json_end(&w, ']');
	json_key(&w, "c");
	json_begin(&w, '[');
	json_nil(&w);
	json_bool(&w, true);
	json_bool(&w, false);
	json_begin(&w, '{');
	json_end(&w, '}');
	json_i64(&w, -5);
	json_text(&w, SPAN_NONE);
	json_end(&w, ']');
	json_key(&w, "d");
	json_seconds(&w, 1500000);
	json_end(&w, '}');
	ck_assert_str_eq(buf_cstr(&out), "{\"a\":1,\"b\":[],\"c\":[null,true,false,{},-5,\"\"],\"d\":1.500000}");
	buf_deinit(&out);
}
END_TEST

START_TEST(numbers_are_as_printf_has_them)
{
	static const uint64_t values[] = { 0, 1, 9, 10, 99, 100, 12345, UINT32_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf out = { 0 };
		struct json w = json_on(&out);
		char expected[100];

		json_begin(&w, '[');
		json_u64(&w, values[i]);
		json_i64(&w, (int64_t)values[i]);
		json_i64(&w, -(int64_t)(values[i] & INT64_MAX));
		snprintf(expected, sizeof(expected), "[%" PRIu64 ",%" PRId64 ",%" PRId64, values[i], (int64_t)values[i],
		    -(int64_t)(values[i] & INT64_MAX));
		ck_assert_str_eq(buf_cstr(&out), expected);
		buf_deinit(&out);
	}
}
END_TEST

START_TEST(seconds_have_six_decimals)
{
	static const struct {
		int64_t us;
		const char *text;
	} rows[] = {
		{ 0, "0.000000" },
		{ 1, "0.000001" },
		{ 999999, "0.999999" },
		{ 1000000, "1.000000" },
		{ -1, "-0.000001" },
		{ -1500000, "-1.500000" },
		{ INT64_C(1772662382071000), "1772662382.071000" },
		{ INT64_MAX, "9223372036854.775807" },
		{ INT64_MIN, "-9223372036854.775808" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = { 0 };
		struct json w = json_on(&out);

		json_seconds(&w, rows[i].us);
		ck_assert_str_eq(buf_cstr(&out), rows[i].text);
		buf_deinit(&out);
	}
}
END_TEST

START_TEST(text_is_escaped_where_it_must_be)
{
	check_text(SPAN_LIT("plain text, longer than sixteen bytes"), "\"plain text, longer than sixteen bytes\"");
	check_text(SPAN_LIT("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
	check_text(SPAN_LIT("a\0b\x1b\x1f\x7f"), "\"a\\u0000b\\u001b\\u001f\\u007f\"");
	check_text(SPAN_LIT("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
	check_text(SPAN_LIT("\xc2\x80\xc2\x9f\xc2\xa0"), "\"\\u0080\\u009f\xc2\xa0\"");
	check_text(SPAN_LIT("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"");
}
END_TEST

#define BAD "\xef\xbf\xbd"

START_TEST(each_byte_that_is_not_utf8_becomes_a_replacement_character)
{
	check_text(SPAN_LIT("a\xff" "b"), "\"a" BAD "b\"");
	check_text(SPAN_LIT("\x80\x80"), "\"" BAD BAD "\"");
	check_text(SPAN_LIT("cut \xe2\x82"), "\"cut " BAD BAD "\"");
	check_text(SPAN_LIT("\xe2\x82" "a"), "\"" BAD BAD "a\"");
	check_text(SPAN_LIT("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");
	check_text(SPAN_LIT("\xf0\x9f\x98\xe2\x82\xac"), "\"" BAD BAD BAD "\xe2\x82\xac\"");
	check_text(SPAN_LIT("\xc2"), "\"" BAD "\"");
}
END_TEST

/* The search for bytes to escape goes by words of eight: each byte value, at each place in one. */
START_TEST(every_byte_is_found_at_every_place)
{
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < 17; at++) {
			char text[17], expected[64] = "\"";
			bool is_plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
			struct buf out = { 0 };
			struct json w = json_on(&out);

			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			json_text(&w, (struct span){ text, sizeof(text) });
			snprintf(expected, sizeof(expected), "\"%.*s", (int)at, text);
			ck_assert(strncmp(buf_cstr(&out), expected, at + 1) == 0);
			ck_assert_msg((out.len == sizeof(text) + 2) == is_plain, "byte %d at %zu: %s", c, at, buf_cstr(&out));
			ck_assert(out.len > sizeof(text) - at);
			ck_assert(strncmp(buf_cstr(&out) + out.len - (17 - at), text + at + 1, 16 - at) == 0);
			buf_deinit(&out);
		}
	}
}
END_TEST

UNIT_MAIN("json", commas_come_by_themselves, numbers_are_as_printf_has_them, seconds_have_six_decimals, text_is_escaped_where_it_must_be,
    each_byte_that_is_not_utf8_becomes_a_replacement_character, every_byte_is_found_at_every_place)
