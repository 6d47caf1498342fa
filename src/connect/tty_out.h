/* SPDX-License-Identifier: MIT */
/*
 * tty_out: output to a terminal that may stop taking it (Ctrl-S, a window that hangs): what is written waits in memory, and the loop goes
 * on. Who has more to say than must be said asks tty_out_is_full() first.
 *
 *	libedit --> stream --> glyph_draw() --+--> memory --> terminal
 *	                    tty_out_write() --+
 */
#ifndef WSDIAG_CONNECT_TTY_OUT_H
#define WSDIAG_CONNECT_TTY_OUT_H

#include "net/loop.h"

#include <stdio.h>

enum { TTY_OUT_HIGH = 1024 * 1024 };

struct tty_out;

/* fd is a terminal, which is opened anew: non-blocking without changing what others share. drained: after is_full(), everything has been taken. NULL and errno. */
struct tty_out *tty_out_new(struct loop *l, int fd, void (*drained)(void *arg), void *arg);
/* Gives the terminal a moment for what still waits, and drops the rest. Runs the loop until it is closed. */
void tty_out_free(struct tty_out *o);
/* For libedit; never fails. */
FILE *tty_out_stream(struct tty_out *o);
/* Behind what went to the stream. */
void tty_out_write(struct tty_out *o, struct span bytes);
bool tty_out_is_full(const struct tty_out *o);

#endif
