/* SPDX-License-Identifier: MIT */
#include "cli/option.h"

#include "base/nearest.h"
#include "base/quantity.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct group {
	int64_t wait;
	uint64_t size;
};

struct options {
	bool insecure, nul;
	unsigned verbose;
	const char *log, *auth;
	struct option_list headers;
	uint64_t count, port;
	int time;
	struct group group;
};

static const char *const times[] = { "auto", "local", "iso", NULL };
static const char *const forever[] = { "forever", NULL };

#define AT(member) offsetof(struct options, member)
static const struct option rows[] = {
	{ .name = "insecure", .letter = 'k', .kind = OPT_FLAG, .offset = AT(insecure), .help = "h" },
	{ .name = "null", .letter = '0', .kind = OPT_FLAG, .offset = AT(nul), .help = "h" },
	{ .name = "verbose", .letter = 'v', .kind = OPT_COUNT, .offset = AT(verbose), .help = "h" },
	{ .name = "log", .kind = OPT_TEXT, .offset = AT(log), .argument = "FILE", .help = "h" },
	{ .name = "log-messages", .kind = OPT_FLAG, .offset = AT(nul), .help = "h" },
	{ .name = "auth",
	    .letter = 'a',
	    .kind = OPT_TEXT,
	    .offset = AT(auth),
	    .argument = "USER:PASSWORD",
	    .help = "h",
	    .is_secret = true },
	{ .name = "header", .letter = 'H', .kind = OPT_LIST, .offset = AT(headers), .argument = "'Name: value'", .help = "h" },
	{ .name = "subprotocol", .letter = 's', .kind = OPT_LIST, .offset = AT(headers), .argument = "NAME", .help = "h", .is_subprotocol = true },
	{ .name = "count", .kind = OPT_NUMBER, .offset = AT(count), .argument = "N", .min = 1, .help = "h" },
	{ .name = "port", .kind = OPT_NUMBER, .offset = AT(port), .argument = "PORT", .max = 65535, .help = "h" },
	{ .name = "time", .kind = OPT_CHOICE, .offset = AT(time), .choices = times, .help = "h" },
	{ .name = "reconnect", .kind = OPT_FLAG, .offset = AT(nul), .help = "h" },
	{ 0 },
};
#undef AT

static const struct option group_rows[] = {
	{ .name = "wait",
	    .letter = 'w',
	    .kind = OPT_SECONDS,
	    .offset = offsetof(struct group, wait),
	    .argument = "SECONDS",
	    .choices = forever,
	    .help = "h" },
	{ .name = "max-message", .kind = OPT_SIZE, .offset = offsetof(struct group, size), .argument = "SIZE", .help = "h" },
	{ 0 },
};

static const struct option_table tables[] = {
	{ "One", rows, 0 },
	{ "Two", group_rows, offsetof(struct options, group) },
	{ 0 },
};

static const struct option_hint hints[] = {
	{ "-n", "insecure is -k" },
	{ "--recconect", "think twice" },
	{ "--time", "UTC is iso" },
	{ 0 },
};

static void
defaults(void *options)
{
	struct options *o = options;

	o->count = 7;
	o->group.wait = 1;
}

static const struct command command = { .name = "test", .synopsis = "[options] URL", .tables = tables, .hints = hints,
	.options_size = sizeof(struct options), .defaults = defaults, .min_args = 1, .max_args = 2 };

enum { ARGS_MAX = 12 };

/* Parses a line of words; they are cut out of text, which must live as long as the options. */
static int
parse(char *text, struct options *o, struct invocation *inv, struct buf *error)
{
	char *argv[ARGS_MAX + 1];
	int argc = 0;

	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return option_parse(&command, argv, argc, o, inv, error);
}

