/* SPDX-License-Identifier: MIT */
/* plan_parse: whom and when: "conn 2-4 path=/ws*  after 6s:". */
#include "fault/plan_parse.h"

#include "base/quantity.h"
#include "codec/frame.h"
#include "codec/http_head.h"
#include "fault/plan_words.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

static const char a_time[] = "a time (7s, 250ms, 2m)";

int
plan_take_time(struct scan *s, char stop, int64_t *ret_us)
{
	struct word w;
	int r = scan_need(s, stop, a_time, &w);

	if (r > 0 && !quantity_parse_seconds(w.text, ret_us))
		r = scan_fail(s, w.at, "\"%.60s\" is not %s", w.text, a_time);
	return r < 0 ? r : 0;
}

int
plan_direction_of(const struct word *w)
{
	return strcmp(w->text, "up") == 0 ? PLAN_UP : strcmp(w->text, "down") == 0 ? PLAN_DOWN : strcmp(w->text, "both") == 0 ? PLAN_BOTH_WAYS : 0;
}

/* --- whom --- */

static const char *const moment_begins[] = { "at", "after", "age", "idle", "on", NULL };
static const char *const line_begins[] = { "conn", "dial", "at", "after", "age", "idle", "on", NULL };
static const char *const subject_parts[] = { "at", "after", "age", "idle", "on", "every", "seed", "path=", "header=", NULL };

static bool
is_one_of(const struct word *w, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(w->text, *words) == 0)
			return true;
	return false;
}

