/* SPDX-License-Identifier: MIT */
/* The part of text with what a library would have told its user of the same happenings. */
#include "report/text.h"

#include <inttypes.h>
#include <stdio.h>

/* What is told of a long log: the beginning, and how much more there is. */
enum { SHOWN = 40 };

static void
put_heard(struct buf *out, const struct model *m, const struct heard *h)
{
	char name[48] = "";
	struct buf b CLEANUP(buf_deinit) = { 0 };

	if (h->life != NO_INDEX)
		life_name(&b, m, h->life);
	else if (h->failed != NO_INDEX && m->failed[h->failed].dial != 0)
		buf_printf(&b, "d%" PRIu32, m->failed[h->failed].dial);
	snprintf(name, sizeof(name), "%s", buf_cstr(&b));
	buf_puts(out, h->is_before ? "  before " : "  ");
	text_time(out, m, h->at.at_us);
	buf_printf(out, "%s  %-9s  %-10s  %s\n", h->is_before ? "" : "       ", h->event, name, h->text);
}

void
text_heard(struct buf *out, const struct view *v)
{
	struct heard_list heard;
	uint32_t sessions = 0;

	if (v->as == NULL)
		return;
	heard_of(v, &heard);
	buf_printf(out, "%s would have told its user%s\n", v->as_name, heard.n == 0 ? " nothing" : ":");
	for (size_t i = 0; i < heard.n; i++) {
		bool is_first = i == 0 || heard.items[i].story != heard.items[i - 1].story;

		sessions += is_first;
		if (i >= SHOWN)
			continue;
		if (is_first && v->m->n_stories > 1) {
			buf_printf(out, " session %" PRIu32 " ", sessions);
			view_text(out, v->m->stories[heard.items[i].story].name, 40);
			buf_putc(out, '\n');
		}
		put_heard(out, v->m, &heard.items[i]);
	}
	if (heard.n > SHOWN)
		buf_printf(out, "  and %zu more, in %" PRIu32 " session%s\n", heard.n - SHOWN, sessions, sessions == 1 ? "" : "s");
	buf_putc(out, '\n');
	heard_free(&heard);
}
