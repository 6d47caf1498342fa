/* SPDX-License-Identifier: MIT */
#include "serve/options.h"

#include "net/listen_address.h"

#include "net/tcp.h"

#include "support/unit.h"

static const struct {
	const char *typed, *address; /* NULL: refused */
} rows[] = {
	{ NULL, "127.0.0.1:0" },
	{ "0", "127.0.0.1:0" },
	{ "8080", "127.0.0.1:8080" },
	{ "65535", "127.0.0.1:65535" },
	{ ":8080", "127.0.0.1:8080" },
	{ "localhost:8080", "127.0.0.1:8080" },
	{ "*:8080", "0.0.0.0:8080" },
	{ "192.0.2.1:1", "192.0.2.1:1" },
	{ "[::1]:8080", "[::1]:8080" },
	{ "[::]:0", "[::]:0" },
	{ "[2001:db8::1]:443", "[2001:db8::1]:443" },
	{ "", NULL },
	{ ":", NULL },
	{ "65536", NULL },
	{ "99999999999999999999", NULL },
	{ "-1", NULL },
	{ "+1", NULL },
	{ " 1", NULL },
	{ "1 ", NULL },
	{ "80x", NULL },
	{ "x", NULL },
	{ "localhost", NULL },
	{ "localhost:", NULL },
	{ "127.0.0.1", NULL },
	{ "127.0.0.1:", NULL },
	{ "127.1:80", NULL },
	{ "example.org:80", NULL },
	{ "::1", NULL },
	{ "::1:80", NULL },
	{ "[::1]", NULL },
	{ "[::1:80", NULL },
	{ "[]:80", NULL },
	{ "[127.0.0.1]:80", NULL },
	{ "[*]:80", NULL },
	{ "**:80", NULL },
};

START_TEST(addresses_are_read_or_refused)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct sockaddr_storage a;
		char text[64];
		bool ok = listen_address_parse(rows[r].typed, &a);

		ck_assert_msg(ok == (rows[r].address != NULL), "%s", rows[r].typed != NULL ? rows[r].typed : "(none)");
		if (!ok)
			continue;
		tcp_format_address((struct sockaddr *)&a, text);
		ck_assert_str_eq(text, rows[r].address);
	}
}
END_TEST

START_TEST(defaults_are_as_the_help_says)
{
	struct serve_options o = { 0 };

	serve_defaults(&o);
	ck_assert_int_eq(o.upgrade_timeout_us, 10 * US_PER_S);
	ck_assert_int_eq(o.close_timeout_us, 5 * US_PER_S);
	ck_assert_int_eq(o.ping_interval_us, 0);
	ck_assert_uint_eq(o.max_connections, 10000);
}
END_TEST

UNIT_MAIN("serve_options", addresses_are_read_or_refused, defaults_are_as_the_help_says)