static bool
parse_count(const char *text, uint32_t *ret)
{
	uint64_t n;

	if (!quantity_parse_number(text, &n) || n == 0 || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* 2, 2-4, 2-*, *; 1: it was one, 0: not. */
static int
take_range(struct scan *s, const struct word *w, struct plan_subject *sub)
{
	const char *dash = strchr(w->text, '-');
	char *from CLEANUP(free_charp) = xstrndup(w->text, dash != NULL ? (size_t)(dash - w->text) : w->n);

	if (strcmp(w->text, "*") == 0)
		return 1;
	if (w->n == 0 || strspn(w->text, "0123456789-*") != w->n)
		return 0;
	bool is_open = dash != NULL && strcmp(dash, "-*") == 0;
	if (!parse_count(from, &sub->from) || (!is_open && !parse_count(dash != NULL ? dash + 1 : from, &sub->to)) || sub->to < sub->from)
		return scan_fail(s, w->at, "\"%.60s\" is no number or range: write 2, 2-4, 2-* or *, from 1", w->text);
	return 1;
}

static int
take_number_after(struct scan *s, const char *what, uint64_t min, uint64_t max, uint64_t *ret)
{
	struct word w;
	int r = scan_need(s, ':', what, &w);

	if (r > 0 && (!quantity_parse_number(w.text, ret) || *ret < min || *ret > max))
		r = scan_fail(s, w.at, "\"%.60s\" is not %s", w.text, what);
	return r;
}

static int
take_chance(struct scan *s, const struct word *w, struct plan_subject *sub)
{
	char *end;

	if (w->n < 2 || w->text[w->n - 1] != '%' || strspn(w->text, "0123456789.") != w->n - 1)
		return 0;
	sub->chance = strtod(w->text, &end) / 100;
	if (*end != '%' || sub->chance <= 0 || sub->chance > 1)
		return scan_fail(s, w->at, "\"%.60s\" is no chance: more than 0%% and at most 100%%", w->text);
	return 1;
}

/* path=GLOB, header=NAME:GLOB */
static int
take_match(struct scan *s, const struct word *w, struct plan_subject *sub)
{
	struct span value = { w->text, w->n }, name;

	if (span_starts_ci(value, "path=")) {
		free(sub->path);
		sub->path = xstrdup(w->text + strlen("path="));
		return 1;
	}
	if (!span_starts_ci(value, "header="))
		return 0;
	value = (struct span){ w->text + strlen("header="), w->n - strlen("header=") };
	span_next(&value, ':', &name);
	if (!http_is_token(name))
		return scan_fail(s, w->at, "\"%.*s\" cannot be the name of a header; write header=NAME:GLOB", (int)name.n, name.p);
	free(sub->header);
	free(sub->value);
	sub->header = span_dup(name);
	sub->value = value.p != NULL ? span_dup(span_trim(value)) : xstrdup("*");
	return 1;
}

/* The values of these parts contain colons. */
static char
stop_of_part(const struct scan *s)
{
	struct span rest = span_trim((struct span){ s->text.p + s->at, s->text.n - s->at });

	return span_starts_ci(rest, "path=") || span_starts_ci(rest, "header=") ? '\0' : ':';
}

/* One part behind conn or dial: 1 when there was one, 0 where the moment begins. */
static int
take_part(struct scan *s, struct plan_subject *sub, bool *has_seed)
{
	static const char every[] = "a number, from 1", seed[] = "a number for the seed";
	struct word w;
	uint64_t n = 0;
	char stop = stop_of_part(s);
	size_t before = s->at;
	int r = scan_word(s, stop, &w);

	if (r <= 0)
		return r;
	if (is_one_of(&w, moment_begins)) {
		s->at = before;
		return 0;
	}
	if (strcmp(w.text, "every") == 0) {
		r = take_number_after(s, every, 1, UINT32_MAX, &n);
		sub->every = (uint32_t)n;
		return r;
	}
	if (strcmp(w.text, "seed") == 0) {
		*has_seed = true;
		return take_number_after(s, seed, 0, UINT64_MAX, &sub->seed);
	}
	if ((r = take_range(s, &w, sub)) == 0 && (r = take_chance(s, &w, sub)) == 0 && (r = take_match(s, &w, sub)) == 0)
		r = scan_unknown(s, &w, "part of whom a line strikes, nor a moment", subject_parts);
	return r;
}

/* ret_is_given: "conn" or "dial" stood there. */
static int
take_subject(struct scan *s, struct plan_line *line, bool *ret_is_given)
{
	struct plan_subject *sub = &line->subject;
	struct word w;
	bool has_seed = false;
	int r = scan_peek(s, ':', &w);

	*sub = (struct plan_subject){ .from = 1, .to = UINT32_MAX };
	*ret_is_given = false;
	if (r < 0 || (r > 0 && is_one_of(&w, moment_begins)))
		return r < 0 ? r : 0;
	if (r == 0 || !is_one_of(&w, line_begins))
		return r == 0 ? scan_fail(s, s->at, "a line begins with whom it strikes: conn or dial") :
				scan_unknown(s, &w, "beginning of a line (conn 2, dial *, or a moment: after 5s)", line_begins);
	*ret_is_given = true;
	size_t word_at = w.at;
	sub->counts_opens = strcmp(w.text, "conn") == 0;
	r = scan_word(s, ':', &w);
	while (r > 0)
		r = take_part(s, sub, &has_seed);
	if (r == 0 && has_seed && sub->chance == 0)
		r = scan_fail(s, word_at, "a seed goes with a chance: 10%% seed 7");
	/* Lines without one differ from each other, and not from run to run. */
	if (r == 0 && sub->chance > 0 && !has_seed)
		sub->seed = line->number;
	return r;
}

/* --- when --- */

static int
take_direction(struct scan *s, enum plan_direction *dir)
{
	struct word w;
	int r = scan_peek(s, ':', &w);
	int found = r > 0 ? plan_direction_of(&w) : 0;

	if (r < 0 || found == 0)
		return r < 0 ? r : 0;
	*dir = (enum plan_direction)found;
	return scan_word(s, ':', &w);
}

static int
take_at(struct scan *s, struct plan_moment *m)
{
	static const char *const steps[] = { "accept", "request", "response", "open", NULL };
	static const enum plan_when whens[] = { WHEN_ACCEPT, WHEN_REQUEST, WHEN_RESPONSE, WHEN_AFTER };
	struct word w;
	int r = scan_need(s, ':', "accept, request, response or open", &w);

	if (r < 0)
		return r;
	for (size_t i = 0; steps[i] != NULL; i++) {
		if (strcmp(w.text, steps[i]) == 0) {
			m->when = whens[i];
			return 0;
		}
	}
	return scan_unknown(s, &w, "step of a dial (accept, request, response, open)", steps);
}

/* 7s; 100 msgs; 100 bytes; 64KB */
static int
take_after(struct scan *s, struct plan_moment *m)
{
	static const char what[] = "a time, a number of messages or a size (7s, 100 msgs, 64KB)";
	static const char *const units[] = { "msgs", "messages", "bytes", "up", "down", NULL };
	struct word w, unit;
	int r = scan_need(s, ':', what, &w);

	if (r > 0)
		r = scan_peek(s, ':', &unit);
	if (r < 0)
		return r;
	bool has_unit = r > 0 && plan_direction_of(&unit) == 0;
	if (has_unit) {
		bool is_bytes = strcmp(unit.text, "bytes") == 0;

		if (!is_bytes && strcmp(unit.text, "msgs") != 0 && strcmp(unit.text, "msg") != 0 && strcmp(unit.text, "messages") != 0)
			return scan_unknown(s, &unit, "unit, and no colon stands before it", units);
		if (!quantity_parse_number(w.text, &m->count))
			return scan_fail(s, w.at, "\"%.60s\" is not a whole number", w.text);
		m->when = is_bytes ? WHEN_BYTES : WHEN_MESSAGES;
		r = scan_word(s, ':', &unit);
	} else if (quantity_parse_seconds(w.text, &m->after_us)) {
		if (r > 0)
			return scan_fail(s, unit.at, "a time has no direction; for bytes write \"100 bytes %s\", for messages \"100 msgs %s\", for silence "
				"\"idle %s TIME\"", unit.text, unit.text, unit.text);
		m->when = WHEN_AFTER;
		return 0;
	} else if (quantity_parse_size(w.text, &m->count)) {
		m->when = WHEN_BYTES;
	} else {
		return scan_fail(s, w.at, "\"%.60s\" is not %s", w.text, what);
	}
	if (m->count == 0)
		return scan_fail(s, w.at, "0 has always passed already: use at open");
	return r < 0 ? r : take_direction(s, &m->dir);
}

static int
take_age(struct scan *s, struct plan_moment *m)
{
	m->when = WHEN_AFTER;
	return plan_take_time(s, ':', &m->after_us);
}

static int
take_idle(struct scan *s, struct plan_moment *m)
{
	size_t at;
	int r = take_direction(s, &m->dir);

	m->when = WHEN_IDLE;
	scan_is_over(s);
	at = s->at;
	if (r >= 0)
		r = plan_take_time(s, ':', &m->after_us);
	if (r >= 0 && m->after_us == 0)
		r = scan_fail(s, at, "an idle time of 0 is no silence");
	return r;
}

static bool
opcode_of(const struct word *w, int *ret)
{
	static const struct {
		const char *name;
		int opcode;
	} names[] = { { "any", -1 }, { "data", -2 }, { "continuation", OP_CONTINUATION }, { "text", OP_TEXT }, { "binary", OP_BINARY }, { "close", OP_CLOSE },
		{ "ping", OP_PING }, { "pong", OP_PONG } };
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(w->text, names[i].name) == 0) {
			*ret = names[i].opcode;
			return true;
		}
	}
	if (!quantity_parse_number(w->text, &n) || n > 15)
		return false;
	*ret = (int)n;
	return true;
}

