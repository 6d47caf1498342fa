/* SPDX-License-Identifier: MIT */
/*
 * arena: memory for many small things that live and die together. A zeroed struct is a valid empty arena.
 * Pointers stay valid until arena_clear(), which keeps one block for the next round.
 */
#ifndef WSDIAG_BASE_ARENA_H
#define WSDIAG_BASE_ARENA_H

#include "base/mem.h"
#include "base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* the newest first */
};

void arena_deinit(struct arena *a);
void arena_clear(struct arena *a);
/* Zeroed, aligned for anything; never NULL, also for 0 bytes. */
void *arena_get(struct arena *a, size_t n) __attribute__((returns_nonnull));
/* A copy, with a NUL behind it; SPAN_NONE stays SPAN_NONE. */
struct span arena_copy(struct arena *a, struct span s);

#endif
