/* SPDX-License-Identifier: MIT */
#include "connect/session.h"

#include "cli/exit_status.h"
#include "codec/encode.h"
#include "connect/advice.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RTT_SAMPLES = 1024 };

struct session {
	struct session_options opt;
	const struct session_events *up;
	void *up_arg;
	struct url url;
	struct tls_context *tls;
	char name[32];               /* <run>-1 */
	struct client *client;       /* while dialling */
	struct conn *conn;           /* while open or closing */
	bool is_over, is_paused;
	unsigned redirects;
	char *authorization;
	struct header *headers;      /* without credentials, after a redirect to elsewhere; owned */
	struct header_list header_list;
	int closing_objects;         /* clients and conns whose handles are not closed yet */

	/* For the summary. */
	uint32_t dials, conns, lost;
	int64_t began_us, up_us;
	struct traffic sent, received;
	uint64_t undelivered, received_now;
	int64_t rtts[RTT_SAMPLES];
	size_t n_rtts;
};

static struct loop *
loop_of(const struct session *s)
{
	return s->opt.dial.conn.loop;
}

static struct journal *
journal_of(const struct session *s)
{
	return s->opt.dial.conn.journal;
}

static void
end_with(struct session *s, int status)
{
	s->is_over = true;
	s->up->ended(s->up_arg, status);
}

static void
check_gone(struct session *s)
{
	if (--s->closing_objects == 0 && s->is_over)
		s->up->gone(s->up_arg);
}

/* --- the connection --- */

static void
on_chunk(void *arg, const struct stream_chunk *c)
{
	struct session *s = arg;

	if (c->last)
		s->received_now++;
	s->up->chunk(s->up_arg, c);
}

static void
on_writable(void *arg)
{
	struct session *s = arg;

	s->up->writable(s->up_arg);
}

static void
on_pong(void *arg, int64_t rtt_us)
{
	struct session *s = arg;

	s->rtts[s->n_rtts++ % RTT_SAMPLES] = rtt_us;
}

static void
add_traffic(struct traffic *sum, const struct traffic *t)
{
	sum->messages += t->messages;
	sum->bytes += t->bytes;
}

static void
on_ended(void *arg, enum event_type type, const struct ev_ended *e, bool we_closed_first)
{
	struct session *s = arg;

	s->conn = NULL;
	s->up_us += e->age;
	s->lost += type == EV_LOST;
	add_traffic(&s->sent, &e->sent);
	add_traffic(&s->received, &e->received);
	s->undelivered += (uint64_t)e->unsent + e->partial_out;
	end_with(s, exit_of_end(e, we_closed_first));
}

static void
on_conn_gone(void *arg)
{
	check_gone(arg);
}

static const struct conn_events conn_up = {
	.chunk = on_chunk,
	.writable = on_writable,
	.pong = on_pong,
	.ended = on_ended,
	.gone = on_conn_gone,
};

/* --- dials --- */

static void dial(struct session *s);

static bool
is_credential(struct span name)
{
	return span_eq_ci(name, "Authorization") || span_eq_ci(name, "Cookie") || span_eq_ci(name, "Proxy-Authorization");
}

/* What is meant for one origin does not go to another. */
static void
drop_credentials(struct session *s)
{
	const struct header_list *all = s->opt.dial.headers;
	size_t n = 0;

	s->opt.dial.authorization = NULL;
	s->opt.dial.host = NULL;
	if (all == NULL || all == &s->header_list)
		return;
	s->headers = xcalloc(all->n, sizeof(*s->headers));
	for (size_t i = 0; i < all->n; i++)
		if (!is_credential(all->items[i].name))
			s->headers[n++] = all->items[i];
	s->header_list = (struct header_list){ s->headers, n };
	s->opt.dial.headers = &s->header_list;
}