/* [OPCODE] [up|down] [text "GLOB"], in any order; "text" before a quote is the pattern, else the opcode. */
static int
take_frame(struct scan *s, struct plan_moment *m)
{
	static const char *const words[] = { "any", "data", "continuation", "text", "binary", "close", "ping", "pong", "up", "down", "both", NULL };
	struct word w, next;
	int r;

	m->when = WHEN_FRAME;
	while ((r = scan_word(s, ':', &w)) > 0) {
		int dir = plan_direction_of(&w);

		if (dir != 0) {
			m->dir = (enum plan_direction)dir;
			continue;
		}
		if (strcmp(w.text, "text") == 0 && !w.is_quoted && (r = scan_peek(s, ':', &next)) != 0 && (r < 0 || next.is_quoted)) {
			if (r < 0 || (r = scan_word(s, ':', &next)) < 0)
				return r;
			free(m->text);
			m->text = xstrdup(next.text);
		} else if (!opcode_of(&w, &m->opcode)) {
			return scan_unknown(s, &w, "kind of frame or direction", words);
		}
	}
	return r;
}

static int
take_signal(struct scan *s, struct plan_moment *m)
{
	struct word w;
	int r = scan_need(s, ':', "USR1 or USR2", &w);

	if (r < 0)
		return r;
	const char *name = strncasecmp(w.text, "SIG", 3) == 0 ? w.text + 3 : w.text;
	m->when = WHEN_SIGNAL;
	m->signum = strcasecmp(name, "USR1") == 0 ? SIGUSR1 : SIGUSR2;
	if (m->signum == SIGUSR2 && strcasecmp(name, "USR2") != 0)
		return scan_fail(s, w.at, "\"%.60s\" is no signal for plans: USR1 and USR2 are", w.text);
	return 0;
}

