/* SPDX-License-Identifier: MIT */
/* stats: a participant's connections in numbers. */
#ifndef WSDIAG_REPORT_STATS_H
#define WSDIAG_REPORT_STATS_H

#include "report/model.h"

/* Of durations; n 0: none, and the rest is US_UNKNOWN. */
struct spread {
	uint32_t n;
	int64_t least, median, most;
};

struct stats {
	uint32_t opened, lost, failed;
	struct spread lifetime;       /* of those that ended */
	struct spread down;           /* from a loss to the session's next open; of clients */
	struct spread silence;        /* before losses: since anything had been received */
	int64_t down_total;
	int64_t rtt_median, rtt_90, rtt_99; /* US_UNKNOWN: no ping was answered */
};

/* Logs may say anything: a sum of times is within 142 years, whatever they add up to. */
static inline int64_t
stats_sum(int64_t a, int64_t b)
{
	const int64_t most = INT64_C(1) << 52;

	return MIN(MIN(a, most) + MIN(b, most), most);
}

/* Of what is not hidden. Of a proxy: its origin legs. */
void stats_of(const struct model *m, uint32_t participant, struct stats *ret);

#endif
