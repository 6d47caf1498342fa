/* SPDX-License-Identifier: MIT */
/* pair_fault: what the lines of a plan do to a pair, an action a function. */
#include "proxy/pair_state.h"

#include "fault/everybody.h"

#include <string.h>

static bool
is_before_open(const struct pair *p)
{
	return p->phase != PAIR_RELAY && p->phase != PAIR_RAW;
}

static struct leg_side *
leg_at(struct pair *p, int i)
{
	return &p->legs[i];
}

#define FOR_LEGS(p, bits, l)                                                                                           \
	for (int i_ = 0; i_ < 2; i_++)                                                                                 \
		for (struct leg_side *l = (bits) & (1 << i_) ? leg_at(p, i_) : NULL; l != NULL; l = NULL)

/* Up is what comes from the client. */
#define FOR_FLOWS(p, dirs, f)                                                                                          \
	for (int i_ = 0; i_ < 2; i_++)                                                                                 \
		for (struct flow *f = (dirs) & (1 << i_) ? &leg_at(p, i_)->from : NULL; f != NULL; f = NULL)

/* --- ends --- */

/* What follows for the other leg waits: the same line may say something else of it. */
static void
end_legs(struct pair *p, int legs, enum transport_close how, const char *words)
{
	if ((legs & PLAN_CLIENT) && is_before_open(p))
		pair_tell_reject(p, 0, CAUSE_LOCAL_FAULT, words);
	FOR_LEGS(p, legs, l) {
		l->owes_end = l->owes_end || leg_is_up(l);
		leg_close(l, how, ENDING_FAULT, words);
	}
	if ((legs & PLAN_ORIGIN) && p->dial != NULL) {
		dial_cancel(steal(&p->dial));
		pair_release(p);
	}
}

static void
pass_ends_on(struct pair *p)
{
	FOR_LEGS(p, PLAN_BOTH_LEGS, l) {
		if (l->owes_end)
			leg_pass_on_end(l, l->ended_as);
		l->owes_end = false;
	}
	if (!leg_is_up(pair_client(p)) && !pair_origin(p)->is_held)
		p->step = STEP_NONE;
}

static void
do_fin(struct pair *p, const struct plan_action *a)
{
	end_legs(p, a->legs, TRANSPORT_GRACEFUL, "FIN");
}

static void
do_rst(struct pair *p, const struct plan_action *a)
{
	end_legs(p, a->legs, TRANSPORT_RST, "RST");
}

static void
do_cut_tls(struct pair *p, const struct plan_action *a)
{
	end_legs(p, a->legs, TRANSPORT_FIN, "FIN without close_notify");
}

static void
do_half_close(struct pair *p, const struct plan_action *a)
{
	FOR_LEGS(p, a->legs, l)
		if (leg_is_up(l))
			leg_owe_fin(l, ENDING_FAULT);
}

static void
do_close(struct pair *p, const struct plan_action *a)
{
	FOR_LEGS(p, a->legs, l)
		leg_send_close(l, ENDING_FAULT, (int)a->number, span_of(a->text));
}

void
pair_end_as(struct pair *p, enum plan_do how, int code, struct span reason, int legs)
{
	if (how == DO_CLOSE && p->phase == PAIR_RELAY)
		FOR_LEGS(p, legs, l)
			leg_send_close(l, ENDING_FAULT, code, reason);
	else if (how == DO_RST)
		end_legs(p, legs, TRANSPORT_RST, "RST");
	else
		end_legs(p, legs, TRANSPORT_GRACEFUL, "FIN");
	pass_ends_on(p);
}

/* --- what lasts --- */

static void
do_hold(struct pair *p, const struct plan_action *a)
{
	FOR_LEGS(p, a->legs, l)
		l->is_held = true;
	expiries_set(&p->expiries, a, pair_now(p));
}

static void
do_stall(struct pair *p, const struct plan_action *a)
{
	FOR_LEGS(p, a->dirs, l)
		l->is_stalled = true;
	expiries_set(&p->expiries, a, pair_now(p));
}

/* What was held goes now as its other leg went, or as a Close of its own has it. */
static void
end_hold(struct pair *p, int legs)
{
	FOR_LEGS(p, legs, l) {
		l->is_held = false;
		if (leg_other(l)->is_closing)
			leg_pass_on_end(leg_other(l), leg_other(l)->ended_as);
		else if (leg_other(l)->read_over && !is_before_open(p))
			leg_owe_fin(l, ENDING_RELAYED);
		if (l->is_closed_by_us && l->close_due_us < 0)
			l->close_due_us = pair_now(p);
	}
}

void
pair_expire(struct pair *p, int64_t now)
{
	enum plan_do what;
	int bit;

	while (expiries_take(&p->expiries, now, &what, &bit)) {
		if (what == DO_HOLD)
			end_hold(p, bit);
		else if (what == DO_DROP)
			FOR_FLOWS(p, bit, f)
				f->drops = false;
		else
			FOR_LEGS(p, bit, l)
				l->is_stalled = false;
	}
}

/* --- bytes --- */

/* Before it opens a delay is the step's that comes next. */
static bool
delays_step(struct pair *p, const struct plan_action *a)
{
	if (p->moment != WHEN_ACCEPT && p->moment != WHEN_REQUEST && p->moment != WHEN_RESPONSE)
		return false;
	p->step_delay_us += a->what == DO_JITTER ? (int64_t)(rng_u64(p->opt->loop->rng) % (uint64_t)(a->time_us + 1)) : a->time_us;
	return true;
}

