/* SPDX-License-Identifier: MIT */
/*
 * table: rows as text, for three kinds of reader: columns on a wide terminal, stacked on a narrow one, a line for each cell in a pipe. Pure.
 *
 *	 1.4  lost c1: peer FIN     fin both :1  lost c1: peer FIN   on_error
 *
 *	 1.4  client  lost c1: peer FIN
 *	      proxy   fin both :1
 *
 *	1.4  client  lost c1: peer FIN
 *	1.4  proxy   fin both :1
 */
#ifndef WSDIAG_DEMO_TABLE_H
#define WSDIAG_DEMO_TABLE_H

#include "demo/rows.h"

enum { TABLE_WIDE = 80 };

struct table {
	unsigned columns;      /* of the terminal; 0: a pipe */
	bool colour;
	const char *hears;     /* "v1.7 app hears" */
};

/* The columns' names; nothing where there are none. */
void table_head(const struct table *t, struct buf *out);
void table_row(const struct table *t, const struct row *row, struct buf *out);
/* Lines of text between words, as wide as the terminal. */
void table_text(const struct table *t, struct span text, struct buf *out);

#endif
