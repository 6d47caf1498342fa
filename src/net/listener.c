/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

struct listener {
	const struct listener_events *up;
	void *arg;
	int fd;
	int reserve; /* given up for a moment when descriptors run out; -1: not had */
	bool is_closing, in_trouble;
	uv_poll_t poll;
	uv_timer_t pause;
	unsigned handles;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void
take_reserve(struct listener *li)
{
	if (li->reserve < 0)
		li->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
on_pause_over(uv_timer_t *timer)
{
	struct listener *li = timer->data;

	take_reserve(li);
	uv_poll_start(&li->poll, UV_READABLE, on_poll);
}

/* One client less that waits for a connection nobody can serve: it sees the end instead of silence. */
static void
drop_one(struct listener *li)
{
	if (li->reserve < 0)
		return;
	close(li->reserve);
	li->reserve = -1;
	int fd = accept4(li->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	take_reserve(li);
}

/* The backlog stays readable, so polling on would spin. */
static void
pause_for(struct listener *li, int err)
{
	bool is_new = !li->in_trouble;

	if (err == EMFILE || err == ENFILE)
		drop_one(li);
	uv_poll_stop(&li->poll);
	uv_timer_start(&li->pause, on_pause_over, LISTENER_PAUSE_MS, 0);
	li->in_trouble = true;
	if (is_new)
		li->up->trouble(li->arg, err);
}

/* Whether there may be more to accept. */
static bool
accept_one(struct listener *li)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char peer[64];
	int fd = accept4(li->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		li->in_trouble = false;
		tcp_format_address((struct sockaddr *)&address, peer);
		li->up->accepted(li->arg, fd, peer);
		return true;
	}
	switch (errno) {
	case EAGAIN: return false;
	case EBADF:
	case EINVAL:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case ENOTSOCK:
	case EPERM: pause_for(li, errno); return false;
	default: return true; /* an error of the connection that would have come, as accept(2) has it: on to the next */
	}
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct listener *li = poll->data;

	(void)events;
	if (status < 0) {
		pause_for(li, -status);
		return;
	}
	for (int i = 0; i < LISTENER_BATCH && !li->is_closing; i++) {
		if (!accept_one(li))
			return;
	}
}

static int
open_socket(struct sockaddr_storage *address)
{
	const int yes = 1;
	bool is_v6 = address->ss_family == AF_INET6;
	socklen_t size = is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	/* Else [::] would take the port of 0.0.0.0 too, and a second listener for that would fail. */
	if (is_v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)address, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &size) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

int
listener_new(struct loop *l, struct sockaddr_storage *address, const struct listener_events *up, void *arg, struct listener **ret)
{
	struct sockaddr_storage bound = *address;
	int fd = open_socket(&bound);

	if (fd < 0)
		return fd;
	struct listener *li = xcalloc(1, sizeof(*li));
	int rc = uv_poll_init(&l->uv, &li->poll, fd);
	if (rc < 0) {
		close(fd);
		free(li);
		return rc;
	}
	uv_timer_init(&l->uv, &li->pause);
	li->handles = 2;
	li->up = up;
	li->arg = arg;
	li->fd = fd;
	li->reserve = -1;
	li->poll.data = li->pause.data = li;
	take_reserve(li);
	uv_poll_start(&li->poll, UV_READABLE, on_poll);
	*address = bound;
	*ret = li;
	return 0;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct listener *li = handle->data;

	if (--li->handles > 0)
		return;
	li->up->closed(li->arg);
	free(li);
}

void
listener_close(struct listener *li)
{
	li->is_closing = true;
	uv_close((uv_handle_t *)&li->poll, on_handle_closed);
	uv_close((uv_handle_t *)&li->pause, on_handle_closed);
	close(li->fd);
	if (li->reserve >= 0)
		close(li->reserve);
}

void
listener_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}
