/* SPDX-License-Identifier: MIT */
#include "codec/handshake.h"

#include "base/escape.h"
#include "codec/encode.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/base64.h>
#include <mbedtls/md.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
enum { KEY_BYTES = 16, SHA1_BYTES = 20, SHOWN_MAX = 100 };

void
handshake_key(struct rng *rng, char ret_key[WS_KEY_SIZE])
{
	uint8_t nonce[KEY_BYTES];
	size_t used;

	rng_bytes(rng, nonce, sizeof(nonce));
	int err = mbedtls_base64_encode((uint8_t *)ret_key, WS_KEY_SIZE, &used, nonce, sizeof(nonce));
	assert(err == 0);
	(void)err;
}

void
handshake_accept(struct span key, char ret_accept[WS_ACCEPT_SIZE])
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	uint8_t sha1[SHA1_BYTES];
	size_t used;

	buf_append(&text, key.p, key.n);
	buf_puts(&text, GUID);
	int err = mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), buf_head(&text), text.len, sha1);
	if (err == 0)
		err = mbedtls_base64_encode((uint8_t *)ret_accept, WS_ACCEPT_SIZE, &used, sha1, sizeof(sha1));
	/* Fails only where mbedTLS was built without SHA-1: no WebSocket then. */
	assert(err == 0);
	(void)err;
}

/* One header of ours, unless the extra ones have it: then theirs is sent instead. */
static void
put_header(struct buf *out, const struct header_list *extra, const char *name, const char *value)
{
	for (size_t i = 0; extra != NULL && i < extra->n; i++)
		if (span_eq_ci(extra->items[i].name, name))
			return;
	buf_puts(out, name);
	buf_puts(out, ": ");
	buf_puts(out, value);
	buf_puts(out, "\r\n");
}

static void
put_span(struct buf *out, struct span s)
{
	buf_append(out, s.p, s.n);
}

void
handshake_write_request(struct buf *out, const struct handshake_request *rq)
{
	buf_puts(out, "GET ");
	buf_puts(out, rq->target);
	buf_puts(out, " HTTP/1.1\r\n");
	put_header(out, rq->extra, "Host", rq->host);
	put_header(out, rq->extra, "Upgrade", "websocket");
	put_header(out, rq->extra, "Connection", "Upgrade");
	put_header(out, rq->extra, "Sec-WebSocket-Key", rq->key);
	put_header(out, rq->extra, "Sec-WebSocket-Version", "13");
	if (rq->subprotocols != NULL && rq->subprotocols->n > 0) {
		struct buf list CLEANUP(buf_deinit) = { 0 };

		for (size_t i = 0; i < rq->subprotocols->n; i++) {
			buf_puts(&list, i > 0 ? ", " : "");
			put_span(&list, rq->subprotocols->items[i]);
		}
		put_header(out, rq->extra, "Sec-WebSocket-Protocol", buf_cstr(&list));
	}
	if (rq->extensions != NULL)
		put_header(out, rq->extra, "Sec-WebSocket-Extensions", rq->extensions);
	if (rq->origin != NULL)
		put_header(out, rq->extra, "Origin", rq->origin);
	put_header(out, rq->extra, "User-Agent", "wsdiag/" WSDIAG_VERSION);
	if (rq->authorization != NULL)
		put_header(out, rq->extra, "Authorization", rq->authorization);
	for (size_t i = 0; rq->extra != NULL && i < rq->extra->n; i++) {
		put_span(out, rq->extra->items[i].name);
		buf_puts(out, ": ");
		put_span(out, rq->extra->items[i].value);
		buf_puts(out, "\r\n");
	}
	buf_puts(out, "\r\n");
}

/* "Upgrade header is "h2c", ": what came; the caller says what was expected. */
static void
say_value(struct buf *error, const char *name, struct span value)
{
	buf_printf(error, "%s header is \"", name);
	escape_text(error, value, SHOWN_MAX);
	buf_puts(error, "\", ");
}

