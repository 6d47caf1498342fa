/* SPDX-License-Identifier: MIT */
#include "connect/console_state.h"

#include "base/escape.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "codec/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SOURCE_MAX = 4 * 1024 * 1024 };

/* Without it a pattern looks at what stands before the first NUL. */
#ifndef REG_STARTEND
#define REG_STARTEND 0
#endif

/* --- what it says --- */

void
console_say(struct console *c, const char *fmt, ...)
{
	char *text CLEANUP(free_charp) = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	c->up->say(c->up_arg, span_of(text));
}

static void
drop_lines(struct console *c, bool only_scripts)
{
	struct list *next;

	for (struct list *l = c->lines.next; l != &c->lines; l = next) {
		struct console_line *line = container_of(l, struct console_line, link);

		next = l->next;
		if (only_scripts && !line->is_script)
			continue;
		list_remove(l);
		free(line);
	}
}

static void
stop_waiting(struct console *c)
{
	if (c->waiting == WAITING_MESSAGE)
		regfree(&c->pattern);
	c->waiting = WAITING_NOT;
	uv_timer_stop(&c->timer);
}

void
console_fail(struct console *c, const char *fmt, ...)
{
	char *text CLEANUP(free_charp) = NULL;
	bool is_expectation = c->waiting == WAITING_EVENT || c->waiting == WAITING_MESSAGE;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	stop_waiting(c);
	drop_lines(c, true);
	c->up->failed(c->up_arg, text, is_expectation);
}

/* --- what it sees --- */

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

/* --- waiting --- */

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
		stop_waiting(c);
		loop_defer(c->opt.loop, &c->pump);
	}
}

