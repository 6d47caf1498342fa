/* SPDX-License-Identifier: MIT */
#include "serve/faults.h"

#include "codec/close_code.h"
#include "codec/head_edit.h"
#include "serve/tap.h"
#include "ws/tag.h"

#include <string.h>

enum { EXPIRIES_MAX = 16, EDITS_MAX = 32 };

/* A switch that goes back at its time. */
struct expiry {
	int64_t due_us;
	enum plan_do what;
	int dirs;
};

struct faults {
	const struct faults_settings *set;
	const struct faults_events *up;
	void *up_arg;
	uint32_t accept, id;
	char peer[64];
	struct tag tag;
	struct watch *watch;
	int64_t next_us;             /* of the watch; -1: never */

	/* While a step's lines fire. */
	struct server_turn *turn;
	struct head_edit edits[EDITS_MAX];
	size_t n_edits;

	/* Once it is open. */
	struct tap *tap;
	struct conn *conn;
	bool swallows;               /* the frame that fired */
	bool is_half_closed;
	struct expiry expiries[EXPIRIES_MAX];
	unsigned n_expiries;
	struct plan_action end;      /* to be done by the task; what is DO_COUNT: none. Its text is the plan's */
	const struct plan_action *kill;
	int64_t kill_us;

	struct loop_task task;
	uv_timer_t timer;
};

static int64_t
now_us(const struct faults *f)
{
	return clock_mono(f->set->loop->clock);
}

/* --- what is told --- */

static void
emit_inject(const struct faults_settings *set, struct event *ev, const struct plan_line *line, uint32_t accept, const char *peer)
{
	ev->type = EV_INJECT;
	ev->u.inject = (struct ev_inject){
		.plan = span_of(line->plan),
		.line = line->number,
		.action = span_of(line->actions_text),
		.accept = accept,
		.peer = span_of(peer),
	};
	journal_emit(set->journal, ev);
}

static void
tell(struct faults *f, const struct plan_line *line)
{
	struct event ev = { .conn = f->id, .dial = f->tag.dial, .session = f->tag.session[0] != '\0' ? span_of(f->tag.session) : SPAN_NONE };

	emit_inject(f->set, &ev, line, f->accept, f->peer);
}

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
	int64_t next = f->next_us, now = now_us(f);

	if (uv_is_closing((uv_handle_t *)&f->timer))
		return;
	for (unsigned i = 0; i < f->n_expiries; i++)
		next = earlier(next, f->expiries[i].due_us);
	if (f->kill != NULL)
		next = earlier(next, f->kill_us);
	if (f->conn != NULL)
		next = earlier(next, tap_next(f->tap));
	if (next < 0)
		uv_timer_stop(&f->timer);
	else
		uv_timer_start(&f->timer, on_timer, next > now ? (uint64_t)((next - now + US_PER_MS - 1) / US_PER_MS) : 0, 0);
}

static void
run_later(struct faults *f)
{
	loop_defer(f->set->loop, &f->task);
}

/* --- actions: ends --- */

/* The first end counts. */
static void
end_later(struct faults *f, const struct plan_action *a)
{
	if (f->end.what == DO_COUNT)
		f->end = *a;
	run_later(f);
}

static const struct {
	enum transport_close how;
	const char *words;
} ends[] = {
	[DO_FIN] = { TRANSPORT_GRACEFUL, "FIN" },
	[DO_RST] = { TRANSPORT_RST, "RST" },
	[DO_CUT_TLS] = { TRANSPORT_FIN, "FIN without close_notify" },
};

static void
do_end(struct faults *f, const struct plan_action *a)
{
	if (f->turn == NULL) {
		end_later(f, a);
		return;
	}
	f->turn->how = ends[a->what].how;
	f->turn->sent_end = ends[a->what].words;
}

static void
do_half_close(struct faults *f, const struct plan_action *a)
{
	if (f->turn != NULL)
		f->turn->half_closes = true;
	else
		end_later(f, a);
}

static void
do_close(struct faults *f, const struct plan_action *a)
{
	end_later(f, a);
}

/* --- actions: bytes and frames --- */

#define FOR_DIRS(dirs, dir)                                                                                            \
	for (enum plan_direction dir = PLAN_UP; dir <= PLAN_DOWN; dir = (enum plan_direction)(dir << 1))               \
		if ((dirs) & dir)

