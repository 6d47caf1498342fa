/* SPDX-License-Identifier: MIT */
/*
 * console: the language of the REPL and of scripts. A line is a message, or a command when it begins with a slash ("//" sends one slash). It sees every event of the
 * run, so that a script can wait for one, and acts on a session. No terminal in here: what it has to say goes up.
 *
 *	typed line, script line --> console --> session
 *	events                  --> console --> say, idle
 */
#ifndef WSDIAG_CONNECT_CONSOLE_H
#define WSDIAG_CONNECT_CONSOLE_H

#include "connect/session.h"

struct console;

struct console_options {
	struct loop *loop;
	struct journal *journal;
	struct session *session;
	bool shows_messages;      /* a person reads along: messages are said; else they are somebody else's */
	bool show_secrets;
};

struct console_events {
	/* Text for the person: whole lines. */
	void (*say)(void *arg, struct span text);
	/* Every line has been done. */
	void (*idle)(void *arg);
	/* A line failed: what, in a sentence. In a script that is the end of it; is_expectation: /expect or /wait, else a wrong line. */
	void (*failed)(void *arg, const char *sentence, bool is_expectation);
	/* /quit */
	void (*quit)(void *arg);
	/* /set paste: whole, or line by line. NULL where nobody pastes. */
	void (*paste)(void *arg, bool whole);
	/* Where to fold what is said; 0, or NULL: nowhere. */
	unsigned (*columns)(void *arg);
};

/* Its sink joins the journal. */
struct console *console_new(const struct console_options *opt, const struct console_events *up, void *arg);
/* Cancels what waits and closes timers; closed is heard from the loop: then console_free(). */
void console_close(struct console *c, void (*closed)(void *arg), void *arg);
void console_free(struct console *c);

/* Lines to be done in order, behind those that wait. is_script: one that fails drops the rest. */
void console_run(struct console *c, const char *line, bool is_script);
/* A file of lines; '#' begins a comment. 0 or a negative errno. */
MUST_CHECK int console_source(struct console *c, const char *path);
/* Something is waiting (/sleep, /wait, /expect), or lines are. */
bool console_is_busy(const struct console *c);
/* The first of the two alone. */
bool console_is_waiting(const struct console *c);
/* Gives up what waits, and the lines behind it. */
void console_cancel(struct console *c);
/* Sends text as it is, as a typed line without a slash is sent. */
void console_send_text(struct console *c, struct span text);

/* Appends one line, folded, later rows indented. */
void console_fold(struct console *c, struct buf *out, struct span text, unsigned indent);

/*
 * The arguments' names say what they are, to a person and to completion: what is written small is the word itself; FILE and PATH are files and LINE is a
 * line, each to the end of what is typed, spaces and all; "@FILE" begins with the sign. COMMAND, CONN, CODE, EVENT, NAME and VALUE are completed, too.
 */
struct console_command {
	const char *name;          /* "close" */
	const char *args;          /* "[CODE [REASON]]"; "off|FILE": refused without; "" */
	const char *help;
	bool needs_open;           /* makes sense only while a connection is open */
	void (*run)(struct console *c, struct span args); /* trimmed */
};

/* Ends with a NULL name. */
extern const struct console_command console_commands[];
const struct console_command *console_find(struct span name);
/* The open connections' numbers, for completion; how many. */
size_t console_conns(const struct console *c, uint32_t *ret, size_t max);
/*
 * Calls add for each word that may stand where line is cut at the cursor, with a note that a list shows behind it, or NULL (static).
 * Returns where in line the word begins.
 */
typedef void complete_fn(void *add_arg, const char *word, const char *note);
size_t console_complete(const struct console *c, const char *line, complete_fn *add, void *add_arg);

#endif
