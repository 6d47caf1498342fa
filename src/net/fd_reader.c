/* SPDX-License-Identifier: MIT */
#include "net/fdio.h"

#include "net/fd_poll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_CHUNK = 256 * 1024 };

struct fd_reader {
	struct loop *l;
	const struct fd_reader_events *up;
	void *arg;
	int fd; /* ours */
	enum fd_access access;
	bool is_resumed, is_over, is_closing;
	struct loop_task task;
	struct fd_poll poll; /* unless FD_FILE */
	/* FD_FILE: one read at a time in the thread pool; what came while paused is held. */
	uv_fs_t request;
	bool is_reading, has_result;
	ssize_t result;
	uint8_t *chunk;
};

static bool
can_go_on(const struct fd_reader *r)
{
	return r->is_resumed && !r->is_over && !r->is_closing;
}

/* What a read gave: bytes, 0, or a negative errno. */
static void
hand_up(struct fd_reader *r, const uint8_t *data, ssize_t n)
{
	if (n > 0) {
		r->up->data(r->arg, data, (size_t)n);
		return;
	}
	r->is_over = true;
	r->up->ended(r->arg, (int)-n);
}

static void
on_ready(struct fd_poll *poll, uint32_t events)
{
	struct fd_reader *r = container_of(poll, struct fd_reader, poll);
	uint8_t *into = r->l->scratch;
	ssize_t n;

	(void)events;
	/* One read for each time poll says so: all that is safe with FD_SHARED, and fair to the others. */
	if (r->access == FD_SOCKET)
		n = recv(r->fd, into, LOOP_SCRATCH, MSG_DONTWAIT);
	else
		n = read(r->fd, into, LOOP_SCRATCH);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	hand_up(r, into, n < 0 ? -errno : n);
	if (!can_go_on(r) && !r->is_closing)
		fd_poll_stop(&r->poll);
}

static void
free_reader(struct fd_reader *r)
{
	r->up->closed(r->arg);
	free(r->chunk);
	free(r);
}

static void
on_poll_closed(struct fd_poll *poll)
{
	free_reader(container_of(poll, struct fd_reader, poll));
}

static void
on_file_read(uv_fs_t *request)
{
	struct fd_reader *r = request->data;

	r->result = request->result;
	r->has_result = true;
	r->is_reading = false;
	uv_fs_req_cleanup(request);
	loop_defer(r->l, &r->task);
}

static void
read_file(struct fd_reader *r)
{
	uv_buf_t buf = uv_buf_init((char *)r->chunk, FILE_CHUNK);
	int rc = uv_fs_read(&r->l->uv, &r->request, r->fd, &buf, 1, -1, on_file_read);

	assert(rc == 0);
	(void)rc;
	r->is_reading = true;
}

static void
on_file_task(struct fd_reader *r)
{
	if (r->is_closing) {
		if (r->is_reading)
			return; /* on_file_read comes, and then this again */
		close(r->fd);
		free_reader(r);
		return;
	}
	if (r->has_result && can_go_on(r)) {
		r->has_result = false;
		hand_up(r, r->chunk, r->result);
	}
	if (!r->has_result && !r->is_reading && can_go_on(r))
		read_file(r);
}

static void
on_task(struct loop_task *task)
{
	struct fd_reader *r = container_of(task, struct fd_reader, task);

	if (r->access == FD_FILE)
		on_file_task(r);
	else if (can_go_on(r))
		fd_poll_start(&r->poll, EPOLLIN);
	else
		fd_poll_stop(&r->poll); /* not even for errors: a hang-up would be told for ever */
}

int
fd_reader_new(struct loop *l, int fd, const struct fd_reader_events *up, void *arg, struct fd_reader **ret)
{
	enum fd_access access;
	int own;
	int rc = fd_access_open(fd, O_RDONLY, &own, &access);

	if (rc < 0)
		return rc;
	struct fd_reader *r = xcalloc(1, sizeof(*r));
	r->l = l;
	r->up = up;
	r->arg = arg;
	r->fd = own;
	r->access = access;
	r->task.run = on_task;
	r->request.data = r;
	r->poll.ready = on_ready;
	r->poll.closed = on_poll_closed;
	if (access == FD_FILE)
		r->chunk = xmalloc(FILE_CHUNK);
	else
		rc = fd_poll_init(&r->poll, l, own);
	if (rc < 0) {
		close(own);
		free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void
fd_reader_resume(struct fd_reader *r)
{
	r->is_resumed = true;
	loop_defer(r->l, &r->task);
}

void
fd_reader_pause(struct fd_reader *r)
{
	r->is_resumed = false;
	loop_defer(r->l, &r->task);
}

void
fd_reader_close(struct fd_reader *r)
{
	assert(!r->is_closing);
	r->is_closing = true;
	if (r->access == FD_FILE) {
		/* A read that has begun ends by itself; its buffer must live until then. */
		if (r->is_reading)
			uv_cancel((uv_req_t *)&r->request);
		loop_defer(r->l, &r->task);
		return;
	}
	loop_undefer(&r->task);
	fd_poll_close(&r->poll);
	close(r->fd);
}
