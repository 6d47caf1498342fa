/* SPDX-License-Identifier: MIT */
#include "connect/history.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
make_folder(const char *path)
{
	struct stat st;

	return mkdir(path, 0700) == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

char *
history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *base CLEANUP(free_charp) = NULL, *dir CLEANUP(free_charp) = NULL;

	if (state != NULL && state[0] == '/') {
		base = xstrdup(state);
	} else if (home != NULL && home[0] == '/') {
		char *local CLEANUP(free_charp) = xasprintf("%s/.local", home);

		if (!make_folder(local))
			return NULL;
		base = xasprintf("%s/state", local);
	} else {
		return NULL;
	}
	dir = xasprintf("%s/wsdiag", base);
	if (!make_folder(base) || !make_folder(dir))
		return NULL;
	return xasprintf("%s/history", dir);
}

/* Keeps the last half of HISTORY_MAX; under a lock, and by a rename, so that another instance sees the one file or the other. */
static void
cut(const char *path, FILE *f, size_t lines)
{
	char *tmp CLEANUP(free_charp) = xasprintf("%s.%ld", path, (long)getpid()), *line = NULL;
	size_t cap = 0, skip = lines - HISTORY_MAX / 2;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (out == NULL)
		return;
	rewind(f);
	while (getline(&line, &cap, f) >= 0)
		if (skip == 0 || skip-- == 0)
			fputs(line, out);
	free(line);
	if (fclose(out) != 0 || rename(tmp, path) != 0)
		unlink(tmp);
}

void
history_load(const char *path, void (*fn)(void *arg, const char *line), void *arg)
{
	FILE *f = fopen(path, "r+e");
	char *line = NULL;
	size_t cap = 0, lines = 0;
	ssize_t n;

	if (f == NULL)
		return;
	flock(fileno(f), LOCK_EX);
	while ((n = getline(&line, &cap, f)) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && n < HISTORY_LINE_MAX)
			fn(arg, line);
		lines++;
	}
	free(line);
	if (lines > HISTORY_MAX)
		cut(path, f, lines);
	fclose(f);
}

/* Opened and locked; once more when another instance put a shorter file in its place between the two. */
static int
open_locked(const char *path)
{
	struct stat ours, theirs;

	for (int tries = 0; tries < 3; tries++) {
		int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return -1;
		flock(fd, LOCK_EX);
		if (fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev)
			return fd;
		close(fd);
	}
	return -1;
}

bool
history_append(const char *path, const char *line)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	size_t n = strlen(line);
	int fd;

	if (n == 0 || n >= HISTORY_LINE_MAX || line[0] == ' ' || strchr(line, '\n') != NULL)
		return false;
	fd = path != NULL ? open_locked(path) : -1;
	if (fd < 0)
		return true;
	buf_puts(&text, line);
	buf_putc(&text, '\n');
	ssize_t written UNUSED = write(fd, buf_head(&text), text.len); /* a history that cannot be kept is no reason to stop */
	close(fd);
	return true;
}
