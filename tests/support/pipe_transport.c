/* SPDX-License-Identifier: MIT */
#include "support/pipe_transport.h"

#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

struct pipe {
	struct transport t;
	struct loop *loop;
	struct pipe *peer;         /* NULL: gone */
	struct loop_task pump;
	struct buf in;
	size_t arrived, passed;    /* bytes that came, and that were read */
	size_t split, allowance, capacity;
	size_t corrupt_at, cut_at; /* SIZE_MAX: nowhere */
	int cut_error, peer_write_error;
	bool held, fin, asked, read_over, write_over, end_told, closing;
	int peer_closed;
	unsigned wanted;
};

static struct pipe *
of(const struct transport *t)
{
	return container_of(t, struct pipe, t);
}

static size_t
readable(const struct pipe *p)
{
	size_t n = p->held ? 0 : MIN(p->in.len, p->cut_at - p->passed);

	return p->split > 0 ? MIN(n, p->allowance) : n;
}

static bool
is_at_end(const struct pipe *p)
{
	return !p->held && (p->passed == p->cut_at || (p->fin && p->in.len == 0));
}

static bool
is_writable(const struct pipe *p)
{
	return p->peer == NULL || p->peer->peer_write_error != 0 || p->peer->in.len < p->peer->capacity;
}

static unsigned
available(const struct pipe *p)
{
	unsigned bits = 0;

	if (!p->read_over && (readable(p) > 0 || is_at_end(p)))
		bits |= T_READ;
	if (!p->write_over && is_writable(p))
		bits |= T_WRITE;
	bits &= p->wanted;
	if (p->asked && (p->wanted & T_READ) == 0 && (p->fin || p->passed == p->cut_at) && !p->held && !p->read_over && !p->end_told)
		bits |= T_END;
	return bits;
}

static void
nudge(struct pipe *p)
{
	if (p != NULL && !p->closing)
		loop_defer(p->loop, &p->pump);
}

static void
on_pump(struct loop_task *task)
{
	struct pipe *p = container_of(task, struct pipe, pump);

	if (p->closing) {
		if (p->peer != NULL)
			p->peer->peer = NULL;
		p->t.up->closed(p->t.up_arg);
		buf_deinit(&p->in);
		free(p);
		return;
	}
	p->allowance = p->split;
	unsigned bits = available(p);
	if (bits == 0)
		return;
	p->end_told |= (bits & T_END) != 0;
	p->t.up->ready(p->t.up_arg, bits);
	/* Not while the allowance of this turn is the only thing missing: that comes with the next. */
	if (!p->closing && (available(p) != 0 || (p->split > 0 && p->in.len > 0 && (p->wanted & T_READ) != 0)))
		loop_defer(p->loop, task);
}

static ssize_t
pipe_read(struct transport *t, void *data, size_t n)
{
	struct pipe *p = of(t);

	assert(n > 0 && !p->closing);
	if (p->read_over)
		return 0;
	if (readable(p) > 0) {
		n = MIN(n, readable(p));
		memcpy(data, buf_head(&p->in), n);
		buf_consume(&p->in, n);
		p->passed += n;
		p->allowance -= p->split > 0 ? n : 0;
		nudge(p->peer);
		return (ssize_t)n;
	}
	if (!is_at_end(p))
		return -EAGAIN;
	p->read_over = true;
	if (p->passed == p->cut_at && p->cut_error != 0)
		transport_add_end(t, LAYER_TCP, END_ERRNO, p->cut_error, NULL);
	else
		transport_add_end(t, LAYER_TCP, END_FIN, 0, NULL);
	return 0;
}

static void
arrive(struct pipe *p, const void *data, size_t n)
{
	buf_append(&p->in, data, n);
	if (p->corrupt_at >= p->arrived && p->corrupt_at < p->arrived + n)
		buf_head(&p->in)[p->in.len - n + (p->corrupt_at - p->arrived)] ^= 1;
	p->arrived += n;
	nudge(p);
}

