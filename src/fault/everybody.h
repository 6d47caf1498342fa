/* SPDX-License-Identifier: MIT */
/*
 * everybody: what a plan does once for all, on a signal or a typed line, whether anybody is connected or not: unlisten and kill-all of a line whose subject is
 * everybody. Each connection does the rest of such a line for itself (watch_signal(), watch_line()), without these.
 */
#ifndef WSDIAG_FAULT_EVERYBODY_H
#define WSDIAG_FAULT_EVERYBODY_H

#include "fault/watch.h"
#include "log/journal.h"

struct everybody_events {
	void (*unlisten)(void *arg, const struct plan_action *a);
	void (*kill_all)(void *arg, const struct plan_action *how);
};

/* Whether this action of a line is done here, and by no connection. */
bool everybody_does(const struct plan_line *line, const struct plan_action *a);

/* Every line that fires is an inject event. Such a line is done as often as it is asked for. What no line of the plan waits for is a note. */
void everybody_signal(const struct plan *p, int signum, struct journal *j, const struct everybody_events *up, void *arg);
void everybody_line(const struct plan *p, struct span typed, struct journal *j, const struct everybody_events *up, void *arg);

#endif
