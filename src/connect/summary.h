/* SPDX-License-Identifier: MIT */
/* summary: what a session comes to in the end: time up and down, losses by cause, traffic, round trips. For the end event. */
#ifndef WSDIAG_CONNECT_SUMMARY_H
#define WSDIAG_CONNECT_SUMMARY_H

#include "log/journal.h"

enum { SUMMARY_RTTS = 1024 };

struct summary {
	uint32_t dials, conns, lost, failed;
	uint32_t causes[CAUSE_COUNT];       /* of losses */
	int64_t began_us, up_us, down_us;
	int64_t up_since_us;                /* while n_up > 0 */
	int64_t down_since_us;              /* 0: up, or never open yet */
	unsigned n_up;                      /* connections that are open now */
	struct traffic sent, received;
	int64_t rtts[SUMMARY_RTTS];         /* the latest, for the median */
	size_t n_rtts;
	int64_t rtt_min_us, rtt_max_us;     /* of all */
};

void summary_add_rtt(struct summary *s, int64_t rtt_us);
/* A connection that opened, and one that ended. */
void summary_add_open(struct summary *s, int64_t now_us);
void summary_add_end(struct summary *s, enum event_type type, const struct ev_ended *e, int64_t now_us);
/* Time down ends without an open: the session is over. */
void summary_end_down(struct summary *s, int64_t now_us);
void summary_emit(struct summary *s, struct journal *j, struct span session, int64_t now_us, int exit_status);

#endif
