/* SPDX-License-Identifier: MIT */
#include "cli/option.h"

#include "base/escape.h"
#include "base/nearest.h"
#include "cli/option_value.h"
#include "log/redact.h"

#include <errno.h>
#include <string.h>

static const struct option help_rows[] = {
	{ .name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "this text" },
	{ 0 },
};
static const struct option_table help_table = { .heading = "Help", .rows = help_rows };

struct parser {
	const struct command *cmd;
	char **argv;
	int argc, next;       /* next: the first argument not yet looked at */
	void *options;
	const char **args;    /* operands */
	unsigned n_args;
	struct span *logged;  /* one for each argument; heap */
	int current;          /* index of the argument that is being parsed */
	bool is_announced;    /* the subprotocol before was a word such as "bearer" */
	struct buf *error;
};

bool
option_walk(const struct command *cmd, struct option_at *at)
{
	if (at->is_help)
		return false;
	if (at->row == NULL)
		at->table = cmd->tables;
	else
		at->row++;
	while (at->table != NULL && at->table->rows != NULL) {
		if (at->row == NULL)
			at->row = at->table->rows;
		if (at->row->name != NULL)
			return true;
		at->table++;
		at->row = NULL;
	}
	*at = (struct option_at){ .table = &help_table, .row = help_rows, .is_help = true };
	return true;
}

void
option_argument(struct buf *out, const struct option *row)
{
	if (row->argument != NULL) {
		buf_puts(out, row->argument);
		return;
	}
	for (size_t i = 0; row->kind == OPT_CHOICE && row->choices[i] != NULL; i++) {
		buf_puts(out, i > 0 ? "|" : "");
		buf_puts(out, row->choices[i]);
	}
}

static bool
takes_argument(const struct option *row)
{
	return row->kind != OPT_FLAG && row->kind != OPT_COUNT;
}

static void *
place_of(const struct parser *p, const struct option_at *at)
{
	return (char *)p->options + at->table->base + at->row->offset;
}

/* What a person from another tool should type instead; it ends every complaint about that option. */
static int
complain(struct parser *p, const char *typed, const char *separator)
{
	for (const struct option_hint *h = p->cmd->hints; h != NULL && h->typed != NULL; h++)
		if (strcmp(h->typed, typed) == 0)
			buf_printf(p->error, "%s%s", separator, h->hint);
	return -EINVAL;
}

static void
put_typed(struct buf *out, const char *typed)
{
	escape_text(out, span_of(typed), 80);
}

/* "wsdiag serve" without its first word for what has none. */
static void
put_usage(struct parser *p)
{
	buf_printf(p->error, " (usage: wsdiag %s %s)", p->cmd->name, p->cmd->synopsis);
}

/* The nearest long name to text, without dashes. */
static const char *
nearest_name(const struct command *cmd, const char *text)
{
	struct option_at at = { 0 };
	size_t n = 0;

	while (option_walk(cmd, &at))
		n++;
	const char **names = xcalloc(n + 1, sizeof(*names));
	at = (struct option_at){ 0 };
	for (n = 0; option_walk(cmd, &at); n++)
		names[n] = at.row->name;
	const char *found = nearest_word(text, names);
	free(names);
	return found;
}

static int
unknown_long(struct parser *p, const char *typed, const char *name)
{
	const char *near = nearest_name(p->cmd, name);

	buf_puts(p->error, "unknown option ");
	put_typed(p->error, typed);
	if (near != NULL)
		buf_printf(p->error, "; did you mean --%s?", near);
	return complain(p, typed, near != NULL ? " " : ": ");
}

