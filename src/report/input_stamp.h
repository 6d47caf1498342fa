/* SPDX-License-Identifier: MIT */
/*
 * input_stamp: the time in a line of a text log, and the clock such times come from.
 *
 *	22:13:02   22:13:02.071   2026-03-04 22:13:02,071   2026-03-04T22:13:02Z   2026/03/04 22:13:02 +0100   [24/Nov/2026:16:13:15]
 *	Tue, 24 Nov 2026 17:07:20 GMT   1772662382.071
 */
#ifndef WSDIAG_REPORT_INPUT_STAMP_H
#define WSDIAG_REPORT_INPUT_STAMP_H

#include "base/span.h"

#include <stdint.h>

struct stamp {
	int64_t us;                /* since 1970: UTC with a zone, else local time; since midnight without a date */
	bool has_date, has_zone;
	int64_t resolution_us;
	struct span rest;          /* of the line, behind it and what closes it: "]", " - ", ":" */
};

/* The first time of day, or seconds since 1970, in the first 80 bytes. */
bool stamp_find(struct span line, struct stamp *ret);

/* Times in the order of their lines: where a line has no date its day is that of the line before, or the next one where it would be hours before that. */
struct stamp_clock {
	bool has_last;
	int64_t last;
};

int64_t stamp_clock_us(struct stamp_clock *c, const struct stamp *s);

#endif
