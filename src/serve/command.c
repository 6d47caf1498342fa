/* SPDX-License-Identifier: MIT */
#include "serve/command.h"

#include "cli/exit_status.h"
#include "cli/framing.h"
#include "cli/standing.h"
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
	struct standing standing;
	struct tls_context *tls;
	struct service *service;
	struct plan plan;
	struct span *subprotocols;
	struct span_list subprotocol_list;
	struct sockaddr_storage address;

	/* --send */
	struct framing framing;
	struct framing_in in;
	struct fd_reader *reader;
	int send_fd;
	bool is_input_over;

	int status;
};

/* --- the end --- */

static void
on_stop(void *arg, bool at_once)
{
	struct job *job = arg;

	if (job->reader != NULL)
		fd_reader_close(steal(&job->reader));
	service_stop(job->service, at_once);
}

static int
final_status(const struct job *job)
{
	return standing_status(&job->standing, job->status);
}

static void
on_stopped(void *arg)
{
	struct job *job = arg;

	service_emit_end(job->service, final_status(job));
	standing_has_stopped(&job->standing);
}

static void
on_user_signal(void *arg, int signum)
{
	struct job *job = arg;

	service_signal(job->service, signum);
}

static const struct standing_events standing_up = { .stop = on_stop, .user_signal = on_user_signal };

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
	on_stop(job, false);
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
		on_stop(job, false);
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
	err = job->send_fd < 0 ? -errno : fd_reader_new(&job->standing.run.loop, job->send_fd, &reader_up, job, &job->reader);
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
				.loop = &job->standing.run.loop,
				.journal = &job->standing.run.journal,
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
	if (err == 0) {
		standing_has_begun(&job->standing);
		return 0;
	}
	output_complain("cannot listen on %s: %s%s", address != NULL ? address : "127.0.0.1", strerror(-err),
	    err == -EADDRINUSE ? "; without a port a free one is taken" : "");
	return EXIT_CONNECT;
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
		status = standing_init(&job->standing, ROLE_SERVER, &standing_up, job);
	if (status == 0) {
		status = standing_open_output(&job->standing, &opt->output);
		if (status == 0)
			run_emit_start(&job->standing.run, SPAN_NONE, SPAN_NONE, inv);
		if (status == 0)
			status = open_send(job, opt->send);
		if (job->plan.n_lines > 0) /* before anybody is told that we listen */
			standing_hear_user_signals(&job->standing);
		if (status == 0)
			status = open_service(job, opt, address);
		if (status == 0) {
			run_loop(&job->standing.run);
			status = final_status(job);
		} else {
			run_abandon(&job->standing.run);
		}
		status = standing_finish(&job->standing, status);
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