static ssize_t
pipe_writev(struct transport *t, const struct iovec *iov, int n)
{
	struct pipe *p = of(t);
	size_t taken = 0;

	assert(!p->closing);
	if (p->write_over || p->peer == NULL)
		return -EPIPE;
	if (p->peer->peer_write_error != 0) {
		transport_add_end(t, LAYER_TCP, END_ERRNO, p->peer->peer_write_error, NULL);
		return -p->peer->peer_write_error;
	}
	for (int i = 0; i < n; i++) {
		size_t room = p->peer->capacity - MIN(p->peer->capacity, p->peer->in.len), step = MIN(room, iov[i].iov_len);

		arrive(p->peer, iov[i].iov_base, step);
		taken += step;
	}
	return (ssize_t)taken;
}

static void
pipe_want(struct transport *t, unsigned bits)
{
	struct pipe *p = of(t);

	assert(!p->closing);
	p->asked = true;
	p->wanted = bits;
	nudge(p);
}

static int
pipe_half_close(struct transport *t)
{
	struct pipe *p = of(t);

	p->write_over = true;
	if (p->peer != NULL) {
		p->peer->fin = true;
		nudge(p->peer);
	}
	return 0;
}

static void
pipe_close(struct transport *t, enum transport_close how)
{
	struct pipe *p = of(t);

	assert(!p->closing);
	loop_undefer(&p->pump);
	loop_defer(p->loop, &p->pump);
	p->closing = true;
	if (p->peer == NULL)
		return;
	p->peer->peer_closed = how;
	if (how == TRANSPORT_RST)
		pipe_cut(&p->peer->t, p->peer->arrived, ECONNRESET);
	p->peer->fin = true;
	nudge(p->peer);
}

static void
pipe_stat(struct transport *t UNUSED, struct transport_stat *ret)
{
	*ret = (struct transport_stat){ .fd = -1, .local = "pipe", .peer = "pipe", .unacked = -1 };
}

static const struct transport_ops pipe_ops = {
	.read = pipe_read,
	.writev = pipe_writev,
	.want = pipe_want,
	.half_close = pipe_half_close,
	.close = pipe_close,
	.stat = pipe_stat,
};

void
pipe_pair(struct loop *l, struct transport *ret[2])
{
	struct pipe *ends[2];

	for (int i = 0; i < 2; i++) {
		ends[i] = xcalloc(1, sizeof(*ends[i]));
		*ends[i] = (struct pipe){ .loop = l, .capacity = SIZE_MAX, .corrupt_at = SIZE_MAX, .cut_at = SIZE_MAX, .peer_closed = -1 };
		ends[i]->t.ops = &pipe_ops;
		ends[i]->pump.run = on_pump;
		ret[i] = &ends[i]->t;
	}
	ends[0]->peer = ends[1];
	ends[1]->peer = ends[0];
}

void
pipe_split(struct transport *t, size_t n)
{
	of(t)->split = n;
	nudge(of(t));
}

void
pipe_capacity(struct transport *t, size_t n)
{
	of(t)->capacity = n;
	nudge(of(t)->peer);
}

void
pipe_hold(struct transport *t, bool held)
{
	of(t)->held = held;
	nudge(of(t));
}

void
pipe_corrupt(struct transport *t, size_t offset)
{
	of(t)->corrupt_at = offset;
}

void
pipe_inject(struct transport *t, const void *data, size_t n)
{
	arrive(of(t), data, n);
}

void
pipe_cut(struct transport *t, size_t offset, int err)
{
	struct pipe *p = of(t);

	p->cut_at = MAX(offset, p->passed);
	p->cut_error = err;
	nudge(p);
}

size_t
pipe_arrived(const struct transport *t)
{
	return of(t)->arrived;
}

void
pipe_fail_writes(struct transport *t, int err)
{
	of(t)->peer_write_error = err;
	nudge(of(t)->peer);
}

int
pipe_closed_by_peer(const struct transport *t)
{
	return of(t)->peer_closed;
}
