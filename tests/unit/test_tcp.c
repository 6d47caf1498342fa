/* SPDX-License-Identifier: MIT */
#include "net/tcp.h"

#include "support/net.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

/* A connection over loopback: ours is a transport, theirs a plain blocking socket. */
struct pair {
	struct net_test *nt;
	struct transport *t;
	int theirs;
	int opened, failed, readies, closed;
	unsigned bits;                        /* of the last ready */
	struct failure failure;
	void (*on_ready)(struct pair *p);     /* what the owner does inside */
	char got[256];
	size_t n_got;
	int at_end;
};

static void
on_opened(void *arg)
{
	struct pair *p = arg;

	p->opened++;
}

static void
on_failed(void *arg, const struct failure *f)
{
	struct pair *p = arg;

	p->failed++;
	p->failure = *f;
}

static void
on_ready(void *arg, unsigned bits)
{
	struct pair *p = arg;

	ck_assert_int_eq(p->closed, 0);
	p->readies++;
	p->bits = bits;
	if (p->on_ready != NULL)
		p->on_ready(p);
}

static void
on_closed(void *arg)
{
	struct pair *p = arg;

	p->closed++;
}

static const struct transport_events events = { on_opened, on_failed, on_ready, on_closed };

static void
open_pair(struct pair *p)
{
	struct sockaddr_in address;
	int listener = net_listen(&address, 8);

	*p = (struct pair){ .nt = net_test_new() };
	p->t = tcp_connect(&p->nt->l, (struct sockaddr *)&address, &events, p);
	ck_assert_int_eq(p->opened, 0);
	net_run_until(p->nt, &p->opened);
	p->theirs = accept(listener, NULL, NULL);
	ck_assert_int_ge(p->theirs, 0);
	close(listener);
}

static void
close_pair(struct pair *p, enum transport_close how)
{
	transport_close(p->t, how);
	ck_assert_int_eq(p->closed, 0);
	net_run_until(p->nt, &p->closed);
	net_test_end(p->nt);
	ck_assert_int_eq(p->closed, 1);
	ck_assert_int_eq(p->opened, 1);
	ck_assert_int_eq(p->failed, 0);
}

/* What an owner does with T_READ: until -EAGAIN or the end. */
static void
read_all(struct pair *p)
{
	for (;;) {
		ssize_t n = transport_read(p->t, p->got + p->n_got, sizeof(p->got) - p->n_got);

		if (n == -EAGAIN)
			return;
		ck_assert_int_ge(n, 0);
		if (n == 0) {
			p->at_end = 1;
			return;
		}
		p->n_got += (size_t)n;
	}
}

static void
read_to_end(struct pair *p)
{
	p->on_ready = read_all;
	transport_want(p->t, T_READ);
	net_run_until(p->nt, &p->at_end);
}

static ssize_t
put(struct pair *p, const char *s)
{
	const struct iovec iov = { (void *)(uintptr_t)s, strlen(s) };

	return transport_writev(p->t, &iov, 1);
}

static void
they_send(struct pair *p, const char *s)
{
	ck_assert_int_eq(send(p->theirs, s, strlen(s), 0), (ssize_t)strlen(s));
}

/* Waits until the kernel has told our socket what they did; takes nothing from it. */
static void
until_told(struct pair *p, short what)
{
	struct transport_stat st;

	transport_stat(p->t, &st);
	struct pollfd pfd = { .fd = st.fd, .events = what };
	do
		ck_assert_int_eq(poll(&pfd, 1, 10 * 1000), 1);
	while ((pfd.revents & what) == 0);
}

static void
check_ends(struct pair *p, const char *expected)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n = transport_ends(p->t, ends);
	char text[64] = "";

	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(ends[i].layer, LAYER_TCP);
		strcat(text, ends[i].kind == END_FIN ? "FIN " : ends[i].code == ECONNRESET ? "RST " : "? ");
	}
	ck_assert_str_eq(text, expected);
	/* It stays said. */
	ck_assert_int_eq(transport_read(p->t, p->got, 1), 0);
}

