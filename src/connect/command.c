/* SPDX-License-Identifier: MIT */
#include "connect/command.h"

#include "base/nearest.h"
#include "cli/exit_status.h"
#include "cli/run.h"
#include "connect/options.h"
#include "connect/repl.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

struct job {
	struct run run;
	struct connect_plan plan;
	struct filter *filter;  /* one of the two */
	struct repl *repl;
	int status;
};

static void
on_done(void *arg, int status)
{
	struct job *job = arg;

	job->status = status;
	if (job->run.loop.lookups > 0)
		run_abandon(&job->run); /* a look-up would keep us for its own timeout */
}

static void
on_signal(void *arg, int signum)
{
	struct job *job = arg;

	if (job->repl != NULL) {
		if (signum == SIGTSTP)
			repl_suspend(job->repl);
		else
			repl_signal(job->repl, signum);
		return;
	}
	if (job->filter != NULL && filter_signal(job->filter, signum))
		return;
	job->status = EXIT_SIGNAL + signum;
	run_abandon(&job->run);
}

static void
on_resize(void *arg)
{
	struct job *job = arg;

	repl_resize(job->repl);
}

/* The writer exists before the filter that its events go to: the sinks need it. */
static void
on_drained(void *arg)
{
	struct job *job = arg;

	filter_writer_events.drained(job->filter);
}

static void
on_output_failed(void *arg, int err)
{
	struct job *job = arg;

	filter_writer_events.failed(job->filter, err);
}

static void
on_output_closed(void *arg)
{
	struct job *job = arg;

	job->run.output = NULL;
	filter_writer_events.closed(job->filter);
}

/* "wsdiag srve" is a host as far as anybody can tell; when there is none of that name, it was meant otherwise. */
static void
suggest_command(const char *url)
{
	static const char *const commands[] = { "connect", "serve", "proxy", "report", "demo", "help", "completion", NULL };
	const char *near = url[strcspn(url, ".:/[")] == '\0' ? nearest_word(url, commands) : NULL;

	if (near != NULL)
		output_complain("no host is called \"%s\"; for the command: wsdiag %s", url, near);
}

static const struct fd_writer_events output_up = { .drained = on_drained, .failed = on_output_failed, .closed = on_output_closed };
static const struct filter_events filter_up = { .done = on_done };

static int
run_filter(struct job *job, const struct connect_options *opt, const struct invocation *inv)
{
	char *error CLEANUP(free_charp) = NULL;
	int status = filter_new(&job->plan.filter, &job->plan.session, &filter_up, job, &job->filter, &error);

	if (status != 0) {
		output_complain("%s", error);
		return status;
	}
	status = run_open_output(&job->run, &opt->output, &output_up, job);
	if (status != 0) {
		filter_free(job->filter);
		run_abandon(&job->run); /* the output may be open */
		return status;
	}
	run_emit_start(&job->run, filter_session(job->filter), filter_url(job->filter), inv);
	connect_hint(opt, &job->run.journal);
	filter_start(job->filter, job->run.output);
	run_loop(&job->run);
	if (!job->run.is_abandoned)
		filter_free(job->filter);
	return job->status;
}

static int
run_repl(struct job *job, const struct connect_options *opt, const struct invocation *inv)
{
	const struct repl_options repl = { .messages = &job->plan.filter, .run = &opt->run, .show_secrets = opt->output.show_secrets };
	char *error CLEANUP(free_charp) = NULL;
	int status = repl_new(&repl, &job->plan.session, &job->repl, &error);

	if (status != 0) {
		output_complain("%s", error);
		return status;
	}
	status = run_open_lines(&job->run, &opt->output, repl_event_line, job->repl);
	if (status != 0) {
		repl_free(job->repl);
		return status;
	}
	job->run.on_resize = on_resize;
	run_catch_stop(&job->run);
	run_emit_start(&job->run, repl_session(job->repl), repl_url(job->repl), inv);
	connect_hint(opt, &job->run.journal);
	status = repl_run(job->repl);
	if (job->run.loop.lookups > 0)
		job->run.is_abandoned = true;
	else
		repl_free(job->repl);
	return status;
}

/* What has a meaning only where standard input is read as it is, and ends by itself. */
static bool
is_for_filter(const struct connect_options *opt)
{
	return opt->output.json || opt->no_input || opt->script != NULL || opt->binary || opt->whole || opt->nul || opt->base64 || opt->hex || opt->once ||
	    opt->count > 0 || opt->wait_us >= 0;
}

/* A REPL only where a person types and reads; everything else is a filter. */
static bool
is_interactive(const struct connect_options *opt)
{
	return terminal_is(STDIN_FILENO) && terminal_is(STDOUT_FILENO) && !is_for_filter(opt);
}

/* On a terminal, -x with -w is not about what is typed. */
static bool
reads_input(const struct connect_options *opt)
{
	return !opt->no_input && !(opt->texts.n > 0 && opt->wait_us >= 0 && terminal_is(STDIN_FILENO));
}

static int
connect_run(const void *options, const struct invocation *inv)
{
	const struct connect_options *opt = options;
	struct job job = { 0 };
	bool interactive = is_interactive(opt);
	int status = connect_plan(opt, inv->n_args > 0 ? inv->args[0] : NULL, interactive, &job.plan);

	if (status == 0)
		status = run_init(&job.run, ROLE_CLIENT, on_signal, &job);
	if (status != 0) {
		connect_plan_release(&job.plan);
		return status;
	}
	job.plan.session.dial.conn.loop = &job.run.loop;
	job.plan.session.dial.conn.journal = &job.run.journal;
	job.plan.filter.input = reads_input(opt) ? STDIN_FILENO : -1;
	job.plan.filter.framing.for_terminal = terminal_is(STDOUT_FILENO);
	status = interactive ? run_repl(&job, opt, inv) : run_filter(&job, opt, inv);
	if (status == EXIT_HOST_NAME && inv->n_args > 0)
		suggest_command(inv->args[0]);
	status = run_finish(&job.run, status);
	connect_plan_release(&job.plan);
	return status;
}

const struct command connect_command = {
	.name = "connect",
	.synopsis = "[options] URL",
	.summary = "open a WebSocket, pass messages between stdin/stdout and the peer, tell every event",
	.about = "The word connect may be left out. Messages go to stdout and events to stderr; URL may be ws://..., wss://... or just host[:port][/path].",
	.examples = "  wsdiag wss://example.org/chat\n"
		    "  echo hello | wsdiag ws://localhost:8080\n"
		    "  wsdiag -1 -x '{\"op\":\"status\"}' wss://example.org/api    # one answer, then close\n"
		    "  wsdiag -w forever --log events.jsonl wss://example.org/feed\n",
	.tables = connect_tables,
	.hints = connect_hints,
	.options_size = sizeof(struct connect_options),
	.defaults = connect_defaults,
	.min_args = 0,
	.max_args = 1,
	.run = connect_run,
};
