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

static int
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd >= 0 ? fd : -errno;
}

/* It was not there when we began. 1: it is now; 0: not yet; else a negative errno. */
static int
look_for_file(struct input_follow *f)
{
	int fd = open_file(f->spec.path);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	f->fd = fd;
	f->follow->turned(f->arg, INPUT_APPEARED);
	return 1;
}

/* Whether it begins anew: cut back, or another file has its name. An empty one does not count yet: whoever writes may still have the old one open. */
static bool
has_restarted(const struct input_follow *f, enum input_turn *ret)
{
	struct stat now, named;

	if (fstat(f->fd, &now) < 0)
		return false;
	*ret = now.st_size < f->offset ? INPUT_CUT_BACK : INPUT_REPLACED;
	if (*ret == INPUT_CUT_BACK)
		return true;
	return strcmp(f->spec.path, "-") != 0 && stat(f->spec.path, &named) == 0 && named.st_size > 0
	    && (named.st_ino != now.st_ino || named.st_dev != now.st_dev);
}

/* false: the new one is gone again; the next look tells. */
static bool
begin_anew(struct input_follow *f, enum input_turn turn)
{
	int fd = turn == INPUT_REPLACED ? open_file(f->spec.path) : f->fd;

	if (fd < 0)
		return false;
	if (fd != f->fd)
		close(f->fd);
	f->fd = fd;
	f->offset = 0;
	input_pump_restart(f->pump);
	f->follow->turned(f->arg, turn);
	return true;
}

/* 1: there may be more; 0: all there is was read; else a negative errno. */
static int
look(struct input_follow *f)
{
	enum input_turn turn;
	int rc = f->fd >= 0 ? read_some(f) : look_for_file(f);

	if (rc != 0 || f->fd < 0 || !has_restarted(f, &turn))
		return rc;
	/* What came into the old one before the new one was begun. */
	rc = turn == INPUT_REPLACED ? read_some(f) : 0;
	return rc == 0 && begin_anew(f, turn) ? 1 : rc;
}

static void
on_look(uv_timer_t *timer)
{
	struct input_follow *f = timer->data;
	int rc = look(f);

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

	if (fd == -ENOENT)
		free(steal(ret_error));
	else if (fd < 0)
		return fd;

	struct input_follow *f = xcalloc(1, sizeof(*f));
	*f = (struct input_follow){ .spec = *spec, .follow = follow, .arg = arg, .l = l, .fd = MAX(fd, -1) };
	f->pump = input_pump_new(&f->spec, log, up, arg);
	if (fd < 0)
		follow->turned(arg, INPUT_AWAITED);
	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
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
	if (f->stream == NULL && !f->is_over && f->fd >= 0)
		(void)read_some(f);
	input_pump_finish(f->pump);
	if (f->stream != NULL) {
		loop_undefer(&f->told);
		fd_reader_close(f->stream);
	} else {
		uv_close((uv_handle_t *)&f->timer, on_timer_closed);
	}
}
