/* SPDX-License-Identifier: MIT */
/*
 * event: THE schema. Every lifecycle event exists once, as a struct here, and every output is a rendering of it.
 *
 * event_spec() describes each struct field by field: the JSON writer, the reader of logs and the test that holds
 * wsdiag-log(5) to the code all walk those rows. A field, once released, keeps its name and its meaning.
 *
 * An event is borrowed for the call that hands it over: whoever keeps something copies it.
 * Times in structs are microseconds (int64_t, -1: unknown); in the log they are seconds.
 */
#ifndef WSDIAG_LIFECYCLE_EVENT_H
#define WSDIAG_LIFECYCLE_EVENT_H

#include "base/span.h"
#include "lifecycle/cause.h"

#include <stdint.h>

enum { EVENT_SCHEMA_VERSION = 1 };
#define US_UNKNOWN INT64_C(-1)

enum event_type {
	EV_START,     /* a session begins, or a server starts */
	EV_LISTEN,
	EV_DIAL,
	EV_FAILED,    /* a dial that never opened */
	EV_REJECT,    /* server: a request that was not upgraded */
	EV_OPENED,    /* logged as open or reconnect */
	EV_HEAD,      /* an HTTP head, as on the wire; -v */
	EV_FRAME,     /* a frame header; -vv */
	EV_MESSAGE,
	EV_PING,
	EV_PONG,
	EV_VIOLATION,
	EV_LOST,
	EV_CLOSE,
	EV_GONE,      /* the descriptor was closed */
	EV_RETRY,     /* a dial is scheduled */
	EV_GIVEUP,    /* no further dial will be */
	EV_GHOST,     /* the end, or the letting go, of a connection that was declared lost */
	EV_SUSPEND,   /* the machine slept, or this process did not run */
	EV_CLOCK,     /* the wall clock jumped */
	EV_OVERLAP,   /* verdict: opened while an older one is not known to have ended */
	EV_REPLAY,    /* verdict: one key opened twice */
	EV_ORPHAN,    /* verdict: opened for a dial whose successor opened first */
	EV_INJECT,    /* proxy, serve: a line of the fault plan fired */
	EV_HEARS,     /* proxy --as: what a library would have told its user of the event before */
	EV_NOTE,      /* a sentence for the person who reads along */
	EV_END,
	EV_TYPE_COUNT
};

typedef uint32_t event_mask;
#define EVENT_BIT(type) ((event_mask)1 << (type))
#define EVENT_ALL (~(event_mask)0)
/* What nobody gets unasked: the heads, frames, and the chatter of healthy connections. */
#define EVENT_VERBOSE (EVENT_BIT(EV_HEAD) | EVENT_BIT(EV_FRAME))

enum role { ROLE_CLIENT, ROLE_PROXY, ROLE_SERVER };
enum leg { LEG_NONE, LEG_CLIENT, LEG_ORIGIN };
enum direction { DIR_IN, DIR_OUT };

/* Who tells: the same for every event of a run. */
struct source {
	uint64_t run;     /* random */
	enum role role;
	const char *boot; /* /proc/sys/kernel/random/boot_id, or NULL */
};

/* One address that was tried before the one that served. */
struct attempt {
	struct span address; /* 192.0.2.1:443, [2001:db8::1]:443 */
	enum cause cause;
	int64_t after_us;    /* how long it was tried */
};

/* How often something came: a cause's name, and a number. */
struct count {
	const char *name;
	uint32_t n;
};

struct count_list {
	const struct count *items;
	size_t n;
};

struct attempt_list {
	const struct attempt *items;
	size_t n;
};

struct ev_start {
	struct span version, libraries, url;
	struct span_list args;
};

struct ev_listen {
	struct span url, address;
	struct span upstream;                 /* proxy: where to; none elsewhere */
};

struct ev_dial {
	struct span url;
};

struct dial_timing {
	int64_t dns, tcp, tunnel, tls, upgrade; /* durations; US_UNKNOWN where the stage did not happen */
};

struct tls_facts {
	struct span version, cipher;          /* TLSv1.3, TLS-AES-128-GCM-SHA256 */
	struct span sni;
	bool verified;                        /* false with --insecure, and on a server, which asks for no certificate */
	struct span subject, issuer;          /* of the peer's certificate; none on a server */
	struct span not_before, not_after;    /* RFC 3339 */
	struct span sha256;                   /* fingerprint, hex */
};

struct ev_failed {
	enum stage stage;
	enum cause cause;
	int code;
	struct span text;
	int64_t took;                         /* since the dial began */
	struct attempt_list attempts;
	struct span ws_key, local;            /* of a request that was sent, and from where: what the far end knows it by; none before that */
	int status;                           /* of the answer, 0: none */
	struct header_list headers;
	struct span body;                     /* its first 4 KiB */
	struct span hop;                      /* which intermediary seems to have answered */
};

