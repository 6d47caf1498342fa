/* SPDX-License-Identifier: MIT */
#include "cli/option_value.h"

#include "base/escape.h"
#include "base/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int
find_choice(const char *const *choices, const char *text)
{
	for (int i = 0; choices != NULL && choices[i] != NULL; i++)
		if (strcmp(choices[i], text) == 0)
			return i;
	return -1;
}

static void
quote(struct buf *error, const char *text)
{
	buf_putc(error, '"');
	escape_text(error, span_of(text), 80);
	buf_putc(error, '"');
}

/* "a, b or c" */
static void
say_choices(struct buf *error, const char *const *choices)
{
	for (size_t i = 0; choices[i] != NULL; i++) {
		if (i > 0)
			buf_puts(error, choices[i + 1] != NULL ? ", " : " or ");
		buf_puts(error, choices[i]);
	}
}

static int
set_seconds(const struct option *row, void *at, const char *text, struct buf *error)
{
	int64_t us = INT64_MAX;

	if (find_choice(row->choices, text) < 0 && !quantity_parse_seconds(text, &us)) {
		quote(error, text);
		buf_puts(error, " is not a duration (examples: 10, 0.5, 250ms, 2m");
		for (size_t i = 0; row->choices != NULL && row->choices[i] != NULL; i++)
			buf_printf(error, ", %s", row->choices[i]);
		buf_putc(error, ')');
		return -EINVAL;
	}
	*(int64_t *)at = us;
	return 0;
}

static int
set_size(void *at, const char *text, struct buf *error)
{
	if (!quantity_parse_size(text, at)) {
		quote(error, text);
		buf_puts(error, " is not a size (examples: 4096, 64K, 16M, 2G)");
		return -EINVAL;
	}
	return 0;
}

static int
set_number(const struct option *row, void *at, const char *text, struct buf *error)
{
	uint64_t v;

	if (!quantity_parse_number(text, &v)) {
		quote(error, text);
		buf_puts(error, " is not a whole number");
		return -EINVAL;
	}
	if (v < row->min || (row->max != 0 && v > row->max)) {
		quote(error, text);
		if (row->max != 0)
			buf_printf(error, " is not between %" PRIu64 " and %" PRIu64, row->min, row->max);
		else
			buf_printf(error, " is less than %" PRIu64, row->min);
		return -EINVAL;
	}
	*(uint64_t *)at = v;
	return 0;
}

static int
set_choice(const struct option *row, void *at, const char *text, struct buf *error)
{
	int choice = find_choice(row->choices, text);

	if (choice < 0) {
		quote(error, text);
		buf_puts(error, " is not one of ");
		say_choices(error, row->choices);
		return -EINVAL;
	}
	*(int *)at = choice;
	return 0;
}

int
option_set(const struct option *row, void *at, const char *text, struct buf *error)
{
	struct option_list *list = at;

	switch (row->kind) {
	case OPT_FLAG: *(bool *)at = true; return 0;
	case OPT_COUNT: ++*(unsigned *)at; return 0;
	case OPT_TEXT: *(const char **)at = text; return 0;
	case OPT_LIST:
		list->items = xrealloc(list->items, (list->n + 1) * sizeof(*list->items));
		list->items[list->n++] = text;
		return 0;
	case OPT_SECONDS: return set_seconds(row, at, text, error);
	case OPT_SIZE: return set_size(at, text, error);
	case OPT_NUMBER: return set_number(row, at, text, error);
	case OPT_CHOICE: return set_choice(row, at, text, error);
	}
	return 0;
}
