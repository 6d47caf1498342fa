/* SPDX-License-Identifier: MIT */
#include "report/pages.h"

#include "base/clock.h"
#include "cli/version.h"
#include "report/findings.h"
#include "report/html.h"
#include "report/stats.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Rows of the table of connections for each participant; longer ones are folded. */
enum { LISTED = 200, FOLDED_FROM = 60, FAILED_LISTED = 100, HEARD_LISTED = 200, PARTICIPANTS_LISTED = 64 };

struct page {
	struct buf *out;
	const struct view *v;
	const struct model *m;
	const struct findings *f;
	struct heard_list heard;
	bool *is_listed, *is_drawn;   /* by life: has a row in the table, a bar in the timeline */
	uint32_t n_listed;
};

/* --- escaping --- */

static void
put_escaped(struct buf *out, struct span s)
{
	static const char *const entities[UCHAR_MAX + 1] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;" };
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *entity = entities[(unsigned char)s.p[i]];

		if (entity == NULL)
			continue;
		buf_append(out, s.p + from, i - from);
		buf_puts(out, entity);
		from = i + 1;
	}
	buf_append(out, s.p + from, s.n - from);
}

void
html_text(struct buf *out, const char *s)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	view_text(&text, s, 0);
	put_escaped(out, buf_span(&text));
}

void
html_sentence(struct buf *out, const char *s)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	view_sentence(&text, s);
	put_escaped(out, buf_span(&text));
}

static void
put(struct page *p, const char *s)
{
	buf_puts(p->out, s);
}

static void
put_place(struct page *p, const struct place *at)
{
	struct buf name CLEANUP(buf_deinit) = { 0 };

	place_name(&name, p->m, at);
	put(p, "<code>");
	html_sentence(p->out, buf_cstr(&name));
	put(p, "</code>");
}

static void
put_cell(struct page *p, const char *class, const char *s)
{
	buf_printf(p->out, "<td%s%s%s>", *class != '\0' ? " class=\"" : "", class, *class != '\0' ? "\"" : "");
	if (s != NULL)
		html_text(p->out, s);
	put(p, "</td>");
}

/* --- the head --- */

static void
put_period(struct page *p)
{
	const struct model *m = p->m;

	if (m->n_participants == 0 || m->from_us == NO_TIME)
		return;
	put(p, "<p class=\"when\">");
	view_period(p->out, p->v, m->from_us, m->to_us);
	put(p, " (");
	say_duration(p->out, m->to_us - m->from_us);
	put(p, m->is_zoned ? "), UTC</p>\n" : m->is_dated ? "), in the log's own zone</p>\n" : "), no date in the logs</p>\n");
}

static void
begin_tile(struct page *p, bool is_bad)
{
	put(p, is_bad ? "<li class=\"bad\"><b>" : "<li><b>");
}

static void
put_tile_number(struct page *p, uint32_t n, const char *what, bool is_bad)
{
	begin_tile(p, is_bad && n > 0);
	buf_printf(p->out, "%" PRIu32 "</b><span>%s</span></li>", n, what);
}

static void
put_tile_duration(struct page *p, int64_t us, const char *what, bool is_bad)
{
	begin_tile(p, is_bad);
	say_duration(p->out, us);
	buf_printf(p->out, "</b><span>%s</span></li>", what);
}

/* How long two connections of one session were there at once, all in all. */
static int64_t
overlapped(const struct findings *f)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < f->n; i++)
		for (uint32_t k = 0; f->items[i].kind == FINDING_OVERLAP && k < f->items[i].n_kept; k++)
			if (f->items[i].samples[k].to_us != NO_TIME)
				sum += f->items[i].samples[k].to_us - f->items[i].samples[k].from_us;
	return sum;
}

