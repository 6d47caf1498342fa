/* SPDX-License-Identifier: MIT */
/*
 * fold: text laid out in a limited number of columns, broken between words, later lines indented. Nothing but the spaces at a break is
 * lost: a word that is wider than a line is broken between characters.
 *
 *	22:19:52.530  lost       c1  peer FIN, no Close frame (1006); age
 *	                             6m50s, silent in 10.4s out 10.4s
 *	|<---------- indent ------->|                        columns --->|
 *
 * The text must hold no control characters but newlines, which stay. A zeroed struct with out set never folds.
 */
#ifndef WSDIAG_LOG_FOLD_H
#define WSDIAG_LOG_FOLD_H

#include "base/buf.h"

struct fold {
	struct buf *out;
	unsigned columns;  /* 0: never fold */
	unsigned indent;   /* of every line that begins from now on */
	unsigned col;
	unsigned gap;      /* spaces due before the next word, which vanish at a break */
	unsigned margin;   /* those of them that stay: where this line begins */
	bool has_words;    /* on this line */
};

void fold_text(struct fold *f, struct span text);
/* One word between an invisible before and after: colours. */
void fold_word(struct fold *f, struct span word, const char *before, const char *after);
void fold_space(struct fold *f, unsigned n);
void fold_newline(struct fold *f);
/* Columns that UTF-8 text takes on a terminal. */
unsigned fold_width(struct span text);

#endif
