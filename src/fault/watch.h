/* SPDX-License-Identifier: MIT */
/*
 * watch: ONE connection held against a plan: it is told what happens and says which lines fire. Pure: times are told, chance comes from the line's seed and the
 * connection's number, so the same plan strikes the same connections each time.
 *
 *	watch_accept -> watch_request -> watch_response -> watch_open -> watch_bytes, watch_frame, watch_message, watch_due ...
 *
 * A line fires once per connection that it matches. Lines fire in the plan's order, through fire, from inside the call; fire must not free the watch.
 * A server has no separate response: it tells of it just before it would answer.
 */
#ifndef WSDIAG_FAULT_WATCH_H
#define WSDIAG_FAULT_WATCH_H

#include "codec/frame.h"
#include "codec/http_head.h"
#include "fault/plan.h"
#include "lifecycle/event.h"

struct watch;

typedef void watch_fire_fn(void *arg, const struct plan_line *line);

/* The plan is borrowed and may have no lines. accept: which accept this is, from 1; 0: no connection at all, only told of signals and lines, for which
 * then the lines strike whose subject is everybody: what is done to the listener needs nobody to be there. */
struct watch *watch_new(const struct plan *p, uint32_t accept, watch_fire_fn *fire, void *arg);
void watch_free(struct watch *w);
/* What the event says of a line that fires. */
struct ev_inject watch_inject(const struct watch *w, const struct plan_line *line, const char *peer);

void watch_accept(struct watch *w);
void watch_request(struct watch *w, const struct http_head *request);
void watch_response(struct watch *w);
/* conn: which open this is, from 1. Clocks and counts start now; "at open" (after 0s) fires from inside. */
void watch_open(struct watch *w, uint32_t conn, int64_t now_us);

/* Bytes of any kind went by (before a fault could drop them). */
void watch_bytes(struct watch *w, enum plan_direction dir, int64_t now_us);
/* Payload bytes of frames. */
void watch_payload(struct watch *w, enum plan_direction dir, uint64_t n);
/* A data message has wholly passed. */
void watch_message(struct watch *w, enum plan_direction dir);
/* A frame begins. payload: its beginning, unmasked; needed only where watch_wants_payload(). */
void watch_frame(struct watch *w, enum plan_direction dir, const struct frame *f, struct span payload);
/* Some line that may still fire matches the text of frames in that direction: gather up to PLAN_TEXT_MAX bytes first. */
bool watch_wants_payload(const struct watch *w, enum plan_direction dir);
void watch_signal(struct watch *w, int signum);
void watch_line(struct watch *w, struct span typed);

/* When watch_due() has something to say next; -1: never. It may lie in the past. Bytes only ever move it on: a timer set for what it said before comes too
 * early at worst, and then watch_due() says nothing. So ask after watch_open() and after each watch_due(), not for each byte. */
int64_t watch_next(const struct watch *w);
void watch_due(struct watch *w, int64_t now_us);

#endif
