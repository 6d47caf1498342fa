/* SPDX-License-Identifier: MIT */
#include "connect/editor_state.h"

#include "base/escape.h"
#include "connect/glyph.h"
#include "log/fold.h"

#include <string.h>

enum { LISTED_MAX = 200, NOTE_GAP = 1, WORD_GAP = 2 };

struct candidate {
	char *word;
	const char *note;
};

struct candidates {
	struct candidate items[LISTED_MAX];
	size_t n;              /* all of them, also those that are not listed */
	char *common;          /* what all begin with */
};

/* No character is cut in halves. */
static void
shorten_to_common(char *common, const char *word)
{
	size_t n = 0;

	while (common[n] != '\0' && common[n] == word[n])
		n++;
	while (n > 0 && ((unsigned char)common[n] & 0xc0) == 0x80)
		n--;
	common[n] = '\0';
}

static void
add_candidate(void *arg, const char *word, const char *note)
{
	struct candidates *c = arg;

	if (c->common == NULL)
		c->common = xstrdup(word);
	else
		shorten_to_common(c->common, word);
	if (c->n < LISTED_MAX)
		c->items[c->n] = (struct candidate){ xstrdup(word), note };
	c->n++;
}

static void
free_candidates(struct candidates *c)
{
	for (size_t i = 0; i < MIN(c->n, (size_t)LISTED_MAX); i++)
		free(c->items[i].word);
	free(c->common);
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

static int
by_word(const void *a, const void *b)
{
	return strcmp(((const struct candidate *)a)->word, ((const struct candidate *)b)->word);
}

/* Those with a note have a row each. */
static void
list_candidates(struct editor *e, struct candidates *c)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct fold f = { .out = &out, .columns = editor_columns() };
	size_t n = MIN(c->n, (size_t)LISTED_MAX);

	qsort(c->items, n, sizeof(*c->items), by_word);
	for (size_t i = 0; i < n; i++) {
		struct buf word CLEANUP(buf_deinit) = { 0 };

		escape_text(&word, span_of(c->items[i].word), 0); /* the name of a file can have anything in it */
		fold_word(&f, buf_span(&word), "", "");
		fold_space(&f, c->items[i].note != NULL ? NOTE_GAP : WORD_GAP);
		if (c->items[i].note != NULL) {
			fold_text(&f, span_of(c->items[i].note));
			fold_newline(&f);
		}
	}
	if (f.has_words)
		fold_newline(&f);
	if (c->n > n)
		buf_printf(&out, "... %zu more\n", c->n - n);
	editor_print(e, buf_span(&out));
}

unsigned char
editor_tab(EditLine *el, int key UNUSED)
{
	struct editor *e = editor_of(el);
	char *line CLEANUP(free_charp) = text_before_cursor(e);
	struct candidates c CLEANUP(free_candidates) = { .n = 0 };
	size_t have = strlen(line) - e->up->complete(e->arg, line, add_candidate, &c);

	if (c.n == 0)
		return CC_NORM;

	size_t common = strlen(c.common);
	if (common > have)
		insert_text(e, c.common + have);
	if (c.n == 1 && (common == 0 || c.common[common - 1] != '/'))
		insert_text(e, " ");
	else if (c.n > 1 && common <= have)
		list_candidates(e, &c);
	return CC_REFRESH;
}
