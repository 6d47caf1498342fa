/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include "support/net.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

enum { CLIENTS_MAX = 200 };

struct server {
	struct net_test *nt;
	struct listener *li;
	struct sockaddr_storage address;
	int accepted, troubles, err, closed;
	int fds[CLIENTS_MAX];
	char peer[64];
	bool close_inside;
};

static void
on_accepted(void *arg, int fd, const char *peer)
{
	struct server *s = arg;

	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	strcpy(s->peer, peer);
	s->fds[s->accepted++] = fd;
	if (s->close_inside)
		listener_close(s->li);
}

static void
on_trouble(void *arg, int err)
{
	struct server *s = arg;

	s->troubles++;
	s->err = err;
}

static void
on_closed(void *arg)
{
	struct server *s = arg;

	s->closed++;
}

static const struct listener_events events = { on_accepted, on_trouble, on_closed };

static void
set_loopback(struct sockaddr_storage *address)
{
	*address = (struct sockaddr_storage){ .ss_family = AF_INET };
	((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void
open_server(struct server *s)
{
	*s = (struct server){ .nt = net_test_new() };
	set_loopback(&s->address);
	ck_assert_int_eq(listener_new(&s->nt->l, &s->address, &events, s, &s->li), 0);
	ck_assert_uint_ne(((struct sockaddr_in *)&s->address)->sin_port, 0);
}

static void
end_server(struct server *s)
{
	net_test_end(s->nt);
	ck_assert_int_eq(s->closed, 1);
	for (int i = 0; i < s->accepted; i++)
		close(s->fds[i]);
}

static int
join(struct server *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&s->address, sizeof(struct sockaddr_in)), 0);
	return fd;
}

static void
run_until_accepted(struct server *s, int n)
{
	while (s->accepted < n)
		ck_assert_int_ne(uv_run(&s->nt->l.uv, UV_RUN_ONCE), 0);
}

START_TEST(a_client_is_accepted_with_its_address)
{
	struct server s;

	open_server(&s);
	int fd = join(&s);
	run_until_accepted(&s, 1);
	struct sockaddr_in mine;
	socklen_t size = sizeof(mine);
	char expected[64];
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&mine, &size), 0);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(mine.sin_port));
	ck_assert_str_eq(s.peer, expected);
	close(fd);
	listener_close(s.li);
	ck_assert_int_eq(s.closed, 0);
	end_server(&s);
}
END_TEST

START_TEST(more_than_a_batch_are_all_accepted)
{
	enum { N = LISTENER_BATCH + 20 };
	struct server s;
	int fds[N];

	open_server(&s);
	for (int i = 0; i < N; i++)
		fds[i] = join(&s);
	run_until_accepted(&s, N);
	listener_close(s.li);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	end_server(&s);
}
END_TEST

START_TEST(closing_inside_accepted_is_allowed)
{
	struct server s;

	open_server(&s);
	int one = join(&s), two = join(&s);
	s.close_inside = true;
	end_server(&s);
	ck_assert_int_eq(s.accepted, 1);
	close(one);
	close(two);
}
END_TEST

START_TEST(a_port_that_is_taken_is_an_error)
{
	struct server s;
	struct listener *second = NULL;

	open_server(&s);
	struct sockaddr_storage same = s.address;
	ck_assert_int_eq(listener_new(&s.nt->l, &same, &events, &s, &second), -EADDRINUSE);
	ck_assert(second == NULL);
	listener_close(s.li);
	end_server(&s);
}
END_TEST

/* No descriptor can be had from here on. */
static void
exhaust(struct rlimit *ret_old)
{
	int lowest = open("/dev/null", O_RDONLY);
	struct rlimit none;

	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, ret_old), 0);
	none = *ret_old;
	none.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static int
count_ended(const int *fds, int n)
{
	int ended = 0;
	char c;

	for (int i = 0; i < n; i++)
		ended += recv(fds[i], &c, 1, MSG_DONTWAIT) == 0;
	return ended;
}

static void
run_until_trouble(struct server *s, int n)
{
	while (s->troubles < n)
		ck_assert_int_ne(uv_run(&s->nt->l.uv, UV_RUN_ONCE), 0);
	ck_assert_int_eq(s->err, EMFILE);
}

START_TEST(without_descriptors_it_drops_one_pauses_and_goes_on)
{
	enum { N = 16 };
	struct server s;
	struct rlimit old, one_more;
	int fds[N];

	open_server(&s);
	for (int i = 0; i < N; i++)
		fds[i] = join(&s);
	exhaust(&old);
	run_until_trouble(&s, 1);
	ck_assert_int_eq(s.accepted, 0);
	ck_assert_int_eq(count_ended(fds, N), 1);
	/* Spinning would have dropped them all. */
	net_turn(s.nt);
	ck_assert_int_lt(count_ended(fds, N), N);
	/* One is served, and then trouble begins anew. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &one_more), 0);
	one_more.rlim_cur++;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &one_more), 0);
	run_until_trouble(&s, 2);
	ck_assert_int_eq(s.accepted, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	run_until_accepted(&s, 3);
	ck_assert_int_eq(s.troubles, 2);
	listener_close(s.li);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	end_server(&s);
}
END_TEST

UNIT_MAIN("listener", a_client_is_accepted_with_its_address, more_than_a_batch_are_all_accepted, closing_inside_accepted_is_allowed,
	a_port_that_is_taken_is_an_error, without_descriptors_it_drops_one_pauses_and_goes_on)
