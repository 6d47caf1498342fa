/* SPDX-License-Identifier: MIT */
/* Findings about how a connection ended, from the log that says most about it. */
#include "report/findings.h"

#include "base/escape.h"
#include "codec/close_code.h"

#include <inttypes.h>
#include <string.h>

static enum finding_kind
silence_kind(const struct life *l)
{
	if (l->path == PATH_NOT_ACKED || (l->has_tcp && l->tcp_unacked > 0))
		return FINDING_PATH_DEAD;
	return l->path == PATH_ACKED || l->has_tcp ? FINDING_ZOMBIE_LEG : FINDING_SILENCE;
}

/* What a proxy says of a leg, and who is at the other side of it. */
static bool
is_of_one_leg(const struct model *m, const struct life *leg, const struct life *end)
{
	enum role role = m->participants[end->participant].role;

	return (leg->leg == LEG_ORIGIN && role == ROLE_SERVER) || (leg->leg == LEG_CLIENT && role == ROLE_CLIENT);
}

/* The other end of the connection ended at the same time; a loss that says no more than that is a LOSS, BOTH. */
static bool
is_at_both_ends(const struct model *m, const struct circuit *c, uint32_t loss)
{
	const struct life *l = &m->lives[loss];

	for (uint32_t i = 0; i < c->n_lives; i++) {
		const struct life *o = &m->lives[c->lives[i]];
		bool is_end = m->participants[o->participant].role != ROLE_PROXY && !l->is_untimed && !o->is_untimed;

		if (is_end && o->participant != l->participant && !is_of_one_leg(m, l, o) && moment_is_known(&o->ended) && !o->is_clean
		    && llabs(o->ended.at_us - l->ended.at_us) <= look_tolerance(m, l, o))
			return true;
	}
	return false;
}

enum finding_kind
loss_kind(const struct model *m, const struct circuit *c, uint32_t loss)
{
	const struct life *l = &m->lives[loss];

	switch (l->cause) {
	case CAUSE_TCP_RESET: return FINDING_RESET;
	case CAUSE_TCP_TIMED_OUT:
	case CAUSE_TCP_UNREACHABLE: return FINDING_PATH_DEAD;
	case CAUSE_TLS_TRUNCATED: return FINDING_TRUNCATED_TLS;
	case CAUSE_WS_PING_TIMEOUT: return silence_kind(l);
	case CAUSE_WS_CLOSE_TIMEOUT: return FINDING_CLOSE_TIMEOUT;
	case CAUSE_WS_PROTOCOL:
	case CAUSE_WS_UTF8:
	case CAUSE_WS_TOO_BIG: return FINDING_VIOLATION;
	default: return is_at_both_ends(m, c, loss) ? FINDING_LOSS_BOTH : FINDING_LOSS;
	}
}

/* --- losses --- */

static void
add_loss(struct look *k, const struct circuit *c, uint32_t loss)
{
	const struct life *l = &k->m->lives[loss];
	struct sample s = no_sample;

	s.life = loss;
	s.from_us = l->ended.at_us;
	sample_place(&s, &l->ended);
	for (uint32_t i = 0; i < c->n_lives; i++) {
		const struct life *o = &k->m->lives[c->lives[i]];

		if (o != l && k->m->participants[o->participant].role != k->m->participants[l->participant].role && moment_is_known(&o->ended)
		    && llabs(o->ended.at_us - l->ended.at_us) <= look_tolerance(k->m, l, o)) {
			sample_place(&s, &o->ended);
			s.other = c->lives[i];
		}
	}
	look_add(k, &s, k->kind == FINDING_LOSS_BOTH ? c : NULL);
}

/* What was under way when it ended. */
static void
say_unfinished(struct look *k)
{
	uint64_t partial = 0;
	int64_t unsent = 0;

	for (uint32_t i = 0; i < k->n_kept; i++) {
		const struct life *l = &k->m->lives[k->samples[i].life];

		partial += l->partial_in;
		unsent += MAX(l->unsent, INT64_C(0)) + MAX(l->unacked, INT64_C(0));
	}
	if (partial > 0)
		buf_printf(&k->text, " %" PRIu64 " bytes of messages that never finished had come.", partial);
	if (unsent > 0)
		buf_printf(&k->text, " %" PRId64 " bytes of ours were not sent or not acknowledged.", unsent);
}

