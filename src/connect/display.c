/* SPDX-License-Identifier: MIT */
#include "connect/display.h"

#include "base/clock.h"
#include "base/escape.h"
#include "codec/frame.h"

#include <inttypes.h>

enum { ROW_BYTES = 16, ROW_BYTES_MIN = 2 };

void
display_init(struct display *d)
{
	*d = (struct display){ .text_max = DISPLAY_TEXT_MAX, .binary_max = DISPLAY_BINARY_MAX };
}

/* Of a row with so many bytes; the offsets of a short one have four digits where that is enough. */
static unsigned
row_width(unsigned bytes)
{
	return (bytes == ROW_BYTES ? 16 : 11) + 4 * bytes;
}

void
display_hex_dump(struct buf *out, struct span data, unsigned columns)
{
	unsigned row = ROW_BYTES;

	while (row > ROW_BYTES_MIN && columns > 0 && row_width(row) > columns)
		row /= 2;
	for (size_t at = 0; at < data.n; at += row) {
		size_t n = MIN(data.n - at, (size_t)row);

		buf_printf(out, "  %0*zx ", row == ROW_BYTES ? 8 : 4, at);
		for (size_t i = 0; i < row; i++) {
			if (i == 8)
				buf_putc(out, ' ');
			if (i < n)
				buf_printf(out, " %02x", (uint8_t)data.p[at + i]);
			else
				buf_puts(out, "   ");
		}
		buf_puts(out, "  |");
		for (size_t i = 0; i < n; i++)
			buf_putc(out, data.p[at + i] >= 0x20 && data.p[at + i] < 0x7f ? data.p[at + i] : '.');
		buf_puts(out, "|\n");
	}
}

static void
put_binary(const struct display *d, const struct ev_message *m, struct buf *out)
{
	struct span part = { m->data.p, MIN(m->data.n, d->binary_max) };

	buf_printf(out, "binary, %" PRIu64 " byte%s\n", m->length, m->length == 1 ? "" : "s");
	display_hex_dump(out, part, d->columns);
	if (part.n < m->length)
		buf_printf(out, "  ... %" PRIu64 " more; /last shows it whole\n", m->length - part.n);
}

/* No character is shown in halves. */
static struct span
whole_characters(struct span text, size_t max)
{
	if (text.n <= max)
		return text;
	while (max > 0 && ((uint8_t)text.p[max] & 0xc0) == 0x80)
		max--;
	return (struct span){ text.p, max };
}

void
display_message(struct display *d, const struct ev_message *m, uint32_t other_conn, int64_t now_us, struct buf *out)
{
	uint64_t second = (uint64_t)(now_us / US_PER_S);

	if (second != d->second) {
		display_tick(d, now_us, out);
		d->second = second;
		d->shown = 0;
	}
	if (d->shown++ >= DISPLAY_A_SECOND) {
		d->skipped++;
		return;
	}
	if (other_conn != 0)
		buf_printf(out, "c%" PRIu32 " ", other_conn);
	buf_puts(out, m->dir == DIR_IN ? "< " : "> ");
	if (m->opcode == OP_BINARY) {
		put_binary(d, m, out);
		return;
	}
	struct span part = whole_characters(m->data, d->text_max);
	escape_text(out, part, 0);
	if (part.n < m->length)
		buf_printf(out, " ... %" PRIu64 " bytes more; /last shows it whole", m->length - part.n);
	buf_putc(out, '\n');
}

/* 12,400 */
static void
put_grouped(struct buf *out, uint64_t n)
{
	if (n < 1000) {
		buf_printf(out, "%" PRIu64, n);
		return;
	}
	put_grouped(out, n / 1000);
	buf_printf(out, ",%03" PRIu64, n % 1000);
}

void
display_tick(struct display *d, int64_t now_us, struct buf *out)
{
	if (d->skipped == 0 || (uint64_t)(now_us / US_PER_S) == d->second)
		return;
	buf_puts(out, "... ");
	put_grouped(out, d->skipped);
	buf_printf(out, " more message%s in 1 s, not shown (--log keeps them all)\n", d->skipped == 1 ? "" : "s");
	d->skipped = 0;
}
