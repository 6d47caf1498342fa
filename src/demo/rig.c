/* SPDX-License-Identifier: MIT */
#include "demo/rig.h"

#include "cli/exit_status.h"
#include "codec/close_code.h"
#include "connect/session.h"
#include "net/listen_address.h"
#include "proxy/gate.h"
#include "serve/service.h"

#include <string.h>

/* Whatever the speed: nobody waits long for the end of a demo, and a ghost is watched to its end. */
#define CLOSE_TIMEOUT_US US_PER_S
#define UPGRADE_TIMEOUT_US (10 * US_PER_S)
#define HOLD_US (3600 * US_PER_S)
enum { CONNECTIONS_MAX = 1000 };

/* One of the three journals, listened to. */
struct tap {
	struct sink base;
	struct rig *rig;
	char *url;                   /* of its listen event */
};

struct rig {
	struct rig_options opt;
	const struct rig_events *up;
	void *up_arg;
	struct tap taps[RIG_ROLES];
	struct url upstream;
	struct session *session;
	struct gate *gate;
	struct service *service;
	uv_timer_t server_stop;
	int open_parts;
	bool is_session_over, is_server_stopping, is_stopping;
	int exit_status;
};

/* --- the end --- */

static void
release(struct rig *s)
{
	if (--s->open_parts > 0)
		return;
	session_emit_end(s->session, s->exit_status);
	gate_emit_end(s->gate, s->exit_status);
	service_emit_end(s->service, s->exit_status);
	s->up->stopped(s->up_arg);
}

