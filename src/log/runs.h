/* SPDX-License-Identifier: MIT */
/* runs: who wrote the lines of a log, and which of their lines are missing. A file may be shared by several runs at once. */
#ifndef WSDIAG_LOG_RUNS_H
#define WSDIAG_LOG_RUNS_H

#include "base/list.h"
#include "lifecycle/event.h"

enum { RUNS_MAX = 1024, RUN_BUCKETS = 512, RUN_DIGITS = 16 };

struct run {
	struct source src;
	char digits[RUN_DIGITS];    /* src.run, as written */
	char boot[64];
	uint64_t lines, highest;    /* distinct seq as far as can be told, and the greatest */
	bool ended;
	struct run *next;           /* in its bucket */
	struct list link;           /* the last that wrote first */
};

/* A zeroed struct must be initialised. */
struct runs {
	struct run *buckets[RUN_BUCKETS];
	struct list recent;
	size_t n;
	uint64_t missing, out_of_order; /* missing: of runs that were forgotten */
	bool no_end;                    /* so */
};

void runs_init(struct runs *r);
void runs_deinit(struct runs *r);
/* The run that wrote, new if need be; the one that has been silent for longest is forgotten. */
struct run *runs_find(struct runs *r, uint64_t run, enum role role);
/* It wrote a line. */
void runs_count(struct runs *r, struct run *run, uint64_t seq);
uint64_t runs_missing(const struct runs *r);
bool runs_lack_end(const struct runs *r);

/* The last that wrote, NULL: none yet. */
static inline struct run *
runs_latest(struct runs *r)
{
	return list_is_empty(&r->recent) ? NULL : container_of(r->recent.next, struct run, link);
}

#endif
