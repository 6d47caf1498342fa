/* SPDX-License-Identifier: MIT */
/* pair_replica: the second of two requests with one key, as a hop sends it that tries again: whatever it brings is read and forgotten. */
#include "proxy/pair_state.h"

struct replica {
	struct pair *pair;
	struct dial *dial;
	struct transport *transport;
	struct buf out;
	bool is_closing;
};

static void
close_replica(struct replica *r, enum transport_close how)
{
	if (r->is_closing)
		return;
	r->is_closing = true;
	transport_close(r->transport, how);
}

static void
free_replica(struct replica *r)
{
	struct pair *p = r->pair;

	if (p->replica == r)
		p->replica = NULL;
	buf_deinit(&r->out);
	free(r);
	pair_release(p);
}

static void
write_out(struct replica *r)
{
	struct iovec iov = { buf_head(&r->out), r->out.len };
	ssize_t n = r->out.len > 0 ? transport_writev(r->transport, &iov, 1) : 0;

	if (n > 0)
		buf_consume(&r->out, (size_t)n);
	transport_want(r->transport, n >= 0 && r->out.len > 0 ? T_READ | T_WRITE : T_READ);
}

static void
on_ready(void *arg, unsigned bits)
{
	struct replica *r = arg;

	if (bits & T_WRITE)
		write_out(r);
	for (int i = 0; i < PAIR_READS_A_TURN; i++) {
		ssize_t n = transport_read(r->transport, r->pair->opt->loop->scratch, LOOP_SCRATCH);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			close_replica(r, TRANSPORT_GRACEFUL);
			return;
		}
	}
}

static void
on_closed(void *arg)
{
	free_replica(arg);
}

static void
on_never(void *arg UNUSED)
{
}

static void
on_never_failed(void *arg UNUSED, const struct failure *f UNUSED)
{
}

static const struct transport_events transport_up = { .opened = on_never, .failed = on_never_failed, .ready = on_ready, .closed = on_closed };

static void
on_dial_opened(void *arg, struct transport *t, const struct dial_timing *timing UNUSED, const struct attempt_list *attempts UNUSED)
{
	struct replica *r = arg;

	r->dial = NULL;
	r->transport = t;
	transport_set_owner(t, &transport_up, r);
	write_out(r);
}

static void
on_dial_failed(void *arg, const struct failure *f, const struct attempt_list *attempts UNUSED)
{
	struct replica *r = arg;

	journal_note(r->pair->opt->journal, "the replayed request did not reach the origin: %s", f->text);
	free_replica(r);
}

static const struct dial_events dial_up = { .opened = on_dial_opened, .failed = on_dial_failed };

struct replica *
replica_start(struct pair *p)
{
	struct replica *r = xcalloc(1, sizeof(*r));

	r->pair = p;
	buf_append(&r->out, buf_head(&p->request), p->request.len);
	r->dial = pair_dial(p, &dial_up, r);
	return r;
}

void
replica_stop(struct replica *r)
{
	if (r->dial != NULL) {
		dial_cancel(steal(&r->dial));
		free_replica(r);
	} else {
		close_replica(r, TRANSPORT_GRACEFUL);
	}
}
