/* SPDX-License-Identifier: MIT */
/*
 * A report to paste into an issue or a ticket: what a provider's support asks for (UTC with date, edge address and port, local port, edge ids, causes), and nothing that
 * should not leave the house: secrets are redacted, of local addresses only the port is told.
 */
#include "report/pages.h"

#include "base/clock.h"
#include "cli/version.h"
#include "report/findings.h"
#include "report/stats.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* A comment on GitHub has 65,536 characters. */
enum { ROWS_SHOWN = 30, PARTICIPANTS_SHOWN = 12, SAMPLES_SHOWN = 8, HEARD_SHOWN = 40, TEXT_SHOWN = 100 };

struct page {
	struct buf *out;
	const struct view *v;
	const struct model *m;
};

/* --- escaping --- */

/* @somebody and #123 would call people and link issues; :// and www. would link. */
static bool
must_break_behind(const char *p, bool is_first)
{
	return ((p[0] == '@' || p[0] == '#') && isalnum((unsigned char)p[1])) || (p[0] == ':' && p[1] == '/' && p[2] == '/') || (is_first && strncasecmp(p, "www.", 4) == 0);
}

/* A sentence of which parts may come from logs, escaped for the eye by whoever made it: nothing in it is Markdown. A zero width space breaks what GitHub links without any markup. */
static void
put_sentence(struct page *p, const char *s)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	const char *at;

	view_sentence(&text, s);
	for (at = buf_cstr(&text); *at != '\0'; at++) {
		if (*at == '<' || *at == '>' || *at == '&') {
			buf_puts(p->out, *at == '<' ? "&lt;" : *at == '>' ? "&gt;" : "&amp;");
			continue;
		}
		if (strchr("\\`*_[]|~$", *at) != NULL)
			buf_putc(p->out, '\\');
		buf_putc(p->out, *at);
		if (must_break_behind(at, at == buf_cstr(&text) || !isalnum((unsigned char)at[-1])))
			buf_puts(p->out, "\xe2\x80\x8b");
	}
}

/* As code, in which nothing has a meaning but the backtick, and in a table the bar. s is escaped for the eye. */
static void
put_clear_code(struct page *p, const char *s)
{
	size_t run = 0, longest = 0;

	for (const char *at = s; *at != '\0'; at++) {
		run = *at == '`' ? run + 1 : 0;
		longest = MAX(longest, run);
	}
	for (size_t i = 0; i <= longest; i++)
		buf_putc(p->out, '`');
	buf_puts(p->out, longest > 0 ? " " : "");
	for (const char *at = s; *at != '\0'; at++)
		buf_printf(p->out, "%s%c", *at == '|' ? "\\" : "", *at);
	buf_puts(p->out, longest > 0 ? " " : "");
	for (size_t i = 0; i <= longest; i++)
		buf_putc(p->out, '`');
}

/* Text from a log. */
static void
put_code(struct page *p, const char *s)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	view_text(&text, s, TEXT_SHOWN);
	put_clear_code(p, buf_cstr(&text));
}

/* A sentence with parts from a log. */
static void
put_sentence_code(struct page *p, const char *s)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	view_sentence(&text, s);
	put_clear_code(p, buf_cstr(&text));
}

/* A cell, or a dash where there is nothing to say. */
static void
put_cell(struct page *p, const char *s)
{
	buf_putc(p->out, ' ');
	if (s == NULL || *s == '\0')
		buf_putc(p->out, '-');
	else
		put_code(p, s);
	buf_puts(p->out, " |");
}

static void
put_duration(struct page *p, int64_t us)
{
	if (us == US_UNKNOWN)
		buf_puts(p->out, "-");
	else
		say_duration(p->out, us);
}

static void
put_when(struct page *p, int64_t from_us, int64_t to_us)
{
	if (from_us == NO_TIME) {
		buf_puts(p->out, "at a time that no line tells");
		return;
	}
	view_date_clock(p->out, p->v, from_us);
	if (to_us == NO_TIME)
		return;
	buf_puts(p->out, " to ");
	view_clock(p->out, p->v, to_us);
	buf_puts(p->out, " (");
	say_duration(p->out, to_us - from_us);
	buf_putc(p->out, ')');
}

/* --- what was read --- */