/* NULL with a sentence in error unless there is exactly one. */
static const struct header *
only_header(const struct http_head *h, const char *name, const char *expected, struct buf *error)
{
	size_t n = http_count(h, name);

	if (n == 1)
		return http_find(h, name, 0);
	if (n == 0) {
		buf_printf(error, "%s header is missing, expected %s", name, expected);
		return NULL;
	}
	buf_printf(error, "%s header came %zu times (\"", name, n);
	escape_text(error, http_find(h, name, 0)->value, SHOWN_MAX);
	buf_puts(error, "\" and \"");
	escape_text(error, http_find(h, name, 1)->value, SHOWN_MAX);
	buf_printf(error, "\"), expected it once as %s", expected);
	return NULL;
}

/* Section 4.1, point 3 of what a client must check, and 4.2.1, point 4. */
static bool
has_connection_upgrade(const struct http_head *h, struct buf *error)
{
	const struct header *first = http_find(h, "Connection", 0);

	if (http_has_token(h, "Connection", "Upgrade"))
		return true;
	if (first == NULL) {
		buf_puts(error, "Connection header is missing, expected \"Upgrade\"");
	} else {
		say_value(error, "Connection", first->value);
		buf_puts(error, "expected the token \"Upgrade\" in it");
	}
	return false;
}

static bool
is_in_list(const struct span_list *list, struct span item)
{
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (list->items[i].n == item.n && (item.n == 0 || memcmp(list->items[i].p, item.p, item.n) == 0))
			return true;
	return false;
}

static void
say_offered(struct buf *error, const struct span_list *offered)
{
	if (offered == NULL || offered->n == 0) {
		buf_puts(error, "but none was offered");
		return;
	}
	buf_puts(error, "expected one of those offered: ");
	for (size_t i = 0; i < offered->n; i++) {
		buf_puts(error, i > 0 ? ", " : "");
		escape_text(error, offered->items[i], SHOWN_MAX);
	}
}

static bool
judge_upgrade(const struct http_head *h, struct buf *error)
{
	const struct header *upgrade = only_header(h, "Upgrade", "\"websocket\"", error);

	if (upgrade == NULL)
		return false;
	if (span_eq_ci(upgrade->value, "websocket"))
		return true;
	say_value(error, "Upgrade", upgrade->value);
	buf_puts(error, "expected \"websocket\"");
	return false;
}

static bool
judge_accept(const struct http_head *h, const char *key, struct buf *error)
{
	char accept[WS_ACCEPT_SIZE], expected[WS_ACCEPT_SIZE + 2];

	handshake_accept(span_of(key), accept);
	snprintf(expected, sizeof(expected), "\"%s\"", accept);

	const struct header *came = only_header(h, "Sec-WebSocket-Accept", expected, error);

	if (came == NULL)
		return false;
	if (span_eq(came->value, accept))
		return true;
	say_value(error, "Sec-WebSocket-Accept", came->value);
	buf_printf(error, "expected %s for the key that was sent", expected);
	return false;
}

/* A server may choose none. Subprotocols are compared with their case. */
static bool
judge_subprotocol(const struct http_head *h, const struct span_list *offered, struct span *ret_chosen, struct buf *error)
{
	if (http_count(h, "Sec-WebSocket-Protocol") == 0)
		return true;

	const struct header *chosen = only_header(h, "Sec-WebSocket-Protocol", "the subprotocol chosen", error);

	if (chosen == NULL)
		return false;
	if (is_in_list(offered, chosen->value)) {
		*ret_chosen = chosen->value;
		return true;
	}
	say_value(error, "Sec-WebSocket-Protocol", chosen->value);
	say_offered(error, offered);
	return false;
}

/* The header may come several times (section 11.3.2); every extension in it must have been offered. Parameters are the extension's own
 * business. */
