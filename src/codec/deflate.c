/* SPDX-License-Identifier: MIT */
#include "codec/deflate.h"

#include "base/escape.h"

#include <assert.h>
#include <zlib.h>

/* Every message ends with an empty stored block, whose last four bytes are not sent (section 7.2.1). */
static const uint8_t tail[4] = { 0x00, 0x00, 0xff, 0xff };

/* --- terms --- */

struct params {
	bool server_reset, client_reset;
	int server_bits, client_bits;   /* 0: not given; -1: given without a value */
};

/* "15", 8 to 15, perhaps in quotes; 0 for anything else. */
static int
window_bits(struct span value)
{
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = (struct span){ value.p + 1, value.n - 2 };
	if (value.n == 1 && (value.p[0] == '8' || value.p[0] == '9'))
		return value.p[0] - '0';
	if (value.n == 2 && value.p[0] == '1' && value.p[1] >= '0' && value.p[1] <= '5')
		return 10 + value.p[1] - '0';
	return 0;
}

static bool
take_flag(struct span value, bool *flag)
{
	bool is_new = !*flag;

	*flag = true;
	return is_new && value.p == NULL;
}

static bool
take_bits(struct span value, bool may_be_bare, int *bits)
{
	if (*bits != 0)
		return false;
	*bits = value.p == NULL ? (may_be_bare ? -1 : 0) : window_bits(value);
	return *bits != 0;
}

/* One extension with its parameters; each at most once, none unknown (section 7.1). Only an offer may have client_max_window_bits without a value. */
static bool
read_params(struct span item, bool is_offer, struct params *ret)
{
	struct span name, value;

	*ret = (struct params){ 0 };
	span_next(&item, ';', &name);
	if (!span_eq_ci(span_trim(name), "permessage-deflate"))
		return false;
	while (span_next(&item, ';', &value)) {
		bool ok = false;

		span_next(&value, '=', &name);
		name = span_trim(name);
		value = value.p != NULL ? span_trim(value) : value;
		if (span_eq_ci(name, "server_no_context_takeover"))
			ok = take_flag(value, &ret->server_reset);
		else if (span_eq_ci(name, "client_no_context_takeover"))
			ok = take_flag(value, &ret->client_reset);
		else if (span_eq_ci(name, "server_max_window_bits"))
			ok = take_bits(value, false, &ret->server_bits);
		else if (span_eq_ci(name, "client_max_window_bits"))
			ok = take_bits(value, is_offer, &ret->client_bits);
		if (!ok)
			return false;
	}
	return true;
}

bool
deflate_judge_answer(struct span value, struct deflate_terms *ret, struct buf *error)
{
	struct params p;

	if (!read_params(value, false, &p)) {
		buf_puts(error, "Sec-WebSocket-Extensions \"");
		escape_text(error, value, 100);
		buf_puts(error, "\" is no valid answer to the offered permessage-deflate (RFC 7692 section 7.1)");
		return false;
	}
	*ret = (struct deflate_terms){
		.is_agreed = true,
		.we_reset = p.client_reset,
		.they_reset = p.server_reset,
		.our_bits = p.client_bits > 0 ? p.client_bits : 15,
		.their_bits = p.server_bits > 0 ? p.server_bits : 15,
	};
	return true;
}

bool
deflate_accept(struct span offers, struct deflate_terms *ret, struct buf *answer)
{
	struct span item;
	struct params p;

	while (span_next(&offers, ',', &item)) {
		if (!read_params(span_trim(item), true, &p) || p.server_bits == 8)
			continue; /* a window of 8 bits is one that zlib cannot make */
		*ret = (struct deflate_terms){
			.is_agreed = true,
			.we_reset = p.server_reset,
			.they_reset = p.client_reset,
			.our_bits = p.server_bits > 0 ? p.server_bits : 15,
			.their_bits = 15,
		};
		buf_puts(answer, "permessage-deflate");
		if (p.server_reset)
			buf_puts(answer, "; server_no_context_takeover");
		if (p.client_reset)
			buf_puts(answer, "; client_no_context_takeover");
		if (p.server_bits > 0)
			buf_printf(answer, "; server_max_window_bits=%d", p.server_bits);
		return true;
	}
	return false;
}

