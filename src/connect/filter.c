/* SPDX-License-Identifier: MIT */
#include "connect/filter_state.h"

#include "cli/exit_status.h"
#include "cli/output.h"
#include "codec/close_code.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

/* After a signal, for an output that nobody reads. */
enum { OUTPUT_GRACE_MS = 1000 };

/* --- the end --- */

/* What the caller of the program must know first: that it was told to stop, that output or input failed, then how the connection ended. */
static int
final_status(struct filter *f)
{
	uint64_t undelivered = session_undelivered(f->session);

	if (f->signal != 0)
		return EXIT_SIGNAL + f->signal;
	if (f->output_error == EPIPE)
		return EXIT_SIGNAL + SIGPIPE;
	if (f->output_error != 0)
		return EXIT_OUTPUT;
	if (f->has_input_error)
		return EXIT_INPUT;
	if (f->script_status != 0)
		return f->script_status;
	if (f->has_script_ended)
		return EXIT_OK; /* what it did to its connections it meant to do */
	if (f->status != EXIT_OK)
		return f->status;
	if (f->opt->count > 0 && session_received(f->session) < f->opt->count) {
		journal_note(f->journal, "closed after %" PRIu64 " of %" PRIu64 " messages", session_received(f->session), f->opt->count);
		return EXIT_COUNT;
	}
	if (session_cut_messages(f->session) > 0) {
		journal_note(f->journal, "%" PRIu64 " message%s cut by a loss and too long to be sent again", session_cut_messages(f->session),
		    session_cut_messages(f->session) == 1 ? " was" : "s were");
		return EXIT_COUNT;
	}
	if (undelivered + f->in.held.len > 0) {
		journal_note(f->journal, "closed before all input was sent: %" PRIu64 " bytes left", undelivered + f->in.held.len);
		return EXIT_COUNT;
	}
	return EXIT_OK;
}

