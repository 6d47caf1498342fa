/* SPDX-License-Identifier: MIT */
#include "connect/session_state.h"

#include "cli/exit_status.h"
#include "codec/close_code.h"

struct conn *
session_conn(const struct session *s)
{
	return s->current != NULL ? s->current->conn : NULL;
}

static bool
is_waiting(const struct session *s)
{
	return uv_is_active((const uv_handle_t *)&s->retry);
}

enum session_state
session_state(const struct session *s)
{
	if (s->client != NULL && s->current == NULL)
		return SESSION_DIALLING;
	if (is_waiting(s))
		return SESSION_WAITING;
	if (s->current == NULL)
		return SESSION_IDLE;
	return conn_is_open(s->current->conn) ? SESSION_OPEN : SESSION_CLOSING;
}

int64_t
session_retry_in_us(const struct session *s)
{
	return is_waiting(s) ? MAX(s->retry_due_us - session_now(s), INT64_C(0)) : US_UNKNOWN;
}

bool
session_dial(struct session *s, bool beside)
{
	if (s->is_over || s->client != NULL || (s->current != NULL && !beside))
		return false;
	uv_timer_stop(&s->retry);
	s->is_closing = false;
	target_reset(&s->target);
	session_start_dial(s);
	return true;
}

int
session_retarget(struct session *s, const char *url, char **ret_error)
{
	struct session_options opt = s->opt;
	struct target target;
	int status;

	opt.url = url;
	if (target_init(&target, &opt, ret_error) != 0)
		return EXIT_URL;
	target_deinit(&target);
	free(s->given_url);
	s->given_url = xstrdup(url);
	s->opt.url = s->given_url;
	target_deinit(&s->target);
	status = target_init(&s->target, &s->opt, ret_error) == 0 ? session_need_tls(s, ret_error) : EXIT_URL;
	return status;
}

bool
session_redial(struct session *s)
{
	struct conn *c = session_conn(s);

	if (c == NULL)
		return session_dial(s, false);
	if (s->client != NULL)
		return false;
	s->redials = true;
	conn_close(c, CLOSE_NORMAL, SPAN_NONE);
	return true;
}

void
session_set_pongs(struct session *s, bool answered)
{
	s->opt.dial.conn.no_pong = !answered;
	for (struct list *l = s->bonds.next; l != &s->bonds; l = l->next)
		conn_set_pongs(container_of(l, struct bond, link)->conn, answered);
}

void
session_set_pings(struct session *s, int64_t interval_us, int64_t timeout_us)
{
	s->opt.dial.conn.ping_interval_us = interval_us;
	s->opt.dial.conn.ping_timeout_us = timeout_us;
	for (struct list *l = s->bonds.next; l != &s->bonds; l = l->next)
		conn_set_pings(container_of(l, struct bond, link)->conn, interval_us, timeout_us);
}

bool
session_use(struct session *s, uint32_t id)
{
	for (struct list *l = s->bonds.next; l != &s->bonds; l = l->next) {
		struct bond *b = container_of(l, struct bond, link);

		if (conn_id(b->conn) == id) {
			s->current = b;
			return true;
		}
	}
	return false;
}

size_t
session_conns(const struct session *s, struct conn **ret, size_t max)
{
	size_t n = 0;

	for (struct list *l = s->bonds.next; l != &s->bonds && n < max; l = l->next)
		ret[n++] = container_of(l, struct bond, link)->conn;
	return n;
}

size_t
session_ghosts(const struct session *s, struct conn **ret, size_t max)
{
	size_t n = 0;

	for (struct list *l = s->ghosts.next; l != &s->ghosts && n < max; l = l->next)
		ret[n++] = container_of(l, struct bond, link)->conn;
	return n;
}

void
session_quit(struct session *s)
{
	s->opt.stays = false;
	session_end_all(s, CLOSE_NORMAL, false);
}
