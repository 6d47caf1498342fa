/* SPDX-License-Identifier: MIT */
#include "connect/console_state.h"

#include "base/nearest.h"
#include "base/utf8.h"
#include "codec/frame.h"
#include "log/fold.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SOURCE_MAX = 4 * 1024 * 1024, SAID_INDENT = 2 };

/* --- what it says --- */

unsigned
console_columns(const struct console *c)
{
	return c->up->columns != NULL ? c->up->columns(c->up_arg) : 0;
}

void
console_fold(struct console *c, struct buf *out, struct span text, unsigned indent)
{
	struct fold f = { .out = out, .columns = console_columns(c), .indent = indent };

	fold_text(&f, text);
	buf_putc(out, '\n');
}

static void
say_lines(struct console *c, struct span lines)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct span line;

	if (lines.n > 0 && lines.p[lines.n - 1] == '\n')
		lines.n--;
	while (span_next(&lines, '\n', &line))
		console_fold(c, &out, line, SAID_INDENT);
	c->up->say(c->up_arg, buf_span(&out));
}

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
	say_lines(c, span_of(text));
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
	console_stop_waiting(c);
	drop_lines(c, true);
	c->up->failed(c->up_arg, text, is_expectation);
}

/* --- lines --- */

/* What would make a command possible that needs an open connection. */
static const char *
way_out(struct console *c)
{
	switch (session_state(c->opt.session)) {
	case SESSION_DIALLING: return "a dial is under way";
	case SESSION_WAITING: return "the next dial waits; /open dials now";
	default: return "/open dials";
	}
}

void
console_send_text(struct console *c, struct span text)
{
	enum session_state state = session_state(c->opt.session);
	bool is_kept = state == SESSION_DIALLING || state == SESSION_WAITING;

	if (!utf8_is_valid(text))
		console_fail(c, "this is not UTF-8, which a text message must be; /binary HEX sends bytes");
	else if ((c->is_typed && state == SESSION_IDLE) || !session_send(c->opt.session, OP_TEXT, text.p, text.n, true))
		console_fail(c, "nothing is open to send this on; %s", way_out(c));
	else if (c->is_typed && is_kept)
		console_say(c, "kept until something is open: %s", way_out(c));
}

/* What other tools and habits call it. */
static const char *
other_name_of(const char *typed)
{
	static const char *const pairs[][2] = { { "exit", "quit" }, { "q", "quit" }, { "bye", "quit" }, { "connect", "open" }, { "disconnect", "close" },
		{ "send", "text" }, { "?", "help" }, { "h", "help" }, { "status", "conns" }, { "hex", "binary" }, { "history", "last" } };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (strcmp(typed, pairs[i][0]) == 0)
			return pairs[i][1];
	return NULL;
}

/* A person who types "help" has sent it. */
static void
say_if_command(struct console *c, struct span line)
{
	char *typed CLEANUP(free_charp) = span_dup(line);
	const char *other = other_name_of(typed);

	if (line.n > 0 && (other != NULL || console_find(line) != NULL))
		console_say(c, "\"%s\" was sent as a message; the command is /%s", typed, other != NULL ? other : typed);
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
	const char *near = other_name_of(typed);
	if (near == NULL)
		near = nearest_word(typed, names);
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
	line = span_trim(line);
	cmd = console_find(name);
	if (cmd == NULL)
		unknown_command(c, name);
	else if (cmd->needs_open && conn == NULL)
		console_fail(c, "/%s needs an open connection; %s", cmd->name, way_out(c));
	else if (cmd->needs_open && !conn_is_open(conn))
		console_fail(c, "/%s: the connection is closing; /wait close, then /open", cmd->name);
	else if (line.n == 0 && *cmd->args != '\0' && *cmd->args != '[')
		console_fail(c, "/%s %s: %s", cmd->name, cmd->args, cmd->help);
	else
		cmd->run(c, line);
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
	if (c->is_typed && session_state(c->opt.session) == SESSION_OPEN)
		say_if_command(c, line);
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
	struct buf text CLEANUP(buf_deinit) = { 0 };
	int err = console_read(path, SOURCE_MAX, &text);
	struct span rest = buf_span(&text), line;
	struct list added;

	if (err < 0)
		return err;
	list_init(&added);
	while (span_next(&rest, '\n', &line)) {
		char *copy CLEANUP(free_charp) = span_dup(line);

		if (*copy != '#' && *copy != '\0')
			list_append(&added, &new_line(copy, true)->link);
	}
	while (!list_is_empty(&added)) {
		struct list *link = added.prev;

		list_remove(link);
		list_prepend(&c->lines, link);
	}
	start(c);
	return 0;
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
	console_stop_waiting(c);
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
	console_watch(c);
	list_init(&c->lines);
	display_init(&c->display);
	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		uv_timer_init(&opt->loop->uv, timers[i]);
		timers[i]->data = c;
	}
	c->open_timers = (int)ARRAY_LEN(timers);
	uv_timer_start(&c->tick, on_tick, 1000, 1000);
	uv_unref((uv_handle_t *)&c->tick);
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