/* What was parsed, as one line. */
static void
describe(struct buf *b, const struct options *o, const struct invocation *inv)
{
	buf_printf(b, "k%d 0%d v%u log=%s auth=%s count=%d port=%d time=%d wait=%lld size=%llu H[", o->insecure, o->nul, o->verbose,
	    o->log != NULL ? o->log : "-", o->auth != NULL ? o->auth : "-", (int)o->count, (int)o->port, o->time, (long long)o->group.wait,
	    (unsigned long long)o->group.size);
	for (size_t i = 0; i < o->headers.n; i++)
		buf_printf(b, "%s%s", i > 0 ? "," : "", o->headers.items[i]);
	buf_puts(b, "] args");
	for (unsigned i = 0; i < inv->n_args; i++)
		buf_printf(b, " %s", inv->args[i]);
}

#define NOTHING "k0 00 v0 log=- auth=- count=7 port=0 time=0 wait=1 size=0 H[] args"

static const struct {
	const char *line, *parsed;
} good[] = {
	{ "url", NOTHING " url" },
	{ "- url", NOTHING " - url" },
	{ "-- -k --log", NOTHING " -k --log" },
	{ "-k url", "k1 00 v0 log=- auth=- count=7 port=0 time=0 wait=1 size=0 H[] args url" },
	{ "url -vv0k -v", "k1 01 v3 log=- auth=- count=7 port=0 time=0 wait=1 size=0 H[] args url" },
	{ "--log=a=b url", "k0 00 v0 log=a=b auth=- count=7 port=0 time=0 wait=1 size=0 H[] args url" },
	{ "--log= url", "k0 00 v0 log= auth=- count=7 port=0 time=0 wait=1 size=0 H[] args url" },
	{ "--log -k url", "k0 00 v0 log=-k auth=- count=7 port=0 time=0 wait=1 size=0 H[] args url" },
	{ "-kHa:1 --header b:2 --head=c:3 u", "k1 00 v0 log=- auth=- count=7 port=0 time=0 wait=1 size=0 H[a:1,b:2,c:3] args u" },
	{ "-w2.5 --max-message 16M u v", "k0 00 v0 log=- auth=- count=7 port=0 time=0 wait=2500000 size=16777216 H[] args u v" },
	{ "-w forever u", "k0 00 v0 log=- auth=- count=7 port=0 time=0 wait=9223372036854775807 size=0 H[] args u" },
	{ "--count 1 --count 20 --port=65535 u", "k0 00 v0 log=- auth=- count=20 port=65535 time=0 wait=1 size=0 H[] args u" },
	{ "--ti iso u", "k0 00 v0 log=- auth=- count=7 port=0 time=2 wait=1 size=0 H[] args u" },
};

START_TEST(gnu_style_is_understood)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char *line CLEANUP(free_charp) = xstrdup(good[i].line);
		struct buf error = { 0 }, parsed = { 0 };
		struct options o;
		struct invocation inv;

		ck_assert_msg(parse(line, &o, &inv, &error) == 0, "%s: %s", good[i].line, buf_cstr(&error));
		describe(&parsed, &o, &inv);
		ck_assert_str_eq(buf_cstr(&parsed), good[i].parsed);
		option_release(&command, &o, &inv);
		buf_deinit(&error);
		buf_deinit(&parsed);
	}
}
END_TEST

