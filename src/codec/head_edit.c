/* SPDX-License-Identifier: MIT */
#include "codec/head_edit.h"

#include <string.h>

enum { EDITS_MAX = 32 };

static bool
same_name(struct span a, struct span b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static void
put_header(struct buf *out, struct span name, struct span value)
{
	buf_append(out, name.p, name.n);
	buf_puts(out, ": ");
	buf_append(out, value.p, value.n);
	buf_puts(out, "\r\n");
}

void
head_edit_write(struct buf *out, const struct http_head *head, const struct head_edit *edits, size_t n)
{
	bool done[EDITS_MAX] = { false };

	n = MIN(n, (size_t)EDITS_MAX);
	buf_append(out, head->first_line.p, head->first_line.n);
	buf_puts(out, "\r\n");
	for (size_t i = 0; i < head->n_headers; i++) {
		const struct header *h = &head->headers[i];
		size_t e = n;

		/* The last edit of a name counts. */
		while (e > 0 && !same_name(edits[e - 1].name, h->name))
			e--;
		if (e == 0)
			put_header(out, h->name, h->value);
		else if (edits[e - 1].value.p != NULL && !done[e - 1])
			put_header(out, h->name, edits[e - 1].value);
		if (e > 0)
			done[e - 1] = true;
	}
	for (size_t e = 0; e < n; e++) {
		bool is_last = true;

		for (size_t later = e + 1; later < n; later++)
			is_last = is_last && !same_name(edits[later].name, edits[e].name);
		if (is_last && !done[e] && edits[e].value.p != NULL)
			put_header(out, edits[e].name, edits[e].value);
	}
	buf_puts(out, "\r\n");
}
