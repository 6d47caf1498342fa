/* SPDX-License-Identifier: MIT */
#include "report/pages.h"

#include "base/clock.h"
#include "cli/version.h"
#include "codec/json.h"
#include "codec/url.h"
#include "report/stats.h"

#include <inttypes.h>
#include <stdio.h>

enum { DOCUMENT_VERSION = 1 };

struct document {
	struct json w;
	const struct view *v;
	const struct model *m;
	void (*piece)(void *arg, struct buf *out); /* NULL: all at once */
	void *arg;
};

enum { PIECE = 64 * 1024 };

/* Between two items of a list that may be long. */
static void
hand_over(struct document *d)
{
	if (d->piece != NULL && d->w.out->len >= PIECE)
		d->piece(d->arg, d->w.out);
}

/* --- values --- */

/* As in the log, but for secrets; JSON escapes the rest. */
static void
put_text(struct document *d, const char *key, const char *s)
{
	struct buf clear CLEANUP(buf_deinit) = { 0 };

	json_key(&d->w, key);
	if (s == NULL) {
		json_nil(&d->w);
		return;
	}
	url_redact(&clear, span_of(s));
	json_text(&d->w, buf_span(&clear));
}

static void
put_number(struct document *d, const char *key, uint64_t n)
{
	json_key(&d->w, key);
	json_u64(&d->w, n);
}

/* Where 0 is none. */
static void
put_number_or_null(struct document *d, const char *key, int64_t n)
{
	json_key(&d->w, key);
	if (n == 0)
		json_nil(&d->w);
	else
		json_i64(&d->w, n);
}

static void
put_index(struct document *d, const char *key, uint32_t i)
{
	json_key(&d->w, key);
	if (i == NO_INDEX)
		json_nil(&d->w);
	else
		json_u64(&d->w, i);
}

static void
put_bool(struct document *d, const char *key, bool v)
{
	json_key(&d->w, key);
	json_bool(&d->w, v);
}

static void
put_seconds(struct document *d, const char *key, int64_t us)
{
	json_key(&d->w, key);
	if (us == US_UNKNOWN)
		json_nil(&d->w);
	else
		json_seconds(&d->w, us);
}

/* A time on the report's clock. */
static void
put_time(struct document *d, const char *key, int64_t at_us)
{
	struct buf stamp CLEANUP(buf_deinit) = { 0 };

	json_key(&d->w, key);
	if (at_us == NO_TIME) {
		json_nil(&d->w);
		return;
	}
	view_stamp(&stamp, d->v, at_us);
	json_text(&d->w, buf_span(&stamp));
}

static void
put_place(struct document *d, const struct place *at)
{
	struct buf name CLEANUP(buf_deinit) = { 0 };

	place_name(&name, d->m, at);
	json_text(&d->w, buf_span(&name));
}

/* {"time": ..., "line": "server.log:4"} */
static void
put_moment(struct document *d, const char *key, const struct moment *at)
{
	json_key(&d->w, key);
	if (!moment_is_known(at)) {
		json_nil(&d->w);
		return;
	}
	json_begin(&d->w, '{');
	put_time(d, "time", at->at_us);
	json_key(&d->w, "line");
	if (at->place.line > 0)
		put_place(d, &at->place);
	else
		json_nil(&d->w);
	json_end(&d->w, '}');
}

static void
begin(struct document *d, const char *key, char bracket)
{
	if (key != NULL)
		json_key(&d->w, key);
	json_begin(&d->w, bracket);
}

/* "client c3", "proxy c3 origin" */
static void
put_life_name(struct document *d, const char *key, uint32_t life)
{
	struct buf name CLEANUP(buf_deinit) = { 0 };

	json_key(&d->w, key);
	if (life == NO_INDEX) {
		json_nil(&d->w);
		return;
	}
	view_life(&name, d->m, life);
	json_text(&d->w, buf_span(&name));
}

/* --- what was read --- */

static void
put_trouble(struct document *d, const struct input_trouble *t)
{
	begin(d, "trouble", '{');
	put_number(d, "unreadable", t->unreadable);
	begin(d, "unreadable_lines", '[');
	for (size_t i = 0; i < MIN(t->unreadable, (uint64_t)ARRAY_LEN(t->first_unreadable)); i++)
		json_u64(&d->w, t->first_unreadable[i]);
	json_end(&d->w, ']');
	put_number(d, "unknown_events", t->unknown_events);
	put_number(d, "newer_version", t->newer_version);
	put_number(d, "missing_seq", t->missing_seq);
	put_number(d, "out_of_order", t->out_of_order);
	put_number(d, "restarts", t->restarts);
	put_bool(d, "torn_end", t->torn_end);
	put_bool(d, "no_end", t->no_end);
	json_end(&d->w, '}');
}

