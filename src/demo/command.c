/* SPDX-License-Identifier: MIT */
#include "demo/command.h"

#include "cli/exit_status.h"
#include "cli/standing.h"
#include "demo/options.h"
#include "demo/rig.h"
#include "demo/show.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PLAN "seed-971"
/* Real time, whatever the speed. */
#define TICK_MS 20
#define SETTLE_US (60 * US_PER_MS)      /* after so much quiet a row is whole */
#define EPILOGUE_US US_PER_S            /* from the last thing that was promised to the end */
#define RESTLESS_US (5 * US_PER_S)      /* the same, where no connection stays for as long as that */
#define UNPROMISED_US (10 * US_PER_S)
#define PATIENCE_US (60 * US_PER_S)     /* until what was promised will not come any more */
#define PATIENCE_PLAN_US (600 * US_PER_S) /* and so much of the plan's time */

enum phase { PHASE_PLAYING, PHASE_CLOSING, PHASE_STOPPING };

struct job {
	struct standing standing;        /* its journal is the client's */
	struct journal proxy, server;
	const struct demo_options *opt;
	const struct invocation *inv;
	const char *plan_name;
	struct buf plan_text;
	struct plan plan;
	struct setting setting;
	struct rig *rig;

	struct show *show;
	uv_timer_t tick;
	enum phase phase;
	int64_t began_us, last_event_us, all_shown_us, shown_since_us;
	unsigned shown;                  /* when it ended */
};

static int64_t
now_of(const struct job *job)
{
	return clock_mono(job->standing.run.loop.clock);
}

static void
on_lines(void *arg, const char *text, size_t n)
{
	struct job *job = arg;

	if (job->standing.run.output == NULL)
		return;
	buf_append(fd_writer_queue(job->standing.run.output), text, n);
	fd_writer_flush_later(job->standing.run.output);
}

/* --- as it goes on --- */

static void
on_event(void *arg, const struct event *ev)
{
	struct job *job = arg;

	if (job->phase >= PHASE_STOPPING)
		return;
	show_event(job->show, ev, job->phase == PHASE_PLAYING);
	job->last_event_us = ev->mono_us;
}

static bool
is_all_shown(const struct job *job)
{
	return (show_shown(job->show) & job->setting.shows) == job->setting.shows;
}

static int64_t
patience_of(const struct job *job)
{
	return MAX(PATIENCE_US, (int64_t)((double)PATIENCE_PLAN_US / job->setting.speed));
}

/* All that was promised was shown, a moment ago; or it is time. */
static bool
is_over(struct job *job, int64_t now)
{
	int64_t ran = now - job->began_us;

	if (job->opt->for_us >= 0)
		return ran >= job->opt->for_us;
	if (job->setting.shows == 0)
		return ran >= UNPROMISED_US;
	if (is_all_shown(job) && job->all_shown_us == 0)
		job->all_shown_us = now;
	/* Some plans never let it rest. */
	if (job->all_shown_us > 0 && now - job->all_shown_us >= RESTLESS_US)
		return true;
	if (!is_all_shown(job) || !show_is_up(job->show))
		job->shown_since_us = 0;
	else if (job->shown_since_us == 0)
		job->shown_since_us = now;
	return ran >= patience_of(job) || (job->shown_since_us > 0 && now - job->shown_since_us >= EPILOGUE_US);
}

static void
on_tick(uv_timer_t *timer)
{
	struct job *job = timer->data;
	int64_t now = now_of(job);

	/* The client's is the run's. */
	journal_watch_clocks(&job->proxy);
	journal_watch_clocks(&job->server);
	if (now - job->last_event_us >= SETTLE_US)
		show_settle(job->show);
	if (job->phase != PHASE_PLAYING || !is_over(job, now))
		return;
	job->phase = PHASE_CLOSING;
	job->shown = show_shown(job->show);
	show_settle(job->show);
	rig_close(job->rig);
}

/* --- the end --- */

static int
final_status(const struct job *job)
{
	return standing_status(&job->standing, (job->shown & job->setting.shows) == job->setting.shows ? EXIT_OK : EXIT_FINDINGS);
}

