/* SPDX-License-Identifier: MIT */
#include "connect/outbox.h"

void
outbox_init(struct outbox *o, size_t limit)
{
	*o = (struct outbox){ .limit = limit };
}

void
outbox_deinit(struct outbox *o)
{
	buf_deinit(&o->bytes);
	free(o->items);
	*o = (struct outbox){ 0 };
}

static struct outbox_item *
item_at(const struct outbox *o, size_t i)
{
	return &o->items[o->first + i];
}

/* The newest item if its message is still under way. */
static struct outbox_item *
open_item(const struct outbox *o)
{
	struct outbox_item *last = o->n > 0 ? item_at(o, o->n - 1) : NULL;

	return last != NULL && !last->is_last ? last : NULL;
}

static struct outbox_item *
new_item(struct outbox *o, uint8_t opcode)
{
	if (o->first + o->n == o->cap) {
		if (o->first > o->cap / 2) {
			for (size_t i = 0; i < o->n; i++)
				o->items[i] = *item_at(o, i);
		} else {
			struct outbox_item *items = xcalloc(MAX(o->cap * 2, (size_t)64), sizeof(*items));

			for (size_t i = 0; i < o->n; i++)
				items[i] = *item_at(o, i);
			free(o->items);
			o->items = items;
			o->cap = MAX(o->cap * 2, (size_t)64);
		}
		o->first = 0;
	}
	struct outbox_item *it = item_at(o, o->n++);
	*it = (struct outbox_item){ .opcode = opcode };
	return it;
}

bool
outbox_add(struct outbox *o, uint8_t opcode, const void *data, size_t n, bool last)
{
	struct outbox_item *it = open_item(o);

	if (o->is_skipping) {
		o->is_skipping = !last;
		return false;
	}
	if (it == NULL)
		it = new_item(o, opcode);
	if (!it->is_unkept && it->length + n > o->limit) {
		buf_chop(&o->bytes, it->length);
		it->length = 0;
		it->is_unkept = true;
	}
	if (!it->is_unkept) {
		buf_append(&o->bytes, data, n);
		it->length += n;
	}
	it->is_last = last;
	it->is_sent = false;
	return true;
}

void
outbox_sent(struct outbox *o, uint64_t position)
{
	for (size_t i = o->n; i-- > 0 && !item_at(o, i)->is_sent;) {
		item_at(o, i)->is_sent = true;
		item_at(o, i)->position = position;
	}
}

void
outbox_handed(struct outbox *o, uint64_t position)
{
	while (o->n > 0) {
		const struct outbox_item *it = item_at(o, 0);

		if (!it->is_last || !it->is_sent || it->position > position)
			break;
		buf_consume(&o->bytes, it->length);
		o->first++;
		o->n--;
	}
	if (o->n == 0)
		o->first = 0;
}

void
outbox_cut(struct outbox *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->n; i++) {
		struct outbox_item *it = item_at(o, i);

		if (it->is_unkept) {
			o->lost++;
			o->is_skipping = !it->is_last;
			continue;
		}
		it->is_sent = false;
		*item_at(o, kept++) = *it;
	}
	o->n = kept;
}

void
outbox_resend(struct outbox *o, outbox_fn *fn, void *arg)
{
	struct span all = buf_span(&o->bytes);

	for (size_t i = 0; i < o->n; i++) {
		struct outbox_item *it = item_at(o, i);
		struct span data = { all.p, it->length };

		all.p += it->length;
		all.n -= it->length;
		if (it->is_sent)
			continue;
		if (!fn(arg, it->opcode, data, it->is_last, &it->position))
			return;
		it->is_sent = true;
	}
}

size_t
outbox_bytes(const struct outbox *o)
{
	return o->bytes.len;
}

bool
outbox_is_empty(const struct outbox *o)
{
	return o->n == 0;
}
