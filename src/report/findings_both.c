/* SPDX-License-Identifier: MIT */
/* Findings that take the logs of both ends, or the judge's word. */
#include "report/findings.h"

#include "base/escape.h"
#include "codec/close_code.h"

#include <inttypes.h>
#include <string.h>

/* --- overlap --- */

/* The nearer to the application, the more an overlap counts: its own log, then what a proxy holds towards it, then what a client fears. */
static int
weight(const struct model *m, const struct life *l)
{
	switch (m->participants[l->participant].role) {
	case ROLE_SERVER: return 4;
	case ROLE_PROXY: return l->leg == LEG_ORIGIN ? 3 : 2;
	case ROLE_CLIENT: break;
	}
	return 1;
}

static bool
has_server(const struct model *m, const struct life *l)
{
	return circuit_life(m, &m->circuits[l->circuit], ROLE_SERVER, LEG_NONE, NO_INDEX) != NO_INDEX;
}

/* The server's log has both connections, so its word counts alone. */
static bool
is_refuted(const struct model *m, const struct verdict *v)
{
	const struct life *l = &m->lives[v->life], *older = &m->lives[v->with];

	return weight(m, l) < 4 && has_server(m, l) && has_server(m, older);
}

/* Verdicts on one pair of connections stand together, the one that counts most first. */
struct ranked {
	const struct verdict *verdict;
	uint32_t newer, older;        /* circuits */
	int weight;
};

static int
compare_pairs(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->newer != y->newer)
		return (x->newer > y->newer) - (x->newer < y->newer);
	return (x->older > y->older) - (x->older < y->older);
}

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = compare_pairs(a, b);

	if (order != 0)
		return order;
	return x->weight != y->weight ? y->weight - x->weight : (x->verdict > y->verdict) - (x->verdict < y->verdict);
}

static void
add_overlap(struct look *k, const struct verdict *v)
{
	const struct model *m = k->m;
	const struct life *l = &m->lives[v->life], *older = &m->lives[v->with];
	struct sample s = no_sample;

	s.life = v->life;
	s.other = v->with;
	s.from_us = v->from_us;
	s.to_us = v->to_us;
	sample_place(&s, &l->opened);
	sample_place(&s, moment_is_known(&older->ghost) ? &older->ghost : &older->ended);
	k->is_guess = k->is_guess || older->is_id_counted || weight(m, l) == 1 || m->stories[l->story].is_guess;
	k->by = MAX(k->by, m->circuits[older->circuit].by);
	look_add(k, &s, &m->circuits[l->circuit]);
}

static void
say_overlap(struct look *k)
{
	const struct model *m = k->m;
	const struct sample *s = &k->samples[0];
	const struct life *l = &m->lives[s->life], *older = &m->lives[s->other];
	struct buf *t = &k->text;

	switch (weight(m, l)) {
	case 4: buf_puts(t, "Server held "); break;
	case 3: buf_puts(t, "Towards the server the proxy held "); break;
	case 2: buf_puts(t, "The proxy held its client's "); break;
	default: buf_puts(t, "The far end may have held "); break;
	}
	say_life(t, m, s->other);
	buf_puts(t, " and ");
	say_life(t, m, s->life);
	if (older->is_id_counted)
		buf_puts(t, " (if the older ended; no ids)");
	if (m->stories[l->story].is_guess)
		buf_puts(t, " (if they are one client's; no ids)");
	if (!moment_is_known(&older->ended))
		buf_puts(t, "; no end of the older is in the log");
	buf_puts(t, ".");
	if (weight(m, l) == 1 && older->is_ghost_ended && older->ghost.at_us > l->opened.at_us) {
		buf_puts(t, " The older's far end was still there ");
		say_duration(t, older->ghost.at_us - l->opened.at_us);
		buf_puts(t, " after the newer opened.");
	}
	if (k->n_samples > 1)
		buf_printf(t, " %" PRIu32 " times in all.", k->n_samples);
	buf_puts(&k->advice, "a disconnect clears only its own connection; ");
	say_life(&k->advice, m, s->other);
	buf_puts(&k->advice, "'s must not clear ");
	say_life(&k->advice, m, s->life);
	buf_puts(&k->advice, "'s state.");
}

