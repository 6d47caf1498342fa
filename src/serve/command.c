/* SPDX-License-Identifier: MIT */
#include "serve/command.h"

#include "cli/exit_status.h"
#include "cli/framing.h"
#include "cli/run.h"
#include "net/listen_address.h"
#include "serve/options.h"
#include "serve/service.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { JSON_MESSAGE_MAX = 16 * 1024 * 1024 };

struct job {
	struct run run;
	struct tls_context *tls;
	struct service *service;
	struct plan plan;
	uv_signal_t user_signals[2];
	bool has_user_signals;
	struct span *subprotocols;
	struct span_list subprotocol_list;
	struct sockaddr_storage address;

	/* --send */
	struct framing framing;
	struct framing_in in;
	struct fd_reader *reader;
	int send_fd;
	bool is_input_over;

	bool is_stopped, is_closing;
	int signal, output_error, status;
};

/* --- the end --- */

static void
stop(struct job *job, bool at_once)
{
	if (job->reader != NULL)
		fd_reader_close(steal(&job->reader));
	service_stop(job->service, at_once);
}

static int
final_status(const struct job *job)
{
	return run_status(job->signal, job->output_error, job->status);
}

static void
on_stopped(void *arg)
{
	struct job *job = arg;

	service_emit_end(job->service, final_status(job));
	job->is_stopped = true;
	if (job->run.output != NULL)
		fd_writer_close(steal(&job->run.output), 1000);
}

static void
on_signal(void *arg, int signum)
{
	struct job *job = arg;
	bool is_second = job->signal != 0;

	job->signal = signum;
	if (job->service == NULL || job->is_stopped)
		run_abandon(&job->run);
	else
		stop(job, is_second);
}

static void
on_output_failed(void *arg, int err)
{
	struct job *job = arg;

	job->output_error = err;
	run_complain_of_output(err);
	if (!job->is_stopped)
		stop(job, false);
}

static void
on_output_event(void *arg UNUSED)
{
}

static const struct fd_writer_events output_up = { .drained = on_output_event, .failed = on_output_failed, .closed = on_output_event };

/* --- --send --- */

static bool
on_part(void *arg, uint8_t opcode, const void *data, size_t n, bool last)
{
	struct job *job = arg;

	service_broadcast(job->service, opcode, data, n, last);
	return true;
}

static void
judge_input(struct job *job, enum framing_result r)
{
	if (r == FRAMING_OK)
		return;
	output_complain("line %" PRIu64 " of --send is not UTF-8, which a text message must be", job->in.line);
	job->status = EXIT_INPUT;
	stop(job, false);
}

static void
on_input(void *arg, const uint8_t *data, size_t n)
{
	struct job *job = arg;

	judge_input(job, framing_in_feed(&job->in, data, n, on_part, job));
	if (job->reader != NULL && service_is_full(job->service))
		fd_reader_pause(job->reader);
}

static void
on_input_ended(void *arg, int err)
{
	struct job *job = arg;

	job->is_input_over = true;
	if (err != 0) {
		output_complain("cannot read what --send names: %s", strerror(err));
		job->status = EXIT_INPUT;
		stop(job, false);
		return;
	}
	judge_input(job, framing_in_end(&job->in, on_part, job));
	if (job->reader != NULL)
		fd_reader_close(steal(&job->reader));
}

static void
on_input_closed(void *arg)
{
	struct job *job = arg;

	if (job->send_fd > STDERR_FILENO)
		close(job->send_fd);
}

static const struct fd_reader_events reader_up = { .data = on_input, .ended = on_input_ended, .closed = on_input_closed };

static void
on_writable(void *arg)
{
	struct job *job = arg;

	if (job->reader != NULL)
		fd_reader_resume(job->reader);
}

static int
open_send(struct job *job, const char *path)
{
	int err;

	if (path == NULL)
		return 0;
	job->send_fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	err = job->send_fd < 0 ? -errno : fd_reader_new(&job->run.loop, job->send_fd, &reader_up, job, &job->reader);
	if (err != 0) {
		output_complain("cannot read %s: %s", path, strerror(-err));
		return EXIT_INPUT;
	}
	framing_in_init(&job->in, &job->framing);
	return 0;
}

/* --- the start --- */

static int
plan_subprotocols(struct job *job, const struct option_list *list)
{
	job->subprotocols = xcalloc(list->n, sizeof(*job->subprotocols));
	for (size_t i = 0; i < list->n; i++) {
		job->subprotocols[i] = span_of(list->items[i]);
		if (!http_is_token(job->subprotocols[i])) {
			output_complain("-s \"%s\" cannot be a subprotocol", list->items[i]);
			return EXIT_USAGE;
		}
	}
	job->subprotocol_list = (struct span_list){ job->subprotocols, list->n };
	return 0;
}

static int
open_tls(struct job *job, const struct serve_options *opt)
{
	struct tls_options tls = { .is_server = true, .cert_file = opt->cert_file, .key_file = opt->key_file, .keylog = getenv("SSLKEYLOGFILE") };
	char *error CLEANUP(free_charp) = NULL;
	enum tls_fault what;

	if (opt->cert_file == NULL && opt->key_file == NULL)
		return 0;
	if (opt->cert_file == NULL) {
		output_complain("--key needs --cert");
		return EXIT_USAGE;
	}
	if (tls_context_new(&tls, &job->tls, &what, &error) == 0)
		return 0;
	output_complain("%s", error);
	return EXIT_OWN_CERT;
}

