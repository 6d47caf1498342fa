/* SPDX-License-Identifier: MIT */
#include "base/escape.h"

#include "base/utf8.h"

/* The length of the valid character at p, 0 if there is none. */
static size_t
char_length(const uint8_t *p, size_t n)
{
	struct utf8 u = { 0 };

	for (size_t i = 1; i <= MIN(n, (size_t)4); i++) {
		if (utf8_feed(&u, p + i - 1, 1) == 0)
			return 0;
		if (utf8_is_complete(&u))
			return i;
	}
	return 0;
}

static void
escape_byte(struct buf *out, uint8_t c)
{
	switch (c) {
	case '\n': buf_puts(out, "\\n"); break;
	case '\r': buf_puts(out, "\\r"); break;
	case '\t': buf_puts(out, "\\t"); break;
	case '\\': buf_puts(out, "\\\\"); break;
	case 0x1b: buf_puts(out, "\\e"); break;
	default: buf_printf(out, "\\x%02X", c); break;
	}
}

/* C1 controls (U+0080-9F) and what reorders text (U+202A-202E, U+2066-2069). */
static uint32_t
hidden_char(const uint8_t *p, size_t len)
{
	if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return p[1];
	if (len == 3 && p[0] == 0xe2) {
		uint32_t c = 0x2000u | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);

		if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
			return c;
	}
	return 0;
}

void
escape_text(struct buf *out, struct span s, size_t max)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t end = max > 0 ? MIN(max, s.n) : s.n, i = 0;

	while (i < end) {
		size_t len = char_length(p + i, s.n - i);

		if (len > 1 && i + len > end)
			break;
		if (len == 0 || (len == 1 && (p[i] < 0x20 || p[i] == 0x7f || p[i] == '\\'))) {
			escape_byte(out, p[i]);
			len = 1;
		} else if (hidden_char(p + i, len) != 0) {
			buf_printf(out, "\\u{%04X}", (unsigned)hidden_char(p + i, len));
		} else {
			buf_append(out, p + i, len);
		}
		i += len;
	}
	if (i < s.n)
		buf_printf(out, "... (+%zu bytes)", s.n - i);
}
