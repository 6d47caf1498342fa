/* SPDX-License-Identifier: MIT */
#include "report/findings.h"

#include "base/escape.h"
#include "codec/close_code.h"
#include "report/model_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a finding has to do with those that come behind it, where it is at least likely. */
enum share {
	STANDS,                       /* nothing: all its samples count, whoever has them, too */
	EXPLAINS,                     /* why connections ended */
	YIELDS,                       /* that they ended: only of those that nothing before explains */
	YIELDS_AND_EXPLAINS,
};

enum explained { UNEXPLAINED, IN_THIS, EXPLAINED };

static const struct {
	struct finding_spec spec;
	look_fn *look;
	enum share share;
} rows[FINDING_KIND_COUNT] = {
	[FINDING_OVERLAP] = { { "OVERLAP", 13, "the server had a session's older connection and its next one at the same time" }, look_overlap },
	[FINDING_REPLAY] = { { "REPLAY", 21, "one upgrade request opened two connections at the server" }, look_replay },
	[FINDING_ORPHAN] = { { "ORPHAN", 14, "the server opened a connection for a dial that the client had given up" }, look_orphan, EXPLAINS },
	[FINDING_IDLE_TIMEOUT] = { { "IDLE TIMEOUT", 1, "a hop ends connections that were quiet for so long" }, look_idle_timeout, EXPLAINS },
	[FINDING_LIFETIME_CAP] = { { "LIFETIME CAP", 3, "a hop ends connections at a certain age, quiet or not" }, look_lifetime_cap, EXPLAINS },
	[FINDING_HOP_CLOSE] = { { "HOP CLOSE", 6, "a Close that the client got was not sent by the server" }, look_hop_close, EXPLAINS },
	[FINDING_RESTART] = { { "RESTART", 5, "a server or hop was restarted or drained" }, look_restart, YIELDS_AND_EXPLAINS },
	[FINDING_CLOSE_LOST] = { { "CLOSE LOST", 7, "a Close that was sent did not arrive" }, look_close_lost, EXPLAINS },
	[FINDING_ZOMBIE_LEG] = { { "ZOMBIE LEG", 10, "the next hop acknowledged, but nobody behind it answered" }, look_loss, YIELDS },
	[FINDING_PATH_DEAD] = { { "PATH DEAD", 11, "nothing was acknowledged any more" }, look_loss, YIELDS },
	[FINDING_SILENCE] = { { "SILENCE", 0, "a ping went unanswered, and what TCP knew of it is not in the log" }, look_loss, YIELDS },
	[FINDING_HALF_CLOSE] = { { "HALF-CLOSE", 16, "one direction was ended and the other went on" }, look_half_close, EXPLAINS },
	[FINDING_SILENT_LOSS] = { { "SILENT LOSS", 12, "a second open in the client's log, and no end before it" }, look_silent_loss },
	[FINDING_UNSEEN_END] = { { "UNSEEN END", 15, "the server ended a connection that the client believed open" }, look_unseen_end, EXPLAINS },
	[FINDING_SILENT_GAP] = { { "SILENT GAP", 0, "a loss, then a later open, and nothing logged in between" }, look_silent_gap },
	[FINDING_SUSPEND] = { { "SUSPEND", 22, "the machine slept just before the loss" }, look_suspend, EXPLAINS },
	[FINDING_FLAPPING] = { { "FLAPPING", 18, "connections opened again and again and lived for seconds" }, look_flapping, EXPLAINS },
	[FINDING_REFUSED] = { { "REFUSED", 19, "the upgrade was answered with something other than 101" }, look_refused },
	[FINDING_DIAL_FAILED] = { { "DIAL FAILED", 0, "a dial came to nothing before any answer to the upgrade" }, look_dial_failed },
	[FINDING_RESET] = { { "RESET", 8, "TCP was reset" }, look_loss, YIELDS },
	[FINDING_TRUNCATED_TLS] = { { "TRUNCATED TLS", 9, "TCP ended without close_notify: cut below TLS" }, look_loss, YIELDS },
	[FINDING_LOSS_BOTH] = { { "LOSS, BOTH", 0, "a connection ended without a Close at both ends at once" }, look_loss, YIELDS },
	[FINDING_LOSS] = { { "LOSS", 0, "a connection ended without a Close" }, look_loss, YIELDS },
	[FINDING_CLOSE_TIMEOUT] = { { "CLOSE TIMEOUT", 17, "a Close went unanswered" }, look_close_timeout, YIELDS },
	[FINDING_VIOLATION] = { { "VIOLATION", 0, "a peer broke a rule of RFC 6455" }, look_violation },
	[FINDING_PEER_CLOSED] = { { "PEER CLOSED", 0, "the far end closed with a code that tells of an error" }, look_peer_closed, YIELDS },
	[FINDING_SECOND_OPEN] = { { "SECOND OPEN", 12, "a later open that is an ordinary reconnect: a loss precedes it" }, look_second_open },
};

