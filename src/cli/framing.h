/* SPDX-License-Identifier: MIT */
/*
 * framing: how messages lie in stdin and stdout: one on each line, each ended by NUL, all of it one message, or encoded lines. Pure: bytes in,
 * message parts out, and the reverse.
 */
#ifndef WSDIAG_CLI_FRAMING_H
#define WSDIAG_CLI_FRAMING_H

#include "base/utf8.h"
#include "ws/stream.h"

enum encoding { ENCODING_NONE, ENCODING_BASE64, ENCODING_HEX };

struct framing {
	bool binary;       /* messages sent are binary; else text, which must be UTF-8 */
	bool whole;        /* all of the input is one message; messages received are put out as they are */
	bool nul;          /* NUL instead of newline, both ways */
	enum encoding encoding;
	bool for_terminal; /* output is escaped, and cut at FRAMING_SHOWN */
};

enum {
	FRAMING_PART = 64 * 1024,             /* a message longer than this is passed on in parts */
	FRAMING_SHOWN = 64 * 1024,
	FRAMING_LINE_MAX = 64 * 1024 * 1024,  /* of an encoded line, which must be held whole */
};

/* --- input --- */

struct framing_in {
	const struct framing *f;
	struct buf held;      /* of an unfinished message: at most FRAMING_PART, encoded: FRAMING_LINE_MAX */
	struct buf decoded;
	struct utf8 utf8;
	uint64_t line;        /* messages begun: for errors */
	bool has_begun;       /* part of the current message was passed on */
	bool has_bytes;       /* of the current message, any */
	bool had_input;       /* any at all */
};

/* Part of a message to send; last ends it. false: stop (the rest of the input is dropped). */
typedef bool framing_part_fn(void *arg, uint8_t opcode, const void *data, size_t n, bool last);

enum framing_result { FRAMING_OK, FRAMING_STOPPED, FRAMING_NOT_UTF8, FRAMING_NOT_ENCODED, FRAMING_LINE_TOO_LONG };

void framing_in_init(struct framing_in *in, const struct framing *f);
void framing_in_deinit(struct framing_in *in);
/* On an error in->line is the line it is in (from 1); what came before it was passed on. */
enum framing_result framing_in_feed(struct framing_in *in, const uint8_t *data, size_t n, framing_part_fn *part, void *arg);
/* The end of input: a last line without newline counts. */
enum framing_result framing_in_end(struct framing_in *in, framing_part_fn *part, void *arg);

/* --- output --- */

struct framing_out {
	const struct framing *f;
	struct buf held;      /* a message whose end has not come: held back, so that what is cut short is not shown as whole */
	struct buf carry;     /* encoded: bytes that do not fill a group yet */
	bool is_streaming;    /* it was too long for that */
	bool has_separator;   /* a message contained the separator: told once by the caller */
};

void framing_out_init(struct framing_out *out, const struct framing *f);
void framing_out_deinit(struct framing_out *out);
void framing_out_chunk(struct framing_out *out, const struct stream_chunk *c, struct buf *to);
/* The connection ended: an unfinished message is dropped. */
void framing_out_cut(struct framing_out *out);

#endif
