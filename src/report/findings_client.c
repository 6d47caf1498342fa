/* SPDX-License-Identifier: MIT */
/* Findings about what a client logs, or does not, about its dials, and about what became of them in a row. */
#include "report/findings.h"

#include "base/escape.h"
#include "codec/close_code.h"

#include <inttypes.h>
#include <string.h>

/* What nobody waits between two tries without saying so (RFC 6455 section 7.2.3: up to 5 s before the first). */
#define GAP_LEAST_US (10 * US_PER_S)
#define FLAP_US (5 * US_PER_S)
#define SUSPEND_BEFORE_US (60 * US_PER_S)
#define SLEPT_LEAST_US US_PER_S

enum { FLAPS_LEAST = 3 };

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

/* --- flapping --- */

static bool
is_flap(const struct model *m, const struct life *l)
{
	bool is_good = l->is_clean && (l->code == CLOSE_NORMAL || l->code == CLOSE_NO_STATUS || l->code == CLOSE_GOING_AWAY);

	return !l->is_hidden && life_is_downstream(m, l) && moment_is_known(&l->ended) && l->by == BY_PEER && !is_good && life_age(l) < FLAP_US
	    && life_age(l) != US_UNKNOWN && (life_is_loss(l) || l->code != 0);
}

/* Where flaps are looked for: what dials. */
static bool
can_flap(const struct model *m, const struct life *l)
{
	enum role role = m->participants[l->participant].role;

	return role == ROLE_CLIENT || (role == ROLE_PROXY && l->leg == LEG_ORIGIN);
}

/* Participant by participant, session by session, in the order of their opens. */
static int
by_story(const void *a, const void *b, void *arg)
{
	const struct model *m = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct life *p = &m->lives[i], *q = &m->lives[j];

	if (p->participant != q->participant)
		return p->participant < q->participant ? -1 : 1;
	if (p->story != q->story)
		return p->story < q->story ? -1 : 1;
	return (i > j) - (i < j);
}

static void
add_flaps(struct look *k, const uint32_t *row, uint32_t n)
{
	for (uint32_t i = 0; i < n && n >= FLAPS_LEAST; i++) {
		const struct life *l = &k->m->lives[row[i]];
		struct sample s = no_sample;

		s.life = row[i];
		s.from_us = l->opened.at_us;
		s.to_us = l->ended.at_us;
		sample_place(&s, &l->ended);
		look_add(k, &s, NULL);
	}
}

void
look_flapping(struct look *k)
{
	const struct model *m = k->m;
	uint32_t *order = xcalloc(MAX(m->n_lives, UINT32_C(1)), sizeof(*order)), n = 0, begin = 0;

	for (uint32_t i = 0; i < m->n_lives; i++)
		if (can_flap(m, &m->lives[i]))
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), by_story, (void *)m);
	for (uint32_t i = 0; i <= n; i++) {
		const struct life *l = i < n ? &m->lives[order[i]] : NULL, *first = i > begin ? &m->lives[order[begin]] : NULL;
		bool goes_on = l != NULL && is_flap(m, l) && (first == NULL || (l->participant == first->participant && l->story == first->story));

		if (goes_on)
			continue;
		add_flaps(k, order + begin, i - begin);
		begin = l != NULL && is_flap(m, l) ? i : i + 1;
	}
	free(order);
	if (k->n_samples > 0) {
		const struct life *l = &m->lives[k->samples[0].life];
		bool is_told = l->code == CLOSE_POLICY || l->code == CLOSE_INTERNAL_ERROR || l->code >= 4000;

		buf_printf(&k->text, "%" PRIu32 " connections in a row lived for less than 5s; the first: ", k->n_samples);
		life_ending(&k->text, l);
		buf_puts(&k->text, ".");
		buf_puts(&k->advice, is_told ? "the application rejects the client after the upgrade: see what its code means; do not redial without a delay that grows."
		                             : "the application may reject the client after the upgrade, or a route has a timeout of seconds.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* --- suspend --- */

void
look_suspend(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_pauses; i++) {
		const struct pause *p = &m->pauses[i];

		if (p->slept < SLEPT_LEAST_US)
			continue;
		for (uint32_t n = 0; n < m->n_lives; n++) {
			const struct life *l = &m->lives[n];
			struct sample s = no_sample;

			if (l->participant != p->participant || l->is_hidden || !life_is_loss(l) || l->ended.own_us < p->at.own_us - US_PER_S
			    || l->ended.own_us > p->at.own_us + SUSPEND_BEFORE_US || l->opened.own_us > p->at.own_us)
				continue;
			s.life = n;
			s.from_us = p->at.at_us;
			s.to_us = l->ended.at_us;
			sample_place(&s, &p->at);
			sample_place(&s, &l->ended);
			look_add(k, &s, NULL);
			if (k->text.len == 0) {
				buf_printf(&k->text, "The %s's machine slept for ", m->participants[p->participant].name);
				say_duration(&k->text, p->slept);
				buf_puts(&k->text, "; then ");
				say_life(&k->text, m, n);
				buf_puts(&k->text, " was lost");
				say_ending_of_first(k);
				buf_puts(&k->text, ".");
			}
		}
	}
	if (k->n_samples > 0)
		buf_puts(&k->advice, "no fault of the path: redial when the machine wakes, or keep it awake.");
	look_done(k, CONFIDENCE_CERTAIN);
}
