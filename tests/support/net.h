/* SPDX-License-Identifier: MIT */
/*
 * net: a loop for a test, with a limit on how long it may wait for what never comes, and plain blocking sockets to play the far end with.
 */
#ifndef WSDIAG_TESTS_NET_H
#define WSDIAG_TESTS_NET_H

#include "net/loop.h"

#include "support/unit.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NET_TEST_LIMIT_MS = 30 * 1000 };

struct net_test {
	struct loop l;
	struct rng rng;
	uv_timer_t limit;
};

static inline void
net_on_limit(uv_timer_t *timer)
{
	(void)timer;
	ck_abort_msg("the loop waits for something that never comes");
}

static inline struct net_test *
net_test_new(void)
{
	struct net_test *nt = xcalloc(1, sizeof(*nt));

	signal(SIGPIPE, SIG_IGN);
	rng_init_seed(&nt->rng, 1);
	ck_assert_int_eq(loop_init(&nt->l, &clock_system, &nt->rng), 0);
	uv_timer_init(&nt->l.uv, &nt->limit);
	uv_timer_start(&nt->limit, net_on_limit, NET_TEST_LIMIT_MS, 0);
	uv_unref((uv_handle_t *)&nt->limit);
	return nt;
}

/* One turn of the loop after the other until *done is not 0. */
static inline void
net_run_until(struct net_test *nt, const int *done)
{
	while (*done == 0)
		ck_assert_msg(uv_run(&nt->l.uv, UV_RUN_ONCE) != 0 || *done != 0, "the loop ended before it came");
}

/* Some turns without waiting: enough for what could come to have come, in tests that nothing does. */
static inline void
net_turn(struct net_test *nt)
{
	for (int i = 0; i < 20; i++)
		uv_run(&nt->l.uv, UV_RUN_NOWAIT);
}

/* Runs until nothing is open any more; every test ends with it. */
static inline void
net_test_end(struct net_test *nt)
{
	loop_run(&nt->l);
	uv_close((uv_handle_t *)&nt->limit, NULL);
	ck_assert_int_eq(loop_deinit(&nt->l), 0);
	free(nt);
}

/* A blocking listener on 127.0.0.1; its address is written to *ret. */
static inline int
net_listen(struct sockaddr_in *ret, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret, &size), 0);
	return fd;
}

/* Closes with an RST. */
static inline void
net_reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
}

#endif