static int
take_on(struct scan *s, struct plan_moment *m)
{
	static const char *const kinds[] = { "frame", "signal", "line", NULL };
	struct word w;
	int r = scan_need(s, ':', "frame, signal or line", &w);

	if (r < 0)
		return r;
	if (strcmp(w.text, "frame") == 0)
		return take_frame(s, m);
	if (strcmp(w.text, "signal") == 0)
		return take_signal(s, m);
	if (strcmp(w.text, "line") != 0)
		return scan_unknown(s, &w, "event (frame, signal, line)", kinds);
	if (s->who != PLAN_FOR_PROXY)
		return scan_fail(s, w.at, "a server reads no lines; \"wsdiag proxy\" does, and on signal works here");
	m->when = WHEN_LINE;
	if ((r = scan_need(s, ':', "the word to wait for", &w)) < 0)
		return r;
	m->text = xstrdup(w.text);
	return 0;
}

static int
take_moment(struct scan *s, struct plan_moment *m)
{
	static int (*const takes[])(struct scan *, struct plan_moment *) = { take_at, take_after, take_age, take_idle, take_on };
	struct word w;
	int r = scan_need(s, ':', "a moment (at accept, after 5s, idle 60s, on frame close)", &w);

	if (r < 0)
		return r;
	*m = (struct plan_moment){ .opcode = -1, .dir = PLAN_BOTH_WAYS };
	for (size_t i = 0; moment_begins[i] != NULL; i++)
		if (strcmp(w.text, moment_begins[i]) == 0)
			return takes[i](s, m);
	return scan_unknown(s, &w, "moment", moment_begins);
}

/* --- both --- */

static int
judge_head(struct scan *s, const struct plan_line *line, size_t moment_at)
{
	const struct plan_subject *sub = &line->subject;
	unsigned class = plan_moment_class(&line->moment);

	if (sub->counts_opens && (class & (IN_ACCEPT | IN_UPGRADE)) != 0)
		return scan_fail(s, moment_at, "conn counts what has opened, and this comes before: use dial, which counts accepts");
	if (class == IN_ACCEPT && (sub->path != NULL || sub->header != NULL))
		return scan_fail(s, moment_at, "at accept no request has come yet to look at: use at request");
	return 0;
}

int
plan_parse_head(struct scan *s, struct plan_line *line)
{
	struct word w;
	bool is_given;
	int r = take_subject(s, line, &is_given);

	if (r < 0)
		return r;
	(void)scan_is_over(s);
	size_t moment_at = s->at;
	if ((r = take_moment(s, &line->moment)) < 0)
		return r;
	if (!is_given)
		line->subject.counts_opens = (plan_moment_class(&line->moment) & (IN_OPEN | IN_FRAME)) != 0;
	if ((r = judge_head(s, line, moment_at)) < 0)
		return r;
	if (scan_char(s, ':'))
		return 0;
	if ((r = scan_peek(s, ':', &w)) > 0)
		return scan_fail(s, w.at, "\"%.60s\" is not part of the moment: a colon ends it, then the actions follow", w.text);
	return r < 0 ? r : scan_fail(s, s->at, "a colon and the actions are missing");
}