static void
on_timer(uv_timer_t *timer)
{
	struct console *c = timer->data;
	enum waiting what = c->waiting;
	uint64_t came = what == WAITING_EVENT ? c->n_events : c->n_messages;
	const char *last = NULL;

	if (what == WAITING_SLEEP) {
		stop_waiting(c);
		loop_defer(c->opt.loop, &c->pump);
		return;
	}
	if (came > 0)
		last = what == WAITING_EVENT ? c->events[(came - 1) % CONSOLE_EVENTS] : c->messages[(came - 1) % CONSOLE_MESSAGES];
	console_fail(c, "%s \"%s\" did not come in time; %s%.60s%s", what == WAITING_EVENT ? "/wait: the event" : "/expect: a message that matches",
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

/* --- lines --- */

void
console_send_text(struct console *c, struct span text)
{
	if (!utf8_is_valid(text))
		console_fail(c, "this is not UTF-8, which a text message must be; /binary HEX sends bytes");
	else if (!session_send(c->opt.session, OP_TEXT, text.p, text.n, true))
		console_fail(c, "nothing is open to send this on; /open dials");
}

static void
unknown_command(struct console *c, struct span name)
{
	const char *names[64];
	char *typed CLEANUP(free_charp) = span_dup(name);
	size_t n = 0;

	while (console_commands[n].name != NULL && n < ARRAY_LEN(names) - 1) {
		names[n] = console_commands[n].name;
		n++;
	}
	names[n] = NULL;
	const char *near = nearest_word(typed, names);
	if (near != NULL)
		console_fail(c, "there is no /%s; did you mean /%s? (//%s sends it as text)", typed, near, typed);
	else
		console_fail(c, "there is no /%s; /help lists what there is (//%s sends it as text)", typed, typed);
}

static void
run_command(struct console *c, struct span line)
{
	const struct console_command *cmd;
	struct conn *conn = session_conn(c->opt.session);
	struct span name;

	if (!console_word(&line, &name)) {
		console_fail(c, "a slash alone is no command; /help lists what there is");
		return;
	}
	cmd = console_find(name);
	if (cmd == NULL)
		unknown_command(c, name);
	else if (cmd->needs_open && conn == NULL)
		console_fail(c, "/%s needs an open connection; /open dials", cmd->name);
	else if (cmd->needs_open && !conn_is_open(conn))
		console_fail(c, "/%s: the connection is closing; /wait close, then /open", cmd->name);
	else
		cmd->run(c, span_trim(line));
}

void
console_do(struct console *c, struct span line)
{
	if (line.n >= 2 && line.p[0] == '/' && line.p[1] == '/') {
		line.p++;
		line.n--;
	} else if (line.n >= 1 && line.p[0] == '/') {
		line.p++;
		line.n--;
		run_command(c, line);
		return;
	}
	console_send_text(c, line);
}

static void
on_pump(struct loop_task *task)
{
	struct console *c = container_of(task, struct console, pump);
	bool did = false;

	console_check(c);
	while (!c->is_closed && c->waiting == WAITING_NOT && !list_is_empty(&c->lines)) {
		struct console_line *line = container_of(c->lines.next, struct console_line, link);

		list_remove(&line->link);
		c->is_script = line->is_script;
		c->is_typed = !line->is_script;
		if (c->is_typed) {
			/* A person waits for what has happened since the line before. */
			c->events_seen = MAX(c->events_seen, c->typed_events);
			c->messages_seen = MAX(c->messages_seen, c->typed_messages);
			c->typed_events = c->n_events;
			c->typed_messages = c->n_messages;
		}
		console_do(c, span_of(line->text));
		c->is_typed = false;
		free(line);
		did = true;
	}
	if (!c->is_closed && c->waiting == WAITING_NOT && list_is_empty(&c->lines) && (did || !c->is_idle)) {
		c->is_idle = true;
		c->up->idle(c->up_arg);
	}
}

static struct console_line *
new_line(const char *text, bool is_script)
{
	size_t n = strlen(text);
	struct console_line *line = xmalloc(sizeof(*line) + n + 1);

	line->link = (struct list){ 0 };
	line->is_script = is_script;
	memcpy(line->text, text, n + 1);
	return line;
}

static void
start(struct console *c)
{
	c->is_idle = false;
	loop_defer(c->opt.loop, &c->pump);
}

void
console_run(struct console *c, const char *text, bool is_script)
{
	list_append(&c->lines, &new_line(text, is_script)->link);
	start(c);
}

/* The lines of a file go before those that wait: /source is a line itself. */
int
console_source(struct console *c, const char *path)
{
	FILE *f = fopen(path, "re");
	struct list added;
	char *text = NULL;
	size_t cap = 0, total = 0;
	ssize_t n;

	if (f == NULL)
		return -errno;
	list_init(&added);
	while ((n = getline(&text, &cap, f)) >= 0 && (total += (size_t)n) <= SOURCE_MAX) {
		text[strcspn(text, "\n")] = '\0';
		if (text[0] != '#' && text[0] != '\0')
			list_append(&added, &new_line(text, true)->link);
	}
	int err = ferror(f) ? -EISDIR : total > SOURCE_MAX ? -EFBIG : 0;
	fclose(f);
	free(text);
	while (!list_is_empty(&added)) {
		struct list *link = added.prev;

		list_remove(link);
		list_prepend(&c->lines, link);
	}
	start(c);
	return err;
}

bool
console_is_busy(const struct console *c)
{
	return c->waiting != WAITING_NOT || !list_is_empty(&c->lines);
}

bool
console_is_waiting(const struct console *c)
{
	return c->waiting != WAITING_NOT;
}

void
console_cancel(struct console *c)
{
	stop_waiting(c);
	drop_lines(c, false);
	loop_defer(c->opt.loop, &c->pump);
}

size_t
console_conns(const struct console *c, uint32_t *ret, size_t max)
{
	struct conn *conns[16];
	size_t n = session_conns(c->opt.session, conns, MIN(max, ARRAY_LEN(conns)));

	for (size_t i = 0; i < n; i++)
		ret[i] = conn_id(conns[i]);
	return n;
}

/* --- its life --- */

static void
on_tick(uv_timer_t *timer)
{
	struct console *c = timer->data;
	struct buf text = { 0 };

	display_tick(&c->display, clock_mono(c->opt.loop->clock), &text);
	if (text.len > 0)
		c->up->say(c->up_arg, buf_span(&text));
	buf_deinit(&text);
}

struct console *
console_new(const struct console_options *opt, const struct console_events *up, void *arg)
{
	struct console *c = xcalloc(1, sizeof(*c));
	uv_timer_t *timers[] = { &c->timer, &c->every, &c->stall, &c->tick };

	c->opt = *opt;
	c->up = up;
	c->up_arg = arg;
	c->is_idle = true;
	c->pump.run = on_pump;
	c->sink = (struct sink){ .event = on_event, .free = on_free, .wants = EVENT_ALL & ~EVENT_VERBOSE };
	list_init(&c->lines);
	display_init(&c->display);
	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		uv_timer_init(&opt->loop->uv, timers[i]);
		timers[i]->data = c;
	}
	c->open_timers = (int)ARRAY_LEN(timers);
	uv_timer_start(&c->tick, on_tick, 1000, 1000);
	uv_unref((uv_handle_t *)&c->tick);
	journal_add(opt->journal, &c->sink);
	return c;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct console *c = handle->data;

	if (--c->open_timers == 0 && c->closed != NULL)
		c->closed(c->closed_arg);
}

void
console_close(struct console *c, void (*closed)(void *arg), void *arg)
{
	uv_timer_t *timers[] = { &c->timer, &c->every, &c->stall, &c->tick };

	assert(!c->is_closed);
	console_cancel(c);
	loop_undefer(&c->pump);
	c->is_closed = true;
	c->closed = closed;
	c->closed_arg = arg;
	for (size_t i = 0; i < ARRAY_LEN(timers); i++)
		uv_close((uv_handle_t *)timers[i], on_timer_closed);
}

void
console_free(struct console *c)
{
	if (c == NULL)
		return;
	journal_remove(c->opt.journal, &c->sink);
	for (size_t i = 0; i < CONSOLE_EVENTS; i++)
		free(c->events[i]);
	for (size_t i = 0; i < CONSOLE_MESSAGES; i++)
		free(c->messages[i]);
	free(c->every_line);
	buf_deinit(&c->last);
	buf_deinit(&c->headers);
	buf_deinit(&c->tls);
	buf_deinit(&c->timing);
	free(c);
}
