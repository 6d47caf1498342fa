/* SPDX-License-Identifier: MIT */
/*
 * library_replay LIBRARY: a log of a client, JSON lines, comes on stdin; what the library's user would have heard goes to stdout, a line for each event:
 *
 *	lost	on_error
 */
#include "lifecycle/library.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *
text_of(const json_t *line, const char *name)
{
	const char *s = json_string_value(json_object_get(line, name));

	return s != NULL ? s : "";
}

/* The fields that a library's user could tell apart; the rest stays zero. */
static bool
event_of(const json_t *line, struct source *src, struct event *ret)
{
	const char *name = text_of(line, "event");

	*ret = (struct event){ .type = EV_TYPE_COUNT, .src = src };
	for (int t = 0; t < EV_TYPE_COUNT; t++)
		if (strcmp(name, event_spec(t)->name) == 0 || (t == EV_OPENED && strcmp(name, "reconnect") == 0))
			ret->type = t;
	if (ret->type == EV_TYPE_COUNT)
		return false;
	for (int r = ROLE_CLIENT; r <= ROLE_SERVER; r++)
		if (strcmp(text_of(line, "role"), role_name(r)) == 0)
			src->role = r;
	for (int l = LEG_CLIENT; l <= LEG_ORIGIN; l++)
		if (strcmp(text_of(line, "leg"), leg_name(l)) == 0)
			ret->leg = l;
	if (ret->type != EV_LOST && ret->type != EV_CLOSE)
		return true;

	struct ev_ended *e = &ret->u.ended;

	for (int c = 0; c < CAUSE_COUNT; c++)
		if (strcmp(text_of(line, "cause"), cause_name(c)) == 0)
			e->cause = c;
	for (int p = BY_PEER; p <= BY_PATH; p++)
		if (strcmp(text_of(line, "by"), party_name(p)) == 0)
			e->by = p;
	e->text = span_of(text_of(line, "text"));
	e->code = (int)json_integer_value(json_object_get(line, "code"));
	e->close_sent = (int)json_integer_value(json_object_get(line, "close_sent"));
	return true;
}

static void
replay(const struct library *library)
{
	struct library_model *m = library_model_new(library);
	struct source src = { 0 };
	struct buf out CLEANUP(buf_deinit) = { 0 };
	json_t *line;

	while ((line = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		struct event ev;

		buf_clear(&out);
		if (event_of(line, &src, &ev) && library_feed(m, &ev, &out))
			printf("%s\t%s\n", text_of(line, "event"), buf_cstr(&out));
		json_decref(line);
	}
	library_model_free(m);
}

int
main(int argc, char **argv)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };
	struct library library;

	if (argc != 2 || library_parse(argv[1], &library, &error) < 0) {
		fprintf(stderr, "usage: library_replay LIBRARY\n%s\n", buf_cstr(&error));
		return 2;
	}
	replay(&library);
	return 0;
}
