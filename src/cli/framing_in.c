/* SPDX-License-Identifier: MIT */
#include "codec/encode.h"
#include "cli/framing.h"

#include <string.h>

void
framing_in_init(struct framing_in *in, const struct framing *f)
{
	*in = (struct framing_in){ .f = f, .line = 1 };
}

void
framing_in_deinit(struct framing_in *in)
{
	buf_deinit(&in->held);
	buf_deinit(&in->decoded);
}

static uint8_t
opcode_of(const struct framing *f)
{
	return f->binary || f->encoding != ENCODING_NONE ? OP_BINARY : OP_TEXT;
}

/* Text is judged before it goes out, character by character over any cut. */
static bool
is_valid(struct framing_in *in, const uint8_t *data, size_t n, bool last)
{
	if (opcode_of(in->f) != OP_TEXT)
		return true;
	if (utf8_feed(&in->utf8, data, n) < n || (last && !utf8_is_complete(&in->utf8)))
		return false;
	return true;
}

static enum framing_result
pass(struct framing_in *in, const uint8_t *data, size_t n, bool last, framing_part_fn *part, void *arg)
{
	if (!is_valid(in, data, n, last))
		return FRAMING_NOT_UTF8;
	if (!part(arg, opcode_of(in->f), data, n, last))
		return FRAMING_STOPPED;
	in->has_begun = !last;
	if (last)
		in->utf8 = (struct utf8){ 0 };
	return FRAMING_OK;
}

/* What base64(1) and xxd(1) write is wrapped; the whole of it is one message. */
static struct span
unwrap(struct buf *text)
{
	uint8_t *p = buf_head(text);
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		if (p[i] != '\n' && p[i] != '\r')
			p[n++] = p[i];
	buf_chop(text, text->len - n);
	return buf_span(text);
}

static enum framing_result
pass_encoded(struct framing_in *in, struct span line, framing_part_fn *part, void *arg)
{
	bool ok;

	if (in->f->whole)
		line = unwrap(&in->held);
	else if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	buf_clear(&in->decoded);
	if (in->f->encoding == ENCODING_HEX)
		ok = decode_hex(&in->decoded, line);
	else
		ok = decode_base64(&in->decoded, line);
	if (!ok)
		return FRAMING_NOT_ENCODED;
	return pass(in, buf_head(&in->decoded), in->decoded.len, true, part, arg);
}

/* The end of a message, which is in held, in data, or in both. */
static enum framing_result
end_message(struct framing_in *in, const uint8_t *data, size_t n, framing_part_fn *part, void *arg)
{
	enum framing_result r;

	if (in->held.len > 0) {
		buf_append(&in->held, data, n);
		data = buf_head(&in->held);
		n = in->held.len;
	}
	if (in->f->encoding != ENCODING_NONE)
		r = pass_encoded(in, (struct span){ (const char *)data, n }, part, arg);
	else
		r = pass(in, data, n, true, part, arg);
	buf_clear(&in->held);
	in->has_bytes = false;
	if (r == FRAMING_OK)
		in->line++;
	return r;
}

/* More of a message whose end is not in sight: held while it is short. */
static enum framing_result
hold(struct framing_in *in, const uint8_t *data, size_t n, framing_part_fn *part, void *arg)
{
	enum framing_result r;

	in->has_bytes = true;
	buf_append(&in->held, data, n);
	if (in->f->encoding != ENCODING_NONE)
		return in->held.len > FRAMING_LINE_MAX ? FRAMING_LINE_TOO_LONG : FRAMING_OK;
	if (in->held.len <= FRAMING_PART)
		return FRAMING_OK;
	r = pass(in, buf_head(&in->held), in->held.len, false, part, arg);
	buf_clear(&in->held);
	return r;
}

enum framing_result
framing_in_feed(struct framing_in *in, const uint8_t *data, size_t n, framing_part_fn *part, void *arg)
{
	int separator = in->f->nul ? '\0' : '\n';

	in->had_input |= n > 0;
	if (in->f->whole && in->f->encoding == ENCODING_NONE)
		return n > 0 ? pass(in, data, n, false, part, arg) : FRAMING_OK;
	while (n > 0) {
		const uint8_t *end = in->f->whole ? NULL : memchr(data, separator, n);
		size_t len = end != NULL ? (size_t)(end - data) : n;
		enum framing_result r = end != NULL ? end_message(in, data, len, part, arg) : hold(in, data, len, part, arg);

		if (r != FRAMING_OK)
			return r;
		if (end == NULL)
			break;
		data = end + 1;
		n -= len + 1;
	}
	return FRAMING_OK;
}

enum framing_result
framing_in_end(struct framing_in *in, framing_part_fn *part, void *arg)
{
	if (in->f->whole ? in->had_input : in->has_bytes)
		return end_message(in, NULL, 0, part, arg);
	return FRAMING_OK;
}
