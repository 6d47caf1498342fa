/* SPDX-License-Identifier: MIT */
#include "codec/http_body.h"

#include "support/unit.h"

#include <string.h>

/* complete_at: from how many bytes of raw on the body is complete; NEVER: only the end of the connection tells. */
enum { NEVER = -1, MAX_BODY = 16 };

static const struct {
	const char *name, *head, *raw, *body;
	int complete_at;
} rows[] = {
	{ "length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", "hello", 5 },
	{ "more than the length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello, and more", "hello", 5 },
	{ "no bytes", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP", "", 0 },
	{ "until the end", "HTTP/1.1 200 OK\r\n\r\n", "hello", "hello", NEVER },
	{ "never more than the limit", "HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdefXYZ", "0123456789abcdef", 16 },
	{ "a length over the limit", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", "0123456789abcdefXYZ", "0123456789abcdef", 16 },
	{ "204", "HTTP/1.1 204 No Content\r\n\r\n", "x", "", 0 },
	{ "304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "hello", "", 0 },
	{ "103", "HTTP/1.1 103 Early Hints\r\n\r\n", "x", "", 0 },
	{ "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\n", "abcde", 24 },
	{ "chunks before a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: Chunked\r\n\r\n", "1\r\na\r\n0\r\n", "a", 9 },
	{ "hexadecimal sizes", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "a\r\n0123456789\r\n00\r\n", "0123456789", 19 },
	{ "chunks over the limit", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "14\r\n0123456789abcdefghij\r\n0\r\n", "0123456789abcdef", 20 },
	{ "a huge chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "7fffffffffffffff\r\nabc", "abc", NEVER },
	{ "a chunk whose size overflows", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "ffffffffffffffffffff\r\nabc", "abc", NEVER },
	{ "what is no chunk is shown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\nzz\r\nb", "azz\r\nb", NEVER },
};

START_TEST(bodies_are_read_at_every_length)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct http_head head = { 0 };
		const char *error = NULL;
		size_t n = strlen(rows[r].raw);

		ck_assert_msg(http_head_parse(&head, true, rows[r].head, strlen(rows[r].head), 0, &error) == HTTP_DONE, "%s", rows[r].name);
		for (size_t cut = 0; cut <= n; cut++) {
			struct buf out = { 0 };
			/* Not a byte behind the cut may be looked at. */
			char *raw = cut > 0 ? memcpy(xmalloc(cut), rows[r].raw, cut) : NULL;
			bool complete = http_body(&head, (struct span){ raw, cut }, MAX_BODY, &out);

			ck_assert_msg(complete == (rows[r].complete_at != NEVER && cut >= (size_t)rows[r].complete_at), "%s, cut %zu", rows[r].name, cut);
			ck_assert_uint_le(out.len, MAX_BODY);
			if (cut == n)
				ck_assert_msg(strcmp(buf_cstr(&out), rows[r].body) == 0, "%s: %s", rows[r].name, buf_cstr(&out));
			/* What is there only grows, but where a chunk turns out to be none. */
			ck_assert_msg(strncmp(buf_cstr(&out), rows[r].body, out.len) == 0, "%s, cut %zu: %s", rows[r].name, cut, buf_cstr(&out));
			buf_deinit(&out);
			free(raw);
		}
		http_head_deinit(&head);
	}
}
END_TEST

UNIT_MAIN("http_body", bodies_are_read_at_every_length)