static void
say_reset(struct look *k)
{
	say_lives(&k->text, k);
	buf_puts(&k->text, ": RST from the far end of the TCP connection.");
	say_unfinished(k);
	buf_puts(&k->advice, "a process that died or closed with unread data, or a hop that aborts: look at its log at this time.");
}

static void
say_truncated(struct look *k)
{
	say_lives(&k->text, k);
	buf_puts(&k->text, ": FIN without close_notify; something below TLS ended it, not the server's program.");
	say_unfinished(k);
	buf_puts(&k->advice, "look at what handles TCP only: a load balancer, NAT or firewall.");
}

static void
say_ghosts(struct look *k)
{
	for (uint32_t i = 0; i < k->n_kept; i++) {
		const struct life *l = &k->m->lives[k->samples[i].life];

		if (!moment_is_known(&l->ghost))
			continue;
		buf_puts(&k->text, " ");
		say_life(&k->text, k->m, k->samples[i].life);
		buf_puts(&k->text, l->is_ghost_ended ? "'s far end was there for another " : "'s far end had not ended after another ");
		say_duration(&k->text, l->ghost.own_us - l->ended.own_us);
		if (l->ghost_received > 0)
			buf_printf(&k->text, " and sent %" PRIu64 " bytes", l->ghost_received);
		buf_puts(&k->text, ".");
		return;
	}
}

static void
say_zombie(struct look *k)
{
	say_lives(&k->text, k);
	buf_puts(&k->text, ": the far end of the TCP connection acknowledged the ping, and nobody behind it answered.");
	say_ghosts(k);
	buf_puts(&k->advice, "at the hop: end the client's leg when the origin's is gone. A stopped server looks the same: see whether it ran.");
}

static void
say_path_dead(struct look *k)
{
	say_lives(&k->text, k);
	buf_puts(&k->text, ": nothing that was sent was acknowledged any more; the path is dead.");
	say_ghosts(k);
	buf_puts(&k->advice, "pings find it sooner (--ping-interval); a NAT or firewall that forgets quiet connections is kept awake by them.");
}

static void
say_silence(struct look *k)
{
	say_lives(&k->text, k);
	buf_puts(&k->text, ": a ping went unanswered for the whole timeout.");
	say_ghosts(k);
	buf_puts(&k->advice, "log with wsdiag on Linux: it tells a dead path from a silent far side.");
}

static void
say_loss_both(struct look *k)
{
	const struct life *l = &k->m->lives[k->samples[0].life];

	if (k->m->participants[l->participant].resolution_us >= US_PER_S) {
		buf_puts(&k->text, "Same second at both ends.");
	} else {
		say_lives(&k->text, k);
		buf_puts(&k->text, " ended at both ends at once, without a Close");
		say_ending_of_first(k);
		buf_puts(&k->text, ".");
	}
	if (l->is_how_known)
		buf_puts(&k->advice, "something between the ends closed both legs: compare the time with the hops' logs.");
}

static void
say_loss(struct look *k)
{
	say_lives(&k->text, k);
	buf_puts(&k->text, k->m->lives[k->samples[0].life].code == 0 ? " ended without a Close" : " ended behind a Close, before it was answered");
	say_ending_of_first(k);
	buf_puts(&k->text, ".");
	say_unfinished(k);
	buf_puts(&k->advice, "reconnect after it, and compare the time with the logs of the server and of every hop.");
}

static const struct {
	enum finding_kind kind;
	void (*say)(struct look *k);
} loss_rows[] = {
	{ FINDING_RESET, say_reset },
	{ FINDING_TRUNCATED_TLS, say_truncated },
	{ FINDING_ZOMBIE_LEG, say_zombie },
	{ FINDING_PATH_DEAD, say_path_dead },
	{ FINDING_SILENCE, say_silence },
	{ FINDING_LOSS_BOTH, say_loss_both },
	{ FINDING_LOSS, say_loss },
};

void
look_loss(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_circuits; i++) {
		const struct circuit *c = &m->circuits[i];
		uint32_t loss = circuit_is_hidden(m, c) ? NO_INDEX : circuit_loss(m, c);

		if (loss != NO_INDEX && loss_kind(m, c, loss) == k->kind)
			add_loss(k, c, loss);
	}
	for (size_t i = 0; i < ARRAY_LEN(loss_rows) && k->n_samples > 0; i++)
		if (loss_rows[i].kind == k->kind)
			loss_rows[i].say(k);
	look_done(k, CONFIDENCE_CERTAIN);
}

