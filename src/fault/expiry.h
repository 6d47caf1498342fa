/* SPDX-License-Identifier: MIT */
/* expiry: the actions of a connection that last "for" a time: until when. No clock: times are told. */
#ifndef WSDIAG_FAULT_EXPIRY_H
#define WSDIAG_FAULT_EXPIRY_H

#include "fault/plan.h"

enum { EXPIRY_KINDS = 3 };

/* Zeroed to begin with. For each kind of action, and for each of the two legs or directions. */
struct expiries {
	int64_t due_us[EXPIRY_KINDS][2];   /* 0: not until something else ends it */
};

/* A hold, drop or stall was done: the last one counts for each leg or direction, also one that has no end. */
void expiries_set(struct expiries *e, const struct plan_action *a, int64_t now_us);
/* What is over now, one at a time: the action, and the bit of its leg or direction. */
bool expiries_take(struct expiries *e, int64_t now_us, enum plan_do *ret_what, int *ret_bit);
/* -1: never. */
int64_t expiries_next(const struct expiries *e);

#endif
