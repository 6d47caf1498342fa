/* SPDX-License-Identifier: MIT */
/* plan_parse_actions: what is done: "drop both for 5s; hold origin". */
#include "fault/plan_parse.h"

#include "base/quantity.h"
#include "codec/close_code.h"
#include "codec/http_head.h"
#include "fault/plan_words.h"

#include <errno.h>
#include <string.h>

enum { REASON_MAX = 123 };

/* Of a throttle: what it counts with fits then. */
#define SIZE_MOST (UINT64_C(1) << 40)

static int
take_size(struct scan *s, struct plan_action *a)
{
	static const char what[] = "a size (512, 64K, 1M)";
	struct word w;
	int r = scan_need(s, ';', what, &w);

	if (r < 0)
		return r;
	struct span text = { w.text, w.n };
	/* A rate may say that it is one. */
	if (text.n > 2 && span_eq((struct span){ text.p + text.n - 2, 2 }, "/s"))
		w.text[text.n - 2] = '\0';
	if (!quantity_parse_size(w.text, &a->number) || a->number == 0)
		return scan_fail(s, w.at, "\"%.60s\" is not %s", w.text, what);
	if (a->number > SIZE_MOST)
		return scan_fail(s, w.at, "\"%.60s\" is more than 1T, and no limit any more", w.text);
	return 0;
}

static int
take_status(struct scan *s, struct plan_action *a)
{
	static const char what[] = "a status from 200 to 599";
	struct word w;
	int r = scan_need(s, ';', what, &w);

	if (r > 0 && (!quantity_parse_number(w.text, &a->number) || a->number < 200 || a->number > 599))
		r = scan_fail(s, w.at, "\"%.60s\" is not %s", w.text, what);
	return r;
}

static int
take_name(struct scan *s, struct plan_action *a)
{
	struct word w;
	int r = scan_need(s, ';', "the name of a header", &w);

	if (r > 0 && !http_is_token((struct span){ w.text, w.n }))
		r = scan_fail(s, w.at, "\"%.60s\" cannot be the name of a header", w.text);
	if (r > 0)
		a->name = xstrdup(w.text);
	return r;
}

/* NAME: VALUE, to the end of the action. */
static int
take_header(struct scan *s, struct plan_action *a)
{
	struct word w;
	int r = scan_rest(s, ';', &w);

	if (r <= 0)
		return r < 0 ? r : scan_fail(s, s->at, "a header is missing here: NAME: VALUE");
	struct span value = { w.text, w.n }, name;
	span_next(&value, ':', &name);
	if (value.p == NULL || !http_is_token(name))
		return scan_fail(s, w.at, "\"%.60s\" is no header: write NAME: VALUE", w.text);
	value = span_trim(value);
	if (!http_is_field_value(value))
		return scan_fail(s, w.at, "a header's value cannot contain line breaks");
	a->name = span_dup(name);
	a->text = span_dup(value);
	return 0;
}

/* ["TEXT"]: whatever is quoted. */
static int
take_text(struct scan *s, struct plan_action *a)
{
	struct word w;
	int r = scan_peek(s, ';', &w);

	if (r <= 0 || !w.is_quoted)
		return r < 0 ? r : 0;
	a->text = xstrdup(w.text);
	return scan_word(s, ';', &w);
}

/* [CODE] ["REASON"] */
static int
take_code(struct scan *s, struct plan_action *a)
{
	struct word w;
	int r = scan_peek(s, ';', &w);

	a->number = CLOSE_NO_STATUS;
	if (r < 0)
		return r;
	bool has_code = r > 0 && quantity_parse_number(w.text, &a->number);
	if (has_code) {
		if (a->number > UINT16_MAX)
			return scan_fail(s, w.at, "\"%.60s\" is no close code: two bytes hold at most 65535", w.text);
		if (a->number == CLOSE_NO_STATUS)
			return scan_fail(s, w.at, "1005 means that there was no code: write close without one");
		if ((r = scan_word(s, ';', &w)) < 0)
			return r;
	}
	(void)scan_is_over(s);
	size_t at = s->at;
	if ((r = take_text(s, a)) < 0)
		return r;
	if (a->text != NULL && a->text[0] != '\0' && !has_code)
		return scan_fail(s, at, "a reason needs a code before it: close 1001 \"%.60s\"", a->text);
	if (a->text != NULL && strlen(a->text) > REASON_MAX)
		return scan_fail(s, at, "the reason has %zu bytes; a Close frame holds %d", strlen(a->text), REASON_MAX);
	return 0;
}

/* [fin|rst|close ...] */
static int
take_how(struct scan *s, struct plan_action *a)
{
	static const enum plan_do hows[] = { DO_FIN, DO_RST, DO_CLOSE };
	struct word w;
	int r = scan_peek(s, ';', &w);

	a->how = DO_FIN;
	for (size_t i = 0; r > 0 && i < ARRAY_LEN(hows); i++) {
		if (strcmp(w.text, plan_action_words[hows[i]].name) != 0)
			continue;
		a->how = hows[i];
		r = scan_word(s, ';', &w);
		return r < 0 || a->how != DO_CLOSE ? r : take_code(s, a);
	}
	return r < 0 ? r : 0;
}

static int
leg_of(const struct word *w)
{
	return strcmp(w->text, "client") == 0 ? PLAN_CLIENT : strcmp(w->text, "origin") == 0 ? PLAN_ORIGIN : strcmp(w->text, "both") == 0 ? PLAN_BOTH_LEGS : 0;
}

