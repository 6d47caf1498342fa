/* SPDX-License-Identifier: MIT */
#include "codec/json.h"

#include "base/utf8.h"

#include <string.h>

/* Room for the comma, a sign, the 20 digits of 2^64 and a point. */
enum { NUMBER_ROOM = 24 };

static void
separate(struct json *w)
{
	if (w->comma)
		buf_putc(w->out, ',');
	w->comma = true;
}

void
json_begin(struct json *w, char bracket)
{
	separate(w);
	buf_putc(w->out, bracket);
	w->comma = false;
}

void
json_end(struct json *w, char bracket)
{
	buf_putc(w->out, bracket);
	w->comma = true;
}

void
json_key(struct json *w, const char *key)
{
	size_t n = strlen(key);
	char *p = (char *)buf_reserve(w->out, n + 4), *at = p;

	if (w->comma)
		*at++ = ',';
	*at++ = '"';
	memcpy(at, key, n);
	at += n;
	*at++ = '"';
	*at++ = ':';
	buf_commit(w->out, (size_t)(at - p));
	w->comma = false;
}

void
json_nil(struct json *w)
{
	separate(w);
	buf_append(w->out, "null", 4);
}

void
json_bool(struct json *w, bool v)
{
	separate(w);
	buf_puts(w->out, v ? "true" : "false");
}

/* Writes v backwards, ending at end, with at least min digits; returns its first digit. */
static char *
digits_before(char *end, uint64_t v, int min)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
		min--;
	} while (v > 0 || min > 0);
	return end;
}

static uint64_t
magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

void
json_u64(struct json *w, uint64_t v)
{
	char text[NUMBER_ROOM], *end = text + sizeof(text), *at = digits_before(end, v, 1);

	separate(w);
	buf_append(w->out, at, (size_t)(end - at));
}

void
json_i64(struct json *w, int64_t v)
{
	char text[NUMBER_ROOM], *end = text + sizeof(text), *at = digits_before(end, magnitude(v), 1);

	if (v < 0)
		*--at = '-';
	separate(w);
	buf_append(w->out, at, (size_t)(end - at));
}

void
json_seconds(struct json *w, int64_t us)
{
	char text[NUMBER_ROOM], *end = text + sizeof(text), *at = digits_before(end, magnitude(us) % 1000000, 6);

	*--at = '.';
	at = digits_before(at, magnitude(us) / 1000000, 1);
	if (us < 0)
		*--at = '-';
	separate(w);
	buf_append(w->out, at, (size_t)(end - at));
}

/* Whether any of eight bytes is not plain: below 0x20, '"', '\\', DEL or not ASCII. May err towards true. */
static bool
has_special(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\', del = word ^ ones * 0x7f;

	return ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones) | (del - ones)) & high) != 0;
}

/* Bytes that stand in JSON as they are; escaped_length() decides about the rest of those above ASCII. */
static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

/* The length of the character at p if it is escaped, else 0: C0, DEL, C1, U+2028, U+2029. p is valid UTF-8. */
static size_t
escaped_length(const uint8_t *p)
{
	if (!is_plain(p[0]))
		return 1;
	if (p[0] == 0xc2)
		return p[1] < 0xa0 ? 2 : 0;
	if (p[0] == 0xe2)
		return p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9) ? 3 : 0;
	return 0;
}

static void
escape(struct buf *out, const uint8_t *p, size_t length)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = length == 1 && p[0] != 0 ? strchr(from, p[0]) : NULL;

	if (found != NULL) {
		buf_append(out, (char[]){ '\\', to[found - from] }, 2);
		return;
	}
	if (length == 3) {
		buf_append(out, p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
		return;
	}
	/* The second byte of a C1 control is its code. */
	uint8_t code = p[length - 1];

	buf_append(out, (char[]){ '\\', 'u', '0', '0', "0123456789abcdef"[code >> 4], "0123456789abcdef"[code & 15] }, 6);
}

static void
put_valid(struct buf *out, const uint8_t *p, size_t n)
{
	size_t from = 0, i = 0;

	while (i < n) {
		uint64_t word;

		if (i + 8 <= n && (memcpy(&word, p + i, sizeof(word)), !has_special(word))) {
			i += 8;
			continue;
		}
		/* Not word by word again before these eight are through: text beyond ASCII would pay twice for each byte. */
		for (size_t stop = MIN(i + 8, n); i < stop; i++) {
			size_t length = escaped_length(p + i);

			if (length == 0)
				continue;
			buf_append(out, p + from, i - from);
			escape(out, p + i, length);
			from = i + length;
			i = from - 1;
		}
	}
	buf_append(out, p + from, n - from);
}

/* How many bytes from the start are whole, valid characters. */
static size_t
valid_prefix(const uint8_t *p, size_t n)
{
	struct utf8 u = { 0 };
	size_t good = utf8_feed(&u, p, n);

	if (!utf8_is_complete(&u))
		while ((p[--good] & 0xc0) == 0x80)
			;
	return good;
}

void
json_text(struct json *w, struct span s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	separate(w);
	buf_reserve(w->out, s.n + 2);
	buf_putc(w->out, '"');
	while (s.n > 0) {
		size_t good = valid_prefix(p, s.n);

		put_valid(w->out, p, good);
		if (good < s.n) {
			buf_append(w->out, "\xef\xbf\xbd", 3);
			good++;
		}
		p += good;
		s.n -= good;
	}
	buf_putc(w->out, '"');
}
