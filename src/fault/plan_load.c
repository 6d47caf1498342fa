/* SPDX-License-Identifier: MIT */
/* plan_load: plans by name: those that are installed, and files. */
#include "fault/plan.h"

#include "base/escape.h"
#include "base/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024, NAMES_MAX = 128 };

const struct installed_plan *
plan_installed(const char *name)
{
	for (const struct installed_plan *p = installed_plans; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const struct installed_plan *
plan_like(const char *like)
{
	for (const struct installed_plan *p = installed_plans; p->name != NULL; p++)
		if (p->like != NULL && strcmp(p->like, like) == 0)
			return p;
	return NULL;
}

static int
read_file(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 && ret->len <= FILE_MAX) {
		n = read(fd, buf_reserve(ret, 16384), 16384);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			buf_commit(ret, (size_t)n);
	}
	int err = n < 0 ? -errno : ret->len > FILE_MAX ? -EFBIG : 0;
	close(fd);
	return err;
}

static void
say_unreadable(struct buf *error, const char *name, int err)
{
	const char *names[NAMES_MAX + 1] = { NULL };

	for (size_t i = 0; i < NAMES_MAX && installed_plans[i].name != NULL; i++)
		names[i] = installed_plans[i].name;
	const char *near = nearest_word(name, names);
	buf_putc(error, '"');
	escape_text(error, span_of(name), 80);
	if (err != -ENOENT)
		buf_printf(error, "\" cannot be read as a plan: %s", strerror(-err));
	else if (near != NULL)
		buf_printf(error, "\" is no installed plan and no file; did you mean %s?", near);
	else
		buf_puts(error, "\" is no installed plan and no file; wsdiag-plan(5) lists the plans");
}

int
plan_read(const char *name, struct buf *ret_text, struct buf *error)
{
	const struct installed_plan *installed = plan_installed(name);

	if (installed != NULL) {
		buf_puts(ret_text, installed->text);
		return 0;
	}
	int err = read_file(name, ret_text);
	if (err < 0)
		say_unreadable(error, name, err);
	return err;
}

int
plan_load(struct plan *p, const char *name, unsigned who, struct buf *error)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	int err = plan_read(name, &text, error);

	return err < 0 ? err : plan_parse(p, name, buf_span(&text), who, error);
}
