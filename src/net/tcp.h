/* SPDX-License-Identifier: MIT */
/*
 * tcp: the bottom of the stack: a TCP socket on uv_poll_t.
 *
 * poll tells an RST as UV_EBADF with data still readable, a send can consume the error that a read would have shown, and EPIPE after a FIN
 * means FIN, then RST: so every non-zero status is read to the end, and the first errno of either direction outranks a later 0.
 *
 * Only what is wanted keeps the loop alive; closing does too, until the peer's FIN or DRAIN_MS.
 */
#ifndef WSDIAG_NET_TCP_H
#define WSDIAG_NET_TCP_H

#include "net/transport.h"

/* Connects to one address. opened or failed follows; stage is STAGE_TCP. The transport is returned also when the system refuses at once:
 * failed then comes from the loop. */
struct transport *tcp_connect(struct loop *l, const struct sockaddr *address, const struct transport_events *up, void *arg);
/* Takes over a connected, non-blocking socket. opened follows. */
struct transport *tcp_adopt(struct loop *l, int fd, const struct transport_events *up, void *arg);

/* What err (positive) from a connect means, in a sentence about who: an address, or "2 addresses (last ...)". */
void tcp_describe_failure(struct failure *f, int err, const char *who);
/* Numeric address and port; IPv6 in brackets. */
void tcp_format_address(const struct sockaddr *address, char ret[64]);

#endif
