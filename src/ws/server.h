/* SPDX-License-Identifier: MIT */
/*
 * server: one accepted socket, from TLS and the request (RFC 6455 section 4.2) to an open conn or a refusal. It writes the reject, open and head events.
 */
#ifndef WSDIAG_WS_SERVER_H
#define WSDIAG_WS_SERVER_H

#include "codec/handshake.h"
#include "net/tls.h"
#include "ws/conn.h"

struct server;

/* Borrowed until opened or gone. conn.session, .dial and .id are set here: session and dial from the client's tag. */
struct server_options {
	struct tls_context *tls;               /* NULL: plain */
	const struct span_list *subprotocols;  /* in our order of preference */
	bool accepts_deflate;                  /* permessage-deflate, where the client offers it */
	const char *tag_query;                 /* a query parameter that may carry the tag; NULL: the header only */
	int64_t upgrade_timeout_us;            /* from accept to the end of the request head */
	struct conn_settings conn;
	const struct conn_events *conn_up;
};

/* Steps of an upgrade that somebody may meddle with: a fault plan. */
enum server_step { SERVER_ACCEPT, SERVER_REQUEST, SERVER_RESPONSE };

/* What becomes of a step; zeroed: it goes on. */
struct server_turn {
	int64_t wait_us;               /* first of all */
	const char *sent_end;          /* it ends, in these words ("RST"), and as how says; NULL: it does not */
	enum transport_close how;
	bool half_closes;              /* FIN, and then silence */
	bool is_silent;                /* no answer, ever: what comes is read and thrown away */
	int status;                    /* this answer instead of a 101; 0: none */
	const char *sentence;          /* ... and its body */
};

struct server_events {
	/* NULL: nobody meddles. request: NULL at accept. answer: the 101 at response, to be changed as one likes; else NULL. */
	void (*step)(void *arg, enum server_step step, const struct http_head *request, struct buf *answer, struct server_turn *ret);
	/* NULL: nothing in between. Directly after admit said 101: puts a layer on top of t, which then has these bytes to give and to write. */
	struct transport *(*wrap)(void *arg, void *conn_arg, struct transport *t, struct span early, struct span unsent);
	/* Asked when the request is a proper upgrade: 101 to go on, or another status with a sentence (503). ret_conn_arg: for the conn's events. */
	int (*admit)(void *arg, uint32_t *ret_id, void **ret_conn_arg, struct buf *sentence);
	/* Directly after admit said 101. */
	void (*opened)(void *arg, void *conn_arg, struct conn *c);
	/* The socket is closed, or belongs to a conn: the server object is gone. */
	void (*gone)(void *arg);
};

/* Takes over fd. */
struct server *server_accept(const struct server_options *opt, int fd, const char *peer, const struct server_events *up, void *arg);
/* Ends it at once (shutting down). gone follows. */
void server_cancel(struct server *s);

#endif
