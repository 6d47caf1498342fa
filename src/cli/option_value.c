/* SPDX-License-Identifier: MIT */
#include "cli/option_value.h"

#include "base/clock.h"
#include "base/escape.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Digits with an optional fraction, up to end; exact in millionths. false when there are none or they are too many. */
static bool
parse_decimal(const char *text, uint64_t *ret_whole, uint64_t *ret_millionths, const char **ret_end)
{
	uint64_t whole = 0, millionths = 0, unit = 100000;
	const char *p = text;

	for (; isdigit((unsigned char)*p); p++) {
		if (whole > (uint64_t)INT64_MAX / 100)
			return false;
		whole = whole * 10 + (uint64_t)(*p - '0');
	}
	bool has_digits = p > text;
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++, unit /= 10)
			millionths += unit * (uint64_t)(*p - '0');
		has_digits = has_digits || p[-1] != '.';
	}
	*ret_whole = whole;
	*ret_millionths = millionths;
	*ret_end = p;
	return has_digits;
}

bool
option_parse_seconds(const char *text, int64_t *ret_us)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = { { "", 1000000 }, { "s", 1000000 }, { "ms", 1000 }, { "us", 1 }, { "m", 60000000 }, { "min", 60000000 },
		{ "h", UINT64_C(3600000000) }, { "d", UINT64_C(86400000000) } };
	/* Sums with the clock must not overflow. */
	const uint64_t longest = INT64_MAX / 4;
	uint64_t whole, millionths;
	const char *end;

	if (!parse_decimal(text, &whole, &millionths, &end))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (whole > longest / units[i].us)
			return false;
		*ret_us = (int64_t)(whole * units[i].us + millionths * units[i].us / 1000000);
		return true;
	}
	return false;
}

bool
option_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	uint64_t whole, millionths;
	unsigned shift = 0;
	const char *end;

	if (!parse_decimal(text, &whole, &millionths, &end))
		return false;
	const char *unit = *end != '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
		if (*end == 'i')
			end++;
		if (*end == 'B' || *end == 'b')
			end++;
	} else if (millionths != 0) {
		return false; /* half a byte */
	}
	if (*end != '\0' || whole > UINT64_MAX >> (shift + 1))
		return false;
	*ret = (whole << shift) + (uint64_t)((double)millionths / 1000000 * (double)(UINT64_C(1) << shift));
	return true;
}

static bool
parse_number(const char *text, uint64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	uintmax_t v = strtoumax(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*ret = v;
	return true;
}

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

	if (find_choice(row->choices, text) < 0 && !option_parse_seconds(text, &us)) {
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
	if (!option_parse_size(text, at)) {
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

	if (!parse_number(text, &v)) {
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
