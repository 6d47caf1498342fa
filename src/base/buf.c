/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BUF_MIN = 256 };

void
buf_deinit(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void
buf_make_room(struct buf *b, size_t n)
{
	if (b->start > 0 && b->cap - b->len >= n && b->start >= b->len) {
		memmove(b->data, b->data + b->start, b->len);
	} else {
		size_t cap = MAX(b->cap, (size_t)BUF_MIN);

		while (cap - b->len < n)
			cap *= 2;
		uint8_t *data = xmalloc(cap);
		if (b->len > 0)
			memcpy(data, b->data + b->start, b->len);
		free(b->data);
		b->data = data;
		b->cap = cap;
	}
	b->start = 0;
}

void
buf_commit(struct buf *b, size_t n)
{
	assert(b->start + b->len + n <= b->cap);
	b->len += n;
}

void
buf_append(struct buf *b, const void *data, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), data, n);
	b->len += n;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = (uint8_t)c;
	b->len++;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char none[1]; /* gcc warns of a NULL here */

	va_start(ap, fmt);
	int n = vsnprintf(none, sizeof(none), fmt, ap);
	va_end(ap);
	assert(n >= 0);
	char *at = (char *)buf_reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	b->start = b->len > 0 ? b->start + n : 0;
}

void
buf_chop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
}

void
buf_clear(struct buf *b)
{
	b->start = b->len = 0;
}

void
buf_shrink(struct buf *b, size_t keep)
{
	if (b->len == 0 && b->cap > keep)
		buf_deinit(b);
}

const char *
buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return (const char *)buf_head(b);
}
