/* SPDX-License-Identifier: MIT */
/*
 * The first byte chooses answer or request, the second how the rest is cut. What a head means must not depend on how it came, its spans
 * must lie inside it, and the rules of the handshake must have an opinion on any head.
 */
#include "fuzz/fuzz.h"

#include "codec/handshake.h"
#include "codec/http_head.h"

#include <string.h>

static void
check_span(struct span s, const uint8_t *data, size_t n)
{
	const char *begin = (const char *)data;

	MUST_HOLD(s.p == NULL ? s.n == 0 : s.p >= begin && s.p <= begin + n && s.n <= n - (size_t)(s.p - begin));
	for (size_t i = 0; i < s.n; i++)
		MUST_HOLD(s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != '\0');
}

static void
check_head(const struct http_head *h, const uint8_t *data, size_t n)
{
	MUST_HOLD(h->length <= n && h->length <= HTTP_HEAD_MAX && data[h->length - 1] == '\n');
	MUST_HOLD(h->n_headers <= HTTP_HEADERS_MAX);
	MUST_HOLD(h->is_answer ? h->status >= 100 && h->status <= 999 : h->method.n > 0 && h->target.n > 0);
	check_span(h->first_line, data, h->length);
	check_span(h->reason, data, h->length);
	check_span(h->method, data, h->length);
	check_span(h->target, data, h->length);
	for (size_t i = 0; i < h->n_headers; i++) {
		check_span(h->headers[i].name, data, h->length);
		check_span(h->headers[i].value, data, h->length);
		MUST_HOLD(http_is_token(h->headers[i].name) && http_is_field_value(h->headers[i].value));
	}
}

/* Sentences go to terminals and logs as they are. */
static void
check_sentence(struct buf *text, bool wanted)
{
	MUST_HOLD((text->len > 0) == wanted);
	for (size_t i = 0; i < text->len; i++)
		MUST_HOLD(buf_head(text)[i] >= 0x20 && buf_head(text)[i] != 0x7f);
	buf_clear(text);
}

static void
judge(const struct http_head *h)
{
	static const struct span ours[] = { SPAN_LIT("chat"), SPAN_LIT("superchat") };
	static const struct span_list list = { ours, 2 };
	struct buf text CLEANUP(buf_deinit) = { 0 };
	struct handshake_answer answer;
	struct handshake_offer offer;

	if (h->is_answer) {
		bool opens = handshake_judge_answer(h, "dGhlIHNhbXBsZSBub25jZQ==", &list, NULL, &answer, &text);

		check_sentence(&text, !opens);
	} else {
		int status = handshake_judge_request(h, &list, &offer, &text);

		MUST_HOLD(status == 101 ? offer.key.n == 24 && offer.host.n > 0 : status >= 400);
		check_sentence(&text, status != 101);
	}
	handshake_name_hop(&text, &(struct header_list){ h->headers, h->n_headers });
	check_sentence(&text, text.len > 0);
	http_has_token(h, "Connection", "Upgrade");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_head whole = { 0 }, pieces = { 0 };
	const char *whole_error = NULL, *pieces_error = NULL;
	enum http_result result = HTTP_MORE;
	size_t seen = 0, have = 0;

	if (n < 3)
		return 0;

	bool is_answer = data[0] & 1;
	uint32_t seed = data[1];
	const uint8_t *text = data + 2;

	n -= 2;
	enum http_result expected = http_head_parse(&whole, is_answer, text, n, 0, &whole_error);

	while (result == HTTP_MORE && have < n) {
		have += next_piece(&seed, n - have);
		result = http_head_parse(&pieces, is_answer, text, have, seen, &pieces_error);
		seen = have;
	}
	MUST_HOLD(result == expected);
	MUST_HOLD(whole_error == NULL ? pieces_error == NULL : pieces_error != NULL && strcmp(whole_error, pieces_error) == 0);
	MUST_HOLD((result == HTTP_BAD) == (whole_error != NULL));
	if (result == HTTP_DONE) {
		MUST_HOLD(whole.length == pieces.length && whole.n_headers == pieces.n_headers && whole.status == pieces.status);
		MUST_HOLD(whole.oddity == NULL ? pieces.oddity == NULL : strcmp(whole.oddity, pieces.oddity) == 0);
		check_head(&whole, text, n);
		judge(&whole);
	}
	http_head_deinit(&whole);
	http_head_deinit(&pieces);
	return 0;
}
