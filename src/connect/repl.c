/* SPDX-License-Identifier: MIT */
#include "connect/repl.h"

#include "base/escape.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "connect/console.h"
#include "connect/editor.h"
#include "connect/history.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The prompt counts down, and who waits to leave is told why. */
enum { TICK_MS = 250, LEAVING_TICKS = 4 };

struct repl {
	struct repl_options opt;
	struct loop *loop;
	struct journal *journal;
	struct session *session;
	struct console *console;
	struct editor *editor;
	char *history;
	uv_timer_t tick;
	bool is_known;              /* a person who has typed here before needs no hint */
	bool has_told_waiting;      /* that lines queue */
	bool is_leaving, is_over, is_gone, console_closed, tick_closed;
	int signal, status;
	unsigned leaving_ticks;
};

/* --- what it says --- */

static void
on_say(void *arg, struct span text)
{
	struct repl *r = arg;

	if (r->editor != NULL)
		editor_print(r->editor, text);
}

static void
say_sentence(struct repl *r, const char *sentence)
{
	struct buf safe CLEANUP(buf_deinit) = { 0 }, line CLEANUP(buf_deinit) = { 0 };

	escape_text(&safe, span_of(sentence), 0); /* it may quote what was typed */
	console_fold(r->console, &line, buf_span(&safe), 2);
	on_say(r, buf_span(&line));
}

/* --- what the session says --- */

static void
refresh(struct repl *r)
{
	if (r->editor != NULL)
		editor_refresh(r->editor);
}

static void
on_opened(void *arg, bool again)
{
	struct repl *r = arg;
	const struct filter_options *m = r->opt.messages;

	for (size_t i = 0; again && m->again != NULL && i < m->again->n; i++)
		if (*m->again->items[i] != '\0')
			session_send_now(r->session, OP_TEXT, span_of(m->again->items[i]));
	for (size_t i = 0; (!again || m->again == NULL) && i < m->n_texts; i++)
		session_send_now(r->session, OP_TEXT, span_of(m->texts[i]));
	if (!again && !r->is_known)
		say_sentence(r, "Type a line to send it; /help tells the commands, Ctrl-D leaves.");
	for (size_t i = 0; !again && i < r->opt.run->n; i++)
		console_run(r->console, r->opt.run->items[i], true);
	refresh(r);
}

static void
on_chunk(void *arg UNUSED, const struct stream_chunk *c UNUSED)
{
	/* The console shows messages, from their events. */
}

static void
on_change(void *arg)
{
	refresh(arg);
}

static void
on_idle_session(void *arg, int status)
{
	struct repl *r = arg;

	r->status = status;
	if (!r->is_known && session_summary(r->session)->conns == 0)
		say_sentence(r, "Nothing is open: /open dials again, /open URL elsewhere; Ctrl-D leaves.");
	refresh(r);
}

static void
on_ended(void *arg, int status)
{
	struct repl *r = arg;

	r->status = status;
	r->is_over = true;
	if (r->editor != NULL)
		editor_stop(r->editor);
}

static void
on_gone(void *arg)
{
	struct repl *r = arg;

	r->is_gone = true;
}

static const struct session_events session_up = {
	.opened = on_opened,
	.chunk = on_chunk,
	.writable = on_change,
	.interrupted = on_change,
	.idle = on_idle_session,
	.ended = on_ended,
	.gone = on_gone,
};

/* --- what the console says --- */

static void
on_console_idle(void *arg)
{
	struct repl *r = arg;

	r->has_told_waiting = false;
	refresh(r);
}

static void
on_console_failed(void *arg, const char *sentence, bool is_expectation UNUSED)
{
	say_sentence(arg, sentence);
}

static unsigned
on_columns(void *arg UNUSED)
{
	return terminal_columns(STDOUT_FILENO);
}

static void
leave(struct repl *r)
{
	if (r->is_leaving)
		return;
	r->is_leaving = true;
	session_quit(r->session);
	refresh(r);
}

static void
on_quit(void *arg)
{
	leave(arg);
}

static void
on_paste(void *arg, bool whole)
{
	struct repl *r = arg;

	editor_set_paste_whole(r->editor, whole);
}

static const struct console_events console_up = {
	.say = on_say, .idle = on_console_idle, .failed = on_console_failed, .quit = on_quit, .paste = on_paste, .columns = on_columns,
};

/* --- the prompt --- */

static void
on_prompt(void *arg, struct buf *out)
{
	struct repl *r = arg;
	struct conn *c = session_conn(r->session);
	struct conn_status st;

	switch (session_state(r->session)) {
	case SESSION_DIALLING: buf_puts(out, "dialling"); break;
	case SESSION_WAITING:
		buf_puts(out, "retry ");
		clock_format_duration(out, session_retry_in_us(r->session));
		break;
	case SESSION_IDLE: buf_puts(out, "closed"); break;
	case SESSION_OPEN:
	case SESSION_CLOSING:
		conn_get_status(c, &st);
		buf_printf(out, "c%" PRIu32 " %s", st.id, st.is_closing ? "closing" : st.is_stalled ? "stalled" : "open");
		if (st.rtt >= 0) {
			buf_putc(out, ' ');
			clock_format_duration(out, st.rtt);
		}
		break;
	}
	if (r->console != NULL && console_is_waiting(r->console))
		buf_puts(out, ", waiting");
	buf_puts(out, "> ");
}

