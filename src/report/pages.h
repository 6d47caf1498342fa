/* SPDX-License-Identifier: MIT */
/*
 * pages: a report for others than the person at the terminal: one JSON document for programs, Markdown for an issue or a ticket, one HTML page to look at and
 * to keep. All are renderings of the same view, and of nothing else.
 *
 *	model, findings, library  -->  view  -->  json.c  markdown.c  html.c (html_svg.c draws)
 *
 * What comes from logs is hostile: it passes view_text() (redacted, control characters escaped) and then the escaping of its page, and no page has a script.
 */
#ifndef WSDIAG_REPORT_PAGES_H
#define WSDIAG_REPORT_PAGES_H

#include "report/view.h"

/* The whole report as one JSON document, and a newline. Field names as wsdiag-report(1) has them. */
void page_json(struct buf *out, const struct view *v);
/* The same in pieces, for a report of very many connections: piece takes what has gathered in out, and empties it; what it takes last is still there behind. */
void page_json_pieces(struct buf *out, const struct view *v, void (*piece)(void *arg, struct buf *out), void *arg);
/* GitHub's Markdown. */
void page_markdown(struct buf *out, const struct view *v);
/* HTML and SVG in one file that loads nothing. */
void page_html(struct buf *out, const struct view *v);

/*
 * Puts a page in the place of the file at path, whole or not at all: by a temporary file beside it and a rename. What is no regular file (a pipe, /dev/stdout)
 * is written to as it is. 0, or a negative errno.
 */
MUST_CHECK int page_store(const char *path, const struct buf *page);

#endif
