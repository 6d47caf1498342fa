/* SPDX-License-Identifier: MIT */
#include "net/fdio.h"

#include "support/net.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/eventfd.h>
#include <termios.h>

struct input {
	struct net_test *nt;
	struct fd_reader *r;
	struct buf got;
	int calls, ended, err, closed;
	void (*on_data)(struct input *in);
};

static void
on_data(void *arg, const uint8_t *data, size_t n)
{
	struct input *in = arg;

	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(in->ended + in->closed, 0);
	in->calls++;
	buf_append(&in->got, data, n);
	if (in->on_data != NULL)
		in->on_data(in);
}

static void
on_ended(void *arg, int err)
{
	struct input *in = arg;

	in->ended++;
	in->err = err;
}

static void
on_reader_closed(void *arg)
{
	struct input *in = arg;

	in->closed++;
}

static const struct fd_reader_events reader_events = { on_data, on_ended, on_reader_closed };

static void
open_input(struct input *in, int fd)
{
	*in = (struct input){ .nt = net_test_new() };
	ck_assert_int_eq(fd_reader_new(&in->nt->l, fd, &reader_events, in, &in->r), 0);
}

static void
close_input(struct input *in)
{
	fd_reader_close(in->r);
	ck_assert_int_eq(in->closed, 0);
	net_test_end(in->nt);
	ck_assert_int_eq(in->closed, 1);
	buf_deinit(&in->got);
}

