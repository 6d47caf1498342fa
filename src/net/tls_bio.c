/* SPDX-License-Identifier: MIT */
#include "net/tls_layer.h"

#include <errno.h>
#include <string.h>

/* What the layer below takes of it; everything once that has failed, because then there is nowhere to go. */
static size_t
send_below(struct tls *s, const void *data, size_t n)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };
	ssize_t taken = s->write_error == 0 ? transport_writev(s->t.below, &iov, 1) : (ssize_t)n;

	if (taken >= 0)
		return (size_t)taken;
	if (taken == -EAGAIN)
		return 0;
	s->write_error = (int)-taken;
	return n;
}

void
tls_flush_out(struct tls *s)
{
	while (s->out.len > 0) {
		size_t n = send_below(s, buf_head(&s->out), s->out.len);

		if (n == 0)
			return;
		buf_consume(&s->out, n);
	}
	buf_shrink(&s->out, 0);
}

int
tls_bio_send(void *arg, const unsigned char *data, size_t n)
{
	struct tls *s = arg;
	size_t taken = s->out.len == 0 ? send_below(s, data, n) : 0;

	buf_append(&s->out, data + taken, n - taken);
	return (int)n;
}

int
tls_bio_recv(void *arg, unsigned char *data, size_t n)
{
	struct tls *s = arg;
	ssize_t got = transport_read(s->t.below, data, n);

	if (got == -EAGAIN) {
		s->starved = true;
		return MBEDTLS_ERR_SSL_WANT_READ;
	}
	if (got <= 0) {
		s->below_eof = true;
		return 0;
	}
	size_t keep = MIN((size_t)got, sizeof(s->first) - s->n_first);
	memcpy(s->first + s->n_first, data, keep);
	s->n_first += keep;
	tls_meter_feed(&s->meter, data, (size_t)got);
	return (int)got;
}

void
tls_update_below(struct tls *s)
{
	bool reads = s->state == TLS_HANDSHAKE || (s->state == TLS_OPEN && (s->wanted & T_READ) != 0 && !s->read_over && s->out.len <= TLS_OUT_MAX);
	bool writes = s->out.len > 0 || (s->state == TLS_OPEN && (s->wanted & T_WRITE) != 0);
	unsigned bits = (reads ? T_READ : 0) | (writes ? T_WRITE : 0);

	if (bits == s->below_wanted)
		return;
	s->below_wanted = bits;
	transport_want(s->t.below, bits);
}

bool
tls_first_end_below(const struct tls *s, struct transport_end *ret)
{
	struct transport_end ends[TRANSPORT_ENDS_MAX];

	if (transport_ends(s->t.below, ends) == 0)
		return false;
	*ret = ends[0];
	return true;
}
