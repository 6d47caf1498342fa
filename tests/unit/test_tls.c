/* SPDX-License-Identifier: MIT */
/* The stream: what goes in comes out, whatever happens below; and every way it can end is told apart. test_tls_verify.c has the certificates. */
#include "net/tls.h"

#include "net/tcp.h"
#include "net/tls_context.h"
#include "net/tls_record.h"
#include "support/pipe_transport.h"
#include "support/tls_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { MANY = 2 * 1024 * 1024 };

static void
check_stream(struct tls_pair *p, uint32_t seed, size_t to_server, size_t to_client)
{
	struct buf sent = { 0 };

	tls_fill(&sent, to_server, seed);
	ck_buf_eq(&p->server.got, &sent);
	buf_clear(&sent);
	tls_fill(&sent, to_client, seed + 1);
	ck_buf_eq(&p->client.got, &sent);
	buf_deinit(&sent);
}

static void
fill_both(struct tls_pair *p, uint32_t seed, size_t to_server, size_t to_client)
{
	tls_fill(&p->client.to_send, to_server, seed);
	tls_fill(&p->server.to_send, to_client, seed + 1);
}

START_TEST(both_ends_open_and_tell_the_facts_in_each_version)
{
	static const char *const versions[] = { "TLSv1.2", "TLSv1.3" };
	int minors[2], n = tls_test_minors(minors);

	for (int i = 0; i < n; i++) {
		struct tls_pair p;

		tls_pair_init(&p, NULL, NULL);
		tls_compat_only_version(&p.client_ctx->conf, minors[i]);
		tls_pair_start(&p, "localhost");
		ck_assert_int_eq(p.client.opened, 0);
		tls_pair_run(&p);
		ck_assert_int_eq(p.client.opened, 1);
		ck_assert_int_eq(p.server.opened, 1);
		const struct tls_facts *f = transport_tls(p.client.t);
		ck_span_eq(f->version, versions[i]);
		ck_assert_uint_gt(f->cipher.n, 0);
		ck_span_eq(f->sni, "localhost");
		ck_assert(f->verified);
		ck_span_eq(f->subject, "CN=localhost");
		ck_span_eq(f->issuer, "O=wsdiag tests, CN=Test CA");
		ck_span_eq(f->not_before, "2020-01-01T00:00:00Z");
		ck_span_eq(f->not_after, "2049-12-31T00:00:00Z");
		ck_assert_uint_eq(f->sha256.n, 64);
		f = transport_tls(p.server.t);
		ck_span_eq(f->version, versions[i]);
		ck_span_eq(f->sni, "localhost");
		ck_assert(!f->verified && f->subject.p == NULL);
		tls_pair_end(&p);
	}
}
END_TEST

START_TEST(records_that_come_byte_by_byte_go_on)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	fill_both(&p, 1, 20000, 20000);
	tls_pair_start(&p, "localhost");
	pipe_split(p.client.below, 1);
	pipe_split(p.server.below, 1);
	tls_pair_run(&p);
	check_stream(&p, 1, 20000, 20000);
	tls_pair_end(&p);
}
END_TEST

START_TEST(full_both_ways_is_byte_exact_and_keeps_no_more_than_a_record)
{
	static const size_t capacities[] = { 1, 999, 16384, 65536 };
	int minors[2], n = tls_test_minors(minors);

	for (size_t i = 0; i < ARRAY_LEN(capacities); i++) {
		size_t bytes = capacities[i] == 1 ? 50000 : capacities[i] < 16384 ? 300000 : MANY;
		struct tls_pair p;

		tls_pair_init(&p, NULL, NULL);
		tls_compat_only_version(&p.client_ctx->conf, minors[i % (size_t)n]);
		fill_both(&p, 2, bytes, bytes - 1);
		tls_pair_start(&p, "localhost");
		pipe_capacity(p.client.below, capacities[i]);
		pipe_capacity(p.server.below, capacities[i]);
		tls_pair_run(&p);
		check_stream(&p, 2, bytes, bytes - 1);
		ck_assert_uint_gt(p.client.most_pending, 0);
		ck_assert_uint_le(p.client.most_pending, TLS_RECORD_MAX + 64);
		ck_assert_uint_eq(transport_pending(p.client.t), 0);
		tls_pair_end(&p);
	}
}
END_TEST

START_TEST(what_is_left_in_the_library_makes_ready_come_again)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	tls_fill(&p.client.to_send, 100000, 3);
	p.server.reads_once = true;
	p.server.read_size = 100;
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	check_stream(&p, 3, 100000, 0);
	tls_pair_end(&p);
}
END_TEST

