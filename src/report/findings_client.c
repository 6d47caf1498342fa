/* SPDX-License-Identifier: MIT */
/* Findings about what a client logs, or does not, and about its dials. */
#include "report/findings.h"

#include "base/escape.h"

#include <inttypes.h>
#include <string.h>

/* What nobody waits between two tries without saying so (RFC 6455 section 7.2.3: up to 5 s before the first). */
#define GAP_LEAST_US (10 * US_PER_S)

/* The client's next life in its log; NO_INDEX. */
static uint32_t
next_life(const struct model *m, uint32_t life)
{
	for (uint32_t i = life + 1; i < m->n_lives; i++)
		if (m->lives[i].participant == m->lives[life].participant)
			return i;
	return NO_INDEX;
}

static bool
is_client(const struct model *m, const struct life *l)
{
	return m->participants[l->participant].role == ROLE_CLIENT && !l->is_hidden;
}

/* --- what a library hides --- */

void
look_silent_loss(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		uint32_t next = is_client(m, l) && l->is_end_implied ? next_life(m, i) : NO_INDEX;
		struct sample s = no_sample;

		if (next == NO_INDEX)
			continue;
		s.life = i;
		s.other = next;
		s.from_us = m->lives[next].opened.at_us;
		sample_place(&s, &l->opened);
		sample_place(&s, &m->lives[next].opened);
		look_add(k, &s, NULL);
		k->is_before = true;
	}
	if (k->n_samples > 0) {
		buf_puts(&k->text, "Second on_open, no error or close before it. websocket-client hides losses after the first (#970).");
		buf_puts(&k->advice, "since 1.8: define on_reconnect to tell redials apart.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

static bool
has_dials_between(const struct model *m, const struct life *l, const struct life *next)
{
	for (uint32_t i = 0; i < m->n_failed; i++)
		if (m->failed[i].participant == l->participant && m->failed[i].at.own_us >= l->ended.own_us && m->failed[i].at.own_us <= next->opened.own_us)
			return true;
	return false;
}

void
look_silent_gap(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		uint32_t next = is_client(m, l) && !life_is_exact(m, l) && life_is_loss(l) ? next_life(m, i) : NO_INDEX;
		struct sample s = no_sample;

		if (next == NO_INDEX || m->lives[next].opened.own_us - l->ended.own_us < GAP_LEAST_US || has_dials_between(m, l, &m->lives[next]))
			continue;
		s.life = i;
		s.other = next;
		s.from_us = l->ended.at_us;
		s.to_us = m->lives[next].opened.at_us;
		sample_place(&s, &l->ended);
		sample_place(&s, &m->lives[next].opened);
		look_add(k, &s, NULL);
	}
	if (k->n_samples > 0)
		buf_puts(&k->text, "Nothing logged: failed dials, or one long wait.");
	look_done(k, CONFIDENCE_CERTAIN);
}

/* Only where the log says which connection ended, and how: what is not known cannot explain. */
void
look_second_open(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		uint32_t next = is_client(m, l) && life_is_loss(l) && l->is_how_known && !l->is_id_counted ? next_life(m, i) : NO_INDEX;
		struct sample s = no_sample;

		if (next == NO_INDEX || m->lives[next].story != l->story || m->lives[next].opened.own_us < l->ended.own_us)
			continue;
		s.life = next;
		s.other = i;
		s.from_us = l->ended.at_us;
		s.to_us = m->lives[next].opened.at_us;
		sample_place(&s, &l->ended);
		sample_place(&s, &m->lives[next].opened);
		look_add(k, &s, NULL);
	}
	if (k->n_samples > 0) {
		const struct sample *s = &k->samples[0];

		say_lives(&k->text, k);
		buf_puts(&k->text, k->n_samples > 1 ? ": ordinary reconnects; before the first, " : ": an ordinary reconnect, ");
		if (k->n_samples == 1) {
			say_duration(&k->text, s->to_us - s->from_us);
			buf_puts(&k->text, " after ");
		}
		say_life(&k->text, m, s->other);
		buf_puts(&k->text, " was lost (");
		life_ending(&k->text, &m->lives[s->other]);
		buf_puts(&k->text, ").");
		buf_puts(&k->advice, "a library may hide the loss and call on_open again: do once what must be done once, and the rest in every on_open.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* --- dials --- */

static bool
has_client(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_participants; i++)
		if (m->participants[i].role == ROLE_CLIENT)
			return true;
	return false;
}

/* Of one that was dialled the answer counts as who asked for it saw it. */
static bool
is_dialler(const struct model *m, const struct failed *f)
{
	enum role role = m->participants[f->participant].role;

	if (f->is_hidden || f->cause == CAUSE_LOCAL_INTERRUPT)
		return false;
	if (has_client(m))
		return role == ROLE_CLIENT;
	return f->is_reject ? role == ROLE_SERVER && f->status != 0 : role == ROLE_PROXY;
}

static void
add_failed(struct look *k, uint32_t failed)
{
	struct sample s = no_sample;

	s.failed = failed;
	s.from_us = k->m->failed[failed].at.at_us;
	sample_place(&s, &k->m->failed[failed].at);
	look_add(k, &s, NULL);
}

void
look_refused(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_failed; i++)
		if (is_dialler(m, &m->failed[i]) && m->failed[i].status != 0)
			add_failed(k, i);
	if (k->n_samples > 0) {
		const struct failed *f = &m->failed[k->samples[0].failed];

		say_count(&k->text, k->n_samples, f->is_reject ? "request" : "dial");
		buf_puts(&k->text, " refused; the first: ");
		if (f->is_reject || f->text == NULL)
			buf_printf(&k->text, "HTTP %d%s", f->status, f->text != NULL ? ", " : "");
		escape_text(&k->text, span_of(f->text), 0);
		if (f->hop != NULL) {
			buf_puts(&k->text, "; it seems that ");
			escape_text(&k->text, span_of(f->hop), 0);
			buf_puts(&k->text, " answered");
		}
		buf_puts(&k->text, ".");
		if (f->status == 502 || f->status == 503 || f->status == 504)
			buf_puts(&k->advice, "the hop did not reach the server behind it: look there first.");
		else if (f->status == 401 || f->status == 403)
			buf_puts(&k->advice, "credentials or Origin: the server, or a hop that guards it, says no.");
		else
			buf_puts(&k->advice, "compare URL and headers with what the server expects; a hop that does not know Upgrade answers as if it were a page.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* "tcp.refused 3, tcp.reset 1" */
static void
say_causes(struct look *k)
{
	uint32_t counts[CAUSE_COUNT] = { 0 };
	unsigned n = 0;

	for (uint32_t i = 0; i < k->n_kept; i++)
		counts[k->m->failed[k->samples[i].failed].cause]++;
	for (int c = 0; c < CAUSE_COUNT; c++)
		if (counts[c] > 0)
			buf_printf(&k->text, "%s%s %" PRIu32, n++ > 0 ? ", " : "", cause_name((enum cause)c), counts[c]);
}

void
look_dial_failed(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_failed; i++)
		if (is_dialler(m, &m->failed[i]) && m->failed[i].status == 0)
			add_failed(k, i);
	if (k->n_samples > 0) {
		const struct failed *f = &m->failed[k->samples[0].failed];

		say_count(&k->text, k->n_samples, "dial");
		buf_puts(&k->text, " failed (");
		say_causes(k);
		buf_printf(&k->text, "); the first, at %s: ", stage_name(f->stage));
		escape_text(&k->text, span_of(f->text), 0);
		buf_puts(&k->text, ".");
		if (f->cause == CAUSE_TCP_REFUSED)
			buf_puts(&k->advice, "nothing listened there: is the server, or the hop before it, up?");
		else if (f->cause == CAUSE_TCP_RESET || f->cause == CAUSE_TCP_CLOSED)
			buf_puts(&k->advice, "the hop took the connection and dropped it: it is overloaded, or has nobody behind it.");
		else if (f->cause == CAUSE_DIAL_TIMEOUT)
			buf_puts(&k->advice, "a firewall that drops, or a hop that waits for the server: see the stage.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}
