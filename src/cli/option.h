/* SPDX-License-Identifier: MIT */
/*
 * option: commands and their options as tables. The parser, --help, the shell completions and the manual's test all read the same rows.
 *
 * A command's file declares a struct for its options, a table of rows with offsetof into it, and a struct command; nothing else knows an
 * option's name.
 */
#ifndef WSDIAG_CLI_OPTION_H
#define WSDIAG_CLI_OPTION_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPT_FLAG,       /* bool: set to true; a long name --no-X is a row of its own */
	OPT_COUNT,      /* unsigned: one more each time (-v, -vv) */
	OPT_TEXT,       /* const char *: borrowed from argv */
	OPT_LIST,       /* struct option_list: one more each time, in order */
	OPT_SECONDS,    /* int64_t microseconds; "10", "0.5", "250ms", "2m"; a word of choices: INT64_MAX */
	OPT_SIZE,       /* uint64_t bytes; "4096", "64K", "16M", "2G" (1024 each) */
	OPT_NUMBER,     /* uint64_t between min and max */
	OPT_CHOICE,     /* int: index into choices */
};

struct option_list {
	const char **items; /* borrowed from argv; the array is owned */
	size_t n;
};

struct option {
	const char *name;           /* "subprotocol", without dashes; NULL ends a table */
	char letter;                /* 's', 0: none */
	enum option_kind kind;
	size_t offset;              /* in the struct the table belongs to */
	const char *argument;       /* "NAME"; NULL for flags */
	const char *bare;           /* what the option means without "=ARGUMENT"; NULL: the argument is required, and may be the next word */
	const char *help;           /* one phrase without a final full stop; the default in it: "(default 10)" */
	const char *const *choices; /* OPT_CHOICE: NULL-terminated; OPT_SECONDS: words that mean INT64_MAX */
	uint64_t min, max;          /* OPT_NUMBER; max 0: unbounded */
	const char *complete;       /* for shells: "file", "plan" (an installed one, or a file), "like" (for --like), or NULL */
	bool is_secret;             /* its value is not logged in start.args */
	bool is_subprotocol;        /* its value is logged as far as it is no credential */
};

/* Rows under one heading, and where their struct lies inside the command's option struct: groups are shared between commands. */
struct option_table {
	const char *heading;        /* "Output" */
	const struct option *rows;  /* NULL ends the list of tables */
	size_t base;
};

/* What people type who come from other tools, and what they should type here: printed behind a usage error. */
struct option_hint {
	const char *typed;          /* "-n" */
	const char *hint;           /* "insecure is -k; no input is --no-input; stay open is -w forever" */
};

struct invocation {
	const char *const *args;    /* operands */
	unsigned n_args;
	const struct span_list *logged_args; /* the whole command line, secret values as "***" */
};

struct command {
	const char *name;           /* "serve" */
	const char *synopsis;       /* "[options] [[ADDRESS:]PORT]" */
	const char *summary;        /* one line for the list of commands */
	const char *about;          /* a paragraph for --help; NULL: none */
	const char *examples;       /* lines for --help; NULL: none */
	const struct option_table *tables;
	const struct option_hint *hints; /* ends with a NULL; NULL: none */
	size_t options_size;        /* of the struct */
	void (*defaults)(void *options); /* NULL: all zero */
	unsigned min_args, max_args;
	/* The exit status of SURFACE; above 128: ended by signal status - 128, which main raises again. */
	int (*run)(const void *options, const struct invocation *inv);
};

/*
 * Parses argv[0..n) into options (options_size bytes, set to the defaults first). GNU style: --name=V, --name V, -nV, -n V, -vv, options
 * and operands mixed, "--" ends options, an unambiguous beginning of a long name is enough. argv begins behind the command's name. 0; 1
 * when --help was asked for; or -EINVAL with a sentence in error that names the option, what is wrong with it, and the nearest name for an
 * unknown one. After anything but 0 there is nothing to release.
 */
MUST_CHECK int option_parse(const struct command *cmd, char **argv, int argc, void *options, struct invocation *ret_inv, struct buf *error);
/* Frees lists in options and what option_parse allocated for the invocation. */
void option_release(const struct command *cmd, void *options, struct invocation *inv);

/* Walks all rows of a command, the --help that every command has last; a zeroed struct stands before the first. */
struct option_at {
	const struct option_table *table;
	const struct option *row;
	bool is_help;
};
bool option_walk(const struct command *cmd, struct option_at *at);
/* What stands for the argument: row->argument, or the choices as "a|b|c"; nothing for flags. */
void option_argument(struct buf *out, const struct option *row);

#endif
