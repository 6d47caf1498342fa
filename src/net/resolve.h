/* SPDX-License-Identifier: MIT */
/*
 * resolve: names to addresses. A and AAAA are asked apart (RFC 8305 section 3), so that one slow answer does not hold up the other.
 *
 * A look-up in progress cannot be cancelled (libuv): resolve_cancel() only makes it silent, and loop->lookups counts those that still hold
 * a thread.
 */
#ifndef WSDIAG_NET_RESOLVE_H
#define WSDIAG_NET_RESOLVE_H

#include "lifecycle/cause.h"
#include "net/loop.h"

#include <sys/socket.h>

struct resolve;
enum { RESOLVE_MAX = 32 };

/* Comes once for each family that was asked, from the loop. On success addresses (port filled in) are borrowed; on failure n is 0 and f is
 * set. */
typedef void resolve_fn(void *arg, int family, const struct sockaddr_storage *addresses, size_t n, const struct failure *f);

/* families: AF_INET, AF_INET6 or AF_UNSPEC for both. An IP literal is asked for its own family only, where both are allowed. */
struct resolve *resolve_start(struct loop *l, const char *host, uint16_t port, int families, resolve_fn *fn, void *arg);
/* Nobody had to be asked: host is an address. */
bool resolve_is_literal(const struct resolve *r);
/* Answers still to come. */
unsigned resolve_pending(const struct resolve *r);
/* Frees it; required also after the last answer. Allowed inside resolve_fn. */
void resolve_cancel(struct resolve *r);

#endif