START_TEST(nothing_comes_before_it_is_wanted)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "x");
	shutdown(p.theirs, SHUT_WR);
	until_told(&p, POLLRDHUP);
	net_turn(p.nt);
	ck_assert_int_eq(p.readies, 0);
	close(p.theirs);
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(bytes_then_fin)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "hello");
	close(p.theirs);
	read_to_end(&p);
	ck_assert_int_eq(memcmp(p.got, "hello", 5), 0);
	ck_assert_uint_eq(p.n_got, 5);
	check_ends(&p, "FIN ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(a_fin_that_was_read_does_not_spin)
{
	struct pair p;

	open_pair(&p);
	shutdown(p.theirs, SHUT_WR);
	read_to_end(&p);
	int readies = p.readies;
	transport_want(p.t, T_READ);
	net_turn(p.nt);
	transport_want(p.t, 0);
	net_turn(p.nt);
	ck_assert_int_eq(p.readies, readies);
	close(p.theirs);
	close_pair(&p, TRANSPORT_FIN);
}
END_TEST

START_TEST(what_is_let_go_waits_for_no_fin)
{
	struct pair p;
	char c;

	open_pair(&p);
	transport_close(p.t, TRANSPORT_LET_GO);
	net_turn(p.nt);
	ck_assert_int_eq(p.closed, 1);
	ck_assert_int_eq(recv(p.theirs, &c, 1, 0), 0);
	close(p.theirs);
	net_test_end(p.nt);
}
END_TEST

START_TEST(rst_is_an_errno)
{
	struct pair p;

	open_pair(&p);
	net_reset(p.theirs);
	read_to_end(&p);
	check_ends(&p, "RST ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(data_before_an_rst_can_still_be_read)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "last words");
	net_reset(p.theirs);
	until_told(&p, POLLERR);
	read_to_end(&p);
	ck_assert_uint_eq(p.n_got, 10);
	check_ends(&p, "RST ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(an_rst_that_a_write_found_is_not_a_fin)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "last words");
	net_reset(p.theirs);
	until_told(&p, POLLERR);
	ck_assert_int_eq(put(&p, "x"), -ECONNRESET);
	ck_assert_int_eq(put(&p, "x"), -ECONNRESET);
	read_to_end(&p);
	ck_assert_uint_eq(p.n_got, 10);
	check_ends(&p, "RST ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(epipe_after_a_read_fin_is_fin_then_rst)
{
	struct pair p;

	open_pair(&p);
	close(p.theirs);
	read_to_end(&p);
	check_ends(&p, "FIN ");
	/* Their socket is gone: what we send is answered with an RST. */
	ck_assert_int_eq(put(&p, "x"), 1);
	until_told(&p, POLLERR);
	ck_assert_int_eq(put(&p, "x"), -EPIPE);
	check_ends(&p, "FIN RST ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(epipe_before_the_fin_was_read_is_fin_then_rst)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "bye");
	close(p.theirs);
	until_told(&p, POLLRDHUP);
	ck_assert_int_eq(put(&p, "x"), 1);
	until_told(&p, POLLERR);
	ck_assert_int_eq(put(&p, "x"), -EPIPE);
	read_to_end(&p);
	ck_assert_uint_eq(p.n_got, 3);
	check_ends(&p, "FIN RST ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(fin_then_rst_is_seen_without_a_second_write)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "bye");
	close(p.theirs);
	until_told(&p, POLLRDHUP);
	ck_assert_int_eq(put(&p, "x"), 1);
	until_told(&p, POLLERR);
	read_to_end(&p);
	ck_assert_uint_eq(p.n_got, 3);
	check_ends(&p, "FIN RST ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

static void
check_paused_end(bool reset)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "unread");
	transport_want(p.t, 0);
	net_turn(p.nt);
	ck_assert_int_eq(p.readies, 0);
	if (reset)
		net_reset(p.theirs);
	else
		close(p.theirs);
	net_run_until(p.nt, &p.readies);
	ck_assert_uint_eq(p.bits, T_END);
	net_turn(p.nt);
	ck_assert_int_eq(p.readies, 1);
	/* Reading gives the data first, then the end. */
	read_to_end(&p);
	ck_assert_uint_eq(p.n_got, 6);
	check_ends(&p, reset ? "RST " : "FIN ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}

START_TEST(a_fin_is_noticed_once_while_paused)
{
	check_paused_end(false);
}
END_TEST

START_TEST(an_rst_is_noticed_once_while_paused)
{
	check_paused_end(true);
}
END_TEST

START_TEST(readable_and_writable_come_as_one)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "x");
	until_told(&p, POLLIN);
	transport_want(p.t, T_READ | T_WRITE);
	net_run_until(p.nt, &p.readies);
	ck_assert_uint_eq(p.bits, T_READ | T_WRITE);
	close(p.theirs);
	close_pair(&p, TRANSPORT_RST);
}
END_TEST

START_TEST(a_full_socket_takes_no_more_and_tells_when_it_does)
{
	static uint8_t block[64 * 1024];
	const struct iovec iov = { block, sizeof(block) };
	struct pair p;
	size_t sent = 0, received = 0;
	ssize_t n;

	open_pair(&p);
	while ((n = transport_writev(p.t, &iov, 1)) > 0)
		sent += (size_t)n;
	ck_assert_int_eq(n, 0);
	/* Not wanted: not told. */
	transport_want(p.t, T_READ);
	net_turn(p.nt);
	ck_assert_int_eq(p.readies, 0);
	transport_want(p.t, T_READ | T_WRITE);
	while (received < sent) {
		n = recv(p.theirs, block, sizeof(block), 0);
		ck_assert_int_gt(n, 0);
		received += (size_t)n;
	}
	net_run_until(p.nt, &p.readies);
	ck_assert_uint_eq(p.bits, T_WRITE);
	ck_assert_int_gt(transport_writev(p.t, &iov, 1), 0);
	close(p.theirs);
	close_pair(&p, TRANSPORT_RST);
}
END_TEST

START_TEST(after_a_half_close_reading_goes_on)
{
	struct pair p;
	char c;

	open_pair(&p);
	ck_assert_int_eq(transport_half_close(p.t), 0);
	ck_assert_int_eq(recv(p.theirs, &c, 1, 0), 0);
	ck_assert_int_eq(put(&p, "x"), -EPIPE);
	they_send(&p, "still here");
	close(p.theirs);
	read_to_end(&p);
	ck_assert_uint_eq(p.n_got, 10);
	check_ends(&p, "FIN ");
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(a_graceful_close_with_unread_data_is_no_reset)
{
	struct pair p;
	char text[16];

	open_pair(&p);
	they_send(&p, "not read by us");
	until_told(&p, POLLIN);
	ck_assert_int_eq(put(&p, "goodbye"), 7);
	transport_close(p.t, TRANSPORT_GRACEFUL);
	net_turn(p.nt);
	ck_assert_int_eq(p.closed, 0);
	they_send(&p, "nor this");
	net_turn(p.nt);
	ck_assert_int_eq(p.closed, 0);
	ck_assert_int_eq(recv(p.theirs, text, sizeof(text), MSG_WAITALL), 7);
	ck_assert_int_eq(recv(p.theirs, text, sizeof(text), 0), 0);
	close(p.theirs);
	net_run_until(p.nt, &p.closed);
	net_test_end(p.nt);
	ck_assert_int_eq(p.closed, 1);
}
END_TEST

START_TEST(after_their_fin_was_read_closing_waits_for_nothing)
{
	struct pair p;

	open_pair(&p);
	shutdown(p.theirs, SHUT_WR);
	read_to_end(&p);
	transport_close(p.t, TRANSPORT_GRACEFUL);
	net_turn(p.nt);
	ck_assert_int_eq(p.closed, 1);
	close(p.theirs);
	net_test_end(p.nt);
}
END_TEST

START_TEST(a_peer_that_holds_on_is_left_after_the_drain_time)
{
	struct pair p;

	open_pair(&p);
	/* Nobody ends theirs: only the timer can. */
	close_pair(&p, TRANSPORT_FIN);
	close(p.theirs);
}
END_TEST

START_TEST(rst_close_resets)
{
	struct pair p;
	char c;

	open_pair(&p);
	close_pair(&p, TRANSPORT_RST);
	ck_assert_int_eq(recv(p.theirs, &c, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	close(p.theirs);
}
END_TEST

static void
close_inside(struct pair *p)
{
	transport_close(p->t, TRANSPORT_RST);
}

START_TEST(closing_inside_ready_is_allowed)
{
	struct pair p;

	open_pair(&p);
	they_send(&p, "x");
	p.on_ready = close_inside;
	transport_want(p.t, T_READ | T_WRITE);
	net_run_until(p.nt, &p.closed);
	ck_assert_int_eq(p.readies, 1);
	close(p.theirs);
	net_test_end(p.nt);
}
END_TEST

START_TEST(a_refused_connect_fails_from_the_loop_with_a_sentence)
{
	struct pair p = { .nt = net_test_new() };
	struct sockaddr_in address;
	char expected[128], who[64];

	close(net_listen(&address, 1));
	tcp_format_address((struct sockaddr *)&address, who);
	p.t = tcp_connect(&p.nt->l, (struct sockaddr *)&address, &events, &p);
	ck_assert_int_eq(p.failed, 0);
	net_run_until(p.nt, &p.failed);
	snprintf(expected, sizeof(expected), "connection refused by %s", who);
	ck_assert_str_eq(p.failure.text, expected);
	ck_assert_int_eq(p.failure.stage, STAGE_TCP);
	ck_assert_int_eq(p.failure.cause, CAUSE_TCP_REFUSED);
	ck_assert_int_eq(p.failure.code, ECONNREFUSED);
	transport_close(p.t, TRANSPORT_GRACEFUL);
	net_test_end(p.nt);
	ck_assert_int_eq(p.closed, 1);
	ck_assert_int_eq(p.opened, 0);
}
END_TEST

START_TEST(an_address_nobody_can_connect_to_fails_from_the_loop)
{
	struct pair p = { .nt = net_test_new() };
	/* Broadcast: the system says no inside connect(). */
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = INADDR_BROADCAST };

	p.t = tcp_connect(&p.nt->l, (const struct sockaddr *)&address, &events, &p);
	ck_assert_int_eq(p.failed, 0);
	net_run_until(p.nt, &p.failed);
	transport_close(p.t, TRANSPORT_GRACEFUL);
	net_test_end(p.nt);
	ck_assert_int_eq(p.closed, 1);
}
END_TEST

START_TEST(without_a_descriptor_a_connect_fails_from_the_loop)
{
	struct pair p = { .nt = net_test_new() };
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct transport_stat st;
	struct rlimit old, none;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ 0, old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	p.t = tcp_connect(&p.nt->l, (const struct sockaddr *)&address, &events, &p);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	net_run_until(p.nt, &p.failed);
	ck_assert_int_eq(p.failure.code, EMFILE);
	ck_assert_str_eq(p.failure.text, "cannot connect to 127.0.0.1:9: Too many open files");
	transport_stat(p.t, &st);
	ck_assert(!st.has_tcp);
	transport_close(p.t, TRANSPORT_RST);
	net_test_end(p.nt);
	ck_assert_int_eq(p.closed, 1);
}
END_TEST

START_TEST(closing_before_it_opened_is_silent)
{
	struct pair p = { .nt = net_test_new() };
	struct sockaddr_in address;
	int listener = net_listen(&address, 1);

	p.t = tcp_connect(&p.nt->l, (struct sockaddr *)&address, &events, &p);
	transport_close(p.t, TRANSPORT_GRACEFUL);
	net_test_end(p.nt);
	close(listener);
	ck_assert_int_eq(p.closed, 1);
	ck_assert_int_eq(p.opened + p.failed + p.readies, 0);
}
END_TEST

START_TEST(an_adopted_socket_opens_from_the_loop)
{
	struct pair p = { .nt = net_test_new() };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	p.t = tcp_adopt(&p.nt->l, fds[0], &events, &p);
	p.theirs = fds[1];
	/* Wanted early: heard after opened. */
	transport_want(p.t, T_READ);
	they_send(&p, "x");
	ck_assert_int_eq(p.opened, 0);
	net_run_until(p.nt, &p.readies);
	ck_assert_int_eq(p.opened, 1);
	close(p.theirs);
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(stat_knows_addresses_after_the_end_and_what_was_not_acknowledged)
{
	struct pair p;
	struct transport_stat before, after;

	open_pair(&p);
	transport_stat(p.t, &before);
	ck_assert(before.has_tcp);
	ck_span_eq(before.tcp.state, "ESTABLISHED");
	ck_assert_int_eq(before.unacked, 0);
	ck_assert_int_eq(strncmp(before.peer, "127.0.0.1:", 10), 0);
	ck_assert_int_eq(strncmp(before.local, "127.0.0.1:", 10), 0);
	net_reset(p.theirs);
	read_to_end(&p);
	transport_stat(p.t, &after);
	ck_assert_str_eq(after.peer, before.peer);
	ck_assert_str_eq(after.local, before.local);
	ck_assert(transport_tls(p.t) == NULL);
	ck_assert_uint_eq(transport_pending(p.t), 0);
	close_pair(&p, TRANSPORT_GRACEFUL);
}
END_TEST

START_TEST(addresses_read_as_in_a_url)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc0000201) };
	char text[64];

	tcp_format_address((struct sockaddr *)&in6, text);
	ck_assert_str_eq(text, "[::1]:443");
	tcp_format_address((struct sockaddr *)&in, text);
	ck_assert_str_eq(text, "192.0.2.1:80");
}
END_TEST

UNIT_MAIN("tcp", nothing_comes_before_it_is_wanted, bytes_then_fin, a_fin_that_was_read_does_not_spin, what_is_let_go_waits_for_no_fin, rst_is_an_errno,
	data_before_an_rst_can_still_be_read, an_rst_that_a_write_found_is_not_a_fin, epipe_after_a_read_fin_is_fin_then_rst,
	epipe_before_the_fin_was_read_is_fin_then_rst, fin_then_rst_is_seen_without_a_second_write, a_fin_is_noticed_once_while_paused,
	an_rst_is_noticed_once_while_paused, readable_and_writable_come_as_one, a_full_socket_takes_no_more_and_tells_when_it_does,
	after_a_half_close_reading_goes_on, a_graceful_close_with_unread_data_is_no_reset,
	after_their_fin_was_read_closing_waits_for_nothing, a_peer_that_holds_on_is_left_after_the_drain_time, rst_close_resets,
	closing_inside_ready_is_allowed, a_refused_connect_fails_from_the_loop_with_a_sentence,
	an_address_nobody_can_connect_to_fails_from_the_loop, without_a_descriptor_a_connect_fails_from_the_loop,
	closing_before_it_opened_is_silent, an_adopted_socket_opens_from_the_loop,
	stat_knows_addresses_after_the_end_and_what_was_not_acknowledged, addresses_read_as_in_a_url)
