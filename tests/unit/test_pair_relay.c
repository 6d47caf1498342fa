/* SPDX-License-Identifier: MIT */
#include "proxy/pair_state.h"

#include "support/net.h"
#include "support/pipe_transport.h"

static void
on_closed(void *arg)
{
	++*(int *)arg;
}

static const struct transport_events up = { .closed = on_closed };

/* The head of an answer behind interim ones that did not all fit: the socket may have drained between the two. */
START_TEST(what_is_written_to_a_leg_stays_behind_what_waits_for_it)
{
	struct net_test *nt = net_test_new();
	struct pair_options opt = { .loop = &nt->l };
	struct pair p = { .opt = &opt, .legs = { { .pair = &p, .which = LEG_CLIENT }, { .pair = &p, .which = LEG_ORIGIN } } };
	struct leg_side *c = pair_client(&p);
	struct flow *to_client = &pair_origin(&p)->from;
	struct transport *ends[2];
	uint8_t got[16];
	int closed = 0;

	pipe_pair(&nt->l, ends);
	c->transport = ends[0];
	pipe_capacity(ends[1], 4);
	flow_init(to_client, FROM_SERVER, &nt->rng, &flow_up, pair_origin(&p));
	leg_write(c, "interim", 7);
	ck_assert_int_eq(transport_read(ends[1], got, sizeof(got)), 4);
	leg_write(c, "final", 5);
	ck_assert_int_eq(transport_read(ends[1], got, sizeof(got)), -EAGAIN);
	pipe_capacity(ends[1], sizeof(got));
	flow_flush(to_client, 0);
	ck_assert_int_eq(transport_read(ends[1], got, sizeof(got)), 8);
	ck_assert_mem_eq(got, "rimfinal", 8);
	ck_assert(flow_is_empty(to_client));
	flow_deinit(to_client);
	for (int i = 0; i < 2; i++) {
		transport_set_owner(ends[i], &up, &closed);
		transport_close(ends[i], TRANSPORT_GRACEFUL);
	}
	net_test_end(nt);
	ck_assert_int_eq(closed, 2);
}
END_TEST

UNIT_MAIN("pair_relay", what_is_written_to_a_leg_stays_behind_what_waits_for_it)
