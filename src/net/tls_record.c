/* SPDX-License-Identifier: MIT */
#include "net/tls_record.h"

#include "base/mem.h"

#include <string.h>

void
tls_meter_feed(struct tls_meter *m, const uint8_t *data, size_t n)
{
	while (n > 0) {
		size_t step;

		if (m->left > 0) {
			step = MIN(n, (size_t)m->left);
			m->left -= (uint32_t)step;
		} else {
			step = MIN(n, (size_t)(TLS_RECORD_HEADER - m->n_header));
			memcpy(m->header + m->n_header, data, step);
			m->n_header += (uint8_t)step;
			if (m->n_header == TLS_RECORD_HEADER) {
				m->left = (uint32_t)m->header[3] << 8 | m->header[4];
				m->n_header = 0;
			}
		}
		data += step;
		n -= step;
	}
}

bool
tls_meter_is_inside(const struct tls_meter *m)
{
	return m->n_header > 0 || m->left > 0;
}

static void
skip_empty(struct tls_cursor *c)
{
	while (c->n > 0 && c->iov->iov_len == c->at) {
		c->iov++;
		c->n--;
		c->at = 0;
	}
}

const uint8_t *
tls_cursor_record(struct tls_cursor *c, uint8_t joined[TLS_RECORD_MAX], size_t *ret_n)
{
	skip_empty(c);
	if (c->n == 0)
		return NULL;

	const uint8_t *here = (const uint8_t *)c->iov->iov_base + c->at;
	size_t n = MIN(c->iov->iov_len - c->at, (size_t)TLS_RECORD_MAX);
	if (n == TLS_RECORD_MAX || c->n == 1) {
		*ret_n = n;
		return here;
	}
	memcpy(joined, here, n);
	for (int i = 1; i < c->n && n < TLS_RECORD_MAX; i++) {
		size_t step = MIN(c->iov[i].iov_len, TLS_RECORD_MAX - n);

		if (step > 0)
			memcpy(joined + n, c->iov[i].iov_base, step);
		n += step;
	}
	*ret_n = n;
	return joined;
}

void
tls_cursor_advance(struct tls_cursor *c, size_t n)
{
	while (n > 0) {
		skip_empty(c);
		size_t step = MIN(n, c->iov->iov_len - c->at);

		c->at += step;
		n -= step;
	}
}
