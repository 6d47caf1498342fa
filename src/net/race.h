/* SPDX-License-Identifier: MIT */
/*
 * race: which of several addresses connects first (RFC 8305 sections 4 and 5). Families alternate, IPv6 first; the next address is tried
 * DIAL_STAGGER_MS after the last was, or at once when one fails. Addresses may join late.
 */
#ifndef WSDIAG_NET_RACE_H
#define WSDIAG_NET_RACE_H

#include "net/transport.h"

#include <sys/socket.h>

struct race;

struct race_events {
	/* The first to connect, the receiver's from here; the others are being closed. */
	void (*won)(void *arg, struct transport *t, int family, int64_t connect_us);
	/* All that were tried have failed and none is left: add some, or give up. */
	void (*idle)(void *arg);
};

struct race *race_new(struct loop *l, const struct race_events *up, void *arg);
void race_add(struct race *r, const struct sockaddr_storage *addresses, size_t n);
void race_start(struct race *r);
/* Silent from now on; frees itself when its handles are closed, at the earliest in the next turn of the loop. */
void race_close(struct race *r);

/* Nothing is being tried. */
bool race_is_idle(const struct race *r);
/* The address tried last, or that won; NULL: none yet. */
const char *race_target(const struct race *r);
/* The winner failed after all, in a later stage. */
void race_disqualify(struct race *r, enum cause cause);
/* Those that failed; borrowed until the next call. */
struct attempt_list race_attempts(struct race *r);
/* The most telling failure; false: nothing has failed. */
bool race_failure(const struct race *r, struct failure *ret);

#endif
