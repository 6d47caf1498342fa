/* SPDX-License-Identifier: MIT */
#include "serve/faults_state.h"

#include <string.h>

/* --- time --- */

static void on_timer(uv_timer_t *timer);

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void
rearm(struct faults *f)
{
	int64_t next = f->next_us, now = faults_now(f);

	if (uv_is_closing((uv_handle_t *)&f->timer))
		return;
	next = earlier(next, expiries_next(&f->expiries));
	if (f->kill != NULL)
		next = earlier(next, f->kill_us);
	if (f->conn != NULL)
		next = earlier(next, tap_next(f->tap));
	if (next < 0)
		uv_timer_stop(&f->timer);
	else
		uv_timer_start(&f->timer, on_timer, next > now ? (uint64_t)((next - now + US_PER_MS - 1) / US_PER_MS) : 1, 0);
}

/* The connection is at rest. */
static void
on_task(struct loop_task *task)
{
	struct faults *f = container_of(task, struct faults, task);
	struct plan_action end = f->end;

	f->end.what = DO_COUNT;
	if (f->conn != NULL && end.what != DO_COUNT)
		faults_do_now(f, &end, end.what);
	if (f->conn != NULL)
		tap_flush(f->tap);
	rearm(f);
}

static void
on_timer(uv_timer_t *timer)
{
	struct faults *f = timer->data;

	if (f->conn == NULL)
		return;
	watch_due(f->watch, faults_now(f));
	f->next_us = watch_next(f->watch);
	faults_expire(f);
	if (f->kill != NULL && f->kill_us <= faults_now(f)) {
		const struct plan_action *how = f->kill;

		f->kill = NULL;
		faults_do_now(f, how, how->how);
	}
	if (f->conn != NULL)
		tap_flush(f->tap);
	rearm(f);
}

/* --- what passes --- */

static void
on_bytes(void *arg, enum plan_direction dir)
{
	struct faults *f = arg;

	watch_bytes(f->watch, dir, faults_now(f));
}

static enum flow_verdict
on_frame(void *arg, enum plan_direction dir, const struct frame *fr, struct span payload)
{
	struct faults *f = arg;

	f->swallows = false;
	watch_frame(f->watch, dir, fr, payload);
	return f->swallows ? FLOW_SWALLOW : FLOW_PASS;
}

static bool
on_wants_payload(void *arg, enum plan_direction dir)
{
	return watch_wants_payload(((struct faults *)arg)->watch, dir);
}

static void
on_message(void *arg, enum plan_direction dir)
{
	watch_message(((struct faults *)arg)->watch, dir);
}

static void
on_payload(void *arg, enum plan_direction dir, uint64_t n)
{
	watch_payload(((struct faults *)arg)->watch, dir, n);
}

static void
on_truncated(void *arg, enum plan_direction dir UNUSED)
{
	faults_end_later(arg, &(struct plan_action){ .what = DO_FIN });
}

static void
on_timed(void *arg)
{
	rearm(arg);
}

static const struct tap_events tap_up = {
	.bytes = on_bytes,
	.frame = on_frame,
	.wants_payload = on_wants_payload,
	.message = on_message,
	.payload = on_payload,
	.truncated = on_truncated,
	.timed = on_timed,
};

/* --- the interface --- */

struct faults *
faults_new(const struct faults_settings *set, uint32_t accept, const char *peer, const struct faults_events *up, void *arg)
{
	struct faults *f = xcalloc(1, sizeof(*f));

	f->set = set;
	f->up = up;
	f->up_arg = arg;
	f->accept = accept;
	strncpy(f->peer, peer, sizeof(f->peer) - 1);
	f->next_us = -1;
	f->end.what = DO_COUNT;
	f->task.run = on_task;
	f->watch = watch_new(set->plan, accept, faults_fire, f);
	uv_timer_init(&set->loop->uv, &f->timer);
	f->timer.data = f;
	return f;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct faults *f = handle->data;
	const struct faults_events *up = f->up;
	void *arg = f->up_arg;

	watch_free(f->watch);
	free(f);
	up->gone(arg);
}

void
faults_close(struct faults *f)
{
	faults_ended(f);
	uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}

static void
edit_answer(struct faults *f, struct buf *answer)
{
	struct http_head head = { 0 };
	struct buf edited = { 0 };
	const char *error;

	if (http_head_parse(&head, true, buf_head(answer), answer->len, 0, &error) == HTTP_DONE) {
		head_edit_write(&edited, &head, f->edits, f->n_edits);
		buf_clear(answer);
		buf_append(answer, buf_head(&edited), edited.len);
	}
	buf_deinit(&edited);
	http_head_deinit(&head);
}

void
faults_step(struct faults *f, enum server_step step, const struct http_head *request, struct buf *answer, struct server_turn *ret)
{
	f->turn = ret;
	if (step == SERVER_ACCEPT) {
		watch_accept(f->watch);
	} else if (step == SERVER_REQUEST) {
		tag_read(&f->tag, request, f->set->tag_query);
		watch_request(f->watch, request);
	} else {
		watch_response(f->watch);
		if (f->n_edits > 0)
			edit_answer(f, answer);
	}
	f->turn = NULL;
}

struct transport *
faults_wrap(struct faults *f, struct transport *t, struct span early, struct span unsent)
{
	return tap_new(f->set->loop, t, early, unsent, &tap_up, f, &f->tap);
}

void
faults_open(struct faults *f, struct conn *conn, uint32_t id)
{
	f->conn = conn;
	f->id = id;
	watch_open(f->watch, id, faults_now(f));
	f->next_us = watch_next(f->watch);
	rearm(f);
}

void
faults_ended(struct faults *f)
{
	f->conn = NULL;
	f->kill = NULL;
	f->next_us = -1;
	f->expiries = (struct expiries){ 0 };
	loop_undefer(&f->task);
	uv_timer_stop(&f->timer);
}

void
faults_signal(struct faults *f, int signum)
{
	if (f->conn != NULL)
		watch_signal(f->watch, signum);
}

void
faults_kill(struct faults *f, const struct plan_action *how, int64_t after_us)
{
	if (f->conn == NULL || f->kill != NULL)
		return;
	f->kill = how;
	f->kill_us = faults_now(f) + after_us;
	rearm(f);
}

bool
faults_is_half_closed(const struct faults *f)
{
	return f->is_half_closed;
}