START_TEST(a_pause_with_bytes_left_in_the_library_ends_well)
{
	struct tls_pair p;
	uint8_t some[10];

	tls_pair_init(&p, NULL, NULL);
	tls_fill(&p.client.to_send, 5000, 4);
	p.server.is_paused = true;
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	ck_assert_uint_eq(p.server.got.len, 0);
	ck_assert_int_eq(transport_read(p.server.t, some, sizeof(some)), sizeof(some));
	buf_append(&p.server.got, some, sizeof(some));
	tls_pair_run(&p);
	ck_assert_uint_eq(p.server.got.len, sizeof(some));
	tls_side_resume(&p.server);
	tls_pair_run(&p);
	check_stream(&p, 4, 5000, 0);
	tls_pair_end(&p);
}
END_TEST

START_TEST(small_pieces_of_one_call_make_one_record)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	size_t before = pipe_arrived(p.server.below);
	struct iovec iov[64];
	for (size_t i = 0; i < ARRAY_LEN(iov); i++)
		iov[i] = (struct iovec){ "0123456789", i % 11 };
	ck_assert_int_eq(transport_writev(p.client.t, iov, ARRAY_LEN(iov)), 311);
	ck_assert_uint_lt(pipe_arrived(p.server.below) - before, 311 + 64);
	tls_pair_run(&p);
	ck_assert_uint_eq(p.server.got.len, 311);
	tls_pair_end(&p);
}
END_TEST

/* Opens, sends ten bytes to the server, and closes the client: the server has heard the end. */
static void
end_with(struct tls_pair *p, enum transport_close how)
{
	tls_pair_init(p, NULL, NULL);
	tls_fill(&p->client.to_send, 10, 5);
	tls_pair_start(p, "localhost");
	tls_pair_run(p);
	tls_side_close(&p->client, how);
	tls_pair_run(p);
	ck_assert_int_eq(p->client.closed, 1);
	ck_assert_int_eq(p->server.ended, 1);
	ck_assert_uint_eq(p->server.got.len, 10);
}

START_TEST(close_notify_truncation_and_reset_are_told_apart)
{
	struct tls_pair p;

	end_with(&p, TRANSPORT_GRACEFUL);
	ck_side_ends(&p.server, "tls notify, tcp fin");
	tls_pair_end(&p);
	end_with(&p, TRANSPORT_FIN);
	ck_side_ends(&p.server, "tls truncated, tcp fin");
	tls_pair_end(&p);
	end_with(&p, TRANSPORT_RST);
	ck_side_ends(&p.server, "tcp errno 104");
	tls_pair_end(&p);
}
END_TEST

START_TEST(an_end_inside_a_record_is_told_at_every_offset)
{
	static const size_t offsets[] = { 1, 4, 5, 6, 30, 100 };

	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		struct tls_pair p;

		tls_pair_init(&p, NULL, NULL);
		tls_pair_start(&p, "localhost");
		tls_pair_run(&p);
		pipe_cut(p.server.below, pipe_arrived(p.server.below) + offsets[i], 0);
		struct buf data = { 0 };
		tls_fill(&data, 100, 6);
		tls_side_send(&p.client, data.data, data.len);
		buf_deinit(&data);
		tls_pair_run(&p);
		ck_side_ends(&p.server, "tls mid-record, tcp fin");
		ck_assert_uint_eq(p.server.got.len, 0);
		tls_pair_end(&p);
	}
}
END_TEST

START_TEST(a_damaged_byte_is_fatal_and_the_other_end_hears_an_alert)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	pipe_corrupt(p.server.below, pipe_arrived(p.server.below) + 50);
	tls_side_send(&p.client, "0123456789012345678901234567890123456789012345678901234567890123456789", 70);
	tls_pair_run(&p);
	ck_side_ends(&p.server, "tls corrupt");
	ck_assert_ptr_nonnull(strstr(p.server.ends[0].text, "integrity"));
	ck_assert_uint_eq(p.server.got.len, 0);
	ck_side_ends(&p.client, "tls alert 20");
	ck_assert_str_eq(p.client.ends[0].text, "bad_record_mac (20)");
	ck_assert_int_eq(transport_writev(p.client.t, &(struct iovec){ "x", 1 }, 1), -EPIPE);
	ck_assert_int_eq(transport_writev(p.server.t, &(struct iovec){ "x", 1 }, 1), -EPIPE);
	tls_pair_end(&p);
}
END_TEST

START_TEST(rubbish_between_records_is_corrupt)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	pipe_inject(p.client.below, "HTTP/1.1 502 Bad Gateway\r\n\r\n", 28);
	tls_pair_run(&p);
	ck_side_ends(&p.client, "tls corrupt");
	tls_pair_end(&p);
}
END_TEST