static bool
judge_extensions(const struct http_head *h, const struct span_list *offered, struct span *ret_extensions, struct buf *error)
{
	const struct header *header;

	for (size_t nth = 0; (header = http_find(h, "Sec-WebSocket-Extensions", nth)) != NULL; nth++) {
		struct span rest = header->value, item, name;

		while (span_next(&rest, ',', &item)) {
			span_next(&item, ';', &name);
			if (is_in_list(offered, span_trim(name)))
				continue;
			say_value(error, "Sec-WebSocket-Extensions", header->value);
			say_offered(error, offered);
			return false;
		}
		if (nth == 0)
			*ret_extensions = header->value;
	}
	return true;
}

bool
handshake_judge_answer(const struct http_head *h, const char *key, const struct span_list *offered, const struct span_list *extensions,
    struct handshake_answer *ret_answer, struct buf *error)
{
	static const struct span_list none = { NULL, 0 };
	struct handshake_answer answer = { SPAN_NONE, SPAN_NONE };

	if (h->major < 1 || (h->major == 1 && h->minor < 1)) {
		buf_printf(error, "the answer is HTTP/%d.%d, expected HTTP/1.1 or later", h->major, h->minor);
		return false;
	}
	if (!judge_upgrade(h, error) || !has_connection_upgrade(h, error) || !judge_accept(h, key, error) ||
	    !judge_subprotocol(h, offered, &answer.subprotocol, error) ||
	    !judge_extensions(h, extensions != NULL ? extensions : &none, &answer.extensions, error))
		return false;
	*ret_answer = answer;
	return true;
}

/* The request line: RFC 6455 section 4.2.1, point 1. 0: nothing wrong. */
static int
judge_request_line(const struct http_head *h, struct buf *error)
{
	if (!span_eq(h->method, "GET")) {
		buf_puts(error, "the method is ");
		escape_text(error, h->method, SHOWN_MAX);
		buf_puts(error, ", expected GET");
		return 405;
	}
	if (h->major != 1 || h->minor < 1) {
		buf_printf(error, "the request is HTTP/%d.%d, expected HTTP/1.1", h->major, h->minor);
		return 505;
	}
	return 0;
}

static int
judge_request_upgrade(const struct http_head *h, struct buf *error)
{
	const struct header *upgrade = http_find(h, "Upgrade", 0);

	if (!http_has_token(h, "Upgrade", "websocket")) {
		if (upgrade == NULL) {
			buf_puts(error, "Upgrade header is missing, expected \"websocket\"");
		} else {
			say_value(error, "Upgrade", upgrade->value);
			buf_puts(error, "expected \"websocket\"");
		}
		return 426;
	}
	return has_connection_upgrade(h, error) ? 0 : 400;
}

static int
judge_version(const struct http_head *h, struct buf *error)
{
	const struct header *version = only_header(h, "Sec-WebSocket-Version", "\"13\"", error);

	if (version == NULL)
		return 426;
	if (span_eq(version->value, "13"))
		return 0;
	say_value(error, "Sec-WebSocket-Version", version->value);
	buf_puts(error, "expected \"13\"");
	return 426;
}

static int
judge_key(const struct http_head *h, struct span *ret_key, struct buf *error)
{
	struct buf bytes CLEANUP(buf_deinit) = { 0 };
	const struct header *key = only_header(h, "Sec-WebSocket-Key", "16 bytes in base64", error);

	if (key == NULL)
		return 400;
	if (decode_base64(&bytes, key->value) && bytes.len == KEY_BYTES) {
		*ret_key = key->value;
		return 0;
	}
	say_value(error, "Sec-WebSocket-Key", key->value);
	buf_puts(error, "expected 16 bytes in base64");
	return 400;
}

static int
judge_host(const struct http_head *h, struct span *ret_host, struct buf *error)
{
	const struct header *host = only_header(h, "Host", "the name of this server", error);

	if (host == NULL)
		return 400;
	if (host->value.n == 0) {
		buf_puts(error, "Host header is empty, expected the name of this server");
		return 400;
	}
	*ret_host = host->value;
	return 0;
}

