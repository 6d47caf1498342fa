/* SPDX-License-Identifier: MIT */
#include "cli/standing.h"

#include "cli/exit_status.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { LAST_LINES_MS = 1000 };

static bool
can_stop(const struct standing *s)
{
	return s->has_begun && !s->has_stopped;
}

static void
on_signal(void *arg, int signum)
{
	struct standing *s = arg;
	bool is_second = s->signal != 0;

	s->signal = signum;
	if (can_stop(s))
		s->up->stop(s->arg, is_second);
	else
		run_abandon(&s->run);
}

static void
on_output_failed(void *arg, int err)
{
	struct standing *s = arg;

	s->output_error = err;
	if (err != EPIPE)
		output_complain("cannot write to standard output: %s", strerror(err));
	if (can_stop(s))
		s->up->stop(s->arg, false);
}

static void
on_output_event(void *arg UNUSED)
{
}

static const struct fd_writer_events output_up = { .drained = on_output_event, .failed = on_output_failed, .closed = on_output_event };

static void
on_user_signal(uv_signal_t *handle, int signum)
{
	struct standing *s = handle->data;

	if (can_stop(s))
		s->up->user_signal(s->arg, signum);
}

int
standing_init(struct standing *s, enum role role, const struct standing_events *up, void *arg)
{
	*s = (struct standing){ .up = up, .arg = arg };
	return run_init(&s->run, role, on_signal, s);
}

int
standing_open_output(struct standing *s, const struct output_options *opt)
{
	return run_open_output(&s->run, opt, &output_up, s);
}

void
standing_hear_user_signals(struct standing *s)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2 };

	s->hears_user_signals = true;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(&s->run.loop.uv, &s->user_signals[i]);
		s->user_signals[i].data = s;
		uv_signal_start(&s->user_signals[i], on_user_signal, numbers[i]);
		uv_unref((uv_handle_t *)&s->user_signals[i]);
	}
}

void
standing_has_begun(struct standing *s)
{
	s->has_begun = true;
}

void
standing_has_stopped(struct standing *s)
{
	s->has_stopped = true;
	if (s->run.output != NULL)
		fd_writer_close(steal(&s->run.output), LAST_LINES_MS);
}

int
standing_status(const struct standing *s, int status)
{
	if (s->signal != 0)
		return EXIT_SIGNAL + s->signal;
	if (s->output_error != 0)
		return s->output_error == EPIPE ? EXIT_SIGNAL + SIGPIPE : EXIT_OUTPUT;
	return status;
}

/* The user's signals last to the end: one that nobody hears kills. */
int
standing_finish(struct standing *s, int status)
{
	for (size_t i = 0; s->hears_user_signals && i < ARRAY_LEN(s->user_signals); i++)
		uv_close((uv_handle_t *)&s->user_signals[i], NULL);
	return run_finish(&s->run, status);
}
