/* SPDX-License-Identifier: MIT */
#include "net/fd_poll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

int
fd_poll_init(struct fd_poll *p, struct loop *l, int fd)
{
	struct epoll_event ev = { .events = 0 };

	p->fd = fd;
	p->is_started = false;
	p->events = 0;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return -errno;
	int rc = epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : uv_poll_init(&l->uv, &p->poll, p->epoll);
	if (rc < 0)
		close(p->epoll);
	return rc;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct fd_poll *p = container_of(poll, struct fd_poll, poll);
	struct epoll_event ev;

	(void)events;
	assert(status == 0);
	(void)status;
	if (epoll_wait(p->epoll, &ev, 1, 0) == 1)
		p->ready(p, ev.events);
}

void
fd_poll_start(struct fd_poll *p, uint32_t events)
{
	if (events != p->events) {
		struct epoll_event ev = { .events = events };
		int rc = epoll_ctl(p->epoll, EPOLL_CTL_MOD, p->fd, &ev);

		assert(rc == 0);
		(void)rc;
		p->events = events;
	}
	if (!p->is_started) {
		uv_poll_start(&p->poll, UV_READABLE, on_poll);
		p->is_started = true;
	}
}

void
fd_poll_stop(struct fd_poll *p)
{
	if (p->is_started)
		uv_poll_stop(&p->poll);
	p->is_started = false;
}

static void
on_closed(uv_handle_t *handle)
{
	struct fd_poll *p = container_of((uv_poll_t *)handle, struct fd_poll, poll);

	p->closed(p);
}

void
fd_poll_close(struct fd_poll *p)
{
	uv_close((uv_handle_t *)&p->poll, on_closed);
	close(p->epoll);
}

static bool
can_poll(int fd)
{
	struct epoll_event ev = { .events = 0 };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	bool can = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == 0 || errno != EPERM;

	close(epoll);
	return can;
}

int
fd_access_open(int fd, int flags, int *ret_fd, enum fd_access *ret_access)
{
	char path[32];
	struct stat st;
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((mode & O_PATH) != 0 || ((mode & O_ACCMODE) != O_RDWR && (mode & O_ACCMODE) != flags))
		return -EBADF;
	enum fd_access how = S_ISSOCK(st.st_mode) ? FD_SOCKET : can_poll(fd) ? FD_SHARED : FD_FILE;
	int own = -1;
	if (how == FD_SHARED) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (own < 0 && errno == ENXIO && S_ISFIFO(st.st_mode))
			return -ENXIO;
		if (own >= 0)
			how = FD_OWN;
	}
	if (own < 0)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0)
		return -errno;
	*ret_fd = own;
	*ret_access = how;
	return 0;
}
