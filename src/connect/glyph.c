/* SPDX-License-Identifier: MIT */
#include "connect/glyph.h"

#include <stdint.h>
#include <string.h>

/* The last private plane: nobody's fonts have anything there. U+0301 becomes U+100301. */
enum { PLANE = 0x100000, PLANE_LAST = 0x10ffff, LEAD_BYTE = 0xf4, GLYPH_BYTES = 4 };
#define DOTTED_CIRCLE "\u25cc"
#define SIGN_FOR_NEWLINE "\u2424"

wchar_t
glyph_of(wchar_t c)
{
	return c == L'\n' || (c > 0x7f && c <= 0xffff && wcwidth(c) == 0) ? c + PLANE : c;
}

/* The inverse: only what glyph_of() makes; another character of that plane stays. */
static wchar_t
meant(wchar_t c)
{
	return c >= PLANE && c <= PLANE_LAST && glyph_of(c - PLANE) == c ? c - PLANE : c;
}

wchar_t *
glyph_line(const char *text)
{
	size_t n = strlen(text) + 1;
	wchar_t *line = xcalloc(n, sizeof(*line));

	if (mbstowcs(line, text, n) == (size_t)-1) {
		free(line);
		return NULL;
	}
	for (wchar_t *c = line; *c != L'\0'; c++)
		*c = glyph_of(*c);
	return line;
}

char *
glyph_text(const wchar_t *line, size_t n)
{
	size_t size = n * MB_CUR_MAX + 1;
	wchar_t *copy = xcalloc(n + 1, sizeof(*copy));
	char *text = xmalloc(size);

	for (size_t i = 0; i < n; i++)
		copy[i] = meant(line[i]);
	if (wcstombs(text, copy, size) == (size_t)-1)
		*text = '\0';
	free(copy);
	return text;
}

/* Joiners and selectors would change how what is beside them is drawn. */
static bool
is_mark(wchar_t c)
{
	return !(c >= 0x200b && c <= 0x206f) && !(c >= 0xfe00 && c <= 0xfe0f) && c != 0xfeff;
}

static void
draw_one(struct buf *out, const uint8_t *p)
{
	wchar_t c = (wchar_t)(p[1] & 0x0f) << 12 | (wchar_t)(p[2] & 0x3f) << 6 | (wchar_t)(p[3] & 0x3f);

	if (c == L'\n') {
		buf_puts(out, SIGN_FOR_NEWLINE);
		return;
	}
	if (glyph_of(c) == c) {
		buf_append(out, p, GLYPH_BYTES);
		return;
	}
	buf_puts(out, DOTTED_CIRCLE);
	if (is_mark(c)) {
		char *mark CLEANUP(free_charp) = glyph_text(&c, 1);

		buf_puts(out, mark);
	}
}

size_t
glyph_draw(struct buf *out, struct span bytes)
{
	size_t at = 0;

	while (at < bytes.n) {
		const uint8_t *p = (const uint8_t *)bytes.p + at, *lead = memchr(p, LEAD_BYTE, bytes.n - at);
		size_t plain = lead != NULL ? (size_t)(lead - p) : bytes.n - at;

		buf_append(out, p, plain);
		at += plain;
		if (lead == NULL)
			break;
		if (bytes.n - at < GLYPH_BYTES)
			break;
		draw_one(out, lead);
		at += GLYPH_BYTES;
	}
	return at;
}
