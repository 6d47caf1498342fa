/* SPDX-License-Identifier: MIT */
/*
 * model: what is kept of the logs: exactly what findings and outputs need. Events go in one by one; join (report/join.h) then says what belongs together and
 * sets the clocks right; findings and renderers read the structs below, and nobody changes them.
 *
 *	participant   one run of a client, proxy or server; a text log is one
 *	life          one connection as one participant saw it; a proxy sees two of each, one a leg
 *	failed        a dial that never opened, or a request that was not upgraded
 *	circuit       the lives, seen by several participants, of one connection
 *	story         a session: the circuits of one client across its reconnects
 *
 * All refer to each other by index; NO_INDEX is none. Memory grows with connections, never with lines: no message is kept, texts are interned and cut, and each
 * table has a limit, beyond which things are only counted (struct model_excess).
 */
#ifndef WSDIAG_REPORT_MODEL_H
#define WSDIAG_REPORT_MODEL_H

#include "base/buf.h"
#include "report/input.h"

#include <stdint.h>

#define NO_INDEX UINT32_MAX
/* A point in time that is not known. */
#define NO_TIME INT64_MIN

enum {
	MODEL_LOGS_MAX = 1024,
	MODEL_PARTICIPANTS_MAX = 4096,
	MODEL_LIVES_MAX = 65536,
	MODEL_FAILED_MAX = 65536,
	MODEL_VERDICTS_MAX = 65536,
	MODEL_NOTES_MAX = 4096,       /* injections; pauses */
	MODEL_KEY_MAX = 32,
	MODEL_TEXT_MAX = 160,
	MODEL_RTT_BUCKETS = 128,
};

/* When something happened, and the line that says so. */
struct moment {
	struct place place;           /* line 0: no line says so */
	int64_t own_us;               /* on the participant's own clock; NO_TIME: unknown */
	int64_t at_us;                /* on the report's clock; set by join */
};

static inline bool
moment_is_known(const struct moment *m)
{
	return m->own_us != NO_TIME;
}

struct log {
	const char *name, *kind;      /* as begin told them; they last as long as what was read */
	bool is_known, is_over;       /* begin, end were told */
	bool has_date, has_zone, has_key, has_mono, role_is_guessed;
	int64_t resolution_us;        /* 0: its times are those of other lines */
	struct input_counts counts;
	struct input_trouble trouble;
};

/* How the offset of a participant's clock was found. */
enum clock_basis {
	CLOCK_UNKNOWN,                /* nothing to compare it with: taken as it is */
	CLOCK_REFERENCE,              /* the report's clock is this one */
	CLOCK_SAME_BOOT,              /* exact */
	CLOCK_PAIRS,                  /* from pairs that cannot be reordered */
	CLOCK_ORDER,                  /* from connections that were themselves joined by time and order */
	CLOCK_BASIS_COUNT
};

struct participant {
	enum role role;
	uint64_t run;                 /* 0: none */
	const char *boot;             /* NULL: unknown */
	uint32_t log;                 /* the first it was read from */
	const char *name;             /* "client", "server 2": unique in a report */
	bool has_mono;
	bool is_untimed;              /* its times are those of other lines: good for order, not for durations */
	int64_t resolution_us;
	int64_t mono_base_us;         /* wall time = mono + this, at its first event */
	int64_t first_us, last_us;    /* own clock */

	enum clock_basis basis;
	int64_t shift_us;             /* own clock + this = the report's */
	int64_t uncertainty_us;       /* plus or minus; US_UNKNOWN with CLOCK_UNKNOWN */
	uint32_t pairs;               /* that it rests on */

	bool has_start, has_end;
	const char *version, *url;
	uint32_t retries, giveups;
	uint64_t messages_in, messages_out; /* as the ends of its connections count them */
	uint32_t rtt_counts[MODEL_RTT_BUCKETS];
	uint64_t rtts;
	int64_t date_lo_us, date_hi_us; /* client: the servers' clocks minus ours, by the Date of 101s; NO_TIME: none had one */
	uint32_t dates;
};

struct life {
	uint32_t participant;
	uint32_t id;                  /* its number in the log; counted here where the log has none */
	uint32_t dial;                /* 0: unknown */
	enum leg leg;
	const char *session;          /* as the log has it; NULL */
	uint32_t circuit, story;      /* set by join; NO_INDEX */
	bool is_hidden;               /* outside --since, --until, --session, --conn */
	bool is_id_counted;           /* the log has no numbers: id counts opens, and which one an end belongs to is a guess */

	char key[MODEL_KEY_MAX];      /* Sec-WebSocket-Key; "" */
	const char *peer, *local, *forwarded_for, *url, *hop, *subprotocol;
	bool is_tls, is_reconnect;
	int64_t upgrade_us;           /* how long the upgrade took; US_UNKNOWN */
	struct moment dialled, opened;

	struct moment ended;          /* lost or close */
	struct moment ghost;          /* a held one: seen ended, or let go */
	bool is_lost;                 /* no finished closing handshake (with ended) */
	bool is_how_known;            /* the log tells the cause (with ended) */
	bool is_untimed;              /* as its participant */
	bool is_end_implied;          /* a text log told of the next one only: no end was logged */
	bool is_held, is_held_open;
	bool is_ghost_ended;          /* the far end was seen to end */
	uint64_t ghost_received;      /* bytes, while it was held */
	enum party by;
	enum cause cause;
	int error, code, close_sent;
	const char *reason;           /* NULL: no Close, or without */
	const char *end_text;         /* where the log has words of its own: a text log; NULL */
	bool is_clean;
	int64_t age, silent_rx, silent_tx, answered, paused_rx, rtt;
	struct traffic sent, received;
	int64_t unsent, unacked;
	uint64_t partial_in, partial_out, after_close;
	bool has_tcp;
	uint32_t tcp_unacked, tcp_retransmits;
	int64_t tcp_last_ack, tcp_last_sent, tcp_last_received;

