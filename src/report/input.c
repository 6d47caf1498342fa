/* SPDX-License-Identifier: MIT */
#include "report/input.h"

#include "base/buf.h"
#include "report/input_kind.h"
#include "report/input_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_BLOCK = 1024 * 1024 };

/* The first that knows a log is taken: the surest first. */
static const struct input_kind *const kinds[] = { &input_wsdiag, &input_websocket_client, &input_daphne, &input_text };

const char *
input_kind_name(size_t i)
{
	return i < ARRAY_LEN(kinds) ? kinds[i]->name : NULL;
}

const char *
input_kind_help(size_t i)
{
	return i < ARRAY_LEN(kinds) ? kinds[i]->help : NULL;
}

const struct input_kind *
input_kind_of(struct span head)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i]->knows(head))
			return kinds[i];
	return &input_text;
}

/* --- what is told --- */

void
input_begin(struct input_out *out)
{
	if (out->has_begun)
		return;
	out->has_begun = true;
	out->up->begin(out->arg, out->log, &out->about);
}

void
input_tell(struct input_out *out, uint64_t line, const struct event *ev)
{
	struct place at = { out->log, line };

	input_begin(out);
	out->counts.events++;
	out->up->event(out->arg, &at, ev);
}

void
input_tell_unreadable(struct input_out *out, uint64_t line)
{
	if (out->trouble.unreadable < ARRAY_LEN(out->trouble.first_unreadable))
		out->trouble.first_unreadable[out->trouble.unreadable] = line;
	out->trouble.unreadable++;
}

/* --- --from --- */

static char *
unknown_kind(struct span name)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	buf_printf(&text, "there is no kind of log called \"%.*s\"; known are ", (int)MIN(name.n, (size_t)40), name.p);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		buf_printf(&text, "%s%s", i > 0 ? ", " : "", kinds[i]->name);
	return span_dup(buf_span(&text));
}

int
input_spec_parse(const char *arg, struct input_spec *ret, char **ret_error)
{
	const char *colon = strchr(arg, ':');
	struct span name = { arg, colon != NULL ? (size_t)(colon - arg) : 0 };

	if (colon == NULL || colon[1] == '\0') {
		*ret_error = xasprintf("\"%s\" is not KIND:FILE, as in text:client.log", arg);
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (span_eq(name, kinds[i]->name)) {
			*ret = (struct input_spec){ kinds[i], colon + 1 };
			return 0;
		}
	*ret_error = unknown_kind(name);
	return -EINVAL;
}

/* --- to the end --- */

int
input_open(const char *path, char **ret_error)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), err = errno;

	if (fd >= 0)
		return fd;
	*ret_error = xasprintf("%s: %s", path, strerror(err));
	return -err;
}

static int
read_block(int fd, void *block, size_t *ret_n)
{
	ssize_t n;

	do
		n = read(fd, block, READ_BLOCK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_n = (size_t)n;
	return 0;
}

int
input_read(const struct input_spec *spec, uint32_t log, const struct input_events *up, void *arg, char **ret_error)
{
	int fd = input_open(spec->path, ret_error), rc;
	size_t n;

	if (fd < 0)
		return fd;

	struct input_pump *p = input_pump_new(spec, log, up, arg);
	uint8_t *block = xmalloc(READ_BLOCK);
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while ((rc = read_block(fd, block, &n)) == 0 && n > 0)
		if (!input_pump_feed(p, block, n)) {
			rc = -EBADMSG;
			break;
		}
	input_pump_finish(p);
	if (rc == -EBADMSG)
		*ret_error = xasprintf("%s: damaged gzip; save what comes before the damage (gzip -dc FILE >part.log), and report that", spec->path);
	else if (rc < 0)
		*ret_error = xasprintf("%s: %s%s", spec->path, strerror(-rc), rc == -EISDIR ? "; name the logs in it, as in report DIR/*.jsonl" : "");
	input_pump_free(p);
	free(block);
	close(fd);
	return rc;
}
