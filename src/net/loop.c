/* SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include "base/mem.h"

#include <assert.h>

/* Tasks that defer tasks run in the same turn, but not for ever: the network wants its turn too. */
enum { TASK_ROUNDS = 16 };
/* Closing one handle may close the next: a dial its transports, a stack its layers. */
enum { DEINIT_ROUNDS = 64 };

static void
on_idle(uv_idle_t *idle)
{
	(void)idle;
}

/* What was there when it began; returns when that has run. */
static void
run_round(struct loop *l)
{
	struct list now = l->tasks;

	now.next->prev = now.prev->next = &now;
	list_init(&l->tasks);
	while (!list_is_empty(&now)) {
		struct loop_task *task = container_of(now.next, struct loop_task, link);

		list_remove(&task->link);
		task->run(task);
	}
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct loop *l = prepare->data;

	for (int round = 0; round < TASK_ROUNDS && !list_is_empty(&l->tasks); round++)
		run_round(l);
	if (list_is_empty(&l->tasks))
		uv_idle_stop(&l->has_tasks);
}

int
loop_init(struct loop *l, const struct clock *clock, struct rng *rng)
{
	int rc = uv_loop_init(&l->uv);

	if (rc < 0)
		return rc;
	l->uv.data = l;
	l->clock = clock;
	l->rng = rng;
	l->lookups = 0;
	l->spare = (struct buf){ 0 };
	list_init(&l->tasks);
	uv_idle_init(&l->uv, &l->has_tasks);
	uv_prepare_init(&l->uv, &l->before_wait);
	l->before_wait.data = l;
	uv_prepare_start(&l->before_wait, on_prepare);
	uv_unref((uv_handle_t *)&l->before_wait);
	return 0;
}

void
loop_defer(struct loop *l, struct loop_task *task)
{
	assert(task->run != NULL);
	if (list_is_linked(&task->link))
		return;
	list_append(&l->tasks, &task->link);
	uv_idle_start(&l->has_tasks, on_idle);
}

void
loop_undefer(struct loop_task *task)
{
	list_remove(&task->link);
}

void
loop_give(struct loop *l, struct buf *b)
{
	assert(b->len == 0);
	if (b->cap > l->spare.cap && b->cap <= LOOP_SPARE_MAX) {
		buf_deinit(&l->spare);
		l->spare = *b;
		*b = (struct buf){ 0 };
	}
	buf_deinit(b);
}

void
loop_take(struct loop *l, struct buf *b)
{
	if (b->cap > 0)
		return;
	*b = l->spare;
	l->spare = (struct buf){ 0 };
}

void
loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

int
loop_deinit(struct loop *l)
{
	int rc;

	for (int round = 0; round < DEINIT_ROUNDS && !list_is_empty(&l->tasks); round++)
		uv_run(&l->uv, UV_RUN_NOWAIT);
	if (!uv_is_closing((uv_handle_t *)&l->before_wait)) {
		uv_close((uv_handle_t *)&l->before_wait, NULL);
		uv_close((uv_handle_t *)&l->has_tasks, NULL);
	}
	/* Not UV_RUN_DEFAULT: that would wait for ever for a handle somebody forgot, instead of telling. */
	for (int round = 0; round < DEINIT_ROUNDS; round++) {
		uv_run(&l->uv, UV_RUN_NOWAIT);
		rc = uv_loop_close(&l->uv);
		if (rc == 0) {
			buf_deinit(&l->spare);
			return 0;
		}
	}
	return rc;
}