/* Nobody who cannot see it any more waits for its end. */
static void
on_stop(void *arg, bool at_once)
{
	struct job *job = arg;

	if (job->phase < PHASE_STOPPING)
		uv_close((uv_handle_t *)&job->tick, NULL);
	job->phase = PHASE_STOPPING;
	rig_stop(job->rig, at_once || job->standing.output_error != 0, final_status(job));
}

static const struct standing_events standing_up = { .stop = on_stop };

static void
on_session_ended(void *arg)
{
	struct job *job = arg;

	if (job->phase >= PHASE_STOPPING)
		return;
	show_end(job->show);
	on_stop(job, false);
}

static void
on_stopped(void *arg)
{
	struct job *job = arg;

	standing_has_stopped(&job->standing);
}

static const struct rig_events rig_up = { .event = on_event, .ended = on_session_ended, .stopped = on_stopped };

static void
complain_of_missing(const struct job *job)
{
	unsigned missing = job->setting.shows & ~job->shown;
	struct buf text CLEANUP(buf_deinit) = { 0 };

	for (int i = 0; i < SHOWN_COUNT; i++)
		if (missing & (1u << i))
			buf_printf(&text, "%s%s", text.len > 0 ? ", nor " : "", shown_phrase((enum shown)i));
	output_complain("this run did not show what the plan promises: not %s. Where the machine is busy, a smaller --speed helps", buf_cstr(&text));
}

/* --- the start --- */

static void
on_begin(void *arg, struct journal *j, struct span session, struct span url)
{
	struct job *job = arg;

	run_emit_start_of(j, session, url, job->inv);
}

static void
log_trouble(void *arg UNUSED, const char *path, int err)
{
	output_complain("%s: %s; lines are missing from it (told once)", path, strerror(-err));
}

static int
keep_log(const char *dir, const char *role, struct journal *j)
{
	const struct json_options json = { .wants = EVENT_ALL & ~EVENT_VERBOSE };
	char *path CLEANUP(free_charp) = xasprintf("%s/%s.jsonl", dir, role);
	struct sink *s;
	int err = access(path, F_OK) == 0 ? -EEXIST : sink_file_new(path, &json, log_trouble, NULL, &s);

	if (err == 0) {
		journal_add(j, s);
		return 0;
	}
	output_complain("--keep: %s: %s%s", path, strerror(-err), err == -EEXIST ? "; name another directory, or remove the logs of the last run" : "");
	return EXIT_INPUT;
}

static int
keep_logs(struct job *job)
{
	const char *dir = job->opt->keep;
	int status;

	if (dir == NULL)
		return 0;
	if (mkdir(dir, 0777) < 0 && errno != EEXIST) {
		output_complain("--keep: %s: %s", dir, strerror(errno));
		return EXIT_INPUT;
	}
	status = keep_log(dir, "client", &job->standing.run.journal);
	if (status == 0)
		status = keep_log(dir, "proxy", &job->proxy);
	return status != 0 ? status : keep_log(dir, "server", &job->server);
}

/* There is nobody here who signals or types. */
static bool
waits_for_a_person(const struct plan *p)
{
	for (unsigned i = 0; i < p->n_lines; i++)
		if (p->lines[i].moment.when != WHEN_SIGNAL && p->lines[i].moment.when != WHEN_LINE)
			return false;
	return p->n_lines > 0;
}

static int
read_plan(struct job *job)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };
	int err = plan_read(job->plan_name, &job->plan_text, &error);

	if (err == 0)
		err = plan_parse(&job->plan, job->plan_name, buf_span(&job->plan_text), PLAN_FOR_PROXY, &error);
	if (err == 0)
		err = setting_read(&job->setting, job->plan_name, buf_span(&job->plan_text), &error);
	if (err == 0 && waits_for_a_person(&job->plan)) {
		buf_printf(&error, "\"%s\" waits for a signal or a typed line: wsdiag proxy --plan %s ws://YOUR-SERVER", job->plan_name, job->plan_name);
		err = -EINVAL;
	}
	if (err == 0)
		return 0;
	output_complain("%s", buf_cstr(&error));
	return EXIT_USAGE;
}

