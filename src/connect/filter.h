/* SPDX-License-Identifier: MIT */
/*
 * filter: a session between an input and an output: messages from one, messages to the other, back-pressure both ways, and when to close.
 * The descriptors are the caller's; there are no signals and no exit in here.
 */
#ifndef WSDIAG_CONNECT_FILTER_H
#define WSDIAG_CONNECT_FILTER_H

#include "cli/framing.h"
#include "cli/option.h"
#include "connect/session.h"
#include "net/fdio.h"

struct filter;

/* Borrowed as long as the filter lives. */
struct filter_options {
	struct framing framing;
	const char *const *texts;  /* -x: sent when open */
	size_t n_texts;
	const struct option_list *again; /* --on-reconnect: instead of texts on a reconnect; an empty one is nothing. NULL: texts */
	int64_t wait_us;           /* -w: after the end of input; INT64_MAX: forever */
	bool wait_given;           /* with a count, silence does not close unless -w was given */
	const char *script;        /* a file of console lines, done instead of reading input; NULL: none */
	const struct option_list *run; /* console lines after the first open, before input */
	bool slash;                /* lines of the input that begin with a slash are commands */
	bool show_secrets;         /* in a log that a line asks for */
	uint64_t count;            /* messages to receive, then Close; 0: no such limit */
	int input;                 /* descriptor; -1: none */
	bool puts_messages;        /* false: the JSON lines carry them */
};

/* done: once, with everything closed; status is the exit status. */
struct filter_events {
	void (*done)(void *arg, int status);
};

/* 0 and *ret; or an exit status with a sentence in *ret_error (caller frees), nothing made. */
MUST_CHECK int filter_new(const struct filter_options *opt, const struct session_options *session, const struct filter_events *up, void *arg,
    struct filter **ret, char **ret_error);
void filter_free(struct filter *f);
struct span filter_session(const struct filter *f);
struct span filter_url(const struct filter *f);
/* out is the filter's from here: it appends messages, and closes it at the end. out's events are to be passed to filter_writer_events, with the filter. */
void filter_start(struct filter *f, struct fd_writer *out);
extern const struct fd_writer_events filter_writer_events;
/* The first closes cleanly, the second ends at once; the exit status becomes 128 + signal. false when there is nothing left to end but output
 * that nobody takes. */
bool filter_signal(struct filter *f, int signal);

#endif
