/* SPDX-License-Identifier: MIT */
/*
 * input_follow: logs that grow. A file is looked at several times a second, which works on every file system and misses nothing that stays for longer; a pipe
 * or a terminal tells by itself.
 */
#include "net/fdio.h"
#include "report/input_kind.h"
#include "report/input_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much is read before others on the loop get their turn. */
enum { LOOK_MS = 200, BLOCK = 256 * 1024, BLOCKS_AT_ONCE = 16 };

struct input_follow {
	struct input_spec spec;
	struct input_pump *pump;
	const struct input_follow_events *follow;
	void *arg;
	struct loop *l;
	bool is_closing, is_over;
	/* A file. */
	uv_timer_t timer;
	int fd;
	off_t offset;
	bool has_news;                 /* since caught_up */
	uint8_t *block;
	/* What is no file. */
	struct fd_reader *stream;
	struct loop_task told;
};

static void
end(struct input_follow *f, int err)
{
	f->is_over = true;
	input_pump_flush(f->pump);
	f->follow->ended(f->arg, err);
}

static void
free_follow(struct input_follow *f)
{
	f->follow->closed(f->arg);
	input_pump_free(f->pump);
	if (f->fd >= 0)
		close(f->fd);
	free(f->block);
	free(f);
}

/* --- a file --- */

/* 1: there may be more; 0: its end; else a negative errno. */
static int
read_some(struct input_follow *f)
{
	for (int i = 0; i < BLOCKS_AT_ONCE; i++) {
		ssize_t n = pread(f->fd, f->block, BLOCK, f->offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		f->offset += n;
		f->has_news = true;
		if (!input_pump_feed(f->pump, f->block, (size_t)n))
			return -EBADMSG;
	}
	return 1;
}

/* Whether it begins anew: cut back, or another file has its name; that one is then open. */
static bool
has_restarted(struct input_follow *f)
{
	struct stat now, named;

	if (fstat(f->fd, &now) < 0)
		return false;
	if (now.st_size < f->offset) {
		f->offset = 0;
		return true;
	}
	if (strcmp(f->spec.path, "-") == 0 || stat(f->spec.path, &named) < 0 || (named.st_ino == now.st_ino && named.st_dev == now.st_dev))
		return false;

	int fd = open(f->spec.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return false; /* gone again: the next look tells */
	close(f->fd);
	f->fd = fd;
	f->offset = 0;
	return true;
}

static void
on_look(uv_timer_t *timer)
{
	struct input_follow *f = timer->data;
	int rc = read_some(f);

	if (rc == 0 && has_restarted(f)) {
		input_pump_restart(f->pump);
		rc = 1;
	}
	if (rc == 0 && f->has_news) {
		input_pump_flush(f->pump);
		f->has_news = false;
		f->follow->caught_up(f->arg);
	}
	if (f->is_closing)
		return;
	if (rc < 0)
		end(f, rc);
	else
		uv_timer_start(&f->timer, on_look, rc > 0 ? 0 : LOOK_MS, 0);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	free_follow(handle->data);
}

static void
follow_file(struct input_follow *f)
{
	f->block = xmalloc(BLOCK);
	f->has_news = true; /* an empty file is caught up with, too */
	uv_timer_init(&f->l->uv, &f->timer);
	f->timer.data = f;
	uv_timer_start(&f->timer, on_look, 0, 0);
}

/* --- what is no file --- */

static void
on_data(void *arg, const uint8_t *data, size_t n)
{
	struct input_follow *f = arg;

	if (f->is_closing || f->is_over)
		return;
	if (!input_pump_feed(f->pump, data, n)) {
		fd_reader_pause(f->stream);
		end(f, -EBADMSG);
		return;
	}
	loop_defer(f->l, &f->told);
}

static void
on_told(struct loop_task *task)
{
	struct input_follow *f = container_of(task, struct input_follow, told);

	if (f->is_closing || f->is_over)
		return;
	input_pump_flush(f->pump);
	f->follow->caught_up(f->arg);
}

static void
on_ended(void *arg, int err)
{
	struct input_follow *f = arg;

	if (!f->is_closing && !f->is_over)
		end(f, -err);
}

static void
on_stream_closed(void *arg)
{
	free_follow(arg);
}

static const struct fd_reader_events stream_events = { .data = on_data, .ended = on_ended, .closed = on_stream_closed };

static int
follow_stream(struct input_follow *f)
{
	int rc = fd_reader_new(f->l, f->fd, &stream_events, f, &f->stream);

	if (rc < 0)
		return rc;
	f->told.run = on_told;
	fd_reader_resume(f->stream);
	return 0;
}

/* --- */

int
input_follow_new(struct loop *l, const struct input_spec *spec, uint32_t log, const struct input_events *up,
    const struct input_follow_events *follow, void *arg, struct input_follow **ret, char **ret_error)
{
	int fd = input_open(spec->path, ret_error), rc = 0;
	struct stat st;

	if (fd < 0)
		return fd;

	struct input_follow *f = xcalloc(1, sizeof(*f));
	*f = (struct input_follow){ .spec = *spec, .follow = follow, .arg = arg, .l = l, .fd = fd };
	f->pump = input_pump_new(&f->spec, log, up, arg);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		follow_file(f);
	else
		rc = follow_stream(f);
	if (rc < 0) {
		*ret_error = xasprintf("%s: %s", spec->path, strerror(-rc));
		input_pump_free(f->pump);
		close(fd);
		free(f);
		return rc;
	}
	*ret = f;
	return 0;
}

void
input_follow_close(struct input_follow *f)
{
	f->is_closing = true;
	/* What was written since the last look counts; of much that was never read, a part. */
	if (f->stream == NULL && !f->is_over)
		(void)read_some(f);
	input_pump_finish(f->pump);
	if (f->stream != NULL) {
		loop_undefer(&f->told);
		fd_reader_close(f->stream);
	} else {
		uv_close((uv_handle_t *)&f->timer, on_timer_closed);
	}
}