static void
put_trouble(struct page *p, const struct log *log)
{
	const struct input_trouble *t = &log->trouble;
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = { { t->unreadable, "unreadable" }, { t->missing_seq, "lost (gaps in seq)" }, { t->out_of_order, "out of order" },
		{ t->unknown_events, "of unknown events" }, { t->newer_version, "of a newer version" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].n > 0)
			buf_printf(p->out, "; %" PRIu64 " line%s %s", rows[i].n, rows[i].n == 1 ? "" : "s", rows[i].what);
	buf_puts(p->out, t->torn_end ? "; its last line is cut" : "");
	buf_puts(p->out, t->no_end && log->has_mono ? "; cut short: no end event" : "");
}

static void
put_head(struct page *p)
{
	const struct model *m = p->m;

	buf_puts(p->out, "### wsdiag report: ");
	say_count(p->out, p->v->f->n, "finding");
	buf_puts(p->out, "\n\n");
	if (m->from_us != NO_TIME && m->n_participants > 0) {
		view_period(p->out, p->v, m->from_us, m->to_us);
		buf_puts(p->out, m->is_zoned ? ", UTC" : m->is_dated ? ", in the log's own zone" : ", no date in the logs");
		buf_printf(p->out, ". wsdiag %s.\n\n", version_program());
	}
	for (uint32_t i = 0; i < m->n_logs; i++) {
		if (!m->logs[i].is_known)
			continue;
		buf_puts(p->out, "- ");
		put_code(p, m->logs[i].name);
		buf_puts(p->out, ": ");
		put_sentence(p, m->logs[i].kind);
		buf_puts(p->out, ", ");
		say_count(p->out, (uint32_t)MIN(m->logs[i].counts.lines, (uint64_t)UINT32_MAX), "line");
		put_trouble(p, &m->logs[i]);
		buf_putc(p->out, '\n');
	}
}

static void
put_joining(struct page *p)
{
	const struct joining *j = &p->m->joining;
	unsigned n = 0;

	for (int by = JOIN_KEY; by < JOIN_BY_COUNT; by++)
		if (j->by[by] > 0)
			buf_printf(p->out, "%s%s (%" PRIu32 ")", n++ > 0 ? ", " : "- joined by ", view_join_name((enum join_by)by), j->by[by]);
	if (j->ambiguous > 0)
		buf_printf(p->out, "%s%" PRIu32 " ambiguous", n++ > 0 ? "; " : "- ", j->ambiguous);
	if (n > 0)
		buf_putc(p->out, '\n');
	buf_putc(p->out, '\n');
}

/* --- a table for each participant --- */

/* "192.0.2.1:40312" and "[2001:db8::1]:40312" to the port. */
static const char *
port_of(const char *address)
{
	const char *colon = address != NULL ? strrchr(address, ':') : NULL;

	return colon != NULL ? colon + 1 : NULL;
}

static void
put_life_row(struct page *p, const struct life *l)
{
	struct buf name CLEANUP(buf_deinit) = { 0 }, ending CLEANUP(buf_deinit) = { 0 };
	bool is_open;
	int64_t end = view_end(p->m, l, &is_open);
	uint32_t index = (uint32_t)(l - p->m->lives);

	life_name(&name, p->m, index);
	buf_printf(p->out, "| %s | ", buf_cstr(&name));
	if (moment_is_known(&l->opened))
		view_date_clock(p->out, p->v, l->opened.at_us);
	else
		buf_putc(p->out, '-');
	buf_puts(p->out, " | ");
	if (!is_open)
		view_date_clock(p->out, p->v, end);
	else
		buf_puts(p->out, l->is_end_implied ? "no end logged" : "open at the log's end");
	buf_puts(p->out, " | ");
	put_duration(p, life_age(l));
	buf_puts(p->out, " |");
	if (is_open) {
		buf_puts(p->out, " - |");
	} else {
		life_ending(&ending, l);
		buf_putc(p->out, ' ');
		put_sentence_code(p, buf_cstr(&ending));
		buf_puts(p->out, " |");
	}
	put_cell(p, l->peer);
	put_cell(p, port_of(l->local));
	put_cell(p, l->hop);
	buf_putc(p->out, '\n');
}

static void
put_failed_row(struct page *p, const struct failed *f)
{
	buf_puts(p->out, "| ");
	if (f->dial != 0)
		buf_printf(p->out, "d%" PRIu32, f->dial);
	else
		buf_puts(p->out, f->is_reject ? "reject" : "dial");
	buf_puts(p->out, " | - | ");
	view_date_clock(p->out, p->v, f->at.at_us);
	buf_puts(p->out, " | ");
	put_duration(p, f->took);
	buf_printf(p->out, " | %s, %s", f->is_reject ? "rejected" : "failed", stage_name(f->stage));
	if (f->status != 0)
		buf_printf(p->out, ", HTTP %d", f->status);
	buf_putc(p->out, ':');
	put_cell(p, f->text != NULL ? f->text : cause_name(f->cause));
	put_cell(p, f->peer);
	put_cell(p, port_of(f->local));
	put_cell(p, f->hop);
	buf_putc(p->out, '\n');
}

