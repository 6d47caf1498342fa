/* SPDX-License-Identifier: MIT */
#include "report/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_NEW = 0666 };

static int
write_all(int fd, const struct buf *page)
{
	const char *p = (const char *)buf_head(page);

	for (size_t left = page->len; left > 0;) {
		ssize_t n = write(fd, p, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		p += MAX(n, 0);
		left -= (size_t)MAX(n, 0);
	}
	return 0;
}

/* The page, and that it is on the disk: a rename must not come before it. */
static int
fill(int fd, const struct buf *page, bool is_file)
{
	int err = write_all(fd, page);

	if (err == 0 && is_file && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && err == 0)
		err = -errno;
	return err;
}

static bool
is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int
store_in_place(const char *path, const struct buf *page)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, MODE_NEW);

	return fd < 0 ? -errno : fill(fd, page, false);
}

/* Who could read the old one may read the new one, and nobody else. Only root can leave it with its owner. */
static int
take_after(int fd, const struct stat *old)
{
	if (fchown(fd, old->st_uid, old->st_gid) < 0)
		errno = 0;
	return fchmod(fd, old->st_mode & 0777) < 0 ? -errno : 0;
}

/* old: what is there; NULL: nothing yet. */
static int
store_anew(const char *path, const struct buf *page, const struct stat *old)
{
	char *tmp CLEANUP(free_charp) = xasprintf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE_NEW), err;

	if (fd < 0)
		return -errno;
	err = old != NULL ? take_after(fd, old) : 0;
	if (err == 0)
		err = fill(fd, page, true);
	else
		close(fd);
	if (err == 0 && rename(tmp, path) < 0)
		err = -errno;
	if (err != 0)
		unlink(tmp);
	return err;
}

int
page_store(const char *path, const struct buf *page)
{
	char *target CLEANUP(free_charp) = NULL;
	struct stat st;

	if (stat(path, &st) < 0 && errno != ENOENT)
		return -errno;
	/* What a link leads to is made where it leads. */
	if (stat(path, &st) < 0)
		return is_link(path) ? store_in_place(path, page) : store_anew(path, page, NULL);
	if (!S_ISREG(st.st_mode))
		return store_in_place(path, page);
	target = realpath(path, NULL); /* a symbolic link stays one */
	return store_anew(target != NULL ? target : path, page, &st);
}
