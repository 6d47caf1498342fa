/* SPDX-License-Identifier: MIT */
/*
 * flow: one direction of a relayed connection: bytes in from one leg, bytes out to the other, unchanged unless a fault says otherwise. It cuts the bytes into
 * frames to count them, to tell of them, and to find the boundaries where frames of our own may stand. No sockets, no clock: times are told.
 *
 *	flow_feed -> [frames: judge, drop, swallow, corrupt, truncate] -> [delay, jitter] -> [throttle, slice] -> flow_take / put
 *
 * A frame's header is passed on when it is whole (14 bytes at most wait); payload is not waited for, unless wants_payload() says so.
 * Nothing is allocated for a frame. What waits in a flow is bounded: flow_is_full() says when to stop feeding, and frames of our own that have no room give
 * way to newer ones.
 */
#ifndef WSDIAG_FAULT_FLOW_H
#define WSDIAG_FAULT_FLOW_H

#include "base/buf.h"
#include "base/rng.h"
#include "codec/frame.h"
#include "fault/plan.h"

#include <sys/uio.h>

enum { FLOW_HIGH = 256 * 1024, FLOW_DELAYED_HIGH = 8 * 1024 * 1024, FLOW_INJECT_HIGH = 4096 };

enum flow_verdict { FLOW_PASS, FLOW_SWALLOW };

/* All borrowed for the call. From inside them the switches below may be set, but nothing fed. */
struct flow_events {
	/* A frame begins; payload is its beginning where wants_payload() was true, unmasked. */
	enum flow_verdict (*frame)(void *arg, const struct frame *f, struct span payload, const enum frame_rule *broken);
	bool (*wants_payload)(void *arg);
	/* The payload of a whole control frame, unmasked; also of one that was swallowed. */
	void (*control)(void *arg, const struct frame *f, struct span payload);
	/* A data message is complete. */
	void (*message)(void *arg, uint8_t opcode, uint64_t length);
	/* Payload bytes of data frames went by. */
	void (*payload)(void *arg, uint64_t n);
	/* flow_truncate(): half a frame is out, nothing follows. */
	void (*truncated)(void *arg);
	/* Bytes to write now; what was taken. The rest is kept, and nothing more put until flow_flush(). NULL: everything waits for flow_flush(). */
	size_t (*put)(void *arg, const struct iovec *iov, int n);
};

struct flow {
	const struct flow_events *up;
	void *arg;
	struct rng *rng;

	/* Cutting. */
	struct frame_decoder decoder;
	bool is_raw;                 /* no frames: passed as it is */
	struct frame now;            /* the frame under way */
	enum flow_verdict verdict;
	bool in_frame;
	bool awaits_verdict;         /* its payload is gathered first */
	bool is_mid;                 /* its beginning went out, its end did not yet */
	uint8_t header[FRAME_HEADER_MAX]; /* held back until it is whole, and while the payload is gathered */
	size_t n_header;
	struct buf text;             /* the gathered beginning of the payload */
	enum frame_rule broken[8];
	uint8_t control[FRAME_CONTROL_MAX];
	size_t n_control;
	uint64_t seen;               /* payload bytes of the frame under way */
	uint8_t message_opcode;
	uint64_t message_length;

	/* Switches. */
	bool drops;                  /* what comes is thrown away */
	bool drops_whole;            /* ... but only from and to a frame's boundary (a drop that ends) */
	bool shuts;                  /* with what waits in inject */
	bool is_shut;                /* a Close of ours went out: nothing follows it */
	bool corrupts;
	bool truncates;
	uint64_t truncate_at;        /* 0: not under way; else so many payload bytes are left to pass, plus one */
	int64_t delay_us, jitter_us;
	uint64_t rate;               /* bytes a second; 0: no limit */
	uint64_t slice;              /* bytes; 0: no limit */

	/* What waits. */
	struct buf inject;           /* frames of our own for the next boundary, or until there is room */
	struct buf delayed, stamps;  /* bytes, and when how many of them are due */
	int64_t last_due_us;
	struct buf out;
	bool is_stuck;               /* the output took less than it was allowed to */
	struct iovec iov[8];
	int n_iov;
	uint64_t budget;             /* throttle: millionths of a byte that may go now */
	int64_t budget_us;
	int64_t slice_us;            /* when the next slice may go */

	uint64_t messages, bytes;    /* of data that was whole; its payload */
	uint64_t dropped;            /* bytes that faults took */
	int64_t fed_us;              /* now, while feeding */
};

void flow_init(struct flow *f, enum frame_sender sender, struct rng *rng, const struct flow_events *up, void *arg);
void flow_deinit(struct flow *f);
/* Sets the switch that an action of bytes is about: drop, delay, jitter, throttle, slice, corrupt, truncate. */
void flow_strike(struct flow *f, const struct plan_action *a, int64_t now_us);
/* data may be changed (corrupt). */
void flow_feed(struct flow *f, uint8_t *data, size_t n, int64_t now_us);
/* The source has ended: the beginning of a header that will never be whole goes out too. */
void flow_end(struct flow *f, int64_t now_us);
/* Whole frames of our own, at the next boundary. last: a Close: what else comes is thrown away from then on. Others are pongs: those that wait longest are
 * left out when more would wait than FLOW_INJECT_HIGH (RFC 6455 section 5.5.3 lets only the last be sent). */
void flow_inject(struct flow *f, struct span frames, bool last, int64_t now_us);
/* Moves what is due to the output and puts it. */
void flow_flush(struct flow *f, int64_t now_us);
/* When flow_flush() can do more although nothing is fed and the output is writable; -1: never. */
int64_t flow_next(const struct flow *f);
/* Enough waits: do not feed. */
bool flow_is_full(const struct flow *f);
/* Bytes that wait for the output to take them; or for their time as well. */
static inline bool
flow_is_blocked(const struct flow *f)
{
	return f->out.len > 0 && (f->is_stuck || (f->rate == 0 && f->slice == 0));
}
static inline bool
flow_is_empty(const struct flow *f)
{
	return f->out.len == 0 && f->delayed.len == 0;
}

#endif
