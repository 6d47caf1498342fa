/* SPDX-License-Identifier: MIT */
/*
 * escape: bytes from a peer, made safe to show. Control characters (C0, DEL, C1) and bytes that are not UTF-8 become
 * \n, \t, \r, \\, \e or \xHH; bidirectional overrides become \u{202E}. Everything else passes.
 */
#ifndef WSDIAG_BASE_ESCAPE_H
#define WSDIAG_BASE_ESCAPE_H

#include "base/buf.h"

/* Appends at most max bytes' worth of s (0: all), then how many were left out: `... (+123 bytes)`. */
void escape_text(struct buf *out, struct span s, size_t max);

#endif
