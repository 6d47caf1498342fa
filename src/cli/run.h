/* SPDX-License-Identifier: MIT */
/*
 * run: what every command with a loop sets up and tears down the same way: clock, randomness, loop, journal with its sinks, standard output, and the signals
 * that a person or a service manager sends.
 */
#ifndef WSDIAG_CLI_RUN_H
#define WSDIAG_CLI_RUN_H

#include "cli/output.h"
#include "net/fdio.h"

struct run {
	struct loop loop;
	struct rng rng;
	struct journal journal;
	struct sink *human;
	struct output_lines lines;
	void (*on_resize)(void *arg);   /* NULL: nobody cares */
	struct fd_writer *output;       /* standard output; NULL once its owner closed it, or before run_open_output() */
	uv_signal_t signals[5];
	uv_timer_t tick;                /* for journal_watch_clocks() */
	void (*on_signal)(void *arg, int signum); /* SIGINT, SIGTERM, SIGHUP; SIGTSTP after run_catch_stop() */
	void *signal_arg;
	bool is_abandoned;
};

/* 0, or an exit status after having printed why. on_signal comes from the loop. */
MUST_CHECK int run_init(struct run *r, enum role role, void (*on_signal)(void *arg, int signum), void *arg);
/* Opens standard output for the loop, and the sinks that opt asks for. up: the writer's events, with arg. 0 or an exit status, printed. */
MUST_CHECK int run_open_output(struct run *r, const struct output_options *opt, const struct fd_writer_events *up, void *arg);
/* The same without standard output: events go to human lines alone, where they are told. */
MUST_CHECK int run_open_lines(struct run *r, const struct output_options *opt, line_fn *human, void *arg);
/* The start event. url may be SPAN_NONE. */
void run_emit_start(struct run *r, struct span session, struct span url, const struct invocation *inv);
/* For a journal beside the run's own. */
void run_emit_start_of(struct journal *j, struct span session, struct span url, const struct invocation *inv);
/* From now on Ctrl-Z is on_signal's to deal with. */
void run_catch_stop(struct run *r);
/* Until every handle is closed or run_abandon(). */
void run_loop(struct run *r);
/* Stops now, with whatever is still open; the process is to end. */
void run_abandon(struct run *r);
/*
 * Frees everything and returns status. A name look-up that still holds a thread, or an abandoned loop, cannot be torn down: then the process ends
 * here (by _exit, or by the signal that status names).
 */
int run_finish(struct run *r, int status);

#endif
