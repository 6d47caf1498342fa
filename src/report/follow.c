/* SPDX-License-Identifier: MIT */
#include "report/follow.h"

#include "cli/exit_status.h"
#include "cli/run.h"
#include "report/retell.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { JUDGE_MS = 1000, REST_FACTOR = 9, GRACE_MS = 1000 };

struct followed {
	struct follow *f;
	struct input_follow *input;    /* NULL: it has ended */
	const char *path;
	bool was_read;                 /* to its end, once at least */
	bool is_busy;                  /* events came, and there may be more behind them */
};

struct follow {
	struct run run;
	const struct follow_options *opt;
	struct followed *logs;
	uint32_t n_logs, n_open;
	struct fd_writer *output;      /* NULL: closed */
	uv_timer_t rest;               /* active: it is too early to judge */
	struct findings told;
	bool has_news, has_judged, has_told, is_stopped, is_signalled;
	int status;
};

/* --- the end --- */

static void
stop(struct follow *f, int status)
{
	if (f->is_stopped)
		return;
	f->is_stopped = true;
	f->status = status;
	for (uint32_t i = 0; i < f->n_logs; i++)
		if (f->logs[i].input != NULL)
			input_follow_close(steal(&f->logs[i].input));
	uv_close((uv_handle_t *)&f->rest, NULL);
	if (f->output == NULL)
		return;
	/* The whole report follows. */
	if (f->has_told && status == EXIT_OK)
		buf_putc(fd_writer_queue(f->output), '\n');
	fd_writer_close(steal(&f->output), GRACE_MS);
}

static void
on_signal(void *arg, int signum)
{
	struct follow *f = arg;

	if (f->is_signalled) {
		f->status = EXIT_SIGNAL + signum;
		run_abandon(&f->run);
	} else {
		f->is_signalled = true;
		stop(f, EXIT_OK);
	}
}

/* --- judging and telling --- */

static void
on_retold(void *arg, enum retold what, const struct finding *finding)
{
	struct follow *f = arg;
	struct buf *out = fd_writer_queue(f->output);

	f->has_told = true;
	if (what == RETOLD_WITHDRAWN) {
		buf_printf(out, "withdrawn: %s  ", finding_spec(finding->kind)->name);
		text_time(out, f->opt->model, finding->from_us);
		buf_putc(out, '\n');
	} else {
		text_finding(out, f->opt->model, finding, what == RETOLD_REVISED ? "revised: " : "", f->opt->text);
	}
}

static void on_rested(uv_timer_t *timer);

static void
judge(struct follow *f)
{
	struct findings now = { 0 };
	uint64_t began = uv_hrtime();
	int status = f->opt->judge(f->opt->arg, &now);

	f->has_news = false;
	f->has_judged = true;
	if (status != EXIT_OK) {
		stop(f, status);
		return;
	}
	retell(&f->told, &now, on_retold, f);
	fd_writer_flush_later(f->output);
	uv_timer_start(&f->rest, on_rested, MAX((uint64_t)JUDGE_MS, (uv_hrtime() - began) / 1000000 * REST_FACTOR), 0);
}

/* Half a log would be judged wrongly, and taken back at once. A pipe that says nothing is not waited for longer than the first rest. */
static bool
is_ready(const struct follow *f)
{
	bool is_resting = uv_is_active((const uv_handle_t *)&f->rest);

	if (f->is_stopped || !f->has_news || (is_resting && f->has_judged) || fd_writer_is_full(f->output))
		return false;
	for (uint32_t i = 0; i < f->n_logs; i++)
		if (f->logs[i].is_busy || (is_resting && !f->logs[i].was_read))
			return false;
	return true;
}

static void
judge_if_ready(struct follow *f)
{
	if (is_ready(f))
		judge(f);
}

static void
on_rested(uv_timer_t *timer)
{
	judge_if_ready(timer->data);
}

/* --- standard output --- */

static void
on_drained(void *arg)
{
	judge_if_ready(arg);
}

static void
on_failed(void *arg, int err)
{
	if (err != EPIPE)
		output_complain("stdout: %s", strerror(err));
	stop(arg, err == EPIPE ? EXIT_SIGNAL + SIGPIPE : EXIT_OUTPUT);
}