	uint32_t pongs;               /* answers to pings of our own */
	enum { PATH_UNTOLD, PATH_ACKED, PATH_NOT_ACKED } path; /* of the last ping that waited */
	uint32_t violations;
	struct moment violated;       /* the first */
	const char *rule, *section;
};

struct failed {
	uint32_t participant;
	uint32_t dial;
	enum leg leg;
	const char *session;
	uint32_t circuit, story;
	bool is_hidden;
	bool is_reject;               /* a server's or proxy's view: a request that was not upgraded */
	struct moment at;
	enum stage stage;
	enum cause cause;
	int status, error;
	int64_t took;
	char key[MODEL_KEY_MAX];
	const char *text, *hop, *peer, *local;
};

/* A line of a fault plan that fired. */
struct injection {
	uint32_t participant, conn;   /* conn 0: before it opened */
	struct moment at;
	const char *plan, *action;
	uint32_t line;
};

/* The machine slept, or the process did not run. */
struct pause {
	uint32_t participant;
	struct moment at;             /* its end */
	int64_t slept, stalled;
};

enum join_by { JOIN_NONE, JOIN_KEY, JOIN_TAG, JOIN_ADDRESS, JOIN_TIME, JOIN_BY_COUNT };

/* The lives of one connection, from the client's end to the server's; more than one of a server's: its request was replayed. */
struct circuit {
	uint32_t *lives;
	uint32_t n_lives;
	uint32_t failed;              /* the client's dial that never opened, of a connection that opened further on; NO_INDEX */
	enum join_by by;              /* the weakest join in it */
	uint32_t story;
};

struct story {
	const char *name;             /* the session's; NULL where only the join made it one */
	uint32_t participant;         /* the client; NO_INDEX: none of the logs */
	bool is_guess;                /* a proxy's connections that followed each other, from one address: one client's, it seems */
	uint32_t n_circuits;
};

struct verdict {
	enum event_type type;         /* EV_OVERLAP, EV_REPLAY, EV_ORPHAN */
	uint32_t life;                /* the later one */
	uint32_t with;                /* life: the older one, the first with the key; EV_ORPHAN: NO_INDEX */
	uint32_t successor;           /* EV_ORPHAN: the dial that opened before */
	bool is_held;                 /* EV_OVERLAP: only the client's own holding makes it one */
	int64_t from_us, to_us;       /* EV_OVERLAP: how long both were there; to NO_TIME: no end in the log */
};

/* What did not fit. */
struct model_excess {
	uint64_t participants, lives, failed, notes, texts, verdicts;
};

/* What the joining had to work with, and how it went. */
struct joining {
	uint32_t by[JOIN_BY_COUNT];   /* joins; a proxy's own two legs are none */
	uint32_t ambiguous;           /* connections that would fit several equally well, and were left alone */
	uint32_t unmatched;           /* lives of a client or server for which the other side's logs have none */
	uint32_t time_pairs;          /* joined by time, with clocks that agree within time_within_us */
	int64_t time_within_us;
	int64_t time_shift_us;        /* between them */
};

struct model {
	struct log *logs;
	uint32_t n_logs;
	struct participant *participants;
	uint32_t n_participants;
	struct life *lives;           /* in the order of their opens' lines */
	uint32_t n_lives;
	struct failed *failed;
	uint32_t n_failed;
	struct injection *injections;
	uint32_t n_injections;
	struct pause *pauses;
	uint32_t n_pauses;

	struct circuit *circuits;     /* from here: set by join */
	uint32_t n_circuits;
	struct story *stories;
	uint32_t n_stories;
	struct verdict *verdicts;
	uint32_t n_verdicts;
	struct joining joining;
	int64_t from_us, to_us;       /* all there is, on the report's clock */
	int64_t since_us, until_us;   /* what is wanted of it; NO_TIME: no bound */
	bool is_dated, is_zoned;      /* whether the report's clock has a date; and is UTC, not some local time */

	struct model_excess excess;
	struct model_index *index;    /* private */
};

void model_init(struct model *m);
void model_deinit(struct model *m);
/* The callbacks that fill a model; arg is the model. A log's number must be under MODEL_LOGS_MAX. */
extern const struct input_events model_input;

/* How long a connection was open: what the log says, else from its moments; US_UNKNOWN. */
int64_t life_age(const struct life *l);
/* Whether it ended without a closing handshake and nobody here meant it to (not --drop, not Ctrl-C, not the other leg's end). */
bool life_is_loss(const struct life *l);
/* "c3"; a proxy's leg: "c3 client". */
void life_name(struct buf *out, const struct model *m, uint32_t life);
/* "server.log", "server.log:4": without its folders, where that is no other log's name. */
void log_name(struct buf *out, const struct model *m, uint32_t log);
void place_name(struct buf *out, const struct model *m, const struct place *at);
/* "peer FIN", "ping timeout", "1012 Service Restart \"deploy\"", "error": how it ended, shortly, safe to show. */
void life_ending(struct buf *out, const struct life *l);
/* The round trip that share (0.5: the median) of a participant's pongs did not exceed, within 7%; US_UNKNOWN. */
int64_t participant_rtt(const struct participant *p, double share);
/* The life of a circuit as a role (and of a proxy a leg) saw it; NO_INDEX. A second one with the same role: pass the first as after. */
uint32_t circuit_life(const struct model *m, const struct circuit *c, enum role role, enum leg leg, uint32_t after);

#endif
