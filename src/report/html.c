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

void
html_put(struct page *p, const char *s)
{
	buf_puts(p->out, s);
}

void
html_place(struct page *p, const struct place *at)
{
	struct buf name CLEANUP(buf_deinit) = { 0 };

	place_name(&name, p->m, at);
	html_put(p, "<code>");
	html_sentence(p->out, buf_cstr(&name));
	html_put(p, "</code>");
}

/* --- the head --- */

static void
put_period(struct page *p)
{
	const struct model *m = p->m;

	if (m->n_participants == 0 || m->from_us == NO_TIME)
		return;
	html_put(p, "<p class=\"when\">");
	view_period(p->out, p->v, m->from_us, m->to_us);
	html_put(p, " (");
	say_duration(p->out, m->to_us - m->from_us);
	html_put(p, m->is_zoned ? "), UTC</p>\n" : m->is_dated ? "), in the log's own zone</p>\n" : "), no date in the logs</p>\n");
}

static void
begin_tile(struct page *p, bool is_bad)
{
	html_put(p, is_bad ? "<li class=\"bad\"><b>" : "<li><b>");
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
		down = stats_sum(down, s.down.n > 0 ? s.down_total : 0);
		rtt = MAX(rtt, s.rtt_median);
	}
	html_put(p, "<ul class=\"tiles\">");
	put_tile_number(p, conns, "connections", false);
	put_tile_number(p, lost, "lost", true);
	put_tile_number(p, failed, "failed dials", true);
	if (down > 0)
		put_tile_duration(p, down, "down in between", false);
	if (overlapped(p->f) > 0)
		put_tile_duration(p, overlapped(p->f), "overlap", true);
	if (rtt != US_UNKNOWN)
		put_tile_duration(p, rtt, "usual round trip", false);
	html_put(p, "</ul>\n");
}

static void
put_head(struct page *p)
{
	html_put(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
	       "base-uri 'none'; form-action 'none'\">\n"
	       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
	       "<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n<title>wsdiag report: ");
	say_count(p->out, p->f->n, "finding");
	html_put(p, "</title>\n<style>\n");
	html_put(p, html_style);
	html_put(p, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#findings\">To the findings</a>\n<header>\n<h1>");
	if (p->f->n == 0)
		html_put(p, p->f->n_unjudged > 0 ? "Nothing to judge" : "Nothing went wrong that these logs could show");
	else
		say_count(p->out, p->f->n, "finding");
	html_put(p, "</h1>\n");
	put_period(p);
	if (p->f->n > 0) {
		buf_printf(p->out, "<p class=\"lead\"><a href=\"#f1\">%s</a>: ", finding_spec(p->f->items[0].kind)->name);
		html_sentence(p->out, p->f->items[0].text != NULL ? p->f->items[0].text : finding_spec(p->f->items[0].kind)->meaning);
		html_put(p, "</p>\n");
	}
	put_tiles(p);
	html_put(p, "</header>\n<main>\n");
}

/* --- the timeline --- */

enum sign { SIGN_OPEN, SIGN_LOST, SIGN_CLOSE, SIGN_UNKNOWN, SIGN_GOES_ON, SIGN_GHOST, SIGN_FAILED, SIGN_FAULT, SIGN_OVERLAP, SIGN_PAUSE, SIGN_TOLD,
	SIGN_COUNT };

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
	[SIGN_PAUSE] = { "<rect class=\"pause\" x=\"3\" y=\"0\" width=\"14\" height=\"12\"/>", "machine asleep, or process not run" },
	[SIGN_TOLD] = { "<circle class=\"told\" cx=\"5\" cy=\"6\" r=\"3\"/><circle class=\"silent\" cx=\"15\" cy=\"6\" r=\"3\"/>",
	    "callback, or silence, of the library" },
};

