/* SPDX-License-Identifier: MIT */
/* cell: an event in the few words that a column has room for: "lost c1: peer FIN". Pure. */
#ifndef WSDIAG_DEMO_CELL_H
#define WSDIAG_DEMO_CELL_H

#include "base/buf.h"
#include "lifecycle/event.h"

/* Which part of a dial's course an event belongs to. */
enum part { PART_NONE, PART_BEGIN, PART_END, PART_EITHER };

/* Appends the cell's text, escaped; PART_NONE with nothing appended: this event has no cell. */
enum part cell_put(struct buf *out, const struct event *ev);
/* A verdict stands behind the event that it is about: ", overlap with c2". */
bool cell_is_verdict(const struct event *ev);
/* Why a dial failed, in words: "HTTP 503 at upgrade". */
void cell_put_failure(struct buf *out, const struct ev_failed *f);

#endif