START_TEST(half_close_leaves_the_other_direction_open)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	tls_fill(&p.client.to_send, 300000, 7);
	p.client.close_when_sent = true;
	tls_pair_start(&p, "localhost");
	pipe_capacity(p.server.below, 1000);
	tls_pair_run(&p);
	ck_side_ends(&p.server, "tls notify, tcp fin");
	ck_assert_uint_eq(p.server.got.len, 300000);
	ck_assert_int_eq(p.client.ended, 0);
	struct buf answer = { 0 };
	tls_fill(&answer, 200000, 8);
	tls_side_send(&p.server, answer.data, answer.len);
	buf_deinit(&answer);
	tls_pair_run(&p);
	check_stream(&p, 7, 300000, 200000);
	ck_assert_int_eq(p.server.write_error, 0);
	ck_assert_int_eq(transport_writev(p.client.t, &(struct iovec){ "x", 1 }, 1), -EPIPE);
	tls_side_close(&p.server, TRANSPORT_GRACEFUL);
	tls_pair_run(&p);
	ck_side_ends(&p.client, "tls notify, tcp fin");
	tls_pair_end(&p);
}
END_TEST

START_TEST(a_failed_write_does_not_keep_what_had_come_from_being_read)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	p.client.is_paused = true;
	tls_fill(&p.server.to_send, 3000, 9);
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	pipe_fail_writes(p.server.below, ECONNRESET);
	tls_side_send(&p.client, "x", 1);
	tls_pair_run(&p);
	ck_assert_int_eq(p.client.write_error, -ECONNRESET);
	pipe_cut(p.client.below, pipe_arrived(p.client.below), 0);
	tls_side_resume(&p.client);
	tls_pair_run(&p);
	ck_assert_uint_eq(p.client.got.len, 3000);
	ck_side_ends(&p.client, "tcp errno 104, tcp fin");
	tls_pair_end(&p);
}
END_TEST

START_TEST(an_end_is_noticed_once_while_nothing_is_read)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	p.server.is_paused = true;
	tls_fill(&p.client.to_send, 100, 10);
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	ck_assert_int_eq(p.server.t_ends, 0);
	tls_side_close(&p.client, TRANSPORT_GRACEFUL);
	tls_pair_run(&p);
	ck_assert_int_eq(p.server.t_ends, 1);
	ck_assert_int_eq(p.server.ended, 0);
	tls_side_resume(&p.server);
	tls_pair_run(&p);
	ck_assert_uint_eq(p.server.got.len, 100);
	ck_side_ends(&p.server, "tls notify, tcp fin");
	tls_pair_end(&p);
}
END_TEST

START_TEST(closing_from_inside_each_callback_is_safe)
{
	static const enum tls_moment moments[] = { AT_OPENED, AT_READ, AT_WRITE, AT_END };

	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		for (int how = TRANSPORT_GRACEFUL; how <= TRANSPORT_RST; how++) {
			struct tls_pair p;

			tls_pair_init(&p, NULL, NULL);
			fill_both(&p, 11, 50000, 50000);
			p.client.close_at = moments[i];
			p.client.close_how = (enum transport_close)how;
			p.client.is_paused = moments[i] == AT_END;
			tls_pair_start(&p, "localhost");
			pipe_capacity(p.server.below, 20000);
			tls_pair_run(&p);
			if (moments[i] == AT_END) {
				tls_side_close(&p.server, TRANSPORT_FIN);
				tls_pair_run(&p);
			}
			ck_assert_int_eq(p.client.closed, 1);
			tls_pair_end(&p);
		}
	}
}
END_TEST

START_TEST(closing_during_the_handshake_is_safe)
{
	for (int turns = 0; turns < 6; turns++) {
		struct tls_pair p;

		tls_pair_init(&p, NULL, NULL);
		tls_pair_start(&p, "localhost");
		pipe_split(p.client.below, 300);
		for (int i = 0; i < turns; i++)
			uv_run(&p.nt->l.uv, UV_RUN_NOWAIT);
		tls_side_close(&p.client, TRANSPORT_GRACEFUL);
		tls_pair_run(&p);
		ck_assert_int_eq(p.client.closed, 1);
		ck_assert_int_eq(p.server.failed + p.server.ended, 1);
		tls_pair_end(&p);
	}
}
END_TEST