/* Which end was the older's is a guess, and its client's log has it closed as agreed before the newer opened: most likely another's end. */
static bool
is_doubted(const struct model *m, const struct verdict *v)
{
	const struct life *l = &m->lives[v->life], *older = &m->lives[v->with];
	uint32_t client = circuit_life(m, &m->circuits[older->circuit], ROLE_CLIENT, LEG_NONE, NO_INDEX);

	if (!older->is_id_counted || client == NO_INDEX)
		return false;
	return moment_is_known(&m->lives[client].ended) && m->lives[client].code == CLOSE_NORMAL
	    && m->lives[client].ended.at_us <= l->opened.at_us + look_tolerance(m, &m->lives[client], l);
}

void
look_overlap(struct look *k)
{
	const struct model *m = k->m;
	struct ranked *ranked = xcalloc(MAX(m->n_verdicts, UINT32_C(1)), sizeof(*ranked));
	enum confidence best = CONFIDENCE_POSSIBLE;
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_verdicts; i++) {
		const struct verdict *v = &m->verdicts[i];

		if (v->type != EV_OVERLAP || v->is_held || m->lives[v->life].is_hidden || is_refuted(m, v))
			continue;
		/* Replayed: one connection twice, and a finding of its own. */
		if (m->lives[v->life].circuit != m->lives[v->with].circuit)
			ranked[n++] = (struct ranked){ v, m->lives[v->life].circuit, m->lives[v->with].circuit, weight(m, &m->lives[v->life]) };
	}
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && compare_pairs(&ranked[i - 1], &ranked[i]) == 0)
			continue;
		add_overlap(k, ranked[i].verdict);
		best = ranked[i].weight > 1 && !is_doubted(m, ranked[i].verdict) ? CONFIDENCE_CERTAIN : best;
	}
	free(ranked);
	if (k->n_samples > 0)
		say_overlap(k);
	look_done(k, best);
}

/* --- replay and orphan --- */