static const struct {
	const char *line, *error;
} bad[] = {
	{ "", "an argument is missing (usage: wsdiag test [options] URL)" },
	{ "a b c", "unexpected argument \"c\" (usage: wsdiag test [options] URL)" },
	{ "--unlikely u", "unknown option --unlikely" },
	{ "--reconect u", "unknown option --reconect; did you mean --reconnect?" },
	{ "--recconect=1 u", "unknown option --recconect; did you mean --reconnect? think twice" },
	{ "--lo u", "--lo could be --log or --log-messages" },
	{ "-n u", "unknown option -n: insecure is -k" },
	{ "-Z u", "unknown option -Z" },
	{ "-\033 u", "unknown option -\\e" },
	{ "--\033 u", "unknown option --\\e" },
	{ "-reconnect u", "unknown option -r in -reconnect; did you mean --reconnect?" },
	{ "--insecure=1 u", "--insecure takes no argument" },
	{ "u -H", "-H needs an argument: 'Name: value'" },
	{ "u --hea", "--header needs an argument: 'Name: value'" },
	{ "u --time", "--time needs an argument: auto|local|iso; UTC is iso" },
	{ "--time noon u", "--time: \"noon\" is not one of auto, local or iso; UTC is iso" },
	{ "-w abc u", "-w: \"abc\" is not a duration (examples: 10, 0.5, 250ms, 2m, forever)" },
	{ "--wait= u", "--wait: \"\" is not a duration (examples: 10, 0.5, 250ms, 2m, forever)" },
	{ "--max-message 1Q u", "--max-message: \"1Q\" is not a size (examples: 4096, 64K, 16M, 2G)" },
	{ "--count 0 u", "--count: \"0\" is less than 1" },
	{ "--count -1 u", "--count: \"-1\" is not a whole number" },
	{ "--count 1.5 u", "--count: \"1.5\" is not a whole number" },
	{ "--count 99999999999999999999 u", "--count: \"99999999999999999999\" is not a whole number" },
	{ "--port 65536 u", "--port: \"65536\" is not between 0 and 65535" },
};

START_TEST(a_mistake_is_named_with_what_was_meant)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *line CLEANUP(free_charp) = xstrdup(bad[i].line);
		struct buf error = { 0 };
		struct options o;
		struct invocation inv;

		ck_assert_int_eq(parse(line, &o, &inv, &error), -EINVAL);
		ck_assert_str_eq(buf_cstr(&error), bad[i].error);
		option_release(&command, &o, &inv);
		buf_deinit(&error);
	}
}
END_TEST

START_TEST(help_ends_parsing_at_once)
{
	static const char *const lines[] = { "--help", "-h", "-kh", "--hel", "u -H a:1 --help --unknown" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char *line CLEANUP(free_charp) = xstrdup(lines[i]);
		struct buf error = { 0 };
		struct options o;
		struct invocation inv;

		ck_assert_int_eq(parse(line, &o, &inv, &error), 1);
		buf_deinit(&error);
	}
}
END_TEST

START_TEST(the_logged_command_line_hides_secrets)
{
	static const struct {
		const char *line, *logged;
	} logged[] = {
		{ "-k u --auth me:pw", "-k u --auth ***" },
		{ "--auth=me:pw u", "--auth=*** u" },
		{ "--au=me:pw u", "--au=*** u" },
		{ "-s graphql-ws -s bearer --sub=abc -smqtt u", "-s graphql-ws -s bearer --sub=*** -smqtt u" },
		{ "-kame:pw u", "-ka*** u" },
		{ "-HAuthorization:Basic u -H Cookie:a=b", "-HAuthorization:*** u -H Cookie:a=***" },
		{ "--header=X-Trace:1 -w 5 http://h:1/x", "--header=X-Trace:1 -w 5 http://h:1/x" },
		{ "-- --auth=x", "-- --auth=x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(logged); i++) {
		char *line CLEANUP(free_charp) = xstrdup(logged[i].line);
		struct buf error = { 0 }, text = { 0 };
		struct options o;
		struct invocation inv;

		ck_assert_int_eq(parse(line, &o, &inv, &error), 0);
		for (size_t a = 0; a < inv.logged_args->n; a++)
			buf_printf(&text, "%s%.*s", a > 0 ? " " : "", (int)inv.logged_args->items[a].n, inv.logged_args->items[a].p);
		ck_assert_str_eq(buf_cstr(&text), logged[i].logged);
		option_release(&command, &o, &inv);
		buf_deinit(&error);
		buf_deinit(&text);
	}
}
END_TEST

static const struct {
	const char *text;
	int64_t us; /* -1: not a duration */
} durations[] = {
	{ "10", 10000000 },
	{ "0", 0 },
	{ "0.5", 500000 },
	{ ".5", 500000 },
	{ "5.", 5000000 },
	{ "250ms", 250000 },
	{ "0.5ms", 500 },
	{ "7us", 7 },
	{ "1.0000019", 1000001 },
	{ "2m", 120000000 },
	{ "1.5m", 90000000 },
	{ "3s", 3000000 },
	{ "1h", INT64_C(3600000000) },
	{ "2d", INT64_C(172800000000) },
	{ "", -1 },
	{ ".", -1 },
	{ "-1", -1 },
	{ "+1", -1 },
	{ " 1", -1 },
	{ "1 ", -1 },
	{ "1e3", -1 },
	{ "ms", -1 },
	{ "1.2.3", -1 },
	{ "nan", -1 },
	{ "0x10", -1 },
	{ "99999999999999999999", -1 },
	{ "9223372036854775807", -1 },
	{ "10000000d", 864000000000000000 },
	{ "100000000d", -1 },
};

START_TEST(durations_have_fractions_and_units)
{
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		int64_t us = -1;
		bool ok = quantity_parse_seconds(durations[i].text, &us);

		ck_assert_msg(ok == (durations[i].us != -1), "%s", durations[i].text);
		ck_assert_msg(us == durations[i].us, "%s: %lld", durations[i].text, (long long)us);
	}
}
END_TEST