START_TEST(a_graceful_close_first_passes_on_what_was_taken)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	p.server.is_paused = true;
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	pipe_capacity(p.server.below, 100);
	tls_fill(&p.client.to_send, 5000, 12);
	tls_side_send(&p.client, NULL, 0);
	tls_pair_run(&p);
	ck_assert_uint_eq(p.client.to_send.len, 0);
	ck_assert_uint_gt(transport_pending(p.client.t), 4000);
	tls_side_close(&p.client, TRANSPORT_GRACEFUL);
	tls_side_resume(&p.server);
	tls_pair_run(&p);
	check_stream(&p, 12, 5000, 0);
	ck_side_ends(&p.server, "tls notify, tcp fin");
	ck_assert_int_eq(p.client.closed, 1);
	tls_pair_end(&p);
}
END_TEST

START_TEST(a_graceful_close_does_not_wait_for_ever)
{
	struct tls_pair p;

	tls_pair_init(&p, NULL, NULL);
	p.server.is_paused = true;
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	pipe_capacity(p.server.below, 100);
	tls_fill(&p.client.to_send, 5000, 13);
	tls_side_send(&p.client, NULL, 0);
	tls_pair_run(&p);
	tls_side_close(&p.client, TRANSPORT_GRACEFUL);
	tls_pair_run(&p);
	ck_assert_int_eq(p.client.closed, 1);
	tls_pair_end(&p);
}
END_TEST

/* Real sockets below. */
static void
adopt(struct tls_pair *p, int fds[2])
{
	static const struct transport_events nobody = { 0 };

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	tls_side_start(p, &p->server, NULL, tcp_adopt(&p->nt->l, fds[0], &nobody, NULL));
	tls_side_start(p, &p->client, "localhost", tcp_adopt(&p->nt->l, fds[1], &nobody, NULL));
}

START_TEST(over_sockets_full_both_ways_is_byte_exact)
{
	struct tls_pair p;
	int fds[2];

	tls_pair_init(&p, NULL, NULL);
	fill_both(&p, 14, MANY, MANY);
	p.client.close_when_sent = p.server.close_when_sent = true;
	adopt(&p, fds);
	while (p.client.ended == 0 || p.server.ended == 0)
		ck_assert_int_ne(uv_run(&p.nt->l.uv, UV_RUN_ONCE), 0);
	check_stream(&p, 14, MANY, MANY);
	ck_side_ends(&p.client, "tls notify, tcp fin");
	ck_side_ends(&p.server, "tls notify, tcp fin");
	tls_side_close(&p.client, TRANSPORT_GRACEFUL);
	tls_side_close(&p.server, TRANSPORT_GRACEFUL);
	tls_pair_end(&p);
}
END_TEST

START_TEST(secrets_go_to_the_key_log)
{
	char path[] = "/tmp/wsdiag-keylog-XXXXXX", line[512];
	int fd = mkstemp(path), lines = 0;
	struct tls_context *client;
	enum tls_fault what;
	char *error;
	struct tls_pair p;

	const struct tls_options opt = { .ca_file = tls_cert("ca.pem"), .keylog = path };
	ck_assert_int_eq(tls_context_new(&opt, &client, &what, &error), 0);
	tls_pair_init(&p, NULL, client);
	tls_pair_start(&p, "localhost");
	tls_pair_run(&p);
	tls_pair_end(&p);
	FILE *f = fdopen(fd, "r");
	for (; fgets(line, sizeof(line), f) != NULL; lines++) {
		char label[64], random[128], secret[256];

		ck_assert_int_eq(sscanf(line, "%63s %127s %255s", label, random, secret), 3);
		ck_assert_uint_eq(strlen(random), 64);
		ck_assert_uint_ge(strlen(secret), 64);
	}
	ck_assert_int_eq(lines, tls_compat_has_tls13() ? 4 : 1);
	fclose(f);
	unlink(path);
}
END_TEST

TLS_UNIT_MAIN("tls", both_ends_open_and_tell_the_facts_in_each_version, records_that_come_byte_by_byte_go_on,
    full_both_ways_is_byte_exact_and_keeps_no_more_than_a_record, what_is_left_in_the_library_makes_ready_come_again,
    a_pause_with_bytes_left_in_the_library_ends_well, small_pieces_of_one_call_make_one_record,
    close_notify_truncation_and_reset_are_told_apart, an_end_inside_a_record_is_told_at_every_offset,
    a_damaged_byte_is_fatal_and_the_other_end_hears_an_alert, rubbish_between_records_is_corrupt, half_close_leaves_the_other_direction_open,
    a_failed_write_does_not_keep_what_had_come_from_being_read, an_end_is_noticed_once_while_nothing_is_read,
    closing_from_inside_each_callback_is_safe, closing_during_the_handshake_is_safe, a_graceful_close_first_passes_on_what_was_taken,
    a_graceful_close_does_not_wait_for_ever, over_sockets_full_both_ways_is_byte_exact, secrets_go_to_the_key_log)
