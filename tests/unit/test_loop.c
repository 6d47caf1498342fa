/* SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include "support/net.h"

struct job {
	struct loop_task task;
	struct loop *l;
	char name;
	int again;             /* how often it defers itself */
	struct job *other;     /* deferred by it */
	struct job *forget;    /* undeferred by it */
};

static char order[256];

static void
note(char c)
{
	size_t n = strlen(order);

	ck_assert_uint_lt(n + 1, sizeof(order));
	order[n] = c;
	order[n + 1] = '\0';
}

static void
run_job(struct loop_task *task)
{
	struct job *j = container_of(task, struct job, task);

	note(j->name);
	if (j->again > 0 && j->again-- > 0)
		loop_defer(j->l, &j->task);
	if (j->other != NULL)
		loop_defer(j->l, &j->other->task);
	if (j->forget != NULL)
		loop_undefer(&j->forget->task);
}

static struct job
job(struct net_test *nt, char name)
{
	order[0] = '\0';
	return (struct job){ .task = { .run = run_job }, .l = &nt->l, .name = name };
}

START_TEST(tasks_run_once_each_in_order_without_any_handle)
{
	struct net_test *nt = net_test_new();
	struct job a = job(nt, 'a'), b = job(nt, 'b');

	loop_defer(&nt->l, &a.task);
	loop_defer(&nt->l, &b.task);
	loop_defer(&nt->l, &a.task);
	loop_run(&nt->l);
	ck_assert_str_eq(order, "ab");
	net_test_end(nt);
}
END_TEST

START_TEST(a_task_deferred_by_a_task_runs_before_the_loop_waits)
{
	struct net_test *nt = net_test_new();
	struct job a = job(nt, 'a'), b = job(nt, 'b'), c = job(nt, 'c');

	a.other = &c;
	loop_defer(&nt->l, &a.task);
	loop_defer(&nt->l, &b.task);
	uv_run(&nt->l.uv, UV_RUN_NOWAIT);
	ck_assert_str_eq(order, "abc");
	net_test_end(nt);
}
END_TEST

START_TEST(an_undeferred_task_does_not_run)
{
	struct net_test *nt = net_test_new();
	struct job a = job(nt, 'a'), b = job(nt, 'b'), c = job(nt, 'c');

	a.forget = &b;
	loop_defer(&nt->l, &a.task);
	loop_defer(&nt->l, &b.task);
	loop_defer(&nt->l, &c.task);
	loop_undefer(&c.task);
	loop_run(&nt->l);
	ck_assert_str_eq(order, "a");
	net_test_end(nt);
}
END_TEST

static void
on_timer(uv_timer_t *timer)
{
	note('t');
	uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(a_task_that_goes_on_does_not_keep_the_loop_from_turning)
{
	struct net_test *nt = net_test_new();
	struct job a = job(nt, 'a');
	uv_timer_t timer;

	a.again = 100;
	uv_timer_init(&nt->l.uv, &timer);
	uv_timer_start(&timer, on_timer, 0, 0);
	loop_defer(&nt->l, &a.task);
	/* Timers come before tasks in a turn: what runs before the second turn is bounded. */
	uv_run(&nt->l.uv, UV_RUN_NOWAIT);
	size_t first = strlen(order);
	ck_assert_uint_lt(first, 100);
	loop_run(&nt->l);
	ck_assert_uint_eq(strlen(order), 1 + 101);
	net_test_end(nt);
}
END_TEST

START_TEST(a_task_left_over_by_a_stop_runs_later)
{
	struct net_test *nt = net_test_new();
	struct job a = job(nt, 'a');

	uv_stop(&nt->l.uv);
	loop_defer(&nt->l, &a.task);
	loop_run(&nt->l);
	ck_assert_str_eq(order, "");
	loop_run(&nt->l);
	ck_assert_str_eq(order, "a");
	net_test_end(nt);
}
END_TEST

START_TEST(deinit_runs_what_was_deferred)
{
	struct net_test *nt = net_test_new();
	struct job a = job(nt, 'a');

	loop_defer(&nt->l, &a.task);
	uv_close((uv_handle_t *)&nt->limit, NULL);
	ck_assert_int_eq(loop_deinit(&nt->l), 0);
	ck_assert_str_eq(order, "a");
	free(nt);
}
END_TEST

START_TEST(deinit_tells_of_a_handle_that_was_forgotten)
{
	struct net_test *nt = net_test_new();

	ck_assert_int_eq(loop_deinit(&nt->l), UV_EBUSY);
	uv_close((uv_handle_t *)&nt->limit, NULL);
	ck_assert_int_eq(loop_deinit(&nt->l), 0);
	free(nt);
}
END_TEST

UNIT_MAIN("loop", tasks_run_once_each_in_order_without_any_handle, a_task_deferred_by_a_task_runs_before_the_loop_waits,
	an_undeferred_task_does_not_run, a_task_that_goes_on_does_not_keep_the_loop_from_turning, a_task_left_over_by_a_stop_runs_later,
	deinit_runs_what_was_deferred, deinit_tells_of_a_handle_that_was_forgotten)
