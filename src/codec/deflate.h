/* SPDX-License-Identifier: MIT */
/*
 * deflate: permessage-deflate (RFC 7692): what is offered and agreed, and the payload itself, by zlib. A message is fed in parts and comes out in parts of at most
 * DEFLATE_PART bytes, so that a bomb costs time and no memory: how much may come out is the caller's to count.
 */
#ifndef WSDIAG_CODEC_DEFLATE_H
#define WSDIAG_CODEC_DEFLATE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { DEFLATE_PART = 16 * 1024 };

/* As agreed, seen from one end: ours is what we send, theirs what we receive. */
struct deflate_terms {
	bool is_agreed;
	bool we_reset, they_reset;   /* *_no_context_takeover (section 7.1.1): each message begins anew */
	int our_bits, their_bits;    /* of the LZ77 window (section 7.1.2), 8 to 15 */
};

/* What a client offers: with both directions' windows free to choose. */
#define DEFLATE_OFFER "permessage-deflate; client_max_window_bits"

/* A client reads the answer to DEFLATE_OFFER. false with a sentence when it agrees to what was not offered, or makes no sense. */
MUST_CHECK bool deflate_judge_answer(struct span value, struct deflate_terms *ret, struct buf *error);
/* A server chooses the first offer it understands, of a header's comma-separated ones; the answer is appended. false: none. */
MUST_CHECK bool deflate_accept(struct span offers, struct deflate_terms *ret, struct buf *answer);

/* false: stop. */
typedef bool deflate_part_fn(void *arg, const uint8_t *data, size_t n);
enum inflate_result { INFLATE_OK, INFLATE_STOPPED, INFLATE_BAD };

struct inflater;
struct inflater *inflater_new(const struct deflate_terms *terms);
void inflater_free(struct inflater *i);
enum inflate_result inflater_feed(struct inflater *i, const uint8_t *data, size_t n, deflate_part_fn *part, void *arg);
/* The message's last frame has been fed. */
enum inflate_result inflater_end(struct inflater *i, deflate_part_fn *part, void *arg);

struct deflater;
/* NULL when the agreed window is one that zlib cannot make (8 bits): messages then go out uncompressed, as they may. */
struct deflater *deflater_new(const struct deflate_terms *terms);
void deflater_free(struct deflater *d);
/* Appends what there is of the compressed message; last ends it. */
void deflater_feed(struct deflater *d, const uint8_t *data, size_t n, bool last, struct buf *out);

#endif
