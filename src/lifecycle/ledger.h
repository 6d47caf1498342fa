/* SPDX-License-Identifier: MIT */
/*
 * ledger: one judge, live and offline. It is fed facts and answers: is this an open or a reconnect, an overlap, a replay, an orphan? It has no clock and does no
 * I/O. The client feeds it as things happen, a server its own view, a report from logs: what is called an overlap is decided here and nowhere else.
 *
 *	EV_OPENED                 a connection of its session is alive
 *	EV_LOST, held             declared ended: nobody knows whether the far end is
 *	EV_LOST, EV_CLOSE         seen ended
 *	EV_GHOST with ended       a declared one is seen ended
 *	EV_GONE                   its descriptor is closed: whatever the far end does, it is over for us
 *
 * Overlap is the difference between declared and seen: a connection that opens while an older one of its session is alive, or only declared ended.
 * A proxy's origin legs are judged apart from its client legs: one connection is one in each of the two views.
 * Peers choose session tags and keys, so everything is bounded: the oldest is forgotten.
 */
#ifndef WSDIAG_LIFECYCLE_LEDGER_H
#define WSDIAG_LIFECYCLE_LEDGER_H

#include "lifecycle/event.h"

struct ledger;

/*
 * A key that opens again is a replay while its first connection is open, or this long after that opened, unless that was closed with a handshake: whoever
 * retries a request does it soon. Later it is a client that uses one key again, against RFC 6455 section 4.1, as health checks do.
 */
#define LEDGER_REPLAY_US (INT64_C(5) * 1000 * 1000)

struct ledger_limits {
	size_t sessions;     /* remembered, also after their end */
	size_t conns;        /* alive or declared, in one session */
	size_t keys;         /* for replays: the last so many are known */
};
#define LEDGER_LIMITS ((struct ledger_limits){ .sessions = 4096, .conns = 64, .keys = 65536 })

struct ledger *ledger_new(const struct ledger_limits *limits);
void ledger_free(struct ledger *l);

typedef void ledger_verdict_fn(void *arg, struct event *verdict);

/*
 * fact is borrowed. at_us: when it happened, on one clock for all facts (live: mono; offline: corrected). Facts come in the order of their happening; who reads
 * logs whose clocks are uncertain feeds an end before an open that lies within the uncertainty. Verdicts come from inside, in the order of their making,
 * with session, conn and dial filled in. Facts without a session are judged for replays only. Verdict events are ignored.
 */
void ledger_feed(struct ledger *l, const struct event *fact, int64_t at_us, ledger_verdict_fn *emit, void *arg);
/* Whether no connection of this session has ever opened: the next is an open, not a reconnect. */
bool ledger_first(const struct ledger *l, struct span session);
/* Since when another connection of the session, opened after conn, has been open: its id in *ret_with, and how long by at_us; US_UNKNOWN if there is none. */
int64_t ledger_overlap_us(const struct ledger *l, struct span session, uint32_t conn, int64_t at_us, uint32_t *ret_with);

#endif
