/* SPDX-License-Identifier: MIT */
#include "log/json_line.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEEP = 256 * 1024 };

struct sink_file {
	struct sink base;
	struct json_line line;
	uint64_t seq;
	int fd;
	char *path;
	bool is_torn; /* what was written last does not end in a newline */
	bool is_told;
	log_trouble_fn *trouble;
	void *arg;
};

static void
tell(struct sink_file *f, int err)
{
	if (f->is_told)
		return;
	f->is_told = true;
	if (f->trouble != NULL)
		f->trouble(f->arg, f->path, err);
}

/*
 * One write(): O_APPEND then keeps lines of several writers apart. A short one to a pipe (a signal came while its reader was slow) goes on with the
 * rest; on a full disk that tells why.
 */
static void
write_line(struct sink_file *f, const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = write(f->fd, buf_head(b) + done, b->len - done);

		if (n < 0 && errno != EINTR) {
			tell(f, -errno);
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	f->is_torn = done > 0 ? done < b->len : f->is_torn;
}

static void
file_event(struct sink *s, const struct event *ev)
{
	struct sink_file *f = container_of(s, struct sink_file, base);
	struct buf *text = &f->line.text;

	if (f->is_torn)
		buf_putc(text, '\n');
	json_line_put(&f->line, ev, ++f->seq);
	buf_putc(text, '\n');
	write_line(f, text);
	buf_clear(text);
	buf_clear(&f->line.scratch);
	buf_shrink(text, KEEP);
	buf_shrink(&f->line.scratch, KEEP);
}

static void
file_free(struct sink *s)
{
	struct sink_file *f = container_of(s, struct sink_file, base);

	json_line_deinit(&f->line);
	close(f->fd);
	free(f->path);
	free(f);
}

/* A log that ends without its newline was cut by a crash or a full disk: ours starts on a line of its own. */
static bool
ends_torn(const char *path)
{
	struct stat st;
	char last = '\n';
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	close(fd);
	return last != '\n';
}

int
sink_file_new(const char *path, const struct json_options *opt, log_trouble_fn *trouble, void *arg, struct sink **ret)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return -errno;

	struct sink_file *f = xcalloc(1, sizeof(*f));

	f->base = (struct sink){ .event = file_event, .free = file_free, .wants = opt->wants };
	json_line_init(&f->line, opt);
	f->fd = fd;
	f->path = xstrdup(path);
	f->is_torn = ends_torn(path);
	f->trouble = trouble;
	f->arg = arg;
	*ret = &f->base;
	return 0;
}