static const struct {
	const char *text;
	uint64_t n;
	bool ok;
} sizes[] = {
	{ "0", 0, true },
	{ "4096", 4096, true },
	{ "64K", 65536, true },
	{ "64k", 65536, true },
	{ "16M", 16777216, true },
	{ "2G", UINT64_C(2147483648), true },
	{ "2GiB", UINT64_C(2147483648), true },
	{ "1.5K", 1536, true },
	{ "1T", UINT64_C(1099511627776), true },
	{ "", 0, false },
	{ "K", 0, false },
	{ "1.5", 0, false },
	{ "-1", 0, false },
	{ "1Q", 0, false },
	{ "1KK", 0, false },
	{ "99999999999T", 0, false },
	{ "16 M", 0, false },
};

START_TEST(sizes_count_in_1024s)
{
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t n = 0;

		ck_assert_msg(quantity_parse_size(sizes[i].text, &n) == sizes[i].ok, "%s", sizes[i].text);
		ck_assert_msg(n == sizes[i].n, "%s: %llu", sizes[i].text, (unsigned long long)n);
	}
}
END_TEST

START_TEST(the_nearest_word_is_near)
{
	static const char *const words[] = { "connect", "serve", "proxy", "report", "check", "demo", "reconnect", NULL };
	static const struct {
		const char *typed, *nearest;
	} pairs[] = { { "conect", "connect" }, { "recconect", "reconnect" }, { "sevre", "serve" }, { "serv", "serve" },
		{ "prxoy", "proxy" }, { "demo1", "demo" }, { "serve", "serve" }, { "x", NULL }, { "example.org", NULL },
		{ "localhost", NULL }, { "rec", "reconnect" }, { "conn", "connect" }, { "co", NULL }, { "", NULL }, { "a-word-that-is-much-longer-than-anything-that-is-known-here", NULL } };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const char *found = nearest_word(pairs[i].typed, words);

		ck_assert_msg((found == NULL) == (pairs[i].nearest == NULL), "%s: %s", pairs[i].typed, found != NULL ? found : "nothing");
		if (found != NULL)
			ck_assert_str_eq(found, pairs[i].nearest);
	}
}
END_TEST

UNIT_MAIN("option", gnu_style_is_understood, a_mistake_is_named_with_what_was_meant, help_ends_parsing_at_once,
    the_logged_command_line_hides_secrets, durations_have_fractions_and_units, sizes_count_in_1024s, the_nearest_word_is_near)
