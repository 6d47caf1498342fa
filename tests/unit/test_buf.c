/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "support/unit.h"

#include <string.h>

START_TEST(bytes_come_out_in_the_order_they_went_in)
{
	struct buf b = { 0 };
	uint8_t next_in = 0, next_out = 0;

	for (int round = 0; round < 2000; round++) {
		for (int i = 0; i < round % 37; i++)
			buf_append(&b, &next_in, 1), next_in++;
		size_t take = b.len * 2 / 3;
		for (size_t i = 0; i < take; i++)
			ck_assert_uint_eq(buf_head(&b)[i], next_out++);
		buf_consume(&b, take);
	}
	ck_assert_uint_lt(b.cap, 4096);
	buf_deinit(&b);
}
END_TEST

START_TEST(text_is_built_and_terminated)
{
	struct buf b = { 0 };

	buf_puts(&b, "a");
	buf_printf(&b, "%d-%s", 42, "x");
	buf_putc(&b, '!');
	ck_assert_str_eq(buf_cstr(&b), "a42-x!");
	ck_assert_uint_eq(b.len, 6);
	buf_chop(&b, 2);
	ck_span_eq(buf_span(&b), "a42-");
	buf_deinit(&b);
}
END_TEST

START_TEST(shrink_frees_only_what_is_empty_and_large)
{
	struct buf b = { 0 };

	buf_reserve(&b, 10000);
	buf_puts(&b, "x");
	buf_shrink(&b, 100);
	ck_assert_ptr_nonnull(b.data);
	buf_consume(&b, 1);
	buf_shrink(&b, 100000);
	ck_assert_ptr_nonnull(b.data);
	buf_shrink(&b, 100);
	ck_assert_ptr_null(b.data);
}
END_TEST

UNIT_MAIN("buf", bytes_come_out_in_the_order_they_went_in, text_is_built_and_terminated, shrink_frees_only_what_is_empty_and_large)
