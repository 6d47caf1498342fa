/* SPDX-License-Identifier: MIT */
#include "ws/door.h"

#include "support/net.h"
#include "support/record.h"

#include <errno.h>

struct house {
	struct net_test *nt;
	struct journal journal;
	struct record record;
	struct door *door;
	struct sockaddr_in address;
	char bound[64];
	int accepted, closed;
};

static void
on_accepted(void *arg, int fd, const char *peer)
{
	struct house *h = arg;

	(void)peer;
	h->accepted++;
	close(fd);
}

static void
on_closed(void *arg)
{
	((struct house *)arg)->closed++;
}

static const struct door_events door_up = { on_accepted, on_closed };

static struct house *
house_new(void)
{
	struct house *h = xcalloc(1, sizeof(*h));
	struct sockaddr_storage any = { .ss_family = AF_INET };
	char host[64];

	((struct sockaddr_in *)&any)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	h->nt = net_test_new();
	journal_init(&h->journal, ROLE_SERVER, 1, &clock_system);
	record_start(&h->record, &h->journal, EVENT_ALL);
	ck_assert_int_eq(door_new(&h->nt->l, &h->journal, &any, &door_up, h, &h->door), 0);
	door_format(h->door, h->bound, host);
	ck_assert_str_eq(h->bound, host);
	h->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	h->address.sin_port = htons((uint16_t)atoi(strrchr(h->bound, ':') + 1));
	return h;
}

/* Whatever its state: it closes once, and nothing is left open. */
static void
house_end(struct house *h)
{
	door_close(h->door);
	net_test_end(h->nt);
	ck_assert_int_eq(h->closed, 1);
	journal_deinit(&h->journal);
	free(h);
}

/* 0 or an errno. */
static int
knock(const struct house *h)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = connect(fd, (const struct sockaddr *)&h->address, sizeof(h->address)) < 0 ? errno : 0;

	close(fd);
	return err;
}

/* A turn of the loop, which is alive in every state of a door. */
static void
turn(struct house *h)
{
	ck_assert_int_ne(uv_run(&h->nt->l.uv, UV_RUN_NOWAIT), 0);
	usleep(1000);
}

/* Turns until knocking has this answer. */
static void
knock_until(struct house *h, int err)
{
	while (knock(h) != err)
		turn(h);
}

START_TEST(it_lets_in)
{
	struct house *h = house_new();

	ck_assert_int_eq(knock(h), 0);
	net_run_until(h->nt, &h->accepted);
	house_end(h);
}
END_TEST

START_TEST(shut_for_a_time_it_refuses_and_opens_on_the_same_port)
{
	struct house *h = house_new();

	door_shut(h->door, 200 * US_PER_MS);
	knock_until(h, ECONNREFUSED);
	knock_until(h, 0);
	net_run_until(h->nt, &h->accepted);
	ck_assert_uint_eq(h->record.n, 0);
	house_end(h);
}
END_TEST

START_TEST(shut_for_no_time_it_opens_at_once)
{
	struct house *h = house_new();

	door_shut(h->door, 0);
	knock_until(h, ECONNREFUSED);
	knock_until(h, 0);
	house_end(h);
}
END_TEST

START_TEST(shut_for_ever_it_waits_for_a_new_time)
{
	struct house *h = house_new();

	door_shut(h->door, -1);
	net_turn(h->nt);
	turn(h);
	ck_assert_int_eq(knock(h), ECONNREFUSED);
	door_shut(h->door, 0);
	knock_until(h, 0);
	house_end(h);
}
END_TEST

START_TEST(it_closes_in_every_state)
{
	struct house *h = house_new();

	house_end(h);
	h = house_new();
	door_shut(h->door, -1);
	house_end(h);
	h = house_new();
	door_shut(h->door, 0);
	net_turn(h->nt);
	house_end(h);
	h = house_new();
	door_close(h->door);
	door_shut(h->door, 0);
	net_test_end(h->nt);
	ck_assert_int_eq(h->closed, 1);
	journal_deinit(&h->journal);
	free(h);
}
END_TEST

START_TEST(a_port_that_was_taken_meanwhile_is_told_once_and_tried_again)
{
	struct house *h = house_new();
	char expected[200];
	int thief = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	door_shut(h->door, -1);
	net_turn(h->nt);
	ck_assert_int_eq(bind(thief, (struct sockaddr *)&h->address, sizeof(h->address)), 0);
	ck_assert_int_eq(listen(thief, 1), 0);
	door_shut(h->door, 0);
	while (h->record.n == 0)
		turn(h);
	snprintf(expected, sizeof(expected), "cannot listen again on %s: Address already in use; it is tried again every second", h->bound);
	ck_assert_str_eq(h->record.items[0].text, expected);
	ck_assert_int_ne(uv_run(&h->nt->l.uv, UV_RUN_ONCE), 0); /* once in vain */
	close(thief);
	knock_until(h, 0);
	ck_assert_uint_eq(h->record.n, 1);
	house_end(h);
}
END_TEST

START_TEST(a_port_in_use_is_an_error)
{
	struct house *h = house_new();
	struct sockaddr_storage same = { 0 };
	struct door *second = NULL;

	memcpy(&same, &h->address, sizeof(h->address));
	ck_assert_int_eq(door_new(&h->nt->l, &h->journal, &same, &door_up, h, &second), -EADDRINUSE);
	ck_assert_ptr_null(second);
	house_end(h);
}
END_TEST

UNIT_MAIN("door", it_lets_in, shut_for_a_time_it_refuses_and_opens_on_the_same_port, shut_for_no_time_it_opens_at_once, shut_for_ever_it_waits_for_a_new_time,
    it_closes_in_every_state, a_port_that_was_taken_meanwhile_is_told_once_and_tried_again, a_port_in_use_is_an_error)