/* The numbers of a glance: of the clients, else of the first who can tell. */
static void
put_tiles(struct page *p)
{
	uint32_t conns = 0, lost = 0, failed = 0;
	int64_t down = 0, rtt = US_UNKNOWN;
	enum role role = p->m->n_participants > 0 ? p->m->participants[0].role : ROLE_SERVER;

	for (uint32_t i = 0; i < p->m->n_participants; i++)
		role = MIN(role, p->m->participants[i].role);
	for (uint32_t i = 0; i < p->m->n_participants; i++) {
		struct stats s;

		if (p->m->participants[i].role != role)
			continue;
		stats_of(p->m, i, &s);
		conns += s.opened;
		lost += s.lost;
		failed += s.failed;
		down += s.down.n > 0 ? s.down_total : 0;
		rtt = MAX(rtt, s.rtt_median);
	}
	put(p, "<ul class=\"tiles\">");
	put_tile_number(p, conns, "connections", false);
	put_tile_number(p, lost, "lost", true);
	put_tile_number(p, failed, "failed dials", true);
	if (down > 0)
		put_tile_duration(p, down, "down in between", false);
	if (overlapped(p->f) > 0)
		put_tile_duration(p, overlapped(p->f), "overlap", true);
	if (rtt != US_UNKNOWN)
		put_tile_duration(p, rtt, "usual round trip", false);
	put(p, "</ul>\n");
}

static void
put_head(struct page *p)
{
	put(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
	       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
	       "<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n<title>wsdiag report: ");
	say_count(p->out, p->f->n, "finding");
	put(p, "</title>\n<style>\n");
	put(p, html_style);
	put(p, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#findings\">To the findings</a>\n<header>\n<h1>");
	if (p->f->n == 0)
		put(p, "Nothing went wrong that these logs could show");
	else
		say_count(p->out, p->f->n, "finding");
	put(p, "</h1>\n");
	put_period(p);
	if (p->f->n > 0) {
		buf_printf(p->out, "<p class=\"lead\"><a href=\"#f1\">%s</a>: ", finding_spec(p->f->items[0].kind)->name);
		html_sentence(p->out, p->f->items[0].text != NULL ? p->f->items[0].text : finding_spec(p->f->items[0].kind)->meaning);
		put(p, "</p>\n");
	}
	put_tiles(p);
	put(p, "</header>\n<main>\n");
}

/* --- the timeline --- */

enum sign { SIGN_OPEN, SIGN_LOST, SIGN_CLOSE, SIGN_UNKNOWN, SIGN_GOES_ON, SIGN_GHOST, SIGN_FAILED, SIGN_FAULT, SIGN_OVERLAP, SIGN_TOLD, SIGN_COUNT };

/* A sign and what it means. */
static const struct {
	const char *svg, *what;
} signs[SIGN_COUNT] = {
	[SIGN_OPEN] = { "<rect class=\"bar client\" x=\"1\" y=\"2\" width=\"18\" height=\"8\" rx=\"2.5\"/>", "open" },
	[SIGN_LOST] = { "<path class=\"x\" d=\"M6 2l8 8m0 -8l-8 8\"/>", "lost: no closing handshake" },
	[SIGN_CLOSE] = { "<path class=\"close\" d=\"M10 0v12\"/>", "closed, or ended on purpose" },
	[SIGN_UNKNOWN] = { "<text class=\"unknown\" x=\"6\" y=\"11\">?</text>", "no end logged" },
	[SIGN_GOES_ON] = { "<path class=\"client\" d=\"M6 1l7 5l-7 5z\"/>", "open when the log ends" },
	[SIGN_GHOST] = { "<rect class=\"ghost client\" x=\"1\" y=\"3\" width=\"18\" height=\"6\"/>", "given up, far end still there" },
	[SIGN_FAILED] = { "<circle class=\"failed\" cx=\"10\" cy=\"6\" r=\"4\"/>", "failed dial" },
	[SIGN_FAULT] = { "<path class=\"fault\" d=\"M10 1l5 9.5h-10z\"/>", "fault injected" },
	[SIGN_OVERLAP] = { "<rect class=\"band\" x=\"3\" y=\"0\" width=\"14\" height=\"12\"/>", "two connections at once" },
	[SIGN_TOLD] = { "<circle class=\"told\" cx=\"5\" cy=\"6\" r=\"3\"/><circle class=\"silent\" cx=\"15\" cy=\"6\" r=\"3\"/>", "callback, or silence, of the library" },
};

/* Of the signs those that occur. */
static void
put_legend(struct page *p)
{
	bool has[SIGN_COUNT] = { [SIGN_FAILED] = p->m->n_failed > 0, [SIGN_FAULT] = p->m->n_injections > 0, [SIGN_OVERLAP] = overlapped(p->f) > 0, [SIGN_TOLD] = p->heard.n > 0 };

	for (uint32_t i = 0; i < p->m->n_lives; i++) {
		const struct life *l = &p->m->lives[i];
		bool is_known = moment_is_known(&l->ended);

		has[SIGN_OPEN] = true;
		has[SIGN_LOST] = has[SIGN_LOST] || life_is_loss(l);
		has[SIGN_CLOSE] = has[SIGN_CLOSE] || (is_known && !life_is_loss(l));
		has[SIGN_UNKNOWN] = has[SIGN_UNKNOWN] || l->is_end_implied;
		has[SIGN_GOES_ON] = has[SIGN_GOES_ON] || (!is_known && !l->is_end_implied);
		has[SIGN_GHOST] = has[SIGN_GHOST] || moment_is_known(&l->ghost);
	}
	put(p, "<figcaption>");
	for (int i = 0; i < SIGN_COUNT; i++)
		if (has[i])
			buf_printf(p->out, "<span><svg viewBox=\"0 0 20 12\" aria-hidden=\"true\">%s</svg>%s</span>", signs[i].svg, signs[i].what);
	put(p, "</figcaption>\n");
}

static void
put_timeline(struct page *p)
{
	struct drawing d = { .v = p->v, .heard = &p->heard, .from_us = p->m->from_us, .to_us = p->m->to_us, .is_listed = p->is_listed,
		.is_drawn = p->is_drawn,
		.label = "Timeline: a lane for each connection of each participant" };
	int64_t pad = MAX((d.to_us - d.from_us) / 60, US_PER_MS);

	if (p->m->n_lives + p->m->n_failed == 0 || p->m->from_us == NO_TIME)
		return;
	d.from_us -= pad;
	d.to_us += pad;
	put(p, "<h2 id=\"timeline\">Timeline</h2>\n<figure class=\"card\">\n");
	html_draw(p->out, &d);
	put_legend(p);
	put(p, "</figure>\n");
}

/* --- findings --- */

/* What a sample is about, at all places where it was seen. */
static void
want_circuits(const struct page *p, const struct sample *s, bool *is_wanted)
{
	const uint32_t of[] = { s->life, s->other };

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		if (of[i] == NO_INDEX || p->m->lives[of[i]].circuit == NO_INDEX)
			continue;
		const struct circuit *c = &p->m->circuits[p->m->lives[of[i]].circuit];

		for (uint32_t k = 0; k < c->n_lives; k++)
			is_wanted[c->lives[k]] = true;
	}
	if (s->failed != NO_INDEX)
		for (uint32_t i = 0; i < p->m->n_lives; i++)
			is_wanted[i] = is_wanted[i] || p->m->lives[i].story == p->m->failed[s->failed].story;
}