static int
prepare(struct job *job)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };
	int status = read_plan(job);

	if (status != 0)
		return status;
	if (job->opt->speed != NULL && !setting_parse_speed(job->opt->speed, &job->setting.speed)) {
		output_complain("--speed \"%s\" is not a number between %g and %g", job->opt->speed, SETTING_SPEED_MIN, SETTING_SPEED_MAX);
		return EXIT_USAGE;
	}
	plan_speed_up(&job->plan, job->setting.speed);
	setting_speed_up(&job->setting, job->setting.speed);

	const struct show_options so = {
		.plan_name = job->plan_name,
		.plan_text = buf_span(&job->plan_text),
		.setting = &job->setting,
		.library = job->opt->as != NULL ? job->opt->as : job->setting.as,
		.colour = job->opt->colour,
		.keep = job->opt->keep,
	};

	if (show_new(&so, on_lines, job, &job->show, &error) == 0)
		return 0;
	output_complain("--as %s", buf_cstr(&error));
	return EXIT_USAGE;
}

static int
open_rig(struct job *job)
{
	const struct rig_options so = {
		.loop = &job->standing.run.loop,
		.journals = { [ROLE_CLIENT] = &job->standing.run.journal, [ROLE_PROXY] = &job->proxy, [ROLE_SERVER] = &job->server },
		.setting = &job->setting,
		.plan = &job->plan,
	};
	char *error CLEANUP(free_charp) = NULL;
	int status;

	job->began_us = job->last_event_us = now_of(job);
	show_begin(job->show);
	status = rig_new(&so, &rig_up, job, on_begin, &job->rig, &error);
	if (status != 0) {
		output_complain("%s", error);
		return status;
	}
	uv_timer_init(&job->standing.run.loop.uv, &job->tick);
	job->tick.data = job;
	uv_timer_start(&job->tick, on_tick, TICK_MS, TICK_MS);
	standing_has_begun(&job->standing);
	return 0;
}

/* All three journals are there from here on. */
static int
play(struct job *job)
{
	const struct output_options none = { .quiet = true };
	int status = standing_open_output(&job->standing, &none);

	journal_init(&job->proxy, ROLE_PROXY, rng_u64(&job->standing.run.rng), &clock_system);
	journal_init(&job->server, ROLE_SERVER, rng_u64(&job->standing.run.rng), &clock_system);
	if (status == 0)
		status = keep_logs(job);
	if (status == 0)
		status = open_rig(job);
	if (status != 0) {
		run_abandon(&job->standing.run);
		return standing_finish(&job->standing, status);
	}
	run_loop(&job->standing.run);
	status = final_status(job);
	if (status == EXIT_FINDINGS)
		complain_of_missing(job);
	if (!job->standing.run.is_abandoned)
		rig_free(job->rig);
	status = standing_finish(&job->standing, status);
	journal_deinit(&job->proxy);
	journal_deinit(&job->server);
	return status;
}

/* "nginx" is what "proxy --like nginx" takes. */
static const char *
plan_named(const char *name)
{
	const struct installed_plan *like = plan_installed(name) == NULL ? plan_like(name) : NULL;

	return like != NULL ? like->name : name;
}

static int
demo_run(const void *options, const struct invocation *inv)
{
	struct job *job = xcalloc(1, sizeof(*job));
	int status;

	job->opt = options;
	job->inv = inv;
	job->plan_name = plan_named(inv->n_args > 0 ? inv->args[0] : DEFAULT_PLAN);
	status = prepare(job);
	if (status == 0)
		status = standing_init(&job->standing, ROLE_CLIENT, &standing_up, job);
	if (status == 0)
		status = play(job);
	show_free(job->show);
	plan_deinit(&job->plan);
	buf_deinit(&job->plan_text);
	free(job);
	return status;
}

const struct command demo_command = {
	.name = "demo",
	.synopsis = "[options] [PLAN]",
	.summary = "see an incident happen: client, faulty proxy and server in one process",
	.about = "Plays the plan (default " DEFAULT_PLAN ": two connections of one client at the server, and a library that does not tell) between a client and a "
		 "server of its own, shows what each of the three and an app on websocket-client see, and says what it came to. PLAN is an installed plan of "
		 "wsdiag-plan(5) or a file.",
	.examples = "  wsdiag demo\n"
		    "  wsdiag demo b2                    # RST to the client only\n"
		    "  wsdiag demo --as websocket-client:1.8 --keep logs\n",
	.tables = demo_tables,
	.options_size = sizeof(struct demo_options),
	.defaults = demo_defaults,
	.min_args = 0,
	.max_args = 1,
	.run = demo_run,
};
