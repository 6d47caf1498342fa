/* SPDX-License-Identifier: MIT */
#include "report/options.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_US (INT64_C(24) * 3600 * US_PER_S)

static const char *const colour_choices[] = { "auto", "always", "never", NULL };

#define AT(member) offsetof(struct report_options, member)

static const struct option input_rows[] = {
	{ .name = "from", .kind = OPT_LIST, .offset = AT(from), .argument = "KIND:FILE",
	    .help = "a log of this kind (wsdiag, text, websocket-client, daphne), whatever it looks like; repeatable" },
	{ .name = "follow", .kind = OPT_FLAG, .offset = AT(follow),
	    .help = "go on as the logs grow and tell findings as they come; Ctrl-C ends with the whole report" },
	{ 0 },
};

static const struct option choice_rows[] = {
	{ .name = "since", .kind = OPT_TEXT, .offset = AT(since), .argument = "TIME",
	    .help = "leave out connections that ended before: 22:13, 22:13:02 or 2026-03-04T22:13:02Z" },
	{ .name = "until", .kind = OPT_TEXT, .offset = AT(until), .argument = "TIME", .help = "leave out connections that opened after" },
	{ .name = "session", .kind = OPT_TEXT, .offset = AT(session), .argument = "ID", .help = "only connections of the session whose id begins so" },
	{ .name = "conn", .kind = OPT_NUMBER, .offset = AT(conn), .argument = "N", .min = 1, .max = UINT32_MAX,
	    .help = "only connection N, as any of the logs numbers it, and what belongs to it in the others" },
	{ 0 },
};

static const struct option output_rows[] = {
	{ .name = "json", .kind = OPT_FLAG, .offset = AT(json), .help = "the whole report as one JSON document instead of text" },
	{ .name = "markdown", .kind = OPT_FLAG, .offset = AT(markdown), .help = "as Markdown instead, to paste into an issue or a support ticket" },
	{ .name = "html", .kind = OPT_TEXT, .offset = AT(html), .argument = "FILE", .complete = "file",
	    .help = "a page with a timeline into FILE too; it is one file, loads nothing and has no scripts" },
	{ .name = "as", .kind = OPT_TEXT, .offset = AT(as), .argument = "LIBRARY:VERSION",
	    .help = "add what this library would have told its user: websocket-client:1.7, 1.8 or 1.9" },
	{ .name = "exit-zero", .kind = OPT_FLAG, .offset = AT(exit_zero), .help = "exit status 0 also with findings" },
	{ .name = "color", .kind = OPT_CHOICE, .offset = AT(colour), .choices = colour_choices,
	    .help = "coloured findings (default auto: on a terminal, unless NO_COLOR is set)" },
	{ 0 },
};

const struct option_table report_tables[] = {
	{ "Logs", input_rows, 0 },
	{ "Choice", choice_rows, 0 },
	{ "Output", output_rows, 0 },
	{ 0 },
};

/* "22:13", "22:13:02", "22:13:02.5"; *ret_rest: behind it. */
static bool
parse_clock(const char *text, int64_t *ret_us, const char **ret_rest)
{
	int h, min, n = 0;
	double s = 0;

	if (sscanf(text, "%2d:%2d%n", &h, &min, &n) != 2 || h < 0 || h > 23 || min < 0 || min > 59)
		return false;
	text += n;
	n = 0;
	if (*text == ':' && (sscanf(text, ":%lf%n", &s, &n) != 1 || !(s >= 0 && s < 61)))
		return false;
	*ret_rest = text + n;
	*ret_us = (h * INT64_C(3600) + min * 60) * US_PER_S + (int64_t)(s * US_PER_S + 0.5);
	return true;
}

/* "", "Z", "+01:00" */
static bool
parse_zone(const char *text, int64_t *ret_us)
{
	int h, min, n = 0;
	char sign;

	*ret_us = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0)
		return true;
	if (sscanf(text, "%c%2d:%2d%n", &sign, &h, &min, &n) != 3 || text[n] != '\0' || (sign != '+' && sign != '-') || h < 0 || min < 0)
		return false;
	*ret_us = (sign == '-' ? -1 : 1) * (h * INT64_C(3600) + min * 60) * US_PER_S;
	return true;
}

bool
report_parse_time(const char *text, int64_t near_us, int64_t *ret_us)
{
	int64_t clock, zone;
	struct tm tm = { 0 };
	const char *rest;
	int n = 0;

	if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &n) == 3 && (text[n] == 'T' || text[n] == ' ')) {
		if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31)
			return false;
		if (!parse_clock(text + n + 1, &clock, &rest) || !parse_zone(rest, &zone))
			return false;
		tm.tm_year -= 1900;
		tm.tm_mon--;
		*ret_us = (int64_t)timegm(&tm) * US_PER_S + clock - zone;
		return true;
	}
	if (!parse_clock(text, &clock, &rest) || *rest != '\0')
		return false;
	*ret_us = near_us / DAY_US * DAY_US + clock;
	/* Before the logs' first second: the day after. */
	if (*ret_us < near_us - DAY_US / 2)
		*ret_us += DAY_US;
	return true;
}