/* The first sample from near, unless that would show nearly the whole again. */
static void
put_close_up(struct page *p, const struct finding *f)
{
	const struct sample *s = &f->samples[0];
	const struct heard_list nothing = { 0 };
	struct drawing d = { .v = p->v, .heard = &nothing, .only = f, .label = "Close-up of the first time" };
	int64_t all = p->m->to_us - p->m->from_us, pad;
	bool *is_wanted;

	if (f->n_kept == 0 || s->from_us == NO_TIME)
		return;
	d.to_us = s->to_us != NO_TIME ? s->to_us : s->from_us;
	pad = MAX((d.to_us - s->from_us) / 2, MIN(all / 20, 20 * US_PER_S));
	pad = MAX(pad, 2 * US_PER_MS);
	d.from_us = s->from_us - pad;
	d.to_us += pad;
	if ((d.to_us - d.from_us) > all / 2)
		return;
	is_wanted = xcalloc((size_t)p->m->n_lives + 1, sizeof(*is_wanted));
	want_circuits(p, s, is_wanted);
	d.is_wanted = is_wanted;
	put(p, "<figure class=\"close-up\">");
	html_draw(p->out, &d);
	put(p, "</figure>\n");
	free(is_wanted);
}

static void
put_moment(struct page *p, int64_t from_us, int64_t to_us)
{
	view_clock(p->out, p->v, from_us);
	if (to_us == NO_TIME)
		return;
	put(p, " to ");
	view_clock(p->out, p->v, to_us);
	put(p, " (");
	say_duration(p->out, to_us - from_us);
	put(p, ")");
}

