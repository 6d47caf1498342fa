/* SPDX-License-Identifier: MIT */
#include "codec/encode.h"

#include <assert.h>

#include <mbedtls/base64.h>

void
encode_base64(struct buf *out, const void *data, size_t n)
{
	size_t room = (n + 2) / 3 * 4 + 1, used; /* mbedTLS wants to end it in a NUL */
	int err = mbedtls_base64_encode(buf_reserve(out, room), room, &used, data, n);

	assert(err == 0);
	(void)err;
	buf_commit(out, used);
}

void
encode_hex(struct buf *out, const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	uint8_t *at = buf_reserve(out, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		*at++ = (uint8_t)digits[p[i] >> 4];
		*at++ = (uint8_t)digits[p[i] & 15];
	}
	buf_commit(out, 2 * n);
}

/* mbedTLS lets line breaks and missing padding pass: RFC 4648 section 3.2 and 3.3 do not. */
static bool
is_base64(struct span text)
{
	size_t digits = text.n;

	if (text.n % 4 != 0)
		return false;
	while (text.n - digits < 2 && digits > 0 && text.p[digits - 1] == '=')
		digits--;
	for (size_t i = 0; i < digits; i++) {
		char c = text.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/'))
			return false;
	}
	return true;
}

bool
decode_base64(struct buf *out, struct span text)
{
	size_t room = text.n / 4 * 3, used;

	if (!is_base64(text))
		return false;
	if (text.n == 0)
		return true;
	if (mbedtls_base64_decode(buf_reserve(out, room), room, &used, (const uint8_t *)text.p, text.n) != 0)
		return false;
	buf_commit(out, used);
	return true;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
decode_hex(struct buf *out, struct span text)
{
	uint8_t *at = buf_reserve(out, text.n / 2 + 1);
	size_t used = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ' ' || text.p[i] == '\t')
			continue;
		int high = nibble(text.p[i]), low = i + 1 < text.n ? nibble(text.p[i + 1]) : -1;

		if (high < 0 || low < 0)
			return false;
		at[used++] = (uint8_t)(high << 4 | low);
		i++;
	}
	buf_commit(out, used);
	return true;
}