static void
release(struct filter *f)
{
	if (--f->open_handles == 0)
		f->up->done(f->up_arg, f->status);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static void
on_console_closed(void *arg)
{
	release(arg);
}

static void
close_input(struct filter *f)
{
	if (f->reader != NULL)
		fd_reader_close(steal(&f->reader));
}

static void
on_session_ended(void *arg, int status)
{
	struct filter *f = arg;

	f->is_ended = true;
	f->status = status;
	f->status = final_status(f);
	framing_out_cut(&f->out);
	close_input(f);
	if (f->console != NULL)
		console_close(f->console, on_console_closed, f);
	uv_close((uv_handle_t *)&f->wait, on_timer_closed);
}

/* The end event is the last, and goes out before the output is closed: with --json it goes there. */
static void
on_session_gone(void *arg)
{
	struct filter *f = arg;

	session_emit_end(f->session, f->status);
	fd_writer_close(steal(&f->writer), f->signal != 0 ? OUTPUT_GRACE_MS : UINT_MAX);
	release(f);
}

/* --- output --- */

static void
on_chunk(void *arg, const struct stream_chunk *c)
{
	struct filter *f = arg;

	f->last_heard_ms = uv_now(&f->loop->uv);
	if (f->opt->count > 0 && session_received(f->session) - (c->last ? 1 : 0) >= f->opt->count)
		return; /* came behind the last that was asked for */
	if (f->opt->puts_messages) {
		framing_out_chunk(&f->out, c, fd_writer_queue(f->writer));
		if (f->out.has_separator && !f->has_told_separator) {
			f->has_told_separator = true;
			journal_note(f->journal, "a message contains a %s, which also ends messages here; use %s", f->opt->framing.nul ? "NUL" : "newline",
			    f->opt->framing.nul ? "--json" : "-0 or --json");
		}
		fd_writer_flush_later(f->writer);
	}
	if (fd_writer_is_full(f->writer))
		session_pause(f->session, true);
	if (c->last && f->opt->count > 0 && session_received(f->session) == f->opt->count)
		session_close(f->session, CLOSE_NORMAL);
}

static void
on_drained(void *arg)
{
	struct filter *f = arg;

	session_pause(f->session, false);
}

static void
on_output_failed(void *arg, int err)
{
	struct filter *f = arg;

	f->output_error = err;
	if (err != EPIPE)
		output_complain("cannot write to standard output: %s", strerror(err));
	if (f->is_ended)
		f->status = final_status(f);
	else {
		session_pause(f->session, false);
		session_close(f->session, CLOSE_NORMAL);
	}
}

static void
on_output_closed(void *arg)
{
	release(arg);
}

const struct fd_writer_events filter_writer_events = { .drained = on_drained, .failed = on_output_failed, .closed = on_output_closed };

/* --- input --- */

static void on_wait(uv_timer_t *timer);

/* All input is read: close after the silence of -w. */
static void
start_waiting(struct filter *f)
{
	if (f->opt->wait_us == INT64_MAX || (f->opt->count > 0 && !f->opt->wait_given))
		return;
	f->is_waiting = true;
	f->last_heard_ms = uv_now(&f->loop->uv);
	uv_timer_start(&f->wait, on_wait, (uint64_t)(f->opt->wait_us / US_PER_MS), 0);
}

static void
on_wait(uv_timer_t *timer)
{
	struct filter *f = timer->data;
	uint64_t wait_ms = (uint64_t)(f->opt->wait_us / US_PER_MS), due = f->last_heard_ms + wait_ms, now = uv_now(&f->loop->uv);

	if (!session_is_sent(f->session) || session_is_paused(f->session)) {
		uv_timer_start(&f->wait, on_wait, MAX(wait_ms, UINT64_C(10)), 0);
		return;
	}
	if (now < due) {
		uv_timer_start(&f->wait, on_wait, due - now, 0);
		return;
	}
	if (session_received(f->session) == 0 && f->opt->count == 0)
		journal_note(f->journal, "stdin ended, so we closed; -w forever keeps listening");
	session_close(f->session, CLOSE_NORMAL);
}

static bool
on_part(void *arg, uint8_t opcode, const void *data, size_t n, bool last)
{
	struct filter *f = arg;

	if (f->opt->slash && opcode == OP_TEXT && last && !f->in.has_begun)
		return filter_take_line(f, data, n);

	return session_send(f->session, opcode, data, n, last);
}

static void
fail_input(struct filter *f, enum framing_result r)
{
	const char *what = f->opt->framing.whole ? "standard input" : "line";
	char where[48];

	snprintf(where, sizeof(where), f->opt->framing.whole ? "%s" : "%s %" PRIu64 " of standard input", what, f->in.line);
	if (r == FRAMING_NOT_UTF8)
		output_complain("%s is not UTF-8, which a text message must be; -b sends binary", where);
	else if (r == FRAMING_NOT_ENCODED)
		output_complain("%s is not %s", where, f->opt->framing.encoding == ENCODING_HEX ? "hexadecimal" : "base64");
	else
		output_complain("%s is longer than 64 MiB, which an encoded line may not be", where);
	f->has_input_error = true;
	f->is_input_over = true;
	session_close(f->session, CLOSE_NORMAL);
	close_input(f);
}

static void
on_input(void *arg, const uint8_t *data, size_t n)
{
	struct filter *f = arg;
	enum framing_result r = framing_in_feed(&f->in, data, n, on_part, f);

	if (r == FRAMING_STOPPED)
		fd_reader_pause(f->reader); /* the connection is ending, and will say how */
	else if (r != FRAMING_OK)
		fail_input(f, r);
	else if (session_is_full(f->session))
		fd_reader_pause(f->reader);
}

static void
on_input_ended(void *arg, int err)
{
	struct filter *f = arg;
	enum framing_result r;

	f->is_input_over = true;
	if (err != 0) {
		output_complain("cannot read standard input: %s", strerror(err));
		f->has_input_error = true;
		session_close(f->session, CLOSE_NORMAL);
		close_input(f);
		return;
	}
	r = framing_in_end(&f->in, on_part, f);
	if (r != FRAMING_OK && r != FRAMING_STOPPED) {
		fail_input(f, r);
		return;
	}
	/* Nothing from the start (cron, </dev/null) is no input at all: stay. */
	if (f->in.had_input || f->opt->n_texts > 0)
		start_waiting(f);
	close_input(f);
}

static void
on_input_closed(void *arg)
{
	release(arg);
}

static const struct fd_reader_events reader_up = { .data = on_input, .ended = on_input_ended, .closed = on_input_closed };

void
filter_start_input(struct filter *f)
{
	if (f->opt->input < 0)
		return;
	if (fd_reader_new(f->loop, f->opt->input, &reader_up, f, &f->reader) != 0)
		return; /* closed: no input */
	f->open_handles++;
	fd_reader_resume(f->reader);
}

/* --- the session --- */

static void
send_text(struct filter *f, const char *text)
{
	session_send_now(f->session, f->opt->framing.binary ? OP_BINARY : OP_TEXT, span_of(text));
}

static void
send_texts(struct filter *f, bool again)
{
	const struct option_list *list = again ? f->opt->again : NULL;

	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (*list->items[i] != '\0')
			send_text(f, list->items[i]);
	for (size_t i = 0; list == NULL && i < f->opt->n_texts; i++)
		send_text(f, f->opt->texts[i]);
}

/* --- what the session says --- */

/* Nothing is open any more: a script that has lines left may open something. */
static void
on_session_idle(void *arg, int status)
{
	struct filter *f = arg;

	f->status = status;
	if (f->console == NULL || !console_is_busy(f->console))
		session_quit(f->session);
}

static void
on_opened(void *arg, bool again)
{
	struct filter *f = arg;

	send_texts(f, again);
	if (fd_writer_is_full(f->writer))
		session_pause(f->session, true);
	if (again)
		return;
	if (filter_start_script(f))
		return; /* input comes behind it, if at all */
	filter_start_input(f);
	if (f->reader == NULL && f->opt->n_texts > 0 && (f->opt->input >= 0 || f->opt->wait_given))
		start_waiting(f);
}

/* What was shown of a message stays without its end; the next connection begins a new one. Input waits. */
static void
on_interrupted(void *arg)
{
	struct filter *f = arg;

	framing_out_cut(&f->out);
	if (f->reader != NULL)
		fd_reader_pause(f->reader);
}

static void
on_writable(void *arg)
{
	struct filter *f = arg;

	if (f->reader != NULL)
		fd_reader_resume(f->reader);
}

static const struct session_events session_up = {
	.opened = on_opened,
	.chunk = on_chunk,
	.writable = on_writable,
	.interrupted = on_interrupted,
	.idle = on_session_idle,
	.ended = on_session_ended,
	.gone = on_session_gone,
};

int
filter_new(const struct filter_options *opt, const struct session_options *session, const struct filter_events *up, void *arg,
    struct filter **ret, char **ret_error)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	int status;

	f->opt = opt;
	f->up = up;
	f->up_arg = arg;
	f->loop = session->dial.conn.loop;
	f->journal = session->dial.conn.journal;
	status = session_new(session, &session_up, f, &f->session, ret_error);
	if (status != 0) {
		free(f);
		return status;
	}
	framing_in_init(&f->in, &opt->framing);
	framing_out_init(&f->out, &opt->framing);
	*ret = f;
	return 0;
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	console_free(f->console);
	session_free(f->session);
	framing_in_deinit(&f->in);
	framing_out_deinit(&f->out);
	free(f);
}

void
filter_start(struct filter *f, struct fd_writer *out)
{
	f->writer = out;
	uv_timer_init(&f->loop->uv, &f->wait);
	f->wait.data = f;
	f->open_handles = 3;
	filter_open_console(f);
	session_start(f->session);
}

struct span
filter_session(const struct filter *f)
{
	return session_name(f->session);
}

struct span
filter_url(const struct filter *f)
{
	return session_url(f->session);
}

bool
filter_signal(struct filter *f, int signal)
{
	bool is_second = f->signal != 0;

	f->signal = signal;
	if (f->is_ended)
		return false;
	if (is_second)
		session_abort(f->session);
	else
		session_quit(f->session); /* also where lines of a script wait */
	return true;
}
