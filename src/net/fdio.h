/* SPDX-License-Identifier: MIT */
/*
 * fdio: stdin and stdout, whatever they are: a pipe, a file, a terminal, a socket, /dev/null; without blocking the loop and without
 * changing flags that other processes share.
 *
 * A pipe or terminal is reopened through /proc/self/fd, or else used only as far as poll(2) promises; a socket is used with MSG_DONTWAIT;
 * a file is read in the thread pool. The descriptor given may be closed once the reader or writer has been made.
 */
#ifndef WSDIAG_NET_FDIO_H
#define WSDIAG_NET_FDIO_H

#include "net/loop.h"
#include "base/buf.h"

struct fd_reader;

struct fd_reader_events {
	/* Borrowed bytes. Pausing inside is allowed: nothing more comes then. */
	void (*data)(void *arg, const uint8_t *data, size_t n);
	/* Once: err 0 is the end of input, else a positive errno. */
	void (*ended)(void *arg, int err);
	void (*closed)(void *arg);
};

/* 0 or a negative errno (a closed descriptor: -EBADF). fd is borrowed. Starts paused. */
MUST_CHECK int fd_reader_new(struct loop *l, int fd, const struct fd_reader_events *up, void *arg, struct fd_reader **ret);
void fd_reader_resume(struct fd_reader *r);
void fd_reader_pause(struct fd_reader *r);
void fd_reader_close(struct fd_reader *r);

struct fd_writer;

struct fd_writer_events {
	/* What was queued has fallen below FD_WRITER_LOW after having been above FD_WRITER_HIGH. */
	void (*drained)(void *arg);
	/* Writing is over, positive errno: EPIPE, ENOSPC, ... Once; what is queued is dropped, and so is what is put afterwards. Comes also
	 * with nothing queued, when the reader of a pipe goes away. */
	void (*failed)(void *arg, int err);
	void (*closed)(void *arg);
};

enum { FD_WRITER_HIGH = 256 * 1024, FD_WRITER_LOW = 64 * 1024 };

MUST_CHECK int fd_writer_new(struct loop *l, int fd, const struct fd_writer_events *up, void *arg, struct fd_writer **ret);
/* The queue to append to; then fd_writer_flush_later(). Written out when the loop runs dry, or at once past FD_WRITER_HIGH. */
struct buf *fd_writer_queue(struct fd_writer *w);
void fd_writer_flush_later(struct fd_writer *w);
/* More than FD_WRITER_HIGH was left after a flush: stop producing until drained. */
bool fd_writer_is_full(const struct fd_writer *w);
bool fd_writer_is_empty(const struct fd_writer *w);
/* Closes after what is queued has been written, or after grace_ms (0: at once) if it cannot be; closed follows. failed may still come
 * before it (the disk filled up at the last write); calling this again then changes nothing. */
void fd_writer_close(struct fd_writer *w, unsigned grace_ms);

#endif
