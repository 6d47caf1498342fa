/* SPDX-License-Identifier: MIT */
#include "log/fold.h"
#include "log/human_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Text in less room than this is unreadable: a narrow terminal gets a small indent instead of columns. */
enum { TEXT_MIN = 20, EVENT_WIDTH = 9, WHO_WIDTH = 2, RELATIVE_WIDTH = 8, NARROW_INDENT = 2 };

struct sink_human {
	struct sink base;
	struct human_options opt;
	line_fn *write;
	void *arg;
	int64_t start_us;    /* mono_us of the first event */
	bool has_start;
	unsigned who_width;  /* the widest so far, so that columns line up */
	struct buf text, line;
};

const char *
human_colour(const struct event *ev)
{
	switch (ev->type) {
	case EV_OPENED:
	case EV_LISTEN: return "\033[32m";
	case EV_FAILED:
	case EV_REJECT:
	case EV_LOST:
	case EV_GIVEUP:
	case EV_OVERLAP:
	case EV_REPLAY:
	case EV_ORPHAN:
	case EV_VIOLATION: return "\033[31m";
	case EV_PING: return ev->u.ping.waiting != US_UNKNOWN ? "\033[33m" : "";
	case EV_HEARS:
	case EV_INJECT: return "\033[35m";
	case EV_RETRY:
	case EV_SUSPEND:
	case EV_CLOCK: return "\033[33m";
	case EV_CLOSE: return "\033[36m";
	case EV_NOTE:
	case EV_GHOST:
	case EV_DIAL:
	case EV_HEAD:
	case EV_FRAME:
	case EV_GONE: return "\033[2m";
	default: return "";
	}
}

static void
put_time(struct buf *out, const struct sink_human *h, const struct event *ev)
{
	switch (h->opt.time) {
	case TIME_LOCAL: clock_format_local(out, ev->wall_us); break;
	case TIME_ISO: clock_format_rfc3339(out, ev->wall_us); break;
	case TIME_RELATIVE: {
		int64_t ms = (ev->mono_us - h->start_us) / US_PER_MS;

		buf_printf(out, "%c%" PRId64 ".%03" PRId64, ms < 0 ? '-' : '+', (ms < 0 ? -ms : ms) / 1000, (ms < 0 ? -ms : ms) % 1000);
		break;
	}
	case TIME_NONE: break;
	}
}

/* A client's session is "<run>-1"; a server's comes from a tag and stands in the text. */
static void
put_who(struct buf *out, const struct event *ev)
{
	if (ev->conn != 0) {
		buf_printf(out, "c%" PRIu32, ev->conn);
	} else if (ev->dial != 0) {
		buf_printf(out, "d%" PRIu32, ev->dial);
	} else if (ev->session.n > 0 && ev->src->role == ROLE_CLIENT) {
		const char *dash = memrchr(ev->session.p, '-', ev->session.n);
		struct span number = ev->session;

		if (dash != NULL) {
			number.p = dash + 1;
			number.n -= (size_t)(dash + 1 - ev->session.p);
		}
		buf_printf(out, "s%.*s", (int)number.n, number.p);
	}
}

struct columns {
	struct span time, event, who;
};

/* Where the text begins when everything stands in its column. */
static unsigned
text_column(const struct sink_human *h, const struct columns *c)
{
	unsigned time = (unsigned)c->time.n;

	if (h->opt.time == TIME_RELATIVE)
		time = MAX(time, (unsigned)RELATIVE_WIDTH);
	return (time > 0 ? time + 2 : 0) + EVENT_WIDTH + 2 + h->who_width + 2;
}

/* A word, then spaces up to the next column, two at least. */
static void
put_column(struct fold *f, struct span word, unsigned width, const char *before, const char *after)
{
	unsigned n = (unsigned)word.n;

	if (n > 0)
		fold_word(f, word, before, after);
	fold_space(f, (width > n ? width - n : 0) + 2);
}

static void
lay_out(struct sink_human *h, const struct event *ev, const struct columns *c)
{
	unsigned column = text_column(h, c);
	bool is_narrow = h->opt.columns > 0 && h->opt.columns < column + TEXT_MIN;
	const char *colour = h->opt.colour ? human_colour(ev) : "";
	struct fold f = { .out = &h->line, .columns = h->opt.columns, .indent = is_narrow ? NARROW_INDENT : column };

	if (c->time.n > 0) {
		if (!is_narrow && h->opt.time == TIME_RELATIVE && c->time.n < RELATIVE_WIDTH)
			fold_space(&f, RELATIVE_WIDTH - (unsigned)c->time.n);
		put_column(&f, c->time, 0, "", "");
	}
	put_column(&f, c->event, is_narrow ? 0 : EVENT_WIDTH, colour, *colour != '\0' ? "\033[0m" : "");
	if (!is_narrow || c->who.n > 0)
		put_column(&f, c->who, is_narrow ? 0 : h->who_width, "", "");

	/* Lines of their own stand a little deeper than what is merely folded; a head has nothing but lines. */
	struct span text = buf_span(&h->text), line;
	unsigned indent = f.indent;

	for (bool first = true; span_next(&text, '\n', &line); first = false) {
		if (!first) {
			f.indent = indent + (ev->type != EV_HEAD ? 2 : 0);
			fold_newline(&f);
		}
		fold_text(&f, line);
	}
	buf_putc(&h->line, '\n');
}

static void
human_event(struct sink *s, const struct event *ev)
{
	struct sink_human *h = container_of(s, struct sink_human, base);
	struct buf time CLEANUP(buf_deinit) = { 0 }, who CLEANUP(buf_deinit) = { 0 };

	if (!h->has_start)
		h->start_us = ev->mono_us;
	h->has_start = true;
	if (ev->type == EV_PING && ev->u.ping.waiting == US_UNKNOWN && !h->opt.show_pings)
		return;
	put_time(&time, h, ev);
	put_who(&who, ev);
	h->who_width = MAX(h->who_width, (unsigned)who.len);
	buf_clear(&h->text);
	human_text(&h->text, ev, &h->opt);
	buf_clear(&h->line);

	struct columns c = {
		.time = buf_span(&time),
		.event = ev->type == EV_NOTE ? SPAN_LIT("note:") : span_of(event_name(ev)),
		.who = buf_span(&who),
	};
	lay_out(h, ev, &c);
	h->write(h->arg, (const char *)buf_head(&h->line), h->line.len);
}

static void
human_free(struct sink *s)
{
	struct sink_human *h = container_of(s, struct sink_human, base);

	buf_deinit(&h->text);
	buf_deinit(&h->line);
	free(h);
}

struct sink *
sink_human_new(const struct human_options *opt, line_fn *line, void *arg)
{
	struct sink_human *h = xcalloc(1, sizeof(*h));

	h->base = (struct sink){ .event = human_event, .free = human_free, .wants = opt->wants };
	h->opt = *opt;
	h->write = line;
	h->arg = arg;
	h->who_width = WHO_WIDTH;
	return &h->base;
}

void
sink_human_set_columns(struct sink *s, unsigned columns)
{
	struct sink_human *h = container_of(s, struct sink_human, base);

	h->opt.columns = columns;
}
