/* SPDX-License-Identifier: MIT */
/* The part of the page in tables: what a library heard, connections, failed dials, numbers, logs and clocks. */
#include "report/html.h"

#include "base/clock.h"
#include "report/findings.h"
#include "report/stats.h"

#include <inttypes.h>
#include <stdlib.h>

/* Rows of the table of connections for each participant; longer ones are folded. */
enum { LISTED = 200, FOLDED_FROM = 60, FAILED_LISTED = 100, HEARD_LISTED = 200, PARTICIPANTS_LISTED = 64 };

static void
put_cell(struct page *p, const char *class, const char *s)
{
	buf_printf(p->out, "<td%s%s%s>", *class != '\0' ? " class=\"" : "", class, *class != '\0' ? "\"" : "");
	if (s != NULL)
		html_text(p->out, s);
	html_put(p, "</td>");
}

/* --- what a library would have told --- */

void
html_heard(struct page *p)
{
	const char *name = p->v->as_name;

	if (p->v->as == NULL)
		return;
	html_put(p, "<h2 id=\"heard\">What ");
	html_text(p->out, name);
	html_put(p, " would have told its user</h2>\n<div class=\"card scroll\"><table><thead><tr><th>when</th><th>connection</th><th>event</th><th>callback</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < MIN(p->heard.n, (size_t)HEARD_LISTED); i++) {
		const struct heard *h = &p->heard.items[i];

		html_put(p, h->is_before ? "<tr><td class=\"t\">before " : "<tr><td class=\"t\">");
		view_clock(p->out, p->v, h->at.at_us);
		html_put(p, "</td><td>");
		if (h->life != NO_INDEX)
			view_life(p->out, p->m, h->life);
		else if (h->failed != NO_INDEX && p->m->failed[h->failed].dial != 0)
			buf_printf(p->out, "d%" PRIu32, p->m->failed[h->failed].dial);
		html_put(p, "</td>");
		put_cell(p, "", h->event);
		put_cell(p, h->text[0] == '(' ? "soft" : "", h->text);
		html_put(p, "</tr>\n");
	}
	html_put(p, "</tbody></table>");
	if (p->heard.n > HEARD_LISTED)
		buf_printf(p->out, "<p class=\"meta\">and %zu more</p>", p->heard.n - HEARD_LISTED);
	html_put(p, "</div>\n");
}

/* --- connections --- */

static bool
is_notable(const struct life *l)
{
	return life_is_loss(l) || l->is_end_implied || moment_is_known(&l->ghost);
}

/* All, or as many as there is room for, and then first those that did not end well. */
void
html_choose_listed(struct page *p)
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
	html_put(p, p->is_drawn[life] ? "</a>" : "");
	html_put(p, "</th><td class=\"t\">");
	if (moment_is_known(&l->opened))
		view_clock(p->out, p->v, l->opened.at_us);
	html_put(p, "</td><td class=\"t\">");
	if (!is_open)
		view_clock(p->out, p->v, end);
	html_put(p, "</td><td class=\"n\">");
	if (life_age(l) != US_UNKNOWN)
		say_duration(p->out, life_age(l));
	html_put(p, life_is_loss(l) ? "</td><td class=\"lost\">" : l->is_end_implied ? "</td><td class=\"warn\">" : "</td><td>");
	if (!is_open)
		life_ending(&ending, l);
	else
		buf_puts(&ending, l->is_end_implied ? "no end logged" : "open when the log ends");
	html_sentence(p->out, buf_cstr(&ending));
	if (moment_is_known(&l->ghost) && !is_open) {
		html_put(p, l->is_ghost_ended ? "; far end ended " : "; let go ");
		say_duration(p->out, l->ghost.at_us - l->ended.at_us);
		html_put(p, " later");
	}
	html_put(p, "</td>");
	put_cell(p, "", l->peer);
	put_cell(p, "", l->local);
	put_cell(p, "", l->hop);
	buf_printf(p->out, "<td class=\"n\">%" PRIu64 " / %" PRIu64 "</td></tr>\n", l->received.messages, l->sent.messages);
}

