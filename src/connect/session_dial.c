/* SPDX-License-Identifier: MIT */
/* session_dial: a session's dials: redirects, what a failure leads to, and when the next one is due. */
#include "connect/session_state.h"

#include "cli/exit_status.h"
#include "connect/advice.h"

#include <errno.h>

/* --- dialling again --- */

static void
on_retry(uv_timer_t *timer)
{
	struct session *s = timer->data;

	target_reset(&s->target);
	session_start_dial(s);
}

void
session_give_up(struct session *s, const char *why)
{
	struct event ev = { .type = EV_GIVEUP, .session = span_of(s->name) };

	ev.u.giveup = (struct ev_giveup){ .text = span_of(why), .failures = s->failures };
	journal_emit(session_journal(s), &ev);
}

void
session_schedule(struct session *s, int64_t retry_after_us)
{
	struct event ev = { .type = EV_RETRY, .session = span_of(s->name), .dial = s->sum.dials + 1 };
	int64_t delay = policy_delay(&s->opt.policy, s->step++, retry_after_us, session_loop(s)->rng);

	ev.u.retry = (struct ev_retry){ .delay = delay, .failures = s->failures };
	journal_emit(session_journal(s), &ev);
	s->retry_due_us = session_now(s) + delay;
	uv_timer_start(&s->retry, on_retry, (uint64_t)(delay / US_PER_MS), 0);
}

/* --- dials --- */

int
session_need_tls(struct session *s, char **ret_error)
{
	enum tls_fault what;

	if (!target_url(&s->target)->is_tls || s->tls != NULL)
		return 0;
	if (tls_context_new(&s->opt.tls, &s->tls, &what, ret_error) == 0)
		return 0;
	return what == TLS_FAULT_CA ? EXIT_CA_FILE : what == TLS_FAULT_OWN_CERT ? EXIT_OWN_CERT : EXIT_TLS;
}

static void
follow(struct session *s, struct span location)
{
	char *error CLEANUP(free_charp) = NULL;
	int err = target_follow(&s->target, location, &error), status = 0;

	s->sum.failed++; /* the dial, but no failure of the session's */
	if (err == -ELOOP) {
		status = EXIT_REDIRECTS;
		journal_note(session_journal(s), "more than %u redirects: stopped", s->opt.max_redirects);
	} else if (err != 0) {
		status = EXIT_UPGRADE_INVALID;
		journal_note(session_journal(s), "cannot follow the redirect: %s", error);
	} else if ((status = session_need_tls(s, &error)) != 0) {
		journal_note(session_journal(s), "%s", error);
	}
	if (status == 0) {
		session_start_dial(s);
		return;
	}
	if (s->current != NULL)
		return; /* the connection that is open goes on */
	if (s->opt.policy.enabled && !s->opt.policy.not_first)
		session_give_up(s, "the redirect cannot be followed");
	session_end_with(s, status);
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool
on_resend(void *arg, uint8_t opcode, struct span data, bool last, uint64_t *ret_position)
{
	struct conn *c = ((struct session *)arg)->current->conn;

	if (!conn_send(c, opcode, data.p, data.n, last))
		return false;
	*ret_position = conn_queued(c);
	return true;
}

/* The newest connection is the one to send on; what waits goes out on it, unless an older one has it. */
static void
on_opened(void *arg, struct conn *c)
{
	struct session *s = arg;
	struct bond *b = steal(&s->dialling), *older = s->current;
	bool again = s->sum.conns > 0;

	s->client = NULL;
	s->failures = 0;
	b->conn = c;
	list_append(&s->bonds, &b->link);
	s->current = b;
	summary_add_open(&s->sum, session_now(s));
	if (older != NULL) {
		outbox_handed(&s->outbox, conn_queued(older->conn));
		conn_pause(older->conn, false);
	}
	s->up->opened(s->up_arg, again);
	if (s->current != b)
		return; /* aborted from inside */
	outbox_resend(&s->outbox, on_resend, s);
	s->up->writable(s->up_arg);
}

static void
on_failed(void *arg, const struct client_failure *f)
{
	struct session *s = arg;
	const char *advice = advice_for(f, target_url(&s->target)), *why;

	s->client = NULL;
	free(steal(&s->dialling));
	if (s->opt.follows_redirects && is_redirect(f->status) && f->location.p != NULL) {
		follow(s, f->location);
		return;
	}
	s->sum.failed++;
	s->failures++;
	if (s->current != NULL)
		return; /* the connection that is open goes on */
	s->status = exit_of_failure(&f->failure);
	if (!(s->opt.policy.not_first && s->sum.conns == 0) && policy_after_failure(&s->opt.policy, &f->failure, f->status, s->failures, &why)) {
		session_schedule(s, policy_retry_after(f->retry_after, clock_wall(session_loop(s)->clock)));
		return;
	}
	if (advice != NULL)
		journal_note(session_journal(s), "%s", advice);
	if (s->opt.policy.enabled && !s->opt.policy.not_first)
		session_give_up(s, why);
	session_end_with(s, s->status);
}

static void
on_client_gone(void *arg)
{
	session_release(arg);
}

static const struct client_events client_up = { .opened = on_opened, .failed = on_failed, .gone = on_client_gone };

void
session_start_dial(struct session *s)
{
	struct client_options opt = s->opt.dial;

	s->sum.dials++;
	s->dialling = xcalloc(1, sizeof(*s->dialling));
	s->dialling->session = s;
	target_aim(&s->target, s->name, s->sum.dials, &opt);
	opt.tls = s->tls;
	opt.conn.id = s->sum.conns + 1;
	opt.conn.dial = s->sum.dials;
	opt.conn.session = span_of(s->name);
	opt.conn_up = &session_conn_up;
	opt.conn_arg = s->dialling;
	opt.down_us = s->sum.down_since_us > 0 ? session_now(s) - s->sum.down_since_us : US_UNKNOWN;
	opt.failed = s->sum.conns > 0 ? s->failures : 0;
	s->open_objects++; /* the client, or the conn it becomes */
	s->client = client_dial(&opt, &client_up, s);
}
