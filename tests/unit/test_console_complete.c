/* SPDX-License-Identifier: MIT */
#include "connect/console.h"

#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = { "folder/inner file", "plain.txt", "two words.txt", "two worlds.txt", ".hidden", "off-line", "\xff\xfe" };

/* A folder that is the home, and the one to be in; and what was found. */
struct place {
	char folder[64];
	struct buf found;
};

static void
prepare(struct place *p)
{
	*p = (struct place){ .folder = "/tmp/wsdiag-complete-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	ck_assert_int_eq(chdir(p->folder), 0);
	setenv("HOME", p->folder, 1);
	ck_assert_int_eq(mkdir("folder", 0700), 0);
	ck_assert_int_eq(symlink("folder", "link"), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		close(open(files[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void
release(struct place *p)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		ck_assert_int_eq(unlink(files[i]), 0);
	unlink("link");
	rmdir("folder");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(p->folder), 0);
	buf_deinit(&p->found);
}

static void
add(void *arg, const char *word, const char *note UNUSED)
{
	struct place *p = arg;

	buf_printf(&p->found, "[%s]", word);
}

/* What is found, and where the word begins. */
static size_t
complete(struct place *p, const char *line)
{
	buf_clear(&p->found);
	return console_complete(NULL, line, add, p);
}

static const struct {
	const char *line, *found;  /* one in brackets */
	size_t at;
} lines[] = {
	{ "/rec", "[/reconnect]", 0 },
	{ "", "", 0 },
	{ "rec", "", 0 },
	{ "//rec", "", 0 },
	{ "/nothing ", "", 0 },
	{ "/help ti", "[timing]", 6 },
	{ "/help /ti", "[/timing]", 6 },
	{ "/reconnect ", "[overlap]", 11 },
	{ "/reconnect overlap ", "", 0 },
	{ "/drop r", "[rst]", 6 },
	{ "/drop   r", "[rst]", 8 },
	{ "/close 400", "", 0 },
	{ "/close 1001", "[1001]", 7 },
	{ "/close 1001 1", "", 0 }, /* a reason */
	{ "/wait los", "[lost]", 6 },
	{ "/wait lost 1", "", 0 },
	{ "/set pa", "[paste]", 5 },
	{ "/set paste l", "[lines]", 11 },
	{ "/set show l", "", 0 },
	{ "/ping-interval ", "[off]", 15 },
	{ "/text pl", "", 0 },
	{ "/echo pl", "", 0 },
	{ "/raw ", "", 0 },
	{ "/file pl", "[plain.txt]", 6 },
	{ "/file two wor", "[two words.txt][two worlds.txt]", 6 },
	{ "/file two word", "[two words.txt]", 6 },
	{ "/file  two word", "[two words.txt]", 7 },
	{ "/file fo", "[folder/]", 6 },
	{ "/file lin", "[link/]", 6 },
	{ "/file folder/", "[folder/inner file]", 6 },
	{ "/file folder/inner f", "[folder/inner file]", 6 },
	{ "/file ~/two word", "[~/two words.txt]", 6 },
	{ "/file ~/folder/", "[~/folder/inner file]", 6 },
	{ "/file .h", "[.hidden]", 6 },
	{ "/file nowhere/", "", 0 },
	{ "/file \xff", "", 0 },
	{ "/save pl", "[plain.txt]", 6 },
	{ "/source two word", "[two words.txt]", 8 },
	{ "/log two word", "[two words.txt]", 5 },
	{ "/log of", "[off][off-line]", 5 },
	{ "/binary pl", "", 0 },
	{ "/binary 00 pl", "", 0 },
	{ "/binary @pl", "[@plain.txt]", 8 },
	{ "/binary @two word", "[@two words.txt]", 8 },
	{ "/binary @folder/", "[@folder/inner file]", 8 },
	{ "/every o", "[off]", 7 },
	{ "/every 1 /fi", "[/file]", 9 },
	{ "/every 1 /file two word", "[two words.txt]", 15 },
	{ "/every 1 /drop f", "[fin]", 15 },
};

/* In the order of the folder. */
static bool
same_words(struct span found, const char *want)
{
	struct span word;

	if (found.n != strlen(want))
		return false;
	while (span_next(&found, ']', &word)) {
		char *w CLEANUP(free_charp) = span_dup(word);

		if (strstr(want, w) == NULL)
			return false;
	}
	return true;
}

START_TEST(each_argument_is_completed_as_the_table_names_it)
{
	struct place p CLEANUP(release);

	prepare(&p);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		size_t at = complete(&p, lines[i].line);

		ck_assert_msg(same_words(buf_span(&p.found), lines[i].found), "%s: %s", lines[i].line, buf_cstr(&p.found));
		ck_assert_msg(*lines[i].found == '\0' || at == lines[i].at, "%s: at %zu", lines[i].line, at);
		ck_assert_uint_le(at, strlen(lines[i].line));
	}
}
END_TEST

START_TEST(without_a_file_begun_all_but_the_hidden_are_listed)
{
	struct place p CLEANUP(release);

	prepare(&p);
	complete(&p, "/binary ");
	ck_assert(same_words(buf_span(&p.found), "[@folder/][@link/][@plain.txt][@two words.txt][@two worlds.txt][@off-line]"));
}
END_TEST

/* A command that takes a file is completed with files, whichever it is. */
START_TEST(every_command_with_a_file_is_completed_with_files)
{
	struct place p CLEANUP(release);
	int n = 0;

	prepare(&p);
	for (const struct console_command *cmd = console_commands; cmd->name != NULL; cmd++) {
		const char *sign = strstr(cmd->args, "@FILE") != NULL ? "@" : "";
		char *line CLEANUP(free_charp) = xasprintf("/%s %stwo word", cmd->name, sign), *want CLEANUP(free_charp) = xasprintf("[%stwo words.txt]", sign);
		bool takes = strstr(cmd->args, "FILE") != NULL || strstr(cmd->args, "PATH") != NULL;

		complete(&p, line);
		ck_assert_msg(takes == (strcmp(buf_cstr(&p.found), want) == 0), "%s: %s", line, buf_cstr(&p.found));
		n += takes;
	}
	ck_assert_int_eq(n, 5);
}
END_TEST

UNIT_MAIN("console_complete", each_argument_is_completed_as_the_table_names_it, without_a_file_begun_all_but_the_hidden_are_listed,
    every_command_with_a_file_is_completed_with_files)