static void
put_samples(struct page *p, const struct finding *f, uint32_t number)
{
	put(p, "<ul class=\"evidence\">");
	for (uint32_t i = 0; i < MIN(f->n_kept, (uint32_t)HTML_SAMPLES_MAX); i++) {
		const struct sample *s = &f->samples[i];

		put(p, "<li>");
		if (s->from_us != NO_TIME) {
			buf_printf(p->out, "<a href=\"#m%" PRIu32 "-%" PRIu32 "\">", number, i + 1);
			put_moment(p, s->from_us, s->to_us);
			put(p, "</a> ");
		}
		for (size_t k = 0; k < SAMPLE_PLACES_MAX && s->places[k].line > 0; k++)
			put_place(p, &s->places[k]);
		put(p, "</li>");
	}
	if (f->n_samples > HTML_SAMPLES_MAX)
		buf_printf(p->out, "<li>and %" PRIu32 " more</li>", f->n_samples - HTML_SAMPLES_MAX);
	put(p, "</ul>\n");
}

static void
put_finding(struct page *p, const struct finding *f, uint32_t number)
{
	const struct finding_spec *spec = finding_spec(f->kind);

	buf_printf(p->out, "<li id=\"f%" PRIu32 "\" class=\"card\"><div class=\"head\"><span class=\"no\">%" PRIu32 "</span><h3>%s</h3><span class=\"badge %s\">%s, ", number, number,
	    spec->name, confidence_name(f->confidence), confidence_name(f->confidence));
	say_count(p->out, f->n_samples, "sample");
	put(p, "</span><span class=\"when\">");
	if (f->from_us != NO_TIME) {
		put(p, f->is_before ? "before " : "");
		put_moment(p, f->from_us, f->is_before ? NO_TIME : f->to_us);
	}
	buf_printf(p->out, "</span></div>\n<p class=\"meta\">%s</p>\n<p>", spec->meaning);
	if (f->text != NULL)
		html_sentence(p->out, f->text);
	put(p, "</p>\n");
	if (f->advice != NULL) {
		put(p, "<p class=\"fix\"><b>Fix</b> ");
		html_sentence(p->out, f->advice);
		put(p, "</p>\n");
	}
	put_samples(p, f, number);
	put_close_up(p, f);
	put(p, "</li>\n");
}

/* A sentence of ours, whose backticks mark what to type. */
static void
put_advice(struct page *p, const char *s)
{
	struct span rest = span_of(s), part;

	for (bool is_code = false; span_next(&rest, '`', &part); is_code = !is_code) {
		put(p, is_code ? "<code>" : "");
		put_escaped(p->out, part);
		put(p, is_code ? "</code>" : "");
	}
}

static void
put_findings(struct page *p)
{
	const struct findings *f = p->f;

	put(p, "<h2 id=\"findings\">Findings</h2>\n");
	if (f->n == 0)
		put(p, "<p class=\"card\">None: whatever ended was ended on purpose, by somebody who said so.</p>\n");
	if (f->n > 0)
		put(p, "<ol class=\"findings\">\n");
	for (uint32_t i = 0; i < f->n; i++)
		put_finding(p, &f->items[i], i + 1);
	if (f->n > 0)
		put(p, "</ol>\n");
	for (uint32_t i = 0; i < f->n_unjudged; i++) {
		put(p, i > 0 ? "; " : "<p><b>Not judged:</b> ");
		html_sentence(p->out, f->unjudged[i].what);
		put(p, " <span class=\"soft\">(");
		html_sentence(p->out, f->unjudged[i].why);
		put(p, ")</span>");
	}
	put(p, f->n_unjudged > 0 ? ".</p>\n" : "");
	if (f->next != NULL) {
		put(p, "<p><b>Next:</b> ");
		put_advice(p, f->next);
		put(p, "</p>\n");
	}
}

