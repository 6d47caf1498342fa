/* SPDX-License-Identifier: MIT */
/*
 * clock: wall time for display, monotonic time for durations; both in microseconds.
 *
 * Whoever needs the time holds a pointer to a clock, so that tests can hand in one of their own.
 */
#ifndef WSDIAG_BASE_CLOCK_H
#define WSDIAG_BASE_CLOCK_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define US_PER_S INT64_C(1000000)
#define US_PER_MS INT64_C(1000)
#define NS_PER_US UINT64_C(1000)

struct clock {
	int64_t (*mono_us)(const struct clock *c); /* CLOCK_MONOTONIC, from an arbitrary start */
	int64_t (*wall_us)(const struct clock *c); /* since 1970-01-01T00:00:00Z */
	int64_t (*boot_us)(const struct clock *c); /* CLOCK_BOOTTIME: as mono, but goes on while the machine sleeps */
};

extern const struct clock clock_system;

static inline int64_t
clock_mono(const struct clock *c)
{
	return c->mono_us(c);
}

static inline int64_t
clock_wall(const struct clock *c)
{
	return c->wall_us(c);
}

static inline int64_t
clock_boot(const struct clock *c)
{
	return c->boot_us(c);
}

/* RFC 3339 in UTC with microseconds: 2026-03-04T22:13:02.071000Z. */
void clock_format_rfc3339(struct buf *out, int64_t wall_us);
/* Local time of day with milliseconds: 22:13:02.071. */
void clock_format_local(struct buf *out, int64_t wall_us);
/* Local date and offset from UTC: 2026-03-04 +01:00. */
void clock_format_local_date(struct buf *out, int64_t wall_us);
/* A duration as a person reads it: 41ms, 10.4s, 6m50s, 2h03m. */
void clock_format_duration(struct buf *out, int64_t us);

#endif