static int
take_leg(struct scan *s, const struct word *w, struct plan_action *a)
{
	int legs = leg_of(w);

	if (legs == PLAN_ORIGIN && s->who == PLAN_FOR_SERVER)
		return scan_fail(s, w->at, "a server has no origin leg: \"wsdiag proxy\" before it has two");
	a->legs = legs != 0 ? legs : a->legs;
	return legs != 0;
}

static int
take_direction(const struct word *w, struct plan_action *a)
{
	int dirs = plan_direction_of(w);

	a->dirs = dirs != 0 ? dirs : a->dirs;
	return dirs != 0;
}

/* "for 5s", "within 2s": w is the first word. */
static int
take_span_of_time(struct scan *s, const struct word *w, unsigned takes, struct plan_action *a)
{
	bool is_for = (takes & TAKES_FOR) != 0 && strcmp(w->text, "for") == 0;

	if (!is_for && ((takes & TAKES_WITHIN) == 0 || strcmp(w->text, "within") != 0))
		return 0;
	a->is_timed = is_for;
	int r = plan_take_time(s, ';', &a->time_us);
	return r < 0 ? r : 1;
}

/* Leg, direction, for, within: in any order. */
static int
take_options(struct scan *s, unsigned takes, struct plan_action *a)
{
	struct word w;
	int r;

	while ((r = scan_word(s, ';', &w)) > 0) {
		r = takes & TAKES_LEG ? take_leg(s, &w, a) : 0;
		if (r == 0 && takes & TAKES_DIR)
			r = take_direction(&w, a);
		if (r == 0)
			r = take_span_of_time(s, &w, takes, a);
		if (r < 0)
			return r;
		const struct plan_word *row = &plan_action_words[a->what];
		if (r == 0)
			return scan_fail(s, w.at, "\"%.60s\" does not belong here: %s%s%s", w.text, row->name, row->args[0] != '\0' ? " " : " takes nothing more",
			    row->args);
	}
	return r;
}

/* What an action takes, in this order, before its options. */
static const struct {
	unsigned takes;
	int (*take)(struct scan *, struct plan_action *);
} arguments[] = {
	{ TAKES_SIZE, take_size },
	{ TAKES_STATUS, take_status },
	{ TAKES_NAME, take_name },
	{ TAKES_HEADER, take_header },
	{ TAKES_CODE, take_code },
	{ TAKES_TEXT, take_text },
	{ TAKES_HOW, take_how },
};

static int
take_arguments(struct scan *s, unsigned takes, struct plan_action *a)
{
	int r = takes & TAKES_TIME ? plan_take_time(s, ';', &a->time_us) : 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(arguments); i++)
		if (takes & arguments[i].takes)
			r = arguments[i].take(s, a);
	return r < 0 ? r : take_options(s, takes, a);
}

static int
find_action(struct scan *s, const struct word *w, enum plan_do *ret)
{
	const char *names[DO_COUNT + 1];

	for (int i = 0; i <= DO_COUNT; i++) {
		names[i] = plan_action_words[i].name;
		if (i < DO_COUNT && strcmp(w->text, names[i]) == 0) {
			*ret = (enum plan_do)i;
			return 0;
		}
	}
	return scan_unknown(s, w, "action", names);
}

/* Whether the action may stand at this line's moment, and here at all. */
static int
judge_action(struct scan *s, const struct word *w, const struct plan_line *line, enum plan_do what)
{
	const struct action_row *row = &plan_action_rows[what];
	unsigned class = plan_moment_class(&line->moment);
	bool is_server = s->who == PLAN_FOR_SERVER;
	unsigned classes = is_server ? row->server_classes : row->classes;
	struct buf where CLEANUP(buf_deinit) = { 0 };

	if (classes & class)
		return 0;
	if (classes == 0)
		return scan_fail(s, w->at, "\"%s\" is for a relay, and this is a server: \"wsdiag proxy\" before it can do it", w->text);
	plan_say_classes(&where, classes);
	return scan_fail(s, w->at, "\"%s\" does not go with this moment%s; it goes with %s", w->text,
	    is_server && (row->classes & class) ? " on a server (\"wsdiag proxy\" can do it)" : "", buf_cstr(&where));
}

static int
take_action(struct scan *s, struct plan_line *line)
{
	struct plan_action *a = &line->actions[line->n_actions];
	struct word w;
	enum plan_do what = DO_FIN;
	int r = scan_word(s, ';', &w);

	if (r <= 0)
		return r;
	if (line->n_actions == PLAN_ACTIONS_MAX)
		return scan_fail(s, w.at, "a line has at most %d actions", PLAN_ACTIONS_MAX);
	if ((r = find_action(s, &w, &what)) < 0 || (r = judge_action(s, &w, line, what)) < 0)
		return r;
	unsigned takes = plan_action_rows[what].takes;
	*a = (struct plan_action){
		.what = what,
		.legs = takes & TAKES_LEG ? PLAN_BOTH_LEGS : 0,
		.dirs = takes & TAKES_DIR ? PLAN_BOTH_WAYS : 0,
		.time_us = -1,
	};
	line->n_actions++;
	return take_arguments(s, takes, a);
}

int
plan_parse_actions(struct scan *s, struct plan_line *line)
{
	int r;

	do {
		if ((r = take_action(s, line)) < 0)
			return r;
	} while (scan_char(s, ';'));
	return line->n_actions > 0 ? 0 : scan_fail(s, s->at, "an action is missing here (fin both; see wsdiag-plan(5))");
}
