/* SPDX-License-Identifier: MIT */
/*
 * dial: from a host and a port to an open transport: names, the race of RFC 8305 between addresses (250 ms apart, IPv6 first, families
 * alternating), then TLS. The upgrade is not its business. It has no timeout of its own: the owner cancels, and dial_stage() says where it stood.
 */
#ifndef WSDIAG_NET_DIAL_H
#define WSDIAG_NET_DIAL_H

#include "net/tls.h"

enum { DIAL_STAGGER_MS = 250, DIAL_ATTEMPTS_MAX = 16 };

struct dial;

/* --resolve HOST:PORT:ADDRESS[,ADDRESS...], as curl has it: these addresses instead of the resolver's. */
struct dial_pin {
	const char *host;            /* "*": any */
	uint16_t port;               /* 0: any */
	const struct sockaddr_storage *addresses; /* the port in them is ignored */
	size_t n;
};

struct dial_options {
	const char *host;            /* name or literal, without brackets */
	uint16_t port;
	int families;                /* AF_UNSPEC, AF_INET, AF_INET6 */
	struct tls_context *tls;     /* NULL: plain */
	const char *tls_name;        /* NULL: host */
	const struct dial_pin *pins;
	size_t n_pins;
};

struct dial_events {
	/* The transport is the receiver's from here: transport_set_owner() and use it. timing has no upgrade. The dial is gone after the call. */
	void (*opened)(void *arg, struct transport *t, const struct dial_timing *timing, const struct attempt_list *attempts);
	/* attempts are those that failed; f is the most telling of them. The dial is gone after the call. */
	void (*failed)(void *arg, const struct failure *f, const struct attempt_list *attempts);
};

/* Options are copied, but for tls. Nothing is called back from inside. */
struct dial *dial_start(struct loop *l, const struct dial_options *opt, const struct dial_events *up, void *arg);
/* Silent from now on; frees itself when its handles are closed. */
void dial_cancel(struct dial *d);
enum stage dial_stage(const struct dial *d);
/* What is being tried, for a timeout's sentence: "192.0.2.1:443", or the host. */
const char *dial_target(const struct dial *d);
/* Addresses that have failed so far, borrowed until the next turn of the loop. */
struct attempt_list dial_attempts(const struct dial *d);

#endif
