/* SPDX-License-Identifier: MIT */
/* console_state: what the commands of the console share. Internal to console*.c. */
#ifndef WSDIAG_CONNECT_CONSOLE_STATE_H
#define WSDIAG_CONNECT_CONSOLE_STATE_H

#include "cli/option.h"
#include "connect/console.h"
#include "connect/display.h"

#include <regex.h>
#include <stdio.h>

enum {
	CONSOLE_EVENTS = 256,               /* remembered for /wait */
	CONSOLE_MESSAGES = 64,              /* remembered for /expect */
	CONSOLE_MESSAGE_MAX = 64 * 1024,    /* bytes of each */
	CONSOLE_LAST_MAX = 16 * 1024 * 1024,
	CONSOLE_SOURCES_MAX = 1000,
	CONSOLE_CONNS = 64,                 /* open ones shown and resumed: more than a person opens */
	CONSOLE_ENDED = 32,                 /* the latest, for /conns */
	CONSOLE_TIMEOUT_S = 10,
};

enum waiting { WAITING_NOT, WAITING_SLEEP, WAITING_EVENT, WAITING_MESSAGE };

struct console_line {
	struct list link;
	bool is_script;
	char text[];
};

/* A connection as it was when it ended. */
struct console_ended {
	struct conn_status at_end;
	const char *state;
	bool is_held;                       /* a ghost: the session has it */
};

/* Ends with a NULL name. */
struct console_setting {
	const char *name;
	const char *values;                 /* as the arguments of a command */
	const char *help;
};
extern const struct console_setting console_settings[];

struct console {
	struct console_options opt;
	const struct console_events *up;
	void *up_arg;
	struct sink sink;
	struct display display;
	struct list lines;                  /* to be done */
	struct loop_task pump;
	bool is_closed, is_idle, is_typed;  /* is_typed: what is sent now stands on the screen already */
	bool pastes_lines;
	bool has_pinged;                    /* by hand: its pong is told */
	bool is_script;                     /* the line being done is one of a script */
	int open_timers, sourced;
	void (*closed)(void *arg);
	void *closed_arg;

	/* What a line waits for. */
	enum waiting waiting;
	uv_timer_t timer;                   /* its end, or its timeout */
	char awaited[64];                   /* the event's name, or the pattern */
	regex_t pattern;

	/* What happened, so that what came before the line is not missed. */
	char *events[CONSOLE_EVENTS];       /* names */
	uint64_t n_events, events_seen;     /* seen: by a /wait, or before the line before this one */
	char *messages[CONSOLE_MESSAGES];   /* may have NULs in them */
	size_t message_len[CONSOLE_MESSAGES];
	uint64_t n_messages, messages_seen;
	uint64_t typed_events, typed_messages; /* when the last typed line began */

	struct console_ended ended[CONSOLE_ENDED];
	uint32_t n_ended;

	uv_timer_t every, stall, tick;
	char *every_line;
	struct buf last;                    /* the last message received */
	uint8_t last_opcode;
	uint64_t last_length;               /* as it came */
	struct buf headers, tls, timing;    /* of the last open */
	struct sink *log;                   /* of /log */
};

/* Where what is said is folded; 0: nowhere. */
unsigned console_columns(const struct console *c);
/* Lines for the person, each folded; the last newline may be left out. */
void console_say(struct console *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The line being done failed. */
void console_fail(struct console *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The first word of *args, which is moved behind it; false when there is none. */
bool console_word(struct span *args, struct span *ret);
bool console_number(struct span word, uint64_t max, uint64_t *ret);
/* A file's path: what is left of the line, "~/" being the home folder. Caller frees. */
char *console_path(struct span args);
/* A whole file. 0 or a negative errno; -EFBIG: it is larger than max, which ends the reading. */
int console_read(const char *path, size_t max, struct buf *out) MUST_CHECK;
/* A duration in a word; complains itself. */
bool console_seconds(struct console *c, struct span word, int64_t *ret_us);
/* Its sink joins the journal. */
void console_watch(struct console *c);
void console_wait(struct console *c, enum waiting what, int64_t timeout_us);
void console_stop_waiting(struct console *c);
/* Looks whether what is awaited has happened already. */
void console_check(struct console *c);
/* Does a line now. */
void console_do(struct console *c, struct span line);

/* The commands, by theme. */
typedef void console_run_fn(struct console *c, struct span args);
console_run_fn console_open, console_close_conn, console_drop, console_reconnect, console_conns_list, console_use, console_stall, console_resume, console_pongs,
    console_ping_interval;
console_run_fn console_text, console_binary, console_file, console_fragment, console_raw, console_ping, console_pong, console_every;
console_run_fn console_help, console_headers, console_tls, console_timing, console_stats, console_set, console_log, console_last, console_save, console_echo;
console_run_fn console_source_file, console_sleep, console_wait_event, console_expect, console_quit;

#endif
