/* SPDX-License-Identifier: MIT */
#include "report/command.h"

#include "base/clock.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "report/finding.h"
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
	uint32_t n_logs;
};

/* --- reading --- */

static int
read_log(struct job *job, const struct input_spec *spec)
{
	char *error CLEANUP(free_charp) = NULL;

	if (job->n_logs == MODEL_LOGS_MAX) {
		output_complain("%s: more than %d logs", spec->path, MODEL_LOGS_MAX);
		return EXIT_USAGE;
	}
	if (input_read(spec, job->n_logs++, &model_input, &job->model, &error) == 0)
		return EXIT_OK;
	output_complain("%s", error);
	return EXIT_INPUT;
}

static int
read_logs(struct job *job, const struct invocation *inv)
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
		status = read_log(job, &spec);
	}
	for (unsigned i = 0; i < inv->n_args && status == EXIT_OK; i++)
		status = read_log(job, &(struct input_spec){ .path = inv->args[i] });
	return status;
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

static int
print_page(const struct job *job)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct text_options text = {
		.columns = terminal_columns(STDOUT_FILENO),
		.colour = terminal_wants_colour(STDOUT_FILENO, (enum colour_when)job->opt->colour),
		.as = job->view.as,
		.as_name = job->view.as_name,
		.has_exit = !job->opt->exit_zero,
	};

	if (job->opt->json)
		page_json(&out, &job->view);
	else if (job->opt->markdown)
		page_markdown(&out, &job->view);
	else
		text_report(&out, &job->model, &job->findings, &text);
	return print(&out);
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

/* What can be said of the options before a log is read. */
static int
check_options(struct job *job)
{
	const struct report_options *opt = job->opt;
	struct buf error CLEANUP(buf_deinit) = { 0 };

	job->view = (struct view){ .m = &job->model, .f = &job->findings, .as_name = opt->as, .made_us = clock_wall(&clock_system) };
	if (opt->json && opt->markdown) {
		output_complain("--json and --markdown exclude each other: both are for standard output");
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
		status = read_logs(&job, inv);
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
		    "  wsdiag report *.jsonl --html report.html --as websocket-client:1.7\n",
	.tables = report_tables,
	.options_size = sizeof(struct report_options),
	.min_args = 0,
	.max_args = MODEL_LOGS_MAX,
	.run = report_run,
};