/* Nothing may have turned on O_NONBLOCK for the others who hold the descriptor. */
static void
check_flags(int fd)
{
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

static int
temp_file(size_t n)
{
	char path[] = "/tmp/wsdiag-test-XXXXXX";
	int fd = mkstemp(path);
	uint8_t *data = xmalloc(n);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	free(data);
	return fd;
}

START_TEST(a_pipe_gives_bytes_then_its_end)
{
	struct input in;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	open_input(&in, fds[0]);
	ck_assert_int_eq(write(fds[1], "hello\n", 6), 6);
	net_turn(in.nt);
	ck_assert_int_eq(in.calls, 0); /* it starts paused */
	fd_reader_resume(in.r);
	net_run_until(in.nt, &in.calls);
	ck_span_eq(buf_span(&in.got), "hello\n");
	check_flags(fds[0]);
	ck_assert_int_eq(write(fds[1], "no newline", 10), 10);
	close(fds[1]);
	net_run_until(in.nt, &in.ended);
	ck_span_eq(buf_span(&in.got), "hello\nno newline");
	ck_assert_int_eq(in.err, 0);
	net_turn(in.nt);
	ck_assert_int_eq(in.ended, 1);
	close_input(&in);
	close(fds[0]);
}
END_TEST

static void
pause_inside(struct input *in)
{
	fd_reader_pause(in->r);
}

START_TEST(a_paused_pipe_is_silent_even_when_it_hangs_up)
{
	struct input in;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	open_input(&in, fds[0]);
	in.on_data = pause_inside;
	fd_reader_resume(in.r);
	ck_assert_int_eq(write(fds[1], "one", 3), 3);
	net_run_until(in.nt, &in.calls);
	ck_assert_int_eq(write(fds[1], "two", 3), 3);
	close(fds[1]);
	net_turn(in.nt);
	ck_assert_int_eq(in.calls, 1);
	/* With nothing to poll the loop ends instead of spinning. */
	loop_run(&in.nt->l);
	in.on_data = NULL;
	fd_reader_resume(in.r);
	net_run_until(in.nt, &in.ended);
	ck_span_eq(buf_span(&in.got), "onetwo");
	close_input(&in);
	close(fds[0]);
}
END_TEST

static void
close_inside(struct input *in)
{
	fd_reader_close(in->r);
}

START_TEST(closing_inside_data_is_allowed)
{
	int fds[2], file = temp_file(10);
	struct input in;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	for (int i = 0; i < 2; i++) {
		open_input(&in, i == 0 ? fds[0] : file);
		in.on_data = close_inside;
		fd_reader_resume(in.r);
		net_test_end(in.nt);
		ck_assert_int_eq(in.calls, 1);
		ck_assert_int_eq(in.closed, 1);
		buf_deinit(&in.got);
	}
	close(fds[0]);
	close(fds[1]);
	close(file);
}
END_TEST

static void
pause_and_resume_inside(struct input *in)
{
	fd_reader_pause(in->r);
	fd_reader_resume(in->r);
}

START_TEST(a_file_comes_whole_and_in_order)
{
	enum { SIZE = 700 * 1000 };
	struct input in;
	int fd = temp_file(SIZE);

	open_input(&in, fd);
	in.on_data = pause_and_resume_inside;
	fd_reader_resume(in.r);
	net_run_until(in.nt, &in.ended);
	ck_assert_int_eq(in.err, 0);
	ck_assert_uint_eq(in.got.len, SIZE);
	for (size_t i = 0; i < SIZE; i++) {
		if (buf_head(&in.got)[i] != (uint8_t)(i * 31 >> 3))
			ck_abort_msg("byte %zu is wrong", i);
	}
	close_input(&in);
	close(fd);
}
END_TEST

START_TEST(what_a_paused_file_has_read_is_kept)
{
	struct input in;
	int fd = temp_file(5);

	open_input(&in, fd);
	fd_reader_resume(in.r);
	uv_run(&in.nt->l.uv, UV_RUN_NOWAIT); /* a read is under way, or has just come back */
	fd_reader_pause(in.r);
	int before = in.calls;
	loop_run(&in.nt->l);
	ck_assert_int_eq(in.calls, before);
	fd_reader_resume(in.r);
	net_run_until(in.nt, &in.ended);
	ck_assert_uint_eq(in.got.len, 5);
	close_input(&in);
	close(fd);
}
END_TEST

START_TEST(closing_waits_for_a_read_under_way)
{
	struct input in;
	int fd = temp_file(1000);

	open_input(&in, fd);
	fd_reader_resume(in.r);
	uv_run(&in.nt->l.uv, UV_RUN_NOWAIT);
	close_input(&in);
	close(fd);
}
END_TEST

START_TEST(dev_null_ends_at_once)
{
	struct input in;
	int fd = open("/dev/null", O_RDONLY);

	open_input(&in, fd);
	fd_reader_resume(in.r);
	net_run_until(in.nt, &in.ended);
	ck_assert_int_eq(in.err, 0);
	ck_assert_int_eq(in.calls, 0);
	close_input(&in);
	close(fd);
}
END_TEST

START_TEST(a_directory_ends_with_its_errno)
{
	struct input in;
	int fd = open("/", O_RDONLY);

	open_input(&in, fd);
	fd_reader_resume(in.r);
	net_run_until(in.nt, &in.ended);
	ck_assert_int_eq(in.err, EISDIR);
	close_input(&in);
	close(fd);
}
END_TEST

START_TEST(a_socket_is_read_without_changing_its_flags)
{
	struct input in;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	open_input(&in, fds[0]);
	fd_reader_resume(in.r);
	net_turn(in.nt);
	check_flags(fds[0]);
	ck_assert_int_eq(write(fds[1], "hello", 5), 5);
	shutdown(fds[1], SHUT_WR);
	net_run_until(in.nt, &in.ended);
	ck_span_eq(buf_span(&in.got), "hello");
	close_input(&in);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(what_cannot_be_reopened_is_read_as_it_is)
{
	struct input in;
	/* An eventfd stands in for a terminal of another user: pollable, shared, and open() of its /proc link fails. */
	int fd = eventfd(0, 0);
	const uint64_t one = 1;

	open_input(&in, fd);
	fd_reader_resume(in.r);
	net_turn(in.nt);
	check_flags(fd);
	ck_assert_int_eq(in.calls, 0);
	ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
	net_run_until(in.nt, &in.calls);
	ck_assert_uint_eq(in.got.len, sizeof(one));
	net_turn(in.nt);
	close_input(&in);
	close(fd);
}
END_TEST

START_TEST(a_terminal_gives_lines_and_an_end)
{
	struct input in;
	int master, slave;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	open_input(&in, slave);
	fd_reader_resume(in.r);
	ck_assert_int_eq(write(master, "line\n", 5), 5);
	net_run_until(in.nt, &in.calls);
	ck_span_eq(buf_span(&in.got), "line\n");
	check_flags(slave);
	ck_assert_int_eq(write(master, "\004", 1), 1);
	net_run_until(in.nt, &in.ended);
	ck_assert_int_eq(in.err, 0);
	close_input(&in);
	close(master);
	close(slave);
}
END_TEST

START_TEST(a_terminal_that_hangs_up_ends_once)
{
	struct input in;
	int master, slave;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	open_input(&in, slave);
	fd_reader_resume(in.r);
	net_turn(in.nt);
	close(master);
	net_run_until(in.nt, &in.ended);
	net_turn(in.nt);
	ck_assert_int_eq(in.ended, 1);
	close_input(&in);
	close(slave);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_read_or_written_is_refused)
{
	struct net_test *nt = net_test_new();
	struct fd_reader *r = NULL;
	struct fd_writer *w = NULL;
	int out = open("/dev/null", O_WRONLY), in = open("/dev/null", O_RDONLY), gone = dup(in);

	close(gone);
	ck_assert_int_eq(fd_reader_new(&nt->l, gone, &reader_events, NULL, &r), -EBADF);
	ck_assert_int_eq(fd_writer_new(&nt->l, gone, NULL, NULL, &w), -EBADF);
	ck_assert_int_eq(fd_reader_new(&nt->l, out, &reader_events, NULL, &r), -EBADF);
	ck_assert_int_eq(fd_writer_new(&nt->l, in, NULL, NULL, &w), -EBADF);
	ck_assert(r == NULL && w == NULL);
	close(in);
	close(out);
	net_test_end(nt);
}
END_TEST

struct output {
	struct net_test *nt;
	struct fd_writer *w;
	int drained, failed, err, closed;
};

static void
on_drained(void *arg)
{
	struct output *out = arg;

	ck_assert_int_eq(out->failed + out->closed, 0);
	ck_assert(!fd_writer_is_full(out->w));
	out->drained++;
}

static void
on_failed(void *arg, int err)
{
	struct output *out = arg;

	ck_assert_int_eq(out->closed, 0);
	out->failed++;
	out->err = err;
}

static void
on_writer_closed(void *arg)
{
	struct output *out = arg;

	out->closed++;
}

static const struct fd_writer_events writer_events = { on_drained, on_failed, on_writer_closed };

static void
open_output(struct output *out, int fd)
{
	*out = (struct output){ .nt = net_test_new() };
	ck_assert_int_eq(fd_writer_new(&out->nt->l, fd, &writer_events, out, &out->w), 0);
}

static void
put(struct output *out, const char *text)
{
	buf_puts(fd_writer_queue(out->w), text);
	fd_writer_flush_later(out->w);
}

static void
put_much(struct output *out, size_t n)
{
	struct buf *queue = fd_writer_queue(out->w);

	memset(buf_reserve(queue, n), 'x', n);
	buf_commit(queue, n);
	fd_writer_flush_later(out->w);
}

static void
close_output(struct output *out, unsigned grace_ms)
{
	fd_writer_close(out->w, grace_ms);
	ck_assert_int_eq(out->closed, 0);
	net_test_end(out->nt);
	ck_assert_int_eq(out->closed, 1);
}

/* Reads n bytes and no more. */
static void
take(int fd, size_t n)
{
	char block[4096];

	while (n > 0) {
		ssize_t got = read(fd, block, MIN(n, sizeof(block)));

		ck_assert_int_gt(got, 0);
		n -= (size_t)got;
	}
}

START_TEST(what_is_put_in_one_turn_is_written_together)
{
	struct output out;
	int fds[2];
	char text[16];

	ck_assert_int_eq(pipe(fds), 0);
	open_output(&out, fds[1]);
	put(&out, "one ");
	put(&out, "two");
	ck_assert(!fd_writer_is_empty(out.w));
	net_turn(out.nt);
	ck_assert(fd_writer_is_empty(out.w));
	ck_assert_int_eq(read(fds[0], text, sizeof(text)), 7);
	ck_assert_int_eq(memcmp(text, "one two", 7), 0);
	check_flags(fds[1]);
	close_output(&out, 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_slow_reader_makes_it_full_until_it_has_drained)
{
	enum { MUCH = 4 * FD_WRITER_HIGH };
	struct output out;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	open_output(&out, fds[1]);
	put_much(&out, MUCH);
	ck_assert(fd_writer_is_full(out.w));
	/* Reading down to between the marks frees nothing yet. */
	while (fd_writer_queue(out.w)->len > FD_WRITER_LOW + 64 * 1024) {
		take(fds[0], 32 * 1024);
		net_turn(out.nt);
	}
	ck_assert_int_eq(out.drained, 0);
	ck_assert(fd_writer_is_full(out.w));
	for (int i = 0; i < 3; i++) {
		take(fds[0], 32 * 1024);
		net_turn(out.nt);
	}
	ck_assert_int_eq(out.drained, 1);
	close_output(&out, 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_fast_reader_never_makes_it_full)
{
	struct output out;
	int fd = open("/dev/null", O_WRONLY);

	open_output(&out, fd);
	put_much(&out, 4 * FD_WRITER_HIGH);
	ck_assert(!fd_writer_is_full(out.w));
	ck_assert(fd_writer_is_empty(out.w));
	close_output(&out, 0);
	ck_assert_int_eq(out.failed + out.drained, 0);
	close(fd);
}
END_TEST

START_TEST(a_reader_that_goes_away_is_noticed_with_nothing_to_write)
{
	struct output out;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	open_output(&out, fds[1]);
	net_turn(out.nt);
	close(fds[0]);
	net_run_until(out.nt, &out.failed);
	ck_assert_int_eq(out.err, EPIPE);
	net_turn(out.nt);
	ck_assert_int_eq(out.failed, 1);
	close_output(&out, 0);
	close(fds[1]);
}
END_TEST

START_TEST(a_failed_write_is_told_from_the_loop_and_the_rest_is_dropped)
{
	struct output out;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	open_output(&out, fds[1]);
	close(fds[0]);
	put_much(&out, 2 * FD_WRITER_HIGH);
	ck_assert_int_eq(out.failed, 0);
	ck_assert(fd_writer_is_empty(out.w));
	put(&out, "more");
	ck_assert(fd_writer_is_empty(out.w));
	net_run_until(out.nt, &out.failed);
	ck_assert_int_eq(out.err, EPIPE);
	put_much(&out, 2 * FD_WRITER_HIGH);
	ck_assert(!fd_writer_is_full(out.w));
	close_output(&out, 1000);
	ck_assert_int_eq(out.failed, 1);
	close(fds[1]);
}
END_TEST

START_TEST(a_pipe_nobody_reads_fails_from_the_loop)
{
	struct output out;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	open_output(&out, fds[1]);
	ck_assert_int_eq(out.failed, 0);
	put(&out, "x");
	net_run_until(out.nt, &out.failed);
	ck_assert_int_eq(out.err, EPIPE);
	close_output(&out, 0);
	close(fds[1]);
}
END_TEST

START_TEST(dev_full_fails_with_enospc)
{
	struct output out;
	int fd = open("/dev/full", O_WRONLY);

	open_output(&out, fd);
	put(&out, "x");
	net_run_until(out.nt, &out.failed);
	ck_assert_int_eq(out.err, ENOSPC);
	close_output(&out, 0);
	close(fd);
}
END_TEST

START_TEST(a_failure_of_the_last_write_is_told_before_closed)
{
	struct output out;
	int fd = open("/dev/full", O_WRONLY);

	open_output(&out, fd);
	put(&out, "x");
	close_output(&out, 1000);
	ck_assert_int_eq(out.failed, 1);
	ck_assert_int_eq(out.err, ENOSPC);
	close(fd);
}
END_TEST

START_TEST(a_file_is_written_where_its_offset_stands)
{
	struct output out;
	int fd = temp_file(4);
	char text[16];

	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 4);
	open_output(&out, fd);
	put(&out, "more");
	close_output(&out, 0);
	ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 8);
	ck_assert_int_eq(memcmp(text + 4, "more", 4), 0);
	close(fd);
}
END_TEST

START_TEST(closing_waits_for_a_slow_reader)
{
	enum { MUCH = 512 * 1024 };
	struct output out;
	struct input in = { 0 };
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	open_output(&out, fds[1]);
	put_much(&out, MUCH);
	fd_writer_close(out.w, NET_TEST_LIMIT_MS);
	fd_writer_close(out.w, 0); /* the second changes nothing */
	close(fds[1]);
	net_turn(out.nt);
	ck_assert_int_eq(out.closed, 0);
	ck_assert_int_eq(fd_reader_new(&out.nt->l, fds[0], &reader_events, &in, &in.r), 0);
	fd_reader_resume(in.r);
	net_run_until(out.nt, &in.ended);
	ck_assert_uint_eq(in.got.len, MUCH);
	ck_assert_int_eq(out.failed + out.drained, 0);
	fd_reader_close(in.r);
	net_test_end(out.nt);
	ck_assert_int_eq(out.closed, 1);
	buf_deinit(&in.got);
	close(fds[0]);
}
END_TEST

START_TEST(a_reader_that_never_reads_is_left_after_the_grace)
{
	struct output out;
	int fds[2];

	for (unsigned grace = 0; grace < 2; grace++) {
		ck_assert_int_eq(pipe(fds), 0);
		open_output(&out, fds[1]);
		put_much(&out, 512 * 1024);
		close_output(&out, grace);
		close(fds[0]);
		close(fds[1]);
	}
}
END_TEST

START_TEST(a_socket_is_written_without_changing_its_flags)
{
	struct output out;
	int fds[2];
	char text[8];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	open_output(&out, fds[0]);
	/* Their end of writing is not the end of reading. */
	shutdown(fds[1], SHUT_WR);
	put(&out, "hello");
	net_turn(out.nt);
	check_flags(fds[0]);
	ck_assert_int_eq(read(fds[1], text, sizeof(text)), 5);
	ck_assert_int_eq(out.failed, 0);
	put_much(&out, 4 * FD_WRITER_HIGH);
	ck_assert(fd_writer_is_full(out.w));
	close(fds[1]);
	net_run_until(out.nt, &out.failed);
	ck_assert_int_eq(out.err, EPIPE);
	close_output(&out, 0);
	close(fds[0]);
}
END_TEST

START_TEST(what_cannot_be_reopened_is_written_as_it_is)
{
	struct output out;
	const uint64_t one = 1;
	uint64_t value;
	int fd = eventfd(0, 0);

	open_output(&out, fd);
	buf_append(fd_writer_queue(out.w), &one, sizeof(one));
	fd_writer_flush_later(out.w);
	net_turn(out.nt);
	check_flags(fd);
	ck_assert_int_eq(read(fd, &value, sizeof(value)), sizeof(value));
	ck_assert_uint_eq(value, 1);
	close_output(&out, 0);
	close(fd);
}
END_TEST

START_TEST(a_terminal_is_written)
{
	struct output out;
	int master, slave;
	char text[8];

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	open_output(&out, slave);
	put(&out, "hello");
	net_turn(out.nt);
	ck_assert_int_eq(read(master, text, sizeof(text)), 5);
	check_flags(slave);
	close(master);
	net_run_until(out.nt, &out.failed);
	ck_assert_int_eq(out.err, EIO);
	close_output(&out, 0);
	close(slave);
}
END_TEST

UNIT_MAIN("fdio", a_pipe_gives_bytes_then_its_end, a_paused_pipe_is_silent_even_when_it_hangs_up, closing_inside_data_is_allowed,
	a_file_comes_whole_and_in_order, what_a_paused_file_has_read_is_kept, closing_waits_for_a_read_under_way, dev_null_ends_at_once,
	a_directory_ends_with_its_errno, a_socket_is_read_without_changing_its_flags, what_cannot_be_reopened_is_read_as_it_is,
	a_terminal_gives_lines_and_an_end, a_terminal_that_hangs_up_ends_once, a_descriptor_that_cannot_be_read_or_written_is_refused,
	what_is_put_in_one_turn_is_written_together, a_slow_reader_makes_it_full_until_it_has_drained, a_fast_reader_never_makes_it_full,
	a_reader_that_goes_away_is_noticed_with_nothing_to_write, a_failed_write_is_told_from_the_loop_and_the_rest_is_dropped,
	a_pipe_nobody_reads_fails_from_the_loop, dev_full_fails_with_enospc, a_failure_of_the_last_write_is_told_before_closed,
	a_file_is_written_where_its_offset_stands, closing_waits_for_a_slow_reader, a_reader_that_never_reads_is_left_after_the_grace,
	a_socket_is_written_without_changing_its_flags, what_cannot_be_reopened_is_written_as_it_is, a_terminal_is_written)
