/* SPDX-License-Identifier: MIT */
/*
 * stream: one end of one WebSocket, bytes in and messages out and the reverse; no socket, no clock.
 *
 *	bytes from the peer --> codec/frame (headers, rules) --> wslay (payload, unmasked) --> chunk, ping, pong, close
 *	messages            --> wslay (header, mask)         --> stream_out(), which the owner writes to the transport
 *
 * codec/frame is the authority: wslay sees only bytes that have passed it. After a violation, or behind the peer's Close, what is fed is counted and
 * ignored (RFC 6455 sections 7.1.7 and 1.4). Nothing is answered here: pongs and Closes are the owner's.
 *
 * Messages of up to STREAM_FRAGMENT bytes go out as one frame, longer ones as fragments of that size (section 5.4), so that a control frame never
 * waits behind more than one of them.
 */
#ifndef WSDIAG_WS_STREAM_H
#define WSDIAG_WS_STREAM_H

#include "base/buf.h"
#include "base/rng.h"
#include "codec/deflate.h"
#include "codec/frame.h"
#include "lifecycle/event.h"

enum { STREAM_FRAGMENT = 64 * 1024, STREAM_REASON_MAX = 123 };

struct stream;

/* Part of a data message; most messages are one chunk that is first and last. Text is UTF-8 as far as it goes: a chunk may end inside a character. */
struct stream_chunk {
	uint8_t opcode;     /* of the message: OP_TEXT or OP_BINARY */
	bool first, last;
	const uint8_t *data;
	size_t n;
	uint64_t length;    /* of the message so far, this chunk with it */
};

/* All borrowed for the call. None of them may free the stream; all may send, and stop it. */
struct stream_events {
	void (*chunk)(void *arg, const struct stream_chunk *c);
	void (*ping)(void *arg, struct span data);
	void (*pong)(void *arg, struct span data);
	/* code CLOSE_NO_STATUS for an empty one. */
	void (*close)(void *arg, int code, struct span reason);
	/* The first rule that was broken; offset as in struct ev_violation. */
	void (*violation)(void *arg, enum frame_rule rule, uint64_t offset);
	/* A frame header in either direction; NULL: not wanted, which is faster. */
	void (*frame)(void *arg, enum direction dir, const struct frame *f);
};

/* rng is borrowed. max_message: a received message over it is RULE_MESSAGE_TOO_BIG; 0: no limit. */
struct stream *stream_new(bool is_server, struct rng *rng, uint64_t max_message, const struct stream_events *up, void *arg);
void stream_free(struct stream *s);
/* permessage-deflate was agreed: to be called before anything is fed or sent. Messages are told, and limited, as they are after inflating. */
void stream_compress(struct stream *s, const struct deflate_terms *terms);

/* Bytes from the peer, cut anywhere. */
void stream_feed(struct stream *s, const uint8_t *data, size_t n);
/* Nothing more is heard from it, also not from the stream_feed() this may be called in. */
void stream_stop(struct stream *s);
/* Bytes fed behind the peer's Close (or behind a violation). */
uint64_t stream_ignored(const struct stream *s);
/* Payload bytes of a received message that is not finished. */
uint64_t stream_partial_in(const struct stream *s);

/*
 * Adds to the message being sent, which begins with the first call and ends with last. opcode is that of the message. Text must be valid: the caller's
 * duty. false, and nothing queued, once a Close was queued.
 */
bool stream_send(struct stream *s, uint8_t opcode, const void *data, size_t n, bool last);
/* A whole message in frames of at most size bytes, where no other message is under way. */
bool stream_send_fragments(struct stream *s, uint8_t opcode, struct span data, size_t size);
/* OP_PING or OP_PONG, at most 125 bytes; goes between fragments. false once a Close was queued. */
bool stream_send_control(struct stream *s, uint8_t opcode, struct span data);
/* A Close; code CLOSE_NO_STATUS: without body. reason is cut at STREAM_REASON_MAX, at a character. false if one was queued before. */
bool stream_send_close(struct stream *s, int code, struct span reason);
/* Payload bytes of a message that was begun and not ended. */
uint64_t stream_partial_out(const struct stream *s);
/* What is to be written; the owner consumes it. */
struct buf *stream_out(struct stream *s);

#endif