/* --- payload --- */

struct inflater {
	z_stream z;
	bool resets;
	bool is_behind_final;   /* nothing has come behind a block marked as the last */
	uint8_t part[DEFLATE_PART];
};

struct inflater *
inflater_new(const struct deflate_terms *terms)
{
	struct inflater *i = xcalloc(1, sizeof(*i));

	i->resets = terms->they_reset;
	if (inflateInit2(&i->z, -terms->their_bits) != Z_OK)
		abort(); /* it fails for want of memory only */
	return i;
}

void
inflater_free(struct inflater *i)
{
	if (i == NULL)
		return;
	inflateEnd(&i->z);
	free(i);
}

/* A block marked as the last one ends zlib's stream, not the message (section 7.2.3.4): what follows may refer to what came before. */
static bool
go_on_behind_final_block(struct inflater *i)
{
	uint8_t window[32768];
	uInt n = sizeof(window);

	return inflateGetDictionary(&i->z, window, &n) == Z_OK && inflateReset(&i->z) == Z_OK && inflateSetDictionary(&i->z, window, n) == Z_OK;
}

enum inflate_result
inflater_feed(struct inflater *i, const uint8_t *data, size_t n, deflate_part_fn *part, void *arg)
{
	assert(n <= UINT32_MAX);
	i->z.next_in = (Bytef *)data;
	i->z.avail_in = (uInt)n;
	i->is_behind_final &= n == 0;
	for (;;) {
		i->z.next_out = i->part;
		i->z.avail_out = sizeof(i->part);
		int r = inflate(&i->z, Z_SYNC_FLUSH);
		size_t got = sizeof(i->part) - i->z.avail_out;

		if (got > 0 && !part(arg, i->part, got))
			return INFLATE_STOPPED;
		if (r == Z_STREAM_END && !go_on_behind_final_block(i))
			return INFLATE_BAD;
		if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
			return INFLATE_BAD;
		i->is_behind_final = r == Z_STREAM_END && i->z.avail_in == 0;
		if (i->z.avail_in == 0 && i->z.avail_out > 0)
			return INFLATE_OK;
		if (r == Z_BUF_ERROR && got == 0)
			return INFLATE_OK;
	}
}

enum inflate_result
inflater_end(struct inflater *i, deflate_part_fn *part, void *arg)
{
	/* A sender that ends in a final block should add an empty one (section 7.2.3.4); where it did not, the tail has nothing to complete. */
	enum inflate_result r = i->is_behind_final ? INFLATE_OK : inflater_feed(i, tail, sizeof(tail), part, arg);

	if (r == INFLATE_OK && i->resets && inflateReset(&i->z) != Z_OK)
		return INFLATE_BAD;
	return r;
}

struct deflater {
	z_stream z;
	bool resets;
};

struct deflater *
deflater_new(const struct deflate_terms *terms)
{
	struct deflater *d;

	if (terms->our_bits < 9)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	d->resets = terms->we_reset;
	if (deflateInit2(&d->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -terms->our_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	return d;
}

void
deflater_free(struct deflater *d)
{
	if (d == NULL)
		return;
	deflateEnd(&d->z);
	free(d);
}

void
deflater_feed(struct deflater *d, const uint8_t *data, size_t n, bool last, struct buf *out)
{
	size_t before = out->len;

	assert(n <= UINT32_MAX);
	d->z.next_in = (Bytef *)data;
	d->z.avail_in = (uInt)n;
	do {
		d->z.next_out = buf_reserve(out, DEFLATE_PART);
		d->z.avail_out = DEFLATE_PART;
		deflate(&d->z, last ? Z_SYNC_FLUSH : Z_NO_FLUSH);
		buf_commit(out, DEFLATE_PART - d->z.avail_out);
	} while (d->z.avail_out == 0);
	if (!last)
		return;
	/* The flush ended in the tail, which is not sent. Behind another flush zlib has nothing to add for an empty message: that is one byte (section 7.2.3.6). */
	if (out->len - before >= sizeof(tail))
		buf_chop(out, sizeof(tail));
	else
		buf_putc(out, '\0');
	if (d->resets)
		deflateReset(&d->z);
}
