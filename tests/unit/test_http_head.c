/* SPDX-License-Identifier: MIT */
#include "codec/http_head.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* One head each, in full; what is behind it is not the parser's. Text: the error, else the oddity. */
static const struct {
	bool is_answer;
	struct span in;
	enum http_result result;
	const char *text;
	size_t n_headers;
} rows[] = {
	{ true, SPAN_LIT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00"), HTTP_DONE,
	    NULL, 2 },
	{ true, SPAN_LIT("HTTP/1.0 200 OK\r\n\r\n"), HTTP_DONE, NULL, 0 },
	{ true, SPAN_LIT("HTTP/1.1 502 \r\n\r\n\r\n"), HTTP_DONE, NULL, 0 },
	{ true, SPAN_LIT("HTTP/1.1 502\r\nA:b\r\n\r\n"), HTTP_DONE, "no space behind the status", 1 },
	{ true, SPAN_LIT("HTTP/1.1  404 Not Found\r\nA:b\r\n\r\n"), HTTP_DONE, "more than one space in the first line", 1 },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\nA: b\n\nbody"), HTTP_DONE, "a line ends in LF without CR", 1 },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA: b\n\r\nbody"), HTTP_DONE, "a line ends in LF without CR", 1 },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"), HTTP_DONE, "a space between a header's name and its colon", 1 },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA:\r\nB: \t\r\nA: \x1b[31m \xff\r\n\r\n"), HTTP_DONE, NULL, 3 },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), HTTP_BAD, "a header is folded over two lines (obs-fold)" },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\n\tA: b\r\n\r\n"), HTTP_BAD, "a header is folded over two lines (obs-fold)" },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA\r\n\r\n"), HTTP_BAD, "a header line without a colon" },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\n: b\r\n\r\n"), HTTP_BAD, "a header without a name" },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA B: b\r\n\r\n"), HTTP_BAD, "a header's name has a character that may not stand there" },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"), HTTP_BAD, "a NUL byte in the head" },
	{ true, SPAN_LIT("HTTP/1.1 200 O\0K\r\n"), HTTP_BAD, "a NUL byte in the head" },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA: b\rc: d\r\n\r\n"), HTTP_BAD, "a CR without LF in the head" },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\r\n"), HTTP_BAD, "a CR without LF in the head" },
	{ true, SPAN_LIT("HTTP/1.1 20 OK\r\n"), HTTP_BAD, "the status is not a number of three digits" },
	{ true, SPAN_LIT("HTTP/1.1 099 OK\r\n"), HTTP_BAD, "the status is not a number of three digits" },
	{ true, SPAN_LIT("HTTP/1.1\r\n"), HTTP_BAD, "the status is not a number of three digits" },
	{ true, SPAN_LIT("HTTP/1 200 OK\r\n"), HTTP_BAD, "the HTTP version in the status line is malformed" },
	{ true, SPAN_LIT("HTTP/11 200 OK\r\n"), HTTP_BAD, "the HTTP version in the status line is malformed" },
	{ true, SPAN_LIT("HTTQ"), HTTP_NOT_HTTP },
	{ true, SPAN_LIT("\0\0\x18\x04"), HTTP_NOT_HTTP },
	{ true, SPAN_LIT("\x15\x03\x01"), HTTP_NOT_HTTP },
	{ true, SPAN_LIT("\r\nHTTP/1.1 200 OK\r\n"), HTTP_NOT_HTTP },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA: b\r\n"), HTTP_MORE },
	{ true, SPAN_LIT("HTTP/1.1 200 OK\r\nA: b\r\n\r"), HTTP_MORE },
	{ true, SPAN_LIT("HT"), HTTP_MORE },
	{ true, SPAN_LIT(""), HTTP_MORE },

	{ false, SPAN_LIT("GET /chat?x=1 HTTP/1.1\r\nHost: example.org\r\n\r\n"), HTTP_DONE, NULL, 1 },
	{ false, SPAN_LIT("\r\n\nGET / HTTP/1.1\r\n\r\n"), HTTP_DONE, "an empty line before the request line", 0 },
	{ false, SPAN_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_DONE, NULL, 0 },
	{ false, SPAN_LIT("GET  / HTTP/1.1\r\n\r\n"), HTTP_DONE, "more than one space in the first line", 0 },
	{ false, SPAN_LIT("GET /a b HTTP/1.1\r\n"), HTTP_BAD, "the HTTP version in the request line is missing or malformed" },
	{ false, SPAN_LIT("GET /\r\n"), HTTP_BAD, "the HTTP version in the request line is missing or malformed" },
	{ false, SPAN_LIT("GET \r\n"), HTTP_BAD, "the request line has no target" },
	{ false, SPAN_LIT("GET /\x1b HTTP/1.1\r\n"), HTTP_BAD, "the request target has a control character" },
	{ false, SPAN_LIT("GET / HTTP/1.1 x\r\n"), HTTP_BAD, "the request line goes on behind the HTTP version" },
	{ false, SPAN_LIT("\x16\x03\x01\x02\x00"), HTTP_NOT_HTTP },
	{ false, SPAN_LIT("GET\r\n"), HTTP_NOT_HTTP },
	{ false, SPAN_LIT(" / HTTP/1.1\r\n"), HTTP_NOT_HTTP },
	{ false, SPAN_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), HTTP_NOT_HTTP },
	{ false, SPAN_LIT("\n\n\n\n\n\n\n\n\nGET / HTTP/1.1\r\n\r\n"), HTTP_NOT_HTTP },
	{ false, SPAN_LIT("\r\n"), HTTP_MORE },
	{ false, SPAN_LIT("GET / HTTP/1.1\r\nA: b\r\n"), HTTP_MORE },
};

