/* SPDX-License-Identifier: MIT */
/* repl: the interactive session: an editor, a console, and a session that stays when nothing is open. */
#ifndef WSDIAG_CONNECT_REPL_H
#define WSDIAG_CONNECT_REPL_H

#include "connect/filter.h"

struct repl;

/* Borrowed as long as the repl lives. */
struct repl_options {
	const struct filter_options *messages;   /* its texts are sent on open */
	const struct option_list *run;           /* lines to be done after the open */
	bool show_secrets;
};

/* 0 and *ret; or an exit status with a sentence (caller frees). */
MUST_CHECK int repl_new(const struct repl_options *opt, const struct session_options *session, struct repl **ret, char **ret_error);
void repl_free(struct repl *r);
struct span repl_session(const struct repl *r);
struct span repl_url(const struct repl *r);
/* Lines of events, for a human sink; arg is the repl. */
void repl_event_line(void *arg, const char *line, size_t n);
/* Until the end; the exit status. */
int repl_run(struct repl *r);
/* SIGINT clears the line, then closes, then ends; others close and end with 128 + signal. */
void repl_signal(struct repl *r, int signum);
void repl_resize(struct repl *r);
/* SIGTSTP */
void repl_suspend(struct repl *r);

#endif
