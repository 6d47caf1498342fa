/* SPDX-License-Identifier: MIT */
/*
 * pair_state: a pair's state, and what its files share. Internal to pair*.c:
 *
 *	pair.c          its life: what is wanted of which leg, and the timer
 *	pair_end.c      how a leg ends, and how its end is passed on
 *	pair_upgrade.c  the request, the dial, the answer
 *	pair_head.c     the heads of both as they are passed on
 *	pair_relay.c    bytes and frames
 *	pair_fault.c    what the lines of a plan do
 *	pair_tell.c     events
 */
#ifndef WSDIAG_PROXY_PAIR_STATE_H
#define WSDIAG_PROXY_PAIR_STATE_H

#include "fault/expiry.h"
#include "fault/flow.h"
#include "proxy/pair.h"
#include "ws/ending.h"
#include "ws/head_io.h"
#include "ws/tag.h"

enum { PAIR_EDITS = 16, PAIR_LATE = 16, PAIR_READS_A_TURN = 8 };

enum pair_phase {
	PAIR_TLS,
	PAIR_REQUEST,   /* reading its head */
	PAIR_DIAL,
	PAIR_ANSWER,    /* reading its head */
	PAIR_RELAY,     /* frames */
	PAIR_RAW,       /* no 101: whatever it is */
	PAIR_REFUSING,  /* our own answer is being written */
	PAIR_SILENT,    /* never answered */
	PAIR_OVER,
};

/* What waits for a delay before it goes on. */
enum pair_step { STEP_NONE, STEP_READ_REQUEST, STEP_DIAL, STEP_ANSWER };

struct leg_side {
	struct pair *pair;
	enum leg which;
	struct transport *transport;  /* NULL before there is one */
	struct head_io io;
	bool is_closing;              /* transport_close() was called */
	bool read_over, write_over;
	bool owes_end;                /* to its other: how it ended is passed on when the line has done all it does */
	enum transport_close ended_as; /* once is_closing */
	bool owes_fin;                /* a half-close, once what waits for it is written */
	enum ending_reason fin_why;   /* of a half-close that came before the peer's end; ENDING_BY_TRANSPORT: none did */
	bool is_held, is_stalled;
	bool was_opened, is_told;
	bool answers_pings, no_pongs;
	int64_t close_due_us;         /* -1; else when to end it although its Close was not answered */
	enum ending_reason close_why;
	bool is_closed_by_us;         /* a Close of our own went there: its answer is awaited, the rest ignored */
	struct flow from;             /* what comes from it, to the other */

	/* For the record. */
	int64_t opened_us, told_us, last_rx_us, last_tx_us;
	bool close_received, close_sent, we_closed_first;
	int code_received, code_sent;
	char reason[FRAME_CONTROL_MAX];
	size_t n_reason;
	int64_t first_close_us, second_close_us;
	struct traffic sent;
	char peer[64], local[64];
};

/* What a line does after its delay, when the step that waits goes on. */
struct late {
	const struct plan_line *line;
	unsigned from;                /* of its actions, in the order in which they are done */
};

struct edit {
	bool is_answer;
	const struct plan_action *action;
};

/* The second of two requests with one key: read to its end, and forgotten. */
struct replica;

struct pair {
	const struct pair_options *opt;
	const struct pair_events *up;
	void *up_arg;
	uint32_t accept, conn;
	struct tag tag;
	enum pair_phase phase;
	struct leg_side legs[2];      /* client, origin */
	struct dial *dial;
	struct dial_timing timing;
	struct replica *replica;
	bool replays;
	bool has_body;                /* of the request: passed before there is an answer */
	struct watch *watch;
	uv_timer_t timer;
	int64_t armed_us;             /* -1: not */
	int handles;
	int64_t began_us, dial_us, request_us, deadline_us, kill_due_us;
	const struct plan_action *kill;
	enum pair_step step;
	int64_t step_due_us, step_delay_us;
	bool swallows;                /* the frame that fired */
	enum plan_when moment;        /* while a line fires: for which it does */
	struct expiries expiries;
	struct edit edits[PAIR_EDITS];
	unsigned n_edits;
	struct late late[PAIR_LATE];
	unsigned n_late;
	struct buf request;           /* as it goes upstream, for a replay */
	char *key;
};

