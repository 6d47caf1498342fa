/* SPDX-License-Identifier: MIT */
/*
 * head_edit: an HTTP head written again with some headers changed; every other header keeps its name, its value and its place.
 */
#ifndef WSDIAG_CODEC_HEAD_EDIT_H
#define WSDIAG_CODEC_HEAD_EDIT_H

#include "codec/http_head.h"

/* value p NULL: every header of that name goes. Else the first of that name gets it, and any others go; where there is none it is added at the end. */
struct head_edit {
	struct span name, value;
};

/* head was parsed from the bytes that still stand where they stood. */
void head_edit_write(struct buf *out, const struct http_head *head, const struct head_edit *edits, size_t n);

#endif