static void
put_logs(struct document *d)
{
	begin(d, "logs", '[');
	for (uint32_t i = 0; i < d->m->n_logs; i++) {
		const struct log *log = &d->m->logs[i];

		begin(d, NULL, '{');
		put_text(d, "name", log->name);
		put_text(d, "kind", log->kind);
		put_number(d, "lines", log->counts.lines);
		put_number(d, "events", log->counts.events);
		put_number(d, "messages", log->counts.messages);
		put_bool(d, "date", log->has_date);
		put_bool(d, "zone", log->has_zone);
		put_bool(d, "key", log->has_key);
		put_bool(d, "mono", log->has_mono);
		put_bool(d, "role_guessed", log->role_is_guessed);
		put_seconds(d, "resolution", log->resolution_us);
		put_trouble(d, &log->trouble);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
}

static void
put_spread(struct document *d, const char *key, const struct spread *s)
{
	begin(d, key, '{');
	put_number(d, "samples", s->n);
	put_seconds(d, "min", s->least);
	put_seconds(d, "median", s->median);
	put_seconds(d, "max", s->most);
	json_end(&d->w, '}');
}

static void
put_statistics(struct document *d, uint32_t participant)
{
	const struct participant *p = &d->m->participants[participant];
	struct stats s;

	stats_of(d->m, participant, &s);
	begin(d, "statistics", '{');
	put_number(d, "opened", s.opened);
	put_number(d, "lost", s.lost);
	put_number(d, "failed", s.failed);
	put_number(d, "retries", p->retries);
	put_number(d, "messages_in", p->messages_in);
	put_number(d, "messages_out", p->messages_out);
	put_spread(d, "lifetime", &s.lifetime);
	put_spread(d, "down", &s.down);
	put_seconds(d, "down_total", s.down.n > 0 ? s.down_total : US_UNKNOWN);
	put_spread(d, "silence_before_loss", &s.silence);
	begin(d, "rtt", '{');
	put_number(d, "samples", p->rtts);
	put_seconds(d, "median", s.rtt_median);
	put_seconds(d, "p90", s.rtt_90);
	put_seconds(d, "p99", s.rtt_99);
	json_end(&d->w, '}');
	json_end(&d->w, '}');
}

static void
put_clock(struct document *d, const struct participant *p)
{
	begin(d, "clock", '{');
	put_text(d, "basis", view_basis_name(p->basis));
	json_key(&d->w, "offset");
	json_seconds(&d->w, -p->shift_us);
	put_seconds(d, "uncertainty", p->uncertainty_us);
	put_number(d, "pairs", p->pairs);
	json_end(&d->w, '}');
}

static void
put_participants(struct document *d)
{
	char run[17];

	begin(d, "participants", '[');
	for (uint32_t i = 0; i < d->m->n_participants; i++) {
		const struct participant *p = &d->m->participants[i];

		snprintf(run, sizeof(run), "%016" PRIx64, p->run);
		begin(d, NULL, '{');
		put_text(d, "name", p->name);
		put_text(d, "role", role_name(p->role));
		put_text(d, "log", d->m->logs[p->log].name);
		put_text(d, "run", p->run != 0 ? run : NULL);
		put_text(d, "boot", p->boot);
		put_text(d, "version", p->version);
		put_text(d, "url", p->url);
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

	begin(d, "joining", '{');
	for (int by = JOIN_KEY; by < JOIN_BY_COUNT; by++)
		put_number(d, view_join_name((enum join_by)by), j->by[by]);
	put_number(d, "ambiguous", j->ambiguous);
	put_number(d, "unmatched", j->unmatched);
	json_end(&d->w, '}');
}

static void
put_traffic(struct document *d, const char *key, const struct traffic *t)
{
	begin(d, key, '{');
	put_number(d, "messages", t->messages);
	put_number(d, "bytes", t->bytes);
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
	begin(d, "end", '{');
	put_text(d, "event", l->is_lost ? "lost" : "close");
	put_text(d, "by", l->is_how_known ? party_name(l->by) : NULL);
	put_text(d, "cause", l->is_how_known ? cause_name(l->cause) : NULL);
	put_text(d, "text", buf_cstr(&words));
	put_number_or_null(d, "errno", l->error);
	put_bool(d, "clean", l->is_clean);
	put_number_or_null(d, "code", l->code);
	put_text(d, "reason", l->reason);
	put_number_or_null(d, "close_sent", l->close_sent);
	put_seconds(d, "silent_rx", l->silent_rx);
	put_seconds(d, "silent_tx", l->silent_tx);
	put_seconds(d, "rtt", l->rtt);
	put_traffic(d, "sent", &l->sent);
	put_traffic(d, "received", &l->received);
	put_bool(d, "held", l->is_held);
	json_end(&d->w, '}');
}

static void
put_life(struct document *d, uint32_t life)
{
	const struct life *l = &d->m->lives[life];

	begin(d, NULL, '{');
	put_life_name(d, "name", life);
	put_index(d, "participant", l->participant);
	put_number(d, "conn", l->id);
	put_text(d, "leg", l->leg != LEG_NONE ? leg_name(l->leg) : NULL);
	put_number_or_null(d, "dial", l->dial);
	put_moment(d, "dialled", &l->dialled);
	put_moment(d, "opened", &l->opened);
	put_moment(d, "ended", &l->ended);
	put_moment(d, "ghost", &l->ghost);
	put_bool(d, "end_implied", l->is_end_implied);
	put_seconds(d, "age", life_age(l));
	put_end(d, l);
	put_text(d, "ws_key", l->key[0] != '\0' ? l->key : NULL);
	put_text(d, "url", l->url);
	put_text(d, "peer", l->peer);
	put_text(d, "local", l->local);
	put_text(d, "forwarded_for", l->forwarded_for);
	put_text(d, "hop", l->hop);
	put_text(d, "subprotocol", l->subprotocol);
	put_bool(d, "tls", l->is_tls);
	put_seconds(d, "upgrade", l->upgrade_us);
	json_end(&d->w, '}');
}

static void
put_connections(struct document *d)
{
	begin(d, "connections", '[');
	for (uint32_t i = 0; i < d->m->n_circuits; i++) {
		const struct circuit *c = &d->m->circuits[i];

		if (!view_is_shown(d->m, c))
			continue;
		begin(d, NULL, '{');
		put_index(d, "session", c->story);
		put_text(d, "joined_by", c->by != JOIN_NONE ? view_join_name(c->by) : NULL);
		put_index(d, "failed", c->failed);
		begin(d, "ends", '[');
		for (uint32_t k = 0; k < c->n_lives; k++)
			put_life(d, c->lives[k]);
		json_end(&d->w, ']');
		json_end(&d->w, '}');
		hand_over(d);
	}
	json_end(&d->w, ']');
}

static void
put_sessions(struct document *d)
{
	begin(d, "sessions", '[');
	for (uint32_t i = 0; i < d->m->n_stories; i++) {
		const struct story *s = &d->m->stories[i];

		begin(d, NULL, '{');
		put_text(d, "name", s->name);
		put_index(d, "client", s->participant);
		put_bool(d, "guessed", s->is_guess);
		put_number(d, "connections", s->n_circuits);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
}

/* All of them, in the order that indices count. */
static void
put_failed(struct document *d)
{
	begin(d, "failed", '[');
	for (uint32_t i = 0; i < d->m->n_failed; i++) {
		const struct failed *f = &d->m->failed[i];

		begin(d, NULL, '{');
		put_index(d, "participant", f->participant);
		put_index(d, "session", f->story);
		put_text(d, "event", f->is_reject ? "reject" : "failed");
		put_number_or_null(d, "dial", f->dial);
		put_moment(d, "at", &f->at);
		put_text(d, "stage", stage_name(f->stage));
		put_text(d, "cause", cause_name(f->cause));
		put_number_or_null(d, "status", f->status);
		put_text(d, "text", f->text);
		put_seconds(d, "took", f->took);
		put_text(d, "hop", f->hop);
		put_text(d, "peer", f->peer);
		put_text(d, "local", f->local);
		put_bool(d, "hidden", f->is_hidden);
		json_end(&d->w, '}');
		hand_over(d);
	}
	json_end(&d->w, ']');
}

static void
put_notes(struct document *d)
{
	begin(d, "faults", '[');
	for (uint32_t i = 0; i < d->m->n_injections; i++) {
		const struct injection *x = &d->m->injections[i];

		begin(d, NULL, '{');
		put_index(d, "participant", x->participant);
		put_number_or_null(d, "conn", x->conn);
		put_moment(d, "at", &x->at);
		put_text(d, "plan", x->plan);
		put_number(d, "line", x->line);
		put_text(d, "action", x->action);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
	begin(d, "suspends", '[');
	for (uint32_t i = 0; i < d->m->n_pauses; i++) {
		const struct pause *p = &d->m->pauses[i];

		begin(d, NULL, '{');
		put_index(d, "participant", p->participant);
		put_moment(d, "at", &p->at);
		put_seconds(d, "slept", p->slept);
		put_seconds(d, "stalled", p->stalled);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
}

/* --- what it means --- */

static void
put_sample(struct document *d, const struct sample *s)
{
	begin(d, NULL, '{');
	put_time(d, "from", s->from_us);
	put_time(d, "to", s->to_us);
	put_life_name(d, "connection", s->life);
	put_life_name(d, "other", s->other);
	put_index(d, "failed", s->failed);
	begin(d, "evidence", '[');
	for (size_t i = 0; i < SAMPLE_PLACES_MAX && s->places[i].line > 0; i++)
		put_place(d, &s->places[i]);
	json_end(&d->w, ']');
	json_end(&d->w, '}');
}

static void
put_finding(struct document *d, const struct finding *f)
{
	const struct finding_spec *spec = finding_spec(f->kind);

	begin(d, NULL, '{');
	put_text(d, "name", spec->name);
	put_number_or_null(d, "number", spec->number);
	put_text(d, "meaning", spec->meaning);
	put_text(d, "confidence", confidence_name(f->confidence));
	put_time(d, "from", f->from_us);
	put_time(d, "to", f->to_us);
	put_bool(d, "before", f->is_before);
	put_text(d, "text", f->text);
	put_text(d, "advice", f->advice);
	put_number(d, "n_samples", f->n_samples);
	begin(d, "samples", '[');
	for (uint32_t i = 0; i < f->n_kept; i++)
		put_sample(d, &f->samples[i]);
	json_end(&d->w, ']');
	json_end(&d->w, '}');
}

static void
put_findings(struct document *d)
{
	const struct findings *f = d->v->f;

	begin(d, "findings", '[');
	for (uint32_t i = 0; i < f->n; i++)
		put_finding(d, &f->items[i]);
	json_end(&d->w, ']');
	begin(d, "not_judged", '[');
	for (uint32_t i = 0; i < f->n_unjudged; i++) {
		begin(d, NULL, '{');
		put_text(d, "what", f->unjudged[i].what);
		put_text(d, "why", f->unjudged[i].why);
		json_end(&d->w, '}');
	}
	json_end(&d->w, ']');
	put_text(d, "next", f->next);
}

static void
put_heard(struct document *d)
{
	struct heard_list heard;

	if (d->v->as == NULL)
		return;
	heard_of(d->v, &heard);
	begin(d, "heard", '{');
	put_text(d, "library", d->v->as_name);
	begin(d, "callbacks", '[');
	for (size_t i = 0; i < heard.n; i++) {
		const struct heard *h = &heard.items[i];

		begin(d, NULL, '{');
		put_index(d, "session", h->story);
		put_moment(d, "at", &h->at);
		put_bool(d, "before", h->is_before);
		put_text(d, "event", h->event);
		put_life_name(d, "connection", h->life);
		put_index(d, "failed", h->failed);
		put_text(d, "callback", h->text);
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

	begin(d, "left_out", '{');
	put_number(d, "participants", x->participants);
	put_number(d, "connections", x->lives);
	put_number(d, "failed", x->failed);
	put_number(d, "notes", x->notes);
	put_number(d, "texts", x->texts);
	json_end(&d->w, '}');
}

static void
put_head(struct document *d)
{
	struct buf made CLEANUP(buf_deinit) = { 0 };

	put_number(d, "v", DOCUMENT_VERSION);
	put_text(d, "wsdiag", version_program());
	if (d->v->made_us != NO_TIME)
		clock_format_rfc3339(&made, d->v->made_us);
	put_text(d, "made", made.len > 0 ? buf_cstr(&made) : NULL);
	begin(d, "period", '{');
	put_time(d, "from", d->m->from_us);
	put_time(d, "to", d->m->to_us);
	put_bool(d, "dated", d->m->is_dated);
	put_bool(d, "utc", d->m->is_zoned);
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