static void
do_bytes(struct pair *p, const struct plan_action *a)
{
	FOR_FLOWS(p, a->dirs, f)
		flow_strike(f, a, pair_now(p));
}

static void
do_drop(struct pair *p, const struct plan_action *a)
{
	do_bytes(p, a);
	expiries_set(&p->expiries, a, pair_now(p));
}

static void
do_wait(struct pair *p, const struct plan_action *a)
{
	if (!delays_step(p, a))
		do_bytes(p, a);
}

/* --- frames --- */

static void
do_swallow(struct pair *p, const struct plan_action *a UNUSED)
{
	p->swallows = true;
}

static void
do_answer_pings(struct pair *p, const struct plan_action *a)
{
	FOR_LEGS(p, a->legs, l)
		l->answers_pings = true;
}

static void
do_no_pongs(struct pair *p, const struct plan_action *a)
{
	FOR_LEGS(p, a->legs, l)
		l->no_pongs = true;
}

/* --- the upgrade --- */

static void
do_status(struct pair *p, const struct plan_action *a)
{
	pair_refuse(p, (int)a->number, CAUSE_LOCAL_FAULT, a->text != NULL ? a->text : "The fault plan says so.");
}

static void
do_edit(struct pair *p, const struct plan_action *a)
{
	if (p->n_edits < PAIR_EDITS)
		p->edits[p->n_edits++] = (struct edit){ p->moment == WHEN_RESPONSE, a };
	else
		journal_note(p->opt->journal, "%s %s is left out: the plan changes more than %d headers of one connection",
		    a->what == DO_SET_HEADER ? "set-header" : "drop-header", a->name, PAIR_EDITS);
}

static void
do_replay(struct pair *p, const struct plan_action *a UNUSED)
{
	p->replays = true;
}

static void
do_never(struct pair *p, const struct plan_action *a UNUSED)
{
	p->phase = PAIR_SILENT;
	p->deadline_us = -1;
	pair_tell_reject(p, 0, CAUSE_LOCAL_FAULT, "left without an answer");
}

/* --- everybody --- */

static void
do_unlisten(struct pair *p, const struct plan_action *a)
{
	p->up->unlisten(p->up_arg, a);
}

static void
do_kill_all(struct pair *p, const struct plan_action *a)
{
	p->up->kill_all(p->up_arg, a);
}

typedef void action_fn(struct pair *p, const struct plan_action *a);

static action_fn *const actions[DO_COUNT] = {
	[DO_FIN] = do_fin,
	[DO_RST] = do_rst,
	[DO_CUT_TLS] = do_cut_tls,
	[DO_HALF_CLOSE] = do_half_close,
	[DO_HOLD] = do_hold,
	[DO_DROP] = do_drop,
	[DO_STALL] = do_stall,
	[DO_UNLISTEN] = do_unlisten,
	[DO_DELAY] = do_wait,
	[DO_JITTER] = do_wait,
	[DO_THROTTLE] = do_bytes,
	[DO_SLICE] = do_bytes,
	[DO_CLOSE] = do_close,
	[DO_SWALLOW] = do_swallow,
	[DO_ANSWER_PINGS] = do_answer_pings,
	[DO_NO_PONGS] = do_no_pongs,
	[DO_STATUS] = do_status,
	[DO_DROP_HEADER] = do_edit,
	[DO_SET_HEADER] = do_edit,
	[DO_REPLAY] = do_replay,
	[DO_NEVER] = do_never,
	[DO_CORRUPT] = do_bytes,
	[DO_TRUNCATE] = do_bytes,
	[DO_KILL_ALL] = do_kill_all,
};

/* A hold concerns the ends that its own line brings, wherever in the line it stands: holds come first. */
static unsigned
gather_actions(const struct plan_line *line, const struct plan_action *ret[PLAN_ACTIONS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < line->n_actions; i++)
		if (line->actions[i].what == DO_HOLD)
			ret[n++] = &line->actions[i];
	for (unsigned i = 0; i < line->n_actions; i++)
		if (line->actions[i].what != DO_HOLD && !everybody_does(line, &line->actions[i]))
			ret[n++] = &line->actions[i];
	return n;
}

/* Before it opens what stands behind a delay waits with the step. */
static void
do_from(struct pair *p, const struct plan_line *line, unsigned from)
{
	const struct plan_action *todo[PLAN_ACTIONS_MAX];
	unsigned n = gather_actions(line, todo);

	for (unsigned i = from; i < n; i++) {
		int64_t waits = p->step_delay_us;

		p->moment = line->moment.when; /* one action may let another line fire */
		actions[todo[i]->what](p, todo[i]);
		if (p->step_delay_us > waits && i + 1 < n && p->n_late < PAIR_LATE) {
			p->late[p->n_late++] = (struct late){ line, i + 1 };
			break;
		}
	}
	pass_ends_on(p);
}

void
pair_fire(void *arg, const struct plan_line *line)
{
	struct pair *p = arg;
	const struct plan_action *todo[PLAN_ACTIONS_MAX];

	if (gather_actions(line, todo) > 0)
		pair_tell_inject(p, line);
	do_from(p, line, 0);
}

void
pair_fire_late(struct pair *p)
{
	struct late late[PAIR_LATE];
	unsigned n = p->n_late;

	memcpy(late, p->late, n * sizeof(late[0]));
	p->n_late = 0;
	for (unsigned i = 0; i < n; i++)
		do_from(p, late[i].line, late[i].from);
}
