/* SPDX-License-Identifier: MIT */
/* console_complete: what can follow in a line that is being typed. */
#include "connect/console.h"

#include "codec/close_code.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
add_if(const char *word, const char *prefix, complete_fn *add, void *add_arg)
{
	if (strncmp(word, prefix, strlen(prefix)) == 0)
		add(add_arg, word, NULL);
}

static void
complete_file(const char *prefix, complete_fn *add, void *add_arg)
{
	const char *at = *prefix == '@' ? "@" : "", *path = prefix + strlen(at), *slash = strrchr(path, '/');
	char *folder CLEANUP(free_charp) = slash != NULL ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("");
	DIR *dir = opendir(*folder != '\0' ? folder : ".");
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		char *word CLEANUP(free_charp) = xasprintf("%s%s%s%s", at, folder, entry->d_name, entry->d_type == DT_DIR ? "/" : "");

		if (entry->d_name[0] != '.' || (slash != NULL ? slash[1] : *path) == '.')
			add_if(word, prefix, add, add_arg);
	}
	closedir(dir);
}

static void
complete_argument(const struct console *c, const struct console_command *cmd, const char *prefix, complete_fn *add, void *add_arg)
{
	uint32_t ids[16];
	char text[16];
	size_t n;

	switch (cmd->complete) {
	case COMPLETE_COMMAND:
		for (const struct console_command *k = console_commands; k->name != NULL; k++)
			add_if(k->name, prefix, add, add_arg);
		break;
	case COMPLETE_FILE: complete_file(prefix, add, add_arg); break;
	case COMPLETE_CONN:
		n = console_conns(c, ids, ARRAY_LEN(ids));
		for (size_t i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "%" PRIu32, ids[i]);
			add_if(text, prefix, add, add_arg);
		}
		break;
	case COMPLETE_CLOSE_CODE:
		for (int code = close_code_next(0); code != 0; code = close_code_next(code)) {
			snprintf(text, sizeof(text), "%d", code);
			if (close_code_is_legal_on_wire(code) && strncmp(text, prefix, strlen(prefix)) == 0)
				add(add_arg, text, close_code_name(code));
		}
		break;
	case COMPLETE_EVENT:
		for (int type = 0; type < EV_TYPE_COUNT; type++)
			add_if(event_spec((enum event_type)type)->name, prefix, add, add_arg);
		add_if("reconnect", prefix, add, add_arg);
		break;
	case COMPLETE_WORDS: {
		struct span words = span_of(cmd->words), word;

		while (span_next(&words, ' ', &word)) {
			snprintf(text, sizeof(text), "%.*s", (int)word.n, word.p);
			add_if(text, prefix, add, add_arg);
		}
		break;
	}
	case COMPLETE_NOTHING: break;
	}
}

void
console_complete(const struct console *c, const char *line, complete_fn *add, void *add_arg)
{
	const char *space = strrchr(line, ' ');
	size_t name = strcspn(line, " ");
	const struct console_command *cmd;

	if (line[0] != '/')
		return;
	if (space == NULL) {
		for (cmd = console_commands; cmd->name != NULL; cmd++) {
			char word[32];

			snprintf(word, sizeof(word), "/%s", cmd->name);
			add_if(word, line, add, add_arg);
		}
		return;
	}
	cmd = console_find((struct span){ line + 1, name - 1 });
	if (cmd == NULL)
		return;
	if (line + name == space) {
		complete_argument(c, cmd, space + 1, add, add_arg);
	} else if (strncmp(line, "/set paste ", 11) == 0) {
		add_if("one", space + 1, add, add_arg);
		add_if("lines", space + 1, add, add_arg);
	}
}
