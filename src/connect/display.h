/* SPDX-License-Identifier: MIT */
/*
 * display: messages as a person reads them above a prompt: "< text", "> text", binary as a hex dump with offsets; nothing in them moves the cursor. A flood is
 * counted instead of shown: the keyboard matters more.
 */
#ifndef WSDIAG_CONNECT_DISPLAY_H
#define WSDIAG_CONNECT_DISPLAY_H

#include "base/buf.h"
#include "lifecycle/event.h"

enum { DISPLAY_TEXT_MAX = 4096, DISPLAY_BINARY_MAX = 256, DISPLAY_A_SECOND = 100 };

struct display {
	size_t text_max, binary_max;  /* bytes shown of a message */
	unsigned columns;             /* of the terminal; 0: any number */
	uint64_t second;              /* the one that shown and skipped count for */
	unsigned shown;
	uint64_t skipped;
};

void display_init(struct display *d);
/* Appends the lines for one message; other_conn: its number where it is not the one in use, 0. Nothing is appended when too many came in this second. */
void display_message(struct display *d, const struct ev_message *m, uint32_t other_conn, int64_t now_us, struct buf *out);
/* Call about once a second: appends what was skipped since, as one line. */
void display_tick(struct display *d, int64_t now_us, struct buf *out);
/* 00000000  68 65 6c 6c 6f ...  |hello...|, with as many bytes in a row as fit: 16, 8, 4 or 2. */
void display_hex_dump(struct buf *out, struct span data, unsigned columns);

#endif
