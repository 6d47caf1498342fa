/* SPDX-License-Identifier: MIT */
/* console_watch: the console's eye on the journal: what is remembered, shown, and waited for. */
#include "connect/console_state.h"

#include "base/escape.h"
#include "codec/frame.h"

#include <string.h>

/* Without it a pattern looks at what stands before the first NUL. */
#ifndef REG_STARTEND
#define REG_STARTEND 0
#endif

enum { QUOTED_MAX = 60 };
#define SIGN_FOR_NUL "\u2400"

/* --- what is kept --- */

static void
remember(char **ring, size_t size, uint64_t *n, char *item)
{
	char **place = &ring[(*n)++ % size];

	free(*place);
	*place = item;
}

static void
keep_open(struct console *c, const struct ev_opened *o)
{
	buf_clear(&c->headers);
	for (size_t i = 0; i < o->headers.n; i++) {
		escape_text(&c->headers, o->headers.items[i].name, 0);
		buf_puts(&c->headers, ": ");
		escape_text(&c->headers, o->headers.items[i].value, 0);
		buf_putc(&c->headers, '\n');
	}
	buf_clear(&c->tls);
	if (o->tls != NULL) {
		const struct {
			const char *name;
			struct span value;
		} rows[] = { { "version", o->tls->version }, { "cipher", o->tls->cipher }, { "server name", o->tls->sni }, { "subject", o->tls->subject },
			{ "issuer", o->tls->issuer }, { "valid from", o->tls->not_before }, { "valid to", o->tls->not_after }, { "SHA-256", o->tls->sha256 } };

		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			buf_printf(&c->tls, "%-12s ", rows[i].name);
			escape_text(&c->tls, rows[i].value, 0);
			buf_putc(&c->tls, '\n');
		}
		buf_printf(&c->tls, "%-12s %s\n", "verified", o->tls->verified ? "yes" : "no");
	}
	const struct {
		const char *name;
		int64_t us;
	} steps[] = { { "dns", o->timing.dns }, { "tcp", o->timing.tcp }, { "tls", o->timing.tls }, { "upgrade", o->timing.upgrade } };
	buf_clear(&c->timing);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		buf_printf(&c->timing, "%-8s ", steps[i].name);
		if (steps[i].us == US_UNKNOWN)
			buf_puts(&c->timing, "-");
		else
			clock_format_duration(&c->timing, steps[i].us);
		buf_putc(&c->timing, '\n');
	}
}

static void
take_message(struct console *c, const struct event *ev)
{
	const struct ev_message *m = &ev->u.message;
	struct conn *used = session_conn(c->opt.session);
	struct buf text = { 0 };

	if (m->dir == DIR_IN) {
		buf_clear(&c->last);
		buf_append(&c->last, m->data.p, MIN(m->data.n, (size_t)CONSOLE_LAST_MAX));
		c->last_opcode = m->opcode;
		c->last_length = m->length;
		size_t n = MIN(m->data.n, (size_t)CONSOLE_MESSAGE_MAX);

		c->message_len[c->n_messages % CONSOLE_MESSAGES] = n;
		remember(c->messages, CONSOLE_MESSAGES, &c->n_messages, span_dup((struct span){ m->data.p, n }));
	}
	if (c->opt.shows_messages && !(m->dir == DIR_OUT && c->is_typed)) {
		c->display.columns = console_columns(c);
		display_message(&c->display, m, used != NULL && conn_id(used) == ev->conn ? 0 : ev->conn, ev->mono_us, &text);
		if (text.len > 0)
			c->up->say(c->up_arg, buf_span(&text));
		buf_deinit(&text);
	}
}

static void
keep_end(struct console *c, const struct event *ev)
{
	const struct ev_ended *e = &ev->u.ended;

	c->ended[c->n_ended++ % CONSOLE_ENDED] = (struct console_ended){
		.at_end = { .id = ev->conn, .dial = ev->dial, .age = e->age, .silent_rx = e->silent_rx, .silent_tx = e->silent_tx, .sent = e->sent,
		    .received = e->received },
		.state = ev->type == EV_LOST ? "lost" : "closed",
		.is_held = e->held,
	};
}

/* What was a ghost is one no more. */
static void
keep_ghost(struct console *c, uint32_t conn)
{
	for (size_t i = 0; i < ARRAY_LEN(c->ended); i++)
		if (c->ended[i].at_end.id == conn)
			c->ended[i].is_held = false;
}

static void
say_pong(struct console *c, const struct ev_pong *e)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };

	c->has_pinged = false;
	buf_puts(&text, "pong");
	if (e->rtt != US_UNKNOWN) {
		buf_puts(&text, " in ");
		clock_format_duration(&text, e->rtt);
	} else {
		buf_puts(&text, " \"");
		escape_text(&text, e->data, 0);
		buf_putc(&text, '"');
	}
	buf_putc(&text, '\n');
	c->up->say(c->up_arg, buf_span(&text));
}

