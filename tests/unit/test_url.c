/* SPDX-License-Identifier: MIT */
#include "codec/url.h"

#include "support/unit.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *typed, *text, *host;
	uint16_t port;
	const char *target, *userinfo, *host_header;
	bool is_tls, is_literal;
} rows[] = {
	{ "ws://example.org/chat", "ws://example.org/chat", "example.org", 80, "/chat", NULL, "example.org" },
	{ "wss://example.org", "wss://example.org/", "example.org", 443, "/", NULL, "example.org", true },
	{ "http://h:80/", "ws://h/", "h", 80, "/", NULL, "h" },
	{ "HTTPS://H:80/A", "wss://h:80/A", "h", 80, "/A", NULL, "h:80", true },
	{ "example.org", "ws://example.org/", "example.org", 80, "/", NULL, "example.org" },
	{ "example.org:8080/chat", "ws://example.org:8080/chat", "example.org", 8080, "/chat", NULL, "example.org:8080" },
	{ "localhost?u=http://x", "ws://localhost/?u=http://x", "localhost", 80, "/?u=http://x", NULL, "localhost" },
	{ ":9000", "ws://localhost:9000/", "localhost", 9000, "/", NULL, "localhost:9000" },
	{ ":9000/x", "ws://localhost:9000/x", "localhost", 9000, "/x", NULL, "localhost:9000" },
	{ "ws:9000", "ws://ws:9000/", "ws", 9000, "/", NULL, "ws:9000" },
	{ "[::1]:9000", "ws://[::1]:9000/", "::1", 9000, "/", NULL, "[::1]:9000", false, true },
	{ "wss://[2001:DB8:0:0::1]/", "wss://[2001:db8::1]/", "2001:db8::1", 443, "/", NULL, "[2001:db8::1]", true, true },
	{ "127.0.0.1:1", "ws://127.0.0.1:1/", "127.0.0.1", 1, "/", NULL, "127.0.0.1:1", false, true },
	{ "ws://h:/", "ws://h/", "h", 80, "/", NULL, "h" },
	{ "ws://h:00080/", "ws://h/", "h", 80, "/", NULL, "h" },
	{ "ws://my_host.example./", "ws://my_host.example./", "my_host.example.", 80, "/", NULL, "my_host.example." },
	{ "ws://u:p@h/", "ws://h/", "h", 80, "/", "u:p", "h" },
	{ "ws://u%20:p%40%2f@h/", "ws://h/", "h", 80, "/", "u :p@/", "h" },
	{ "u@x:p [w]@h:1/", "ws://h:1/", "h", 1, "/", "u@x:p [w]", "h:1" },
	{ "ws://@h/", "ws://h/", "h", 80, "/", NULL, "h" },
	{ "ws://b\xc3\xbc" "cher.example/", "ws://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, "/", NULL,
	    "xn--bcher-kva.example" },
	{ "ws://B%C3%9Ccher.example/", "ws://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, "/", NULL, "xn--bcher-kva.example" },
	{ "ws://h/\xc3\xbc x?q=[\"1\"]|^`{}<>\\", "ws://h/%C3%BC%20x?q=%5B%221%22%5D%7C%5E%60%7B%7D%3C%3E%5C", "h", 80,
	    "/%C3%BC%20x?q=%5B%221%22%5D%7C%5E%60%7B%7D%3C%3E%5C", NULL, "h" },
	{ "ws://h/%41%zz%", "ws://h/%41%25zz%25", "h", 80, "/%41%25zz%25", NULL, "h" },
	{ "ws://h/a/../b/./c//d", "ws://h/a/../b/./c//d", "h", 80, "/a/../b/./c//d", NULL, "h" },
	{ "  ws://h/\t", "ws://h/", "h", 80, "/", NULL, "h" },
};

static void
check_url(const struct url *u, size_t r)
{
	ck_assert_str_eq(u->text, rows[r].text);
	ck_assert_str_eq(u->host, rows[r].host);
	ck_assert_uint_eq(u->port, rows[r].port);
	ck_assert_str_eq(u->target, rows[r].target);
	ck_assert_str_eq(u->host_header, rows[r].host_header);
	ck_assert_msg(u->is_tls == rows[r].is_tls && u->is_literal == rows[r].is_literal, "%s", rows[r].typed);
}

START_TEST(urls_and_what_people_type_for_them_are_read)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct url u, again;
		char *error = NULL;

		ck_assert_msg(url_parse(rows[r].typed, &u, &error) == 0, "%s: %s", rows[r].typed, error);
		check_url(&u, r);
		if (rows[r].userinfo == NULL)
			ck_assert_ptr_null(u.userinfo);
		else
			ck_assert_str_eq(u.userinfo, rows[r].userinfo);
		ck_assert_int_eq(url_parse(u.text, &again, &error), 0);
		check_url(&again, r);
		url_deinit(&u);
		url_deinit(&again);
	}
}
END_TEST