static bool
is_notable(const struct life *l)
{
	return life_is_loss(l) || l->is_end_implied || moment_is_known(&l->ghost);
}

/* What did not end well comes first in line for the room there is; the order stays that of time. */
static void
put_rows(struct page *p, uint32_t participant)
{
	const struct model *m = p->m;
	uint32_t notable = 0, shown = 0, plain = 0, all = 0;

	for (uint32_t i = 0; i < m->n_lives; i++)
		notable += m->lives[i].participant == participant && !m->lives[i].is_hidden && is_notable(&m->lives[i]);
	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];

		if (l->participant != participant || l->is_hidden)
			continue;
		all++;
		if (shown >= ROWS_SHOWN || (!is_notable(l) && plain++ + MIN(notable, (uint32_t)ROWS_SHOWN) >= ROWS_SHOWN))
			continue;
		put_life_row(p, l);
		shown++;
	}
	for (uint32_t i = 0, n = 0; i < m->n_failed; i++) {
		if (m->failed[i].participant != participant || m->failed[i].is_hidden)
			continue;
		all++;
		if (n++ < ROWS_SHOWN) {
			put_failed_row(p, &m->failed[i]);
			shown++;
		}
	}
	if (all > shown)
		buf_printf(p->out, "\n%" PRIu32 " more are left out here.\n", all - shown);
}

static void
put_numbers(struct page *p, uint32_t participant)
{
	struct stats s;

	stats_of(p->m, participant, &s);
	buf_putc(p->out, '\n');
	say_count(p->out, s.opened, "connection");
	buf_printf(p->out, ", %" PRIu32 " lost, %" PRIu32 " failed", s.lost, s.failed);
	if (s.lifetime.n > 0) {
		buf_puts(p->out, "; lived ");
		say_duration(p->out, s.lifetime.median);
		if (s.lifetime.n > 1) {
			buf_puts(p->out, " (");
			say_duration(p->out, s.lifetime.least);
			buf_puts(p->out, " to ");
			say_duration(p->out, s.lifetime.most);
			buf_putc(p->out, ')');
		}
	}
	if (s.down.n > 0) {
		buf_puts(p->out, "; down ");
		say_duration(p->out, s.down_total);
	}
	if (s.rtt_median != US_UNKNOWN) {
		buf_puts(p->out, "; rtt ");
		say_duration(p->out, s.rtt_median);
		buf_puts(p->out, ", 99% ");
		say_duration(p->out, s.rtt_99);
	}
	buf_puts(p->out, ".\n\n");
}

static void
put_clock(struct page *p, const struct participant *of)
{
	if (of->basis == CLOCK_REFERENCE)
		return;
	buf_puts(p->out, "Its clock ");
	if (of->basis == CLOCK_UNKNOWN) {
		buf_puts(p->out, "could not be compared.");
	} else if (of->basis == CLOCK_SAME_BOOT) {
		buf_puts(p->out, "is that of the same machine.");
	} else {
		if (llabs(of->shift_us) > of->uncertainty_us) {
			buf_puts(p->out, "was ");
			say_duration(p->out, llabs(of->shift_us));
			buf_puts(p->out, of->shift_us < 0 ? " ahead, corrected to within " : " behind, corrected to within ");
		} else {
			buf_puts(p->out, "agrees to ");
		}
		say_duration(p->out, of->uncertainty_us);
		buf_printf(p->out, " (%" PRIu32 " pair%s).", of->pairs, of->pairs == 1 ? "" : "s");
	}
	buf_puts(p->out, "\n\n");
}

static void
put_participant(struct page *p, uint32_t i)
{
	const struct participant *of = &p->m->participants[i];

	buf_puts(p->out, "#### ");
	put_sentence(p, of->name);
	if (of->url != NULL) {
		buf_puts(p->out, " ");
		put_code(p, of->url);
	}
	buf_puts(p->out, "\n\n| | opened | ended | age | how | peer | local port | edge |\n|---|---|---|---|---|---|---|---|\n");
	put_rows(p, i);
	put_numbers(p, i);
	put_clock(p, of);
}

/* --- findings --- */

