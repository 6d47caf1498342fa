/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include "cli/help.h"
#include "connect/console.h"
#include "fault/plan.h"
#include "report/finding.h"

#include <string.h>

/* The commands of the REPL: name, arguments, help. */
static void
dump_console(const struct command *const *commands UNUSED, struct buf *out)
{
	for (const struct console_command *cmd = console_commands; cmd->name != NULL; cmd++)
		buf_printf(out, "%s\t%s\t%s\n", cmd->name, cmd->args, cmd->help);
}

static void
dump_words(struct buf *out, const char *kind, const struct plan_word *words)
{
	for (; words->name != NULL; words++)
		buf_printf(out, "%s\t%s\t%s\t%s\t%s\n", kind, words->name, words->args, words->help, words->who & PLAN_FOR_SERVER ? "proxy serve" : "proxy");
}

static bool
can_serve(const struct installed_plan *p)
{
	struct plan plan = { 0 };
	struct buf error CLEANUP(buf_deinit) = { 0 };
	bool can = plan_load(&plan, p->name, PLAN_FOR_SERVER, &error) == 0;

	plan_deinit(&plan);
	return can;
}

/* The language of plans and those that are installed: kind, name, arguments, help, and who can do it. */
static void
dump_plans(const struct command *const *commands UNUSED, struct buf *out)
{
	dump_words(out, "moment", plan_moment_words);
	dump_words(out, "action", plan_action_words);
	for (const struct installed_plan *p = installed_plans; p->name != NULL; p++)
		buf_printf(out, "plan\t%s\t\t%s\t%s\n", p->name, p->summary, can_serve(p) ? "proxy serve" : "proxy");
}

static void
dump_findings(const struct command *const *commands UNUSED, struct buf *out)
{
	for (int kind = 0; kind < FINDING_KIND_COUNT; kind++)
		buf_printf(out, "%s\n", finding_spec((enum finding_kind)kind)->name);
}

static void
dump_options(const struct command *const *commands, struct buf *out)
{
	help_dump(out, commands);
}

/* Events, fields, units. */
static void
dump_schema(const struct command *const *commands UNUSED, struct buf *out)
{
	help_dump_schema(out);
}

static const struct {
	const char *word;
	void (*dump)(const struct command *const *commands, struct buf *out);
} tables[] = {
	{ "dump-options", dump_options },
	{ "dump-schema", dump_schema },
	{ "dump-console", dump_console },
	{ "dump-plans", dump_plans },
	{ "dump-findings", dump_findings },
};

bool
tables_dump(const char *word, const struct command *const *commands, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (strcmp(tables[i].word, word) == 0) {
			tables[i].dump(commands, out);
			return true;
		}
	}
	return false;
}
