/* SPDX-License-Identifier: MIT */
/*
 * standing: a command that goes on until it is stopped, by a person, by a standard output that fails, or by itself: serve, proxy and demo. Its owner
 * tells how to stop; the order of ending, the second signal and the exit status are judged here.
 */
#ifndef WSDIAG_CLI_STANDING_H
#define WSDIAG_CLI_STANDING_H

#include "cli/run.h"

struct standing_events {
	/* Between standing_has_begun() and standing_has_stopped(). at_once: it was asked before, and a person has no patience. */
	void (*stop)(void *arg, bool at_once);
	/* SIGUSR1 or SIGUSR2, in the same time, after standing_hear_user_signals(). */
	void (*user_signal)(void *arg, int signum);
};

struct standing {
	struct run run;
	int output_error;             /* positive errno, 0: standard output is well */

	const struct standing_events *up;
	void *arg;
	uv_signal_t user_signals[2];
	bool hears_user_signals, has_begun, has_stopped;
	int signal;
};

/* 0, or an exit status after having printed why; then there is nothing to finish. */
MUST_CHECK int standing_init(struct standing *s, enum role role, const struct standing_events *up, void *arg);
/* run_open_output(). 0 or an exit status, printed. */
MUST_CHECK int standing_open_output(struct standing *s, const struct output_options *opt);
/* Without it they end the process, as is usual. */
void standing_hear_user_signals(struct standing *s);
/* From here on there is something to stop. */
void standing_has_begun(struct standing *s);
/* And from here on there is not; the loop ends when standard output has taken what is left, or in a second. */
void standing_has_stopped(struct standing *s);
/* The exit status, where nothing came from outside that says another. */
int standing_status(const struct standing *s, int status);
/* run_finish() after the loop has run, or without it: status is then not 0. */
int standing_finish(struct standing *s, int status);

#endif
