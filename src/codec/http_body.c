/* SPDX-License-Identifier: MIT */
#include "codec/http_body.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool
add(struct buf *out, struct span part, size_t max)
{
	buf_append(out, part.p, MIN(part.n, max - MIN(max, out->len)));
	return out->len >= max;
}

/* chunk-size in hexadecimal, extensions ignored; -1 when it is none. */
static int64_t
chunk_size(struct span line)
{
	char text[17] = "";
	char *end;

	memcpy(text, line.p, MIN(line.n, sizeof(text) - 1));
	long long n = strtoll(text, &end, 16);
	return end == text || n < 0 ? -1 : n;
}

static bool
dechunk(struct span rest, size_t max, struct buf *out)
{
	struct span line;

	while (rest.n > 0) {
		struct span all = rest;
		const char *newline = memchr(rest.p, '\n', rest.n);

		if (newline == NULL)
			return false;
		span_next(&rest, '\n', &line);
		int64_t n = chunk_size(line);
		if (n < 0)
			return add(out, all, max);
		if (n == 0)
			return true;
		struct span data = { rest.p, MIN(rest.n, (size_t)n) };
		if (add(out, data, max))
			return true;
		rest.p += data.n;
		rest.n -= data.n;
		if (rest.n >= 2)
			rest.p += 2, rest.n -= 2; /* CRLF behind the data */
		else
			return false;
	}
	return false;
}

bool
http_body(const struct http_head *h, struct span raw, size_t max, struct buf *out)
{
	const struct header *length = http_find(h, "Content-Length", 0);
	char text[21] = "";

	if (h->status == 204 || h->status == 304 || (h->status >= 100 && h->status < 200))
		return true;
	if (http_has_token(h, "Transfer-Encoding", "chunked"))
		return dechunk(raw, max, out);
	if (length == NULL)
		return add(out, raw, max);
	memcpy(text, length->value.p, MIN(length->value.n, sizeof(text) - 1));
	uint64_t n = strtoull(text, NULL, 10);
	struct span body = { raw.p, MIN((uint64_t)raw.n, n) };
	return add(out, body, max) || body.n >= n;
}