/* --- what a library would have told --- */

static void
put_heard(struct page *p)
{
	const char *name = p->v->as_name;

	if (p->v->as == NULL)
		return;
	put(p, "<h2 id=\"heard\">What ");
	html_text(p->out, name);
	put(p, " would have told its user</h2>\n<div class=\"card scroll\"><table><thead><tr><th>when</th><th>connection</th><th>event</th><th>callback</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < MIN(p->heard.n, (size_t)HEARD_LISTED); i++) {
		const struct heard *h = &p->heard.items[i];

		put(p, h->is_before ? "<tr><td class=\"t\">before " : "<tr><td class=\"t\">");
		view_clock(p->out, p->v, h->at.at_us);
		put(p, "</td><td>");
		if (h->life != NO_INDEX)
			view_life(p->out, p->m, h->life);
		else if (h->failed != NO_INDEX && p->m->failed[h->failed].dial != 0)
			buf_printf(p->out, "d%" PRIu32, p->m->failed[h->failed].dial);
		put(p, "</td>");
		put_cell(p, "", h->event);
		put_cell(p, h->text[0] == '(' ? "soft" : "", h->text);
		put(p, "</tr>\n");
	}
	put(p, "</tbody></table>");
	if (p->heard.n > HEARD_LISTED)
		buf_printf(p->out, "<p class=\"meta\">and %zu more</p>", p->heard.n - HEARD_LISTED);
	put(p, "</div>\n");
}

/* --- connections --- */

static bool
is_notable(const struct life *l)
{
	return life_is_loss(l) || l->is_end_implied || moment_is_known(&l->ghost);
}

/* All, or as many as there is room for, and then first those that did not end well. */
static void
choose_listed(struct page *p)
{
	p->is_listed = xcalloc((size_t)p->m->n_lives + 1, sizeof(*p->is_listed));
	p->is_drawn = xcalloc((size_t)p->m->n_lives + 1, sizeof(*p->is_drawn));
	for (int notable = 1; notable >= 0; notable--) {
		for (uint32_t i = 0; i < p->m->n_lives && p->n_listed < LISTED; i++) {
			const struct life *l = &p->m->lives[i];

			if (l->is_hidden || p->is_listed[i] || l->circuit == NO_INDEX || is_notable(l) != (notable == 1))
				continue;
			/* The whole connection: what one end says is worth little alone. */
			const struct circuit *c = &p->m->circuits[l->circuit];
			for (uint32_t k = 0; k < c->n_lives; k++) {
				p->n_listed += !p->is_listed[c->lives[k]];
				p->is_listed[c->lives[k]] = true;
			}
		}
	}
}

static void
put_life(struct page *p, uint32_t life)
{
	const struct life *l = &p->m->lives[life];
	const char *role = role_name(p->m->participants[l->participant].role);
	struct buf name CLEANUP(buf_deinit) = { 0 }, ending CLEANUP(buf_deinit) = { 0 };
	bool is_open;
	int64_t end = view_end(p->m, l, &is_open);

	view_life(&name, p->m, life);
	buf_printf(p->out, "<tr id=\"l%" PRIu32 "\"><th scope=\"row\" class=\"%s\">", life, role);
	if (p->is_drawn[life])
		buf_printf(p->out, "<a class=\"%s\" href=\"#b%" PRIu32 "\">", role, life);
	html_sentence(p->out, buf_cstr(&name));
	put(p, p->is_drawn[life] ? "</a>" : "");
	put(p, "</th><td class=\"t\">");
	if (moment_is_known(&l->opened))
		view_clock(p->out, p->v, l->opened.at_us);
	put(p, "</td><td class=\"t\">");
	if (!is_open)
		view_clock(p->out, p->v, end);
	put(p, "</td><td class=\"n\">");
	if (life_age(l) != US_UNKNOWN)
		say_duration(p->out, life_age(l));
	put(p, life_is_loss(l) ? "</td><td class=\"lost\">" : l->is_end_implied ? "</td><td class=\"warn\">" : "</td><td>");
	if (!is_open)
		life_ending(&ending, l);
	else
		buf_puts(&ending, l->is_end_implied ? "no end logged" : "open when the log ends");
	html_sentence(p->out, buf_cstr(&ending));
	if (moment_is_known(&l->ghost) && !is_open) {
		put(p, l->is_ghost_ended ? "; far end ended " : "; let go ");
		say_duration(p->out, l->ghost.at_us - l->ended.at_us);
		put(p, " later");
	}
	put(p, "</td>");
	put_cell(p, "", l->peer);
	put_cell(p, "", l->local);
	put_cell(p, "", l->hop);
	buf_printf(p->out, "<td class=\"n\">%" PRIu64 " / %" PRIu64 "</td></tr>\n", l->received.messages, l->sent.messages);
}

