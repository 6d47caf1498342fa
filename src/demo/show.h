/* SPDX-License-Identifier: MIT */
/*
 * show: everything that a demo says on standard output: the introduction, the rows as they come, and what it came to. It looks up how wide the terminal is each
 * time it says something; else it does no I/O.
 */
#ifndef WSDIAG_DEMO_SHOW_H
#define WSDIAG_DEMO_SHOW_H

#include "demo/setting.h"
#include "log/sink.h"

struct show;

/* Borrowed as long as the show lives. */
struct show_options {
	const char *plan_name;
	struct span plan_text;
	const struct setting *setting; /* as it is played */
	const char *library;           /* whose callbacks the last column has */
	int colour;                    /* enum colour_when */
	const char *keep;              /* where logs are left; NULL */
};

/* write gets whole lines. 0, or -EINVAL with a sentence in error: no such library. */
MUST_CHECK int show_new(const struct show_options *opt, line_fn *write, void *arg, struct show **ret, struct buf *error);
void show_free(struct show *s);
void show_begin(struct show *s);
/* counts: for what it came to, too; what happens while it is being ended does not. */
void show_event(struct show *s, const struct event *ev, bool counts);
/* It has been quiet: a row is whole. */
void show_settle(struct show *s);
void show_end(struct show *s);

/* As story_shown(), story_is_up(). */
unsigned show_shown(const struct show *s);
bool show_is_up(const struct show *s);

#endif
