/* SPDX-License-Identifier: MIT */
#include "net/dial.h"

#include "support/net.h"
#include "support/net_dead.h"

enum { PINS_MAX = 4 };

struct call {
	struct net_test *nt;
	struct dial *d;
	int listener;
	uint16_t port;
	struct sockaddr_storage addresses[PINS_MAX];
	struct dial_pin pin;
	struct dial_options opt;
	int opened, failed, told, closed;
	struct transport *t;
	struct dial_timing timing;
	struct failure failure;
	size_t n_attempts;
	char first_attempt[64];
};

static void
on_unexpected(void *arg)
{
	(void)arg;
	ck_abort_msg("it was open already");
}

static void
on_broken(void *arg, const struct failure *f)
{
	(void)arg;
	(void)f;
	ck_abort_msg("it was open already");
}

static void
on_ready(void *arg, unsigned bits)
{
	(void)arg;
	(void)bits;
}

static void
on_closed(void *arg)
{
	struct call *c = arg;

	c->closed++;
}

static const struct transport_events owner = { on_unexpected, on_broken, on_ready, on_closed };

static void
note_attempts(struct call *c, const struct attempt_list *attempts)
{
	c->d = NULL;
	c->told = 1;
	c->n_attempts = attempts->n;
	if (attempts->n > 0)
		snprintf(c->first_attempt, sizeof(c->first_attempt), "%.*s", (int)attempts->items[0].address.n,
			attempts->items[0].address.p);
}

static void
on_opened(void *arg, struct transport *t, const struct dial_timing *timing, const struct attempt_list *attempts)
{
	struct call *c = arg;

	c->opened++;
	c->t = t;
	c->timing = *timing;
	transport_set_owner(t, &owner, c);
	note_attempts(c, attempts);
}

static void
on_failed(void *arg, const struct failure *f, const struct attempt_list *attempts)
{
	struct call *c = arg;

	c->failed++;
	c->failure = *f;
	note_attempts(c, attempts);
}

static const struct dial_events events = { on_opened, on_failed };

/* A listener on 127.0.0.1; its port is the one that is dialled. */
static void
prepare(struct call *c, const char *host)
{
	struct sockaddr_in address;

	*c = (struct call){ .nt = net_test_new() };
	c->listener = net_listen(&address, 8);
	c->port = ntohs(address.sin_port);
	c->opt = (struct dial_options){ .host = host, .port = c->port, .pins = &c->pin };
	c->pin = (struct dial_pin){ .host = "PINNED.example", .addresses = c->addresses };
}

static void
pin(struct call *c, const char *address)
{
	c->opt.n_pins = 1;
	/* The port in a pin is not the one that counts. */
	c->addresses[c->pin.n++] = net_address(address, 1);
}

static void
start(struct call *c)
{
	c->d = dial_start(&c->nt->l, &c->opt, &events, c);
	ck_assert_int_eq(c->opened + c->failed, 0);
	ck_assert_int_eq(dial_stage(c->d), STAGE_DNS);
	ck_assert_str_eq(dial_target(c->d), c->opt.host);
}

static void
run(struct call *c)
{
	start(c);
	net_run_until(c->nt, &c->told);
}

static void
end(struct call *c)
{
	if (c->t != NULL)
		transport_close(c->t, TRANSPORT_RST);
	net_test_end(c->nt);
	ck_assert_int_eq(c->closed, c->opened);
	close(c->listener);
}

static void
run_to_stage(struct call *c, enum stage stage)
{
	while (dial_stage(c->d) != stage)
		ck_assert_int_ne(uv_run(&c->nt->l.uv, UV_RUN_ONCE), 0);
}

START_TEST(a_literal_needs_no_look_up)
{
	struct call c;

	prepare(&c, "127.0.0.1");
	run(&c);
	ck_assert_int_eq(c.opened, 1);
	ck_assert_uint_eq(c.n_attempts, 0);
	ck_assert_int_eq(c.timing.dns, US_UNKNOWN);
	ck_assert_int_ge(c.timing.tcp, 0);
	ck_assert_int_eq(c.timing.tls, US_UNKNOWN);
	end(&c);
}
END_TEST

