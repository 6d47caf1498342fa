/* SPDX-License-Identifier: MIT */
#include "serve/tap.h"

#include "support/net.h"
#include "support/pipe_transport.h"

static void
on_bytes(void *arg, enum plan_direction dir)
{
	(void)arg, (void)dir;
}

static enum flow_verdict
on_frame(void *arg, enum plan_direction dir, const struct frame *f, struct span payload)
{
	(void)arg, (void)dir, (void)f, (void)payload;
	return FLOW_PASS;
}

static bool
on_wants_payload(void *arg, enum plan_direction dir)
{
	(void)arg, (void)dir;
	return false;
}

static void
on_payload(void *arg, enum plan_direction dir, uint64_t n)
{
	(void)arg, (void)dir, (void)n;
}

static void
on_timed(void *arg)
{
	(void)arg;
}

static const struct tap_events up = {
	.bytes = on_bytes,
	.frame = on_frame,
	.wants_payload = on_wants_payload,
	.message = on_bytes,
	.payload = on_payload,
	.truncated = on_bytes,
	.timed = on_timed,
};

static void
on_closed(void *arg)
{
	++*(int *)arg;
}

static const struct transport_events above = { .closed = on_closed };

/* Else the timer would fire again and again for what must not pass. */
START_TEST(a_stalled_side_waits_for_no_time)
{
	static const char frame[] = "\x81\x80\x01\x02\x03\x04";
	struct net_test *nt = net_test_new();
	struct transport *ends[2], *t;
	struct tap *tap;
	uint8_t got[64];
	int closed = 0;

	pipe_pair(&nt->l, ends);
	t = tap_new(&nt->l, ends[0], SPAN_NONE, SPAN_NONE, &up, NULL, &tap);
	for (int i = 0; i < 2; i++)
		tap_flow(tap, i == 0 ? PLAN_UP : PLAN_DOWN)->delay_us = 1;
	transport_set_owner(t, &above, &closed);
	transport_set_owner(ends[1], &above, &closed);
	pipe_inject(ends[0], frame, sizeof(frame) - 1);
	ck_assert_int_eq(transport_read(t, got, sizeof(got)), -EAGAIN);
	ck_assert_int_eq(transport_writev(t, &(struct iovec){ (void *)"\x81", 2 }, 1), 2);
	ck_assert_int_ge(tap_next(tap), 0);
	tap_stall(tap, PLAN_UP, true);
	tap_stall(tap, PLAN_DOWN, true);
	ck_assert_int_eq(tap_next(tap), -1);
	tap_stall(tap, PLAN_UP, false);
	ck_assert_int_ge(tap_next(tap), 0);
	transport_close(t, TRANSPORT_GRACEFUL);
	transport_close(ends[1], TRANSPORT_GRACEFUL);
	net_test_end(nt);
	ck_assert_int_eq(closed, 2);
}
END_TEST

UNIT_MAIN("tap", a_stalled_side_waits_for_no_time)
