/* SPDX-License-Identifier: MIT */
#include "serve/tap.h"

#include <errno.h>
#include <string.h>

enum { READS_A_TURN = 8 };

struct side {
	struct tap *tap;
	enum plan_direction dir;
	struct flow flow;
	bool is_stalled;
};

struct tap {
	struct transport t;
	struct loop *loop;
	const struct tap_events *up;
	void *arg;
	struct side sides[2];        /* up, down */
	struct buf early, in;        /* in: passed, to be read by the owner */
	unsigned wanted;
	bool is_over;                /* reading, below */
	bool owes_fin;
	struct loop_task wake;       /* what is at hand here brings no event of the socket */
};

static struct tap *
of(const struct transport *t)
{
	return container_of(t, struct tap, t);
}

static int64_t
now_us(const struct tap *t)
{
	return clock_mono(t->loop->clock);
}

static struct side *
side_of(struct tap *t, enum plan_direction dir)
{
	return &t->sides[dir == PLAN_DOWN];
}

/* --- what is wanted --- */

/* Output that the socket could not help along. */
static bool
waits_for_time(const struct flow *f)
{
	return (f->out.len > 0 && (f->rate > 0 || f->slice > 0)) || (f->out.len == 0 && f->delayed.len > 0);
}

static bool
can_read(struct tap *t)
{
	struct side *up = side_of(t, PLAN_UP);

	return t->in.len > 0 || t->early.len > 0 || (t->is_over && flow_is_empty(&up->flow));
}

static bool
can_write(struct tap *t)
{
	struct side *down = side_of(t, PLAN_DOWN);

	return flow_is_empty(&down->flow) && !down->is_stalled && transport_pending(t->t.below) == 0;
}

void
tap_update(struct tap *t)
{
	struct side *up = side_of(t, PLAN_UP), *down = side_of(t, PLAN_DOWN);
	unsigned bits = 0;

	if ((t->wanted & T_READ) && !up->is_stalled && !flow_is_full(&up->flow) && !t->is_over)
		bits |= T_READ;
	if ((t->wanted & T_WRITE) && !down->is_stalled && !waits_for_time(&down->flow))
		bits |= T_WRITE;
	transport_want(t->t.below, bits);
	if (((t->wanted & T_READ) && !up->is_stalled && can_read(t)) || ((t->wanted & T_WRITE) && can_write(t)))
		loop_defer(t->loop, &t->wake);
	if (tap_next(t) >= 0)
		t->up->timed(t->arg);
}

static void
tell_ready(struct tap *t, unsigned bits)
{
	bits &= t->wanted | T_END;
	if (bits != 0)
		t->t.up->ready(t->t.up_arg, bits);
}

static void
on_wake(struct loop_task *task)
{
	struct tap *t = container_of(task, struct tap, wake);

	tell_ready(t, (can_read(t) ? T_READ : 0) | (can_write(t) ? T_WRITE : 0));
}

/* --- the flows --- */

static enum flow_verdict
on_frame(void *arg, const struct frame *f, struct span payload, const enum frame_rule *broken UNUSED)
{
	struct side *s = arg;

	return s->tap->up->frame(s->tap->arg, s->dir, f, payload);
}

static bool
on_wants_payload(void *arg)
{
	struct side *s = arg;

	return s->tap->up->wants_payload(s->tap->arg, s->dir);
}

static void
on_control(void *arg UNUSED, const struct frame *f UNUSED, struct span payload UNUSED)
{
}

static void
on_message(void *arg, uint8_t opcode UNUSED, uint64_t length UNUSED)
{
	struct side *s = arg;

	s->tap->up->message(s->tap->arg, s->dir);
}

static void
on_payload(void *arg, uint64_t n)
{
	struct side *s = arg;

	s->tap->up->payload(s->tap->arg, s->dir, n);
}

static void
on_truncated(void *arg)
{
	struct side *s = arg;

	s->tap->up->truncated(s->tap->arg, s->dir);
}

