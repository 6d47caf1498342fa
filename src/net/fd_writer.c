/* SPDX-License-Identifier: MIT */
#include "net/fdio.h"

#include "net/fd_poll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WRITE_AT = 64 * 1024,   /* no use in gathering more: it leaves the cache, and the queue grows */
	QUEUE_KEEP = 256 * 1024 /* memory of the queue that is kept for the next time: mapping it anew costs more than filling it */
};

struct fd_writer {
	struct loop *l;
	const struct fd_writer_events *up;
	void *arg;
	int fd; /* ours; -1: failed before it began */
	enum fd_access access;
	bool is_pipe;
	struct buf queue;
	bool is_full;      /* has been above FD_WRITER_HIGH, drained is owed */
	bool is_blocked;   /* took less than there was: poll tells when it takes more */
	int error;         /* positive; 0: none */
	bool is_error_told, is_closing, is_released;
	struct loop_task task;
	bool has_poll;
	struct fd_poll poll;
	uv_timer_t grace;
	unsigned handles;
};

static ssize_t
write_some(struct fd_writer *w, const void *data, size_t n)
{
	switch (w->access) {
	case FD_SOCKET:
		return send(w->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case FD_SHARED:
		/* A pipe that has room at all has room for PIPE_BUF. */
		if (poll(&(struct pollfd){ .fd = w->fd, .events = POLLOUT }, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(w->fd, data, MIN(n, (size_t)PIPE_BUF));
	default:
		return write(w->fd, data, n);
	}
}

static void
fail(struct fd_writer *w, int err)
{
	if (w->error == 0)
		w->error = err;
	w->is_full = false;
	buf_deinit(&w->queue);
}

/* Writes until the queue is empty, the descriptor full, or writing over. */
static void
write_queue(struct fd_writer *w)
{
	w->is_blocked = false;
	while (w->queue.len > 0 && w->error == 0) {
		ssize_t n = write_some(w, buf_head(&w->queue), w->queue.len);

		if (n >= 0) {
			buf_consume(&w->queue, (size_t)n);
		} else if (errno == EAGAIN && w->has_poll) {
			w->is_blocked = true;
			return;
		} else if (errno == EAGAIN) {
			/* Somebody made a descriptor that cannot be polled non-blocking; wait as write would have. */
			poll(&(struct pollfd){ .fd = w->fd, .events = POLLOUT }, 1, -1);
		} else if (errno != EINTR) {
			fail(w, errno);
		}
	}
	buf_shrink(&w->queue, QUEUE_KEEP);
}

static void
on_handle_closed(struct fd_writer *w)
{
	if (--w->handles > 0)
		return;
	w->up->closed(w->arg);
	buf_deinit(&w->queue);
	free(w);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	on_handle_closed(handle->data);
}

static void
on_poll_closed(struct fd_poll *poll)
{
	on_handle_closed(container_of(poll, struct fd_writer, poll));
}

static void
release(struct fd_writer *w)
{
	w->is_released = true;
	loop_undefer(&w->task);
	uv_close((uv_handle_t *)&w->grace, on_timer_closed);
	if (w->has_poll)
		fd_poll_close(&w->poll);
	if (w->fd >= 0)
		close(w->fd);
}

/* From the loop: tells what a write brought, and sees to what comes next. */
static void
settle(struct fd_writer *w)
{
	if (w->error != 0 && !w->is_error_told) {
		w->is_error_told = true;
		w->up->failed(w->arg, w->error);
	} else if (w->is_full && w->queue.len < FD_WRITER_LOW && !w->is_closing) {
		w->is_full = false;
		w->up->drained(w->arg);
	}
	if (w->is_released)
		return;
	if (w->is_closing && (w->queue.len == 0 || !uv_is_active((uv_handle_t *)&w->grace)))
		release(w);
	else if (w->has_poll && w->error != 0)
		fd_poll_stop(&w->poll);
	else if (w->has_poll)
		fd_poll_start(&w->poll, w->queue.len > 0 ? EPOLLOUT : FD_POLL_ERRORS);
}

static void
on_task(struct loop_task *task)
{
	struct fd_writer *w = container_of(task, struct fd_writer, task);

	write_queue(w);
	settle(w);
}

static void
on_ready(struct fd_poll *poll, uint32_t events)
{
	struct fd_writer *w = container_of(poll, struct fd_writer, poll);

	write_queue(w);
	/* The other end has gone, and no write was there to tell: `| head -1` with nothing more to say. */
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && w->queue.len == 0)
		fail(w, w->is_pipe || w->access == FD_SOCKET ? EPIPE : EIO);
	settle(w);
}

static void
on_grace_over(uv_timer_t *timer)
{
	release(timer->data);
}

static int
open_descriptor(struct fd_writer *w, int fd)
{
	struct stat st;
	int rc = fd_access_open(fd, O_WRONLY, &w->fd, &w->access);

	if (rc == -ENXIO) {
		/* A pipe without a reader: found out before the first write, told like one. */
		w->fd = -1;
		w->error = EPIPE;
		return 0;
	}
	if (rc < 0)
		return rc;
	w->is_pipe = fstat(w->fd, &st) == 0 && S_ISFIFO(st.st_mode);
	if (w->access == FD_FILE)
		return 0;
	rc = fd_poll_init(&w->poll, w->l, w->fd);
	if (rc < 0)
		close(w->fd);
	w->has_poll = rc == 0;
	return rc;
}

int
fd_writer_new(struct loop *l, int fd, const struct fd_writer_events *up, void *arg, struct fd_writer **ret)
{
	struct fd_writer *w = xcalloc(1, sizeof(*w));

	w->l = l;
	w->up = up;
	w->arg = arg;
	w->task.run = on_task;
	w->poll.ready = on_ready;
	w->poll.closed = on_poll_closed;
	int rc = open_descriptor(w, fd);
	if (rc < 0) {
		free(w);
		return rc;
	}
	uv_timer_init(&l->uv, &w->grace);
	w->grace.data = w;
	w->handles = w->has_poll ? 2 : 1;
	loop_defer(l, &w->task);
	*ret = w;
	return 0;
}

struct buf *
fd_writer_queue(struct fd_writer *w)
{
	return &w->queue;
}

void
fd_writer_flush_later(struct fd_writer *w)
{
	if (w->error != 0)
		buf_clear(&w->queue);
	if (w->queue.len >= WRITE_AT && !w->is_blocked)
		write_queue(w);
	w->is_full = w->is_full || w->queue.len > FD_WRITER_HIGH;
	loop_defer(w->l, &w->task);
}

bool
fd_writer_is_full(const struct fd_writer *w)
{
	return w->is_full;
}

bool
fd_writer_is_empty(const struct fd_writer *w)
{
	return w->queue.len == 0;
}

void
fd_writer_close(struct fd_writer *w, unsigned grace_ms)
{
	if (w->is_closing)
		return;
	w->is_closing = true;
	write_queue(w);
	/* Without a timer settle() waits for nothing. */
	if (w->queue.len > 0 && grace_ms > 0)
		uv_timer_start(&w->grace, on_grace_over, grace_ms, 0);
	loop_defer(w->l, &w->task);
}
