/* SPDX-License-Identifier: MIT */
#include "proxy/command.h"

#include "cli/exit_status.h"
#include "cli/standing.h"
#include "lifecycle/library.h"
#include "net/listen_address.h"
#include "proxy/gate.h"
#include "proxy/options.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { TYPED_MAX = 1024 };

struct job {
	struct standing standing;
	struct plan plan;
	struct url upstream;
	struct tls_context *client_tls, *origin_tls;
	struct gate *gate;
	struct library as;
	struct sockaddr_storage address;

	/* What is typed. */
	struct fd_reader *reader;
	struct buf typed;
};

/* --- the end --- */

static void
on_stop(void *arg, bool at_once)
{
	struct job *job = arg;

	if (job->reader != NULL)
		fd_reader_close(steal(&job->reader));
	gate_stop(job->gate, at_once);
}

static int
final_status(const struct job *job)
{
	return standing_status(&job->standing, EXIT_OK);
}

static void
on_stopped(void *arg)
{
	struct job *job = arg;

	gate_emit_end(job->gate, final_status(job));
	standing_has_stopped(&job->standing);
}

static const struct gate_events gate_up = { .stopped = on_stopped };

static void
on_user_signal(void *arg, int signum)
{
	struct job *job = arg;

	gate_signal(job->gate, signum);
}

static const struct standing_events standing_up = { .stop = on_stop, .user_signal = on_user_signal };

/* --- what a plan waits for outside its connections --- */

static void
on_typed(void *arg, const uint8_t *data, size_t n)
{
	struct job *job = arg;

	for (size_t i = 0; i < n && job->gate != NULL; i++) {
		if (data[i] != '\n') {
			if (job->typed.len < TYPED_MAX)
				buf_putc(&job->typed, (char)data[i]);
			continue;
		}
		gate_line(job->gate, span_trim(buf_span(&job->typed)));
		buf_clear(&job->typed);
	}
}

static void
on_typed_ended(void *arg, int err UNUSED)
{
	struct job *job = arg;

	if (job->reader != NULL)
		fd_reader_close(steal(&job->reader));
}

static void
on_typed_closed(void *arg UNUSED)
{
}

static const struct fd_reader_events reader_up = { .data = on_typed, .ended = on_typed_ended, .closed = on_typed_closed };

static int
watch_outside(struct job *job)
{
	if (plan_has(&job->plan, WHEN_LINE)) {
		int err = fd_reader_new(&job->standing.run.loop, STDIN_FILENO, &reader_up, job, &job->reader);

		if (err != 0) {
			output_complain("the plan waits for lines on standard input, which cannot be read: %s", strerror(-err));
			return EXIT_INPUT;
		}
		fd_reader_resume(job->reader);
	}
	if (job->plan.n_lines > 0)
		standing_hear_user_signals(&job->standing);
	return 0;
}

/* --- the start --- */

static int
open_tls(const struct tls_options *opt, struct tls_context **ret)
{
	char *error CLEANUP(free_charp) = NULL;
	enum tls_fault what;

	if (tls_context_new(opt, ret, &what, &error) == 0)
		return 0;
	output_complain("%s", error);
	return what == TLS_FAULT_CA ? EXIT_CA_FILE : EXIT_OWN_CERT;
}

static int
open_both_tls(struct job *job, const struct proxy_options *opt)
{
	const struct tls_options client = { .is_server = true, .cert_file = opt->cert_file, .key_file = opt->key_file, .keylog = getenv("SSLKEYLOGFILE") };
	const struct tls_options origin = {
		.insecure = opt->insecure,
		.ca_file = opt->ca_file,
		.cert_file = opt->own_cert_file,
		.key_file = opt->own_key_file,
		.keylog = getenv("SSLKEYLOGFILE"),
	};
	int status = 0;

	if (opt->key_file != NULL && opt->cert_file == NULL) {
		output_complain("--key needs --cert");
		return EXIT_USAGE;
	}
	if (opt->own_key_file != NULL && opt->own_cert_file == NULL) {
		output_complain("--upstream-key needs --upstream-cert");
		return EXIT_USAGE;
	}
	if (opt->cert_file != NULL)
		status = open_tls(&client, &job->client_tls);
	if (status == 0 && job->upstream.is_tls)
		status = open_tls(&origin, &job->origin_tls);
	return status;
}

