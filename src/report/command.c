/* SPDX-License-Identifier: MIT */
#include "report/command.h"

#include "base/clock.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "report/finding.h"
#include "report/follow.h"
#include "report/join.h"
#include "report/options.h"
#include "report/pages.h"
#include "report/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct job {
	const struct report_options *opt;
	struct model model;
	struct findings findings;
	struct library library;
	struct view view;
	struct input_spec specs[MODEL_LOGS_MAX];
	uint32_t n_specs;
};

/* --- reading --- */

static int
add_log(struct job *job, const struct input_spec *spec)
{
	if (job->n_specs == MODEL_LOGS_MAX) {
		output_complain("%s: more than %d logs", spec->path, MODEL_LOGS_MAX);
		return EXIT_USAGE;
	}
	job->specs[job->n_specs++] = *spec;
	return EXIT_OK;
}

static int
list_logs(struct job *job, const struct invocation *inv)
{
	const struct option_list *from = &job->opt->from;
	int status = EXIT_OK;

	if (from->n + inv->n_args == 0) {
		output_complain("report needs a log: wsdiag report client.log server.log; - is stdin");
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < from->n && status == EXIT_OK; i++) {
		char *error CLEANUP(free_charp) = NULL;
		struct input_spec spec;

		if (input_spec_parse(from->items[i], &spec, &error) < 0) {
			output_complain("--from %s", error);
			return EXIT_USAGE;
		}
		status = add_log(job, &spec);
	}
	for (unsigned i = 0; i < inv->n_args && status == EXIT_OK; i++)
		status = add_log(job, &(struct input_spec){ .path = inv->args[i] });
	return status;
}

static int
read_logs(struct job *job)
{
	for (uint32_t i = 0; i < job->n_specs; i++) {
		char *error CLEANUP(free_charp) = NULL;

		if (input_read(&job->specs[i], i, &model_input, &job->model, &error) < 0) {
			output_complain("%s", error);
			return EXIT_INPUT;
		}
	}
	return EXIT_OK;
}

/* --- judging --- */

static bool
parse_bound(const char *name, const char *text, const struct model *m, int64_t *ret)
{
	*ret = NO_TIME;
	if (text == NULL || report_parse_time(text, MAX(m->from_us, INT64_C(0)), ret))
		return true;
	output_complain("%s \"%s\" is no time: write 22:13, 22:13:02 or 2026-03-04T22:13:02Z", name, text);
	return false;
}

static int
judge(struct job *job)
{
	struct join_filter filter = { .session = job->opt->session, .conn = (uint32_t)job->opt->conn };

	join_model(&job->model);
	if (!parse_bound("--since", job->opt->since, &job->model, &filter.since_us) || !parse_bound("--until", job->opt->until, &job->model, &filter.until_us))
		return EXIT_USAGE;
	join_filter(&job->model, &filter);
	findings_look(&job->model, &job->findings);
	job->view.made_us = clock_wall(&clock_system);
	return EXIT_OK;
}

/* --- printing --- */

static int
print(const struct buf *text)
{
	const char *p = (const char *)buf_head(text);

	for (size_t left = text->len; left > 0;) {
		ssize_t n = write(STDOUT_FILENO, p, left);

		if (n < 0 && errno == EPIPE)
			return EXIT_SIGNAL + SIGPIPE;
		if (n < 0 && errno != EINTR) {
			output_complain("stdout: %s", strerror(errno));
			return EXIT_OUTPUT;
		}
		p += MAX(n, 0);
		left -= (size_t)MAX(n, 0);
	}
	return EXIT_OK;
}

/* Behind a piece that could not be written no other is tried. */
static void
print_piece(void *arg, struct buf *out)
{
	int *status = arg;

	*status = *status == EXIT_OK ? print(out) : *status;
	buf_clear(out);
}

static struct text_options
text_options(const struct job *job)
{
	return (struct text_options){
		.columns = terminal_columns(STDOUT_FILENO),
		.colour = terminal_wants_colour(STDOUT_FILENO, (enum colour_when)job->opt->colour),
		.as = job->view.as,
		.as_name = job->view.as_name,
		.has_exit = !job->opt->exit_zero,
	};
}

