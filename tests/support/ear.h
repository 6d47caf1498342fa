/* SPDX-License-Identifier: MIT */
/* ear: what came over a connection, decoded and written down: "T[hello]P<ping>p<pong>C1000<bye>", and "!<rule>" where one was broken. */
#ifndef WSDIAG_TESTS_EAR_H
#define WSDIAG_TESTS_EAR_H

#include "ws/stream.h"

#include <stdio.h>

struct ear {
	struct stream *s;
	struct rng rng;
	struct buf trail;
	int pings, pongs;
};

static inline void
ear_on_chunk(void *arg, const struct stream_chunk *c)
{
	struct ear *e = arg;

	if (c->first)
		buf_puts(&e->trail, c->opcode == OP_TEXT ? "T[" : "B[");
	buf_append(&e->trail, c->data, c->n);
	if (c->last)
		buf_putc(&e->trail, ']');
}

static inline void
ear_on_ping(void *arg, struct span data)
{
	struct ear *e = arg;

	e->pings++;
	buf_printf(&e->trail, "P<%.*s>", (int)data.n, data.p);
}

static inline void
ear_on_pong(void *arg, struct span data)
{
	struct ear *e = arg;

	e->pongs++;
	buf_printf(&e->trail, "p<%.*s>", (int)data.n, data.p);
}

static inline void
ear_on_close(void *arg, int code, struct span reason)
{
	struct ear *e = arg;

	buf_printf(&e->trail, "C%d<%.*s>", code, (int)reason.n, reason.n > 0 ? reason.p : "");
}

static inline void
ear_on_violation(void *arg, enum frame_rule rule, uint64_t offset)
{
	struct ear *e = arg;

	(void)offset;
	buf_printf(&e->trail, "!%s", frame_rule_sentence(rule));
}

static inline void
ear_open(struct ear *e, bool is_server)
{
	static const struct stream_events up = { ear_on_chunk, ear_on_ping, ear_on_pong, ear_on_close, ear_on_violation, NULL };

	*e = (struct ear){ 0 };
	rng_init_seed(&e->rng, 3);
	e->s = stream_new(is_server, &e->rng, 0, &up, e);
}

static inline void
ear_close(struct ear *e)
{
	stream_free(e->s);
	buf_deinit(&e->trail);
}

#endif
