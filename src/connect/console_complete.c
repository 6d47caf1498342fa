/* SPDX-License-Identifier: MIT */
/* console_complete: what can follow in a line that is being typed. What each argument is, the table of commands says. */
#include "connect/console_state.h"

#include "base/utf8.h"
#include "codec/close_code.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct completion {
	const struct console *c;
	const char *line;
	size_t at;             /* where the word begins that is to be completed */
	struct span before;    /* the word before it */
	complete_fn *add;
	void *add_arg;
};

static void
add_if(const struct completion *job, const char *word, const char *note)
{
	const char *typed = job->line + job->at;

	if (strncmp(word, typed, strlen(typed)) == 0)
		job->add(job->add_arg, word, note);
}

/* --- what an argument can be --- */

static void
add_commands(struct completion *job, const char *sign)
{
	for (const struct console_command *cmd = console_commands; cmd->name != NULL; cmd++) {
		char *word CLEANUP(free_charp) = xasprintf("%s%s", sign, cmd->name);

		add_if(job, word, NULL);
	}
}

static void
add_topics(struct completion *job, const char *sign UNUSED)
{
	add_commands(job, job->line[job->at] == '/' ? "/" : "");
}

static void
add_conns(struct completion *job, const char *sign UNUSED)
{
	uint32_t ids[16];
	size_t n = console_conns(job->c, ids, ARRAY_LEN(ids));

	for (size_t i = 0; i < n; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%" PRIu32, ids[i]);
		add_if(job, text, NULL);
	}
}

static void
add_codes(struct completion *job, const char *sign UNUSED)
{
	for (int code = close_code_next(0); code != 0; code = close_code_next(code)) {
		char text[16];

		snprintf(text, sizeof(text), "%d", code);
		if (close_code_is_legal_on_wire(code))
			add_if(job, text, close_code_name(code));
	}
}

static void
add_events(struct completion *job, const char *sign UNUSED)
{
	for (int type = 0; type < EV_TYPE_COUNT; type++)
		add_if(job, event_spec((enum event_type)type)->name, NULL);
	add_if(job, "reconnect", NULL);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A name that is not UTF-8 cannot be typed. */
static void
add_files(struct completion *job, const char *sign)
{
	const char *typed = job->line + job->at, *path = typed + MIN(strlen(sign), strlen(typed)), *slash = strrchr(path, '/');
	struct span folder = { path, slash != NULL ? (size_t)(slash - path) + 1 : 0 };
	char *where CLEANUP(free_charp) = console_path(folder);
	DIR *dir = opendir(folder.n > 0 ? where : ".");
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		char *file CLEANUP(free_charp) = xasprintf("%s%s", where, entry->d_name);
		char *word CLEANUP(free_charp) = xasprintf("%s%.*s%s%s", sign, (int)folder.n, path, entry->d_name, is_folder(file) ? "/" : "");

		if ((entry->d_name[0] != '.' || path[folder.n] == '.') && utf8_is_valid(span_of(entry->d_name)))
			add_if(job, word, NULL);
	}
	closedir(dir);
}

static void
add_settings(struct completion *job, const char *sign UNUSED)
{
	for (const struct console_setting *s = console_settings; s->name != NULL; s++)
		add_if(job, s->name, NULL);
}

static void complete_place(struct completion *job, struct span place);
static void complete_line(struct completion *job, const char *sign);

static void
add_values(struct completion *job, const char *sign UNUSED)
{
	for (const struct console_setting *s = console_settings; s->name != NULL; s++)
		if (span_eq(job->before, s->name))
			complete_place(job, span_of(s->values));
}

static const struct kind {
	const char *name;      /* as the table of commands has it */
	bool is_rest;          /* of the line, spaces and all */
	void (*add)(struct completion *job, const char *sign);
} kinds[] = {
	{ "COMMAND", false, add_topics },
	{ "CONN", false, add_conns },
	{ "CODE", false, add_codes },
	{ "EVENT", false, add_events },
	{ "NAME", false, add_settings },
	{ "VALUE", false, add_values },
	{ "FILE", true, add_files },
	{ "PATH", true, add_files },
	{ "LINE", true, complete_line },
};

static const struct kind *
find_kind(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (span_eq(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

/* --- the place of an argument: "fin|rst", "HEX|@FILE" --- */

/* The sign before what is signed; the name is without it. */
static const char *
take_sign(struct span *name)
{
	bool is_signed = name->n > 0 && *name->p == '@';

	name->p += is_signed;
	name->n -= is_signed;
	return is_signed ? "@" : "";
}

static bool
is_rest(struct span place)
{
	struct span name;

	while (span_next(&place, '|', &name)) {
		take_sign(&name);
		const struct kind *k = find_kind(name);
		if (k != NULL && k->is_rest)
			return true;
	}
	return false;
}

static void
complete_place(struct completion *job, struct span place)
{
	struct span name;

	while (span_next(&place, '|', &name)) {
		const char *sign = take_sign(&name);
		const struct kind *k = find_kind(name);
		char *word CLEANUP(free_charp) = span_dup(name);

		if (k != NULL)
			k->add(job, sign);
		else if (*word >= 'a' && *word <= 'z')
			add_if(job, word, NULL);
	}
}

static struct span
without_brackets(struct span place)
{
	while (place.n > 0 && *place.p == '[')
		place.p++, place.n--;
	while (place.n > 0 && place.p[place.n - 1] == ']')
		place.n--;
	return place;
}

/* Goes from argument to argument until the one that is being typed. */
static void
complete_line(struct completion *job, const char *sign UNUSED)
{
	const char *line = job->line + job->at;
	size_t n = strcspn(line, " ");
	const struct console_command *cmd;
	struct span places, place;

	if (line[0] != '/')
		return;
	if (line[n] == '\0') {
		add_commands(job, "/");
		return;
	}
	cmd = console_find((struct span){ line + 1, n - 1 });
	places = span_of(cmd != NULL ? cmd->args : NULL);
	while (span_next(&places, ' ', &place)) {
		job->before = (struct span){ job->line + job->at, n };
		job->at += n;
		job->at += strspn(job->line + job->at, " ");
		n = strcspn(job->line + job->at, " ");
		place = without_brackets(place);
		if (job->line[job->at + n] == '\0' || is_rest(place)) {
			complete_place(job, place);
			return;
		}
	}
}

size_t
console_complete(const struct console *c, const char *line, complete_fn *add, void *add_arg)
{
	struct completion job = { .c = c, .line = line, .add = add, .add_arg = add_arg };

	complete_line(&job, "");
	return job.at;
}
