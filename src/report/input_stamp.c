/* SPDX-License-Identifier: MIT */
#include "report/input_stamp.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>
#include <strings.h>
#include <time.h>

enum { SEARCHED = 80, CLOCK_LENGTH = sizeof("22:13:02") - 1 };

#define DAY_US (INT64_C(86400) * US_PER_S)
/* Lines of several threads may be out of order, and clocks are set: what goes back by less is the same day. */
#define ROLL_US (INT64_C(2) * 3600 * US_PER_S)

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* n digits at i; -1: there are none, or s ends. */
static int
number_at(struct span s, size_t i, size_t n)
{
	int v = 0;

	if (i + n > s.n)
		return -1;
	for (size_t k = 0; k < n; k++) {
		if (!is_digit(s.p[i + k]))
			return -1;
		v = v * 10 + (s.p[i + k] - '0');
	}
	return v;
}

static bool
is_at(struct span s, size_t i, char c)
{
	return i < s.n && s.p[i] == c;
}

/* "22:13:02" at i, as seconds of the day. */
static bool
clock_at(struct span s, size_t i, int *ret)
{
	int h = number_at(s, i, 2), m = number_at(s, i + 3, 2), sec = number_at(s, i + 6, 2);

	if (h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 60 || !is_at(s, i + 2, ':') || !is_at(s, i + 5, ':'))
		return false;
	*ret = (h * 60 + m) * 60 + sec;
	return true;
}

static int
month_at(struct span s, size_t i)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int m = 0; m < 12 && i + 3 <= s.n; m++)
		if (strncasecmp(s.p + i, names + 3 * m, 3) == 0)
			return m + 1;
	return -1;
}

/* Seconds at the beginning of the day. */
static bool
day_of(int year, int month, int day, int64_t *ret)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*ret = (int64_t)timegm(&tm);
	return true;
}

/* The date that ends directly before i. */
static bool
date_before(struct span s, size_t i, int64_t *ret)
{
	if (i >= 11) {
		size_t at = i - 11;
		char sep = s.p[at + 4];

		/* 2026-03-04T, 2026/03/04 */
		if ((sep == '-' || sep == '/') && s.p[at + 7] == sep && strchr("T _", s.p[i - 1]) != NULL &&
		    day_of(number_at(s, at, 4), number_at(s, at + 5, 2), number_at(s, at + 8, 2), ret))
			return true;
	}
	if (i >= 12) {
		size_t at = i - 12;

		/* 24/Nov/2026:, 24 Nov 2026 */
		if (s.p[at + 2] == s.p[at + 6] && (s.p[i - 1] == ':' || s.p[i - 1] == ' ') &&
		    day_of(number_at(s, at + 7, 4), month_at(s, at + 3), number_at(s, at, 2), ret))
			return true;
	}
	return false;
}

/* "Z", " UTC", " GMT", "+01:00", " +0100" at *i; takes it. */
static bool
zone_at(struct span s, size_t *i, int64_t *ret_offset_us)
{
	size_t at = *i;

	*ret_offset_us = 0;
	if (is_at(s, at, 'Z')) {
		*i = at + 1;
		return true;
	}
	at += is_at(s, at, ' ');
	if (at + 3 <= s.n && (memcmp(s.p + at, "UTC", 3) == 0 || memcmp(s.p + at, "GMT", 3) == 0)) {
		*i = at + 3;
		return true;
	}
	if (!is_at(s, at, '+') && !is_at(s, at, '-'))
		return false;

	bool has_colon = is_at(s, at + 3, ':');
	int h = number_at(s, at + 1, 2), m = number_at(s, at + 3 + has_colon, 2);
	if (h < 0 || h > 14 || m < 0 || m > 59)
		return false;
	*ret_offset_us = (h * 60 + m) * 60 * US_PER_S * (s.p[at] == '-' ? -1 : 1);
	*i = at + 5 + has_colon;
	return true;
}

/* ".071" or ",071" at *i; takes it. Digits beyond the sixth are dropped. */
static int64_t
fraction_at(struct span s, size_t *i, int64_t *ret_resolution_us)
{
	int64_t us = 0, unit = US_PER_S;
	size_t at = *i + 1;

	*ret_resolution_us = unit;
	if ((!is_at(s, *i, '.') && !is_at(s, *i, ',')) || at >= s.n || !is_digit(s.p[at]))
		return 0;
	for (; at < s.n && is_digit(s.p[at]); at++) {
		unit /= 10;
		us += (s.p[at] - '0') * unit;
	}
	*i = at;
	*ret_resolution_us = MAX(unit, INT64_C(1));
	return us;
}

static struct span
rest_behind(struct span s, size_t i)
{
	while (i < s.n && strchr(" \t]):|-", s.p[i]) != NULL && s.p[i] != '\0')
		i++;
	return (struct span){ s.p + i, s.n - i };
}

static bool
take_clock(struct span line, size_t i, struct stamp *ret)
{
	size_t at = i + CLOCK_LENGTH;
	int64_t day = 0, offset, resolution;
	int seconds;

	if (!clock_at(line, i, &seconds))
		return false;

	bool has_date = date_before(line, i, &day);
	if (i > 0 && (is_digit(line.p[i - 1]) || (line.p[i - 1] == ':' && !has_date)))
		return false;
	if (at < line.n && (is_digit(line.p[at]) || (line.p[at] == ':' && number_at(line, at + 1, 2) >= 0)))
		return false;

	int64_t us = seconds * US_PER_S + fraction_at(line, &at, &resolution);
	bool has_zone = has_date && zone_at(line, &at, &offset);
	*ret = (struct stamp){ .us = day * US_PER_S + us - (has_zone ? offset : 0), .has_date = has_date, .has_zone = has_zone, .resolution_us = resolution,
		.rest = rest_behind(line, at) };
	return true;
}

/* "1772662382.071" at i: ten digits, of this century. */
static bool
take_epoch(struct span line, size_t i, struct stamp *ret)
{
	int high = number_at(line, i, 5), low = number_at(line, i + 5, 5);
	int64_t resolution;
	size_t at = i + 10;

	if (high < 10000 || low < 0 || (i > 0 && line.p[i - 1] != '[' && line.p[i - 1] != '(' && line.p[i - 1] != ' ') || (at < line.n && is_digit(line.p[at])))
		return false;

	int64_t us = (high * INT64_C(100000) + low) * US_PER_S + fraction_at(line, &at, &resolution);
	*ret = (struct stamp){ .us = us, .has_date = true, .has_zone = true, .resolution_us = resolution, .rest = rest_behind(line, at) };
	return true;
}

bool
stamp_find(struct span line, struct stamp *ret)
{
	for (size_t i = 0; i < line.n && i < SEARCHED; i++)
		if (is_digit(line.p[i]) && (take_clock(line, i, ret) || take_epoch(line, i, ret)))
			return true;
	return false;
}

static int64_t
day_start(int64_t us)
{
	return us - (us % DAY_US + DAY_US) % DAY_US;
}

int64_t
stamp_clock_us(struct stamp_clock *c, const struct stamp *s)
{
	int64_t us = s->us;

	if (!s->has_date && c->has_last) {
		us += day_start(c->last);
		if (us < c->last - ROLL_US)
			us += DAY_US;
		else if (us > c->last + DAY_US - ROLL_US && us >= DAY_US)
			us -= DAY_US; /* a straggler of the day before, just past midnight */
	}
	c->has_last = true;
	c->last = us;
	return us;
}