static void
on_closed(void *arg UNUSED)
{
}

static const struct fd_writer_events output_events = { .drained = on_drained, .failed = on_failed, .closed = on_closed };

/* --- the logs --- */

static void
on_begin(void *arg, uint32_t log, const struct input_log *about)
{
	struct followed *l = arg;

	l->is_busy = true;
	model_input.begin(l->f->opt->model, log, about);
}

static void
on_event(void *arg, const struct place *at, const struct event *ev)
{
	struct followed *l = arg;

	l->is_busy = true;
	model_input.event(l->f->opt->model, at, ev);
}

static void
on_end(void *arg, uint32_t log, const struct input_counts *counts, const struct input_trouble *trouble)
{
	struct followed *l = arg;

	model_input.end(l->f->opt->model, log, counts, trouble);
}

static const struct input_events log_events = { .event = on_event, .begin = on_begin, .end = on_end };

static void
on_caught_up(void *arg)
{
	struct followed *l = arg;

	l->is_busy = false;
	l->was_read = true;
	l->f->has_news = true;
	judge_if_ready(l->f);
}

static void
on_ended(void *arg, int err)
{
	struct followed *l = arg;
	struct follow *f = l->f;

	input_follow_close(steal(&l->input));
	f->n_open--;
	if (err != 0) {
		output_complain("%s: %s", l->path, err == -EBADMSG ? "damaged gzip" : strerror(-err));
		stop(f, EXIT_INPUT);
	} else if (f->n_open == 0) {
		stop(f, EXIT_OK);
	} else {
		on_caught_up(l);
	}
}

static void
on_turned(void *arg, enum input_turn turn)
{
	static const char *const words[] = {
		[INPUT_AWAITED] = "is not there yet; waiting for it",
		[INPUT_APPEARED] = "is there now",
		[INPUT_CUT_BACK] = "was cut back; going on from its beginning",
		[INPUT_REPLACED] = "was replaced; going on with the new file of this name",
	};
	const struct followed *l = arg;

	output_complain("%s %s", l->path, words[turn]);
}

static const struct input_follow_events follow_events = { .turned = on_turned, .caught_up = on_caught_up, .ended = on_ended, .closed = on_closed };

static int
open_logs(struct follow *f)
{
	const struct follow_options *opt = f->opt;

	for (uint32_t i = 0; i < opt->n_specs; i++) {
		struct followed *l = &f->logs[f->n_logs++];
		char *error CLEANUP(free_charp) = NULL;

		*l = (struct followed){ .f = f, .path = opt->specs[i].path };
		if (input_follow_new(&f->run.loop, &opt->specs[i], i, &log_events, &follow_events, l, &l->input, &error) < 0) {
			output_complain("%s", error);
			return EXIT_INPUT;
		}
		f->n_open++;
	}
	return EXIT_OK;
}

static int
open_output(struct follow *f)
{
	int err = fd_writer_new(&f->run.loop, STDOUT_FILENO, &output_events, f, &f->output);

	if (err == 0)
		return EXIT_OK;
	output_complain("stdout: %s", strerror(-err));
	return EXIT_OUTPUT;
}

/* --- */

int
follow_logs(const struct follow_options *opt)
{
	struct follow *f = xcalloc(1, sizeof(*f));
	int status = run_init(&f->run, ROLE_CLIENT, on_signal, f);

	if (status == EXIT_OK) {
		f->opt = opt;
		f->logs = xcalloc(opt->n_specs, sizeof(*f->logs));
		uv_timer_init(&f->run.loop.uv, &f->rest);
		f->rest.data = f;
		uv_timer_start(&f->rest, on_rested, JUDGE_MS, 0);
		status = open_output(f);
		if (status == EXIT_OK)
			status = open_logs(f);
		if (status != EXIT_OK)
			stop(f, status);
		run_loop(&f->run);
		status = run_finish(&f->run, f->status);
	}
	findings_deinit(&f->told);
	free(f->logs);
	free(f);
	return status;
}
