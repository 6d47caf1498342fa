/* SPDX-License-Identifier: MIT */
/*
 * journal: where a run's events go in, and from which they fan out to the sinks.
 *
 *	conn, commands  --emit-->  journal  -->  sink (human lines on stderr)
 *	                                    -->  sink (JSON lines on stdout)
 *	                                    -->  sink (--log FILE)
 *
 * The journal adds who tells and when; it must stay where it is (events point into it). What a sink does not want never costs more than a
 * bit test: ask journal_wants() before an event is built in a hot path.
 */
#ifndef WSDIAG_LOG_JOURNAL_H
#define WSDIAG_LOG_JOURNAL_H

#include "base/clock.h"
#include "base/list.h"
#include "lifecycle/event.h"
#include "lifecycle/ledger.h"
#include "log/clock_watch.h"

struct sink {
	void (*event)(struct sink *s, const struct event *ev);
	void (*free)(struct sink *s);
	event_mask wants;
	struct list link;
};

struct journal {
	struct source src;
	const struct clock *clock;
	struct list sinks;
	event_mask wants;   /* of all sinks */
	struct ledger *ledger;
	struct clock_watch watch;
	uint32_t overlaps;  /* verdicts so far */
	char boot[40];
};

/* run is drawn by the caller; clock is borrowed. */
void journal_init(struct journal *j, enum role role, uint64_t run, const struct clock *clock);
/* Frees the sinks. */
void journal_deinit(struct journal *j);
/* Takes ownership: journal_deinit() frees it. */
void journal_add(struct journal *j, struct sink *s);
/* Takes it back; not from inside an event. Harmless where it was never added. */
void journal_remove(struct journal *j, struct sink *s);

static inline bool
journal_wants(const struct journal *j, enum event_type type)
{
	return (j->wants & EVENT_BIT(type)) != 0;
}

/* Fills in src and the times and hands ev to every sink that wants it. A mono_us that is already set stays, and wall_us is set to as long
 * ago. A sink must not emit from within. */
void journal_emit(struct journal *j, struct event *ev);
/* Whether no connection of this session has opened yet: the next one is an open, not a reconnect. */
bool journal_is_first(const struct journal *j, struct span session);
/* Tells of a sleep, a stall or a jump of the wall clock since the last look: to be called every CLOCK_WATCH_TICK_US. An event of the kind that a sleep
 * would explain looks by itself, so that the explanation comes first. */
void journal_watch_clocks(struct journal *j);
/* EV_NOTE with a formatted sentence. */
void journal_note(struct journal *j, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
