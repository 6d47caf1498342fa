/* SPDX-License-Identifier: MIT */
#include "net/tls_keylog.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
tls_keylog_open(const char *path, int *ret_fd)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static void
append_hex(struct buf *line, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(line, "%02x", data[i]);
}

void
tls_keylog_write(int fd, const char *label, const uint8_t client_random[32], const uint8_t *secret, size_t n)
{
	struct buf line CLEANUP(buf_deinit) = { 0 };

	buf_printf(&line, "%s ", label);
	append_hex(&line, client_random, 32);
	buf_putc(&line, ' ');
	append_hex(&line, secret, n);
	buf_putc(&line, '\n');
	ssize_t written UNUSED = write(fd, buf_head(&line), line.len);
}