/* Whether an exact or the only beginning: 1 found, 0 none, -EINVAL ambiguous. */
static int
find_long(struct parser *p, const char *typed, const char *name, struct option_at *ret)
{
	struct option_at at = { 0 }, found = { 0 }, other = { 0 };
	size_t n = strlen(name);

	while (option_walk(p->cmd, &at)) {
		if (strncmp(at.row->name, name, n) != 0)
			continue;
		if (at.row->name[n] == '\0') {
			*ret = at;
			return 1;
		}
		if (found.row == NULL)
			found = at;
		else
			other = at;
	}
	if (other.row != NULL) {
		put_typed(p->error, typed);
		buf_printf(p->error, " could be --%s or --%s", found.row->name, other.row->name);
		return complain(p, typed, "; ");
	}
	*ret = found;
	return found.row != NULL ? 1 : 0;
}

static bool
find_letter(const struct command *cmd, char letter, struct option_at *ret)
{
	struct option_at at = { 0 };

	while (option_walk(cmd, &at)) {
		if (at.row->letter == letter) {
			*ret = at;
			return true;
		}
	}
	return false;
}

/* "Name: value" of a header: its value may be a credential. Anything else passes. */
static char *
loggable(struct parser *p, const struct option *row, const char *text)
{
	size_t n = strcspn(text, ": =/\"");
	struct buf b CLEANUP(buf_deinit) = { 0 };

	if (row->is_secret)
		return xstrdup("***");
	if (row->is_subprotocol) {
		redact_subprotocol(&b, span_of(text), &p->is_announced);
		return xstrdup(buf_cstr(&b));
	}
	if (n == 0 || text[n] != ':')
		return xstrdup(text);
	size_t skip = n + 1 + strspn(text + n + 1, " \t");
	buf_append(&b, text, skip);
	redact_header(&b, (struct span){ text, n }, span_of(text + skip));
	return xstrdup(buf_cstr(&b));
}

static void
log_as(struct parser *p, int index, char *text)
{
	free((char *)p->logged[index].p);
	p->logged[index] = span_of(text);
}

/* value stands in argument index, behind the first `before` bytes of it. */
static void
log_value(struct parser *p, const struct option *row, int index, const char *value)
{
	char *clean CLEANUP(free_charp) = loggable(p, row, value);

	log_as(p, index, xasprintf("%.*s%s", (int)(value - p->argv[index]), p->argv[index], clean));
}

/* typed is how the user spelled the option; value is NULL when it would have to be the next argument. 1: --help. */
static int
apply(struct parser *p, const struct option_at *at, const char *typed, const char *value)
{
	const struct option *row = at->row;

	if (at->is_help)
		return 1;
	if (value == NULL && row->bare != NULL) {
		value = row->bare;
	} else if (takes_argument(row)) {
		int index = p->current;

		if (value == NULL) {
			if (p->next >= p->argc) {
				buf_printf(p->error, "%s needs an argument: ", typed);
				option_argument(p->error, row);
				return complain(p, typed, "; ");
			}
			index = p->next++;
			value = p->argv[index];
		}
		log_value(p, row, index, value);
	}

	struct buf wrong CLEANUP(buf_deinit) = { 0 };
	int err = option_set(row, place_of(p, at), value, &wrong);

	if (err < 0) {
		buf_printf(p->error, "%s: %s", typed, buf_cstr(&wrong));
		return complain(p, typed, "; ");
	}
	return 0;
}

static int
parse_long(struct parser *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	char *typed CLEANUP(free_charp) = xstrndup(arg, equals != NULL ? (size_t)(equals - arg) : strlen(arg));
	struct option_at at;
	int found = find_long(p, typed, typed + 2, &at);

	if (found < 0)
		return found;
	if (found == 0 || typed[2] == '\0')
		return unknown_long(p, typed, typed + 2);
	if (equals != NULL && !takes_argument(at.row)) {
		buf_printf(p->error, "--%s takes no argument", at.row->name);
		return complain(p, typed, "; ");
	}
	/* Complaints show the whole name, whatever was typed of it. */
	char *name CLEANUP(free_charp) = xasprintf("--%s", at.row->name);
	return apply(p, &at, name, equals != NULL ? equals + 1 : NULL);
}

