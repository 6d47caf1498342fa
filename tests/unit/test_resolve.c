/* SPDX-License-Identifier: MIT */
#include "net/resolve.h"

#include "net/tcp.h"

#include "support/net.h"

struct question {
	struct net_test *nt;
	struct resolve *r;
	int answers, failures;
	bool seen_v4, seen_v6;
	char first[64];
	struct failure failure;
	bool cancel_inside;
};

static void
on_answer(void *arg, int family, const struct sockaddr_storage *addresses, size_t n, const struct failure *f)
{
	struct question *q = arg;

	ck_assert_int_eq(n > 0, f == NULL);
	ck_assert(family == AF_INET ? !q->seen_v4 : !q->seen_v6);
	*(family == AF_INET ? &q->seen_v4 : &q->seen_v6) = true;
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(addresses[i].ss_family, family);
	if (n > 0) {
		tcp_format_address((const struct sockaddr *)&addresses[0], q->first);
	} else {
		q->failure = *f;
		q->failures++;
	}
	q->answers++;
	if (q->cancel_inside)
		resolve_cancel(steal(&q->r));
}

static void
ask(struct question *q, const char *host, int families)
{
	*q = (struct question){ .nt = net_test_new() };
	q->r = resolve_start(&q->nt->l, host, 80, families, on_answer, q);
	ck_assert_int_eq(q->answers, 0);
	ck_assert_uint_gt(resolve_pending(q->r), 0);
}

static void
end(struct question *q)
{
	loop_run(&q->nt->l);
	if (q->r != NULL)
		ck_assert_uint_eq(resolve_pending(q->r), 0);
	resolve_cancel(q->r);
	ck_assert_uint_eq(q->nt->l.lookups, 0);
	net_test_end(q->nt);
}

START_TEST(a_literal_answers_for_its_own_family)
{
	static const struct {
		const char *host, *address;
		int families;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1:80", AF_UNSPEC },
		{ "192.0.2.1", "192.0.2.1:80", AF_INET },
		{ "2001:db8::1", "[2001:db8::1]:80", AF_UNSPEC },
		{ "::1", "[::1]:80", AF_INET6 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct question q;

		ask(&q, rows[i].host, rows[i].families);
		ck_assert(resolve_is_literal(q.r));
		ck_assert_uint_eq(q.nt->l.lookups, 0);
		end(&q);
		ck_assert_int_eq(q.answers, 1);
		ck_assert_str_eq(q.first, rows[i].address);
	}
}
END_TEST

START_TEST(a_literal_of_the_other_family_is_not_found)
{
	struct question q;

	ask(&q, "::1", AF_INET);
	end(&q);
	ck_assert_int_eq(q.answers, 1);
	ck_assert(q.seen_v4);
	ck_assert_int_eq(q.failure.cause, CAUSE_DNS_NOT_FOUND);
	ck_assert_str_eq(q.failure.text, "no such host: ::1");
}
END_TEST

START_TEST(both_families_answer_for_a_name)
{
	struct question q;

	ask(&q, "localhost", AF_UNSPEC);
	ck_assert(!resolve_is_literal(q.r));
	ck_assert_uint_eq(q.nt->l.lookups, 2);
	end(&q);
	ck_assert_int_eq(q.answers, 2);
	ck_assert_int_le(q.failures, 1);
}
END_TEST

START_TEST(one_family_is_asked_alone)
{
	struct question q;

	ask(&q, "localhost", AF_INET);
	end(&q);
	ck_assert_int_eq(q.answers, 1);
	ck_assert_str_eq(q.first, "127.0.0.1:80");
}
END_TEST

START_TEST(a_name_that_cannot_be_is_a_failure_of_both)
{
	struct question q;

	ask(&q, "nosuch.invalid", AF_UNSPEC);
	end(&q);
	ck_assert_int_eq(q.failures, 2);
	ck_assert_int_eq(q.failure.stage, STAGE_DNS);
	/* Without a resolver to ask, "not found" cannot be known. */
	if (q.failure.cause == CAUSE_DNS_NOT_FOUND)
		ck_assert_str_eq(q.failure.text, "no such host: nosuch.invalid");
	else
		ck_assert_int_eq(strncmp(q.failure.text, "cannot look up nosuch.invalid: ", 31), 0);
}
END_TEST

START_TEST(a_name_the_system_does_not_even_take_fails_from_the_loop)
{
	struct question q;
	char host[2000];

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	ask(&q, host, AF_UNSPEC);
	end(&q);
	ck_assert_int_eq(q.failures, 2);
	ck_assert_int_eq(q.failure.stage, STAGE_DNS);
}
END_TEST

START_TEST(cancelled_it_is_silent)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1" };

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct question q;

		ask(&q, hosts[i], AF_UNSPEC);
		resolve_cancel(steal(&q.r));
		end(&q);
		ck_assert_int_eq(q.answers, 0);
	}
}
END_TEST

START_TEST(cancelling_inside_an_answer_is_allowed)
{
	struct question q;
	char host[2000];

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		ask(&q, i == 0 ? "localhost" : host, AF_UNSPEC);
		q.cancel_inside = true;
		end(&q);
		ck_assert_int_eq(q.answers, 1);
	}
}
END_TEST

UNIT_MAIN("resolve", a_literal_answers_for_its_own_family, a_literal_of_the_other_family_is_not_found, both_families_answer_for_a_name,
	one_family_is_asked_alone, a_name_that_cannot_be_is_a_failure_of_both, a_name_the_system_does_not_even_take_fails_from_the_loop,
	cancelled_it_is_silent, cancelling_inside_an_answer_is_allowed)