static size_t
put_up(void *arg, const struct iovec *iov, int n)
{
	struct tap *t = ((struct side *)arg)->tap;
	size_t all = 0;

	for (int i = 0; i < n; i++) {
		buf_append(&t->in, iov[i].iov_base, iov[i].iov_len);
		all += iov[i].iov_len;
	}
	return all;
}

static size_t
put_down(void *arg, const struct iovec *iov, int n)
{
	struct side *s = arg;
	size_t all = 0;

	if (s->is_stalled)
		return 0;
	ssize_t done = transport_writev(s->tap->t.below, iov, n);
	if (done >= 0)
		return (size_t)done;
	if (done == -EAGAIN)
		return 0;
	/* Writing is over: as if it were taken; reading will tell why. */
	for (int i = 0; i < n; i++)
		all += iov[i].iov_len;
	return all;
}

#define FLOW_UP                                                                                                        \
	.frame = on_frame, .wants_payload = on_wants_payload, .control = on_control, .message = on_message,            \
	.payload = on_payload, .truncated = on_truncated

static const struct flow_events flow_up = { FLOW_UP, .put = put_up };
static const struct flow_events flow_down = { FLOW_UP, .put = put_down };

/* --- what the owner calls --- */

static void
feed_up(struct tap *t, uint8_t *data, size_t n)
{
	t->up->bytes(t->arg, PLAN_UP);
	flow_feed(&side_of(t, PLAN_UP)->flow, data, n, now_us(t));
}

/* data: room to read into; what passes goes to in. */
static void
fill(struct tap *t, uint8_t *data, size_t n)
{
	struct side *up = side_of(t, PLAN_UP);

	for (int i = 0; i < READS_A_TURN && t->in.len == 0 && !t->is_over && !up->is_stalled && !flow_is_full(&up->flow); i++) {
		ssize_t got = transport_read(t->t.below, data, n);

		if (got == -EAGAIN)
			return;
		if (got > 0) {
			feed_up(t, data, (size_t)got);
		} else {
			t->is_over = true;
			flow_end(&up->flow, now_us(t));
		}
	}
}

static ssize_t
tap_read(struct transport *transport, void *data, size_t n)
{
	struct tap *t = of(transport);
	struct side *up = side_of(t, PLAN_UP);
	ssize_t got = -EAGAIN;

	if (up->is_stalled)
		return -EAGAIN;
	if (t->early.len > 0) {
		struct buf early = t->early;

		t->early = (struct buf){ 0 };
		feed_up(t, buf_head(&early), early.len);
		buf_deinit(&early);
	}
	fill(t, data, n);
	if (t->in.len > 0) {
		got = (ssize_t)MIN(n, t->in.len);
		memcpy(data, buf_head(&t->in), (size_t)got);
		buf_consume(&t->in, (size_t)got);
		buf_shrink(&t->in, LOOP_SCRATCH);
	} else if (t->is_over && flow_is_empty(&up->flow)) {
		return 0;
	}
	tap_update(t);
	return got;
}

/* Takes everything, so that no byte is watched twice; what waits here is told by pending. */
static ssize_t
tap_writev(struct transport *transport, const struct iovec *iov, int n)
{
	struct tap *t = of(transport);
	struct side *down = side_of(t, PLAN_DOWN);
	size_t all = 0;

	if (down->is_stalled || flow_is_full(&down->flow))
		return 0;
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len == 0)
			continue;
		t->up->bytes(t->arg, PLAN_DOWN);
		flow_feed(&down->flow, iov[i].iov_base, iov[i].iov_len, now_us(t));
		all += iov[i].iov_len;
	}
	tap_update(t);
	return (ssize_t)all;
}

static size_t
tap_pending(const struct transport *transport)
{
	struct tap *t = of(transport);
	const struct flow *f = &side_of(t, PLAN_DOWN)->flow;

	return f->out.len + f->delayed.len;
}

static void
tap_want(struct transport *transport, unsigned bits)
{
	struct tap *t = of(transport);

	t->wanted = bits;
	tap_update(t);
}

