/* SPDX-License-Identifier: MIT */
/*
 * clock_watch: notices what time did to us: the machine slept, the wall clock jumped, this process did not run. Pure: it is told readings of the clocks, at least
 * once in CLOCK_WATCH_TICK_US, and before anything is said that a sleep would explain.
 */
#ifndef WSDIAG_LOG_CLOCK_WATCH_H
#define WSDIAG_LOG_CLOCK_WATCH_H

#include "base/clock.h"

#define CLOCK_WATCH_TICK_US US_PER_S
/* Smaller differences are not told: the system's own corrections, and a busy machine. */
#define CLOCK_WATCH_SLEPT_US (US_PER_S / 2)
#define CLOCK_WATCH_JUMP_US US_PER_S
#define CLOCK_WATCH_STALL_US (3 * US_PER_S)

struct clock_watch {
	int64_t mono, boot, wall;  /* the last readings; mono 0: none */
};

struct clock_news {
	int64_t slept;    /* 0: no */
	int64_t stalled;  /* 0: no */
	int64_t jump;     /* 0: no */
};

struct clock_news clock_watch_look(struct clock_watch *w, const struct clock *c);

#endif
