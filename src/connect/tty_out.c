/* SPDX-License-Identifier: MIT */
#include "connect/tty_out.h"

#include "connect/glyph.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

enum { GRACE_MS = 500 };

struct tty_out {
	struct loop *l;
	int fd;
	FILE *stream;
	uv_poll_t poll;
	struct buf waiting;   /* for the terminal */
	struct buf cut;       /* the beginning of a character */
	bool was_full, is_gone, is_closed;
	void (*drained)(void *arg);
	void *arg;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void
flush(struct tty_out *o)
{
	while (o->waiting.len > 0 && !o->is_gone) {
		ssize_t n = write(o->fd, buf_head(&o->waiting), o->waiting.len);

		if (n > 0)
			buf_consume(&o->waiting, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			break;
		else if (n == 0 || errno != EINTR)
			o->is_gone = true; /* hung up: reading finds out, too */
	}
	if (o->is_gone)
		buf_clear(&o->waiting);
	if (o->waiting.len > 0)
		uv_poll_start(&o->poll, UV_WRITABLE, on_poll);
	else
		uv_poll_stop(&o->poll);
}

static void
on_poll(uv_poll_t *poll, int status, int events UNUSED)
{
	struct tty_out *o = poll->data;

	o->is_gone = o->is_gone || status < 0;
	flush(o);
	if (o->waiting.len == 0 && o->was_full) {
		o->was_full = false;
		o->drained(o->arg);
	}
}

static void
put(struct tty_out *o)
{
	o->was_full = o->was_full || tty_out_is_full(o);
	if (!uv_is_active((uv_handle_t *)&o->poll))
		flush(o);
}

static ssize_t
on_stream(void *arg, const char *data, size_t n)
{
	struct tty_out *o = arg;

	buf_append(&o->cut, data, n);
	buf_consume(&o->cut, glyph_draw(&o->waiting, buf_span(&o->cut)));
	put(o);
	return (ssize_t)n;
}

struct tty_out *
tty_out_new(struct loop *l, int fd, void (*drained)(void *arg), void *arg)
{
	const char *name = ttyname(fd);
	struct tty_out *o = xcalloc(1, sizeof(*o));

	o->l = l;
	o->drained = drained;
	o->arg = arg;
	o->fd = name != NULL ? open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
	if (o->fd < 0 || uv_poll_init(&l->uv, &o->poll, o->fd) != 0) {
		if (o->fd >= 0)
			close(o->fd);
		free(o);
		return NULL;
	}
	o->poll.data = o;
	o->stream = fopencookie(o, "w", (cookie_io_functions_t){ .write = on_stream });
	if (o->stream == NULL)
		abort();
	return o;
}

static void
on_closed(uv_handle_t *handle)
{
	((struct tty_out *)handle->data)->is_closed = true;
}

void
tty_out_free(struct tty_out *o)
{
	struct pollfd pfd;

	if (o == NULL)
		return;
	fclose(o->stream);
	pfd = (struct pollfd){ .fd = o->fd, .events = POLLOUT };
	while (o->waiting.len > 0 && poll(&pfd, 1, GRACE_MS) > 0)
		flush(o);
	if (o->waiting.len > 0)
		tcflush(o->fd, TCOFLUSH); /* or setting its modes waits for it */
	uv_close((uv_handle_t *)&o->poll, on_closed);
	while (!o->is_closed)
		uv_run(&o->l->uv, UV_RUN_NOWAIT);
	close(o->fd);
	buf_deinit(&o->waiting);
	buf_deinit(&o->cut);
	free(o);
}

FILE *
tty_out_stream(struct tty_out *o)
{
	return o->stream;
}

void
tty_out_write(struct tty_out *o, struct span bytes)
{
	fflush(o->stream);
	buf_append(&o->waiting, bytes.p, bytes.n);
	put(o);
}

bool
tty_out_is_full(const struct tty_out *o)
{
	return o->waiting.len > TTY_OUT_HIGH;
}
