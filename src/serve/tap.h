/* SPDX-License-Identifier: MIT */
/*
 * tap: a layer on top of a server's transport through which faults work: two flows, of what is received (up) and what is sent (down).
 *
 *	conn
 *	 | ^    want, read, writev: as with any transport
 *	tap     cut into frames, watched, dropped, delayed, damaged ...
 *	 | ^
 *	tls, tcp
 *
 * Nothing of it ends the transport: that is the owner's, who learns of what passes through struct flow_events of its own.
 */
#ifndef WSDIAG_SERVE_TAP_H
#define WSDIAG_SERVE_TAP_H

#include "fault/flow.h"
#include "net/transport.h"

struct tap;

/* What passes. dir: PLAN_UP or PLAN_DOWN. All borrowed for the call; none may close the transport. */
struct tap_events {
	void (*bytes)(void *arg, enum plan_direction dir);
	enum flow_verdict (*frame)(void *arg, enum plan_direction dir, const struct frame *f, struct span payload);
	bool (*wants_payload)(void *arg, enum plan_direction dir);
	void (*message)(void *arg, enum plan_direction dir);
	void (*payload)(void *arg, enum plan_direction dir, uint64_t n);
	void (*truncated)(void *arg, enum plan_direction dir);
	/* A flow waits for its time: tap_next() may say something new. */
	void (*timed)(void *arg);
};

/* Takes t over; it goes with it. early: bytes that were read already, unsent: that are still to be written, of our head. */
struct transport *tap_new(struct loop *l, struct transport *t, struct span early, struct span unsent, const struct tap_events *up, void *arg,
    struct tap **ret);
/* To be switched; tap_update() must follow. Gone when the transport is. */
struct flow *tap_flow(struct tap *t, enum plan_direction dir);
void tap_stall(struct tap *t, enum plan_direction dir, bool stalled);
void tap_update(struct tap *t);
/* When tap_flush() can do something; -1: never. */
int64_t tap_next(const struct tap *t);
void tap_flush(struct tap *t);

#endif
