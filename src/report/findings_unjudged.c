/* SPDX-License-Identifier: MIT */
/* What could not be judged, and which log would allow it. Nothing of this is said of a run without losses. */
#include "report/findings.h"

#include "report/model_index.h"

/* What the logs have, and what went wrong, as far as it matters here. */
struct survey {
	bool has_client, has_proxy, has_server;
	bool has_exact;               /* a log of wsdiag's own, of an end or a proxy */
	bool has_inexact;
	bool has_keys;                /* where a replay would show: a server's or an origin leg's */
	bool has_clock;               /* both ends, on clocks that compare */
	uint32_t losses, untold;      /* untold: nobody says how */
	uint32_t reopens;             /* a session's second and later connections */
	bool has_overlap, has_idle, has_lifetime, has_unseen;
};

static void
survey_participants(const struct model *m, struct survey *s)
{
	uint32_t known = 0;

	for (uint32_t i = 0; i < m->n_participants; i++) {
		const struct participant *p = &m->participants[i];

		s->has_client = s->has_client || p->role == ROLE_CLIENT;
		s->has_proxy = s->has_proxy || p->role == ROLE_PROXY;
		s->has_server = s->has_server || p->role == ROLE_SERVER;
		s->has_exact = s->has_exact || p->run != 0;
		s->has_inexact = s->has_inexact || p->run == 0;
		known += p->basis != CLOCK_UNKNOWN;
	}
	s->has_clock = known == m->n_participants;
}

static void
survey_circuits(const struct model *m, struct survey *s)
{
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		const struct circuit *c = &m->circuits[i];
		uint32_t loss = circuit_loss(m, c), client = circuit_life(m, c, ROLE_CLIENT, LEG_NONE, NO_INDEX);
		bool is_implied = client != NO_INDEX && m->lives[client].is_end_implied;

		for (uint32_t k = 0; k < c->n_lives; k++)
			s->has_keys = s->has_keys || (m->lives[c->lives[k]].key[0] != '\0' && m->participants[m->lives[c->lives[k]].participant].role != ROLE_CLIENT);
		s->losses += loss != NO_INDEX || is_implied;
		s->untold += is_implied || (loss != NO_INDEX && !m->lives[loss].is_how_known);
	}
	for (uint32_t i = 0; i < m->n_stories; i++)
		s->reopens += m->stories[i].n_circuits > 1;
}

static void
survey_findings(const struct findings *f, struct survey *s)
{
	for (uint32_t i = 0; i < f->n; i++) {
		s->has_overlap = s->has_overlap || (f->items[i].kind == FINDING_OVERLAP && f->items[i].confidence >= CONFIDENCE_LIKELY);
		s->has_idle = s->has_idle || f->items[i].kind == FINDING_IDLE_TIMEOUT;
		s->has_lifetime = s->has_lifetime || f->items[i].kind == FINDING_LIFETIME_CAP;
		s->has_unseen = s->has_unseen || f->items[i].kind == FINDING_UNSEEN_END;
	}
}

static bool
needs_causes(const struct survey *s)
{
	return s->untold > 0;
}

static bool
needs_samples(const struct survey *s)
{
	return s->losses > 0 && s->losses < 3 && !s->has_idle && !s->has_lifetime;
}

static bool
needs_keys(const struct survey *s)
{
	return !s->has_keys && (s->has_server || s->has_proxy);
}

static bool
needs_server(const struct survey *s)
{
	return !s->has_server && !s->has_proxy && s->losses > 0;
}

static bool
needs_client(const struct survey *s)
{
	return !s->has_client && s->has_server;
}

static bool
needs_clocks(const struct survey *s)
{
	return !s->has_clock;
}

static bool
needs_pings(const struct survey *s)
{
	return s->has_idle;
}

static bool
needs_origin(const struct survey *s)
{
	return s->has_exact && s->losses > s->untold;
}

/* In order; "what" where it is needed, and why it was not possible. */
static const struct {
	bool (*is_needed)(const struct survey *s);
	const char *what, *why;
} rows[] = {
	{ needs_causes, "FIN/RST/Close, hop", "no wsdiag log" },
	{ needs_samples, "idle timeout", "needs 3" },
	{ needs_keys, "replay", "no keys" },
	{ needs_server, "overlap, orphan, unseen end, lost Close", "no log of the server or a proxy" },
	{ needs_client, "unseen end, silent loss", "no log of the client" },
	{ needs_clocks, "order between logs whose clocks cannot be compared", "no connection in common" },
	{ needs_pings, "idle timeout confirmed, and which direction it counts", "wait for wsdiag check" },
	{ needs_origin, "the path or the server (direct against proxied)", "waits for wsdiag check" },
};

static void
add_unjudged(struct findings *f, const char *what, const char *why)
{
	f->unjudged = model_grow(f->unjudged, f->n_unjudged, sizeof(*f->unjudged));
	f->unjudged[f->n_unjudged++] = (struct unjudged){ what, xstrdup(why) };
}

/* No connection and no dial is left to judge: that is not a healthy run. */
static void
look_nothing(const struct model *m, struct findings *f)
{
	uint32_t shown = 0;

	for (uint32_t i = 0; i < m->n_lives; i++)
		shown += !m->lives[i].is_hidden;
	for (uint32_t i = 0; i < m->n_failed; i++)
		shown += !m->failed[i].is_hidden;
	if (shown > 0)
		return;
	if (m->n_lives + m->n_failed > 0) {
		add_unjudged(f, "anything", "--since, --until, --session or --conn leave out all connections");
		f->next = xstrdup("report without them, and see the times and numbers in it.");
	} else {
		add_unjudged(f, "anything", "no line of these logs tells of a connection or a dial");
		f->next = xstrdup("see that they are logs of a WebSocket's client, proxy or server; name a log's kind with --from (`wsdiag report --help`); "
				  "or log with `wsdiag proxy --log p.jsonl` before the app.");
	}
}

static const char *
next_step(const struct survey *s)
{
	if (s->untold > 0 && !s->has_proxy)
		return "put `wsdiag proxy --log p.jsonl` before the app; report again.";
	if (!s->has_server && !s->has_proxy)
		return "log the server's end too (`wsdiag proxy --log p.jsonl` before it, or the server's own log); report both.";
	if (!s->has_client)
		return "log the client's end too (`wsdiag --log c.jsonl`, or the client's own log); report both.";
	return NULL;
}

void
look_unjudged(const struct model *m, struct findings *f)
{
	struct survey s = { 0 };

	if (f->n == 0) {
		look_nothing(m, f);
		return;
	}
	survey_participants(m, &s);
	survey_circuits(m, &s);
	survey_findings(f, &s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].is_needed(&s))
			add_unjudged(f, rows[i].what, rows[i].why);
	const char *next = next_step(&s);
	f->next = next != NULL ? xstrdup(next) : NULL;
}
