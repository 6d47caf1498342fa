/* SPDX-License-Identifier: MIT */
/*
 * pipe_transport: two transports in memory, each the other's far end, with a hand on what goes through: split it, hold it, damage it, end it.
 *
 *	writev(a) -> [ bytes in b ] -> read(b)
 *
 * It keeps the rules of net/transport.h; T_READ and T_WRITE come as long as they are wanted and there is something to do, as uv_poll has it.
 * No handle is involved: when nobody can go on, loop_run() returns, so a stall shows as missing bytes rather than as a test that hangs.
 */
#ifndef WSDIAG_TESTS_PIPE_TRANSPORT_H
#define WSDIAG_TESTS_PIPE_TRANSPORT_H

#include "net/transport.h"

/* Both are open from the start (opened does not come) and have no owner yet. */
void pipe_pair(struct loop *l, struct transport *ret[2]);

/* What comes to this end. */
/* At most n bytes in one turn of the loop; 0: no limit. */
void pipe_split(struct transport *t, size_t n);
/* At most n bytes wait unread; beyond that the other end cannot write. */
void pipe_capacity(struct transport *t, size_t n);
/* Nothing is to be read while held, nor can an end be seen. */
void pipe_hold(struct transport *t, bool held);
/* Flips a bit in byte number offset, from the beginning of all that comes. */
void pipe_corrupt(struct transport *t, size_t offset);
/* As if the other end had sent it. */
void pipe_inject(struct transport *t, const void *data, size_t n);
/* After byte number offset this end sees a FIN (err 0) or the error, whatever else is sent. */
void pipe_cut(struct transport *t, size_t offset, int err);
/* How many bytes have come so far, read or not. */
size_t pipe_arrived(const struct transport *t);
/* The other end gets err from its writes from now on. */
void pipe_fail_writes(struct transport *t, int err);
/* How the owner above closed the other end; -1: it has not. */
int pipe_closed_by_peer(const struct transport *t);

#endif
