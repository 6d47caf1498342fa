/* SPDX-License-Identifier: MIT */
#include "serve/faults_state.h"

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

/* --- actions: ends --- */

void
faults_end_later(struct faults *f, const struct plan_action *a)
{
	if (f->end.what == DO_COUNT)
		f->end = *a;
	faults_run_later(f);
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
		faults_end_later(f, a);
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
		faults_end_later(f, a);
}

static void
do_close(struct faults *f, const struct plan_action *a)
{
	faults_end_later(f, a);
}

/* --- actions: bytes and frames --- */

#define FOR_DIRS(dirs, dir)                                                                                            \
	for (enum plan_direction dir = PLAN_UP; dir <= PLAN_DOWN; dir = (enum plan_direction)(dir << 1))               \
		if ((dirs) & dir)

static void
expire_later(struct faults *f, const struct plan_action *a)
{
	if (a->is_timed && f->n_expiries < EXPIRIES_MAX)
		f->expiries[f->n_expiries++] = (struct expiry){ faults_now(f) + a->time_us, a->what, a->dirs };
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
		tap_flow(f->tap, dir)->budget_us = faults_now(f);
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

void
faults_fire(void *arg, const struct plan_line *line)
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
		faults_run_later(f); /* what is wanted of the transport may have changed, and when */
}

void
faults_do_now(struct faults *f, const struct plan_action *a, enum plan_do what)
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

void
faults_expire(struct faults *f)
{
	unsigned kept = 0;
	int64_t now = faults_now(f);

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