const struct finding_spec *
finding_spec(enum finding_kind kind)
{
	return &rows[kind].spec;
}

const char *
confidence_name(enum confidence c)
{
	static const char *const names[] = { "insufficient", "possible", "likely", "certain" };

	return names[c];
}

/* --- samples --- */

const struct sample no_sample = { .life = NO_INDEX, .other = NO_INDEX, .failed = NO_INDEX, .from_us = NO_TIME, .to_us = NO_TIME };

void
sample_place(struct sample *s, const struct moment *at)
{
	for (size_t i = 0; i < SAMPLE_PLACES_MAX && at->place.line > 0; i++) {
		if (s->places[i].line == 0) {
			s->places[i] = at->place;
			return;
		}
	}
}

static bool
is_within(const struct model *m, const struct sample *s)
{
	int64_t last = s->to_us != NO_TIME ? s->to_us : s->from_us;

	return (m->since_us == NO_TIME || last >= m->since_us) && (m->until_us == NO_TIME || s->from_us <= m->until_us);
}

/* Whether a finding before has it; else this one has, from now on. */
static bool
is_explained(struct look *k, const struct sample *s)
{
	enum share share = rows[k->kind].share;
	uint8_t *state = s->life != NO_INDEX ? &k->explained[k->m->lives[s->life].circuit] : NULL;

	if (state == NULL)
		return false;
	if (*state == EXPLAINED)
		return share >= YIELDS;
	*state = IN_THIS;
	return false;
}

void
look_add(struct look *k, const struct sample *s, const struct circuit *c)
{
	if (!is_within(k->m, s))
		return;
	if (is_explained(k, s)) {
		k->has_explained = true;
		return;
	}
	if (k->n_kept < FINDING_SAMPLES_MAX) {
		k->samples = model_grow(k->samples, k->n_kept, sizeof(*k->samples));
		k->samples[k->n_kept++] = *s;
	}
	/* Of all samples, also of those that are not kept. */
	k->from_us = k->n_samples == 0 ? s->from_us : MIN(k->from_us, s->from_us);
	k->to_us = MAX(k->n_samples == 0 ? s->from_us : k->to_us, s->to_us != NO_TIME ? s->to_us : s->from_us);
	k->n_samples++;
	if (c != NULL)
		k->by = MAX(k->by, c->by);
}

/* What this finding has is explained for those behind it, if it explains at all and is sure enough. */
static void
settle(struct look *k, enum confidence confidence)
{
	enum share share = rows[k->kind].share;
	bool is_explanation = (share == EXPLAINS || share == YIELDS_AND_EXPLAINS) && confidence >= CONFIDENCE_LIKELY;

	for (uint32_t i = 0; i < k->m->n_circuits; i++)
		if (k->explained[i] == IN_THIS)
			k->explained[i] = is_explanation ? EXPLAINED : UNEXPLAINED;
}

static char *
text_of(struct buf *b)
{
	char *text = b->len > 0 ? xstrdup(buf_cstr(b)) : NULL;

	buf_clear(b);
	return text;
}

void
look_done(struct look *k, enum confidence at_best)
{
	struct findings *out = k->out;
	struct finding *f;

	if (k->n_samples > 0) {
		enum confidence limit = k->n_samples == 1 || k->by >= JOIN_ADDRESS ? CONFIDENCE_LIKELY : CONFIDENCE_CERTAIN;

		if (k->has_explained)
			buf_puts(&k->text, " What is explained above is not counted here.");
		say_injected(k);
		limit = k->is_guess ? MIN(limit, CONFIDENCE_LIKELY) : limit;
		out->items = model_grow(out->items, out->n, sizeof(*out->items));
		f = &out->items[out->n++];
		*f = (struct finding){ .kind = k->kind, .confidence = MIN(limit, at_best), .n_samples = k->n_samples, .is_before = k->is_before };
		f->samples = k->samples;
		f->n_kept = k->n_kept;
		f->from_us = k->from_us;
		f->to_us = k->to_us != k->from_us ? k->to_us : NO_TIME;
		f->text = text_of(&k->text);
		f->advice = text_of(&k->advice);
		settle(k, f->confidence);
	} else {
		free(k->samples);
	}
	buf_clear(&k->text);
	buf_clear(&k->advice);
	k->samples = NULL;
	k->n_samples = k->n_kept = 0;
	k->by = JOIN_NONE;
	k->is_guess = k->is_before = k->has_explained = false;
}