/* What the prompt tells changes by itself: a retry comes nearer, a pong tells how long it took. */
static void
on_tick(uv_timer_t *timer)
{
	struct repl *r = timer->data;

	if (r->is_leaving && !r->is_over && ++r->leaving_ticks == LEAVING_TICKS)
		say_sentence(r, "closing: the peer has not answered yet; Ctrl-C ends at once");
	refresh(r);
}

static size_t
on_complete(void *arg, const char *line, complete_fn *add, void *add_arg)
{
	struct repl *r = arg;

	return console_complete(r->console, line, add, add_arg);
}

static const struct editor_events editor_up = { .prompt = on_prompt, .complete = on_complete };

/* --- its life --- */

int
repl_new(const struct repl_options *opt, const struct session_options *session, struct repl **ret, char **ret_error)
{
	struct repl *r = xcalloc(1, sizeof(*r));
	int status;

	r->opt = *opt;
	r->loop = session->dial.conn.loop;
	r->journal = session->dial.conn.journal;
	status = session_new(session, &session_up, r, &r->session, ret_error);
	if (status != 0) {
		free(r);
		return status;
	}
	*ret = r;
	return 0;
}

void
repl_free(struct repl *r)
{
	if (r == NULL)
		return;
	session_free(r->session);
	free(r->history);
	free(r);
}

struct span
repl_session(const struct repl *r)
{
	return session_name(r->session);
}

struct span
repl_url(const struct repl *r)
{
	return session_url(r->session);
}

void
repl_event_line(void *arg, const char *line, size_t n)
{
	struct repl *r = arg;

	if (r->editor != NULL) {
		editor_print(r->editor, (struct span){ line, n });
	} else {
		fwrite(line, 1, n, stdout);
		fflush(stdout); /* the editor has a stream of its own */
	}
}

static void
on_console_closed(void *arg)
{
	struct repl *r = arg;

	r->console_closed = true;
}

static void
on_tick_closed(uv_handle_t *handle)
{
	struct repl *r = handle->data;

	r->tick_closed = true;
}

static void
add_history(void *arg, const char *line)
{
	struct repl *r = arg;

	editor_add_history(r->editor, line);
	r->is_known = true;
}

/* Lines behind one that waits, as /sleep does, queue; that is told once. */
static void
take_line(struct repl *r, const char *line)
{
	if (*line == '\0')
		return;
	if (history_append(r->history, line))
		editor_add_history(r->editor, line);
	if (console_is_waiting(r->console) && !r->has_told_waiting) {
		say_sentence(r, "to be done after the line that waits; Ctrl-C gives up both");
		r->has_told_waiting = true;
	}
	console_run(r->console, line, false);
}

/* While the session is not over. */
static void
read_lines(struct repl *r)
{
	while (!r->is_over) {
		char *line CLEANUP(free_charp) = NULL;

		if (r->is_leaving) {
			uv_run(&r->loop->uv, UV_RUN_ONCE);
			continue;
		}
		switch (editor_read(r->editor, &line)) {
		case EDITOR_LINE: take_line(r, line); break;
		case EDITOR_END:
			editor_print(r->editor, SPAN_LIT("\n"));
			leave(r);
			break;
		case EDITOR_STOPPED: break;
		}
	}
}

int
repl_run(struct repl *r)
{
	const struct console_options console = {
		.loop = r->loop,
		.journal = r->journal,
		.session = r->session,
		.shows_messages = true,
		.show_secrets = r->opt.show_secrets,
	};

	r->editor = editor_new(r->loop, &editor_up, r);
	if (r->editor == NULL) {
		output_complain("this terminal cannot be used for typing (%s); --no-input listens, a pipe sends", strerror(errno));
		return EXIT_INPUT;
	}
	r->console = console_new(&console, &console_up, r);
	r->history = history_path();
	if (r->history != NULL)
		history_load(r->history, add_history, r);
	uv_timer_init(&r->loop->uv, &r->tick);
	r->tick.data = r;
	uv_timer_start(&r->tick, on_tick, TICK_MS, TICK_MS);
	session_start(r->session);
	read_lines(r);
	uv_close((uv_handle_t *)&r->tick, on_tick_closed);
	console_close(r->console, on_console_closed, r);
	while (!r->is_gone || !r->console_closed || !r->tick_closed)
		uv_run(&r->loop->uv, UV_RUN_ONCE);
	console_free(r->console);
	if (r->signal != 0)
		r->status = EXIT_SIGNAL + r->signal;
	else if (session_summary(r->session)->conns > 0)
		r->status = EXIT_OK; /* the person left; how each connection ended has been told */
	session_emit_end(r->session, r->status);
	editor_free(steal(&r->editor));
	return r->status;
}

void
repl_signal(struct repl *r, int signum)
{
	if (signum != SIGINT) {
		r->signal = signum;
		leave(r);
	} else if (r->console != NULL && console_is_busy(r->console)) {
		console_cancel(r->console);
	} else if (r->is_leaving) {
		session_abort(r->session);
	} else if (r->editor != NULL && !editor_clear_line(r->editor)) {
		leave(r);
	}
}

void
repl_resize(struct repl *r)
{
	if (r->editor != NULL)
		editor_resize(r->editor);
}

void
repl_suspend(struct repl *r)
{
	if (r->editor != NULL)
		editor_suspend(r->editor);
}