/* Of the signs those that occur. */
static void
put_legend(struct page *p)
{
	bool has[SIGN_COUNT] = {
		[SIGN_FAILED] = p->m->n_failed > 0,
		[SIGN_FAULT] = p->m->n_injections > 0,
		[SIGN_OVERLAP] = overlapped(p->f) > 0,
		[SIGN_PAUSE] = p->m->n_pauses > 0,
		[SIGN_TOLD] = p->heard.n > 0,
	};

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
	html_put(p, "<figcaption>");
	for (int i = 0; i < SIGN_COUNT; i++)
		if (has[i])
			buf_printf(p->out, "<span><svg viewBox=\"0 0 20 12\" aria-hidden=\"true\">%s</svg>%s</span>", signs[i].svg, signs[i].what);
	html_put(p, "</figcaption>\n");
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
	html_put(p, "<h2 id=\"timeline\">Timeline</h2>\n<figure class=\"card\">\n");
	html_draw(p->out, &d);
	put_legend(p);
	html_put(p, "</figure>\n");
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

/* The first sample from near, unless that would show nearly the whole again. A dial that never opened is a single mark. */
static void
put_close_up(struct page *p, const struct finding *f)
{
	const struct sample *s = &f->samples[0];
	const struct heard_list nothing = { 0 };
	struct drawing d = { .v = p->v, .heard = &nothing, .only = f, .label = "Close-up of the first time" };
	int64_t all = p->m->to_us - p->m->from_us, pad;
	bool *is_wanted;

	if (f->n_kept == 0 || s->from_us == NO_TIME || s->life == NO_INDEX)
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
	html_put(p, "<figure class=\"close-up\">");
	html_draw(p->out, &d);
	html_put(p, "</figure>\n");
	free(is_wanted);
}

static void
put_moment(struct page *p, int64_t from_us, int64_t to_us)
{
	view_clock(p->out, p->v, from_us);
	if (to_us == NO_TIME)
		return;
	html_put(p, " to ");
	view_clock(p->out, p->v, to_us);
	html_put(p, " (");
	say_duration(p->out, to_us - from_us);
	html_put(p, ")");
}

static void
put_samples(struct page *p, const struct finding *f, uint32_t number)
{
	html_put(p, "<ul class=\"evidence\">");
	for (uint32_t i = 0; i < MIN(f->n_kept, (uint32_t)HTML_SAMPLES_MAX); i++) {
		const struct sample *s = &f->samples[i];

		html_put(p, "<li>");
		if (s->from_us != NO_TIME) {
			buf_printf(p->out, "<a href=\"#m%" PRIu32 "-%" PRIu32 "\">", number, i + 1);
			put_moment(p, s->from_us, s->to_us);
			html_put(p, "</a> ");
		}
		for (size_t k = 0; k < SAMPLE_PLACES_MAX && s->places[k].line > 0; k++)
			html_place(p, &s->places[k]);
		html_put(p, "</li>");
	}
	if (f->n_samples > HTML_SAMPLES_MAX)
		buf_printf(p->out, "<li>and %" PRIu32 " more</li>", f->n_samples - HTML_SAMPLES_MAX);
	html_put(p, "</ul>\n");
}

static void
put_finding(struct page *p, const struct finding *f, uint32_t number)
{
	const struct finding_spec *spec = finding_spec(f->kind);

	buf_printf(p->out, "<li id=\"f%" PRIu32 "\" class=\"card\"><div class=\"head\"><span class=\"no\">%" PRIu32 "</span><h3>%s</h3>", number, number, spec->name);
	buf_printf(p->out, "<span class=\"badge %s\">%s, ", confidence_name(f->confidence), confidence_name(f->confidence));
	say_count(p->out, f->n_samples, "sample");
	html_put(p, "</span><span class=\"when\">");
	if (f->from_us != NO_TIME) {
		html_put(p, f->is_before ? "before " : "");
		put_moment(p, f->from_us, f->is_before ? NO_TIME : f->to_us);
	}
	buf_printf(p->out, "</span></div>\n<p class=\"meta\">%s</p>\n<p>", spec->meaning);
	if (f->text != NULL)
		html_sentence(p->out, f->text);
	html_put(p, "</p>\n");
	if (f->advice != NULL) {
		html_put(p, "<p class=\"fix\"><b>Fix</b> ");
		html_sentence(p->out, f->advice);
		html_put(p, "</p>\n");
	}
	put_samples(p, f, number);
	put_close_up(p, f);
	html_put(p, "</li>\n");
}

/* A sentence of ours, whose backticks mark what to type. */
static void
put_advice(struct page *p, const char *s)
{
	struct span rest = span_of(s), part;

	for (bool is_code = false; span_next(&rest, '`', &part); is_code = !is_code) {
		html_put(p, is_code ? "<code>" : "");
		put_escaped(p->out, part);
		html_put(p, is_code ? "</code>" : "");
	}
}

static void
put_findings(struct page *p)
{
	const struct findings *f = p->f;

	html_put(p, "<h2 id=\"findings\">Findings</h2>\n");
	if (f->n == 0 && f->n_unjudged == 0)
		html_put(p, "<p class=\"card\">None: whatever ended was ended on purpose, by somebody who said so.</p>\n");
	if (f->n > 0)
		html_put(p, "<ol class=\"findings\">\n");
	for (uint32_t i = 0; i < f->n; i++)
		put_finding(p, &f->items[i], i + 1);
	if (f->n > 0)
		html_put(p, "</ol>\n");
	for (uint32_t i = 0; i < f->n_unjudged; i++) {
		html_put(p, i > 0 ? "; " : "<p><b>Not judged:</b> ");
		html_sentence(p->out, f->unjudged[i].what);
		html_put(p, " <span class=\"soft\">(");
		html_sentence(p->out, f->unjudged[i].why);
		html_put(p, ")</span>");
	}
	html_put(p, f->n_unjudged > 0 ? ".</p>\n" : "");
	if (f->next != NULL) {
		html_put(p, "<p><b>Next:</b> ");
		put_advice(p, f->next);
		html_put(p, "</p>\n");
	}
}

void
page_html(struct buf *out, const struct view *v)
{
	struct page p = { .out = out, .v = v, .m = v->m, .f = v->f };

	heard_of(v, &p.heard);
	html_choose_listed(&p);
	put_head(&p);
	put_timeline(&p);
	put_findings(&p);
	html_heard(&p);
	html_connections(&p);
	html_failed(&p);
	html_numbers(&p);
	html_logs(&p);
	html_put(&p, "</main>\n<footer><p>");
	buf_printf(out, "wsdiag %s", version_program());
	if (v->made_us != NO_TIME) {
		html_put(&p, ", ");
		clock_format_rfc3339(out, v->made_us / US_PER_S * US_PER_S);
	}
	html_put(&p, ". Secrets are redacted. Made from logs alone: what nobody logged is not here.</p></footer>\n</body>\n</html>\n");
	heard_free(&p.heard);
	free(p.is_listed);
	free(p.is_drawn);
}