void
look_replay(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_verdicts; i++) {
		const struct verdict *v = &m->verdicts[i];
		struct sample s = no_sample;

		if (v->type != EV_REPLAY || m->lives[v->life].is_hidden)
			continue;
		s.life = v->life;
		s.other = v->with;
		s.from_us = m->lives[v->with].opened.at_us;
		s.to_us = v->from_us;
		sample_place(&s, &m->lives[v->with].opened);
		sample_place(&s, &m->lives[v->life].opened);
		look_add(k, &s, NULL);
	}
	if (k->n_samples > 0) {
		const struct life *l = &m->lives[k->samples[0].life];

		buf_puts(&k->text, "Key ");
		escape_text(&k->text, span_of(l->key), 0);
		buf_printf(&k->text, " opened twice%s: a hop sent the upgrade request again.", k->n_samples > 1 ? ", and others" : "");
		buf_puts(&k->advice, "at the hop: no retries for upgrades; to a retry policy an upgrade is a plain GET.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* What the client gave up and somebody opened all the same. */
static void
add_orphan(struct look *k, const struct circuit *c)
{
	const struct model *m = k->m;
	const struct failed *f = &m->failed[c->failed];
	uint32_t life = circuit_life(m, c, ROLE_SERVER, LEG_NONE, NO_INDEX);
	struct sample s = no_sample;

	if (life == NO_INDEX)
		life = circuit_life(m, c, ROLE_PROXY, LEG_ORIGIN, NO_INDEX);
	if (life == NO_INDEX || m->lives[life].is_hidden)
		return;
	s.life = life;
	s.failed = c->failed;
	s.from_us = m->lives[life].opened.at_us;
	s.to_us = m->lives[life].ended.at_us;
	sample_place(&s, &f->at);
	sample_place(&s, &m->lives[life].opened);
	look_add(k, &s, c);
}

static void
add_late(struct look *k, const struct verdict *v)
{
	const struct life *l = &k->m->lives[v->life];
	struct sample s = no_sample;

	const struct circuit *c = &k->m->circuits[l->circuit];
	if (l->is_hidden || c->failed != NO_INDEX || circuit_life(k->m, c, ROLE_CLIENT, LEG_NONE, NO_INDEX) != NO_INDEX)
		return;
	s.life = v->life;
	s.from_us = l->opened.at_us;
	s.to_us = l->ended.at_us;
	sample_place(&s, &l->opened);
	look_add(k, &s, NULL);
}

void
look_orphan(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_circuits; i++)
		if (m->circuits[i].failed != NO_INDEX)
			add_orphan(k, &m->circuits[i]);
	for (uint32_t i = 0; i < m->n_verdicts; i++)
		if (m->verdicts[i].type == EV_ORPHAN)
			add_late(k, &m->verdicts[i]);
	if (k->n_samples > 0) {
		const struct sample *s = &k->samples[0];

		if (s->failed != NO_INDEX)
			buf_printf(&k->text, "Dial %" PRIu32 " failed at the client", m->failed[s->failed].dial);
		else
			buf_printf(&k->text, "Dial %" PRIu32 " came after a later one", m->lives[s->life].dial);
		buf_puts(&k->text, ", and opened at the server all the same");
		if (k->n_samples > 1)
			buf_printf(&k->text, "; %" PRIu32 " more alike", k->n_samples - 1);
		buf_puts(&k->text, ". Nobody reads what it sends there.");
		buf_puts(&k->advice, "give the client a longer timeout for the upgrade; at the hop: end the origin's leg when the client's is gone.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* --- one end knows what the other does not --- */

/* The lives of both ends of a connection that both ends' logs have. */
static bool
find_ends(const struct model *m, const struct circuit *c, uint32_t *ret_client, uint32_t *ret_server)
{
	*ret_client = circuit_life(m, c, ROLE_CLIENT, LEG_NONE, NO_INDEX);
	*ret_server = circuit_life(m, c, ROLE_SERVER, LEG_NONE, NO_INDEX);
	return *ret_client != NO_INDEX && *ret_server != NO_INDEX && !m->lives[*ret_client].is_hidden;
}

/* NO_TIME: it did not learn of it; else when it did. False: it knew, or its log is over before. */
static bool
was_unseen(const struct model *m, const struct life *client, const struct life *server, int64_t *ret_seen)
{
	const struct participant *p = &m->participants[client->participant];
	int64_t tolerance = look_tolerance(m, client, server);

	*ret_seen = NO_TIME;
	if (client->is_untimed || p->basis == CLOCK_UNKNOWN || m->participants[server->participant].basis == CLOCK_UNKNOWN)
		return false;
	if (moment_is_known(&client->ended)) {
		*ret_seen = client->ended.at_us;
		return client->ended.at_us > server->ended.at_us + tolerance;
	}
	return client->is_end_implied || p->last_us + p->shift_us > server->ended.at_us + tolerance;
}

void
look_unseen_end(struct look *k)
{
	const struct model *m = k->m;
	uint32_t client, server;
	int64_t seen;

	for (uint32_t i = 0; i < m->n_circuits; i++) {
		struct sample s = no_sample;

		if (!find_ends(m, &m->circuits[i], &client, &server) || !moment_is_known(&m->lives[server].ended)
		    || !was_unseen(m, &m->lives[client], &m->lives[server], &seen))
			continue;
		s.life = server;
		s.other = client;
		s.from_us = m->lives[server].ended.at_us;
		s.to_us = seen;
		sample_place(&s, &m->lives[server].ended);
		sample_place(&s, &m->lives[client].ended);
		k->is_guess = k->is_guess || m->lives[server].is_id_counted;
		look_add(k, &s, &m->circuits[i]);
	}
	if (k->n_samples > 0) {
		const struct sample *s = &k->samples[0];
		bool is_known = life_is_exact(m, &m->lives[s->other]);

		buf_puts(&k->text, "Server ended ");
		say_lives(&k->text, k);
		if (m->lives[s->life].is_how_known)
			say_ending_of_first(k);
		if (s->to_us == NO_TIME) {
			buf_puts(&k->text, "; client logged nothing.");
		} else {
			buf_puts(&k->text, "; client noticed ");
			say_duration(&k->text, s->to_us - s->from_us);
			buf_puts(&k->text, " later.");
		}
		if (is_known)
			buf_puts(&k->advice, "pings from the client (--ping-interval) bound how long it can take; at the hop: end the client's leg with the origin's.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* Not as the answer to one that came. */
static bool
has_sent_first(const struct life *l, int code)
{
	return l->close_sent == code && !(l->cause == CAUSE_WS_CLOSE && l->by == BY_PEER);
}

/* A Close that came, and that the other end says it never sent. */
void
look_hop_close(struct look *k)
{
	const struct model *m = k->m;
	uint32_t client, server;

	for (uint32_t i = 0; i < m->n_circuits; i++) {
		struct sample s = no_sample;

		if (!find_ends(m, &m->circuits[i], &client, &server))
			continue;
		const struct life *c = &m->lives[client], *v = &m->lives[server];
		if (!c->is_how_known || !v->is_how_known || !moment_is_known(&c->ended) || c->by != BY_PEER || c->code == 0
		    || has_sent_first(v, c->code) || life_is_due_to(m, c, circuit_purpose(m, &m->circuits[i]))
		    || circuit_is_of_stopped_proxy(m, &m->circuits[i]))
			continue;
		s.life = client;
		s.other = server;
		s.from_us = c->ended.at_us;
		sample_place(&s, &c->ended);
		sample_place(&s, &v->ended);
		look_add(k, &s, &m->circuits[i]);
	}
	if (k->n_samples > 0) {
		say_lives(&k->text, k);
		buf_puts(&k->text, " got ");
		life_ending(&k->text, &m->lives[k->samples[0].life]);
		buf_puts(&k->text, ", which the server did not send: a hop wrote it");
		buf_puts(&k->text, m->lives[k->samples[0].life].reason == NULL ? " (without a reason, as some do on reload)." : ".");
		buf_puts(&k->advice, "look at the hops for a reload, a drain or a limit at this time.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* When it sent its Close, as far as the log tells: nothing went out behind it. */
static int64_t
close_sent_at(const struct life *l)
{
	enum { CLOSE_WAIT_S = 30 };

	return l->ended.at_us - (l->silent_tx != US_UNKNOWN ? l->silent_tx : CLOSE_WAIT_S * US_PER_S);
}

/* from sent a Close first, and to, which was still there, did not get it: it ended without one, or on a Close of its own that came to nothing. */
static bool
is_close_lost(const struct model *m, const struct life *from, const struct life *to)
{
	if (!from->is_how_known || from->close_sent == 0 || from->by != BY_LOCAL || !moment_is_known(&from->ended) || from->violations > 0)
		return false;
	if (!to->is_how_known || !moment_is_known(&to->ended) || to->code != 0 || to->is_clean || !to->is_lost)
		return false;
	if (to->by == BY_LOCAL && to->cause != CAUSE_WS_CLOSE_TIMEOUT)
		return false;
	return to->ended.at_us >= close_sent_at(from) - look_tolerance(m, from, to) + NEAR_US
	    && (from->cause == CAUSE_WS_CLOSE_TIMEOUT || from->is_lost || from->is_clean);
}

void
look_close_lost(struct look *k)
{
	const struct model *m = k->m;
	uint32_t client, server;

	for (uint32_t i = 0; i < m->n_circuits; i++) {
		struct sample s = no_sample;
		const struct life *from, *to;

		if (!find_ends(m, &m->circuits[i], &client, &server))
			continue;
		uint32_t purpose = circuit_purpose(m, &m->circuits[i]);
		if (life_is_due_to(m, &m->lives[client], purpose) && life_is_due_to(m, &m->lives[server], purpose))
			continue;
		bool is_down = is_close_lost(m, &m->lives[server], &m->lives[client]);
		if (!is_down && !is_close_lost(m, &m->lives[client], &m->lives[server]))
			continue;
		s.life = is_down ? client : server;
		s.other = is_down ? server : client;
		from = &m->lives[s.other];
		to = &m->lives[s.life];
		s.from_us = to->ended.at_us;
		sample_place(&s, &from->ended);
		sample_place(&s, &to->ended);
		look_add(k, &s, &m->circuits[i]);
	}
	if (k->n_samples > 0) {
		const struct sample *s = &k->samples[0];
		bool is_down = life_is_downstream(m, &m->lives[s->life]);

		buf_printf(&k->text, "The %s sent a Close %d, ", is_down ? "server" : "client", m->lives[s->other].close_sent);
		buf_printf(&k->text, "and the %s saw none (", is_down ? "client" : "server");
		life_ending(&k->text, &m->lives[s->life]);
		buf_puts(&k->text, "): ");
		say_lives(&k->text, k);
		buf_puts(&k->text, ".");
		buf_puts(&k->advice, "at the hop: pass the Close frame on before the leg is ended. Until then code and reason do not arrive.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}
