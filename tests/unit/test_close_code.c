/* SPDX-License-Identifier: MIT */
#include "codec/close_code.h"

#include "support/unit.h"

static const struct {
	int code;
	const char *name;
	bool on_wire;
} rows[] = {
	{ 0, NULL, false },
	{ 999, NULL, false },
	{ 1000, "Normal Closure", true },
	{ 1001, "Going Away", true },
	{ 1003, "Unsupported Data", true },
	{ 1004, "Reserved", false },
	{ 1005, "No Status Received", false },
	{ 1006, "Abnormal Closure", false },
	{ 1007, "Invalid Frame Payload Data", true },
	{ 1012, "Service Restart", true },
	{ 1014, "Bad Gateway", true },
	{ 1015, "TLS Handshake", false },
	{ 1016, NULL, false },
	{ 2999, NULL, false },
	{ 3000, "Unauthorized", true },
	{ 3001, "registered", true },
	{ 3999, "registered", true },
	{ 4000, "private", true },
	{ 4999, "private", true },
	{ 5000, NULL, false },
	{ 65535, NULL, false },
};

START_TEST(codes_have_their_names_and_places)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = close_code_name(rows[i].code);

		if (rows[i].name == NULL)
			ck_assert_msg(name == NULL, "%d", rows[i].code);
		else
			ck_assert_str_eq(name, rows[i].name);
		ck_assert_msg(close_code_is_legal_on_wire(rows[i].code) == rows[i].on_wire, "%d", rows[i].code);
	}
}
END_TEST

START_TEST(the_walk_visits_named_codes_in_order_and_ends)
{
	int n = 0;

	for (int code = close_code_next(0), last = 0; code != 0; last = code, code = close_code_next(code), n++) {
		ck_assert_int_gt(code, last);
		ck_assert_ptr_nonnull(close_code_name(code));
	}
	ck_assert_int_eq(n, 19);
}
END_TEST

UNIT_MAIN("close_code", codes_have_their_names_and_places, the_walk_visits_named_codes_in_order_and_ends)