void
html_connections(struct page *p)
{
	const struct model *m = p->m;
	uint32_t shown = 0, all = 0;

	for (uint32_t i = 0; i < m->n_lives; i++)
		all += !m->lives[i].is_hidden;
	if (all == 0)
		return;
	html_put(p, "<h2 id=\"connections\">Connections</h2>\n");
	if (all > FOLDED_FROM)
		buf_printf(p->out, "<details><summary>%" PRIu32 " ends of connections</summary>\n", p->n_listed);
	html_put(p, "<div class=\"card scroll\"><table><thead><tr><th>who</th><th>opened</th><th>ended</th><th class=\"n\">age</th><th>how it ended</th><th>peer</th><th>local</th>"
	       "<th>edge</th><th class=\"n\">messages in / out</th></tr></thead>\n");
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		const struct circuit *c = &m->circuits[i];

		if (!view_is_shown(m, c) || !p->is_listed[c->lives[0]])
			continue;
		html_put(p, "<tbody>\n");
		for (uint32_t k = 0; k < c->n_lives; k++, shown++)
			put_life(p, c->lives[k]);
		html_put(p, "</tbody>\n");
	}
	html_put(p, "</table></div>\n");
	if (all > shown)
		buf_printf(p->out, "<p class=\"meta\">%" PRIu32 " more are left out here.</p>\n", all - shown);
	html_put(p, all > FOLDED_FROM ? "</details>\n" : "");
}

static void
put_failed_row(struct page *p, const struct failed *f)
{
	const struct participant *of = &p->m->participants[f->participant];

	buf_printf(p->out, "<tr><th scope=\"row\" class=\"%s\">", role_name(of->role));
	html_text(p->out, of->name);
	if (f->dial != 0)
		buf_printf(p->out, " d%" PRIu32, f->dial);
	html_put(p, "</th><td class=\"t\">");
	view_clock(p->out, p->v, f->at.at_us);
	html_put(p, "</td><td class=\"n\">");
	if (f->took != US_UNKNOWN)
		say_duration(p->out, f->took);
	buf_printf(p->out, "</td><td>%s</td><td>", stage_name(f->stage));
	if (f->status != 0)
		buf_printf(p->out, "HTTP %d ", f->status);
	html_text(p->out, f->text != NULL ? f->text : cause_name(f->cause));
	html_put(p, "</td>");
	put_cell(p, "", f->peer);
	put_cell(p, "", f->local);
	put_cell(p, "", f->hop);
	html_put(p, "<td>");
	if (f->at.place.line > 0)
		html_place(p, &f->at.place);
	html_put(p, "</td></tr>\n");
}

void
html_failed(struct page *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->m->n_failed; i++) {
		if (p->m->failed[i].is_hidden)
			continue;
		if (n == 0)
			html_put(p, "<h2 id=\"failed\">Dials that never opened</h2>\n<div class=\"card scroll\"><table><thead><tr><th>who</th><th>when</th><th class=\"n\">took</th><th>stage</th>"
			       "<th>why</th><th>peer</th><th>local</th><th>edge</th><th>line</th></tr></thead><tbody>\n");
		if (n++ < FAILED_LISTED)
			put_failed_row(p, &p->m->failed[i]);
	}
	if (n > 0)
		html_put(p, "</tbody></table></div>\n");
	if (n > FAILED_LISTED)
		buf_printf(p->out, "<p class=\"meta\">%" PRIu32 " more are left out here.</p>\n", n - FAILED_LISTED);
}

/* --- numbers and logs --- */

static void
put_spread(struct page *p, const struct spread *s)
{
	html_put(p, "<td class=\"n\">");
	if (s->n > 0)
		say_duration(p->out, s->median);
	if (s->n > 1) {
		html_put(p, " <span class=\"soft\">(");
		say_duration(p->out, s->least);
		html_put(p, " to ");
		say_duration(p->out, s->most);
		html_put(p, ")</span>");
	}
	html_put(p, "</td>");
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
		html_put(p, "<td class=\"n\">");
		if (last[k] != none)
			say_duration(p->out, last[k]);
		html_put(p, "</td>");
	}
	html_put(p, "</tr>\n");
}