static void
put_connections(struct page *p)
{
	const struct model *m = p->m;
	uint32_t shown = 0, all = 0;

	for (uint32_t i = 0; i < m->n_lives; i++)
		all += !m->lives[i].is_hidden;
	if (all == 0)
		return;
	put(p, "<h2 id=\"connections\">Connections</h2>\n");
	if (all > FOLDED_FROM)
		buf_printf(p->out, "<details><summary>%" PRIu32 " ends of connections</summary>\n", p->n_listed);
	put(p, "<div class=\"card scroll\"><table><thead><tr><th>who</th><th>opened</th><th>ended</th><th class=\"n\">age</th><th>how it ended</th><th>peer</th><th>local</th>"
	       "<th>edge</th><th class=\"n\">messages in / out</th></tr></thead>\n");
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		const struct circuit *c = &m->circuits[i];

		if (!view_is_shown(m, c) || !p->is_listed[c->lives[0]])
			continue;
		put(p, "<tbody>\n");
		for (uint32_t k = 0; k < c->n_lives; k++, shown++)
			put_life(p, c->lives[k]);
		put(p, "</tbody>\n");
	}
	put(p, "</table></div>\n");
	if (all > shown)
		buf_printf(p->out, "<p class=\"meta\">%" PRIu32 " more are left out here.</p>\n", all - shown);
	put(p, all > FOLDED_FROM ? "</details>\n" : "");
}

static void
put_failed_row(struct page *p, const struct failed *f)
{
	const struct participant *of = &p->m->participants[f->participant];

	buf_printf(p->out, "<tr><th scope=\"row\" class=\"%s\">", role_name(of->role));
	html_text(p->out, of->name);
	if (f->dial != 0)
		buf_printf(p->out, " d%" PRIu32, f->dial);
	put(p, "</th><td class=\"t\">");
	view_clock(p->out, p->v, f->at.at_us);
	put(p, "</td><td class=\"n\">");
	if (f->took != US_UNKNOWN)
		say_duration(p->out, f->took);
	buf_printf(p->out, "</td><td>%s</td><td>", stage_name(f->stage));
	if (f->status != 0)
		buf_printf(p->out, "HTTP %d ", f->status);
	html_text(p->out, f->text != NULL ? f->text : cause_name(f->cause));
	put(p, "</td>");
	put_cell(p, "", f->peer);
	put_cell(p, "", f->local);
	put_cell(p, "", f->hop);
	put(p, "<td>");
	if (f->at.place.line > 0)
		put_place(p, &f->at.place);
	put(p, "</td></tr>\n");
}

static void
put_failed(struct page *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->m->n_failed; i++) {
		if (p->m->failed[i].is_hidden)
			continue;
		if (n == 0)
			put(p, "<h2 id=\"failed\">Dials that never opened</h2>\n<div class=\"card scroll\"><table><thead><tr><th>who</th><th>when</th><th class=\"n\">took</th><th>stage</th>"
			       "<th>why</th><th>peer</th><th>local</th><th>edge</th><th>line</th></tr></thead><tbody>\n");
		if (n++ < FAILED_LISTED)
			put_failed_row(p, &p->m->failed[i]);
	}
	if (n > 0)
		put(p, "</tbody></table></div>\n");
	if (n > FAILED_LISTED)
		buf_printf(p->out, "<p class=\"meta\">%" PRIu32 " more are left out here.</p>\n", n - FAILED_LISTED);
}

