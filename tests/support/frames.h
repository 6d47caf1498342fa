/* SPDX-License-Identifier: MIT */
/* frames: WebSocket frames as a peer would send them, right or wrong, written byte by byte: not with the code under test. */
#ifndef WSDIAG_TESTS_FRAMES_H
#define WSDIAG_TESTS_FRAMES_H

#include "base/buf.h"

#include <stdbool.h>

/* The form of the length: the shortest, or one that is too long, or has its highest bit set, or claims more than follows. */
enum frame_form { FORM_SHORTEST, FORM_16, FORM_64, FORM_HIGH_BIT, FORM_CLAIM_2_62, FORM_CLAIM_200 };

struct raw_frame {
	uint8_t first;           /* FIN, RSV and opcode: 0x81 */
	const char *data;
	size_t n;
	enum frame_form form;
	bool wrong_mask;         /* masked where it must not be, or the reverse */
};

static inline void
put_big_endian(struct buf *out, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_putc(out, (char)(v >> 8 * bytes));
}

static inline void
put_raw_frame(struct buf *out, bool from_client, const struct raw_frame *f)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	bool masked = from_client != f->wrong_mask;
	char bit = (char)(masked ? 0x80 : 0);

	buf_putc(out, (char)f->first);
	if (f->form == FORM_CLAIM_200 || f->form == FORM_16 || (f->form == FORM_SHORTEST && f->n > 125 && f->n <= UINT16_MAX)) {
		buf_putc(out, (char)(126 | bit));
		put_big_endian(out, f->form == FORM_CLAIM_200 ? 200 : f->n, 2);
	} else if (f->form != FORM_SHORTEST || f->n > UINT16_MAX) {
		buf_putc(out, (char)(127 | bit));
		put_big_endian(out, f->form == FORM_HIGH_BIT ? UINT64_C(1) << 63 | f->n : f->form == FORM_CLAIM_2_62 ? UINT64_C(1) << 62 : f->n, 8);
	} else {
		buf_putc(out, (char)((char)f->n | bit));
	}
	if (masked)
		buf_append(out, mask, sizeof(mask));
	for (size_t i = 0; i < f->n; i++)
		buf_putc(out, (char)(f->data[i] ^ (masked ? mask[i % 4] : 0)));
}

static inline void
put_frame_text(struct buf *out, bool from_client, uint8_t first, const char *text)
{
	const struct raw_frame f = { .first = first, .data = text, .n = span_of(text).n };

	put_raw_frame(out, from_client, &f);
}

#endif
