/* SPDX-License-Identifier: MIT */
#include "report/input_inflate.h"

#include <stdint.h>

#include <zlib.h>

enum { BLOCK = 256 * 1024, GZIP_ONLY = 16 };

struct input_inflate {
	z_stream z;
	enum { IN_MEMBER, BETWEEN, BROKEN, IN_PADDING } state;
	uint8_t block[BLOCK];
};

bool
input_inflate_knows(struct span head)
{
	return head.n >= 2 && (uint8_t)head.p[0] == 0x1f && (uint8_t)head.p[1] == 0x8b;
}

struct input_inflate *
input_inflate_new(void)
{
	struct input_inflate *i = xcalloc(1, sizeof(*i));

	if (inflateInit2(&i->z, MAX_WBITS + GZIP_ONLY) != Z_OK)
		abort(); /* out of memory, as everywhere */
	return i;
}

void
input_inflate_free(struct input_inflate *i)
{
	if (i == NULL)
		return;
	inflateEnd(&i->z);
	free(i);
}

/* Between members: another one, or what tapes and downloads leave behind. */
static void
begin_member(struct input_inflate *i)
{
	inflateReset(&i->z);
	i->state = *i->z.next_in == 0x1f ? IN_MEMBER : IN_PADDING;
}

bool
input_inflate_feed(struct input_inflate *i, struct span data, void (*take)(void *arg, struct span text), void *arg)
{
	i->z.next_in = (Bytef *)(uintptr_t)data.p;
	i->z.avail_in = (uInt)data.n;
	do {
		if (i->state == BETWEEN && i->z.avail_in > 0)
			begin_member(i);
		if (i->state != IN_MEMBER)
			break;
		i->z.next_out = i->block;
		i->z.avail_out = BLOCK;

		int rc = inflate(&i->z, Z_NO_FLUSH);
		if (i->z.avail_out < BLOCK)
			take(arg, (struct span){ (const char *)i->block, BLOCK - i->z.avail_out });
		if (rc == Z_STREAM_END)
			i->state = BETWEEN;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			i->state = BROKEN;
	} while (i->z.avail_in > 0 || i->z.avail_out == 0);
	return i->state != BROKEN;
}

bool
input_inflate_is_whole(const struct input_inflate *i)
{
	return i->state == BETWEEN || i->state == IN_PADDING;
}
