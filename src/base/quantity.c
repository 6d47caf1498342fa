/* SPDX-License-Identifier: MIT */
#include "base/quantity.h"

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
quantity_parse_seconds(const char *text, int64_t *ret_us)
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
quantity_parse_size(const char *text, uint64_t *ret)
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

bool
quantity_parse_number(const char *text, uint64_t *ret)
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