static void
expire_later(struct faults *f, const struct plan_action *a)
{
	if (a->is_timed && f->n_expiries < EXPIRIES_MAX)
		f->expiries[f->n_expiries++] = (struct expiry){ now_us(f) + a->time_us, a->what, a->dirs };
}

static void
do_drop(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir) {
		tap_flow(f->tap, dir)->drops = true;
		tap_flow(f->tap, dir)->drops_whole = a->is_timed;
	}
	expire_later(f, a);
}

static void
do_stall(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir)
		tap_stall(f->tap, dir, true);
	expire_later(f, a);
}

/* Before it opens the step waits. */
static void
do_delay(struct faults *f, const struct plan_action *a)
{
	if (f->turn != NULL) {
		f->turn->wait_us += a->time_us;
		return;
	}
	FOR_DIRS(a->dirs, dir)
		tap_flow(f->tap, dir)->delay_us = a->time_us;
}

static void
do_jitter(struct faults *f, const struct plan_action *a)
{
	if (f->turn != NULL) {
		f->turn->wait_us += (int64_t)(rng_u64(f->set->loop->rng) % (uint64_t)(a->time_us + 1));
		return;
	}
	FOR_DIRS(a->dirs, dir)
		tap_flow(f->tap, dir)->jitter_us = a->time_us;
}

static void
do_throttle(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir) {
		tap_flow(f->tap, dir)->rate = a->number;
		tap_flow(f->tap, dir)->budget_us = now_us(f);
	}
}

static void
do_slice(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir)
		tap_flow(f->tap, dir)->slice = a->number;
}

static void
do_corrupt(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir)
		tap_flow(f->tap, dir)->corrupts = true;
}

static void
do_truncate(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir)
		tap_flow(f->tap, dir)->truncates = true;
}

static void
do_swallow(struct faults *f, const struct plan_action *a UNUSED)
{
	f->swallows = true;
}

static void
do_no_pongs(struct faults *f, const struct plan_action *a UNUSED)
{
	conn_set_pongs(f->conn, false);
}

/* --- actions: the upgrade --- */

static void
do_status(struct faults *f, const struct plan_action *a)
{
	f->turn->status = (int)a->number;
	f->turn->sentence = a->text != NULL ? a->text : "The fault plan says so.";
}

static void
do_edit(struct faults *f, const struct plan_action *a)
{
	if (f->n_edits < EDITS_MAX)
		f->edits[f->n_edits++] = (struct head_edit){ span_of(a->name), a->what == DO_SET_HEADER ? span_of(a->text) : SPAN_NONE };
}

static void
do_never(struct faults *f, const struct plan_action *a UNUSED)
{
	f->turn->is_silent = true;
}

/* --- actions: everybody --- */

static void
do_unlisten(struct faults *f, const struct plan_action *a)
{
	f->up->unlisten(f->up_arg, a->is_timed ? a->time_us : -1);
}

static void
do_kill_all(struct faults *f, const struct plan_action *a)
{
	f->up->kill_all(f->up_arg, a);
}

typedef void action_fn(struct faults *f, const struct plan_action *a);

/* What is missing is refused by the parser for servers. */
static action_fn *const actions[DO_COUNT] = {
	[DO_FIN] = do_end,
	[DO_RST] = do_end,
	[DO_CUT_TLS] = do_end,
	[DO_HALF_CLOSE] = do_half_close,
	[DO_DROP] = do_drop,
	[DO_STALL] = do_stall,
	[DO_UNLISTEN] = do_unlisten,
	[DO_DELAY] = do_delay,
	[DO_JITTER] = do_jitter,
	[DO_THROTTLE] = do_throttle,
	[DO_SLICE] = do_slice,
	[DO_CLOSE] = do_close,
	[DO_SWALLOW] = do_swallow,
	[DO_NO_PONGS] = do_no_pongs,
	[DO_STATUS] = do_status,
	[DO_DROP_HEADER] = do_edit,
	[DO_SET_HEADER] = do_edit,
	[DO_NEVER] = do_never,
	[DO_CORRUPT] = do_corrupt,
	[DO_TRUNCATE] = do_truncate,
	[DO_KILL_ALL] = do_kill_all,
};

/* --- firing --- */

static bool
is_for_all(enum plan_do what)
{
	return what == DO_UNLISTEN || what == DO_KILL_ALL;
}