static inline struct leg_side *
pair_client(struct pair *p)
{
	return &p->legs[0];
}
static inline struct leg_side *
pair_origin(struct pair *p)
{
	return &p->legs[1];
}
static inline struct leg_side *
leg_other(struct leg_side *l)
{
	return &l->pair->legs[l->which == LEG_CLIENT];
}
static inline bool
leg_is_up(const struct leg_side *l)
{
	return l->transport != NULL && !l->is_closing;
}

/* pair.c */
int64_t pair_now(const struct pair *p);
/* After anything happened: wants, the timer, and whether it is all over. */
void pair_update(struct pair *p);
/* A handle or an object of it is gone. */
void pair_release(struct pair *p);
extern const struct transport_events leg_events;

/* pair_end.c */
/* Ends a leg now; sent_end as in struct ending_facts. The other leg is not touched. */
void leg_close(struct leg_side *l, enum transport_close how, enum ending_reason why, const char *sent_end);
/* The leg has ended: its other follows in the same way, unless it is held. */
void leg_pass_on_end(struct leg_side *ended, enum transport_close how);
/* A half-close to it, once everything before it is written. */
void leg_owe_fin(struct leg_side *l, enum ending_reason why);
/* Reading it came to its end. */
void leg_read_over(struct leg_side *l);
/* What is owed to it, and the end of a leg that is over both ways. */
void leg_finish(struct leg_side *l);
/* Ends it when a Close of ours was answered, or for long enough not. */
void leg_end_closed(struct leg_side *l, int64_t now);
/* A Close 1001; its answer, and the end, are waited for no longer than close_timeout_us. */
void leg_say_goodbye(struct leg_side *l);

/* pair_upgrade.c */
void pair_ready_upgrade(struct leg_side *l, unsigned bits);
void pair_go_on(struct pair *p, enum pair_step step);
void pair_wait(struct pair *p, enum pair_step step);
/* To the upstream; counts as a handle of the pair until it is released. */
struct dial *pair_dial(struct pair *p, const struct dial_events *up, void *arg);
/* No line has put something else in its place. */
bool pair_awaits(const struct pair *p, enum pair_step step);
void pair_refuse(struct pair *p, int status, enum cause cause, const char *text);
void pair_deadline(struct pair *p);
void pair_gone_early(struct leg_side *l);

/* pair_head.c */
/* Else it is for a page, or the like. */
bool pair_asks_for_upgrade(struct pair *p);
/* Into p->request. */
void pair_write_request(struct pair *p);
void pair_write_answer(struct pair *p, struct buf *out);

/* pair_relay.c */
extern const struct flow_events flow_up;
void pair_ready_relay(struct leg_side *l, unsigned bits);
void pair_flush(struct pair *p);
void leg_write(struct leg_side *to, const void *data, size_t n);

/* pair_fault.c */
void pair_fire(void *arg, const struct plan_line *line);
/* The step that waited goes on: what else the lines do that made it wait. */
void pair_fire_late(struct pair *p);
void pair_expire(struct pair *p, int64_t now);
void leg_send_close(struct leg_side *l, enum ending_reason why, int code, struct span reason);
void pair_end_as(struct pair *p, enum plan_do how, int code, struct span reason, int legs);

/* pair_replica.c */
struct replica *replica_start(struct pair *p);
void replica_stop(struct replica *r);

/* pair_tell.c */
struct event pair_event(struct pair *p, enum event_type type, enum leg leg);
void pair_tell_inject(struct pair *p, const struct plan_line *line);
void pair_tell_reject(struct pair *p, int status, enum cause cause, const char *text);
void pair_tell_failed(struct pair *p, const struct failure *f, const struct attempt_list *attempts, bool has_answer);
void pair_tell_opened(struct leg_side *l);
void leg_tell_end(struct leg_side *l, enum ending_reason why, const char *sent_end);
void leg_tell_head(struct leg_side *l, enum direction dir, struct span text);

#endif
