/* SPDX-License-Identifier: MIT */
/*
 * glyph: what stands in a line being edited for a character that libedit cannot place: a newline, and all that has no width of its own (it
 * counts a cell for each, the terminal none, and the cursor is lost). They are kept as private characters, one cell wide, and drawn as a
 * sign, or a mark on a dotted circle; what is sent is what was typed.
 *
 *	keys, history --> glyph_of() --> libedit --> glyph_draw() --> terminal
 *	                                    |
 *	                                    +--> glyph_text() --> message
 */
#ifndef WSDIAG_CONNECT_GLYPH_H
#define WSDIAG_CONNECT_GLYPH_H

#include "base/buf.h"

#include <wchar.h>

wchar_t glyph_of(wchar_t c);
/* A line for libedit; NULL when it is not UTF-8. Caller frees. */
wchar_t *glyph_line(const char *text);
/* What n characters of libedit's mean, in UTF-8; caller frees. */
char *glyph_text(const wchar_t *line, size_t n);
/* Appends bytes for the terminal. Returns how many were taken: all but a character of ours that is cut. */
size_t glyph_draw(struct buf *out, struct span bytes);

#endif