/* --- numbers and logs --- */

static void
put_spread(struct page *p, const struct spread *s)
{
	put(p, "<td class=\"n\">");
	if (s->n > 0)
		say_duration(p->out, s->median);
	if (s->n > 1) {
		put(p, " <span class=\"soft\">(");
		say_duration(p->out, s->least);
		put(p, " to ");
		say_duration(p->out, s->most);
		put(p, ")</span>");
	}
	put(p, "</td>");
}

static void
put_numbers_row(struct page *p, uint32_t i)
{
	const struct participant *of = &p->m->participants[i];
	const int64_t none = US_UNKNOWN;
	struct stats s;

	stats_of(p->m, i, &s);
	const int64_t last[] = { s.down.n > 0 ? s.down_total : none, s.rtt_median, s.rtt_90, s.rtt_99 };
	buf_printf(p->out, "<tr><th scope=\"row\" class=\"%s\">", role_name(of->role));
	html_text(p->out, of->name);
	buf_printf(p->out, "</th><td class=\"n\">%" PRIu32 "</td><td class=\"n\">%" PRIu32 "</td><td class=\"n\">%" PRIu32 "</td>", s.opened, s.lost, s.failed);
	put_spread(p, &s.lifetime);
	put_spread(p, &s.silence);
	for (size_t k = 0; k < ARRAY_LEN(last); k++) {
		put(p, "<td class=\"n\">");
		if (last[k] != none)
			say_duration(p->out, last[k]);
		put(p, "</td>");
	}
	put(p, "</tr>\n");
}

static void
put_numbers(struct page *p)
{
	if (p->m->n_participants == 0)
		return;
	put(p, "<h2 id=\"numbers\">Numbers</h2>\n<div class=\"card scroll\"><table><thead><tr><th></th><th class=\"n\">opened</th><th class=\"n\">lost</th><th class=\"n\">failed</th>"
	       "<th class=\"n\">lived: median (range)</th><th class=\"n\">silent before a loss</th><th class=\"n\">down</th><th class=\"n\">rtt 50%</th><th class=\"n\">90%</th>"
	       "<th class=\"n\">99%</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < MIN(p->m->n_participants, (uint32_t)PARTICIPANTS_LISTED); i++)
		put_numbers_row(p, i);
	put(p, "</tbody></table></div>\n");
}

static void
put_trouble(struct page *p, const struct log *log)
{
	const struct input_trouble *t = &log->trouble;
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = { { t->unreadable, "unreadable" }, { t->missing_seq, "lost (gaps in seq)" }, { t->out_of_order, "out of order" },
		{ t->unknown_events, "of unknown events" }, { t->newer_version, "of a newer version" } };
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].n > 0)
			buf_printf(p->out, "%s%" PRIu64 " line%s %s", n++ > 0 ? "; " : "", rows[i].n, rows[i].n == 1 ? "" : "s", rows[i].what);
	for (size_t i = 0; i < MIN(t->unreadable, (uint64_t)ARRAY_LEN(t->first_unreadable)); i++)
		buf_printf(p->out, "%s%" PRIu64, i == 0 ? " (first: line " : ", ", t->first_unreadable[i]);
	put(p, t->unreadable > 0 ? ")" : "");
	if (t->torn_end)
		buf_printf(p->out, "%sits last line is cut", n++ > 0 ? "; " : "");
	if (t->no_end && log->has_mono)
		buf_printf(p->out, "%scut short: no end event", n++ > 0 ? "; " : "");
	if (!log->has_date || !log->has_zone || !log->has_key)
		buf_printf(p->out, "%sno %s%s%s", n > 0 ? "; " : "", log->has_date ? "" : "date, ", log->has_zone ? "" : "zone, ", log->has_key ? "more" : "key");
}

