/* SPDX-License-Identifier: MIT */
/*
 * tls_pair: a TLS client and a TLS server over a pair of transports, each with an owner that writes down what it hears, sends what is in to_send, and
 * can be told to close from inside any of its callbacks.
 */
#ifndef WSDIAG_TESTS_TLS_PAIR_H
#define WSDIAG_TESTS_TLS_PAIR_H

#include "base/buf.h"
#include "net/tls.h"
#include "support/net.h"

#include <stdio.h>

/* As UNIT_MAIN; without certificates to test with, all are skipped. */
#define TLS_UNIT_MAIN(name, ...)                                                                                       \
	int main(void)                                                                                                 \
	{                                                                                                              \
		const TTest *const tests[] = { __VA_ARGS__ };                                                          \
		if (getenv("WSDIAG_TEST_CERTS") != NULL)                                                               \
			return unit_run(name, 1, tests, sizeof(tests) / sizeof(tests[0]));                             \
		puts("1..0 # SKIP no openssl command to make certificates with");                                      \
		return EXIT_SUCCESS;                                                                                   \
	}

enum tls_moment { AT_NEVER, AT_OPENED, AT_FAILED, AT_READ, AT_WRITE, AT_END };

struct tls_side {
	/* To be set before the loop runs. */
	struct buf to_send;
	size_t read_size;             /* of each read; 0: 4 KiB */
	bool reads_once;              /* one read for each ready(T_READ) */
	bool is_paused;               /* reads nothing until tls_side_resume() */
	enum tls_moment close_at;
	enum transport_close close_how;
	bool close_when_sent;         /* half-closes when to_send has been taken */

	struct transport *t;          /* NULL: closed by the owner, or gone */
	struct transport *below;
	int opened, failed, ended, closed, t_ends;
	struct failure failure;
	struct buf got;
	ssize_t write_error;
	struct transport_end ends[TRANSPORT_ENDS_MAX];  /* when read said 0 */
	int n_ends;
	size_t most_pending;
	bool is_closing;
};

struct tls_pair {
	struct net_test *nt;
	struct tls_context *server_ctx, *client_ctx;
	struct tls_side server, client;
};

/* A file among the certificates. Borrowed until the next few calls. */
const char *tls_cert(const char *file);
/* Contexts: a server with name.pem and name.key; a client that trusts ca.pem (ca NULL: insecure). */
struct tls_context *tls_test_server(const char *name);
struct tls_context *tls_test_client(const char *ca);

/* Contexts become the pair's; NULL: server.pem, and a client that trusts ca.pem. No transports yet. */
void tls_pair_init(struct tls_pair *p, struct tls_context *server, struct tls_context *client);
/* Over an in-memory pair: below of each side is its end of it. */
void tls_pair_start(struct tls_pair *p, const char *name);
/* One side only: the other end of the pipe is returned, to be played by the test (tls_raw_close() at the end). */
struct transport *tls_pair_start_one(struct tls_pair *p, struct tls_side *side, const char *name);
void tls_side_start(struct tls_pair *p, struct tls_side *side, const char *name, struct transport *below);
/* Until nothing moves. */
void tls_pair_run(struct tls_pair *p);
/* What is still open is closed with an RST; then everything must be gone, each transport having said closed once. */
void tls_pair_end(struct tls_pair *p);
void tls_raw_close(struct transport *raw, enum transport_close how);

void tls_side_send(struct tls_side *side, const void *data, size_t n);
void tls_side_resume(struct tls_side *side);
void tls_side_close(struct tls_side *side, enum transport_close how);
/* "tls notify, tcp fin" */
const char *tls_side_ends(const struct tls_side *side, struct buf *out);

/* Bytes that show every loss, repetition and swap. */
void tls_fill(struct buf *b, size_t n, uint32_t seed);

/* The TLS versions of this build, 1.n: 2 alone, or 2 and 3. */
int tls_test_minors(int ret[2]);

#define ck_side_ends(side, text)                                                                                       \
	do {                                                                                                           \
		struct buf ends_ = { 0 };                                                                              \
		ck_assert_str_eq(tls_side_ends(side, &ends_), text);                                                   \
		buf_deinit(&ends_);                                                                                    \
	} while (0)

#define ck_buf_eq(a, b)                                                                                                \
	do {                                                                                                           \
		ck_assert_uint_eq((a)->len, (b)->len);                                                                 \
		ck_assert((a)->len == 0 || memcmp(buf_head(a), buf_head(b), (a)->len) == 0);                           \
	} while (0)

#endif
