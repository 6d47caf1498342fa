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

/* Opened and locked; once more when another instance put a shorter file in its place between the two. */
static int
open_locked(const char *path, int flags)
{
	struct stat ours, theirs;

	for (int tries = 0; tries < 10; tries++) {
		int fd = open(path, flags | O_CLOEXEC, 0600);

		if (fd < 0)
			return -1;
		flock(fd, LOCK_EX);
		if (fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev)
			return fd;
		close(fd);
	}
	return -1;
}

/*
 * Keeps the last lines, as many as are half of either limit; under a lock, and by a rename, so that another instance sees the one file or the other.
 * What a crash left of an earlier one is in the way of nobody: its name is taken over.
 */
static void
cut(const char *path, FILE *f, size_t lines, size_t bytes)
{
	char *tmp CLEANUP(free_charp) = xasprintf("%s.new", path), *line = NULL;
	size_t cap = 0, kept_lines = lines, kept_bytes = bytes;
	ssize_t n;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (out == NULL)
		return;
	rewind(f);
	for (; (n = getline(&line, &cap, f)) >= 0; kept_lines--, kept_bytes -= (size_t)n)
		if (kept_lines <= HISTORY_MAX / 2 && kept_bytes <= HISTORY_BYTES_MAX / 2)
			fputs(line, out);
	free(line);
	if (fclose(out) != 0 || rename(tmp, path) != 0)
		unlink(tmp);
}

void
history_load(const char *path, void (*fn)(void *arg, const char *line), void *arg)
{
	int fd = open_locked(path, O_RDWR);
	FILE *f = fd >= 0 ? fdopen(fd, "r+") : NULL;
	char *line = NULL;
	size_t cap = 0, lines = 0, bytes = 0;
	ssize_t n;

	if (f == NULL)
		return;
	while ((n = getline(&line, &cap, f)) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && n <= HISTORY_LINE_MAX) /* with its newline */
			fn(arg, line);
		lines++;
		bytes += (size_t)n;
	}
	free(line);
	if (lines > HISTORY_MAX || bytes > HISTORY_BYTES_MAX)
		cut(path, f, lines, bytes);
	fclose(f);
}

bool
history_append(const char *path, const char *line)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	size_t n = strlen(line);
	int fd;

	if (n == 0 || n >= HISTORY_LINE_MAX || line[0] == ' ' || strchr(line, '\n') != NULL)
		return false;
	fd = path != NULL ? open_locked(path, O_WRONLY | O_APPEND | O_CREAT) : -1;
	if (fd < 0)
		return true;
	buf_puts(&text, line);
	buf_putc(&text, '\n');
	ssize_t written UNUSED = write(fd, buf_head(&text), text.len); /* a history that cannot be kept is no reason to stop */
	close(fd);
	return true;
}
