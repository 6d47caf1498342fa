/* SPDX-License-Identifier: MIT */
/*
 * buf: a growing byte queue: append at the end, consume from the front. Also used to build text.
 *
 *	data ->  [ consumed | len bytes ......... | free ]
 *	                    ^ buf_head            ^ buf_reserve
 *
 * A zeroed struct is a valid empty buf. Memory once grown is kept for reuse; buf_shrink() gives it back when empty.
 * Pointers into it are valid until the next append or reserve.
 */
#ifndef WSDIAG_BASE_BUF_H
#define WSDIAG_BASE_BUF_H

#include "base/mem.h"
#include "base/span.h"

#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t start, len, cap;
};

void buf_deinit(struct buf *b);
/* For buf_reserve() where there is none. */
void buf_make_room(struct buf *b, size_t n);
/* At least n writable bytes behind the content; buf_commit() says how many were used. */
static inline uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	if (b->data == NULL || b->cap - b->start - b->len < n)
		buf_make_room(b, n);
	return b->data + b->start + b->len;
}
void buf_commit(struct buf *b, size_t n);
void buf_append(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops n bytes from the front. */
void buf_consume(struct buf *b, size_t n);
/* Drops n bytes from the end. */
void buf_chop(struct buf *b, size_t n);
void buf_clear(struct buf *b);
/* Frees the memory if the buffer is empty and holds more than keep bytes. */
void buf_shrink(struct buf *b, size_t keep);

/* NULL where there is no memory yet. */
static inline uint8_t *
buf_head(const struct buf *b)
{
	return b->data != NULL ? b->data + b->start : NULL;
}

static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){ (const char *)buf_head(b), b->len };
}

/* NUL-terminates (the NUL is not counted) and returns the text. */
const char *buf_cstr(struct buf *b);

#endif
