/* SPDX-License-Identifier: MIT */
/* encode: base64 (RFC 4648 section 4) and hexadecimal, by mbedTLS where it has them. */
#ifndef WSDIAG_CODEC_ENCODE_H
#define WSDIAG_CODEC_ENCODE_H

#include "base/buf.h"

#include <stdbool.h>

void encode_base64(struct buf *out, const void *data, size_t n);
void encode_hex(struct buf *out, const void *data, size_t n);
/* false, and out as it was, when the text is not of that kind. Base64 needs its padding; hex may have spaces between bytes. */
MUST_CHECK bool decode_base64(struct buf *out, struct span text);
MUST_CHECK bool decode_hex(struct buf *out, struct span text);

#endif
