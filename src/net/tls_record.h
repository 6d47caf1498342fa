/* SPDX-License-Identifier: MIT */
/*
 * tls_record: the little that we do with records ourselves: cutting what is written into them, and knowing where in one an end came.
 * Internal to net/tls*.
 */
#ifndef WSDIAG_NET_TLS_RECORD_H
#define WSDIAG_NET_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { TLS_RECORD_MAX = 16384, TLS_RECORD_HEADER = 5 };

/* Counts the bytes of incoming records (RFC 8446 section 5.1). A zeroed one is between records. */
struct tls_meter {
	uint8_t header[TLS_RECORD_HEADER];
	uint8_t n_header;
	uint32_t left;    /* of the record's body */
};

void tls_meter_feed(struct tls_meter *m, const uint8_t *data, size_t n);
bool tls_meter_is_inside(const struct tls_meter *m);

/* A walk over an iovec, record by record. */
struct tls_cursor {
	const struct iovec *iov;
	int n;
	size_t at;        /* in the first */
};

/* The next record's worth of bytes, or NULL at the end: in place where one piece holds it, else put together in joined. */
const uint8_t *tls_cursor_record(struct tls_cursor *c, uint8_t joined[TLS_RECORD_MAX], size_t *ret_n);
void tls_cursor_advance(struct tls_cursor *c, size_t n);

#endif
