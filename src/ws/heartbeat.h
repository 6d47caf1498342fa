/* SPDX-License-Identifier: MIT */
/*
 * heartbeat: when to ping, when to worry and when to give up. Pure: it is told the time and says what to do next.
 *
 * Anything received counts as life. While the owner is not reading, silence means nothing and no timeout runs.
 */
#ifndef WSDIAG_WS_HEARTBEAT_H
#define WSDIAG_WS_HEARTBEAT_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEARTBEAT_RECENT = 16, HEARTBEAT_PAYLOAD = 48 };

struct heartbeat {
	int64_t interval_us, timeout_us;   /* 0: none */
	int64_t next_ping_us;
	int64_t unanswered_since_us;       /* the first ping since which nothing came; -1: none */
	bool worried;
	uint64_t run, count;
	int64_t sent_us[HEARTBEAT_RECENT]; /* when ping count % HEARTBEAT_RECENT went out */
};

enum heartbeat_action {
	BEAT_NOTHING,
	BEAT_PING,     /* send one with the payload of heartbeat_ping() */
	BEAT_WORRY,    /* half the timeout has passed since the first unanswered ping; told once */
	BEAT_TIMEOUT,
};

void heartbeat_init(struct heartbeat *h, int64_t interval_us, int64_t timeout_us, uint64_t run, int64_t now_us);
/* Other times from now on; pings that are unanswered stay so. */
void heartbeat_set(struct heartbeat *h, int64_t interval_us, int64_t timeout_us, int64_t now_us);
/* What is due. Call again until BEAT_NOTHING (or BEAT_TIMEOUT). */
enum heartbeat_action heartbeat_due(struct heartbeat *h, int64_t now_us);
/* When to ask again; -1: never. */
int64_t heartbeat_next(const struct heartbeat *h);
/* Something was received, or the owner is not reading. */
void heartbeat_alive(struct heartbeat *h);
/* The payload of the ping that goes out now: "wsdiag <run> <count>". */
struct span heartbeat_ping(struct heartbeat *h, int64_t now_us, char buf[HEARTBEAT_PAYLOAD]);
/* The round trip of the ping that this pong answers; -1 if it is none of ours, or too old. */
int64_t heartbeat_pong(struct heartbeat *h, struct span payload, int64_t now_us);

#endif
