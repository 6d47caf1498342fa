/* SPDX-License-Identifier: MIT */
#include "log/sink.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static const struct source source = { .run = 1, .role = ROLE_CLIENT };
static const struct json_options options = { .wants = EVENT_ALL };

struct trouble {
	unsigned n;
	int err;
};

static void
on_trouble(void *arg, const char *path, int err)
{
	struct trouble *t = arg;

	(void)path;
	t->n++;
	t->err = err;
}

static void
emit(struct sink *s, const char *text)
{
	struct event ev = { .type = EV_NOTE, .src = &source, .u.note.text = span_of(text) };

	s->event(s, &ev);
}

/* A name for a file that is not there. */
static char *
fresh_path(void)
{
	char *path = xstrdup("/tmp/wsdiag-test-XXXXXX");
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	unlink(path);
	return path;
}

static struct buf
contents(const char *path)
{
	struct buf b = { 0 };
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	for (int c; (c = fgetc(f)) != EOF;)
		buf_putc(&b, (char)c);
	fclose(f);
	return b;
}

START_TEST(lines_are_appended_to_a_private_file)
{
	char *path CLEANUP(free_charp) = fresh_path();
	struct trouble t = { 0 };
	struct stat st;
	struct sink *s;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(sink_file_new(path, &options, on_trouble, &t, &s), 0);
		emit(s, i == 0 ? "first" : "second");
		s->free(s);
	}
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	struct buf b = contents(path);
	const char *second = strstr(buf_cstr(&b), "\"text\":\"first\"}\n{");
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_nonnull(strstr(second, "\"seq\":1,\"text\":\"second\"}\n"));
	ck_assert_uint_eq(t.n, 0);
	buf_deinit(&b);
	unlink(path);
}
END_TEST

START_TEST(a_full_disk_is_told_once)
{
	struct trouble t = { 0 };
	struct sink *s;

	ck_assert_int_eq(sink_file_new("/dev/full", &options, on_trouble, &t, &s), 0);
	emit(s, "one");
	emit(s, "two");
	ck_assert_uint_eq(t.n, 1);
	ck_assert_int_eq(t.err, -ENOSPC);
	s->free(s);
}
END_TEST

/* A limit on the file's size cuts a write short just as a full disk does. */
START_TEST(a_line_cut_short_leaves_the_next_one_whole)
{
	char *path CLEANUP(free_charp) = fresh_path();
	struct trouble t = { 0 };
	struct rlimit old, tight = { 0 };
	struct sink *s;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tight = (struct rlimit){ 150, old.rlim_max };
	ck_assert_int_eq(sink_file_new(path, &options, on_trouble, &t, &s), 0);
	setrlimit(RLIMIT_FSIZE, &tight);
	emit(s, "a text that is long enough to be cut short by the limit that was set above, whatever stands before it");
	emit(s, "lost");
	setrlimit(RLIMIT_FSIZE, &old);
	emit(s, "after");
	emit(s, "last");
	s->free(s);
	ck_assert_uint_eq(t.n, 1);

	struct buf b = contents(path);
	const char *line = memchr(buf_cstr(&b), '\n', b.len);
	ck_assert_int_eq(line - buf_cstr(&b), 150);
	ck_assert(strncmp(line, "\n{\"v\":1,", 8) == 0);
	ck_assert_ptr_nonnull(strstr(line, "\"seq\":3,\"text\":\"after\"}\n{"));
	ck_assert_ptr_nonnull(strstr(line, "\"seq\":4,\"text\":\"last\"}\n"));
	buf_deinit(&b);
	unlink(path);
}
END_TEST

static void
on_alarm(int sig)
{
	(void)sig;
}

struct reader {
	int fd;
	struct buf got;
};

/* Whatever comes, slowly, until the other end is closed. */
static void *
read_slowly(void *arg)
{
	struct reader *r = arg;
	char some[4096];
	ssize_t n;

	while ((n = read(r->fd, some, sizeof(some))) > 0) {
		buf_append(&r->got, some, (size_t)n);
		usleep(2000);
	}
	return NULL;
}

START_TEST(a_signal_during_a_long_line_does_not_cut_it)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
	struct reader reader = { 0 };
	struct trouble t = { 0 };
	static char text[200000];
	char path[32];
	pthread_t thread;
	struct sink *s;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	ck_assert_int_eq(sink_file_new(path, &options, on_trouble, &t, &s), 0);
	close(fds[1]);
	reader.fd = fds[0];
	memset(text, 'x', sizeof(text) - 1);
	sigaction(SIGALRM, &act, NULL);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	emit(s, text);
	emit(s, "next");
	setitimer(ITIMER_REAL, &never, NULL);
	s->free(s);
	pthread_join(thread, NULL);
	close(fds[0]);

	const char *end = memchr(buf_cstr(&reader.got), '\n', reader.got.len);
	ck_assert_uint_eq(t.n, 0);
	ck_assert_ptr_nonnull(end);
	ck_assert_int_gt(end - buf_cstr(&reader.got), (int)sizeof(text) - 1);
	ck_assert_ptr_nonnull(strstr(end, "\"seq\":2,\"text\":\"next\"}\n"));
	buf_deinit(&reader.got);
}
END_TEST

START_TEST(a_torn_last_line_of_an_earlier_run_stays_alone)
{
	char *path CLEANUP(free_charp) = fresh_path();
	FILE *f = fopen(path, "w");
	struct sink *s;

	fputs("{\"v\":1,\"ev", f);
	fclose(f);
	ck_assert_int_eq(sink_file_new(path, &options, NULL, NULL, &s), 0);
	emit(s, "new");
	s->free(s);
	struct buf b = contents(path);
	ck_assert(strncmp(buf_cstr(&b), "{\"v\":1,\"ev\n{\"v\":1,\"event\":\"note\"", 32) == 0);
	buf_deinit(&b);
	unlink(path);
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_is_an_errno)
{
	struct sink *s = NULL;

	ck_assert_int_eq(sink_file_new("/", &options, NULL, NULL, &s), -EISDIR);
	ck_assert_int_eq(sink_file_new("/nonexistent/file", &options, NULL, NULL, &s), -ENOENT);
	ck_assert_ptr_null(s);
}
END_TEST

UNIT_MAIN("sink_file", lines_are_appended_to_a_private_file, a_full_disk_is_told_once, a_line_cut_short_leaves_the_next_one_whole,
    a_signal_during_a_long_line_does_not_cut_it, a_torn_last_line_of_an_earlier_run_stays_alone, a_path_that_cannot_be_opened_is_an_errno)