static int
unknown_letter(struct parser *p, const char *arg, char letter)
{
	char typed[3] = { '-', letter, '\0' };
	size_t n = strcspn(arg + 1, "=");
	char *word CLEANUP(free_charp) = xstrndup(arg + 1, n);
	const char *near = n > 2 ? nearest_name(p->cmd, word) : NULL;

	buf_puts(p->error, "unknown option ");
	put_typed(p->error, typed);
	if (near != NULL)
		buf_printf(p->error, " in %s; did you mean --%s?", arg, near);
	return complain(p, typed, near != NULL ? " " : ": ");
}

/* One dash: letters, the last of which may have the rest of the argument as its own. */
static int
parse_letters(struct parser *p, const char *arg)
{
	for (const char *c = arg + 1; *c != '\0'; c++) {
		struct option_at at;
		char typed[3] = { '-', *c, '\0' };

		if (!find_letter(p->cmd, *c, &at))
			return unknown_letter(p, arg, *c);
		bool has_rest = takes_argument(at.row) && c[1] != '\0';
		int err = apply(p, &at, typed, has_rest ? c + 1 : NULL);
		if (err != 0 || takes_argument(at.row))
			return err;
	}
	return 0;
}

static int
parse_all(struct parser *p)
{
	bool only_operands = false;

	while (p->next < p->argc) {
		const char *arg = p->argv[p->next];
		int err = 0;

		p->current = p->next++;
		if (only_operands || arg[0] != '-' || arg[1] == '\0')
			p->args[p->n_args++] = arg;
		else if (strcmp(arg, "--") == 0)
			only_operands = true;
		else
			err = arg[1] == '-' ? parse_long(p, arg) : parse_letters(p, arg);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
check_operands(struct parser *p)
{
	if (p->n_args < p->cmd->min_args) {
		buf_puts(p->error, p->n_args == 0 ? "an argument is missing" : "more arguments are needed");
		put_usage(p);
		return -EINVAL;
	}
	if (p->n_args > p->cmd->max_args) {
		buf_puts(p->error, "unexpected argument \"");
		put_typed(p->error, p->args[p->cmd->max_args]);
		buf_putc(p->error, '"');
		put_usage(p);
		return -EINVAL;
	}
	return 0;
}

static struct span_list *
logged_list(struct parser *p)
{
	struct span_list *list = xmalloc(sizeof(*list));

	*list = (struct span_list){ p->logged, (size_t)p->argc };
	return list;
}

int
option_parse(const struct command *cmd, char **argv, int argc, void *options, struct invocation *ret_inv, struct buf *error)
{
	size_t n = (size_t)argc;
	struct parser p = { .cmd = cmd, .argv = argv, .argc = argc, .options = options, .error = error };

	memset(options, 0, cmd->options_size);
	if (cmd->defaults != NULL)
		cmd->defaults(options);
	p.args = xcalloc(n + 1, sizeof(*p.args));
	p.logged = xcalloc(n + 1, sizeof(*p.logged));
	for (size_t i = 0; i < n; i++)
		p.logged[i] = span_of(xstrdup(argv[i]));

	int err = parse_all(&p);
	if (err == 0)
		err = check_operands(&p);
	*ret_inv = (struct invocation){ .args = p.args, .n_args = p.n_args, .logged_args = logged_list(&p) };
	if (err != 0)
		option_release(cmd, options, ret_inv);
	return err;
}

void
option_release(const struct command *cmd, void *options, struct invocation *inv)
{
	struct option_at at = { 0 };

	while (option_walk(cmd, &at)) {
		if (at.is_help || at.row->kind != OPT_LIST)
			continue;
		struct option_list *list = (void *)((char *)options + at.table->base + at.row->offset);
		free(list->items);
		*list = (struct option_list){ 0 };
	}
	for (size_t i = 0; inv->logged_args != NULL && i < inv->logged_args->n; i++)
		free((char *)inv->logged_args->items[i].p);
	if (inv->logged_args != NULL)
		free((struct span *)inv->logged_args->items);
	free((struct span_list *)inv->logged_args);
	free((const char **)inv->args);
	*inv = (struct invocation){ 0 };
}
