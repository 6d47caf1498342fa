/* SPDX-License-Identifier: MIT */
/*
 * handshake: the opening handshake of RFC 6455 section 4, as text and rules; no I/O.
 *
 * A client writes a request and judges the answer; a server judges a request and writes the answer. Every duty is checked by itself,
 * so that what is broken can be named.
 */
#ifndef WSDIAG_CODEC_HANDSHAKE_H
#define WSDIAG_CODEC_HANDSHAKE_H

#include "base/buf.h"
#include "base/rng.h"
#include "codec/http_head.h"

#include <stdbool.h>

enum { WS_KEY_SIZE = 24 + 1, WS_ACCEPT_SIZE = 28 + 1 };

/* 16 random bytes in base64 (section 4.1, point 7). */
void handshake_key(struct rng *rng, char ret_key[WS_KEY_SIZE]);
/* base64(SHA-1(key + GUID)) (section 4.2.2). */
void handshake_accept(struct span key, char ret_accept[WS_ACCEPT_SIZE]);

struct handshake_request {
	const char *target, *host;             /* request line and Host header */
	const char *key;
	const char *origin;                    /* NULL: none */
	const char *authorization;             /* the whole value, NULL: none */
	const struct span_list *subprotocols;  /* offered; NULL: none */
	const char *extensions;                /* offered; NULL: none */
	const struct header_list *extra;       /* sent in order, the same name as often as it is given; one that we would send ourselves
	                                          (Host, Origin, User-Agent, Sec-WebSocket-*, any) replaces ours */
};

void handshake_write_request(struct buf *out, const struct handshake_request *rq);

/* What a server answered. Spans point into the head. */
struct handshake_answer {
	struct span subprotocol, extensions;   /* p NULL: none */
};

/* offered: subprotocols; extensions: names of those that were offered; NULL: none. true when the answer opens the connection. Else a sentence in error: which header, what was expected, what came, with what the peer wrote
 * already escaped. Only for status 101. key is what was sent: the one in rq->extra if it has one. */
MUST_CHECK bool handshake_judge_answer(const struct http_head *h, const char *key, const struct span_list *offered,
    const struct span_list *extensions, struct handshake_answer *ret_answer, struct buf *error);

/* What a client asked for. Spans point into the head. */
struct handshake_offer {
	struct span key, host, origin;
	struct span subprotocol;               /* the first of ours that the client offers; p NULL: none */
};

/* 101 when the request is a proper upgrade; else the status to answer (400, 405, 426, 505) with a sentence in error (section 4.2.1). */
int handshake_judge_request(const struct http_head *h, const struct span_list *supported, struct handshake_offer *ret_offer, struct buf *error);

/* subprotocol and extensions: p NULL: none. */
void handshake_write_answer(struct buf *out, struct span key, struct span subprotocol, struct span extensions);
/* A refusal with its sentence as text/plain body. Those of handshake_judge_request() carry Sec-WebSocket-Version: 13, 405 also Allow: GET,
 * 426 also Upgrade: websocket. Connection: close. */
void handshake_write_refusal(struct buf *out, int status, const char *sentence);

/* Which intermediary seems to have written these headers (Cloudflare with its ray, CloudFront and POP, ALB, Fastly, Heroku, nginx ...);
 * appended to out, escaped, as "Cloudflare 7d2e41-FRA"; nothing when none is recognised. */
void handshake_name_hop(struct buf *out, const struct header_list *headers);

#endif
