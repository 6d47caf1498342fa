/* SPDX-License-Identifier: MIT */
/*
 * faults_state: what the files of faults share. Internal to faults*.c:
 *
 *	faults.c      the life of a connection's faults, time, what passes
 *	faults_act.c  what each action does
 */
#ifndef WSDIAG_SERVE_FAULTS_STATE_H
#define WSDIAG_SERVE_FAULTS_STATE_H

#include "codec/head_edit.h"
#include "fault/expiry.h"
#include "serve/faults.h"
#include "serve/tap.h"
#include "ws/tag.h"

enum { EDITS_MAX = 16 };

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
	struct expiries expiries;
	struct plan_action end;      /* to be done by the task; what is DO_COUNT: none. Its text is the plan's */
	const struct plan_action *kill;
	int64_t kill_us;

	struct loop_task task;
	uv_timer_t timer;
};

static inline int64_t
faults_now(const struct faults *f)
{
	return clock_mono(f->set->loop->clock);
}

/* faults.c */
/* The task runs before the loop waits: ends, and whatever has changed for the transport. */
static inline void
faults_run_later(struct faults *f)
{
	loop_defer(f->set->loop, &f->task);
}

/* faults_act.c */
/* For the watch. */
void faults_fire(void *arg, const struct plan_line *line);
/* An end, as what has it; the connection is at rest. */
void faults_do_now(struct faults *f, const struct plan_action *a, enum plan_do what);
/* The first end counts. */
void faults_end_later(struct faults *f, const struct plan_action *a);
/* Switches whose time is over go back. */
void faults_expire(struct faults *f);

#endif
