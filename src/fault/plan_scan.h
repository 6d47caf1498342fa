/* SPDX-License-Identifier: MIT */
/*
 * plan_scan: one line of a plan, cut into words. Internal to plan_parse*.c.
 *
 * A word ends at white space, at '#' (a comment) and at the character that ends its part of the line (':' or ';'), unless quoted: "a word; # and all".
 * In quotes \" \\ \n and \t are what they are in C; other backslashes stay, for globs.
 */
#ifndef WSDIAG_FAULT_PLAN_SCAN_H
#define WSDIAG_FAULT_PLAN_SCAN_H

#include "fault/plan.h"

struct scan {
	const char *name;        /* of the plan */
	unsigned line;
	struct span text;        /* the whole line: valid UTF-8 without control characters, at most PLAN_TEXT_MAX bytes */
	size_t at;
	unsigned who;            /* enum PLAN_FOR_* */
	struct buf *error;
};

struct word {
	size_t at;               /* where it begins */
	bool is_quoted;          /* some of it */
	size_t n;
	char text[PLAN_TEXT_MAX + 1];
};

/* All of these are 1 when there was something, 0 when not, or -EINVAL with a sentence in error. */

/* stop: ':' or ';', which is left where it is; 0: only white space ends the word. */
MUST_CHECK int scan_word(struct scan *s, char stop, struct word *ret);
/* The next word again; nothing is taken. */
MUST_CHECK int scan_peek(struct scan *s, char stop, struct word *ret);
/* Everything up to stop, inner white space kept. */
MUST_CHECK int scan_rest(struct scan *s, char stop, struct word *ret);
/* The next word must be there. what: "a time (7s, 250ms, 2m)". */
MUST_CHECK int scan_need(struct scan *s, char stop, const char *what, struct word *ret);

/* This character, if it comes next. */
bool scan_char(struct scan *s, char c);
/* Nothing but a comment is left. */
bool scan_is_over(struct scan *s);

/* -EINVAL; "NAME:LINE:COLUMN: " and the sentence go to error. at: in the line. */
int scan_fail(struct scan *s, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "WORD" is no X; did you mean Y? */
int scan_unknown(struct scan *s, const struct word *w, const char *what, const char *const *words);

#endif