/* A body would be taken for frames. */
static int
judge_body(const struct http_head *h, struct buf *error)
{
	const struct header *length;

	if (http_count(h, "Transfer-Encoding") > 0) {
		say_value(error, "Transfer-Encoding", http_find(h, "Transfer-Encoding", 0)->value);
		buf_puts(error, "expected a request without a body");
		return 400;
	}
	for (size_t nth = 0; (length = http_find(h, "Content-Length", nth)) != NULL; nth++) {
		if (span_eq(length->value, "0"))
			continue;
		say_value(error, "Content-Length", length->value);
		buf_puts(error, "expected a request without a body");
		return 400;
	}
	return 0;
}

/* The client's own text for the first of our subprotocols that it offers. */
static struct span
choose_subprotocol(const struct http_head *h, const struct span_list *supported)
{
	for (size_t i = 0; supported != NULL && i < supported->n; i++) {
		const struct span_list one = { &supported->items[i], 1 };
		const struct header *header;

		for (size_t nth = 0; (header = http_find(h, "Sec-WebSocket-Protocol", nth)) != NULL; nth++) {
			struct span rest = header->value, item;

			while (span_next(&rest, ',', &item))
				if (is_in_list(&one, span_trim(item)))
					return span_trim(item);
		}
	}
	return SPAN_NONE;
}

int
handshake_judge_request(const struct http_head *h, const struct span_list *supported, struct handshake_offer *ret_offer, struct buf *error)
{
	struct handshake_offer offer = { 0 };
	const struct header *origin = http_find(h, "Origin", 0);
	int status = judge_request_line(h, error);

	if (status == 0)
		status = judge_host(h, &offer.host, error);
	if (status == 0)
		status = judge_request_upgrade(h, error);
	if (status == 0)
		status = judge_key(h, &offer.key, error);
	if (status == 0)
		status = judge_version(h, error);
	if (status == 0)
		status = judge_body(h, error);
	if (status != 0)
		return status;
	offer.origin = origin != NULL ? origin->value : SPAN_NONE;
	offer.subprotocol = choose_subprotocol(h, supported);
	*ret_offer = offer;
	return 101;
}

void
handshake_write_answer(struct buf *out, struct span key, struct span subprotocol, struct span extensions)
{
	char accept[WS_ACCEPT_SIZE];

	handshake_accept(key, accept);
	buf_puts(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
	put_header(out, NULL, "Sec-WebSocket-Accept", accept);
	if (subprotocol.p != NULL) {
		buf_puts(out, "Sec-WebSocket-Protocol: ");
		put_span(out, subprotocol);
		buf_puts(out, "\r\n");
	}
	if (extensions.p != NULL) {
		buf_puts(out, "Sec-WebSocket-Extensions: ");
		put_span(out, extensions);
		buf_puts(out, "\r\n");
	}
	buf_puts(out, "\r\n");
}

void
handshake_write_refusal(struct buf *out, int status, const char *sentence)
{
	bool is_ours = status == 400 || status == 405 || status == 426 || status == 505;

	buf_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
	/* RFC 9110 section 15.5.22: a 426 names what to upgrade to; section 7.8: Upgrade is hop-by-hop. */
	if (status == 426)
		buf_puts(out, "Connection: close, Upgrade\r\nUpgrade: websocket\r\n");
	else
		buf_puts(out, "Connection: close\r\n");
	/* RFC 6455 section 4.4. On every answer of handshake_judge_request(): who fails at one thing may fail at the version next. */
	if (is_ours)
		buf_puts(out, "Sec-WebSocket-Version: 13\r\n");
	if (status == 405)
		buf_puts(out, "Allow: GET\r\n");
	buf_printf(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n%s\n", strlen(sentence) + 1, sentence);
}
