/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <string.h>

/* How many bytes from the start are plain ASCII; looks at 32 at a time. */
static size_t
ascii_run(const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		uint64_t word[4];

		memcpy(word, p + i, sizeof(word));
		if ((word[0] | word[1] | word[2] | word[3]) & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

/* RFC 3629 section 4: what may follow each lead byte. */
static bool
start(struct utf8 *u, uint8_t lead)
{
	u->low = 0x80;
	u->high = 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf) {
		u->need = 1;
	} else if (lead >= 0xe0 && lead <= 0xef) {
		u->need = 2;
		if (lead == 0xe0)
			u->low = 0xa0;
		else if (lead == 0xed)
			u->high = 0x9f;
	} else if (lead >= 0xf0 && lead <= 0xf4) {
		u->need = 3;
		if (lead == 0xf0)
			u->low = 0x90;
		else if (lead == 0xf4)
			u->high = 0x8f;
	} else {
		return false;
	}
	return true;
}

size_t
utf8_feed(struct utf8 *u, const void *data, size_t n)
{
	const uint8_t *p = data;
	size_t i = 0;

	while (i < n) {
		if (u->need == 0) {
			i += ascii_run(p + i, n - i);
			if (i == n)
				break;
			if (!start(u, p[i]))
				return i;
			i++;
			continue;
		}
		if (p[i] < u->low || p[i] > u->high)
			return i;
		u->need--;
		u->low = 0x80;
		u->high = 0xbf;
		i++;
	}
	return n;
}

bool
utf8_is_valid(struct span s)
{
	struct utf8 u = { 0 };

	return utf8_feed(&u, s.p, s.n) == s.n && utf8_is_complete(&u);
}
