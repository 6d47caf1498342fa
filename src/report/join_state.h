/* SPDX-License-Identifier: MIT */
/* join_state: what the parts of join share while they work. Internal to join. */
#ifndef WSDIAG_REPORT_JOIN_STATE_H
#define WSDIAG_REPORT_JOIN_STATE_H

#include "report/join.h"

/* Lives that are one connection are a tree. */
struct join {
	struct model *m;
	uint32_t *parent;             /* by life */
	unsigned *ranks;              /* by root: which ranks are among them, bits 1 << enum hop_rank */
	uint32_t *failed;             /* by root: the client's dial that never opened */
	enum join_by *by;             /* by root: the weakest */
};

/* Where on the way from a client to the origin a life was seen. */
enum hop_rank { RANK_CLIENT, RANK_PROXY_CLIENT, RANK_PROXY_ORIGIN, RANK_SERVER };

enum hop_rank join_rank(const struct model *m, const struct life *l);
uint32_t join_root(struct join *j, uint32_t life);
bool join_has(struct join *j, uint32_t life, enum hop_rank rank);
/* Makes two lives one connection; false where each has a client of its own. JOIN_NONE: they are so by their own log. */
bool join_lives(struct join *j, uint32_t a, uint32_t b, enum join_by by);

/* By key, then tag. */
void join_by_names(struct join *j);
/* By local and peer address, where clocks allow or there is no choice. */
void join_by_addresses(struct join *j);
/* By time and order; sets the clocks of those that had nothing else. */
void join_by_time(struct join *j);
/* Sets shift, uncertainty and basis of every participant, and at_us of every moment, from what is joined so far. */
void join_set_clocks(struct join *j);
/* at_us of everything that one participant has. */
void join_restamp(struct model *m);
/* Feeds the ledgers; fills m->verdicts. Circuits and stories are set. */
void join_judge(struct model *m);

/* Calls each for every run of items that compare equal; items are sorted by compare first. */
typedef int join_compare_fn(const void *a, const void *b);
typedef void join_group_fn(void *arg, const void *items, size_t n);
void join_group(void *items, size_t n, size_t size, join_compare_fn *compare, join_group_fn *each, void *arg);

#endif
