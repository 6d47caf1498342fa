/* SPDX-License-Identifier: MIT */
#include "cli/run.h"

#include "cli/exit_status.h"
#include "cli/version.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int signal_numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };

static void
on_uv_signal(uv_signal_t *handle, int signum)
{
	struct run *r = handle->data;

	if (signum != SIGWINCH) {
		r->on_signal(r->signal_arg, signum);
		return;
	}
	if (r->human != NULL)
		sink_human_set_columns(r->human, terminal_columns(STDERR_FILENO));
	if (r->on_resize != NULL)
		r->on_resize(r->signal_arg);
}

static void
on_tick(uv_timer_t *timer)
{
	struct run *r = timer->data;

	journal_watch_clocks(&r->journal);
}

/* Signals and the tick do not keep the loop alive. */
static void
start_watching(struct run *r)
{
	for (size_t i = 0; i < ARRAY_LEN(signal_numbers); i++) {
		uv_signal_init(&r->loop.uv, &r->signals[i]);
		r->signals[i].data = r;
		if (signal_numbers[i] != SIGTSTP)
			uv_signal_start(&r->signals[i], on_uv_signal, signal_numbers[i]);
		uv_unref((uv_handle_t *)&r->signals[i]);
	}
	uv_timer_init(&r->loop.uv, &r->tick);
	r->tick.data = r;
	uv_timer_start(&r->tick, on_tick, 0, CLOCK_WATCH_TICK_US / US_PER_MS);
	uv_unref((uv_handle_t *)&r->tick);
}

int
run_init(struct run *r, enum role role, void (*on_signal)(void *arg, int signum), void *arg)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->on_signal = on_signal;
	r->signal_arg = arg;
	rng_init_system(&r->rng);
	err = loop_init(&r->loop, &clock_system, &r->rng);
	if (err != 0) {
		output_complain("cannot make an event loop: %s", uv_strerror(err));
		return EXIT_INPUT;
	}
	journal_init(&r->journal, role, rng_u64(&r->rng), &clock_system);
	start_watching(r);
	return 0;
}

void
run_catch_stop(struct run *r)
{
	uv_signal_t *last = &r->signals[ARRAY_LEN(signal_numbers) - 1];

	uv_signal_start(last, on_uv_signal, SIGTSTP);
}

static void
on_json_line(void *arg, const char *line, size_t n)
{
	struct run *r = arg;

	if (r->output == NULL)
		return;
	buf_append(fd_writer_queue(r->output), line, n);
	fd_writer_flush_later(r->output);
}

int
run_open_output(struct run *r, const struct output_options *opt, const struct fd_writer_events *up, void *arg)
{
	int err = fd_writer_new(&r->loop, STDOUT_FILENO, up, arg, &r->output);

	if (err != 0) {
		output_complain("cannot write to standard output: %s", strerror(-err));
		return EXIT_OUTPUT;
	}
	r->lines = (struct output_lines){ .json = on_json_line, .json_arg = r };
	return output_open(opt, &r->journal, &r->lines, &r->human);
}

int
run_open_lines(struct run *r, const struct output_options *opt, line_fn *human, void *arg)
{
	r->lines = (struct output_lines){ .human = human, .human_arg = arg };
	return output_open(opt, &r->journal, &r->lines, &r->human);
}

void
run_emit_start(struct run *r, struct span session, struct span url, const struct invocation *inv)
{
	run_emit_start_of(&r->journal, session, url, inv);
}

void
run_emit_start_of(struct journal *j, struct span session, struct span url, const struct invocation *inv)
{
	struct event ev = { .type = EV_START, .session = session };
	struct buf libraries = { 0 };

	version_libraries(&libraries);
	ev.u.start = (struct ev_start){
		.version = span_of(version_program()),
		.libraries = buf_span(&libraries),
		.url = url,
		.args = *inv->logged_args,
	};
	journal_emit(j, &ev);
	buf_deinit(&libraries);
}

void
run_loop(struct run *r)
{
	loop_run(&r->loop);
}

void
run_abandon(struct run *r)
{
	r->is_abandoned = true;
	uv_stop(&r->loop.uv);
}

static _Noreturn void
leave(int status)
{
	if (status > EXIT_SIGNAL) {
		signal(status - EXIT_SIGNAL, SIG_DFL);
		raise(status - EXIT_SIGNAL);
	}
	_exit(status);
}

int
run_finish(struct run *r, int status)
{
	for (size_t i = 0; i < ARRAY_LEN(signal_numbers); i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
	uv_close((uv_handle_t *)&r->tick, NULL);
	journal_deinit(&r->journal);
	if (r->is_abandoned || loop_deinit(&r->loop) != 0)
		leave(status);
	return status;
}
