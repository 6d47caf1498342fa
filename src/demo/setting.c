/* SPDX-License-Identifier: MIT */
#include "demo/setting.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/quantity.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *phrase;
} shown[] = {
	[SHOWN_LOST] = { "lost", "a connection that the client lost" },
	[SHOWN_CLOSED] = { "closed", "a Close from the far end" },
	[SHOWN_FAILED] = { "failed", "a dial that failed" },
	[SHOWN_RECONNECT] = { "reconnect", "a reconnect" },
	[SHOWN_HIDDEN] = { "hidden", "a loss that the library keeps to itself" },
	[SHOWN_OVERLAP] = { "overlap", "two connections at the server at once" },
	[SHOWN_LATE_END] = { "late-end", "the late end of the older one" },
	[SHOWN_UNSEEN] = { "unseen", "an end at the server that the client does not hear of" },
	[SHOWN_ORPHAN] = { "orphan", "a connection for a dial that the client had given up" },
	[SHOWN_REPLAY] = { "replay", "one request that opens twice" },
};

const char *
shown_phrase(enum shown what)
{
	return shown[what].phrase;
}

#define AT(member) offsetof(struct setting, member)

enum kind { SECONDS, SPEED, TEXT };

static const struct {
	const char *who, *option;
	size_t offset;
	enum kind kind;
} rows[] = {
	{ "connect", "--ping-interval", AT(client.ping_interval_us) },
	{ "connect", "--ping-timeout", AT(client.ping_timeout_us) },
	{ "connect", "--reconnect-delay", AT(reconnect_delay_us) },
	{ "connect", "--connect-timeout", AT(connect_timeout_us) },
	{ "connect", "--heartbeat", AT(heartbeat_us) },
	{ "serve", "--ping-interval", AT(server.ping_interval_us) },
	{ "serve", "--ping-timeout", AT(server.ping_timeout_us) },
	{ "serve", "--stop-after", AT(stop_after_us) },
	{ "demo", "--speed", AT(speed), SPEED },
	{ "demo", "--as", AT(as), TEXT },
};

/* "#: WHO OPTION VALUE ..." in words. */
struct line {
	const char *name;
	unsigned number;
	struct span rest;
	struct buf *error;
};

static int
fail(struct line *l, struct span word, const char *what, const char *const *known)
{
	buf_printf(l->error, "%s:%u: \"", l->name, l->number);
	escape_text(l->error, word, 80);
	buf_printf(l->error, "\" is no %s", what);
	for (size_t i = 0; known != NULL && known[i] != NULL; i++)
		buf_printf(l->error, "%s %s", i == 0 ? "; there are" : ",", known[i]);
	return -EINVAL;
}

/* The next word; none: at the end. */
static struct span
take(struct line *l)
{
	struct span word = SPAN_NONE;

	while (span_next(&l->rest, ' ', &word))
		if (word.n > 0)
			return word;
	return SPAN_NONE;
}

bool
setting_parse_speed(const char *text, double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v >= SETTING_SPEED_MIN && v <= SETTING_SPEED_MAX))
		return false;
	*ret = v;
	return true;
}

static bool
set_value(void *at, enum kind kind, const char *text)
{
	if (kind == SECONDS)
		return quantity_parse_seconds(text, at);
	if (kind == SPEED)
		return setting_parse_speed(text, at);
	return snprintf(at, sizeof(((struct setting *)0)->as), "%s", text) < (int)sizeof(((struct setting *)0)->as) && *text != '\0';
}

static int
read_option(struct setting *s, struct line *l, struct span who, struct span word)
{
	static const char *const what[] = { [SECONDS] = "number of seconds", [SPEED] = "speed between 0.01 and 1000", [TEXT] = "name" };
	const char *known[ARRAY_LEN(rows) + 1] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!span_eq(who, rows[i].who))
			continue;
		known[n++] = rows[i].option;
		if (!span_eq(word, rows[i].option))
			continue;

		struct span value = take(l);
		char *text CLEANUP(free_charp) = span_dup(value);

		return set_value((char *)s + rows[i].offset, rows[i].kind, text) ? 0 : fail(l, value, what[rows[i].kind], NULL);
	}
	return fail(l, word, "option that a plan can ask for here", known);
}

static int
read_shown(struct setting *s, struct line *l, struct span word)
{
	const char *known[SHOWN_COUNT + 1] = { NULL };

	for (int i = 0; i < SHOWN_COUNT; i++) {
		known[i] = shown[i].name;
		if (span_eq(word, shown[i].name)) {
			s->shows |= 1u << i;
			return 0;
		}
	}
	return fail(l, word, "thing to show", known);
}

static int
read_line(struct setting *s, struct line *l)
{
	static const char *const known[] = { "connect", "serve", "demo", "shows", NULL };
	struct span who = take(l), word;
	bool is_known = false;
	int err = 0;

	for (size_t i = 0; known[i] != NULL; i++)
		is_known = is_known || span_eq(who, known[i]);
	if (!is_known)
		return fail(l, who, "word to begin with", known);
	while (err == 0 && (word = take(l)).n > 0)
		err = span_eq(who, "shows") ? read_shown(s, l, word) : read_option(s, l, who, word);
	return err;
}

int
setting_read(struct setting *ret, const char *name, struct span text, struct buf *error)
{
	struct setting s = {
		.client = { 2 * US_PER_S, 8 * US_PER_S },
		.server = { 4 * US_PER_S, 16 * US_PER_S },
		.reconnect_delay_us = 5 * US_PER_S / 2,
		.connect_timeout_us = 10 * US_PER_S,
		.speed = 5,
		.as = "websocket-client:1.7",
	};
	struct line l = { .name = name, .error = error };
	struct span rest = text, line;
	int err = 0;

	while (err == 0 && span_next(&rest, '\n', &line)) {
		l.number++;
		if (!span_starts_ci(line, "#:"))
			continue;
		l.rest = (struct span){ line.p + 2, line.n - 2 };
		err = read_line(&s, &l);
	}
	if (err == 0)
		*ret = s;
	return err;
}

/* Something that is to happen at all happens after a millisecond at least. */
static int64_t
shorter(int64_t us, double n)
{
	return us > 0 ? MAX((int64_t)((double)us / n), US_PER_MS) : 0;
}

void
setting_speed_up(struct setting *s, double n)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].kind == SECONDS) {
			int64_t *us = (int64_t *)(void *)((char *)s + rows[i].offset);

			*us = shorter(*us, n);
		}
	}
}
