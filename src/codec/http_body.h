/* SPDX-License-Identifier: MIT */
/* http_body: how much of an answer's body there is to read, and its text without the chunked coding (RFC 9112 sections 6 and 7). */
#ifndef WSDIAG_CODEC_HTTP_BODY_H
#define WSDIAG_CODEC_HTTP_BODY_H

#include "codec/http_head.h"

/* The bytes that came behind the head, decoded, at most max of them. True when the body is complete or max was reached; false when more may come
 * (until the connection ends, if the head does not say how much). Lenient: a chunk that makes no sense is shown as it came. */
bool http_body(const struct http_head *h, struct span raw, size_t max, struct buf *out);

#endif
