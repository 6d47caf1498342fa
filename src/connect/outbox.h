/* SPDX-License-Identifier: MIT */
/*
 * outbox: messages on their way: kept until their last byte was handed over, so that what a lost connection did not take goes out on the next one, whole and once.
 *
 *	outbox_add() ...  [ handed over, dropped | on the connection, kept | not sent yet ]
 *
 * A message longer than the limit is not kept: when it is cut, it cannot be sent again, and the rest of its input is to be skipped.
 * Positions are conn_queued() and conn_handed() of the connection it was sent on. Pure: no conn in here.
 */
#ifndef WSDIAG_CONNECT_OUTBOX_H
#define WSDIAG_CONNECT_OUTBOX_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct outbox_item {
	uint8_t opcode;
	bool is_last;        /* complete; only the newest may not be */
	bool is_sent;        /* all that is there is on the present connection */
	bool is_unkept;      /* too long: it lives on the connection alone, and length is 0 */
	size_t length;
	uint64_t position;   /* on the connection, behind its last part */
};

struct outbox {
	size_t limit;        /* bytes of one message */
	struct buf bytes;    /* of all items, in order */
	struct outbox_item *items;
	size_t first, n, cap;/* a window of items */
	bool is_skipping;    /* the message under way was too long to keep and was cut: its rest is dropped */
	uint64_t lost;       /* messages that could not be sent again */
};

void outbox_init(struct outbox *o, size_t limit);
void outbox_deinit(struct outbox *o);

/* Part of a message. false: it is to be dropped (the rest of a message that was cut). */
bool outbox_add(struct outbox *o, uint8_t opcode, const void *data, size_t n, bool last);
/* All parts so far are on the connection, up to position. */
void outbox_sent(struct outbox *o, uint64_t position);
/* The connection has handed over so much: what is complete and below is dropped. */
void outbox_handed(struct outbox *o, uint64_t position);
/* The connection is lost: nothing of what is left is on one. */
void outbox_cut(struct outbox *o);
/* What is not on a connection, in order, until one is not taken; for a new one. Messages may be unfinished only as the last. fn puts one on the connection and
 * says up to which position, each its own: the new one may be lost in the middle of them. */
typedef bool outbox_fn(void *arg, uint8_t opcode, struct span data, bool last, uint64_t *ret_position);
void outbox_resend(struct outbox *o, outbox_fn *fn, void *arg);
/* Bytes kept. */
size_t outbox_bytes(const struct outbox *o);
/* Nothing waits, not even an empty message. */
bool outbox_is_empty(const struct outbox *o);

#endif