/* --- Close and protocol --- */

void
look_close_timeout(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		struct sample s = no_sample;

		if (l->is_hidden || !moment_is_known(&l->ended) || l->cause != CAUSE_WS_CLOSE_TIMEOUT)
			continue;
		s.life = i;
		s.from_us = l->ended.at_us;
		sample_place(&s, &l->ended);
		look_add(k, &s, NULL);
	}
	if (k->n_samples > 0) {
		say_lives(&k->text, k);
		buf_printf(&k->text, ": the %s's Close was not answered in time.", m->participants[m->lives[k->samples[0].life].participant].name);
		buf_puts(&k->advice, "the far end must answer a Close at once (RFC 6455 5.5.1); a hop may have swallowed it, or the program there is busy.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

void
look_violation(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		struct sample s = no_sample;

		if (l->is_hidden || l->violations == 0)
			continue;
		s.life = i;
		s.from_us = l->violated.at_us;
		sample_place(&s, &l->violated);
		look_add(k, &s, NULL);
	}
	if (k->n_samples > 0) {
		const struct life *l = &m->lives[k->samples[0].life];

		say_lives(&k->text, k);
		buf_printf(&k->text, ": the %s, or a hop, broke ", life_is_downstream(m, l) ? "server" : "client");
		escape_text(&k->text, l->section != NULL ? span_of(l->section) : SPAN_LIT("RFC 6455"), 0);
		buf_puts(&k->text, ": ");
		escape_text(&k->text, span_of(l->rule), 0);
		buf_puts(&k->text, ".");
		buf_puts(&k->advice, "whoever sends this must be changed; a hop that alters frames does so, too.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* Neither a farewell nor a restart. */
static bool
is_error_code(int code)
{
	return code >= CLOSE_PROTOCOL_ERROR && code != CLOSE_NO_STATUS && code != CLOSE_SERVICE_RESTART;
}

void
look_peer_closed(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_lives; i++) {
		const struct life *l = &m->lives[i];
		struct sample s = no_sample;

		if (l->is_hidden || !moment_is_known(&l->ended) || l->by != BY_PEER || !is_error_code(l->code) || l->violations > 0)
			continue;
		/* Once for each connection: as who is nearest to the client got it. */
		if (m->circuits[l->circuit].lives[0] != i)
			continue;
		s.life = i;
		s.from_us = l->ended.at_us;
		sample_place(&s, &l->ended);
		look_add(k, &s, NULL);
	}
	if (k->n_samples > 0) {
		const struct life *l = &m->lives[k->samples[0].life];

		say_lives(&k->text, k);
		buf_puts(&k->text, " closed by the far end: ");
		life_ending(&k->text, l);
		buf_puts(&k->text, ".");
		buf_puts(&k->advice, l->code >= 4000 ? "this code is the application's own: its documentation says what it means."
		    : l->code == CLOSE_POLICY ? "the server rejects the client or what it sent: credentials, origin, rate."
		    : l->code == CLOSE_TOO_BIG ? "send smaller messages, or raise the limit of the server or hop."
		    : l->code == CLOSE_INTERNAL_ERROR ? "an error in the server's program: its log has it." : "see what was sent just before.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}

/* Nobody who ends his side at an EOF can see that the other direction went on; the plan that made it can. */
void
look_half_close(struct look *k)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_injections; i++) {
		const struct injection *x = &m->injections[i];
		struct sample s = no_sample;

		if (x->action == NULL || strstr(x->action, "half-close") == NULL)
			continue;
		for (uint32_t n = 0; n < m->n_lives && s.life == NO_INDEX; n++)
			if (m->lives[n].participant == x->participant && m->lives[n].id == x->conn && x->conn != 0)
				s.life = n;
		if (s.life == NO_INDEX || m->lives[s.life].is_hidden)
			continue;
		s.from_us = x->at.at_us;
		sample_place(&s, &x->at);
		look_add(k, &s, NULL);
	}
	if (k->n_samples > 0) {
		say_lives(&k->text, k);
		buf_puts(&k->text, ": one direction was ended with FIN while the other was still read.");
		buf_puts(&k->advice, "WebSocket has no half-close: who reads EOF before a Close should end the connection, and say 1006.");
	}
	look_done(k, CONFIDENCE_CERTAIN);
}
