/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include "log/fold.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

struct options {
	bool insecure;
	const char *file;
	int64_t wait;
	int time;
	struct option_list headers;
};

static const char *const times[] = { "auto", "local", NULL };
static const char *const forever[] = { "forever", NULL };

#define AT(member) offsetof(struct options, member)
static const struct option rows[] = {
	{ .name = "insecure", .letter = 'k', .kind = OPT_FLAG, .offset = AT(insecure), .help = "don't [verify]: at all" },
	{ .name = "cacert", .kind = OPT_TEXT, .offset = AT(file), .argument = "FILE", .help = "authorities", .complete = "file" },
	{ .name = "wait", .letter = 'w', .kind = OPT_SECONDS, .offset = AT(wait), .argument = "SECONDS", .choices = forever,
	    .help = "how long to wait for something to come before it is over (default 1)" },
	{ .name = "time", .kind = OPT_CHOICE, .offset = AT(time), .choices = times, .help = "time of events" },
	{ .name = "header", .letter = 'H', .kind = OPT_LIST, .offset = AT(headers), .argument = "'Name: value'", .help = "a header" },
	{ 0 },
};
#undef AT

static const struct option_table tables[] = { { "Dial", rows, 0 }, { 0 } };
static const struct command connect = { .name = "connect",
	.synopsis = "[options] URL",
	.summary = "opens it",
	.about = "Opens a connection.",
	.examples = "wsdiag wss://example.org/ws\nwsdiag localhost:8080",
	.tables = tables,
	.options_size = sizeof(struct options),
	.min_args = 1,
	.max_args = 1 };
static const struct command report = { .name = "report",
	.synopsis = "[options] LOG...",
	.summary = "joins logs, it's said",
	.tables = tables + 1,
	.min_args = 1,
	.max_args = 9 };
static const struct command *const commands[] = { &connect, &report, NULL };

START_TEST(help_of_a_command_is_its_table)
{
	struct buf b = { 0 };

	help_command(&b, &connect, 60);
	ck_assert_str_eq(buf_cstr(&b),
	    "Usage: wsdiag connect [options] URL\n"
	    "\n"
	    "Opens a connection.\n"
	    "\n"
	    "Dial:\n"
	    "  -k, --insecure              don't [verify]: at all\n"
	    "      --cacert FILE           authorities\n"
	    "  -w, --wait SECONDS          how long to wait for something\n"
	    "                              to come before it is over\n"
	    "                              (default 1)\n"
	    "      --time auto|local       time of events\n"
	    "  -H, --header 'Name: value'  a header\n"
	    "\n"
	    "Help:\n"
	    "  -h, --help                  this text\n"
	    "\n"
	    "Examples:\n"
	    "  wsdiag wss://example.org/ws\n"
	    "  wsdiag localhost:8080\n"
	    "\n"
	    "Manual: wsdiag-connect(1). Exit status: wsdiag --help.\n");
	buf_deinit(&b);
}
END_TEST

static void
check_width(const struct buf *text, unsigned columns)
{
	struct span rest = buf_span(text), line;

	while (span_next(&rest, '\n', &line))
		ck_assert_msg(fold_width(line) <= columns || memchr(line.p, ' ', line.n) == NULL, "%.*s", (int)line.n, line.p);
}

START_TEST(help_fits_its_columns)
{
	for (unsigned columns = 55; columns < 130; columns += 5) {
		struct buf b = { 0 };

		help_overview(&b, commands, columns);
		check_width(&b, columns);
		buf_clear(&b);
		help_command(&b, &connect, columns);
		check_width(&b, columns);
		buf_deinit(&b);
	}
}
END_TEST

START_TEST(the_overview_names_commands_and_exit_statuses)
{
	struct buf b = { 0 };

	help_overview(&b, commands, 0);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "\n  connect     opens it\n  report      joins logs, it's said\n"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "\n  110  lost to silence"));
	buf_deinit(&b);
}
END_TEST

START_TEST(the_dump_has_a_line_for_each_option_and_operand)
{
	struct buf b = { 0 };

	help_dump(&b, commands);
	ck_assert_str_eq(buf_cstr(&b),
	    "connect\t--insecure\t-k\t\tDial\n"
	    "connect\t--cacert\t\tFILE\tDial\n"
	    "connect\t--wait\t-w\tSECONDS\tDial\n"
	    "connect\t--time\t\tauto|local\tDial\n"
	    "connect\t--header\t-H\t'Name: value'\tDial\n"
	    "connect\t--help\t-h\t\tHelp\n"
	    "connect\t\t\tURL\toperand\n"
	    "report\t--help\t-h\t\tHelp\n"
	    "report\t\t\tLOG...\toperand\n");
	buf_deinit(&b);
}
END_TEST