static const struct service_events service_up = { .writable = on_writable, .stopped = on_stopped };

static int
open_service(struct job *job, const struct serve_options *opt, const char *address)
{
	uint64_t max_message = opt->max_message > 0 ? opt->max_message : opt->output.json ? JSON_MESSAGE_MAX : 0;
	struct service_options so = {
		.mode = opt->send != NULL ? SERVICE_SEND : opt->sink ? SERVICE_SINK : SERVICE_ECHO,
		.max_connections = opt->max_connections,
		.plan = &job->plan,
		.server = {
			.tls = job->tls,
			.subprotocols = job->subprotocol_list.n > 0 ? &job->subprotocol_list : NULL,
			.accepts_deflate = opt->deflate,
			.tag_query = opt->tag_query,
			.upgrade_timeout_us = opt->upgrade_timeout_us,
			.conn = {
				.loop = &job->run.loop,
				.journal = &job->run.journal,
				.close_timeout_us = opt->close_timeout_us,
				.ping_interval_us = opt->ping_interval_us,
				.no_pong = opt->no_pong,
				.ping_timeout_us = opt->ping_timeout_us >= 0 ? opt->ping_timeout_us : opt->ping_interval_us > 0 ? 20 * US_PER_S : 0,
				.max_message = max_message,
				.capture = output_capture(&opt->output, max_message),
			},
		},
	};
	int err;

	so.address = job->address;
	listener_raise_limit();
	err = service_new(&so, &service_up, job, &job->service);
	if (err == 0)
		return 0;
	output_complain("cannot listen on %s: %s%s", address != NULL ? address : "127.0.0.1", strerror(-err),
	    err == -EADDRINUSE ? "; without a port a free one is taken" : "");
	return EXIT_CONNECT;
}

static void
on_user_signal(uv_signal_t *handle, int signum)
{
	struct job *job = handle->data;

	service_signal(job->service, signum);
}

/* Only for a plan that waits for them: else they end a process, as is usual. */
static void
watch_user_signals(struct job *job)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2 };

	job->has_user_signals = job->plan.n_lines > 0;
	for (size_t i = 0; job->has_user_signals && i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(&job->run.loop.uv, &job->user_signals[i]);
		job->user_signals[i].data = job;
		uv_signal_start(&job->user_signals[i], on_user_signal, numbers[i]);
		uv_unref((uv_handle_t *)&job->user_signals[i]);
	}
}

static int
serve_run(const void *options, const struct invocation *inv)
{
	const struct serve_options *opt = options;
	const char *address = inv->n_args > 0 ? inv->args[0] : NULL;
	struct job *job = xcalloc(1, sizeof(*job));
	int status = EXIT_USAGE;

	job->send_fd = -1;
	if (!listen_address_parse(address, &job->address))
		output_complain("\"%s\" is no place to listen: write PORT, ADDRESS:PORT, [IPV6]:PORT or *:PORT", address);
	else if (opt->sink && opt->send != NULL)
		output_complain("--sink and --send exclude each other: --send only reads what comes anyway");
	else if ((status = plan_subprotocols(job, &opt->subprotocols)) == 0 &&
	    (status = fault_options_read(&opt->faults, PLAN_FOR_SERVER, &job->plan)) == 0 && (status = open_tls(job, opt)) == 0)
		status = run_init(&job->run, ROLE_SERVER, on_signal, job);
	if (status == 0) {
		status = run_open_output(&job->run, &opt->output, &output_up, job);
		if (status == 0)
			run_emit_start(&job->run, SPAN_NONE, SPAN_NONE, inv);
		if (status == 0)
			status = open_send(job, opt->send);
		watch_user_signals(job); /* before anybody is told that we listen */
		if (status == 0)
			status = open_service(job, opt, address);
		if (status != 0) {
			run_abandon(&job->run);
		} else {
			run_loop(&job->run);
			status = final_status(job);
		}
		for (size_t i = 0; job->has_user_signals && i < ARRAY_LEN(job->user_signals); i++)
			uv_close((uv_handle_t *)&job->user_signals[i], NULL);
		status = run_finish(&job->run, status);
	}
	plan_deinit(&job->plan);
	service_free(job->service);
	tls_context_free(job->tls);
	framing_in_deinit(&job->in);
	free(job->subprotocols);
	free(job);
	return status;
}

const struct command serve_command = {
	.name = "serve",
	.synopsis = "[options] [[ADDRESS:]PORT]",
	.summary = "be the other end: an echo server that records the same events",
	.about = "Listens on 127.0.0.1 and a free port unless told otherwise, and prints the URL to paste.",
	.examples = "  wsdiag serve\n"
		    "  wsdiag serve 8080 --ping-interval 20 --ping-timeout 30    # as Daphne does\n"
		    "  wsdiag serve --cert server.pem --key server.key '*:8443'\n"
		    "  tail -f feed.txt | wsdiag serve --send -\n",
	.tables = serve_tables,
	.options_size = sizeof(struct serve_options),
	.defaults = serve_defaults,
	.min_args = 0,
	.max_args = 1,
	.run = serve_run,
};
