/* SPDX-License-Identifier: MIT */
/* head_io: sends one HTTP head over a transport and reads one; what both sides of an upgrade have in common. */
#ifndef WSDIAG_WS_HEAD_IO_H
#define WSDIAG_WS_HEAD_IO_H

#include "codec/http_head.h"
#include "net/transport.h"

struct head_io {
	struct transport *transport;
	struct buf out, in;
	struct http_head head;
	size_t seen;        /* bytes of in that were looked at */
	bool reads_answer;
	bool is_over;       /* reading ended */
};

void head_io_init(struct head_io *io, struct transport *t, bool reads_answer);
void head_io_deinit(struct head_io *io);
/* Writes what is in out; true when all of it was taken. A write error is not told: reading will end. */
bool head_io_write(struct head_io *io);
/* Reads once what there is into in, at most a head's size; is_over is set at the end, which is never read together with what came before it: it may be
 * for who takes the transport over. What was parsed before points to where in was. */
void head_io_fill(struct head_io *io, struct loop *l);
/* Parses what has come. */
enum http_result head_io_parse(struct head_io *io, const char **ret_error);
/* Again, a head that is complete: after more was read behind it. */
void head_io_parse_again(struct head_io *io);
/* The bytes behind the head. */
struct span head_io_rest(const struct head_io *io);

#endif