START_TEST(a_name_is_looked_up)
{
	struct call c;

	prepare(&c, "localhost");
	run(&c);
	ck_assert_int_eq(c.opened, 1);
	ck_assert_int_ge(c.timing.dns, 0);
	/* Where localhost is ::1 too, that was refused first. */
	ck_assert_uint_le(c.n_attempts, 1);
	end(&c);
}
END_TEST

START_TEST(a_pin_replaces_the_resolver)
{
	struct call c;

	prepare(&c, "pinned.example");
	pin(&c, "127.0.0.1");
	run(&c);
	ck_assert_int_eq(c.opened, 1);
	ck_assert_int_eq(c.timing.dns, US_UNKNOWN);
	end(&c);
}
END_TEST

START_TEST(after_a_refusal_the_next_address_is_tried)
{
	struct call c;

	prepare(&c, "pinned.example");
	pin(&c, "127.0.0.2");
	pin(&c, "127.0.0.1");
	run(&c);
	ck_assert_int_eq(c.opened, 1);
	ck_assert_uint_eq(c.n_attempts, 1);
	ck_assert_int_eq(strncmp(c.first_attempt, "127.0.0.2:", 10), 0);
	end(&c);
}
END_TEST

START_TEST(a_dead_address_does_not_hold_up_the_next)
{
	struct net_dead dead;
	struct call c;

	prepare(&c, "pinned.example");
	net_dead_open(&dead, "127.0.0.3", c.port);
	pin(&c, "127.0.0.3");
	pin(&c, "127.0.0.1");
	run(&c);
	ck_assert_int_eq(c.opened, 1);
	ck_assert_uint_eq(c.n_attempts, 0);
	struct transport_stat st;
	transport_stat(c.t, &st);
	ck_assert_int_eq(strncmp(st.peer, "127.0.0.1:", 10), 0);
	end(&c);
	net_dead_close(&dead);
}
END_TEST

START_TEST(when_all_fail_the_failure_counts_them)
{
	struct call c;
	char expected[128];

	prepare(&c, "pinned.example");
	pin(&c, "127.0.0.2");
	pin(&c, "127.0.0.3");
	run(&c);
	ck_assert_int_eq(c.failed, 1);
	ck_assert_int_eq(c.failure.stage, STAGE_TCP);
	ck_assert_int_eq(c.failure.cause, CAUSE_TCP_REFUSED);
	ck_assert_uint_eq(c.n_attempts, 2);
	snprintf(expected, sizeof(expected), "connection refused by 2 addresses (last 127.0.0.3:%u)", c.port);
	ck_assert_str_eq(c.failure.text, expected);
	end(&c);
}
END_TEST

START_TEST(a_family_that_is_not_wanted_is_not_tried)
{
	struct call c;

	prepare(&c, "pinned.example");
	c.opt.families = AF_INET6;
	pin(&c, "127.0.0.1");
	run(&c);
	ck_assert_int_eq(c.failed, 1);
	ck_assert_int_eq(c.failure.cause, CAUSE_DNS_NOT_FOUND);
	end(&c);
}
END_TEST

START_TEST(a_name_without_addresses_fails_at_the_look_up)
{
	struct call c;

	prepare(&c, "nosuch.invalid");
	run(&c);
	ck_assert_int_eq(c.failed, 1);
	ck_assert_int_eq(c.failure.stage, STAGE_DNS);
	ck_assert_uint_eq(c.n_attempts, 0);
	end(&c);
}
END_TEST

START_TEST(a_pin_for_another_port_does_not_count)
{
	struct call c;

	prepare(&c, "127.0.0.1");
	pin(&c, "127.0.0.2");
	c.pin.host = "127.0.0.1";
	c.pin.port = (uint16_t)(c.port + 1);
	run(&c);
	ck_assert_int_eq(c.opened, 1);
	ck_assert_uint_eq(c.n_attempts, 0);
	end(&c);
}
END_TEST