struct ev_reject {
	struct span peer;
	int status;
	enum cause cause;
	struct span text;
	struct span request;                  /* its first line, if one came */
	struct header_list headers;
	int64_t took;
};

struct ev_opened {
	bool is_reconnect;
	struct span url, peer, local;         /* addresses as in struct attempt */
	struct span ws_key;
	int status;                           /* 101 */
	struct header_list headers;           /* of the answer on a client, of the request on a server */
	struct span subprotocol, extensions;
	struct span forwarded_for;            /* server: X-Forwarded-For or Forwarded */
	const struct tls_facts *tls;          /* NULL: plain */
	struct dial_timing timing;
	struct attempt_list attempts;
	struct span hop;
	int64_t down;                         /* a reconnect: since the session's last connection ended; else US_UNKNOWN */
	uint32_t failed;                      /* dials that failed since then */
};

struct ev_head {
	enum direction dir;
	struct span text;
};

struct ev_frame {
	enum direction dir;
	bool fin;
	uint8_t rsv;                          /* 4 RSV1, 2 RSV2, 1 RSV3 */
	uint8_t opcode;
	bool masked;
	uint64_t length;
};

struct ev_message {
	enum direction dir;
	uint8_t opcode;                       /* 1 text, 2 binary */
	uint64_t length;
	struct span data;                     /* what is at hand; p NULL: left out */
	bool truncated;                       /* data is not all of it */
};

struct ev_ping {
	enum direction dir;
	struct span data;
	int64_t waiting;                      /* half the timeout has passed without an answer; else US_UNKNOWN */
	int64_t usual_rtt;                    /* with waiting: of the last ping that was answered */
	struct span tcp;                      /* with waiting: what TCP says of the path: "acked", "not acked"; else none */
};

struct ev_pong {
	enum direction dir;
	struct span data;
	int64_t rtt;                          /* US_UNKNOWN: answers no ping of ours */
};

struct ev_violation {
	enum direction dir;
	struct span rule;                     /* "reserved bit RSV2 set" */
	struct span section;                  /* "RFC 6455 5.2" */
	uint64_t offset;                      /* in the bytes after the upgrade head */
	uint16_t answer;                      /* close code we answer with, 0: none */
};

struct traffic {
	uint64_t messages, bytes;             /* data messages that were whole, and payload bytes */
};

/* The kernel's view; linux/tcp.h has the meaning of each. Durations in microseconds. */
struct tcp_facts {
	struct span state;
	int64_t rtt, rtt_var, last_sent, last_received, last_ack;
	uint32_t unacked, retransmits, total_retransmits, lost;
};

/* EV_LOST and EV_CLOSE. */
struct ev_ended {
	enum party by;
	enum cause cause;
	int error;                            /* errno or the alert's number, 0: none */
	struct span text;                     /* the cause as a person reads it: "peer FIN, no Close frame" */
	bool clean;                           /* both Close frames seen, no violation */
	int code;                             /* as received on the wire: 1005 for an empty Close, 0 for no Close */
	struct span reason;
	int close_sent;                       /* the code we sent: 1005 for an empty Close, 0 for no Close */
	int synthesised;                      /* what an API would report: 1006 when there was no Close, else code */
	int64_t age, silent_rx, silent_tx;
	int64_t answered;                     /* from our Close to the peer's, or the reverse */
	int64_t paused_rx;                    /* how long we had not been reading when it ended */
	int64_t rtt;                          /* of the last ping */
	struct traffic sent, received;
	int64_t unsent;                       /* bytes never handed to the kernel */
	int64_t unacked;                      /* bytes in the send queue; -1 unknown */
	uint64_t partial_in;                  /* bytes of a message that never finished */
	uint64_t partial_out;
	uint64_t after_close;                 /* bytes that came behind the peer's Close */
	bool held;                            /* declared lost, but its socket is read on: a ghost */
	bool held_open;                       /* and it was not even half-closed (--hold-lost=open) */
	const struct tcp_facts *tcp;          /* NULL: not to be had */
};

struct ev_gone {
	int64_t after;                        /* since lost or close */
};

struct ev_retry {
	int64_t delay;
	uint32_t failures;                    /* consecutive dials that failed before it */
};

struct ev_giveup {
	struct span text;                     /* why */
	uint32_t failures;
};

struct ev_ghost {
	struct span text;                     /* "peer FIN", "nothing more, let go" */
	bool ended;                           /* the far end is known to have ended; false: we let go of it */
	int64_t after;                        /* since lost */
	uint32_t with;                        /* the connection that opened meanwhile, 0: none */
	int64_t overlap;                      /* since that one opened; US_UNKNOWN: none did */
	struct traffic received;              /* while it was held */
	int code;                             /* of a Close that came, 0: none */
};

