/* SPDX-License-Identifier: MIT */
/*
 * fd_poll: readiness of a descriptor that others share: an epoll instance of its own, which in turn is what uv_poll_t watches.
 *
 * uv_poll_init() sets O_NONBLOCK on what it is given, and so on everybody's end of a shared socket or terminal; here it is set on the epoll
 * instance, where it harms nobody. It also lets errors and hang-ups be watched for alone, which UV_DISCONNECT does not on a pipe.
 */
#ifndef WSDIAG_NET_FD_POLL_H
#define WSDIAG_NET_FD_POLL_H

#include "net/loop.h"

#include <stdint.h>

struct fd_poll {
	uv_poll_t poll;
	int epoll, fd;
	bool is_started;
	uint32_t events;
	/* events as of epoll(7). The watch goes on: who does not act on it is called again. */
	void (*ready)(struct fd_poll *p, uint32_t events);
	void (*closed)(struct fd_poll *p);
};

enum { FD_POLL_ERRORS = 0 }; /* EPOLLERR and EPOLLHUP are always told */

/* ready and closed are set by the owner. Starts stopped. 0 or a negative errno; -EPERM: cannot be polled, as a file. fd is borrowed. */
MUST_CHECK int fd_poll_init(struct fd_poll *p, struct loop *l, int fd);
/* EPOLLIN, EPOLLOUT, both or FD_POLL_ERRORS. */
void fd_poll_start(struct fd_poll *p, uint32_t events);
void fd_poll_stop(struct fd_poll *p);
/* closed follows from the loop; fd may be closed right away. */
void fd_poll_close(struct fd_poll *p);

/* How a descriptor can be used without blocking and without changing its flags. */
enum fd_access {
	FD_OWN,    /* reopened: non-blocking, a description of our own */
	FD_SOCKET, /* a copy: recv and send with MSG_DONTWAIT */
	FD_SHARED, /* a copy of a pipe or terminal that cannot be reopened: it may block, so only what poll(2) promises */
	FD_FILE,   /* a copy of what cannot be polled: a file, /dev/null */
};

/* flags: O_RDONLY or O_WRONLY. 0 or a negative errno: -EBADF, -ENXIO (a FIFO nobody reads). ret_fd is the caller's. */
MUST_CHECK int fd_access_open(int fd, int flags, int *ret_fd, enum fd_access *ret_access);

#endif