/* A signal to the server is one thing, however many connections there are: faults_signal_all() has done it. */
static bool
was_done_for_all(const struct plan_line *line, enum plan_do what)
{
	return line->moment.when == WHEN_SIGNAL && is_for_all(what) && watch_is_for_everybody(&line->subject);
}

static void
on_fire(void *arg, const struct plan_line *line)
{
	struct faults *f = arg;
	bool told = false;

	for (unsigned i = 0; i < line->n_actions; i++) {
		const struct plan_action *a = &line->actions[i];

		if (was_done_for_all(line, a->what))
			continue;
		if (!told)
			tell(f, line);
		told = true;
		actions[a->what](f, a);
	}
	if (f->tap != NULL)
		run_later(f); /* what is wanted of the transport may have changed, and when */
}

static void
do_now(struct faults *f, const struct plan_action *a, enum plan_do what)
{
	if (what == DO_CLOSE && f->is_half_closed)
		what = DO_FIN; /* no Close frame goes out any more */
	switch (what) {
	case DO_CLOSE: conn_close(f->conn, (int)a->number, span_of(a->text)); break;
	case DO_HALF_CLOSE:
		f->is_half_closed = true;
		conn_half_close(f->conn);
		break;
	default: conn_strike(f->conn, ends[what].how, ends[what].words); break;
	}
}

/* The connection is at rest. */
static void
on_task(struct loop_task *task)
{
	struct faults *f = container_of(task, struct faults, task);
	struct plan_action end = f->end;

	f->end.what = DO_COUNT;
	if (f->conn != NULL && end.what != DO_COUNT)
		do_now(f, &end, end.what);
	if (f->conn != NULL)
		tap_flush(f->tap);
	rearm(f);
}

static void
expire(struct faults *f)
{
	unsigned kept = 0;
	int64_t now = now_us(f);

	for (unsigned i = 0; i < f->n_expiries; i++) {
		struct expiry e = f->expiries[i];

		if (now < e.due_us) {
			f->expiries[kept++] = e;
			continue;
		}
		FOR_DIRS(e.dirs, dir) {
			if (e.what == DO_STALL)
				tap_stall(f->tap, dir, false);
			else
				tap_flow(f->tap, dir)->drops = false;
		}
	}
	f->n_expiries = kept;
}

static void
on_timer(uv_timer_t *timer)
{
	struct faults *f = timer->data;

	if (f->conn == NULL)
		return;
	watch_due(f->watch, now_us(f));
	f->next_us = watch_next(f->watch);
	expire(f);
	if (f->kill != NULL && f->kill_us <= now_us(f)) {
		const struct plan_action *how = f->kill;

		f->kill = NULL;
		do_now(f, how, how->how);
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

	watch_bytes(f->watch, dir, now_us(f));
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
	end_later(arg, &(struct plan_action){ .what = DO_FIN });
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
	f->watch = watch_new(set->plan, accept, on_fire, f);
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
	watch_open(f->watch, id, now_us(f));
	f->next_us = watch_next(f->watch);
	rearm(f);
}

void
faults_ended(struct faults *f)
{
	f->conn = NULL;
	f->kill = NULL;
	f->next_us = -1;
	f->n_expiries = 0;
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
	f->kill_us = now_us(f) + after_us;
	rearm(f);
}

bool
faults_is_half_closed(const struct faults *f)
{
	return f->is_half_closed;
}

/* --- nobody in particular --- */

struct everybody {
	const struct faults_settings *set;
	const struct faults_events *up;
	void *arg;
};

static void
on_fire_for_all(void *arg, const struct plan_line *line)
{
	struct everybody *e = arg;
	struct event ev = { .type = EV_INJECT };
	bool told = false;

	for (unsigned i = 0; i < line->n_actions; i++) {
		const struct plan_action *a = &line->actions[i];

		if (!is_for_all(a->what))
			continue;
		if (!told)
			emit_inject(e->set, &ev, line, 0, NULL);
		told = true;
		if (a->what == DO_UNLISTEN)
			e->up->unlisten(e->arg, a->is_timed ? a->time_us : -1);
		else
			e->up->kill_all(e->arg, a);
	}
}

void
faults_signal_all(const struct faults_settings *set, int signum, const struct faults_events *up, void *arg)
{
	struct everybody e = { set, up, arg };
	struct watch *w = watch_new(set->plan, 0, on_fire_for_all, &e);

	watch_signal(w, signum);
	watch_free(w);
}
