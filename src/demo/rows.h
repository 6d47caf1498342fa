/* SPDX-License-Identifier: MIT */
/*
 * rows: the events of client, proxy and server, and what another library's user hears, gathered into rows: what belongs together in one. Pure.
 *
 *	time  CLIENT                PROXY        SERVER              app hears
 *	 1.4  lost c1: peer FIN     fin both :1  lost c1: peer FIN   on_error
 *
 * A row takes events of one dial and one kind (its beginning, its end), one for each of the three, until rows_settle(): what comes later has a row of its own.
 * With folds, dials that fail one behind the other in the same way share a row: "failed d3, d4: same".
 */
#ifndef WSDIAG_DEMO_ROWS_H
#define WSDIAG_DEMO_ROWS_H

#include "base/buf.h"
#include "lifecycle/event.h"

enum who { WHO_CLIENT, WHO_PROXY, WHO_SERVER, WHO_APP, WHO_COUNT };

/* Borrowed for the call. */
struct row {
	int64_t at_us;                     /* since the first event */
	struct span cells[WHO_COUNT];      /* escaped; none: nothing */
	const char *colours[WHO_COUNT];    /* of a cell's first word; "": none */
};

typedef void row_fn(void *arg, const struct row *row);

struct rows;

struct rows *rows_new(bool folds, row_fn *emit, void *arg);
void rows_free(struct rows *r);
/* heard: as in story_feed(). */
void rows_feed(struct rows *r, const struct event *ev, struct span heard);
/* Nothing more belongs to the row under way; it may still wait for others that it folds with. */
void rows_settle(struct rows *r);
/* Emits what waits. */
void rows_end(struct rows *r);

#endif