/* --- words --- */

void
say_life(struct buf *out, const struct model *m, uint32_t life)
{
	const struct life *l = &m->lives[life];
	uint32_t client = circuit_life(m, &m->circuits[l->circuit], ROLE_CLIENT, LEG_NONE, NO_INDEX);
	unsigned alike = 0, clients = 0;

	l = client != NO_INDEX ? &m->lives[client] : l;
	for (uint32_t i = 0; i < m->n_participants; i++) {
		alike += m->participants[i].role == m->participants[l->participant].role;
		clients += m->participants[i].role == ROLE_CLIENT;
	}
	/* The server's c1 is not the client's. */
	if (alike > 1 || (client == NO_INDEX && clients > 0))
		buf_printf(out, "%s ", m->participants[l->participant].name);
	buf_printf(out, "c%" PRIu32, l->id);
}

void
say_lives(struct buf *out, const struct look *k)
{
	say_life(out, k->m, k->samples[0].life);
	if (k->n_samples > 1)
		buf_printf(out, " and %" PRIu32 " more", k->n_samples - 1);
}

void
say_ending_of_first(struct look *k)
{
	const struct life *l = &k->m->lives[k->samples[0].life];

	buf_puts(&k->text, " (");
	life_ending(&k->text, l);
	buf_puts(&k->text, ")");
}

void
say_count(struct buf *out, uint32_t n, const char *one)
{
	buf_printf(out, "%" PRIu32 " %s%s", n, one, n == 1 ? "" : "s");
}

/* Without a fraction that is zero: 60s, 10.4s. */
void
say_duration(struct buf *out, int64_t us)
{
	char text[32];
	struct buf b CLEANUP(buf_deinit) = { 0 };

	clock_format_duration(&b, us);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	char *point = strstr(text, ".0s");
	if (point != NULL)
		memmove(point, point + 2, strlen(point + 2) + 1);
	/* Under two minutes people count in seconds: 72s, not 1m12s. */
	if (us >= 60 * US_PER_S && us < 120 * US_PER_S)
		buf_printf(out, "%" PRId64 "s", (us + US_PER_S / 2) / US_PER_S);
	else
		buf_puts(out, text);
}

static const struct injection *
injection_on(const struct model *m, uint32_t life, const struct injection *after)
{
	const struct circuit *c = &m->circuits[m->lives[life].circuit];

	for (uint32_t at = after != NULL ? (uint32_t)(after - m->injections) + 1 : 0; at < m->n_injections; at++) {
		const struct injection *x = &m->injections[at];

		for (uint32_t i = 0; i < c->n_lives && x->conn != 0; i++)
			if (m->lives[c->lives[i]].participant == x->participant && m->lives[c->lives[i]].id == x->conn)
				return x;
	}
	return NULL;
}

/* Each line of a plan once. */
void
say_injected(struct look *k)
{
	struct buf done CLEANUP(buf_deinit) = { 0 };
	unsigned n = 0;

	/* A second open is what the client did about it. */
	if (k->m->n_injections == 0 || k->kind == FINDING_SECOND_OPEN)
		return;
	for (uint32_t i = 0; i < k->n_kept; i++) {
		if (k->samples[i].life == NO_INDEX)
			continue;
		for (const struct injection *x = NULL; (x = injection_on(k->m, k->samples[i].life, x)) != NULL && n < 4;) {
			struct buf one CLEANUP(buf_deinit) = { 0 };

			escape_text(&one, span_of(x->action), 0);
			buf_puts(&one, " (");
			escape_text(&one, span_of(x->plan), 0);
			buf_printf(&one, ":%" PRIu32 ")", x->line);
			if (span_contains_ci(buf_span(&done), buf_cstr(&one)))
				continue;
			buf_printf(&done, "%s%s", n++ > 0 ? ", " : "", buf_cstr(&one));
		}
	}
	if (n > 0)
		buf_printf(&k->text, " Injected: %s.", buf_cstr(&done));
}

/* --- what is asked of lives --- */

int64_t
look_tolerance(const struct model *m, const struct life *a, const struct life *b)
{
	const struct participant *p = &m->participants[a->participant], *q = &m->participants[b->participant];

	return NEAR_US + MAX(p->uncertainty_us, INT64_C(0)) + MAX(q->uncertainty_us, INT64_C(0)) + MAX(p->resolution_us, q->resolution_us);
}