static void
check_row(size_t r, const struct http_head *h, enum http_result result, const char *error, size_t cut)
{
	const char *text = result == HTTP_BAD ? error : result == HTTP_DONE ? h->oddity : NULL;

	ck_assert_msg(result == rows[r].result, "row %zu cut %zu: result %d", r, cut, (int)result);
	if (rows[r].text == NULL)
		ck_assert_msg(text == NULL, "row %zu cut %zu: %s", r, cut, text);
	else
		ck_assert_msg(text != NULL && strcmp(text, rows[r].text) == 0, "row %zu cut %zu: %s", r, cut, text);
	if (result == HTTP_DONE)
		ck_assert_msg(h->n_headers == rows[r].n_headers, "row %zu cut %zu", r, cut);
}

/* In two pieces: what is known after the first is the end of it, unless that was too little. */
START_TEST(heads_are_judged_the_same_at_every_split_point)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		for (size_t cut = 0; cut <= rows[r].in.n; cut++) {
			struct http_head h = { 0 };
			const char *error = NULL;
			enum http_result result = http_head_parse(&h, rows[r].is_answer, rows[r].in.p, cut, 0, &error);

			if (result == HTTP_MORE)
				result = http_head_parse(&h, rows[r].is_answer, rows[r].in.p, rows[r].in.n, cut, &error);
			check_row(r, &h, result, error, cut);
			http_head_deinit(&h);
		}
	}
}
END_TEST

START_TEST(heads_may_come_byte_by_byte)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct http_head h = { 0 };
		const char *error = NULL;
		enum http_result result = HTTP_MORE;
		size_t n = 0;

		while (result == HTTP_MORE && n < rows[r].in.n) {
			n++;
			result = http_head_parse(&h, rows[r].is_answer, rows[r].in.p, n, n - 1, &error);
		}
		check_row(r, &h, result, error, 1);
		if (result == HTTP_DONE)
			ck_assert_uint_eq(h.length, n);
		http_head_deinit(&h);
	}
}
END_TEST

START_TEST(an_answer_is_taken_apart)
{
	static const char text[] = "HTTP/1.1 503 Out  of order \r\nRetry-After:5\r\nVia: \ta, b \r\nvia: C\r\n\r\nsorry";
	struct http_head h = { 0 };
	const char *error;

	ck_assert_int_eq(http_head_parse(&h, true, text, sizeof(text) - 1, 0, &error), HTTP_DONE);
	ck_assert_int_eq(h.major, 1);
	ck_assert_int_eq(h.minor, 1);
	ck_assert_int_eq(h.status, 503);
	ck_span_eq(h.reason, "Out  of order");
	ck_span_eq(h.first_line, "HTTP/1.1 503 Out  of order ");
	ck_assert_str_eq(text + h.length, "sorry");
	ck_span_eq(http_find(&h, "retry-after", 0)->value, "5");
	ck_assert_uint_eq(http_count(&h, "VIA"), 2);
	ck_span_eq(http_find(&h, "Via", 0)->value, "a, b");
	ck_span_eq(http_find(&h, "Via", 1)->value, "C");
	ck_assert_ptr_null(http_find(&h, "Via", 2));
	ck_assert(http_has_token(&h, "Via", "B") && http_has_token(&h, "Via", "c"));
	ck_assert(!http_has_token(&h, "Via", "a, b") && !http_has_token(&h, "Retry", "5"));
	http_head_deinit(&h);
	http_head_deinit(&h);
}
END_TEST