static int
open_gate(struct job *job, const struct proxy_options *opt)
{
	const struct gate_options go = {
		.address = job->address,
		.max_connections = opt->max_connections,
		.as = opt->as != NULL ? &job->as : NULL,
		.as_name = opt->as,
		.pair = {
			.loop = &job->standing.run.loop,
			.journal = &job->standing.run.journal,
			.plan = &job->plan,
			.client_tls = job->client_tls,
			.upstream = &job->upstream,
			.origin_tls = job->origin_tls,
			.tls_name = opt->tls_name,
			.families = opt->ipv4 ? AF_INET : opt->ipv6 ? AF_INET6 : AF_UNSPEC,
			.keeps_host = opt->keeps_host,
			.tag_query = opt->tag_query,
			.upgrade_timeout_us = opt->upgrade_timeout_us,
			.connect_timeout_us = opt->connect_timeout_us,
			.close_timeout_us = opt->close_timeout_us,
		},
	};
	int err;

	listener_raise_limit();
	err = gate_new(&go, &gate_up, job, &job->gate);
	if (err == 0) {
		standing_has_begun(&job->standing);
		return 0;
	}
	output_complain("cannot listen on %s: %s%s", opt->listen != NULL ? opt->listen : "127.0.0.1", strerror(-err),
	    err == -EADDRINUSE ? "; without -l a free port is taken" : "");
	return EXIT_CONNECT;
}

static int
prepare(struct job *job, const struct proxy_options *opt, const char *upstream)
{
	char *error CLEANUP(free_charp) = NULL;
	struct buf wrong CLEANUP(buf_deinit) = { 0 };
	int status;

	if (!listen_address_parse(opt->listen, &job->address)) {
		output_complain("-l \"%s\" is no place to listen: write PORT, ADDRESS:PORT, [IPV6]:PORT or *:PORT", opt->listen);
		return EXIT_USAGE;
	}
	if (opt->ipv4 && opt->ipv6) {
		output_complain("-4 and -6 exclude each other");
		return EXIT_USAGE;
	}
	if (url_parse(upstream, &job->upstream, &error) != 0) {
		output_complain("%s", error);
		return EXIT_URL;
	}
	if (opt->as != NULL && library_parse(opt->as, &job->as, &wrong) != 0) {
		output_complain("--as: %s", buf_cstr(&wrong));
		return EXIT_USAGE;
	}
	status = fault_options_read(&opt->faults, PLAN_FOR_PROXY, &job->plan);
	return status != 0 ? status : open_both_tls(job, opt);
}

static int
proxy_run(const void *options, const struct invocation *inv)
{
	const struct proxy_options *opt = options;
	struct job *job = xcalloc(1, sizeof(*job));
	int status = prepare(job, opt, inv->args[0]);

	if (status == 0)
		status = standing_init(&job->standing, ROLE_PROXY, &standing_up, job);
	if (status == 0) {
		status = standing_open_output(&job->standing, &opt->output);
		if (status == 0)
			run_emit_start(&job->standing.run, SPAN_NONE, SPAN_NONE, inv);
		if (status == 0)
			status = watch_outside(job);
		if (status == 0)
			status = open_gate(job, opt);
		if (status == 0) {
			run_loop(&job->standing.run);
			status = final_status(job);
		} else {
			run_abandon(&job->standing.run);
		}
		status = standing_finish(&job->standing, status);
	}
	gate_free(job->gate);
	tls_context_free(job->client_tls);
	tls_context_free(job->origin_tls);
	plan_deinit(&job->plan);
	if (job->upstream.host != NULL)
		url_deinit(&job->upstream);
	buf_deinit(&job->typed);
	free(job);
	return status;
}

const struct command proxy_command = {
	.name = "proxy",
	.synopsis = "[options] UPSTREAM",
	.summary = "stand between a client and a server, and inject faults: a CDN on one's desk",
	.about = "Relays WebSocket connections, unchanged but for Host, Via and X-Forwarded-*, and does to them what a plan says: cuts, silence, refusals, "
		 "delays, Closes of its own. Prints the URL to give to the client.",
	.examples = "  wsdiag proxy ws://localhost:8080/ws\n"
		    "  wsdiag proxy -l 9000 --plan seed-971 wss://cdn.example/ws\n"
		    "  wsdiag proxy --fault 'conn * idle 60s: fin both' ws://localhost:8080/\n"
		    "  wsdiag proxy --like nginx --speed 10 ws://localhost:8080/\n",
	.tables = proxy_tables,
	.options_size = sizeof(struct proxy_options),
	.defaults = proxy_defaults,
	.min_args = 1,
	.max_args = 1,
	.run = proxy_run,
};
