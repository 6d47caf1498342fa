/* SPDX-License-Identifier: MIT */
/*
 * frame: a lenient decoder of WebSocket frame headers (RFC 6455 section 5.2). It reports every rule a frame breaks and goes on as
 * long as the bytes can still be cut into frames. No payload is kept; feed it the bytes as they come, cut anywhere.
 *
 * It is the authority on headers and rules: wslay answers most violations with one number and no reason.
 */
#ifndef WSDIAG_CODEC_FRAME_H
#define WSDIAG_CODEC_FRAME_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum opcode { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };
enum { FRAME_HEADER_MAX = 14, FRAME_CONTROL_MAX = 125 };

struct frame {
	bool fin;
	uint8_t rsv;            /* 4 RSV1, 2 RSV2, 1 RSV3 */
	uint8_t opcode;
	bool masked;
	uint8_t mask[4];
	uint64_t length;        /* of the payload, up to 2^63-1 */
	uint64_t offset;        /* of the first header byte, in all bytes fed */
	uint8_t header_length;
};

/* X(identifier, sentence, section, close code that answers it) : the rules a frame header or a frame's place can break */
#define FRAME_RULES(X)                                                                                                 \
	X(RSV1, "reserved bit RSV1 set without an extension", "5.2", 1002)                                             \
	X(RSV2, "reserved bit RSV2 set", "5.2", 1002)                                                                  \
	X(RSV3, "reserved bit RSV3 set", "5.2", 1002)                                                                  \
	X(RESERVED_OPCODE, "reserved opcode", "5.2", 1002)                                                             \
	X(NOT_MASKED, "frame from a client is not masked", "5.1", 1002)                                                \
	X(MASKED, "frame from a server is masked", "5.1", 1002)                                                        \
	X(LENGTH_NOT_MINIMAL, "payload length not in its shortest form", "5.2", 1002)                                  \
	X(LENGTH_HIGH_BIT, "payload length with its highest bit set", "5.2", 1002)                                     \
	X(CONTROL_FRAGMENTED, "control frame is fragmented", "5.5", 1002)                                              \
	X(CONTROL_TOO_LONG, "control frame longer than 125 bytes", "5.5", 1002)                                        \
	X(CONTINUATION_ALONE, "continuation frame without a message to continue", "5.4", 1002)                         \
	X(MESSAGE_INTERLEAVED, "new message before the last one was finished", "5.4", 1002)                            \
	X(CLOSE_ONE_BYTE, "Close body of one byte", "5.5.1", 1002)                                                     \
	X(CLOSE_CODE, "close code that must not be sent", "7.4.1", 1002)                                               \
	X(CLOSE_REASON_UTF8, "close reason is not UTF-8", "5.5.1", 1007)                                               \
	X(TEXT_UTF8, "text message is not UTF-8", "8.1", 1007)                                                         \
	X(MESSAGE_TOO_BIG, "message larger than our limit", "10.4", 1009)                                              \
	X(DEFLATE, "compressed data that cannot be inflated (RFC 7692 7.2.2)", "7.4.1", 1007)                          \
	X(UNREADABLE, "frame that cannot be read", "5.2", 1002)

enum frame_rule {
	RULE_NONE,
#define X(id, sentence, section, code) RULE_##id,
	FRAME_RULES(X)
#undef X
};

const char *frame_rule_sentence(enum frame_rule r);
const char *frame_rule_section(enum frame_rule r); /* "5.2" */
int frame_rule_answer(enum frame_rule r);          /* the close code */

enum frame_sender { FROM_CLIENT, FROM_SERVER, FROM_ANYONE };

struct frame_decoder {
	enum frame_sender sender;
	bool rsv1_allowed;      /* permessage-deflate was agreed */
	/* private */
	uint8_t header[FRAME_HEADER_MAX];
	uint8_t have;
	uint64_t payload_left, fed;
	bool in_message;
};

enum frame_step {
	FRAME_MORE,     /* all bytes used, in the middle of a header */
	FRAME_HEADER,   /* *ret_frame is complete; its payload follows (may be empty) */
	FRAME_PAYLOAD,  /* *ret_used payload bytes were passed over; the frame goes on or is finished */
};

void frame_decoder_init(struct frame_decoder *d, enum frame_sender sender);
/* Takes one step through data (n > 0). *ret_used says how many bytes it took. After FRAME_HEADER, rules[] holds what this frame breaks
 * (RULE_NONE always ends it; at most 7 before): whether to go on is the caller's choice, except after LENGTH_HIGH_BIT, where nothing that
 * follows can be cut. */
enum frame_step frame_decode(struct frame_decoder *d, const uint8_t *data, size_t n, size_t *ret_used, struct frame *ret_frame,
    enum frame_rule rules[8]);
/* Payload bytes of the current frame still to come. */
static inline uint64_t
frame_payload_left(const struct frame_decoder *d)
{
	return d->payload_left;
}

/* Writes a header in its shortest form; returns its length. f->mask is used when f->masked. */
size_t frame_encode(const struct frame *f, uint8_t out[FRAME_HEADER_MAX]);

#endif
