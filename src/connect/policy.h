/* SPDX-License-Identifier: MIT */
/*
 * policy: whether to dial again, and after how long. Pure: no clock, no timer.
 *
 * The default delays are those of RFC 6455 section 7.2.3: a random 0 to 5 s first, then growing, here doubled each time up to a minute, each drawn at
 * random from the upper half. --reconnect-delay MIN:MAX begins at MIN and grows to MAX in the same way; a single number is always just that.
 */
#ifndef WSDIAG_CONNECT_POLICY_H
#define WSDIAG_CONNECT_POLICY_H

#include "base/rng.h"
#include "lifecycle/event.h"

enum reconnect_on { RECONNECT_ON_LOST, RECONNECT_ON_ANY };

struct policy {
	bool enabled;             /* -r */
	bool not_first;           /* a first dial that fails is not tried again (an interactive session without -r) */
	bool has_delay;           /* false: the default */
	int64_t min_us, max_us;   /* of the delay; min == max: fixed */
	uint64_t tries;           /* consecutive dials that may fail; 0: any number */
	int on;                   /* enum reconnect_on */
};

/* "2", "250ms" or "1:30", as other durations are written; false when text is neither. */
bool policy_parse_delay(const char *text, struct policy *ret);

/* step: how many delays were drawn before, since a connection lasted. retry_after_us: what the server asked for, US_UNKNOWN: nothing; it is a lower bound. */
int64_t policy_delay(const struct policy *p, unsigned step, int64_t retry_after_us, struct rng *rng);

/* Whether to dial again after a dial that failed so, or a connection that ended so; else *ret_why is a static sentence. */
bool policy_after_failure(const struct policy *p, const struct failure *f, int status, uint64_t failures, const char **ret_why);
bool policy_after_end(const struct policy *p, enum event_type type, const struct ev_ended *e, bool we_closed_first, const char **ret_why);

/* A Retry-After header (RFC 9110 section 10.2.3): seconds, or a date against now; US_UNKNOWN where it is neither. At most a day. */
int64_t policy_retry_after(struct span value, int64_t wall_us);

#endif
