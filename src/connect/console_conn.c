/* SPDX-License-Identifier: MIT */
/* console_conn: the commands that open, end and manage connections. */
#include "connect/console_state.h"

#include "codec/close_code.h"

#include <inttypes.h>

enum { ROW_INDENT = 7 };

void
console_open(struct console *c, struct span args)
{
	char *url CLEANUP(free_charp) = NULL, *error CLEANUP(free_charp) = NULL;

	if (session_conn(c->opt.session) != NULL) {
		console_fail(c, "a connection is open already; /reconnect overlap opens another beside it");
		return;
	}
	if (args.n > 0) {
		url = span_dup(args);
		if (session_retarget(c->opt.session, url, &error) != 0) {
			console_fail(c, "%s", error);
			return;
		}
	}
	if (!session_dial(c->opt.session, false))
		console_fail(c, "a dial is under way already");
}

void
console_close_conn(struct console *c, struct span args)
{
	uint64_t code = CLOSE_NORMAL;
	struct span word;

	if (console_word(&args, &word) && (!console_number(word, 4999, &code) || !close_code_is_legal_on_wire((int)code))) {
		console_fail(c, "%.*s is no code that may be sent: 1000-1003, 1007-1014, 3000-4999 (/raw sends anything)", (int)word.n, word.p);
		return;
	}
	switch (session_state(c->opt.session)) {
	case SESSION_OPEN: conn_close(session_conn(c->opt.session), (int)code, args); break;
	case SESSION_DIALLING:
	case SESSION_WAITING: session_close(c->opt.session, CLOSE_NORMAL); break;
	case SESSION_CLOSING: console_fail(c, "/close: the connection is closing; /drop ends it at once"); break;
	case SESSION_IDLE: console_fail(c, "/close: nothing is open; /open dials, /quit leaves"); break;
	}
}

void
console_drop(struct console *c, struct span args)
{
	struct conn *conn = session_conn(c->opt.session);

	if (args.n > 0 && !span_eq(args, "fin") && !span_eq(args, "rst"))
		console_fail(c, "/drop fin, or /drop rst");
	else if (conn == NULL)
		console_fail(c, "/drop: nothing is open; /open dials, /close gives up a dial");
	else
		conn_abort(conn, ENDING_DROPPED, span_eq(args, "rst") ? TRANSPORT_RST : TRANSPORT_FIN);
}

void
console_reconnect(struct console *c, struct span args)
{
	bool ok;

	if (args.n > 0 && !span_eq(args, "overlap")) {
		console_fail(c, "/reconnect, or /reconnect overlap");
		return;
	}
	ok = args.n > 0 ? session_dial(c->opt.session, true) : session_redial(c->opt.session);
	if (!ok)
		console_fail(c, "a dial is under way already");
}

static void
put_status(struct console *c, struct buf *out, const struct conn_status *st, const char *state, bool is_used)
{
	struct buf row CLEANUP(buf_deinit) = { 0 };

	buf_printf(&row, "%c c%-3" PRIu32 " %-8s %s%sage ", is_used ? '*' : ' ', st->id, state, st->peer, st->peer[0] != '\0' ? " " : "");
	clock_format_duration(&row, st->age);
	buf_puts(&row, ", silent in ");
	clock_format_duration(&row, st->silent_rx);
	buf_puts(&row, " out ");
	clock_format_duration(&row, st->silent_tx);
	buf_printf(&row, "; in %" PRIu64 " out %" PRIu64, st->received.messages, st->sent.messages);
	if (st->unsent > 0)
		buf_printf(&row, "; %" PRIu64 " bytes unsent", st->unsent);
	if (st->is_stalled)
		buf_puts(&row, "; stalled");
	console_fold(c, out, buf_span(&row), ROW_INDENT);
}

void
console_conns_list(struct console *c, struct span args UNUSED)
{
	struct conn *conns[CONSOLE_CONNS], *used = session_conn(c->opt.session);
	size_t n = session_conns(c->opt.session, conns, ARRAY_LEN(conns));
	struct conn_status st;
	struct buf out = { 0 };

	for (uint32_t i = c->n_ended > CONSOLE_ENDED ? c->n_ended - CONSOLE_ENDED : 0; i < c->n_ended; i++) {
		const struct console_ended *e = &c->ended[i % CONSOLE_ENDED];

		if (!e->is_held)
			put_status(c, &out, &e->at_end, e->state, false);
	}
	for (size_t i = 0; i < n; i++) {
		conn_get_status(conns[i], &st);
		put_status(c, &out, &st, st.is_closing ? "closing" : "open", conns[i] == used);
	}
	n = session_ghosts(c->opt.session, conns, ARRAY_LEN(conns));
	for (size_t i = 0; i < n; i++) {
		conn_get_status(conns[i], &st);
		put_status(c, &out, &st, "ghost", false);
	}
	if (out.len == 0)
		buf_puts(&out, "nothing has been open yet\n");
	c->up->say(c->up_arg, buf_span(&out));
	buf_deinit(&out);
}

void
console_use(struct console *c, struct span args)
{
	uint64_t id;

	if (args.n > 0 && *args.p == 'c')
		args.p++, args.n--;
	if (!console_number(args, UINT32_MAX, &id) || !session_use(c->opt.session, (uint32_t)id))
		console_fail(c, "no such connection is open; /conns lists them");
}

/* Whether any was stalled. */
static bool
resume_all(struct console *c)
{
	struct conn *conns[CONSOLE_CONNS];
	size_t n = session_conns(c->opt.session, conns, ARRAY_LEN(conns));
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct conn_status st;

		conn_get_status(conns[i], &st);
		any = any || st.is_stalled;
		conn_stall(conns[i], false);
	}
	return any;
}

static void
on_stall_over(uv_timer_t *timer)
{
	struct console *c = timer->data;

	if (resume_all(c))
		console_say(c, "reading again");
}

void
console_stall(struct console *c, struct span args)
{
	int64_t us = 0;

	if (args.n > 0 && !console_seconds(c, args, &us))
		return;
	conn_stall(session_conn(c->opt.session), true);
	uv_timer_stop(&c->stall);
	if (us > 0)
		uv_timer_start(&c->stall, on_stall_over, (uint64_t)(us / US_PER_MS), 0);
	console_say(c, "not reading; /resume reads on");
}

void
console_resume(struct console *c, struct span args UNUSED)
{
	uv_timer_stop(&c->stall);
	if (!resume_all(c))
		console_say(c, "nothing is stalled; /stall stops reading");
}

void
console_pongs(struct console *c, struct span args)
{
	if (!span_eq(args, "on") && !span_eq(args, "off"))
		console_fail(c, "/pongs on, or /pongs off");
	else
		session_set_pongs(c->opt.session, span_eq(args, "on"));
}

void
console_ping_interval(struct console *c, struct span args)
{
	int64_t us = 0;

	if (!span_eq(args, "off") && !console_seconds(c, args, &us))
		return;
	session_set_pings(c->opt.session, us, us > 0 ? 20 * US_PER_S : 0);
}
