/* SPDX-License-Identifier: MIT */
/*
 * rig: client, proxy and server in one process, on one loop, each with a journal of its own:
 *
 *	session  -->  gate (the plan)  -->  service
 *
 * They are what `wsdiag connect`, `proxy` and `serve` run, and talk over loopback. No stdin, signals or exit in here.
 */
#ifndef WSDIAG_DEMO_RIG_H
#define WSDIAG_DEMO_RIG_H

#include "demo/setting.h"
#include "fault/plan.h"
#include "log/sink.h"
#include "net/loop.h"

struct rig;

enum { RIG_ROLES = 3 };   /* enum role */

/* Borrowed as long as the rig lives. */
struct rig_options {
	struct loop *loop;
	struct journal *journals[RIG_ROLES];
	const struct setting *setting;
	const struct plan *plan;
};

struct rig_events {
	/* Of all three, as they come; must not emit any. */
	void (*event)(void *arg, const struct event *ev);
	/* The client's session is over. */
	void (*ended)(void *arg);
	/* Everything is closed, and the end events are written. */
	void (*stopped)(void *arg);
};

/* Starts all three. begin writes the start event of a journal. 0, or an exit status with a sentence (caller frees): then call rig_free() only. */
MUST_CHECK int rig_new(const struct rig_options *opt, const struct rig_events *up, void *arg,
    void (*begin)(void *arg, struct journal *j, struct span session, struct span url), struct rig **ret, char **ret_error);
void rig_free(struct rig *s);
/* The client closes what it has open; ended follows. */
void rig_close(struct rig *s);
/* Whatever is left ends, at once or with a Close; stopped follows, once. May be called again, to hurry. */
void rig_stop(struct rig *s, bool at_once, int exit_status);

#endif