START_TEST(a_request_is_taken_apart)
{
	static const char text[] = "POST /x?y HTTP/1.0\r\nHost : h\r\n\r\n";
	struct http_head h = { 0 };
	const char *error;

	ck_assert_int_eq(http_head_parse(&h, false, text, sizeof(text) - 1, 0, &error), HTTP_DONE);
	ck_span_eq(h.method, "POST");
	ck_span_eq(h.target, "/x?y");
	ck_assert_int_eq(h.minor, 0);
	ck_span_eq(http_find(&h, "Host", 0)->value, "h");
	http_head_deinit(&h);
}
END_TEST

static enum http_result
parse_filled(struct buf *text, size_t fill, const char *line)
{
	struct http_head h = { 0 };
	const char *error;

	buf_clear(text);
	buf_puts(text, "HTTP/1.1 200 OK\r\n");
	for (size_t i = 0; i < fill; i++)
		buf_puts(text, line);
	buf_puts(text, "\r\n\r\n");
	enum http_result result = http_head_parse(&h, true, buf_head(text), text->len, 0, &error);
	http_head_deinit(&h);
	return result;
}

START_TEST(a_head_has_a_limit)
{
	struct buf text = { 0 };
	size_t around = strlen("HTTP/1.1 200 OK\r\n") + strlen("A:") + strlen("\r\n\r\n");

	/* One header of that length. */
	for (size_t n = HTTP_HEAD_MAX - 1; n <= HTTP_HEAD_MAX + 1; n++) {
		struct http_head h = { 0 };
		const char *error;

		buf_clear(&text);
		buf_puts(&text, "HTTP/1.1 200 OK\r\nA:");
		memset(buf_reserve(&text, n), 'x', n);
		buf_commit(&text, n - around);
		ck_assert_int_eq(http_head_parse(&h, true, buf_head(&text), text.len, 0, &error), HTTP_MORE);
		buf_puts(&text, "\r\n\r\n");
		ck_assert_int_eq(http_head_parse(&h, true, buf_head(&text), text.len, n - 3, &error),
		    n <= HTTP_HEAD_MAX ? HTTP_DONE : HTTP_TOO_LARGE);
		http_head_deinit(&h);
	}
	ck_assert_int_eq(parse_filled(&text, HTTP_HEADERS_MAX - 1, "A: b\r\n"), HTTP_DONE);
	ck_assert_int_eq(parse_filled(&text, HTTP_HEADERS_MAX + 1, "A: b\r\n"), HTTP_TOO_LARGE);
	ck_assert_int_eq(parse_filled(&text, 20000, "A: b\r\n"), HTTP_TOO_LARGE);
	buf_deinit(&text);
}
END_TEST

START_TEST(a_head_can_be_parsed_into_again)
{
	static const char with[] = "HTTP/1.1 200 OK\nA: b\n\n", without[] = "HTTP/1.1 101 X\r\n\r\n";
	struct http_head h = { 0 };
	const char *error;

	ck_assert_int_eq(http_head_parse(&h, true, with, sizeof(with) - 1, 0, &error), HTTP_DONE);
	ck_assert_int_eq(http_head_parse(&h, true, without, sizeof(without) - 1, 0, &error), HTTP_DONE);
	ck_assert_uint_eq(h.n_headers, 0);
	ck_assert_ptr_null(h.oddity);
	ck_assert_int_eq(h.status, 101);
	http_head_deinit(&h);
}
END_TEST

START_TEST(tokens_and_values_are_told_from_the_rest)
{
	ck_assert(http_is_token(SPAN_LIT("X-Api_Key.1~!#$%&'*+^`|")));
	ck_assert(!http_is_token(SPAN_LIT("")) && !http_is_token(SPAN_LIT("a b")) && !http_is_token(SPAN_LIT("a:")));
	ck_assert(!http_is_token(SPAN_LIT("a\0")) && !http_is_token(SPAN_LIT("\xc3\xa9")) && !http_is_token(SPAN_LIT("a/b")));
	ck_assert(http_is_field_value(SPAN_LIT("")) && http_is_field_value(SPAN_LIT("caf\xc3\xa9 \t\x1b")));
	ck_assert(!http_is_field_value(SPAN_LIT("a\r")) && !http_is_field_value(SPAN_LIT("a\nb")) && !http_is_field_value(SPAN_LIT("\0")));
	ck_assert_str_eq(http_reason(502), "Bad Gateway");
	ck_assert_str_eq(http_reason(299), "");
}
END_TEST

UNIT_MAIN("http_head", heads_are_judged_the_same_at_every_split_point, heads_may_come_byte_by_byte, an_answer_is_taken_apart,
    a_request_is_taken_apart, a_head_has_a_limit, a_head_can_be_parsed_into_again, tokens_and_values_are_told_from_the_rest)
