/* SPDX-License-Identifier: MIT */
#include "report/pages.h"

#include "base/clock.h"
#include "cli/version.h"
#include "report/json_document.h"
#include "report/stats.h"

#include <inttypes.h>
#include <stdio.h>

enum { DOCUMENT_VERSION = 1 };

/* --- what was read --- */

static void
put_trouble(struct document *d, const struct input_trouble *t)
{
	doc_begin(d, "trouble", '{');
	doc_number(d, "unreadable", t->unreadable);
	doc_begin(d, "unreadable_lines", '[');
	for (size_t i = 0; i < MIN(t->unreadable, (uint64_t)ARRAY_LEN(t->first_unreadable)); i++)
		json_u64(&d->w, t->first_unreadable[i]);
	json_end(&d->w, ']');
	doc_number(d, "unknown_events", t->unknown_events);
	doc_number(d, "newer_version", t->newer_version);
	doc_number(d, "missing_seq", t->missing_seq);
	doc_number(d, "out_of_order", t->out_of_order);
	doc_number(d, "restarts", t->restarts);
	doc_bool(d, "torn_end", t->torn_end);
	doc_bool(d, "no_end", t->no_end);
	json_end(&d->w, '}');
}

static void
put_logs(struct document *d)
{
	doc_begin(d, "logs", '[');
	for (uint32_t i = 0; i < d->m->n_logs; i++) {
		const struct log *log = &d->m->logs[i];

		doc_begin(d, NULL, '{');
		doc_text(d, "name", log->name);
		doc_text(d, "kind", log->kind);
		doc_number(d, "lines", log->counts.lines);
		doc_number(d, "events", log->counts.events);
		doc_number(d, "messages", log->counts.messages);
		doc_bool(d, "date", log->has_date);
		doc_bool(d, "zone", log->has_zone);
		doc_bool(d, "key", log->has_key);
		doc_bool(d, "mono", log->has_mono);
		doc_bool(d, "role_guessed", log->role_is_guessed);
		doc_seconds(d, "resolution", log->resolution_us);
		put_trouble(d, &log->trouble);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
}

static void
put_spread(struct document *d, const char *key, const struct spread *s)
{
	doc_begin(d, key, '{');
	doc_number(d, "samples", s->n);
	doc_seconds(d, "min", s->least);
	doc_seconds(d, "median", s->median);
	doc_seconds(d, "max", s->most);
	json_end(&d->w, '}');
}

static void
put_statistics(struct document *d, uint32_t participant)
{
	const struct participant *p = &d->m->participants[participant];
	struct stats s;

	stats_of(d->m, participant, &s);
	doc_begin(d, "statistics", '{');
	doc_number(d, "opened", s.opened);
	doc_number(d, "lost", s.lost);
	doc_number(d, "failed", s.failed);
	doc_number(d, "retries", p->retries);
	doc_number(d, "messages_in", p->messages_in);
	doc_number(d, "messages_out", p->messages_out);
	put_spread(d, "lifetime", &s.lifetime);
	put_spread(d, "down", &s.down);
	doc_seconds(d, "down_total", s.down.n > 0 ? s.down_total : US_UNKNOWN);
	put_spread(d, "silence_before_loss", &s.silence);
	doc_begin(d, "rtt", '{');
	doc_number(d, "samples", p->rtts);
	doc_seconds(d, "median", s.rtt_median);
	doc_seconds(d, "p90", s.rtt_90);
	doc_seconds(d, "p99", s.rtt_99);
	json_end(&d->w, '}');
	json_end(&d->w, '}');
}

static void
put_clock(struct document *d, const struct participant *p)
{
	doc_begin(d, "clock", '{');
	doc_text(d, "basis", view_basis_name(p->basis));
	json_key(&d->w, "offset");
	json_seconds(&d->w, -p->shift_us);
	doc_seconds(d, "uncertainty", p->uncertainty_us);
	doc_number(d, "pairs", p->pairs);
	json_end(&d->w, '}');
}

static void
put_participants(struct document *d)
{
	char run[17];

	doc_begin(d, "participants", '[');
	for (uint32_t i = 0; i < d->m->n_participants; i++) {
		const struct participant *p = &d->m->participants[i];

		snprintf(run, sizeof(run), "%016" PRIx64, p->run);
		doc_begin(d, NULL, '{');
		doc_text(d, "name", p->name);
		doc_text(d, "role", role_name(p->role));
		doc_text(d, "log", d->m->logs[p->log].name);
		doc_text(d, "run", p->run != 0 ? run : NULL);
		doc_text(d, "boot", p->boot);
		doc_text(d, "version", p->version);
		doc_text(d, "url", p->url);
		put_clock(d, p);
		put_statistics(d, i);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
}

/* --- what belongs together --- */

static void
put_joining(struct document *d)
{
	const struct joining *j = &d->m->joining;

	doc_begin(d, "joining", '{');
	for (int by = JOIN_KEY; by < JOIN_BY_COUNT; by++)
		doc_number(d, view_join_name((enum join_by)by), j->by[by]);
	doc_number(d, "ambiguous", j->ambiguous);
	doc_number(d, "unmatched", j->unmatched);
	json_end(&d->w, '}');
}

static void
put_traffic(struct document *d, const char *key, const struct traffic *t)
{
	doc_begin(d, key, '{');
	doc_number(d, "messages", t->messages);
	doc_number(d, "bytes", t->bytes);
	json_end(&d->w, '}');
}

/* How it ended. Of an end that no line tells, null. */
static void
put_end(struct document *d, const struct life *l)
{
	struct buf words CLEANUP(buf_deinit) = { 0 };

	if (!moment_is_known(&l->ended)) {
		json_key(&d->w, "end");
		json_nil(&d->w);
		return;
	}
	life_ending(&words, l);
	doc_begin(d, "end", '{');
	doc_text(d, "event", l->is_lost ? "lost" : "close");
	doc_text(d, "by", l->is_how_known ? party_name(l->by) : NULL);
	doc_text(d, "cause", l->is_how_known ? cause_name(l->cause) : NULL);
	doc_text(d, "text", buf_cstr(&words));
	doc_number_or_null(d, "errno", l->error);
	doc_bool(d, "clean", l->is_clean);
	doc_number_or_null(d, "code", l->code);
	doc_text(d, "reason", l->reason);
	doc_number_or_null(d, "close_sent", l->close_sent);
	doc_seconds(d, "silent_rx", l->silent_rx);
	doc_seconds(d, "silent_tx", l->silent_tx);
	doc_seconds(d, "rtt", l->rtt);
	put_traffic(d, "sent", &l->sent);
	put_traffic(d, "received", &l->received);
	doc_bool(d, "held", l->is_held);
	json_end(&d->w, '}');
}

static void
put_life(struct document *d, uint32_t life)
{
	const struct life *l = &d->m->lives[life];

	doc_begin(d, NULL, '{');
	doc_life_name(d, "name", life);
	doc_index(d, "participant", l->participant);
	doc_number(d, "conn", l->id);
	doc_text(d, "leg", l->leg != LEG_NONE ? leg_name(l->leg) : NULL);
	doc_number_or_null(d, "dial", l->dial);
	doc_moment(d, "dialled", &l->dialled);
	doc_moment(d, "opened", &l->opened);
	doc_moment(d, "ended", &l->ended);
	doc_moment(d, "ghost", &l->ghost);
	doc_bool(d, "end_implied", l->is_end_implied);
	doc_seconds(d, "age", life_age(l));
	put_end(d, l);
	doc_text(d, "ws_key", l->key[0] != '\0' ? l->key : NULL);
	doc_text(d, "url", l->url);
	doc_text(d, "peer", l->peer);
	doc_text(d, "local", l->local);
	doc_text(d, "forwarded_for", l->forwarded_for);
	doc_text(d, "hop", l->hop);
	doc_text(d, "subprotocol", l->subprotocol);
	doc_bool(d, "tls", l->is_tls);
	doc_seconds(d, "upgrade", l->upgrade_us);
	json_end(&d->w, '}');
}

static void
put_connections(struct document *d)
{
	doc_begin(d, "connections", '[');
	for (uint32_t i = 0; i < d->m->n_circuits; i++) {
		const struct circuit *c = &d->m->circuits[i];

		if (!view_is_shown(d->m, c))
			continue;
		doc_begin(d, NULL, '{');
		doc_index(d, "session", c->story);
		doc_text(d, "joined_by", c->by != JOIN_NONE ? view_join_name(c->by) : NULL);
		doc_index(d, "failed", c->failed);
		doc_begin(d, "ends", '[');
		for (uint32_t k = 0; k < c->n_lives; k++)
			put_life(d, c->lives[k]);
		json_end(&d->w, ']');
		json_end(&d->w, '}');
		doc_hand_over(d);
	}
	json_end(&d->w, ']');
}

static void
put_sessions(struct document *d)
{
	doc_begin(d, "sessions", '[');
	for (uint32_t i = 0; i < d->m->n_stories; i++) {
		const struct story *s = &d->m->stories[i];

		doc_begin(d, NULL, '{');
		doc_text(d, "name", s->name);
		doc_index(d, "client", s->participant);
		doc_bool(d, "guessed", s->is_guess);
		doc_number(d, "connections", s->n_circuits);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
}

/* All of them, in the order that indices count. */
static void
put_failed(struct document *d)
{
	doc_begin(d, "failed", '[');
	for (uint32_t i = 0; i < d->m->n_failed; i++) {
		const struct failed *f = &d->m->failed[i];

		doc_begin(d, NULL, '{');
		doc_index(d, "participant", f->participant);
		doc_index(d, "session", f->story);
		doc_text(d, "event", f->is_reject ? "reject" : "failed");
		doc_number_or_null(d, "dial", f->dial);
		doc_moment(d, "at", &f->at);
		doc_text(d, "stage", stage_name(f->stage));
		doc_text(d, "cause", cause_name(f->cause));
		doc_number_or_null(d, "status", f->status);
		doc_text(d, "text", f->text);
		doc_seconds(d, "took", f->took);
		doc_text(d, "hop", f->hop);
		doc_text(d, "peer", f->peer);
		doc_text(d, "local", f->local);
		doc_bool(d, "hidden", f->is_hidden);
		json_end(&d->w, '}');
		doc_hand_over(d);
	}
	json_end(&d->w, ']');
}

static void
put_notes(struct document *d)
{
	doc_begin(d, "faults", '[');
	for (uint32_t i = 0; i < d->m->n_injections; i++) {
		const struct injection *x = &d->m->injections[i];

		doc_begin(d, NULL, '{');
		doc_index(d, "participant", x->participant);
		doc_number_or_null(d, "conn", x->conn);
		doc_moment(d, "at", &x->at);
		doc_text(d, "plan", x->plan);
		doc_number(d, "line", x->line);
		doc_text(d, "action", x->action);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
	doc_begin(d, "suspends", '[');
	for (uint32_t i = 0; i < d->m->n_pauses; i++) {
		const struct pause *p = &d->m->pauses[i];

		doc_begin(d, NULL, '{');
		doc_index(d, "participant", p->participant);
		doc_moment(d, "at", &p->at);
		doc_seconds(d, "slept", p->slept);
		doc_seconds(d, "stalled", p->stalled);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
}

/* --- what it means --- */

static void
put_sample(struct document *d, const struct sample *s)
{
	doc_begin(d, NULL, '{');
	doc_time(d, "from", s->from_us);
	doc_time(d, "to", s->to_us);
	doc_life_name(d, "connection", s->life);
	doc_life_name(d, "other", s->other);
	doc_index(d, "failed", s->failed);
	doc_begin(d, "evidence", '[');
	for (size_t i = 0; i < SAMPLE_PLACES_MAX && s->places[i].line > 0; i++)
		doc_place(d, &s->places[i]);
	json_end(&d->w, ']');
	json_end(&d->w, '}');
}

static void
put_finding(struct document *d, const struct finding *f)
{
	const struct finding_spec *spec = finding_spec(f->kind);

	doc_begin(d, NULL, '{');
	doc_text(d, "name", spec->name);
	doc_number_or_null(d, "number", spec->number);
	doc_text(d, "meaning", spec->meaning);
	doc_text(d, "confidence", confidence_name(f->confidence));
	doc_time(d, "from", f->from_us);
	doc_time(d, "to", f->to_us);
	doc_bool(d, "before", f->is_before);
	doc_text(d, "text", f->text);
	doc_text(d, "advice", f->advice);
	doc_number(d, "n_samples", f->n_samples);
	doc_begin(d, "samples", '[');
	for (uint32_t i = 0; i < f->n_kept; i++)
		put_sample(d, &f->samples[i]);
	json_end(&d->w, ']');
	json_end(&d->w, '}');
}

static void
put_findings(struct document *d)
{
	const struct findings *f = d->v->f;

	doc_begin(d, "findings", '[');
	for (uint32_t i = 0; i < f->n; i++)
		put_finding(d, &f->items[i]);
	json_end(&d->w, ']');
	doc_begin(d, "not_judged", '[');
	for (uint32_t i = 0; i < f->n_unjudged; i++) {
		doc_begin(d, NULL, '{');
		doc_text(d, "what", f->unjudged[i].what);
		doc_text(d, "why", f->unjudged[i].why);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
	doc_text(d, "next", f->next);
}

static void
put_heard(struct document *d)
{
	struct heard_list heard;

	if (d->v->as == NULL)
		return;
	heard_of(d->v, &heard);
	doc_begin(d, "heard", '{');
	doc_text(d, "library", d->v->as_name);
	doc_begin(d, "callbacks", '[');
	for (size_t i = 0; i < heard.n; i++) {
		const struct heard *h = &heard.items[i];

		doc_begin(d, NULL, '{');
		doc_index(d, "session", h->story);
		doc_moment(d, "at", &h->at);
		doc_bool(d, "before", h->is_before);
		doc_text(d, "event", h->event);
		doc_life_name(d, "connection", h->life);
		doc_index(d, "failed", h->failed);
		doc_text(d, "callback", h->text);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
	json_end(&d->w, '}');
	heard_free(&heard);
}

static void
put_left_out(struct document *d)
{
	const struct model_excess *x = &d->m->excess;

	doc_begin(d, "left_out", '{');
	doc_number(d, "participants", x->participants);
	doc_number(d, "connections", x->lives);
	doc_number(d, "failed", x->failed);
	doc_number(d, "notes", x->notes);
	doc_number(d, "texts", x->texts);
	json_end(&d->w, '}');
}

static void
put_head(struct document *d)
{
	struct buf made CLEANUP(buf_deinit) = { 0 };

	doc_number(d, "v", DOCUMENT_VERSION);
	doc_text(d, "wsdiag", version_program());
	if (d->v->made_us != NO_TIME)
		clock_format_rfc3339(&made, d->v->made_us);
	doc_text(d, "made", made.len > 0 ? buf_cstr(&made) : NULL);
	doc_begin(d, "period", '{');
	doc_time(d, "from", d->m->from_us);
	doc_time(d, "to", d->m->to_us);
	doc_bool(d, "dated", d->m->is_dated);
	doc_bool(d, "utc", d->m->is_zoned);
	json_end(&d->w, '}');
}

void
page_json(struct buf *out, const struct view *v)
{
	page_json_pieces(out, v, NULL, NULL);
}

void
page_json_pieces(struct buf *out, const struct view *v, void (*piece)(void *arg, struct buf *out), void *arg)
{
	struct document d = { .w = json_on(out), .v = v, .m = v->m, .piece = piece, .arg = arg };

	json_begin(&d.w, '{');
	put_head(&d);
	put_findings(&d);
	put_heard(&d);
	put_logs(&d);
	put_participants(&d);
	put_joining(&d);
	put_sessions(&d);
	put_connections(&d);
	put_failed(&d);
	put_notes(&d);
	put_left_out(&d);
	json_end(&d.w, '}');
	buf_putc(out, '\n');
}
