/* SPDX-License-Identifier: MIT */
/*
 * client: one dial, from its URL to an open conn or to the reason why not: net/dial, then the upgrade (RFC 6455 section 4.1). It writes the dial, failed,
 * open and head events.
 */
#ifndef WSDIAG_WS_CLIENT_H
#define WSDIAG_WS_CLIENT_H

#include "codec/handshake.h"
#include "codec/url.h"
#include "net/dial.h"
#include "ws/conn.h"

enum { CLIENT_BODY_MAX = 4096, CLIENT_BODY_WAIT_MS = 1000 };

struct client;

/* Everything is borrowed until opened or failed. */
struct client_options {
	const struct url *url;
	struct tls_context *tls;               /* for wss */
	int families;
	const struct dial_pin *pins;
	size_t n_pins;
	const char *host;                      /* Host header instead of the URL's; NULL */
	const char *origin, *authorization;    /* NULL: none */
	const struct span_list *subprotocols;
	const struct header_list *headers;
	bool offers_deflate;                   /* permessage-deflate */
	int64_t connect_timeout_us;            /* the whole dial */
	int64_t down_us;                       /* since the session's last connection ended; US_UNKNOWN: there was none */
	uint32_t failed;                       /* dials that failed since then */
	struct conn_settings conn;             /* id: what it will be if it opens; dial: this one */
	const struct conn_events *conn_up;
	void *conn_arg;
};

struct client_failure {
	struct failure failure;
	int status;                            /* of the answer, 0: none */
	struct span location;                  /* of a 3xx; p NULL: none */
	struct span retry_after;               /* p NULL: none */
};

struct client_events {
	/* Exactly one of the two, from the loop. opened: the conn's events go to conn_up. */
	void (*opened)(void *arg, struct conn *c);
	void (*failed)(void *arg, const struct client_failure *f);
	/* After failed or cancel: every handle is closed. (After opened there is none.) */
	void (*gone)(void *arg);
};

struct client *client_dial(const struct client_options *opt, const struct client_events *up, void *arg);
/* Ends the dial: failed (CAUSE_LOCAL_INTERRUPT) is logged but not called; gone follows. */
void client_cancel(struct client *c);

#endif
