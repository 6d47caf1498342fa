/* SPDX-License-Identifier: MIT */
/*
 * plan: what goes wrong, when, and for whom: the line language of wsdiag-plan(5), parsed. No I/O but for plan_load(), no clock.
 *
 *	conn 2     after 6s:             drop both; hold origin     # comment
 *	[subject]  [moment]              [action]; [action]
 *
 * Shared by `proxy` and `serve`. A plan is read-only once made and serves any number of watches (fault/watch.h).
 * Each action and each moment is a row of a table: the parser, the manual's test and what a server can do all read the same rows.
 */
#ifndef WSDIAG_FAULT_PLAN_H
#define WSDIAG_FAULT_PLAN_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { PLAN_LINES_MAX = 1024, PLAN_ACTIONS_MAX = 16, PLAN_TEXT_MAX = 4096 };

/* Bits. A direction names where bytes go: up from the client to the origin, down the reverse. */
enum plan_direction { PLAN_UP = 1, PLAN_DOWN = 2, PLAN_BOTH_WAYS = 3 };
enum plan_leg { PLAN_CLIENT = 1, PLAN_ORIGIN = 2, PLAN_BOTH_LEGS = 3 };

/* Whom: every part that is given must hold. */
struct plan_subject {
	bool counts_opens;          /* conn: counts what opened; false: dial, which counts accepts */
	uint32_t from, to;          /* 1..UINT32_MAX: "*" */
	uint32_t every;             /* 0: no such part; else every Nth */
	double chance;              /* 0 < chance <= 1; 0: no such part */
	uint64_t seed;
	char *path;                 /* glob on the request's target; NULL: no such part */
	char *header, *value;       /* a header of the request and a glob on its value; NULL: no such part */
};

enum plan_when {
	WHEN_ACCEPT,     /* at accept */
	WHEN_REQUEST,    /* at request: its head is complete, nothing went to the origin yet */
	WHEN_RESPONSE,   /* at response: the origin's head is complete, nothing went to the client yet */
	WHEN_AFTER,      /* after 7s, age 30s: since it opened; at open: after 0s */
	WHEN_IDLE,       /* idle [up|down] 60s: no byte in the direction(s) for so long, since it opened */
	WHEN_MESSAGES,   /* after 100 msgs [up|down]: when the Nth has wholly passed */
	WHEN_BYTES,      /* after 64KB [up|down]: payload bytes of frames, both directions together without a direction */
	WHEN_FRAME,      /* on frame [OPCODE] [up|down] [text "GLOB"] */
	WHEN_SIGNAL,     /* on signal USR1 */
	WHEN_LINE,       /* on line WORD: typed at the proxy's terminal */
};

struct plan_moment {
	enum plan_when when;
	int64_t after_us;           /* WHEN_AFTER, WHEN_IDLE */
	uint64_t count;             /* WHEN_MESSAGES, WHEN_BYTES */
	enum plan_direction dir;    /* WHEN_IDLE, _MESSAGES, _BYTES, _FRAME */
	int opcode;                 /* WHEN_FRAME; -1: any. "data" is text, binary and continuation: -2 */
	char *text;                 /* WHEN_FRAME: glob on the payload, of which PLAN_TEXT_MAX bytes are looked at; WHEN_LINE: the word; NULL: none */
	int signum;                 /* WHEN_SIGNAL */
};

enum plan_do {
	DO_FIN,          /* fin LEG: close_notify where there is TLS, then FIN; the leg is over */
	DO_RST,          /* rst LEG */
	DO_CUT_TLS,      /* cut-tls LEG: FIN without close_notify */
	DO_HALF_CLOSE,   /* half-close LEG: FIN, and reading goes on */
	DO_HOLD,         /* hold LEG: not ended when the other ends; [for TIME] then it is ended */
	DO_DROP,         /* drop DIR [for TIME]: bytes are read and thrown away */
	DO_STALL,        /* stall DIR [for TIME]: not read; the window fills */
	DO_UNLISTEN,     /* unlisten [for TIME]: the listener is closed, connects are refused */
	DO_DELAY,        /* delay TIME [DIR]: what comes waits so long; at accept, request, response: that step does */
	DO_JITTER,       /* jitter TIME [DIR]: the same with a random part of TIME, in order */
	DO_THROTTLE,     /* throttle RATE [DIR]: bytes a second */
	DO_SLICE,        /* slice BYTES [DIR]: written in pieces of so many, each a segment of its own */
	DO_CLOSE,        /* close CODE ["REASON"] LEG: a Close of our own to that leg, at a frame's boundary; the leg ends after it, unless it is held */
	DO_SWALLOW,      /* swallow: this frame; with on frame only */
	DO_ANSWER_PINGS, /* answer-pings LEG: pings from that leg are answered here and not passed on */
	DO_NO_PONGS,     /* no-pongs LEG: pongs from that leg are not passed on; a server does not answer pings */
	DO_STATUS,       /* status N ["BODY"]: the client gets this answer instead of a 101; before it opens only */
	DO_DROP_HEADER,  /* drop-header NAME: at request, response */
	DO_SET_HEADER,   /* set-header NAME: VALUE (quoted where it has ';' or '#'): at request, response */
	DO_REPLAY,       /* replay: the request goes upstream twice; at request only */
	DO_NEVER,        /* never: no answer at all, the socket stays open; before it opens only */
	DO_CORRUPT,      /* corrupt [DIR]: a bit of the next payload byte is flipped */
	DO_TRUNCATE,     /* truncate [DIR]: of the next frame half goes out, then the leg it went to ends with FIN */
	DO_KILL_ALL,     /* kill-all [fin|rst|close CODE ["REASON"]] [within TIME]: every open connection, at a random moment within */
	DO_COUNT
};