START_TEST(what_is_wrong_with_a_url_is_said)
{
	static const struct {
		const char *typed, *error;
	} bad[] = {
		{ "", "the URL is empty" },
		{ " ", "the URL is empty" },
		{ "ws://", "the URL has no host" },
		{ "ws:///x", "the URL has no host" },
		{ "ws://:80/", "the URL has no host" },
		{ "//h/x", "the URL has no host" },
		{ "/x", "the URL has no host" },
		{ "ws:h", "\"ws:\" must be followed by \"//\"" },
		{ "https:/h", "\"https:\" must be followed by \"//\"" },
		{ "ftp://h/", "the scheme \"ftp\" is not ws or wss" },
		{ "ws://h/#x", "a WebSocket URL has no fragment (RFC 6455 section 3): write \"#\" as %23" },
		{ "ws://h:0/", "the port 0 is not between 1 and 65535" },
		{ "ws://h:65536/", "the port 65536 is not between 1 and 65535" },
		{ "h:18446744073709551617", "the port 18446744073709551617 is not between 1 and 65535" },
		{ "ws://h:http/", "the port \"http\" is not a number" },
		{ "ws://u:p/w@h/", "the port is not a number; in a password, \"/\", \"?\" and \"#\" are written %2F, %3F and %23" },
		{ "ws://[::1/", "the \"[\" of the IPv6 address has no \"]\"" },
		{ "ws://[::g]/", "\"::g\" is not an IPv6 address" },
		{ "ws://[fe80::1%25eth0]/", "\"fe80::1%25eth0\" is not an IPv6 address" },
		{ "ws://[v1.x]/", "\"v1.x\" is not an IPv6 address" },
		{ "ws://[::1]80/", "behind the \"]\" of an IPv6 address only \":\" and a port may follow" },
		{ "ws://h]/", "\"[\" and \"]\" may stand only around an IPv6 address" },
		{ "ws://2001:db8::1/", "an IPv6 address needs brackets around it: [2001:db8::1]" },
		{ "::1", "an IPv6 address needs brackets around it: [::1]" },
		{ "ws://a b/", "the host's name has a character that may not stand there at position 2" },
		{ "ws://a%1bb/", "the host's name has a character that may not stand there at position 2" },
		{ "ws://a%00b/", "the host's name has a NUL" },
		{ "ws://a..b/", "the host's name has a part that is empty" },
		{ "ws://u%00@h/", "user and password must not have a NUL" },
		{ "ws://h/\r\nX: y", "the URL has a control character (0x0D) at position 8" },
		{ "ws://h/\x7f", "the URL has a control character (0x7F) at position 8" },
		{ "ws://\xff/", "the host's name has no IDNA form: string encoding error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct url u = { .port = 4711 };
		char *error = NULL;

		ck_assert_msg(url_parse(bad[i].typed, &u, &error) == -EINVAL, "%s", bad[i].typed);
		ck_assert_str_eq(error, bad[i].error);
		ck_assert_uint_eq(u.port, 4711);
		free(error);
	}
}
END_TEST

START_TEST(names_have_their_limits)
{
	struct buf text = { 0 };
	struct url u;
	char *error;

	buf_printf(&text, "%063d.example", 0);
	ck_assert_int_eq(url_parse(buf_cstr(&text), &u, &error), 0);
	url_deinit(&u);
	buf_clear(&text);
	buf_printf(&text, "%064d.example", 0);
	ck_assert_int_eq(url_parse(buf_cstr(&text), &u, &error), -EINVAL);
	ck_assert_str_eq(error, "the host's name has a part that is longer than 63 characters");
	free(error);
	buf_clear(&text);
	buf_printf(&text, "%060d.%060d.%060d.%060d.%060d", 0, 0, 0, 0, 0);
	ck_assert_int_eq(url_parse(buf_cstr(&text), &u, &error), -EINVAL);
	ck_assert_str_eq(error, "the host's name is longer than 253 characters");
	free(error);
	buf_clear(&text);
	buf_printf(&text, "ws://h/%016384d", 0);
	ck_assert_int_eq(url_parse(buf_cstr(&text), &u, &error), -EINVAL);
	ck_assert_str_eq(error, "the URL is longer than 16384 bytes");
	free(error);
	buf_deinit(&text);
}
END_TEST

START_TEST(a_location_is_resolved_against_its_url)
{
	static const struct {
		const char *reference, *text;
	} cases[] = {
		{ "/login", "wss://example.org:8443/login" },
		{ "next", "wss://example.org:8443/a/next" },
		{ "../x?y=1", "wss://example.org:8443/x?y=1" },
		{ "?z=[2]", "wss://example.org:8443/a/b?z=%5B2%5D" },
		{ "//other/p", "wss://other/p" },
		{ "//[::1]:1", "wss://[::1]:1/" },
		{ "http://plain.example", "ws://plain.example/" },
		{ "https://s\xc3\xbc" "d.example/#top", "wss://xn--sd-xka.example/" },
		{ "#top", "wss://example.org:8443/a/b?q" },
		{ " /a b ", "wss://example.org:8443/a%20b" },
		{ "x:y", NULL },
		{ "mailto:someone", NULL },
		{ "", NULL },
		{ "http://[::1", NULL },
		{ "/a\x1b[31m", NULL },
	};
	struct url base;
	char *error;

	ck_assert_int_eq(url_parse("wss://u:p@example.org:8443/a/b?q", &base, &error), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct url u;
		int r = url_resolve(&base, span_of(cases[i].reference), &u, &error);

		ck_assert_msg((r == 0) == (cases[i].text != NULL), "%s", cases[i].reference);
		if (r < 0) {
			ck_assert_int_eq(r, -EINVAL);
			free(error);
			continue;
		}
		ck_assert_str_eq(u.text, cases[i].text);
		/* The password was for the first server. */
		ck_assert_ptr_null(u.userinfo);
		url_deinit(&u);
	}
	url_deinit(&base);
}
END_TEST

START_TEST(secrets_are_hidden_in_any_text)
{
	static const struct {
		const char *text, *redacted;
	} cases[] = {
		{ "", "" },
		{ "no secrets here", "no secrets here" },
		{ "ws://u:pw@h/p", "ws://u:***@h/p" },
		{ "ws://u:a@b@h/", "ws://u:***@h/" },
		{ "ws://u:p w@h/", "ws://u:***@h/" },
		{ "ws://u:p/w?x#y@h/", "ws://u:***@h/" },
		{ "ws://u:12345@h/", "ws://u:***@h/" },
		{ "ws://u:12,3@h/", "ws://u:***@h/" },
		{ "[u:pw@h", "[u:***@h" },
		{ "ws://u:@h/", "ws://u:@h/" },
		{ "ws://u@h/", "ws://u@h/" },
		{ "u:pw@h:8080/p", "u:***@h:8080/p" },
		{ "ws://h:8080/@user", "ws://h:8080/@user" },
		{ "ws://h:8080, someone@example", "ws://h:8080, someone@example" },
		{ "ws://[::1]:80/a@b", "ws://[::1]:80/a@b" },
		{ "cannot reach http://u:pw@h/: refused", "cannot reach http://u:***@h/: refused" },
		{ "proxy u:pw@h, then http://v:pw@i", "proxy u:***@h, then http://v:***@i" },
		{ "ws://h/?a=1&token=abc&b=2", "ws://h/?a=1&token=***&b=2" },
		{ "ws://h/?TOKEN=a&apiKey=b&client_secret=c", "ws://h/?TOKEN=***&apiKey=***&client_secret=***" },
		{ "?oauth=1&X-Amz-Signature=2&session_id=3&jwt=4&Credential=5&passWord=6",
		    "?oauth=***&X-Amz-Signature=***&session_id=***&jwt=***&Credential=***&passWord=***" },
		{ "ws://h/?pass=1&pwd=2&code=3&ticket=4&user_pwd=5&passwd=6&passphrase=7",
		    "ws://h/?pass=***&pwd=***&code=***&ticket=***&user_pwd=***&passwd=***&passphrase=***" },
		{ "ws://h/?Code=1&c%6fde=2&passenger=3&country_code=4&ticket_id=5&bypass=6&encode=7&codec=8",
		    "ws://h/?Code=***&c%6fde=***&passenger=3&country_code=4&ticket_id=5&bypass=6&encode=7&codec=8" },
		{ "ws://h/?%74oken=a&to%6Ben=b", "ws://h/?%74oken=***&to%6Ben=***" },
		{ "ws://h/?token=", "ws://h/?token=" },
		{ "ws://h/?token", "ws://h/?token" },
		{ "ws://h/?x=token", "ws://h/?x=token" },
		{ "ws://h/token=abc", "ws://h/token=abc" },
		{ "ws://h/?token=a=b#access_token=c", "ws://h/?token=***#access_token=***" },
		{ "ws://h/?a/token=b", "ws://h/?a/token=***" },
		{ "GET /?key=abc HTTP/1.1", "GET /?key=*** HTTP/1.1" },
		{ "\"ws://h/?key=abc\" <x>", "\"ws://h/?key=***\" <x>" },
		{ "wss://u:pw@h/?u=ws://v:pw@i/&sig=1", "wss://u:***@h/?u=ws://v:***@i/&sig=***" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = { 0 };

		url_redact(&out, span_of(cases[i].text));
		ck_assert_str_eq(buf_cstr(&out), cases[i].redacted);
		buf_deinit(&out);
	}
}
END_TEST

UNIT_MAIN("url", urls_and_what_people_type_for_them_are_read, what_is_wrong_with_a_url_is_said, names_have_their_limits,
    a_location_is_resolved_against_its_url, secrets_are_hidden_in_any_text)
