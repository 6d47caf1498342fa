/* SPDX-License-Identifier: MIT */
/* plan_parse: the parts of a line, each parsed where the scan stands. Internal to plan*.c. */
#ifndef WSDIAG_FAULT_PLAN_PARSE_H
#define WSDIAG_FAULT_PLAN_PARSE_H

#include "fault/plan_scan.h"

/* All: 0, or -EINVAL with a sentence in the scan's error; what line owns by then is the caller's to free. */

/* Subject and moment, and the colon behind them. */
MUST_CHECK int plan_parse_head(struct scan *s, struct plan_line *line);
MUST_CHECK int plan_parse_actions(struct scan *s, struct plan_line *line);

MUST_CHECK int plan_take_time(struct scan *s, char stop, int64_t *ret_us);
/* up, down, both, as a direction; 0: none of these. */
int plan_direction_of(const struct word *w);

#endif
