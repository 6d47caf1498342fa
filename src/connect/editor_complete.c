/* SPDX-License-Identifier: MIT */
#include "connect/editor_state.h"

#include "connect/glyph.h"

#include <string.h>

enum { CANDIDATES_MAX = 512 };

struct candidates {
	char *words[CANDIDATES_MAX];
	const char *notes[CANDIDATES_MAX];
	size_t n;
};

static void
add_candidate(void *arg, const char *word, const char *note)
{
	struct candidates *c = arg;

	if (c->n == CANDIDATES_MAX)
		return;
	c->notes[c->n] = note;
	c->words[c->n++] = xstrdup(word);
}

static size_t
common_length(const struct candidates *c)
{
	size_t n = strlen(c->words[0]);

	for (size_t i = 1; i < c->n; i++)
		for (size_t k = 0; k < n; k++)
			if (c->words[i][k] != c->words[0][k])
				n = k;
	return n;
}

static char *
text_before_cursor(struct editor *e)
{
	const LineInfoW *info = el_wline(e->el);

	return glyph_text(info->buffer, (size_t)(info->cursor - info->buffer));
}

static void
insert_text(struct editor *e, const char *text)
{
	wchar_t *line = glyph_line(text);

	if (line != NULL)
		el_winsertstr(e->el, line);
	free(line);
}

static void
list_candidates(struct editor *e, const struct candidates *c)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		buf_printf(&out, "%s%s%s", c->words[i], c->notes[i] != NULL ? " " : "", c->notes[i] != NULL ? c->notes[i] : "");
		buf_puts(&out, i + 1 == c->n || c->notes[i] != NULL ? "\n" : "  ");
	}
	editor_print(e, buf_span(&out));
}

unsigned char
editor_tab(EditLine *el, int key UNUSED)
{
	struct editor *e = editor_of(el);
	char *line CLEANUP(free_charp) = text_before_cursor(e);
	const char *space = strrchr(line, ' '), *word = space != NULL ? space + 1 : line;
	struct candidates c = { .n = 0 };
	unsigned char result = CC_NORM;

	e->up->complete(e->arg, line, add_candidate, &c);
	if (c.n > 0) {
		size_t have = strlen(word), common = common_length(&c);
		char *start CLEANUP(free_charp) = xstrndup(c.words[0], common);

		if (common > have)
			insert_text(e, start + have);
		if (c.n == 1 && (common == 0 || start[common - 1] != '/'))
			insert_text(e, " ");
		else if (c.n > 1 && common <= have)
			list_candidates(e, &c);
		result = CC_REFRESH;
	}
	for (size_t i = 0; i < c.n; i++)
		free(c.words[i]);
	return result;
}