static void
send_owed_fin(struct tap *t)
{
	if (!t->owes_fin || !flow_is_empty(&side_of(t, PLAN_DOWN)->flow))
		return;
	t->owes_fin = false;
	(void)transport_half_close(t->t.below);
}

static int
tap_half_close(struct transport *transport)
{
	struct tap *t = of(transport);

	t->owes_fin = true;
	send_owed_fin(t);
	return 0;
}

static void
tap_close(struct transport *transport, enum transport_close how)
{
	struct tap *t = of(transport);

	loop_undefer(&t->wake);
	transport_close(t->t.below, how);
}

static const struct transport_ops tap_ops = {
	.read = tap_read,
	.writev = tap_writev,
	.pending = tap_pending,
	.want = tap_want,
	.half_close = tap_half_close,
	.close = tap_close,
};

/* --- what comes from below --- */

static void
on_ready(void *arg, unsigned bits)
{
	struct tap *t = arg;
	struct side *down = side_of(t, PLAN_DOWN);

	/* An RST ends a stall. */
	if ((bits & T_END) && transport_was_reset(t->t.below)) {
		tap_stall(t, PLAN_UP, false);
		tap_update(t);
	}
	if ((bits & T_WRITE) && !down->is_stalled) {
		flow_flush(&down->flow, now_us(t));
		send_owed_fin(t);
		if (!flow_is_empty(&down->flow))
			bits &= ~(unsigned)T_WRITE;
		tap_update(t);
	}
	tell_ready(t, bits);
}

static void
on_closed(void *arg)
{
	struct tap *t = arg;
	const struct transport_events *up = t->t.up;
	void *up_arg = t->t.up_arg;

	for (int i = 0; i < 2; i++)
		flow_deinit(&t->sides[i].flow);
	buf_deinit(&t->early);
	buf_deinit(&t->in);
	free(t);
	up->closed(up_arg);
}

static void
on_opened(void *arg UNUSED)
{
}

static void
on_failed(void *arg UNUSED, const struct failure *f UNUSED)
{
}

static const struct transport_events below_up = { .opened = on_opened, .failed = on_failed, .ready = on_ready, .closed = on_closed };

/* --- the interface --- */

struct transport *
tap_new(struct loop *l, struct transport *below, struct span early, struct span unsent, const struct tap_events *up, void *arg, struct tap **ret)
{
	struct tap *t = xcalloc(1, sizeof(*t));

	t->t.ops = &tap_ops;
	t->t.below = below;
	t->loop = l;
	t->up = up;
	t->arg = arg;
	t->wake.run = on_wake;
	for (int i = 0; i < 2; i++) {
		struct side *s = &t->sides[i];

		s->tap = t;
		s->dir = i == 0 ? PLAN_UP : PLAN_DOWN;
		flow_init(&s->flow, i == 0 ? FROM_CLIENT : FROM_SERVER, l->rng, i == 0 ? &flow_up : &flow_down, s);
	}
	buf_append(&t->early, early.p, early.n);
	buf_append(&side_of(t, PLAN_DOWN)->flow.out, unsent.p, unsent.n);
	transport_set_owner(below, &below_up, t);
	*ret = t;
	return &t->t;
}

struct flow *
tap_flow(struct tap *t, enum plan_direction dir)
{
	return &side_of(t, dir)->flow;
}

void
tap_stall(struct tap *t, enum plan_direction dir, bool stalled)
{
	side_of(t, dir)->is_stalled = stalled;
}

int64_t
tap_next(const struct tap *t)
{
	int64_t up = t->sides[0].is_stalled ? -1 : flow_next(&t->sides[0].flow), down = t->sides[1].is_stalled ? -1 : flow_next(&t->sides[1].flow);

	return up < 0 || (down >= 0 && down < up) ? down : up;
}

void
tap_flush(struct tap *t)
{
	for (int i = 0; i < 2; i++)
		if (!t->sides[i].is_stalled)
			flow_flush(&t->sides[i].flow, now_us(t));
	send_owed_fin(t);
	tap_update(t);
}