static void
on_event(struct sink *s, const struct event *ev)
{
	struct console *c = container_of(s, struct console, sink);

	if (ev->type == EV_MESSAGE)
		take_message(c, ev);
	else
		remember(c->events, CONSOLE_EVENTS, &c->n_events, xstrdup(event_name(ev)));
	if (ev->type == EV_OPENED)
		keep_open(c, &ev->u.opened);
	if (ev->type == EV_LOST || ev->type == EV_CLOSE)
		keep_end(c, ev);
	if (ev->type == EV_GHOST)
		keep_ghost(c, ev->conn);
	if (ev->type == EV_PONG && ev->u.pong.dir == DIR_IN && c->has_pinged)
		say_pong(c, &ev->u.pong);
	/* Not from inside an event: what follows may end the connection that tells it. */
	if (c->waiting == WAITING_EVENT || c->waiting == WAITING_MESSAGE)
		loop_defer(c->opt.loop, &c->pump);
}

static void
on_free(struct sink *s)
{
	container_of(s, struct console, sink)->sink.link = (struct list){ 0 };
}

void
console_watch(struct console *c)
{
	c->sink = (struct sink){ .event = on_event, .free = on_free, .wants = EVENT_ALL & ~EVENT_VERBOSE };
	journal_add(c->opt.journal, &c->sink);
}

/* --- waiting --- */

void
console_stop_waiting(struct console *c)
{
	if (c->waiting == WAITING_MESSAGE)
		regfree(&c->pattern);
	c->waiting = WAITING_NOT;
	uv_timer_stop(&c->timer);
}

static const char *
find_event(struct console *c)
{
	uint64_t first = c->n_events > CONSOLE_EVENTS ? c->n_events - CONSOLE_EVENTS : 0;

	for (uint64_t i = MAX(first, c->events_seen); i < c->n_events; i++) {
		c->events_seen = i + 1;
		if (strcmp(c->events[i % CONSOLE_EVENTS], c->awaited) == 0)
			return c->awaited;
	}
	return NULL;
}

static bool
find_message(struct console *c)
{
	uint64_t first = c->n_messages > CONSOLE_MESSAGES ? c->n_messages - CONSOLE_MESSAGES : 0;

	for (uint64_t i = MAX(first, c->messages_seen); i < c->n_messages; i++) {
		regmatch_t all = { .rm_so = 0, .rm_eo = (regoff_t)c->message_len[i % CONSOLE_MESSAGES] };

		c->messages_seen = i + 1;
		if (regexec(&c->pattern, c->messages[i % CONSOLE_MESSAGES], 1, &all, REG_STARTEND) == 0)
			return true;
	}
	return false;
}

void
console_check(struct console *c)
{
	if ((c->waiting == WAITING_EVENT && find_event(c) != NULL) || (c->waiting == WAITING_MESSAGE && find_message(c))) {
		console_stop_waiting(c);
		loop_defer(c->opt.loop, &c->pump);
	}
}

/* The last message as far as it is quoted; a NUL would end it. */
static char *
last_message(const struct console *c)
{
	uint64_t last = (c->n_messages - 1) % CONSOLE_MESSAGES;
	size_t n = MIN(c->message_len[last], (size_t)QUOTED_MAX);
	struct buf text = { 0 };

	for (size_t i = 0; i < n; i++)
		if (c->messages[last][i] == '\0')
			buf_puts(&text, SIGN_FOR_NUL);
		else
			buf_putc(&text, c->messages[last][i]);
	char *copy = xstrdup(buf_cstr(&text));
	buf_deinit(&text);
	return copy;
}

static void
on_timer(uv_timer_t *timer)
{
	struct console *c = timer->data;
	enum waiting what = c->waiting;
	char *last CLEANUP(free_charp) = NULL;

	if (what == WAITING_SLEEP) {
		console_stop_waiting(c);
		loop_defer(c->opt.loop, &c->pump);
		return;
	}
	if (what == WAITING_EVENT && c->n_events > 0)
		last = xstrdup(c->events[(c->n_events - 1) % CONSOLE_EVENTS]);
	else if (what == WAITING_MESSAGE && c->n_messages > 0)
		last = last_message(c);
	console_fail(c, "%s \"%s\" did not come in time; %s%s%s", what == WAITING_EVENT ? "/wait: the event" : "/expect: a message that matches",
	    c->awaited, last != NULL ? "the last that came was \"" : "nothing came", last != NULL ? last : "", last != NULL ? "\"" : "");
	loop_defer(c->opt.loop, &c->pump);
}

void
console_wait(struct console *c, enum waiting what, int64_t timeout_us)
{
	c->waiting = what;
	uv_timer_start(&c->timer, on_timer, (uint64_t)(timeout_us / US_PER_MS), 0);
	console_check(c);
}
