/* SPDX-License-Identifier: MIT */
#include "ws/heartbeat.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
heartbeat_init(struct heartbeat *h, int64_t interval_us, int64_t timeout_us, uint64_t run, int64_t now_us)
{
	*h = (struct heartbeat){
		.interval_us = interval_us,
		.timeout_us = timeout_us,
		.next_ping_us = interval_us > 0 ? now_us + interval_us : -1,
		.unanswered_since_us = -1,
		.run = run,
	};
}

void
heartbeat_set(struct heartbeat *h, int64_t interval_us, int64_t timeout_us, int64_t now_us)
{
	h->interval_us = interval_us;
	h->timeout_us = timeout_us;
	h->next_ping_us = interval_us > 0 ? now_us + interval_us : -1;
}

static bool
is_waiting(const struct heartbeat *h)
{
	return h->timeout_us > 0 && h->unanswered_since_us >= 0;
}

enum heartbeat_action
heartbeat_due(struct heartbeat *h, int64_t now_us)
{
	if (is_waiting(h) && now_us >= h->unanswered_since_us + h->timeout_us)
		return BEAT_TIMEOUT;
	if (is_waiting(h) && !h->worried && now_us >= h->unanswered_since_us + h->timeout_us / 2) {
		h->worried = true;
		return BEAT_WORRY;
	}
	if (h->next_ping_us >= 0 && now_us >= h->next_ping_us) {
		h->next_ping_us = now_us + h->interval_us;
		return BEAT_PING;
	}
	return BEAT_NOTHING;
}

int64_t
heartbeat_next(const struct heartbeat *h)
{
	int64_t next = h->next_ping_us;

	if (is_waiting(h)) {
		int64_t due = h->unanswered_since_us + (h->worried ? h->timeout_us : h->timeout_us / 2);

		next = next < 0 ? due : MIN(next, due);
	}
	return next;
}

void
heartbeat_alive(struct heartbeat *h)
{
	h->unanswered_since_us = -1;
	h->worried = false;
}

struct span
heartbeat_ping(struct heartbeat *h, int64_t now_us, char buf[HEARTBEAT_PAYLOAD])
{
	h->count++;
	h->sent_us[h->count % HEARTBEAT_RECENT] = now_us;
	if (h->unanswered_since_us < 0)
		h->unanswered_since_us = now_us;
	int n = snprintf(buf, HEARTBEAT_PAYLOAD, "wsdiag %016" PRIx64 " %" PRIu64, h->run, h->count);
	return (struct span){ buf, (size_t)n };
}

int64_t
heartbeat_pong(struct heartbeat *h, struct span payload, int64_t now_us)
{
	char text[HEARTBEAT_PAYLOAD];
	uint64_t run, count;

	if (payload.n == 0 || payload.n >= sizeof(text))
		return -1;
	memcpy(text, payload.p, payload.n);
	text[payload.n] = '\0';
	if (sscanf(text, "wsdiag %16" SCNx64 " %" SCNu64, &run, &count) != 2 || run != h->run)
		return -1;
	if (count == 0 || count > h->count || h->count - count >= HEARTBEAT_RECENT)
		return -1;
	return now_us - h->sent_us[count % HEARTBEAT_RECENT];
}
