/* SPDX-License-Identifier: MIT */
/*
 * transport: a stack of byte streams, held by its top.
 *
 *	ws/ or a relay       read, writev, want, half_close, close go down
 *	   |    ^
 *	  tls   |            opened or failed once; ready; closed once, last
 *	   |    |
 *	tunnel  |
 *	   |    |
 *	  tcp   |
 *
 * Rules:
 * - Pull both ways. ready(T_READ) means: read until -EAGAIN or an end. ready(T_WRITE) means: a writev that took less than all may go on.
 *   The first ready comes only after want(); nothing is wanted at first.
 * - read: > 0 bytes; -EAGAIN; 0 when reading is over, for whatever reason: transport_ends() tells, layer by layer. It says 0 again when called again.
 * - writev: what was taken, maybe less than given (also 0 when nothing could be: wait for ready(T_WRITE), with T_WRITE wanted); or a negative
 *   errno when writing is over. After that read on to the end: a Close frame may be waiting, and the first errno of either direction is in
 *   transport_ends().
 * - An end is noticed even while T_READ is not wanted: ready(T_END) comes at most once for it; reading may still give data first.
 * - opened, failed, ready and closed come from the loop, never from inside a call. After failed or at any other time the owner calls close once;
 *   closed follows exactly once and is the last thing heard; then the transport is freed. Between close and closed nothing else comes.
 * - After close() no other call is allowed.
 */
#ifndef WSDIAG_NET_TRANSPORT_H
#define WSDIAG_NET_TRANSPORT_H

#include "lifecycle/cause.h"
#include "lifecycle/event.h"
#include "net/loop.h"

#include <sys/types.h>
#include <sys/uio.h>

enum { T_READ = 1, T_WRITE = 2, T_END = 4 };

enum transport_layer { LAYER_TCP, LAYER_TUNNEL, LAYER_TLS };

enum end_kind {
	END_FIN,        /* TCP: FIN */
	END_ERRNO,      /* TCP: an error; code is the positive errno */
	END_NOTIFY,     /* TLS: close_notify */
	END_TRUNCATED,  /* TLS: the layer below ended without close_notify, between records */
	END_MID_RECORD, /* TLS: the same, inside a record */
	END_ALERT,      /* TLS: a fatal alert from the peer; code is its number */
	END_CORRUPT,    /* TLS: a record that cannot be read (bad MAC, bad type); we end it */
};

struct transport_end {
	enum transport_layer layer;
	enum end_kind kind;
	int code;
	char text[96];  /* for END_ALERT and END_CORRUPT: in words */
};

enum { TRANSPORT_ENDS_MAX = 4 };

enum transport_close {
	TRANSPORT_GRACEFUL, /* TLS close_notify, FIN, drain until the peer's FIN within DRAIN_MS, then close: unread data would turn it into an RST */
	TRANSPORT_FIN,      /* FIN without close_notify, then as above */
	TRANSPORT_LET_GO,   /* at once, with a FIN where none was sent yet: the kernel answers what still comes */
	TRANSPORT_RST,      /* at once, with an RST (SO_LINGER 0) */
};
enum { DRAIN_MS = 1000 };

struct transport_stat {
	int fd;
	char local[64], peer[64];   /* 192.0.2.1:443, [2001:db8::1]:443 */
	int64_t unacked;            /* send queue, bytes (SIOCOUTQ); -1 unknown */
	bool has_tcp;
	struct tcp_facts tcp;
};

struct transport;

struct transport_ops {
	ssize_t (*read)(struct transport *t, void *data, size_t n);
	ssize_t (*writev)(struct transport *t, const struct iovec *iov, int n);
	/* Of the bytes accepted here those that are not wholly in the kernel: at most one TLS record's. */
	size_t (*pending)(const struct transport *t);
	void (*want)(struct transport *t, unsigned bits);
	/* Ends our direction (close_notify and FIN); reading goes on. 0 or a negative errno. */
	int (*half_close)(struct transport *t);
	void (*close)(struct transport *t, enum transport_close how);
	void (*stat)(struct transport *t, struct transport_stat *ret);
	/* NULL where there is no TLS. Borrowed until close. */
	const struct tls_facts *(*tls)(const struct transport *t);
};

/* What comes up. Every function is required. */
struct transport_events {
	void (*opened)(void *arg);
	void (*failed)(void *arg, const struct failure *f);
	void (*ready)(void *arg, unsigned bits);
	void (*closed)(void *arg);
};

/* Embedded as the first member of each layer's struct. */
struct transport {
	const struct transport_ops *ops;
	struct transport *below;              /* NULL at the bottom */
	const struct transport_events *up;
	void *up_arg;
	struct transport_end ends[TRANSPORT_ENDS_MAX];
	int n_ends;                           /* of this layer only */
};

/* A new owner: from now on events go there. */
void transport_set_owner(struct transport *t, const struct transport_events *up, void *arg);
/* The ends of all layers, top first; how many (at most TRANSPORT_ENDS_MAX). */
int transport_ends(const struct transport *t, struct transport_end ret[TRANSPORT_ENDS_MAX]);
/* Adds to this layer's ends; a second one of the same kind is dropped. */
void transport_add_end(struct transport *t, enum transport_layer layer, enum end_kind kind, int code, const char *text);

ssize_t transport_read(struct transport *t, void *data, size_t n);
ssize_t transport_writev(struct transport *t, const struct iovec *iov, int n);
size_t transport_pending(const struct transport *t);
void transport_want(struct transport *t, unsigned bits);
int transport_half_close(struct transport *t);
void transport_close(struct transport *t, enum transport_close how);
void transport_stat(struct transport *t, struct transport_stat *ret);
/* Whether TCP has been reset, as far as the system tells: after T_END, without reading to that end. */
bool transport_was_reset(struct transport *t);
const struct tls_facts *transport_tls(const struct transport *t);

#endif
