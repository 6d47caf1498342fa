/* SPDX-License-Identifier: MIT */
#include "net/race.h"

#include "net/dial.h"

#include "support/net.h"
#include "support/net_dead.h"

struct trial {
	struct net_test *nt;
	struct race *r;
	uint16_t port;      /* one port for all addresses, as a dial has it */
	int listener;
	struct net_dead dead;
	int won, idle, closed;
	struct transport *t;
	uv_timer_t later;
	struct sockaddr_storage joins;
};

static void
on_opened(void *arg)
{
	(void)arg;
	ck_abort_msg("a winner is open already");
}

static void
on_failed(void *arg, const struct failure *f)
{
	(void)arg;
	(void)f;
	ck_abort_msg("a winner does not fail");
}

static void
on_ready(void *arg, unsigned bits)
{
	(void)arg;
	(void)bits;
}

static void
on_closed(void *arg)
{
	struct trial *f = arg;

	f->closed++;
}

static const struct transport_events owner = { on_opened, on_failed, on_ready, on_closed };

static void
on_won(void *arg, struct transport *t, int family, int64_t connect_us)
{
	struct trial *f = arg;

	ck_assert_int_eq(family, AF_INET);
	ck_assert_int_ge(connect_us, 0);
	f->won++;
	f->t = t;
	transport_set_owner(t, &owner, f);
}

static void
on_idle(void *arg)
{
	struct trial *f = arg;

	f->idle++;
}

static const struct race_events events = { on_won, on_idle };

static void
open_trial(struct trial *f)
{
	struct sockaddr_in address;

	*f = (struct trial){ .nt = net_test_new() };
	f->listener = net_listen(&address, 8);
	f->port = ntohs(address.sin_port);
	f->r = race_new(&f->nt->l, &events, f);
}

static void
end_trial(struct trial *f)
{
	race_close(f->r);
	if (f->t != NULL)
		transport_close(f->t, TRANSPORT_RST);
	net_test_end(f->nt);
	close(f->listener);
	ck_assert_int_eq(f->closed, f->won);
}

static void
add(struct trial *f, const char *address)
{
	const struct sockaddr_storage a = net_address(address, f->port);

	race_add(f->r, &a, 1);
}

START_TEST(one_that_is_refused_makes_room_at_once)
{
	struct trial f;

	open_trial(&f);
	add(&f, "127.0.0.2");
	add(&f, "127.0.0.1");
	race_start(f.r);
	net_run_until(f.nt, &f.won);
	ck_assert_int_eq(strncmp(race_target(f.r), "127.0.0.1:", 10), 0);
	struct attempt_list attempts = race_attempts(f.r);
	ck_assert_uint_eq(attempts.n, 1);
	ck_assert_int_eq(attempts.items[0].cause, CAUSE_TCP_REFUSED);
	ck_assert_int_eq(strncmp(attempts.items[0].address.p, "127.0.0.2:", 10), 0);
	ck_assert_int_eq(f.idle, 0);
	end_trial(&f);
}
END_TEST

START_TEST(families_alternate_and_ipv6_is_first)
{
	static const char *const order[] = { "[::1]:", "127.0.0.2:", "[::1]:", "127.0.0.3:" };
	struct trial f;

	open_trial(&f);
	add(&f, "127.0.0.2");
	add(&f, "127.0.0.3");
	add(&f, "::1");
	add(&f, "::1");
	race_start(f.r);
	net_run_until(f.nt, &f.idle);
	struct attempt_list attempts = race_attempts(f.r);
	ck_assert_uint_eq(attempts.n, ARRAY_LEN(order));
	for (size_t i = 0; i < attempts.n; i++)
		ck_assert_int_eq(strncmp(attempts.items[i].address.p, order[i], strlen(order[i])), 0);
	end_trial(&f);
}
END_TEST

START_TEST(after_all_have_failed_a_late_one_is_tried_at_once)
{
	struct trial f;

	open_trial(&f);
	add(&f, "127.0.0.2");
	race_start(f.r);
	net_run_until(f.nt, &f.idle);
	ck_assert(race_is_idle(f.r));
	add(&f, "127.0.0.1");
	ck_assert(!race_is_idle(f.r));
	net_run_until(f.nt, &f.won);
	end_trial(&f);
}
END_TEST