bool
life_is_exact(const struct model *m, const struct life *l)
{
	return m->participants[l->participant].run != 0;
}

bool
life_is_downstream(const struct model *m, const struct life *l)
{
	return m->participants[l->participant].role == ROLE_CLIENT || l->leg == LEG_ORIGIN;
}

bool
circuit_is_hidden(const struct model *m, const struct circuit *c)
{
	return m->lives[c->lives[0]].is_hidden;
}

/* A server has two lives of it: one is a copy that nobody asked for, and how that ended says nothing of the client's. */
static bool
is_replayed(const struct model *m, const struct circuit *c)
{
	uint32_t server = circuit_life(m, c, ROLE_SERVER, LEG_NONE, NO_INDEX);

	return server != NO_INDEX && circuit_life(m, c, ROLE_SERVER, LEG_NONE, server) != NO_INDEX
	    && circuit_life(m, c, ROLE_CLIENT, LEG_NONE, NO_INDEX) != NO_INDEX;
}

static bool
is_on_purpose(const struct life *l)
{
	return moment_is_known(&l->ended) && (l->cause == CAUSE_LOCAL_DROP || l->cause == CAUSE_LOCAL_INTERRUPT);
}

uint32_t
circuit_purpose(const struct model *m, const struct circuit *c)
{
	uint32_t first = NO_INDEX;

	for (uint32_t i = 0; i < c->n_lives; i++) {
		const struct life *l = &m->lives[c->lives[i]];

		if (is_on_purpose(l) && (first == NO_INDEX || l->ended.at_us < m->lives[first].ended.at_us))
			first = c->lives[i];
	}
	return first;
}

bool
life_is_due_to(const struct model *m, const struct life *l, uint32_t purpose)
{
	return purpose != NO_INDEX && moment_is_known(&l->ended)
	    && m->lives[purpose].ended.at_us <= l->ended.at_us + look_tolerance(m, l, &m->lives[purpose]);
}

bool
circuit_is_of_stopped_proxy(const struct model *m, const struct circuit *c)
{
	uint32_t life = circuit_life(m, c, ROLE_PROXY, LEG_CLIENT, NO_INDEX), last = m->n_lives;
	const struct life *l = life != NO_INDEX ? &m->lives[life] : NULL;

	if (l == NULL || l->by != BY_LOCAL || l->cause != CAUSE_WS_CLOSE || l->close_sent != CLOSE_GOING_AWAY || !m->participants[l->participant].has_end)
		return false;
	while (last-- > 0 && m->lives[last].participant != l->participant)
		;
	return m->lives[last].opened.own_us <= l->ended.own_us && injection_on(m, life, NULL) == NULL;
}

uint32_t
circuit_loss(const struct model *m, const struct circuit *c)
{
	bool has_copy = is_replayed(m, c);
	uint32_t first = NO_INDEX, purpose = circuit_purpose(m, c);

	for (uint32_t i = 0; i < c->n_lives; i++) {
		const struct life *l = &m->lives[c->lives[i]];
		enum role role = m->participants[l->participant].role;

		if (life_is_due_to(m, l, purpose))
			continue;
		/* "disconnect" in a server's own words does not say how. */
		if (!life_is_loss(l) || (role != ROLE_CLIENT && !l->is_how_known) || (role == ROLE_SERVER && has_copy))
			continue;
		if (l->is_how_known)
			return c->lives[i];
		first = first == NO_INDEX ? c->lives[i] : first;
	}
	return first;
}

void
findings_look(const struct model *m, struct findings *ret)
{
	uint8_t *explained = xcalloc(MAX(m->n_circuits, UINT32_C(1)), sizeof(*explained));

	*ret = (struct findings){ 0 };
	for (int kind = 0; kind < FINDING_KIND_COUNT; kind++) {
		struct look k = { .m = m, .kind = (enum finding_kind)kind, .out = ret, .explained = explained };

		rows[kind].look(&k);
		free(k.samples);
		buf_deinit(&k.text);
		buf_deinit(&k.advice);
	}
	free(explained);
	look_unjudged(m, ret);
}

void
findings_deinit(struct findings *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		free(f->items[i].samples);
		free(f->items[i].text);
		free(f->items[i].advice);
	}
	for (uint32_t i = 0; i < f->n_unjudged; i++)
		free(f->unjudged[i].why);
	free(f->items);
	free(f->unjudged);
	free(f->next);
	*f = (struct findings){ 0 };
}