static void
put_evidence(struct page *p, const struct finding *f)
{
	for (uint32_t i = 0; i < MIN(f->n_kept, (uint32_t)SAMPLES_SHOWN); i++) {
		const struct sample *s = &f->samples[i];

		buf_puts(p->out, "   - ");
		put_when(p, s->from_us, s->to_us);
		buf_puts(p->out, s->places[0].line > 0 ? ": " : "");
		for (size_t k = 0; k < SAMPLE_PLACES_MAX && s->places[k].line > 0; k++) {
			struct buf name CLEANUP(buf_deinit) = { 0 };

			place_name(&name, p->m, &s->places[k]);
			buf_puts(p->out, k > 0 ? ", " : "");
			put_sentence_code(p, buf_cstr(&name));
		}
		buf_putc(p->out, '\n');
	}
	if (f->n_samples > SAMPLES_SHOWN)
		buf_printf(p->out, "   - and %" PRIu32 " more\n", f->n_samples - SAMPLES_SHOWN);
}

static void
put_finding(struct page *p, const struct finding *f, uint32_t number)
{
	buf_printf(p->out, "%" PRIu32 ". **%s**, %s, ", number, finding_spec(f->kind)->name, confidence_name(f->confidence));
	say_count(p->out, f->n_samples, "sample");
	buf_puts(p->out, f->is_before ? ", before " : ", ");
	put_when(p, f->from_us, f->is_before ? NO_TIME : f->to_us);
	buf_puts(p->out, "  \n   ");
	put_sentence(p, f->text != NULL ? f->text : finding_spec(f->kind)->meaning);
	if (f->advice != NULL) {
		buf_puts(p->out, "  \n   *Fix:* ");
		put_sentence(p, f->advice);
	}
	buf_putc(p->out, '\n');
	put_evidence(p, f);
}

static void
put_findings(struct page *p)
{
	const struct findings *f = p->v->f;

	if (f->n > 0)
		buf_puts(p->out, "#### Findings\n\n");
	for (uint32_t i = 0; i < f->n; i++)
		put_finding(p, &f->items[i], i + 1);
	for (uint32_t i = 0; i < f->n_unjudged; i++) {
		buf_puts(p->out, i > 0 ? "; " : "\nNot judged: ");
		put_sentence(p, f->unjudged[i].what);
		buf_puts(p->out, " (");
		put_sentence(p, f->unjudged[i].why);
		buf_putc(p->out, ')');
	}
	buf_puts(p->out, f->n_unjudged > 0 ? ".\n" : "");
	if (f->next != NULL)
		buf_printf(p->out, "\nNext: %s\n", f->next); /* ours alone: its backticks are meant */
}

static void
put_heard(struct page *p)
{
	struct heard_list heard;

	if (p->v->as == NULL)
		return;
	heard_of(p->v, &heard);
	buf_puts(p->out, "\n#### What ");
	put_sentence(p, p->v->as_name);
	buf_puts(p->out, " would have told its user\n\n| when | | event | callback |\n|---|---|---|---|\n");
	for (size_t i = 0; i < MIN(heard.n, (size_t)HEARD_SHOWN); i++) {
		const struct heard *h = &heard.items[i];
		struct buf name CLEANUP(buf_deinit) = { 0 };

		if (h->life != NO_INDEX)
			view_life(&name, p->m, h->life);
		else if (h->failed != NO_INDEX && p->m->failed[h->failed].dial != 0)
			buf_printf(&name, "d%" PRIu32, p->m->failed[h->failed].dial);
		buf_puts(p->out, h->is_before ? "| before " : "| ");
		view_date_clock(p->out, p->v, h->at.at_us);
		buf_printf(p->out, " | %s | %s |", buf_cstr(&name), h->event);
		put_cell(p, h->text);
		buf_putc(p->out, '\n');
	}
	if (heard.n > HEARD_SHOWN)
		buf_printf(p->out, "\nand %zu more.\n", heard.n - HEARD_SHOWN);
	heard_free(&heard);
}

void
page_markdown(struct buf *out, const struct view *v)
{
	struct page p = { .out = out, .v = v, .m = v->m };

	put_head(&p);
	put_joining(&p);
	for (uint32_t i = 0; i < MIN(v->m->n_participants, (uint32_t)PARTICIPANTS_SHOWN); i++)
		put_participant(&p, i);
	if (v->m->n_participants > PARTICIPANTS_SHOWN)
		buf_printf(out, "%" PRIu32 " more participants are left out here.\n\n", v->m->n_participants - PARTICIPANTS_SHOWN);
	put_findings(&p);
	put_heard(&p);
}