static bool
same_origin(const struct url *a, const struct url *b)
{
	return a->is_tls == b->is_tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* Made when first needed: loading the system's authorities costs milliseconds. 0 or an exit status. */
static int
need_tls(struct session *s, char **ret_error)
{
	enum tls_fault what;

	if (!s->url.is_tls || s->tls != NULL)
		return 0;
	if (tls_context_new(&s->opt.tls, &s->tls, &what, ret_error) == 0)
		return 0;
	return what == TLS_FAULT_CA ? EXIT_CA_FILE : what == TLS_FAULT_OWN_CERT ? EXIT_OWN_CERT : EXIT_TLS;
}

static void
follow(struct session *s, struct span location)
{
	struct url next;
	char *error CLEANUP(free_charp) = NULL;
	int status;

	if (++s->redirects > s->opt.max_redirects) {
		journal_note(journal_of(s), "more than %u redirects: stopped", s->opt.max_redirects);
		end_with(s, EXIT_REDIRECTS);
		return;
	}
	if (url_resolve(&s->url, location, &next, &error) != 0) {
		journal_note(journal_of(s), "cannot follow the redirect: %s", error);
		end_with(s, EXIT_UPGRADE_INVALID);
		return;
	}
	if (!same_origin(&s->url, &next))
		drop_credentials(s);
	url_deinit(&s->url);
	s->url = next;
	status = need_tls(s, &error);
	if (status != 0) {
		journal_note(journal_of(s), "%s", error);
		end_with(s, status);
		return;
	}
	dial(s);
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void
on_opened(void *arg, struct conn *c)
{
	struct session *s = arg;

	s->client = NULL;
	s->conn = c;
	s->conns++;
	s->up->opened(s->up_arg);
}

static void
on_failed(void *arg, const struct client_failure *f)
{
	struct session *s = arg;

	const char *advice = advice_for(f, &s->url);

	s->client = NULL;
	if (s->opt.follows_redirects && is_redirect(f->status) && f->location.p != NULL) {
		follow(s, f->location);
		return;
	}
	if (advice != NULL)
		journal_note(journal_of(s), "%s", advice);
	end_with(s, exit_of_failure(&f->failure));
}

static void
on_client_gone(void *arg)
{
	check_gone(arg);
}

static const struct client_events client_up = { .opened = on_opened, .failed = on_failed, .gone = on_client_gone };

static void
dial(struct session *s)
{
	s->dials++;
	s->opt.dial.url = &s->url;
	s->opt.dial.tls = s->tls;
	s->opt.dial.conn.id = s->conns + 1;
	s->opt.dial.conn.dial = s->dials;
	s->closing_objects++; /* the client, or the conn it becomes */
	s->client = client_dial(&s->opt.dial, &client_up, s);
}

/* --- the interface --- */

/* user:password@ in the URL, or --auth: Basic authorization (RFC 7617). The option outranks the URL; an Authorization header outranks both. */
static void
authorize(struct session *s)
{
	const char *credentials = s->opt.auth != NULL ? s->opt.auth : s->url.userinfo;
	struct buf value = { 0 };

	if (credentials == NULL)
		return;
	buf_puts(&value, "Basic ");
	encode_base64(&value, credentials, strlen(credentials));
	s->authorization = xstrdup(buf_cstr(&value));
	s->opt.dial.authorization = s->authorization;
	buf_deinit(&value);
}

int
session_new(const struct session_options *opt, const struct session_events *up, void *arg, struct session **ret, char **ret_error)
{
	struct session *s = xcalloc(1, sizeof(*s));
	int status;

	s->opt = *opt;
	s->up = up;
	s->up_arg = arg;
	if (url_parse(opt->url, &s->url, ret_error) != 0) {
		free(s);
		return EXIT_URL;
	}
	status = need_tls(s, ret_error);
	if (status != 0) {
		session_free(s);
		return status;
	}
	snprintf(s->name, sizeof(s->name), "%016" PRIx64 "-1", journal_of(s)->src.run);
	s->opt.dial.conn.session = span_of(s->name);
	s->opt.dial.conn_up = &conn_up;
	s->opt.dial.conn_arg = s;
	authorize(s);
	*ret = s;
	return 0;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	assert(s->closing_objects == 0);
	url_deinit(&s->url);
	tls_context_free(s->tls);
	free(s->authorization);
	free(s->headers);
	free(s);
}

struct span
session_name(const struct session *s)
{
	return span_of(s->name);
}

struct span
session_url(const struct session *s)
{
	return span_of(s->url.text);
}

void
session_start(struct session *s)
{
	s->began_us = clock_mono(loop_of(s)->clock);
	dial(s);
}

bool
session_send(struct session *s, uint8_t opcode, const void *data, size_t n, bool last)
{
	return s->conn != NULL && conn_send(s->conn, opcode, data, n, last);
}

bool
session_is_full(const struct session *s)
{
	return s->conn != NULL && conn_is_full(s->conn);
}

bool
session_is_open(const struct session *s)
{
	return s->conn != NULL && conn_is_open(s->conn);
}

bool
session_is_paused(const struct session *s)
{
	return s->is_paused;
}

uint64_t
session_unsent(const struct session *s)
{
	return s->conn != NULL ? conn_unsent(s->conn) : 0;
}

void
session_pause(struct session *s, bool paused)
{
	s->is_paused = paused;
	if (s->conn != NULL)
		conn_pause(s->conn, paused);
}

void
session_close(struct session *s, int code)
{
	if (s->client != NULL)
		session_abort(s);
	else if (s->conn != NULL)
		conn_close(s->conn, code, SPAN_NONE);
}

void
session_abort(struct session *s)
{
	if (s->client != NULL) {
		struct client *c = s->client;

		s->client = NULL;
		client_cancel(c);
		end_with(s, EXIT_LOST);
	} else if (s->conn != NULL) {
		conn_abort(s->conn, ENDING_INTERRUPTED, TRANSPORT_FIN);
	}
}

uint64_t
session_received(const struct session *s)
{
	return s->received_now;
}

uint64_t
session_undelivered(const struct session *s)
{
	return s->undelivered;
}

static int
compare_us(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void
session_emit_end(struct session *s, int exit_status)
{
	struct event ev = { .type = EV_END, .session = span_of(s->name) };
	size_t n = MIN(s->n_rtts, (size_t)RTT_SAMPLES);

	qsort(s->rtts, n, sizeof(s->rtts[0]), compare_us);
	ev.u.end = (struct ev_end){
		.exit = exit_status,
		.up = s->up_us,
		.total = clock_mono(loop_of(s)->clock) - s->began_us,
		.dials = s->dials,
		.conns = s->conns,
		.lost = s->lost,
		.sent = s->sent,
		.received = s->received,
		.rtt_min = n > 0 ? s->rtts[0] : US_UNKNOWN,
		.rtt_median = n > 0 ? s->rtts[n / 2] : US_UNKNOWN,
		.rtt_max = n > 0 ? s->rtts[n - 1] : US_UNKNOWN,
	};
	journal_emit(journal_of(s), &ev);
}
