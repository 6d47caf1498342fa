/* SPDX-License-Identifier: MIT */
#include "codec/encode.h"

#include "support/unit.h"

#include <string.h>

static const struct {
	struct span bytes;
	const char *base64, *hex;
} rows[] = {
	/* RFC 4648 section 10 */
	{ SPAN_LIT(""), "", "" },
	{ SPAN_LIT("f"), "Zg==", "66" },
	{ SPAN_LIT("fo"), "Zm8=", "666f" },
	{ SPAN_LIT("foo"), "Zm9v", "666f6f" },
	{ SPAN_LIT("foob"), "Zm9vYg==", "666f6f62" },
	{ SPAN_LIT("\0\xff\xfe\x3e"), "AP/+Pg==", "00fffe3e" },
};

static void
check_bytes(const struct buf *got, struct span expected)
{
	ck_assert_uint_eq(got->len, expected.n);
	ck_assert(expected.n == 0 || memcmp(buf_head(got), expected.p, expected.n) == 0);
}

START_TEST(bytes_survive_the_way_there_and_back)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text = { 0 }, bytes = { 0 };

		encode_base64(&text, rows[i].bytes.p, rows[i].bytes.n);
		ck_span_eq(buf_span(&text), rows[i].base64);
		ck_assert(decode_base64(&bytes, buf_span(&text)));
		check_bytes(&bytes, rows[i].bytes);
		buf_clear(&text);
		buf_clear(&bytes);
		encode_hex(&text, rows[i].bytes.p, rows[i].bytes.n);
		ck_span_eq(buf_span(&text), rows[i].hex);
		ck_assert(decode_hex(&bytes, buf_span(&text)));
		check_bytes(&bytes, rows[i].bytes);
		buf_deinit(&text);
		buf_deinit(&bytes);
	}
}
END_TEST

START_TEST(what_is_not_base64_leaves_the_output_alone)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "====", "Z===", "Zm9v\r\n", "Zm 9", "Zm9-", "=Zm9",
		"Zg==Zg==", "Zm\xc3\xa9" };
	struct buf out = { 0 };

	buf_puts(&out, "kept");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!decode_base64(&out, span_of(bad[i])), "%s", bad[i]);
		ck_span_eq(buf_span(&out), "kept");
	}
	buf_deinit(&out);
}
END_TEST

START_TEST(hex_may_have_spaces_between_bytes_but_not_in_them)
{
	static const char *const bad[] = { "6", "6 6", "66 6", "6g", "0x66", "66,6f", "\xff\xff" };
	struct buf out = { 0 };

	ck_assert(decode_hex(&out, SPAN_LIT(" 66 6F\t6f ")));
	ck_span_eq(buf_span(&out), "foo");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!decode_hex(&out, span_of(bad[i])), "%s", bad[i]);
		ck_span_eq(buf_span(&out), "foo");
	}
	buf_deinit(&out);
}
END_TEST

UNIT_MAIN("encode", bytes_survive_the_way_there_and_back, what_is_not_base64_leaves_the_output_alone,
    hex_may_have_spaces_between_bytes_but_not_in_them)
