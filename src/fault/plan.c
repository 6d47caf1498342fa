/* SPDX-License-Identifier: MIT */
#include "fault/plan.h"

#include "base/utf8.h"
#include "fault/plan_parse.h"

#include <errno.h>
#include <string.h>

static void
line_deinit(struct plan_line *line)
{
	free(line->actions_text);
	free(line->subject.path);
	free(line->subject.header);
	free(line->subject.value);
	free(line->moment.text);
	for (unsigned i = 0; i < line->n_actions; i++) {
		free(line->actions[i].name);
		free(line->actions[i].text);
	}
}

static void
drop_lines(struct plan *p, unsigned from)
{
	while (p->n_lines > from)
		line_deinit(&p->lines[--p->n_lines]);
}

void
plan_deinit(struct plan *p)
{
	drop_lines(p, 0);
	for (unsigned i = 0; i < p->n_names; i++)
		free(p->names[i]);
	free(p->lines);
	free(p->names);
	*p = (struct plan){ 0 };
}

/* Lives as long as the plan. */
static const char *
keep_name(struct plan *p, const char *name)
{
	for (unsigned i = 0; i < p->n_names; i++)
		if (strcmp(p->names[i], name) == 0)
			return p->names[i];
	p->names = xrealloc(p->names, (p->n_names + 1) * sizeof(*p->names));
	return p->names[p->n_names++] = xstrdup(name);
}

/* As written, white space folded; what is quoted stays. */
static char *
fold(struct span text)
{
	struct buf out = { 0 };
	bool is_quoted = false;

	text = span_trim(text);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i] == '\t' ? ' ' : text.p[i];

		if (c == '"' && !(is_quoted && text.p[i - 1] == '\\'))
			is_quoted = !is_quoted;
		if (is_quoted || c != ' ' || out.data[out.len - 1] != ' ')
			buf_putc(&out, is_quoted ? text.p[i] : c);
	}
	char *folded = xstrdup(buf_cstr(&out));
	buf_deinit(&out);
	return folded;
}

static int
judge_text(struct scan *s)
{
	struct utf8 u = { 0 };
	size_t valid = utf8_feed(&u, s->text.p, s->text.n);

	if (s->text.n > PLAN_TEXT_MAX) {
		s->text.n = PLAN_TEXT_MAX;
		return scan_fail(s, PLAN_TEXT_MAX, "a line has at most %d bytes", PLAN_TEXT_MAX);
	}
	if (valid < s->text.n || !utf8_is_complete(&u))
		return scan_fail(s, valid, "this is not UTF-8");
	for (size_t i = 0; i < s->text.n; i++)
		if (((unsigned char)s->text.p[i] < ' ' && s->text.p[i] != '\t') || s->text.p[i] == 0x7f)
			return scan_fail(s, i, "a control character (0x%02x) has no place in a plan", (unsigned)(unsigned char)s->text.p[i]);
	return 0;
}

static int
parse_line(struct plan *p, struct scan *s)
{
	struct plan_line *line;
	int r = judge_text(s);

	if (r < 0 || scan_is_over(s))
		return r;
	if (p->n_lines == PLAN_LINES_MAX)
		return scan_fail(s, s->at, "a plan has at most %d lines", PLAN_LINES_MAX);
	p->lines = xrealloc(p->lines, (p->n_lines + 1) * sizeof(*p->lines));
	line = &p->lines[p->n_lines++];
	*line = (struct plan_line){ .number = s->line, .plan = s->name };
	if ((r = plan_parse_head(s, line)) < 0)
		return r;
	size_t begin = s->at;
	if ((r = plan_parse_actions(s, line)) < 0)
		return r;
	line->actions_text = fold((struct span){ s->text.p + begin, s->at - begin });
	if (!scan_is_over(s))
		return scan_fail(s, s->at, "this does not belong here");
	return 0;
}

static int
parse_lines(struct plan *p, const char *name, unsigned first, struct span text, unsigned who, struct buf *error)
{
	unsigned had = p->n_lines;
	struct scan s = { .name = keep_name(p, name), .line = first, .who = who, .error = error };
	int r = 0;

	for (; r == 0 && text.p != NULL && span_next(&text, '\n', &s.text); s.line++) {
		if (s.text.n > 0 && s.text.p[s.text.n - 1] == '\r')
			s.text.n--;
		s.at = 0;
		r = parse_line(p, &s);
	}
	if (r < 0)
		drop_lines(p, had);
	return r;
}

int
plan_parse(struct plan *p, const char *name, struct span text, unsigned who, struct buf *error)
{
	return parse_lines(p, name, 1, text, who, error);
}

int
plan_add_fault(struct plan *p, const char *line, unsigned who, struct buf *error)
{
	static const char name[] = "--fault";
	unsigned number = 1;

	for (unsigned i = 0; i < p->n_lines; i++)
		number += strcmp(p->lines[i].plan, name) == 0;
	return parse_lines(p, name, number, span_of(line), who, error);
}

void
plan_speed_up(struct plan *p, double n)
{
	for (unsigned i = 0; i < p->n_lines; i++) {
		struct plan_line *line = &p->lines[i];

		line->moment.after_us = (int64_t)((double)line->moment.after_us / n);
		for (unsigned j = 0; j < line->n_actions; j++)
			if (line->actions[j].time_us > 0)
				line->actions[j].time_us = (int64_t)((double)line->actions[j].time_us / n);
	}
}

bool
plan_is_for_everybody(const struct plan_subject *sub)
{
	return sub->from == 1 && sub->to == UINT32_MAX && sub->every == 0 && sub->chance == 0 && sub->path == NULL && sub->header == NULL;
}

bool
plan_has(const struct plan *p, enum plan_when when)
{
	for (unsigned i = 0; i < p->n_lines; i++)
		if (p->lines[i].moment.when == when)
			return true;
	return false;
}