START_TEST(cancelled_before_the_first_turn_it_is_silent)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", "pinned.example" };

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct call c;

		prepare(&c, hosts[i]);
		pin(&c, "127.0.0.1");
		start(&c);
		dial_cancel(c.d);
		end(&c);
		ck_assert_int_eq(c.opened + c.failed, 0);
	}
}
END_TEST

START_TEST(cancelled_while_connecting_it_is_silent)
{
	struct net_dead dead;
	struct call c;

	prepare(&c, "pinned.example");
	net_dead_open(&dead, "127.0.0.3", c.port);
	pin(&c, "127.0.0.2");
	pin(&c, "127.0.0.3");
	start(&c);
	do
		run_to_stage(&c, STAGE_TCP);
	while (dial_attempts(c.d).n == 0 && uv_run(&c.nt->l.uv, UV_RUN_ONCE) != 0);
	ck_assert_int_eq(strncmp(dial_target(c.d), "127.0.0.3:", 10), 0);
	ck_assert_uint_eq(dial_attempts(c.d).n, 1);
	dial_cancel(c.d);
	end(&c);
	ck_assert_int_eq(c.opened + c.failed, 0);
	net_dead_close(&dead);
}
END_TEST

static struct tls_context *
client_context(void)
{
	const struct tls_options opt = { .insecure = true };
	struct tls_context *ctx = NULL;
	enum tls_fault what;
	char *error = NULL;

	ck_assert_msg(tls_context_new(&opt, &ctx, &what, &error) == 0, "%s", error);
	return ctx;
}

START_TEST(cancelled_in_the_tls_handshake_it_is_silent)
{
	struct tls_context *ctx = client_context();
	struct call c;

	prepare(&c, "127.0.0.1");
	c.opt.tls = ctx;
	start(&c);
	run_to_stage(&c, STAGE_TLS);
	net_turn(c.nt);
	ck_assert_int_eq(strncmp(dial_target(c.d), "127.0.0.1:", 10), 0);
	dial_cancel(c.d);
	end(&c);
	ck_assert_int_eq(c.opened + c.failed, 0);
	tls_context_free(ctx);
}
END_TEST

START_TEST(a_tls_failure_ends_the_dial_without_another_address)
{
	struct tls_context *ctx = client_context();
	struct call c;

	prepare(&c, "pinned.example");
	c.opt.tls = ctx;
	pin(&c, "127.0.0.1");
	pin(&c, "127.0.0.2");
	start(&c);
	run_to_stage(&c, STAGE_TLS);
	int theirs = accept(c.listener, NULL, NULL);
	ck_assert_int_eq(send(theirs, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, 0), 28);
	shutdown(theirs, SHUT_WR);
	net_run_until(c.nt, &c.failed);
	ck_assert_int_eq(c.failure.stage, STAGE_TLS);
	ck_assert_uint_eq(c.n_attempts, 1);
	ck_assert_int_eq(strncmp(c.first_attempt, "127.0.0.1:", 10), 0);
	close(theirs);
	end(&c);
	tls_context_free(ctx);
}
END_TEST

UNIT_MAIN("dial", a_literal_needs_no_look_up, a_name_is_looked_up, a_pin_replaces_the_resolver, after_a_refusal_the_next_address_is_tried,
	a_dead_address_does_not_hold_up_the_next, when_all_fail_the_failure_counts_them, a_family_that_is_not_wanted_is_not_tried,
	a_name_without_addresses_fails_at_the_look_up, a_pin_for_another_port_does_not_count, cancelled_before_the_first_turn_it_is_silent,
	cancelled_while_connecting_it_is_silent, cancelled_in_the_tls_handshake_it_is_silent,
	a_tls_failure_ends_the_dial_without_another_address)
