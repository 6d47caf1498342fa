/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static int64_t
system_mono_us(const struct clock *c UNUSED)
{
	return read_us(CLOCK_MONOTONIC);
}

static int64_t
system_wall_us(const struct clock *c UNUSED)
{
	return read_us(CLOCK_REALTIME);
}

static int64_t
system_boot_us(const struct clock *c UNUSED)
{
#ifdef CLOCK_BOOTTIME
	return read_us(CLOCK_BOOTTIME);
#else
	return read_us(CLOCK_MONOTONIC); /* then a sleep cannot be told */
#endif
}

const struct clock clock_system = { .mono_us = system_mono_us, .wall_us = system_wall_us, .boot_us = system_boot_us };

/* Whole seconds and the microseconds above them, also before 1970. */
static time_t
split_us(int64_t us, int64_t *ret_rest)
{
	int64_t s = us / US_PER_S, rest = us % US_PER_S;

	if (rest < 0)
		s--, rest += US_PER_S;
	*ret_rest = rest;
	return (time_t)s;
}

void
clock_format_rfc3339(struct buf *out, int64_t wall_us)
{
	int64_t rest;
	time_t s = split_us(wall_us, &rest);
	struct tm tm;

	gmtime_r(&s, &tm);
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%06" PRId64 "Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, rest);
}

void
clock_format_local(struct buf *out, int64_t wall_us)
{
	int64_t rest;
	time_t s = split_us(wall_us, &rest);
	struct tm tm;

	localtime_r(&s, &tm);
	buf_printf(out, "%02d:%02d:%02d.%03" PRId64, tm.tm_hour, tm.tm_min, tm.tm_sec, rest / US_PER_MS);
}

void
clock_format_local_date(struct buf *out, int64_t wall_us)
{
	int64_t rest;
	time_t s = split_us(wall_us, &rest);
	struct tm tm;

	localtime_r(&s, &tm);
	long off = tm.tm_gmtoff / 60;
	buf_printf(out, "%04d-%02d-%02d %c%02ld:%02ld", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, off < 0 ? '-' : '+',
	    labs(off) / 60, labs(off) % 60);
}

void
clock_format_duration(struct buf *out, int64_t us)
{
	int64_t tenths = (us + 50000) / 100000, s = (us + US_PER_S / 2) / US_PER_S;

	if (us < US_PER_MS)
		buf_printf(out, "%.1fms", (double)us / 1000.0);
	else if (us < US_PER_S - 500)
		buf_printf(out, "%" PRId64 "ms", (us + 500) / 1000);
	else if (tenths < 600)
		buf_printf(out, "%" PRId64 ".%" PRId64 "s", tenths / 10, tenths % 10);
	else if (s < 3600)
		buf_printf(out, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else
		buf_printf(out, "%" PRId64 "h%02" PRId64 "m", s / 3600, s % 3600 / 60);
}
