/* SPDX-License-Identifier: MIT */
#include "serve/faults_state.h"

/* --- what is told --- */

static void
tell(struct faults *f, const struct plan_line *line)
{
	struct event ev = { .type = EV_INJECT, .conn = f->id, .dial = f->tag.dial };

	if (f->tag.session[0] != '\0')
		ev.session = span_of(f->tag.session);
	ev.u.inject = watch_inject(f->watch, line, f->peer);
	journal_emit(f->set->journal, &ev);
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
do_bytes(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir)
		flow_strike(tap_flow(f->tap, dir), a, faults_now(f));
}

static void
do_drop(struct faults *f, const struct plan_action *a)
{
	do_bytes(f, a);
	expiries_set(&f->expiries, a, faults_now(f));
}

static void
do_stall(struct faults *f, const struct plan_action *a)
{
	FOR_DIRS(a->dirs, dir)
		tap_stall(f->tap, dir, true);
	expiries_set(&f->expiries, a, faults_now(f));
}

/* Before it opens the step waits. */
static void
do_wait(struct faults *f, const struct plan_action *a)
{
	if (f->turn == NULL)
		do_bytes(f, a);
	else
		f->turn->wait_us += a->what == DO_JITTER ? (int64_t)(rng_u64(f->set->loop->rng) % (uint64_t)(a->time_us + 1)) : a->time_us;
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
	else
		journal_note(f->set->journal, "%s %s is left out: the plan changes more than %d headers of one connection",
		    a->what == DO_SET_HEADER ? "set-header" : "drop-header", a->name, EDITS_MAX);
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
	f->up->all.unlisten(f->up_arg, a);
}

static void
do_kill_all(struct faults *f, const struct plan_action *a)
{
	f->up->all.kill_all(f->up_arg, a);
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
	[DO_DELAY] = do_wait,
	[DO_JITTER] = do_wait,
	[DO_THROTTLE] = do_bytes,
	[DO_SLICE] = do_bytes,
	[DO_CLOSE] = do_close,
	[DO_SWALLOW] = do_swallow,
	[DO_NO_PONGS] = do_no_pongs,
	[DO_STATUS] = do_status,
	[DO_DROP_HEADER] = do_edit,
	[DO_SET_HEADER] = do_edit,
	[DO_NEVER] = do_never,
	[DO_CORRUPT] = do_bytes,
	[DO_TRUNCATE] = do_bytes,
	[DO_KILL_ALL] = do_kill_all,
};

/* --- firing --- */

void
faults_fire(void *arg, const struct plan_line *line)
{
	struct faults *f = arg;
	bool told = false;

	for (unsigned i = 0; i < line->n_actions; i++) {
		const struct plan_action *a = &line->actions[i];

		if (everybody_does(line, a))
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
	enum plan_do what;
	int dirs;

	while (expiries_take(&f->expiries, faults_now(f), &what, &dirs)) {
		FOR_DIRS(dirs, dir) {
			if (what == DO_STALL)
				tap_stall(f->tap, dir, false);
			else
				tap_flow(f->tap, dir)->drops = false;
		}
	}
}