START_TEST(the_schema_has_a_line_for_each_field)
{
	struct buf b = { 0 };

	help_dump_schema(&b);
	ck_assert(strncmp(buf_cstr(&b), "*\tv\t\n*\tevent\t\n*\ttime\t\n*\tmono\tseconds\n", 37) == 0);
	static const char *const lines[] = { "*\tencoding\t\n", "start\tboot\t\n", "open\ttls\t\n", "open\ttls.version\t\n",
		"open\ttiming.dns\tseconds\n", "open\tattempts.after\tseconds\n", "lost\treceived.bytes\tbytes\n",
		"close\ttcp.rtt\tseconds\n" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_msg(strstr(buf_cstr(&b), lines[i]) != NULL, "%s", lines[i]);
	buf_deinit(&b);
}
END_TEST

START_TEST(an_unknown_shell_has_no_completion)
{
	struct buf b = { 0 };

	ck_assert(!help_completion(&b, "tcsh", commands));
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

/* Feeds the script for a shell, and what follows it, to that shell. What it printed, or NULL where the shell is not installed. */
static char *
run_shell(const char *shell, const char *options, const char *then)
{
	char path[] = "/tmp/wsdiag-test-XXXXXX";
	struct buf script = { 0 }, output = { 0 };
	char *which CLEANUP(free_charp) = xasprintf("command -v %s >/dev/null", shell);

	if (system(which) != 0)
		return NULL;
	ck_assert(help_completion(&script, shell, commands));
	buf_puts(&script, then);
	FILE *f = fdopen(mkstemp(path), "w");
	fwrite(buf_head(&script), 1, script.len, f);
	fclose(f);

	char *line CLEANUP(free_charp) = xasprintf("%s %s %s 2>&1", shell, options, path);
	FILE *p = popen(line, "r");
	for (int c; (c = fgetc(p)) != EOF;)
		buf_putc(&output, (char)c);
	int status = pclose(p);
	ck_assert_msg(status == 0, "%s: %s", shell, buf_cstr(&output));
	remove(path);
	buf_deinit(&script);
	char *text = xstrdup(buf_cstr(&output));
	buf_deinit(&output);
	return text;
}

static const struct {
	const char *words; /* the last is the one to complete; as bash cuts them: '=' is a word */
	const char *found; /* sorted */
} completions[] = {
	{ "wsdiag conn", "connect" },
	{ "wsdiag ''", "completion connect help report" },
	{ "wsdiag --i", "--insecure" },
	{ "wsdiag --v", "--version" },
	{ "wsdiag connect --t", "--time" },
	{ "wsdiag connect --time ''", "auto local" },
	{ "wsdiag connect --time = lo", "local" },
	{ "wsdiag --time =", "auto local" },
	{ "wsdiag -w fo", "forever" },
	{ "wsdiag connect -H ''", "" },
	{ "wsdiag connect ws", "" },
	{ "wsdiag connect --cacert /etc/passw", "/etc/passwd" },
	{ "wsdiag report /etc/passw", "/etc/passwd" },
	{ "wsdiag report --h", "--help" },
	{ "wsdiag help re", "report" },
	{ "wsdiag completion f", "fish" },
};

START_TEST(bash_completes_commands_options_values_and_files)
{
	for (size_t i = 0; i < ARRAY_LEN(completions); i++) {
		char *then CLEANUP(free_charp) = xasprintf("COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _wsdiag wsdiag\n"
							   "printf '%%s\\n' \"${COMPREPLY[@]}\" | grep -vx passwd- | grep -v 'passwd-$' | "
							   "grep -v -- '^-[a-z]$' | sort | paste -sd' '\n",
		    completions[i].words);
		char *found CLEANUP(free_charp) = run_shell("bash", "--norc", then);

		if (found == NULL)
			return;
		char *expected CLEANUP(free_charp) = xasprintf("%s\n", completions[i].found);
		ck_assert_msg(strcmp(found, expected) == 0, "%s: %s", completions[i].words, found);
	}
}
END_TEST

START_TEST(zsh_and_fish_accept_their_scripts)
{
	char *zsh CLEANUP(free_charp) = run_shell("zsh", "-n", "");
	char *fish CLEANUP(free_charp) = run_shell("fish", "-n", "");

	if (zsh != NULL)
		ck_assert_str_eq(zsh, "");
	if (fish != NULL)
		ck_assert_str_eq(fish, "");
}
END_TEST

START_TEST(fish_completes_values_of_the_command_at_hand)
{
	char *found CLEANUP(free_charp) = run_shell("fish", "--no-config",
	    "complete -C 'wsdiag connect --time '\ncomplete -C 'wsdiag rep'\ncomplete -C 'wsdiag --ins'\ncomplete -C 'wsdiag completion "
	    "z'\n");

	if (found != NULL)
		ck_assert_str_eq(found, "auto\ttime of events\nlocal\ttime of events\nreport\tjoins logs, it's said\n--insecure\tdon't "
					"[verify]: at all\nzsh\n");
}
END_TEST

UNIT_MAIN("help", help_of_a_command_is_its_table, help_fits_its_columns, the_overview_names_commands_and_exit_statuses,
    the_dump_has_a_line_for_each_option_and_operand, the_schema_has_a_line_for_each_field, an_unknown_shell_has_no_completion,
    bash_completes_commands_options_values_and_files, zsh_and_fish_accept_their_scripts, fish_completes_values_of_the_command_at_hand)
