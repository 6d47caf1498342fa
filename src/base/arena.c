/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	max_align_t data[];
};

static void
free_from(struct arena_block *b)
{
	while (b != NULL) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void
arena_deinit(struct arena *a)
{
	free_from(steal(&a->blocks));
}

/* The oldest block is of the ordinary size. */
void
arena_clear(struct arena *a)
{
	while (a->blocks != NULL && a->blocks->next != NULL) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	if (a->blocks != NULL)
		a->blocks->used = 0;
}

static struct arena_block *
add_block(struct arena *a, size_t n)
{
	size_t cap = a->blocks == NULL ? BLOCK : MAX(n, (size_t)BLOCK);
	struct arena_block *b = xmalloc(sizeof(*b) + cap);

	*b = (struct arena_block){ .next = a->blocks, .cap = cap };
	a->blocks = b;
	return b;
}

void *
arena_get(struct arena *a, size_t n)
{
	assert(n < SIZE_MAX / 2);

	size_t rounded = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	struct arena_block *b = a->blocks != NULL ? a->blocks : add_block(a, 0);

	if (b->cap - b->used < rounded)
		b = add_block(a, rounded);

	void *at = (char *)b->data + b->used;
	b->used += rounded;
	return memset(at, 0, n);
}

struct span
arena_copy(struct arena *a, struct span s)
{
	if (s.p == NULL)
		return SPAN_NONE;

	char *copy = arena_get(a, s.n + 1);
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return (struct span){ copy, s.n };
}
