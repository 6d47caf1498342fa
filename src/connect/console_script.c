/* SPDX-License-Identifier: MIT */
/* console_script: the commands that make lines a script. */
#include "connect/console_state.h"

#include "base/quantity.h"
#include "lifecycle/event.h"

#include <string.h>

void
console_source_file(struct console *c, struct span args)
{
	char *path CLEANUP(free_charp) = console_path(args);
	int err;

	if (++c->sourced > CONSOLE_SOURCES_MAX) {
		console_fail(c, "/source: %d files were read; does one of them source itself?", CONSOLE_SOURCES_MAX);
		return;
	}
	err = console_source(c, path);
	if (err < 0)
		console_fail(c, "%s: %s", path, strerror(-err));
}

void
console_sleep(struct console *c, struct span args)
{
	int64_t us;

	if (console_seconds(c, args, &us))
		console_wait(c, WAITING_SLEEP, us);
}

static bool
is_event(struct span name)
{
	for (int type = 0; type < EV_TYPE_COUNT; type++)
		if (span_eq(name, event_spec((enum event_type)type)->name))
			return true;
	return span_eq(name, "reconnect");
}

void
console_wait_event(struct console *c, struct span args)
{
	int64_t us = CONSOLE_TIMEOUT_S * US_PER_S;
	struct span name;

	if (!console_word(&args, &name) || !is_event(name)) {
		console_fail(c, "/wait EVENT [SECONDS], an event being open, reconnect, lost, close, failed, retry, pong ... (wsdiag-log(5))");
		return;
	}
	if (args.n > 0 && !console_seconds(c, args, &us))
		return;
	snprintf(c->awaited, sizeof(c->awaited), "%.*s", (int)name.n, name.p);
	console_wait(c, WAITING_EVENT, us);
}

/* The last word is a timeout when it is a duration and not the only word; a pattern that ends in one can be written in brackets. */
static int64_t
take_timeout(struct span *pattern)
{
	const char *space = pattern->n > 0 ? memrchr(pattern->p, ' ', pattern->n) : NULL;
	char *text CLEANUP(free_charp) = NULL;
	int64_t us;

	if (space != NULL) {
		text = span_dup((struct span){ space + 1, pattern->n - (size_t)(space + 1 - pattern->p) });
		if (quantity_parse_seconds(text, &us)) {
			pattern->n = (size_t)(space - pattern->p);
			*pattern = span_trim(*pattern);
			return us;
		}
	}
	return CONSOLE_TIMEOUT_S * US_PER_S;
}

void
console_expect(struct console *c, struct span args)
{
	int64_t us = take_timeout(&args);
	char *pattern CLEANUP(free_charp) = span_dup(args);
	char why[80];
	int err;

	err = regcomp(&c->pattern, pattern, REG_EXTENDED | REG_NOSUB);
	if (err != 0) {
		regerror(err, &c->pattern, why, sizeof(why));
		console_fail(c, "/expect: \"%s\" is no regular expression: %s", pattern, why);
		return;
	}
	snprintf(c->awaited, sizeof(c->awaited), "%s", pattern);
	console_wait(c, WAITING_MESSAGE, us);
}

void
console_quit(struct console *c, struct span args UNUSED)
{
	console_cancel(c);
	c->up->quit(c->up_arg);
}