static int
print_page(const struct job *job)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	const struct text_options text = text_options(job);
	int status = EXIT_OK;

	if (job->opt->json)
		page_json_pieces(&out, &job->view, print_piece, &status);
	else if (job->opt->markdown)
		page_markdown(&out, &job->view);
	else
		text_report(&out, &job->model, &job->findings, &text);
	print_piece(&status, &out);
	return status;
}

static int
store_html(const struct job *job)
{
	struct buf page CLEANUP(buf_deinit) = { 0 };
	int err;

	if (job->opt->html == NULL)
		return EXIT_OK;
	page_html(&page, &job->view);
	err = page_store(job->opt->html, &page);
	if (err == 0)
		return EXIT_OK;
	output_complain("cannot write --html %s: %s", job->opt->html, strerror(-err));
	return EXIT_OUTPUT;
}

/* --- following --- */

static int
on_grown(void *arg, struct findings *ret)
{
	struct job *job = arg;
	int status = judge(job);

	if (status == EXIT_OK)
		status = store_html(job);
	*ret = job->findings;
	job->findings = (struct findings){ 0 };
	return status;
}

static int
follow(struct job *job)
{
	const struct text_options text = text_options(job);
	const struct follow_options opt = {
		.specs = job->specs,
		.n_specs = job->n_specs,
		.model = &job->model,
		.text = &text,
		.judge = on_grown,
		.arg = job,
	};

	return follow_logs(&opt);
}

/* --- */

/* What can be said of the options before a log is read. */
static int
check_options(struct job *job)
{
	const struct report_options *opt = job->opt;
	struct buf error CLEANUP(buf_deinit) = { 0 };

	job->view = (struct view){ .m = &job->model, .f = &job->findings, .as_name = opt->as };
	if (opt->json && opt->markdown) {
		output_complain("--json and --markdown exclude each other: both are for standard output");
		return EXIT_USAGE;
	}
	if (opt->follow && (opt->json || opt->markdown)) {
		output_complain("--follow and --%s exclude each other: what follows is told as it comes, as text. End it with Ctrl-C, then run report with --%s alone; "
				"or follow with --html FILE",
		    opt->json ? "json" : "markdown", opt->json ? "json" : "markdown");
		return EXIT_USAGE;
	}
	if (opt->as != NULL && library_parse(opt->as, &job->library, &error) < 0) {
		output_complain("--as %s", buf_cstr(&error));
		return EXIT_USAGE;
	}
	job->view.as = opt->as != NULL ? &job->library : NULL;
	return EXIT_OK;
}

static int
report_run(const void *options, const struct invocation *inv)
{
	struct job job = { .opt = options };
	int status;

	model_init(&job.model);
	status = check_options(&job);
	if (status == EXIT_OK)
		status = list_logs(&job, inv);
	if (status == EXIT_OK)
		status = job.opt->follow ? follow(&job) : read_logs(&job);
	if (status == EXIT_OK)
		status = judge(&job);
	if (status == EXIT_OK)
		status = store_html(&job);
	if (status == EXIT_OK)
		status = print_page(&job);
	if (status == EXIT_OK && job.findings.n > 0 && !job.opt->exit_zero)
		status = EXIT_FINDINGS;
	findings_deinit(&job.findings);
	model_deinit(&job.model);
	return status;
}

const struct command report_command = {
	.name = "report",
	.synopsis = "[options] LOG...",
	.summary = "join the logs of both ends on one timeline and say what went wrong",
	.about = "Reads logs of clients, proxies and servers: wsdiag's own (--log), plain ones of a time and words, websocket-client's trace, Daphne's access log.",
	.examples = "  wsdiag report client.log server.log\n"
		    "  wsdiag report c.jsonl proxy.jsonl.gz s.jsonl --since 22:00\n"
		    "  wsdiag report --from text:app.log p.jsonl\n"
		    "  wsdiag report --follow p.jsonl s.jsonl\n"
		    "  wsdiag report *.jsonl --html report.html --as websocket-client:1.7\n",
	.tables = report_tables,
	.options_size = sizeof(struct report_options),
	.min_args = 0,
	.max_args = MODEL_LOGS_MAX,
	.run = report_run,
};