static void
put_clock(struct page *p, const struct participant *of)
{
	switch (of->basis) {
	case CLOCK_UNKNOWN: put(p, "could not be compared"); break;
	case CLOCK_REFERENCE: put(p, "the report's clock"); break;
	case CLOCK_SAME_BOOT: put(p, "the same machine's: exact"); break;
	default:
		if (llabs(of->shift_us) > of->uncertainty_us) {
			say_duration(p->out, llabs(of->shift_us));
			put(p, of->shift_us < 0 ? " ahead, corrected to within " : " behind, corrected to within ");
		} else {
			put(p, "agrees to ");
		}
		say_duration(p->out, of->uncertainty_us);
		buf_printf(p->out, " (%" PRIu32 " pair%s%s)", of->pairs, of->pairs == 1 ? "" : "s", of->basis == CLOCK_ORDER ? ", by order only" : "");
	}
}

static void
put_logs(struct page *p)
{
	const struct model *m = p->m;
	const struct joining *j = &m->joining;
	unsigned n = 0;

	put(p, "<h2 id=\"logs\">Logs and clocks</h2>\n<div class=\"card scroll\"><table><thead><tr><th>log</th><th>kind</th><th class=\"n\">lines</th><th>lacks, and trouble</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < m->n_logs; i++) {
		const struct log *log = &m->logs[i];

		put(p, "<tr><th scope=\"row\"><code>");
		html_text(p->out, log->name);
		put(p, "</code></th>");
		put_cell(p, "", log->kind);
		buf_printf(p->out, "<td class=\"n\">%" PRIu64 "</td><td>", log->counts.lines);
		put_trouble(p, log);
		put(p, "</td></tr>\n");
	}
	put(p, "</tbody></table>\n<table><thead><tr><th>who</th><th>log</th><th>clock</th><th>URL</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < MIN(m->n_participants, (uint32_t)PARTICIPANTS_LISTED); i++) {
		const struct participant *of = &m->participants[i];

		buf_printf(p->out, "<tr><th scope=\"row\" class=\"%s\">", role_name(of->role));
		html_text(p->out, of->name);
		put(p, "</th><td><code>");
		html_text(p->out, m->logs[of->log].name);
		put(p, "</code></td><td>");
		put_clock(p, of);
		put(p, "</td>");
		put_cell(p, "", of->url);
		put(p, "</tr>\n");
	}
	put(p, "</tbody></table>\n<p class=\"meta\">");
	for (int by = JOIN_KEY; by < JOIN_BY_COUNT; by++)
		if (j->by[by] > 0)
			buf_printf(p->out, "%s%s (%" PRIu32 ")", n++ > 0 ? ", " : "Joined by ", view_join_name((enum join_by)by), j->by[by]);
	if (j->ambiguous > 0)
		buf_printf(p->out, "%s%" PRIu32 " could be joined in several ways, and were not", n++ > 0 ? "; " : "", j->ambiguous);
	if (j->unmatched > 0 && m->n_logs > 1)
		buf_printf(p->out, "%s%" PRIu32 " seen by one end only", n++ > 0 ? "; " : "", j->unmatched);
	put(p, n > 0 ? ".</p>\n</div>\n" : "</p>\n</div>\n");
}

void
page_html(struct buf *out, const struct view *v)
{
	struct page p = { .out = out, .v = v, .m = v->m, .f = v->f };

	heard_of(v, &p.heard);
	choose_listed(&p);
	put_head(&p);
	put_timeline(&p);
	put_findings(&p);
	put_heard(&p);
	put_connections(&p);
	put_failed(&p);
	put_numbers(&p);
	put_logs(&p);
	put(&p, "</main>\n<footer><p>");
	buf_printf(out, "wsdiag %s", version_program());
	if (v->made_us != NO_TIME) {
		put(&p, ", ");
		clock_format_rfc3339(out, v->made_us / US_PER_S * US_PER_S);
	}
	put(&p, ". Secrets are redacted. Made from logs alone: what nobody logged is not here.</p></footer>\n</body>\n</html>\n");
	heard_free(&p.heard);
	free(p.is_listed);
	free(p.is_drawn);
}