/* Bits: for which commands an action or a moment makes sense. */
enum { PLAN_FOR_PROXY = 1, PLAN_FOR_SERVER = 2 };

struct plan_action {
	enum plan_do what;
	int legs;                   /* bits of enum plan_leg; 0 where it takes none */
	int dirs;                   /* bits of enum plan_direction */
	int64_t time_us;            /* delay, jitter, for, within; -1: none given */
	uint64_t number;            /* rate, bytes, code, status; close and kill-all: CLOSE_NO_STATUS for an empty Close */
	enum plan_do how;           /* kill-all: DO_FIN, DO_RST, DO_CLOSE */
	char *name, *text;          /* header and value; reason; body. NULL: none */
	bool is_timed;              /* time_us is a "for" */
};

struct plan_line {
	unsigned number;            /* in its file or among the --fault lines, from 1 */
	const char *plan;           /* the plan's name as events have it; lives as long as the plan */
	char *actions_text;         /* "drop both; hold origin" as written, white space folded */
	struct plan_subject subject;
	struct plan_moment moment;
	struct plan_action actions[PLAN_ACTIONS_MAX];
	unsigned n_actions;
};

struct plan {
	struct plan_line *lines;    /* in order; from several files one behind the other */
	unsigned n_lines;
	char **names;               /* owned names */
	unsigned n_names;
};

/* All are zeroed to begin with. */
void plan_deinit(struct plan *p);
/* Appends the lines of text. who: enum PLAN_FOR_*. 0, or -EINVAL with a sentence in error that names NAME:LINE:COLUMN, what is wrong there and what would be
 * right; then nothing was appended. */
MUST_CHECK int plan_parse(struct plan *p, const char *name, struct span text, unsigned who, struct buf *error);
/* name: an installed plan, else a file. The same; -ENOENT and others when it cannot be read, with a sentence that lists near names. */
MUST_CHECK int plan_load(struct plan *p, const char *name, unsigned who, struct buf *error);
/* Its text, unparsed. */
MUST_CHECK int plan_read(const char *name, struct buf *ret_text, struct buf *error);
/* --fault 'LINE': plan "--fault", its number counts on. */
MUST_CHECK int plan_add_fault(struct plan *p, const char *line, unsigned who, struct buf *error);
/* Every time in it n times shorter; n > 0. */
void plan_speed_up(struct plan *p, double n);
/* Whether any line waits for this kind of moment. */
bool plan_has(const struct plan *p, enum plan_when when);
/* "*", and nothing else. */
bool plan_is_for_everybody(const struct plan_subject *sub);
/* Done to the listener or to every connection, not to one. */
bool plan_action_is_for_all(enum plan_do what);

/* The installed plans, by name; NULL-terminated. The first comment line of each is its summary. */
struct installed_plan {
	const char *name, *summary, *text;
	const char *like;           /* "nginx" for those of --like; NULL */
};
extern const struct installed_plan installed_plans[];
const struct installed_plan *plan_installed(const char *name);
/* --like NAME. */
const struct installed_plan *plan_like(const char *like);

/* For the manual's test, --help and completion: a row each. */
struct plan_word {
	const char *name, *args, *help;
	unsigned who;               /* enum PLAN_FOR_* */
};
extern const struct plan_word plan_action_words[];  /* ends with a NULL name */
extern const struct plan_word plan_moment_words[];

#endif