static void
on_later(uv_timer_t *timer)
{
	struct trial *f = timer->data;

	race_add(f->r, &f->joins, 1);
	uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(beside_one_that_does_not_answer_a_late_one_is_tried)
{
	/* Before the stagger has passed it waits for it; afterwards it starts at once. */
	static const unsigned delays[] = { 0, DIAL_STAGGER_MS + 50 };

	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		struct trial f;

		open_trial(&f);
		net_dead_open(&f.dead, "127.0.0.3", f.port);
		add(&f, "127.0.0.3");
		race_start(f.r);
		f.joins = net_address("127.0.0.1", f.port);
		uv_timer_init(&f.nt->l.uv, &f.later);
		f.later.data = &f;
		uv_timer_start(&f.later, on_later, delays[i], 0);
		net_run_until(f.nt, &f.won);
		ck_assert_uint_eq(race_attempts(f.r).n, 0);
		end_trial(&f);
		net_dead_close(&f.dead);
	}
}
END_TEST

START_TEST(the_failure_names_the_last_of_several)
{
	struct trial f;
	struct failure failure;
	char expected[128];

	open_trial(&f);
	ck_assert(!race_failure(f.r, &failure));
	add(&f, "127.0.0.2");
	race_start(f.r);
	net_run_until(f.nt, &f.idle);
	ck_assert(race_failure(f.r, &failure));
	snprintf(expected, sizeof(expected), "connection refused by 127.0.0.2:%u", f.port);
	ck_assert_str_eq(failure.text, expected);
	add(&f, "127.0.0.3");
	f.idle = 0;
	net_run_until(f.nt, &f.idle);
	ck_assert(race_failure(f.r, &failure));
	snprintf(expected, sizeof(expected), "connection refused by 2 addresses (last 127.0.0.3:%u)", f.port);
	ck_assert_str_eq(failure.text, expected);
	end_trial(&f);
}
END_TEST

START_TEST(a_refusal_tells_more_than_a_missing_route)
{
	struct trial f;
	struct failure failure;
	char expected[128];

	open_trial(&f);
	add(&f, "127.0.0.2");
	add(&f, "255.255.255.255");
	race_start(f.r);
	net_run_until(f.nt, &f.idle);
	ck_assert(race_failure(f.r, &failure));
	ck_assert_int_eq(failure.cause, CAUSE_TCP_REFUSED);
	snprintf(expected, sizeof(expected), "connection refused by 127.0.0.2:%u; 1 other failed too", f.port);
	ck_assert_str_eq(failure.text, expected);
	end_trial(&f);
}
END_TEST

START_TEST(no_more_than_the_limit_are_tried)
{
	struct trial f;

	open_trial(&f);
	for (int i = 0; i < DIAL_ATTEMPTS_MAX; i++)
		add(&f, "127.0.0.2");
	add(&f, "127.0.0.1");
	race_start(f.r);
	net_run_until(f.nt, &f.idle);
	ck_assert_uint_eq(race_attempts(f.r).n, DIAL_ATTEMPTS_MAX);
	add(&f, "127.0.0.1");
	ck_assert(race_is_idle(f.r));
	end_trial(&f);
}
END_TEST

START_TEST(closing_it_closes_those_under_way)
{
	struct trial f;

	open_trial(&f);
	net_dead_open(&f.dead, "127.0.0.3", f.port);
	add(&f, "127.0.0.3");
	race_start(f.r);
	net_turn(f.nt);
	end_trial(&f);
	ck_assert_int_eq(f.won + f.idle, 0);
	net_dead_close(&f.dead);
}
END_TEST

UNIT_MAIN("race", one_that_is_refused_makes_room_at_once, families_alternate_and_ipv6_is_first,
	after_all_have_failed_a_late_one_is_tried_at_once, beside_one_that_does_not_answer_a_late_one_is_tried,
	the_failure_names_the_last_of_several, a_refusal_tells_more_than_a_missing_route, no_more_than_the_limit_are_tried,
	closing_it_closes_those_under_way)
