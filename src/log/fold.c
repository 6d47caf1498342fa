/* SPDX-License-Identifier: MIT */
#include "log/fold.h"

#include <wchar.h>

/* Takes one character off the front; what is not UTF-8 goes byte by byte. */
static struct span
next_char(struct span *s, wchar_t *ret_code)
{
	uint8_t lead = (uint8_t)*s->p;
	size_t n = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t code = n == 1 ? lead : lead & (0xffu >> (n + 1));

	n = MIN(n, s->n);
	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((uint8_t)s->p[i] & 0x3f);

	struct span c = { s->p, n };

	s->p += n;
	s->n -= n;
	*ret_code = (wchar_t)code;
	return c;
}

/* wcwidth() knows nothing outside the locale's characters: one column then. */
static unsigned
char_width(wchar_t code)
{
	int w = code < 0x80 ? 1 : wcwidth(code);

	return w < 0 ? 1 : (unsigned)w;
}

unsigned
fold_width(struct span text)
{
	unsigned width = 0;
	wchar_t code;

	while (text.n > 0) {
		next_char(&text, &code);
		width += char_width(code);
	}
	return width;
}

void
fold_newline(struct fold *f)
{
	buf_putc(f->out, '\n');
	f->col = 0;
	f->gap = f->margin = f->indent;
	f->has_words = false;
}

void
fold_space(struct fold *f, unsigned n)
{
	f->gap += n;
}

static void
put_gap(struct fold *f)
{
	for (; f->gap > 0; f->gap--, f->col++)
		buf_putc(f->out, ' ');
	f->has_words = true;
}

static bool
fits(const struct fold *f, unsigned width)
{
	return f->columns == 0 || f->col + f->gap + width <= f->columns;
}

/* Character by character, over as many lines as it takes. */
static void
put_broken(struct fold *f, struct span word)
{
	while (word.n > 0) {
		wchar_t code;
		struct span c = next_char(&word, &code);
		unsigned width = char_width(code);

		if (!fits(f, width) && f->col > f->margin) {
			fold_newline(f);
			put_gap(f);
		}
		buf_append(f->out, c.p, c.n);
		f->col += width;
	}
}

void
fold_word(struct fold *f, struct span word, const char *before, const char *after)
{
	unsigned width = fold_width(word);

	if (!fits(f, width) && f->has_words)
		fold_newline(f);
	if (!fits(f, width))
		f->gap = f->margin;
	put_gap(f);
	buf_puts(f->out, before);
	if (fits(f, width)) {
		buf_append(f->out, word.p, word.n);
		f->col += width;
	} else {
		put_broken(f, word);
	}
	buf_puts(f->out, after);
}

void
fold_text(struct fold *f, struct span text)
{
	while (text.n > 0) {
		size_t n = 0;

		if (*text.p == '\n') {
			fold_newline(f);
			n = 1;
		} else if (*text.p == ' ') {
			fold_space(f, 1);
			n = 1;
		} else {
			while (n < text.n && text.p[n] != ' ' && text.p[n] != '\n')
				n++;
			fold_word(f, (struct span){ text.p, n }, "", "");
		}
		text.p += n;
		text.n -= n;
	}
}
