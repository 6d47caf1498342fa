/* SPDX-License-Identifier: MIT */
#include "ws/head_io.h"

#include <errno.h>

void
head_io_init(struct head_io *io, struct transport *t, bool reads_answer)
{
	*io = (struct head_io){ .transport = t, .reads_answer = reads_answer };
}

void
head_io_deinit(struct head_io *io)
{
	buf_deinit(&io->out);
	buf_deinit(&io->in);
	http_head_deinit(&io->head);
}

bool
head_io_write(struct head_io *io)
{
	while (io->out.len > 0) {
		struct iovec iov = { buf_head(&io->out), io->out.len };
		ssize_t n = transport_writev(io->transport, &iov, 1);

		if (n <= 0)
			break;
		buf_consume(&io->out, (size_t)n);
	}
	return io->out.len == 0;
}

void
head_io_fill(struct head_io *io, struct loop *l)
{
	ssize_t n;

	if (io->in.len >= 2 * HTTP_HEAD_MAX)
		return;
	n = transport_read(io->transport, l->scratch, HTTP_HEAD_MAX);
	if (n > 0)
		buf_append(&io->in, l->scratch, (size_t)n);
	else if (n != -EAGAIN)
		io->is_over = true;
}

enum http_result
head_io_parse(struct head_io *io, const char **ret_error)
{
	enum http_result r = http_head_parse(&io->head, io->reads_answer, buf_head(&io->in), io->in.len, io->seen, ret_error);

	io->seen = io->in.len;
	return r;
}

void
head_io_parse_again(struct head_io *io)
{
	const char *error;

	io->seen = 0;
	(void)head_io_parse(io, &error);
}

struct span
head_io_rest(const struct head_io *io)
{
	struct span all = buf_span(&io->in);

	return (struct span){ all.p + io->head.length, all.n - io->head.length };
}
