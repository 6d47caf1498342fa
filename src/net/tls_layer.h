/* SPDX-License-Identifier: MIT */
/*
 * tls_layer: one TLS connection, as its three parts share it: tls_handshake.c begins it, tls.c reads, writes and ends it, tls_bio.c stands between
 * mbedTLS and the layer below. Internal to net/tls*.
 *
 * What keeps it simple is that mbedTLS never hears "not now" when it sends: what the layer below does not take waits in `out`,
 * and nothing new is encrypted until that is empty. So a record is handed to the library once (calling again after WANT_WRITE with anything
 * but the same length silently corrupts the stream), and an alert that the library sends on its own cannot displace one of ours.
 * Nor does it hear that sending has failed: it goes on reading, because an alert or a Close frame may be waiting there.
 */
#ifndef WSDIAG_NET_TLS_LAYER_H
#define WSDIAG_NET_TLS_LAYER_H

#include "base/buf.h"
#include "net/tls_context.h"
#include "net/tls_record.h"
#include "net/tls_verify.h"

enum {
	TLS_FIRST_BYTES = 8,        /* kept to tell what is not TLS */
	TLS_OUT_MAX = 64 * 1024,    /* a peer that provokes answers without reading them is not read from beyond this */
	TLS_SPINS = 64,             /* calls into the library that may bring nothing, before the loop gets its turn */
};

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_FAILED, TLS_FLUSHING, TLS_CLOSING };

struct tls {
	struct transport t;
	struct loop *loop;
	struct tls_context *ctx;
	mbedtls_ssl_context ssl;
	int setup_error;             /* the library's */
	enum tls_state state;
	unsigned wanted, below_wanted;
	bool asked;                  /* want() has been called */
	bool end_seen, end_told;     /* T_END of the layer below */
	bool read_over, write_over;
	bool read_held;              /* read was refused, or cut short, for our reasons: it needs a ready of our making */
	bool half_closing;           /* the FIN waits for out */
	bool below_eof, starved;     /* what the last read below said */
	int write_error;             /* positive errno of the layer below, 0: none */
	struct buf out;              /* ciphertext that the layer below has not taken */
	size_t last_record;          /* plaintext bytes of the record that it is the rest of */
	struct tls_meter meter;
	uint8_t first[TLS_FIRST_BYTES];
	size_t n_first;
	struct loop_task wake;
	enum transport_close how;
	uv_timer_t *flush_limit;     /* while TLS_FLUSHING; frees itself */
	struct tls_verify verify;
	char *sni;
	struct tls_facts facts;
};

extern const struct transport_ops tls_ops;
extern const struct transport_events tls_from_below;

/* tls_bio.c: for mbedtls_ssl_set_bio; arg is the struct tls. */
int tls_bio_send(void *arg, const unsigned char *data, size_t n);
int tls_bio_recv(void *arg, unsigned char *data, size_t n);
/* Passes on what waits in out. */
void tls_flush_out(struct tls *s);
/* Wants from below what the owner and the library need. */
void tls_update_below(struct tls *s);
/* The end that the layer below met first; false: none. */
bool tls_first_end_below(const struct tls *s, struct transport_end *ret);

/* tls_handshake.c: goes on with it. opened or failed comes from inside, so it is called from the loop only. */
void tls_handshake(struct tls *s);
/* tls.c: the loop_task of struct tls. */
void tls_on_wake(struct loop_task *task);

#endif