void
html_numbers(struct page *p)
{
	if (p->m->n_participants == 0)
		return;
	html_put(p, "<h2 id=\"numbers\">Numbers</h2>\n<div class=\"card scroll\"><table><thead><tr><th></th><th class=\"n\">opened</th><th class=\"n\">lost</th><th class=\"n\">failed</th>"
	       "<th class=\"n\">lived: median (range)</th><th class=\"n\">silent before a loss</th><th class=\"n\">down</th><th class=\"n\">rtt 50%</th><th class=\"n\">90%</th>"
	       "<th class=\"n\">99%</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < MIN(p->m->n_participants, (uint32_t)PARTICIPANTS_LISTED); i++)
		put_numbers_row(p, i);
	html_put(p, "</tbody></table></div>\n");
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
	html_put(p, t->unreadable > 0 ? ")" : "");
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
	case CLOCK_UNKNOWN: html_put(p, "could not be compared"); break;
	case CLOCK_REFERENCE: html_put(p, "the report's clock"); break;
	case CLOCK_SAME_BOOT: html_put(p, "the same machine's: exact"); break;
	default:
		if (llabs(of->shift_us) > of->uncertainty_us) {
			say_duration(p->out, llabs(of->shift_us));
			html_put(p, of->shift_us < 0 ? " ahead, corrected to within " : " behind, corrected to within ");
		} else {
			html_put(p, "agrees to ");
		}
		say_duration(p->out, of->uncertainty_us);
		buf_printf(p->out, " (%" PRIu32 " pair%s%s)", of->pairs, of->pairs == 1 ? "" : "s", of->basis == CLOCK_ORDER ? ", by order only" : "");
	}
}

void
html_logs(struct page *p)
{
	const struct model *m = p->m;
	const struct joining *j = &m->joining;
	unsigned n = 0;

	html_put(p, "<h2 id=\"logs\">Logs and clocks</h2>\n<div class=\"card scroll\"><table><thead><tr><th>log</th><th>kind</th><th class=\"n\">lines</th><th>lacks, and trouble</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < m->n_logs; i++) {
		const struct log *log = &m->logs[i];

		html_put(p, "<tr><th scope=\"row\"><code>");
		html_text(p->out, log->name);
		html_put(p, "</code></th>");
		put_cell(p, "", log->kind);
		buf_printf(p->out, "<td class=\"n\">%" PRIu64 "</td><td>", log->counts.lines);
		put_trouble(p, log);
		html_put(p, "</td></tr>\n");
	}
	html_put(p, "</tbody></table>\n<table><thead><tr><th>who</th><th>log</th><th>clock</th><th>URL</th></tr></thead><tbody>\n");
	for (uint32_t i = 0; i < MIN(m->n_participants, (uint32_t)PARTICIPANTS_LISTED); i++) {
		const struct participant *of = &m->participants[i];

		buf_printf(p->out, "<tr><th scope=\"row\" class=\"%s\">", role_name(of->role));
		html_text(p->out, of->name);
		html_put(p, "</th><td><code>");
		html_text(p->out, m->logs[of->log].name);
		html_put(p, "</code></td><td>");
		put_clock(p, of);
		html_put(p, "</td>");
		put_cell(p, "", of->url);
		html_put(p, "</tr>\n");
	}
	html_put(p, "</tbody></table>\n<p class=\"meta\">");
	for (int by = JOIN_KEY; by < JOIN_BY_COUNT; by++)
		if (j->by[by] > 0)
			buf_printf(p->out, "%s%s (%" PRIu32 ")", n++ > 0 ? ", " : "Joined by ", view_join_name((enum join_by)by), j->by[by]);
	if (j->ambiguous > 0)
		buf_printf(p->out, "%s%" PRIu32 " could be joined in several ways, and were not", n++ > 0 ? "; " : "", j->ambiguous);
	if (j->unmatched > 0 && m->n_logs > 1)
		buf_printf(p->out, "%s%" PRIu32 " seen by one end only", n++ > 0 ? "; " : "", j->unmatched);
	html_put(p, n > 0 ? ".</p>\n</div>\n" : "</p>\n</div>\n");
}