static void
on_part_stopped(void *arg)
{
	release(arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	release(handle->data);
}

void
rig_close(struct rig *s)
{
	if (!s->is_session_over)
		session_close(s->session, CLOSE_NORMAL);
}

static void
stop_server(struct rig *s, bool at_once)
{
	s->is_server_stopping = true;
	service_stop(s->service, at_once);
}

void
rig_stop(struct rig *s, bool at_once, int exit_status)
{
	bool is_first = !s->is_stopping;

	s->exit_status = exit_status;
	s->is_stopping = true;
	if (!s->is_session_over && at_once)
		session_abort(s->session);
	else if (!s->is_session_over)
		session_close(s->session, CLOSE_NORMAL);
	gate_stop(s->gate, at_once);
	stop_server(s, at_once);
	if (is_first)
		uv_close((uv_handle_t *)&s->server_stop, on_timer_closed);
}

static void
on_server_stop(uv_timer_t *timer)
{
	stop_server(timer->data, false);
}

/* --- the client --- */

static void
on_nothing(void *arg UNUSED)
{
}

static void
on_opened(void *arg UNUSED, bool again UNUSED)
{
}

static void
on_chunk(void *arg UNUSED, const struct stream_chunk *c UNUSED)
{
}

static void
on_idle(void *arg UNUSED, int status UNUSED)
{
}

static void
on_ended(void *arg, int status UNUSED)
{
	struct rig *s = arg;

	s->is_session_over = true;
	s->up->ended(s->up_arg);
}

static const struct session_events session_up = {
	.opened = on_opened,
	.chunk = on_chunk,
	.writable = on_nothing,
	.interrupted = on_nothing,
	.idle = on_idle,
	.ended = on_ended,
	.gone = on_part_stopped,
};
static const struct gate_events gate_up = { .stopped = on_part_stopped };
static const struct service_events service_up = { .writable = on_nothing, .stopped = on_part_stopped };

/* --- the start --- */

static void
on_event(struct sink *sink, const struct event *ev)
{
	struct tap *tap = container_of(sink, struct tap, base);

	if (ev->type == EV_LISTEN && tap->url == NULL)
		tap->url = span_dup(ev->u.listen.url);
	tap->rig->up->event(tap->rig->up_arg, ev);
}

static void
on_sink_free(struct sink *sink UNUSED)
{
}

static int
fail_to_listen(int err, char **ret_error)
{
	*ret_error = xasprintf("cannot listen on 127.0.0.1: %s", strerror(-err));
	return EXIT_CONNECT;
}

static int
start_service(struct rig *s, char **ret_error)
{
	const struct setting *set = s->opt.setting;
	struct service_options so = {
		.mode = SERVICE_ECHO,
		.max_connections = CONNECTIONS_MAX,
		.server = {
			.upgrade_timeout_us = UPGRADE_TIMEOUT_US,
			.conn = {
				.loop = s->opt.loop,
				.journal = s->opt.journals[ROLE_SERVER],
				.close_timeout_us = CLOSE_TIMEOUT_US,
				.ping_interval_us = set->server.ping_interval_us,
				.ping_timeout_us = set->server.ping_timeout_us,
			},
		},
	};
	int err;

	if (!listen_address_parse(NULL, &so.address))
		abort();
	err = service_new(&so, &service_up, s, &s->service);
	if (err != 0)
		return fail_to_listen(err, ret_error);
	s->open_parts++;
	return url_parse(s->taps[ROLE_SERVER].url, &s->upstream, ret_error) != 0 ? EXIT_URL : 0;
}

static int
start_gate(struct rig *s, char **ret_error)
{
	struct gate_options go = {
		.max_connections = CONNECTIONS_MAX,
		.pair = {
			.loop = s->opt.loop,
			.journal = s->opt.journals[ROLE_PROXY],
			.plan = s->opt.plan,
			.upstream = &s->upstream,
			.families = AF_UNSPEC,
			.upgrade_timeout_us = UPGRADE_TIMEOUT_US,
			.connect_timeout_us = UPGRADE_TIMEOUT_US,
			.close_timeout_us = CLOSE_TIMEOUT_US,
		},
	};
	int err;

	if (!listen_address_parse(NULL, &go.address))
		abort();
	err = gate_new(&go, &gate_up, s, &s->gate);
	if (err != 0)
		return fail_to_listen(err, ret_error);
	s->open_parts++;
	return 0;
}

/* It dials again whatever happened, as libraries do that are told to reconnect. */
static int
make_session(struct rig *s, char **ret_error)
{
	const struct setting *set = s->opt.setting;
	const struct session_options so = {
		.url = s->taps[ROLE_PROXY].url,
		.tag = TAG_HEADER,
		.heartbeat_us = set->heartbeat_us,
		.heartbeat = "tick",
		.policy = {
			.enabled = true,
			.has_delay = true,
			.min_us = set->reconnect_delay_us,
			.max_us = set->reconnect_delay_us,
			.on = RECONNECT_ON_ANY,
		},
		.dial = {
			.families = AF_UNSPEC,
			.connect_timeout_us = set->connect_timeout_us,
			.conn = {
				.loop = s->opt.loop,
				.journal = s->opt.journals[ROLE_CLIENT],
				.close_timeout_us = CLOSE_TIMEOUT_US,
				.ping_interval_us = set->client.ping_interval_us,
				.ping_timeout_us = set->client.ping_timeout_us,
				.hold_us = HOLD_US,
			},
		},
	};

	return session_new(&so, &session_up, s, &s->session, ret_error);
}

static void
tap_journals(struct rig *s)
{
	for (int i = 0; i < RIG_ROLES; i++) {
		s->taps[i] = (struct tap){
			.base = { .event = on_event, .free = on_sink_free, .wants = EVENT_ALL & ~EVENT_VERBOSE & ~EVENT_BIT(EV_MESSAGE) },
			.rig = s,
		};
		journal_add(s->opt.journals[i], &s->taps[i].base);
	}
}

int
rig_new(const struct rig_options *opt, const struct rig_events *up, void *arg,
    void (*begin)(void *arg, struct journal *j, struct span session, struct span url), struct rig **ret, char **ret_error)
{
	struct rig *s = *ret = xcalloc(1, sizeof(*s));
	int status;

	s->opt = *opt;
	s->up = up;
	s->up_arg = arg;
	tap_journals(s);
	begin(arg, opt->journals[ROLE_SERVER], SPAN_NONE, SPAN_NONE);
	status = start_service(s, ret_error);
	if (status == 0) {
		begin(arg, opt->journals[ROLE_PROXY], SPAN_NONE, SPAN_NONE);
		status = start_gate(s, ret_error);
	}
	if (status == 0)
		status = make_session(s, ret_error);
	if (status != 0)
		return status;
	begin(arg, opt->journals[ROLE_CLIENT], session_name(s->session), session_url(s->session));
	uv_timer_init(&opt->loop->uv, &s->server_stop);
	s->server_stop.data = s;
	if (opt->setting->stop_after_us > 0)
		uv_timer_start(&s->server_stop, on_server_stop, (uint64_t)(opt->setting->stop_after_us / US_PER_MS), 0);
	s->open_parts += 2;   /* the timer and the session */
	session_start(s->session);
	return 0;
}

void
rig_free(struct rig *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < RIG_ROLES; i++) {
		journal_remove(s->opt.journals[i], &s->taps[i].base);
		free(s->taps[i].url);
	}
	session_free(s->session);
	gate_free(s->gate);
	service_free(s->service);
	if (s->upstream.host != NULL)
		url_deinit(&s->upstream);
	free(s);
}
