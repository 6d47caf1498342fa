/* SPDX-License-Identifier: MIT */
#include "support/tls_pair.h"

#include "net/tls_compat.h"
#include "support/pipe_transport.h"

#include <errno.h>
#include <stdio.h>

const char *
tls_cert(const char *file)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % ARRAY_LEN(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", getenv("WSDIAG_TEST_CERTS"), file);
	return path;
}

static struct tls_context *
context(const struct tls_options *opt)
{
	struct tls_context *ctx = NULL;
	enum tls_fault what = TLS_FAULT_NONE;
	char *error = NULL;

	int r = tls_context_new(opt, &ctx, &what, &error);
	ck_assert_msg(r == 0, "%d: %s", r, error);
	return ctx;
}

struct tls_context *
tls_test_server(const char *name)
{
	char cert[64], key[64];

	snprintf(cert, sizeof(cert), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	return context(&(struct tls_options){ .is_server = true, .cert_file = tls_cert(cert), .key_file = tls_cert(key) });
}

struct tls_context *
tls_test_client(const char *ca)
{
	return context(&(struct tls_options){ .insecure = ca == NULL, .ca_file = ca != NULL ? tls_cert(ca) : NULL });
}

static bool
is_time_to_close(struct tls_side *side, enum tls_moment at)
{
	if (side->close_at != at || side->is_closing)
		return false;
	tls_side_close(side, side->close_how);
	return true;
}

static void
want(struct tls_side *side)
{
	transport_want(side->t, (side->is_paused || side->ended > 0 ? 0 : T_READ) | (side->to_send.len > 0 && side->write_error == 0 ? T_WRITE : 0));
}

static void
on_opened(void *arg)
{
	struct tls_side *side = arg;

	side->opened++;
	if (!is_time_to_close(side, AT_OPENED))
		want(side);
}

static void
on_failed(void *arg, const struct failure *f)
{
	struct tls_side *side = arg;

	side->failed++;
	side->failure = *f;
	is_time_to_close(side, AT_FAILED);
}

static void
read_some(struct tls_side *side)
{
	size_t size = side->read_size > 0 ? side->read_size : 4096;
	ssize_t n;

	do {
		n = transport_read(side->t, buf_reserve(&side->got, size), size);
		if (n > 0)
			buf_commit(&side->got, (size_t)n);
	} while (n > 0 && !side->reads_once);
	ck_assert(n >= 0 || n == -EAGAIN);
	if (n == 0) {
		side->ended++;
		side->n_ends = transport_ends(side->t, side->ends);
		ck_assert_int_eq(transport_read(side->t, buf_reserve(&side->got, 1), 1), 0);
	}
}

/* In pieces of odd sizes, as headers and payloads are. */
static void
write_some(struct tls_side *side)
{
	uint8_t *data = buf_head(&side->to_send);
	size_t n = side->to_send.len, head = MIN(n, (size_t)7), body = MIN(n - head, (size_t)40000);
	const struct iovec iov[] = { { data, head }, { NULL, 0 }, { data + head, body }, { data + head + body, n - head - body } };
	ssize_t taken = transport_writev(side->t, iov, ARRAY_LEN(iov));

	if (taken < 0) {
		side->write_error = taken;
		return;
	}
	buf_consume(&side->to_send, (size_t)taken);
	side->most_pending = MAX(side->most_pending, transport_pending(side->t));
	if (side->to_send.len == 0 && side->close_when_sent)
		ck_assert_int_eq(transport_half_close(side->t), 0);
}

static void
on_ready(void *arg, unsigned bits)
{
	struct tls_side *side = arg;

	ck_assert(!side->is_closing && side->opened == 1);
	if ((bits & T_END) != 0) {
		side->t_ends++;
		if (is_time_to_close(side, AT_END))
			return;
	}
	if ((bits & T_WRITE) != 0) {
		if (side->to_send.len > 0)
			write_some(side);
		if (is_time_to_close(side, AT_WRITE))
			return;
	}
	if ((bits & T_READ) != 0) {
		ck_assert(!side->is_paused);
		read_some(side);
		if (is_time_to_close(side, AT_READ))
			return;
	}
	want(side);
}

static void
on_closed(void *arg)
{
	struct tls_side *side = arg;

	ck_assert(side->is_closing);
	side->closed++;
}

static const struct transport_events side_events = { .opened = on_opened, .failed = on_failed, .ready = on_ready, .closed = on_closed };

static void
raw_ready(void *arg UNUSED, unsigned bits UNUSED)
{
}

static void
raw_nothing(void *arg UNUSED)
{
}

static void
raw_failed(void *arg UNUSED, const struct failure *f UNUSED)
{
}

static const struct transport_events raw_events = { .opened = raw_nothing, .failed = raw_failed, .ready = raw_ready, .closed = raw_nothing };

void
tls_pair_init(struct tls_pair *p, struct tls_context *server, struct tls_context *client)
{
	*p = (struct tls_pair){ .nt = net_test_new() };
	p->server_ctx = server != NULL ? server : tls_test_server("server");
	p->client_ctx = client != NULL ? client : tls_test_client("ca.pem");
}

void
tls_side_start(struct tls_pair *p, struct tls_side *side, const char *name, struct transport *below)
{
	side->below = below;
	side->t = tls_start(&p->nt->l, side == &p->server ? p->server_ctx : p->client_ctx, name, below, &side_events, side);
}

void
tls_pair_start(struct tls_pair *p, const char *name)
{
	struct transport *ends[2];

	pipe_pair(&p->nt->l, ends);
	tls_side_start(p, &p->server, NULL, ends[0]);
	tls_side_start(p, &p->client, name, ends[1]);
}

struct transport *
tls_pair_start_one(struct tls_pair *p, struct tls_side *side, const char *name)
{
	struct transport *ends[2];

	pipe_pair(&p->nt->l, ends);
	tls_side_start(p, side, name, ends[0]);
	transport_set_owner(ends[1], &raw_events, NULL);
	return ends[1];
}

void
tls_pair_run(struct tls_pair *p)
{
	loop_run(&p->nt->l);
}

void
tls_side_close(struct tls_side *side, enum transport_close how)
{
	side->is_closing = true;
	transport_close(steal(&side->t), how);
	ck_assert_int_eq(side->closed, 0);
}

void
tls_raw_close(struct transport *raw, enum transport_close how)
{
	transport_close(raw, how);
}

static void
end_side(struct tls_side *side)
{
	if (side->t != NULL)
		tls_side_close(side, TRANSPORT_RST);
}

static void
check_side(struct tls_side *side)
{
	ck_assert_int_eq(side->closed, side->is_closing ? 1 : 0);
	ck_assert_int_le(side->opened + side->failed, 1);
	ck_assert_int_le(side->t_ends, 1);
	buf_deinit(&side->got);
	buf_deinit(&side->to_send);
}

void
tls_pair_end(struct tls_pair *p)
{
	end_side(&p->client);
	end_side(&p->server);
	loop_run(&p->nt->l);
	check_side(&p->client);
	check_side(&p->server);
	net_test_end(p->nt);
	tls_context_free(p->server_ctx);
	tls_context_free(p->client_ctx);
}

void
tls_side_send(struct tls_side *side, const void *data, size_t n)
{
	buf_append(&side->to_send, data, n);
	if (side->opened > 0)
		want(side);
}

void
tls_side_resume(struct tls_side *side)
{
	side->is_paused = false;
	want(side);
}

const char *
tls_side_ends(const struct tls_side *side, struct buf *out)
{
	static const char *const layers[] = { "tcp", "tunnel", "tls" };
	static const char *const kinds[] = { "fin", "errno", "notify", "truncated", "mid-record", "alert", "corrupt" };

	for (int i = 0; i < side->n_ends; i++) {
		const struct transport_end *end = &side->ends[i];

		buf_printf(out, "%s%s %s", i > 0 ? ", " : "", layers[end->layer], kinds[end->kind]);
		if (end->code != 0)
			buf_printf(out, " %d", end->code);
	}
	return buf_cstr(out);
}

void
tls_fill(struct buf *b, size_t n, uint32_t seed)
{
	uint8_t *data = buf_reserve(b, n);

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
	buf_commit(b, n);
}

int
tls_test_minors(int ret[2])
{
	ret[0] = 2;
	ret[1] = 3;
	return tls_compat_has_tls13() ? 2 : 1;
}
