/* SPDX-License-Identifier: MIT */
#include "demo/show.h"

#include "base/escape.h"
#include "cli/terminal.h"
#include "demo/intro.h"
#include "demo/story.h"
#include "demo/table.h"
#include "fault/plan.h"
#include "lifecycle/library.h"

#include <string.h>
#include <unistd.h>

struct show {
	struct show_options opt;
	line_fn *write;
	void *arg;
	struct rows *rows;
	struct story *story;
	struct library library;
	struct library_model *model;
	char *version;             /* "1.7", "1.8,rel" */
	char *hears;               /* "v1.8 app hears" */
	struct buf heard;
};

static struct table
table_of(const struct show *s)
{
	return (struct table){
		.columns = terminal_columns(STDOUT_FILENO),
		.colour = terminal_wants_colour(STDOUT_FILENO, (enum colour_when)s->opt.colour),
		.hears = s->hears,
	};
}

static void
put_out(struct show *s, const struct buf *text)
{
	s->write(s->arg, (const char *)buf_head(text), text->len);
}

static void
on_row(void *arg, const struct row *row)
{
	struct show *s = arg;
	struct buf out CLEANUP(buf_deinit) = { 0 };
	const struct table t = table_of(s);

	table_row(&t, row, &out);
	put_out(s, &out);
}

int
show_new(const struct show_options *opt, line_fn *write, void *arg, struct show **ret, struct buf *error)
{
	struct library library;
	int err = library_parse(opt->library, &library, error);

	if (err != 0)
		return err;

	struct show *s = xcalloc(1, sizeof(*s));
	const char *version = strchr(opt->library, ':') + 1;

	s->opt = *opt;
	s->write = write;
	s->arg = arg;
	s->rows = rows_new(terminal_is(STDOUT_FILENO), on_row, s);
	s->story = story_new();
	s->library = library;
	s->model = library_model_new(&s->library);
	s->version = xstrdup(version);
	s->hears = xasprintf("v%.*s app hears", (int)strcspn(version, ","), version);
	*ret = s;
	return 0;
}

void
show_free(struct show *s)
{
	if (s == NULL)
		return;
	rows_free(s->rows);
	story_free(s->story);
	library_model_free(s->model);
	free(s->version);
	free(s->hears);
	buf_deinit(&s->heard);
	free(s);
}

/* Each line as wide as the terminal. */
static void
say(const struct table *t, struct span text, struct buf *out)
{
	struct span line;

	while (text.n > 0 && span_next(&text, '\n', &line))
		table_text(t, line, out);
}

void
show_begin(struct show *s)
{
	const struct installed_plan *installed = plan_installed(s->opt.plan_name);
	struct buf text CLEANUP(buf_deinit) = { 0 }, out CLEANUP(buf_deinit) = { 0 };
	const struct table t = table_of(s);

	intro_tell(&text, s->opt.plan_name, installed != NULL ? installed->summary : NULL, s->opt.plan_text, s->opt.setting);
	say(&t, buf_span(&text), &out);
	table_head(&t, &out);
	put_out(s, &out);
}

void
show_event(struct show *s, const struct event *ev, bool counts)
{
	buf_clear(&s->heard);
	if (ev->src->role == ROLE_CLIENT)
		library_feed(s->model, ev, &s->heard);
	if (counts)
		story_feed(s->story, ev, buf_span(&s->heard));
	rows_feed(s->rows, ev, buf_span(&s->heard));
}

void
show_settle(struct show *s)
{
	rows_settle(s->rows);
}

void
show_end(struct show *s)
{
	struct buf text CLEANUP(buf_deinit) = { 0 }, out CLEANUP(buf_deinit) = { 0 };
	const struct table t = table_of(s);

	rows_end(s->rows);
	buf_putc(&text, '\n');
	story_tell(s->story, s->version, &text);
	if (s->opt.keep != NULL) {
		buf_puts(&text, "The logs of all three are kept; read on: wsdiag report ");
		escape_text(&text, span_of(s->opt.keep), 0);
		buf_puts(&text, "/*.jsonl\n");
	}
	buf_puts(&text, "Your turn: wsdiag proxy --plan ");
	escape_text(&text, span_of(s->opt.plan_name), 0);
	buf_puts(&text, " ws://YOUR-SERVER\nIt prints a URL for your client to use instead of the server's.\n");
	say(&t, buf_span(&text), &out);
	put_out(s, &out);
}

unsigned
show_shown(const struct show *s)
{
	return story_shown(s->story);
}

bool
show_is_up(const struct show *s)
{
	return story_is_up(s->story);
}
