/* SPDX-License-Identifier: MIT */
#include "log/redact.h"

#include "support/unit.h"

static const struct {
	const char *name, *value, *shown;
} headers[] = {
	{ "Authorization", "Bearer abc.def", "Bearer ***" },
	{ "authorization", "abc", "***" },
	{ "Proxy-Authorization", "Basic dXNlcjpwdw==", "Basic ***" },
	{ "Cookie", "a=1; b=2", "a=***; b=***" },
	{ "Cookie", "bare", "***" },
	{ "Cookie", "", "" },
	{ "Set-Cookie", "sid=abc=; Path=/; HttpOnly", "sid=***; Path=/; HttpOnly" },
	{ "X-Api-Key", "k", "***" },
	{ "X-CSRF-Token", "t", "***" },
	{ "Client-Secret", "s", "***" },
	{ "Location", "https://e.org/?token=abc", "https://e.org/?token=***" },
	{ "Referer", "https://u:pw@e.org/", "https://u:***@e.org/" },
	{ "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==" },
	{ "Server", "nginx", "nginx" },
};

START_TEST(credentials_are_hidden_and_the_rest_is_kept)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct buf b = { 0 };

		redact_header(&b, span_of(headers[i].name), span_of(headers[i].value));
		ck_assert_msg(span_eq(buf_span(&b), headers[i].shown), "%s: %s -> %s", headers[i].name, headers[i].value, buf_cstr(&b));
		buf_deinit(&b);
	}
}
END_TEST

static const struct {
	const char *head, *shown;
} heads[] = {
	{ "GET /x?token=abc&y=1 HTTP/1.1\r\nHost: e.org\r\nAuthorization:  Basic abc\r\n\r\n",
	    "GET /x?token=***&y=1 HTTP/1.1\r\nHost: e.org\r\nAuthorization:  Basic ***\r\n\r\n" },
	{ "HTTP/1.1 200 OK\nset-cookie:a=b\nAuthorization: Bearer\n abc def\nX: 1\n folded",
	    "HTTP/1.1 200 OK\nset-cookie:a=***\nAuthorization: ***\n ***\nX: 1\n folded" },
	{ "", "" },
	{ "\r\n", "\r\n" },
	{ "no colon\r\nnor here", "no colon\r\nnor here" },
};

START_TEST(a_head_keeps_its_lines)
{
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct buf b = { 0 };

		redact_head(&b, span_of(heads[i].head));
		ck_assert_str_eq(buf_cstr(&b), heads[i].shown);
		buf_deinit(&b);
	}
}
END_TEST

UNIT_MAIN("redact", credentials_are_hidden_and_the_rest_is_kept, a_head_keeps_its_lines)
