/* SPDX-License-Identifier: MIT */
#include "connect/filter_state.h"

#include "cli/exit_status.h"
#include "cli/output.h"

#include <string.h>

static void
on_say(void *arg UNUSED, struct span text)
{
	output_say(text);
}

static void
fail_script(struct filter *f, const char *sentence, int status)
{
	output_complain("%s", sentence);
	if (f->script_status == 0)
		f->script_status = status;
	session_quit(f->session);
}

static void
on_console_failed(void *arg, const char *sentence, bool is_expectation)
{
	struct filter *f = arg;

	if (f->is_ended)
		return;
	fail_script(f, sentence, is_expectation ? EXIT_SCRIPT : f->status != 0 ? f->status : EXIT_USAGE);
}

/* The lines are done: the end of a script ends the session; behind --run comes the input. */
static void
on_console_idle(void *arg)
{
	struct filter *f = arg;

	if (f->is_ended || !f->has_begun)
		return;
	if (f->opt->script != NULL) {
		f->has_script_ended = true;
		session_quit(f->session);
	} else if (session_state(f->session) == SESSION_IDLE) {
		session_quit(f->session);
	} else if (f->reader != NULL) {
		fd_reader_resume(f->reader);
	} else if (!f->is_input_over) {
		filter_start_input(f);
	}
}

static void
on_console_quit(void *arg)
{
	struct filter *f = arg;

	f->has_script_ended = true;
	session_quit(f->session);
}

static const struct console_events console_up = {
	.say = on_say, .idle = on_console_idle, .failed = on_console_failed, .quit = on_console_quit,
};

void
filter_open_console(struct filter *f)
{
	const struct console_options opt = { .loop = f->loop, .journal = f->journal, .session = f->session, .show_secrets = f->opt->show_secrets };

	if (f->opt->script == NULL && f->opt->run->n == 0 && !f->opt->slash)
		return;
	f->console = console_new(&opt, &console_up, f);
	f->open_handles++;
}

bool
filter_start_script(struct filter *f)
{
	int err;

	if (f->console == NULL)
		return false;
	f->has_begun = true;
	for (size_t i = 0; i < f->opt->run->n; i++)
		console_run(f->console, f->opt->run->items[i], true);
	if (f->opt->script == NULL)
		return f->opt->run->n > 0;
	err = console_source(f->console, f->opt->script);
	if (err < 0) {
		char *text CLEANUP(free_charp) = xasprintf("cannot read the script %s: %s", f->opt->script, strerror(-err));

		fail_script(f, text, EXIT_USAGE);
	}
	return true;
}

bool
filter_take_line(struct filter *f, const void *data, size_t n)
{
	char *line CLEANUP(free_charp) = span_dup((struct span){ data, n });

	console_run(f->console, line, true);
	fd_reader_pause(f->reader);
	return true;
}
