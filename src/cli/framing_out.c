/* SPDX-License-Identifier: MIT */
#include "base/escape.h"
#include "codec/encode.h"
#include "cli/framing.h"

#include <string.h>

void
framing_out_init(struct framing_out *out, const struct framing *f)
{
	*out = (struct framing_out){ .f = f };
}

void
framing_out_deinit(struct framing_out *out)
{
	buf_deinit(&out->held);
	buf_deinit(&out->carry);
}

/* Encoded text can be cut only between whole groups: three bytes in base64, one in hexadecimal. */
static void
put_encoded(struct framing_out *out, const uint8_t *data, size_t n, bool last, struct buf *to)
{
	size_t whole;

	if (out->f->encoding == ENCODING_HEX) {
		encode_hex(to, data, n);
		return;
	}
	if (out->carry.len > 0) {
		buf_append(&out->carry, data, n);
		data = buf_head(&out->carry);
		n = out->carry.len;
	}
	whole = last ? n : n - n % 3;
	encode_base64(to, data, whole);
	if (out->carry.len > 0) {
		buf_consume(&out->carry, whole);
	} else {
		buf_append(&out->carry, data + whole, n - whole);
	}
}

static void
put(struct framing_out *out, const uint8_t *data, size_t n, bool last, struct buf *to)
{
	char separator = out->f->nul ? '\0' : '\n';

	if (out->f->encoding != ENCODING_NONE) {
		put_encoded(out, data, n, last, to);
	} else {
		if (!out->f->whole && !out->has_separator && n > 0 && memchr(data, separator, n) != NULL)
			out->has_separator = true;
		buf_append(to, data, n);
	}
	if (last && (!out->f->whole || out->f->encoding != ENCODING_NONE))
		buf_putc(to, separator);
}

/* A person reads along: what would move the cursor is escaped, and a flood is cut. */
static void
show(struct framing_out *out, const struct stream_chunk *c, struct buf *to)
{
	size_t room = FRAMING_SHOWN - MIN(out->held.len, (size_t)FRAMING_SHOWN);

	buf_append(&out->held, c->data, MIN(c->n, room));
	if (!c->last)
		return;
	escape_text(to, buf_span(&out->held), 0);
	if (c->length > out->held.len)
		buf_printf(to, "... (+%llu bytes)", (unsigned long long)(c->length - out->held.len));
	buf_putc(to, '\n');
	buf_clear(&out->held);
}

void
framing_out_chunk(struct framing_out *out, const struct stream_chunk *c, struct buf *to)
{
	if (out->f->for_terminal && out->f->encoding == ENCODING_NONE) {
		show(out, c, to);
		return;
	}
	if (c->first && c->last) {
		put(out, c->data, c->n, true, to);
		return;
	}
	if (c->first)
		out->is_streaming = false;
	if (!out->is_streaming) {
		buf_append(&out->held, c->data, c->n);
		if (!c->last && out->held.len <= FRAMING_PART)
			return;
		put(out, buf_head(&out->held), out->held.len, c->last, to);
		buf_clear(&out->held);
		out->is_streaming = !c->last;
		return;
	}
	put(out, c->data, c->n, c->last, to);
}

void
framing_out_cut(struct framing_out *out)
{
	buf_clear(&out->held);
	buf_clear(&out->carry);
	out->is_streaming = false;
}