struct ev_suspend {
	int64_t slept;                        /* CLOCK_BOOTTIME ran ahead of CLOCK_MONOTONIC by this; 0: it did not */
	int64_t stalled;                      /* this process was not run for so long (stopped, or the machine overloaded); 0: no */
};

struct ev_clock {
	int64_t jump;                         /* the wall clock, against the monotonic one; negative: back */
};

struct ev_overlap {
	uint32_t with;                        /* the older connection */
	bool held;                            /* only our own holding makes it one */
	int64_t since;                        /* how long the older one has been declared lost; US_UNKNOWN: it is open */
};

struct ev_replay {
	struct span ws_key;
	uint32_t with;                        /* the connection that had the key first */
	int64_t after;
};

struct ev_orphan {
	uint32_t successor;                   /* the later dial that opened before this one */
};

struct ev_inject {
	struct span plan;                     /* its name: "seed-971", a path, "--fault" */
	uint32_t line;                        /* in the plan, from 1 */
	struct span action;                   /* "fin both" */
	uint32_t accept;                      /* which accept it struck, from 1; 0: none */
	struct span peer;                     /* the client of that accept; none: no connection in particular */
};

struct ev_hears {
	struct span library, callback;        /* "websocket-client:1.7"; "on_open again", "(silence)" */
};

struct ev_note {
	struct span text;
};

struct ev_end {
	int exit;
	int64_t up, total;
	uint32_t dials, conns, lost;
	struct traffic sent, received;
	int64_t rtt_min, rtt_median, rtt_max;
	int64_t down;                         /* between connections */
	uint32_t failed, overlaps;            /* dials that never opened; overlap verdicts */
	struct count_list causes;             /* of losses */
};

struct event {
	enum event_type type;
	const struct source *src;             /* the journal fills in src, seq and the times */
	uint64_t seq;                         /* from 1, without gaps */
	int64_t wall_us, mono_us;
	struct span session;                  /* none: no session known */
	uint32_t conn, dial;                  /* 0: none */
	enum leg leg;
	union {
		struct ev_start start;
		struct ev_listen listen;
		struct ev_dial dialled;
		struct ev_failed failed;
		struct ev_reject reject;
		struct ev_opened opened;
		struct ev_head head;
		struct ev_frame frame;
		struct ev_message message;
		struct ev_ping ping;
		struct ev_pong pong;
		struct ev_violation violation;
		struct ev_ended ended;
		struct ev_gone gone;
		struct ev_retry retry;
		struct ev_giveup giveup;
		struct ev_ghost ghost;
		struct ev_suspend suspend;
		struct ev_clock clock;
		struct ev_overlap overlap;
		struct ev_replay replay;
		struct ev_orphan orphan;
		struct ev_inject inject;
		struct ev_hears hears;
		struct ev_note note;
		struct ev_end end;
	} u;
};

/* How a field is kept in the struct and written in the log. */
enum field_kind {
	FIELD_BOOL,
	FIELD_INT,          /* int */
	FIELD_INT_OR_NULL,  /* int; 0 is null */
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_I64_OR_NULL,  /* int64_t; -1 is null */
	FIELD_SECONDS,      /* int64_t microseconds; -1 is null */
	FIELD_SIGNED_SECONDS, /* int64_t microseconds, never null */
	FIELD_TEXT,         /* struct span; p NULL is null */
	FIELD_DATA,         /* struct span; not UTF-8: base64, and "encoding":"base64" behind it; p NULL: left out */
	FIELD_TEXTS,        /* struct span_list */
	FIELD_HEADERS,      /* struct header_list */
	FIELD_COUNTS,       /* struct count_list */
	FIELD_ATTEMPTS,     /* struct attempt_list */
	FIELD_CAUSE,
	FIELD_STAGE,
	FIELD_PARTY,
	FIELD_DIRECTION,    /* "in", "out" */
	FIELD_OPCODE,       /* uint8_t: "text", "binary", "continuation", "close", "ping", "pong", or its number */
	FIELD_OBJECT,       /* a struct inside this one */
	FIELD_OBJECT_PTR,   /* a pointer to a struct; NULL is null */
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;
	const struct field *members; /* of FIELD_OBJECT*; ends with a name of NULL */
	const char *unit;            /* for the manual; NULL: none */
};

struct event_spec {
	const char *name;            /* EV_OPENED: "open"; see event_name() */
	const struct field *fields;  /* offsets within union u; ends with a name of NULL */
};

const struct event_spec *event_spec(enum event_type type);
/* What a field has of which nothing is known, where that is not zero. */
void field_set_unknown(const struct field *f, void *at);
/* An event of which nothing is known yet but its type. */
struct event event_blank(enum event_type type);
/* As logged: "open" or "reconnect" for EV_OPENED. */
const char *event_name(const struct event *ev);
const char *role_name(enum role r);
const char *leg_name(enum leg l);
/* The name of a frame opcode, NULL for a reserved one. */
const char *opcode_name(unsigned opcode);

#endif
