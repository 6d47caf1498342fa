/* SPDX-License-Identifier: MIT */
/*
 * loop: one libuv loop and what everything on it shares: the clock, randomness, a scratch buffer, spare memory, and work put off until
 * the loop is about to wait.
 *
 * Work that is put off is what makes output fast in bulk and prompt in a chat: whoever has something to flush defers a task; all that
 * arrived in this turn of the loop is handled first, then the tasks run, then the loop waits.
 */
#ifndef WSDIAG_NET_LOOP_H
#define WSDIAG_NET_LOOP_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/rng.h"

#include <uv.h>

enum { LOOP_SCRATCH = 64 * 1024, LOOP_SPARE_MAX = 256 * 1024 };

struct loop {
	uv_loop_t uv;
	uv_prepare_t before_wait;
	uv_idle_t has_tasks;     /* active while a task waits, so that the loop neither ends nor sleeps over it */
	struct list tasks;
	const struct clock *clock;
	struct rng *rng;
	/* For one synchronous read-and-handle; never held across a return to the loop. */
	uint8_t scratch[LOOP_SCRATCH];
	struct buf spare;        /* see loop_give() */
	unsigned lookups;        /* name look-ups under way: they cannot be cancelled (see resolve.h) */
};

/* A piece of work, embedded in its owner. Zeroed: not deferred. */
struct loop_task {
	struct list link;
	void (*run)(struct loop_task *task);
};

/* 0 or a negative UV code. clock and rng are borrowed. */
MUST_CHECK int loop_init(struct loop *l, const struct clock *clock, struct rng *rng);
/* Runs task once before the loop next waits. Deferring it again before that changes nothing; a task may defer itself or others. */
void loop_defer(struct loop *l, struct loop_task *task);
void loop_undefer(struct loop_task *task);
/*
 * A queue that has run empty gives its memory to the loop, and one that is about to fill takes it: who is idle holds none, and who is busy does not
 * map and fault in the same pages in every turn. One block is kept, of at most LOOP_SPARE_MAX; b has none after loop_give().
 */
void loop_give(struct loop *l, struct buf *b);
void loop_take(struct loop *l, struct buf *b);
/* Until no handle is active, or uv_stop(). */
void loop_run(struct loop *l);
/* Everything on it must have been closed; runs the last close callbacks. 0, or UV_EBUSY: something is still open, which is a bug
 * (or a look-up under way: l->lookups). */
MUST_CHECK int loop_deinit(struct loop *l);

#endif
