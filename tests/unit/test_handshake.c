/* SPDX-License-Identifier: MIT */
#include "codec/handshake.h"

#include "support/unit.h"

#include <string.h>

/* RFC 6455 section 1.3 */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define OPENING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPTED "Sec-WebSocket-Accept: " ACCEPT "\r\n"

static const struct span offered_items[] = { SPAN_LIT("chat"), SPAN_LIT("superchat") };
static const struct span_list offered = { offered_items, 2 };

static void
parse(struct http_head *h, bool is_answer, const char *text)
{
	const char *error;

	*h = (struct http_head){ 0 };
	ck_assert_msg(http_head_parse(h, is_answer, text, strlen(text), 0, &error) == HTTP_DONE, "%s", text);
}

START_TEST(the_examples_of_the_rfc_hold)
{
	char accept[WS_ACCEPT_SIZE], key[WS_KEY_SIZE];
	struct rng rng;

	handshake_accept(SPAN_LIT(KEY), accept);
	ck_assert_str_eq(accept, ACCEPT);
	rng_init_seed(&rng, 1);
	handshake_key(&rng, key);
	ck_assert_uint_eq(strlen(key), 24);
	ck_assert_str_eq(key + 22, "==");
}
END_TEST

/* Answers to a client that offers chat and superchat; error NULL: opens. */
static const struct {
	const char *text, *error;
} answers[] = {
	{ OPENING UPGRADE ACCEPTED "\r\n", NULL },
	{ OPENING "upgrade: WebSocket\r\nCONNECTION: keep-alive , uPGRADE\r\nSEC-WEBSOCKET-ACCEPT:" ACCEPT "\r\n\r\n", NULL },
	{ OPENING UPGRADE "Connection: x\r\n" ACCEPTED "Sec-WebSocket-Protocol: superchat\r\n\r\n", NULL },
	{ "HTTP/1.0 101 X\r\n" UPGRADE ACCEPTED "\r\n", "the answer is HTTP/1.0, expected HTTP/1.1 or later" },
	{ OPENING "Connection: Upgrade\r\n" ACCEPTED "\r\n", "Upgrade header is missing, expected \"websocket\"" },
	{ OPENING UPGRADE "Upgrade: h2c\r\n" ACCEPTED "\r\n",
	    "Upgrade header came 2 times (\"websocket\" and \"h2c\"), expected it once as \"websocket\"" },
	{ OPENING "Upgrade: websockets\r\nConnection: Upgrade\r\n" ACCEPTED "\r\n",
	    "Upgrade header is \"websockets\", expected \"websocket\"" },
	{ OPENING "Upgrade: websocket\r\n" ACCEPTED "\r\n", "Connection header is missing, expected \"Upgrade\"" },
	{ OPENING "Upgrade: websocket\r\nConnection: \x1b[31mclose\r\n" ACCEPTED "\r\n",
	    "Connection header is \"\\e[31mclose\", expected the token \"Upgrade\" in it" },
	{ OPENING UPGRADE "\r\n", "Sec-WebSocket-Accept header is missing, expected \"" ACCEPT "\"" },
	{ OPENING UPGRADE ACCEPTED ACCEPTED "\r\n",
	    "Sec-WebSocket-Accept header came 2 times (\"" ACCEPT "\" and \"" ACCEPT "\"), expected it once as \"" ACCEPT "\"" },
	{ OPENING UPGRADE "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    "Sec-WebSocket-Accept header is \"S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\", expected \"" ACCEPT "\" for the key that was sent" },
	{ OPENING UPGRADE ACCEPTED "Sec-WebSocket-Protocol: Chat\r\n\r\n",
	    "Sec-WebSocket-Protocol header is \"Chat\", expected one of those offered: chat, superchat" },
	{ OPENING UPGRADE ACCEPTED "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n",
	    "Sec-WebSocket-Protocol header is \"chat, superchat\", expected one of those offered: chat, superchat" },
	{ OPENING UPGRADE ACCEPTED "Sec-WebSocket-Protocol:\r\n\r\n",
	    "Sec-WebSocket-Protocol header is \"\", expected one of those offered: chat, superchat" },
	{ OPENING UPGRADE ACCEPTED "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
	    "Sec-WebSocket-Protocol header came 2 times (\"chat\" and \"chat\"), expected it once as the subprotocol chosen" },
	{ OPENING UPGRADE ACCEPTED "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n",
	    "Sec-WebSocket-Extensions header is \"permessage-deflate; server_no_context_takeover\", but none was offered" },
};

START_TEST(each_duty_of_an_answer_is_named)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct http_head h;
		struct handshake_answer answer = { SPAN_NONE, SPAN_NONE };
		struct buf error = { 0 };

		parse(&h, true, answers[i].text);
		bool opens = handshake_judge_answer(&h, KEY, &offered, NULL, &answer, &error);
		ck_assert_msg(opens == (answers[i].error == NULL), "row %zu: %s", i, buf_cstr(&error));
		ck_assert_str_eq(buf_cstr(&error), answers[i].error != NULL ? answers[i].error : "");
		buf_deinit(&error);
		http_head_deinit(&h);
	}
}
END_TEST

START_TEST(a_subprotocol_is_taken_only_if_it_was_offered)
{
	struct http_head h;
	struct handshake_answer answer = { SPAN_LIT("untouched"), SPAN_NONE };
	struct buf error = { 0 };

	parse(&h, true, OPENING UPGRADE ACCEPTED "Sec-WebSocket-Protocol: superchat\r\n\r\n");
	ck_assert(!handshake_judge_answer(&h, KEY, NULL, NULL, &answer, &error));
	ck_assert_str_eq(buf_cstr(&error), "Sec-WebSocket-Protocol header is \"superchat\", but none was offered");
	ck_span_eq(answer.subprotocol, "untouched");
	ck_assert(handshake_judge_answer(&h, KEY, &offered, NULL, &answer, &error));
	ck_span_eq(answer.subprotocol, "superchat");
	ck_assert_ptr_null(answer.extensions.p);
	buf_deinit(&error);
	http_head_deinit(&h);
}
END_TEST

#define GET "GET /chat HTTP/1.1\r\n"
#define HOST "Host: server.example.com\r\n"
#define KEYED "Sec-WebSocket-Key: " KEY "\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static const struct {
	const char *text;
	int status;
	const char *error;
} requests[] = {
	{ GET HOST UPGRADE KEYED VERSION "\r\n", 101, "" },
	{ GET HOST "Upgrade: foo, WEBSOCKET\r\nConnection: keep-alive, Upgrade\r\n" KEYED VERSION "Content-Length: 0\r\n\r\n", 101, "" },
	{ "POST / HTTP/1.1\r\n" HOST UPGRADE KEYED VERSION "\r\n", 405, "the method is POST, expected GET" },
	{ "get / HTTP/1.1\r\n" HOST UPGRADE KEYED VERSION "\r\n", 405, "the method is get, expected GET" },
	{ "GET / HTTP/1.0\r\n" HOST UPGRADE KEYED VERSION "\r\n", 505, "the request is HTTP/1.0, expected HTTP/1.1" },
	{ "GET / HTTP/2.0\r\n" HOST UPGRADE KEYED VERSION "\r\n", 505, "the request is HTTP/2.0, expected HTTP/1.1" },
	{ GET UPGRADE KEYED VERSION "\r\n", 400, "Host header is missing, expected the name of this server" },
	{ GET HOST "Host: b\r\n" UPGRADE KEYED VERSION "\r\n", 400,
	    "Host header came 2 times (\"server.example.com\" and \"b\"), expected it once as the name of this server" },
	{ GET "Host:\r\n" UPGRADE KEYED VERSION "\r\n", 400, "Host header is empty, expected the name of this server" },
	{ GET HOST "Connection: Upgrade\r\n" KEYED VERSION "\r\n", 426, "Upgrade header is missing, expected \"websocket\"" },
	{ GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEYED VERSION "\r\n", 426,
	    "Upgrade header is \"h2c\", expected \"websocket\"" },
	{ GET HOST "Upgrade: websocket\r\n" KEYED VERSION "\r\n", 400, "Connection header is missing, expected \"Upgrade\"" },
	{ GET HOST UPGRADE VERSION "\r\n", 400, "Sec-WebSocket-Key header is missing, expected 16 bytes in base64" },
	{ GET HOST UPGRADE KEYED KEYED VERSION "\r\n", 400,
	    "Sec-WebSocket-Key header came 2 times (\"" KEY "\" and \"" KEY "\"), expected it once as 16 bytes in base64" },
	{ GET HOST UPGRADE "Sec-WebSocket-Key: c2hvcnQ=\r\n" VERSION "\r\n", 400,
	    "Sec-WebSocket-Key header is \"c2hvcnQ=\", expected 16 bytes in base64" },
	{ GET HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n" VERSION "\r\n", 400,
	    "Sec-WebSocket-Key header is \"dGhlIHNhbXBsZSBub25jZQ\", expected 16 bytes in base64" },
	{ GET HOST UPGRADE KEYED "\r\n", 426, "Sec-WebSocket-Version header is missing, expected \"13\"" },
	{ GET HOST UPGRADE KEYED "Sec-WebSocket-Version: 8\r\n\r\n", 426, "Sec-WebSocket-Version header is \"8\", expected \"13\"" },
	{ GET HOST UPGRADE KEYED "Sec-WebSocket-Version: 13, 8\r\n\r\n", 426,
	    "Sec-WebSocket-Version header is \"13, 8\", expected \"13\"" },
	{ GET HOST UPGRADE KEYED VERSION "Content-Length: 5\r\n\r\nhello", 400,
	    "Content-Length header is \"5\", expected a request without a body" },
	{ GET HOST UPGRADE KEYED VERSION "Transfer-Encoding: chunked\r\n\r\n", 400,
	    "Transfer-Encoding header is \"chunked\", expected a request without a body" },
};

START_TEST(each_duty_of_a_request_is_named)
{
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct http_head h;
		struct handshake_offer offer;
		struct buf error = { 0 };

		parse(&h, false, requests[i].text);
		int status = handshake_judge_request(&h, NULL, &offer, &error);
		ck_assert_msg(status == requests[i].status, "row %zu: %d %s", i, status, buf_cstr(&error));
		ck_assert_str_eq(buf_cstr(&error), requests[i].error);
		buf_deinit(&error);
		http_head_deinit(&h);
	}
}
END_TEST

START_TEST(the_first_of_our_subprotocols_that_the_client_offers_is_chosen)
{
	static const struct {
		const char *headers, *chosen;
	} rows[] = {
		{ "", NULL },
		{ "Sec-WebSocket-Protocol: superchat, chat\r\n", "chat" },
		{ "Sec-WebSocket-Protocol: other ,superchat\r\n", "superchat" },
		{ "Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: chat\r\n", "chat" },
		{ "Sec-WebSocket-Protocol: CHAT, ,\r\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head h;
		struct handshake_offer offer;
		struct buf text = { 0 }, error = { 0 };

		buf_printf(&text, "%s%s%s%s%sOrigin: http://o\r\n\r\n", GET HOST, UPGRADE, KEYED, VERSION, rows[i].headers);
		parse(&h, false, buf_cstr(&text));
		ck_assert_int_eq(handshake_judge_request(&h, &offered, &offer, &error), 101);
		ck_span_eq(offer.key, KEY);
		ck_span_eq(offer.host, "server.example.com");
		ck_span_eq(offer.origin, "http://o");
		if (rows[i].chosen == NULL)
			ck_assert_ptr_null(offer.subprotocol.p);
		else
			ck_span_eq(offer.subprotocol, rows[i].chosen);
		buf_deinit(&text);
		buf_deinit(&error);
		http_head_deinit(&h);
	}
}
END_TEST

START_TEST(a_request_of_ours_is_one_that_we_accept)
{
	static const struct header extra[] = {
		{ SPAN_LIT("X-A"), SPAN_LIT("1") },
		{ SPAN_LIT("user-agent"), SPAN_LIT("mine") },
		{ SPAN_LIT("X-A"), SPAN_LIT("2") },
	};
	const struct header_list extra_list = { extra, ARRAY_LEN(extra) };
	const struct handshake_request rq = {
		.target = "/chat",
		.host = "example.org:8080",
		.key = KEY,
		.origin = "http://o",
		.authorization = "Basic dTpw",
		.subprotocols = &offered,
		.extra = &extra_list,
	};
	struct buf out = { 0 }, error = { 0 };
	struct handshake_offer offer;
	struct http_head h;

	handshake_write_request(&out, &rq);
	ck_assert_str_eq(buf_cstr(&out),
	    "GET /chat HTTP/1.1\r\nHost: example.org:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY
	    "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://o\r\nAuthorization: Basic dTpw\r\n"
	    "X-A: 1\r\nuser-agent: mine\r\nX-A: 2\r\n\r\n");
	parse(&h, false, buf_cstr(&out));
	ck_assert_int_eq(handshake_judge_request(&h, &offered, &offer, &error), 101);
	ck_span_eq(offer.subprotocol, "chat");
	http_head_deinit(&h);
	buf_deinit(&out);
	buf_deinit(&error);
}
END_TEST

START_TEST(an_answer_of_ours_is_one_that_we_accept)
{
	static const struct span choices[] = { SPAN_NONE, SPAN_LIT("chat") };

	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		struct buf out = { 0 }, error = { 0 };
		struct handshake_answer answer;
		struct http_head h;

		handshake_write_answer(&out, SPAN_LIT(KEY), choices[i], SPAN_NONE);
		parse(&h, true, buf_cstr(&out));
		ck_assert(handshake_judge_answer(&h, KEY, &offered, NULL, &answer, &error));
		ck_assert_uint_eq(answer.subprotocol.n, choices[i].n);
		ck_assert_int_eq(h.status, 101);
		ck_assert_uint_eq(h.length, out.len);
		http_head_deinit(&h);
		buf_deinit(&out);
		buf_deinit(&error);
	}
}
END_TEST

START_TEST(a_refusal_says_why_and_what_would_do)
{
	static const struct {
		int status;
		const char *first_line, *header, *value;
	} rows[] = {
		{ 400, "HTTP/1.1 400 Bad Request", "Sec-WebSocket-Version", "13" },
		{ 405, "HTTP/1.1 405 Method Not Allowed", "Allow", "GET" },
		{ 426, "HTTP/1.1 426 Upgrade Required", "Upgrade", "websocket" },
		{ 426, "HTTP/1.1 426 Upgrade Required", "Sec-WebSocket-Version", "13" },
		{ 503, "HTTP/1.1 503 Service Unavailable", "Content-Length", "4" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = { 0 };
		struct http_head h;

		handshake_write_refusal(&out, rows[i].status, "why");
		parse(&h, true, buf_cstr(&out));
		ck_span_eq(h.first_line, rows[i].first_line);
		ck_span_eq(http_find(&h, rows[i].header, 0)->value, rows[i].value);
		ck_assert(http_has_token(&h, "Connection", "close"));
		ck_assert_str_eq(buf_cstr(&out) + h.length, "why\n");
		http_head_deinit(&h);
		buf_deinit(&out);
	}
}
END_TEST

START_TEST(intermediaries_are_known_by_their_headers)
{
	static const struct {
		const char *headers, *hop;
	} rows[] = {
		{ "", "" },
		{ "Server: my-app\r\nVia: 1.1 x\r\n", "" },
		{ "Server: cloudflare\r\nCF-RAY: 7d2e41-FRA\r\n", "Cloudflare 7d2e41-FRA" },
		{ "Server: cloudflare\r\n", "Cloudflare" },
		{ "Via: 1.1 abc.cloudfront.net (CloudFront)\r\nX-Amz-Cf-Pop: FRA56-P5\r\nX-Amz-Cf-Id: x\r\n", "CloudFront FRA56-P5" },
		{ "Via: 1.1 abc.cloudfront.net (CloudFront)\r\n", "CloudFront" },
		{ "Set-Cookie: a=b\r\nSet-Cookie: AWSALBCORS=x; Path=/\r\n", "AWS ALB" },
		{ "Server: awselb/2.0\r\n", "AWS ALB" },
		{ "X-Azure-Ref: 0abc\r\n", "Azure Front Door" },
		{ "Via: 1.1 varnish\r\nX-Served-By: cache-fra-1\r\nX-Varnish: 1\r\n", "Fastly cache-fra-1" },
		{ "X-Served-By: me\r\n", "" },
		{ "X-Varnish: 32770\r\nVia: 1.1 varnish\r\n", "Varnish" },
		{ "Via: 1.1 vegur\r\n", "Heroku" },
		{ "Via: 1.1 google\r\n", "Google load balancer" },
		{ "Server: AkamaiGHost\r\n", "Akamai" },
		{ "Server: BunnyCDN-DE1-1046\r\n", "BunnyCDN-DE1-1046" },
		{ "Server: istio-envoy\r\n", "Istio" },
		{ "server: envoy\r\n", "Envoy" },
		{ "EagleId: 1\r\n", "Alibaba Cloud CDN" },
		{ "X-NWS-LOG-UUID: 1\r\n", "Tencent Cloud CDN" },
		{ "Via: 1.1 proxy (squid/5.7)\r\n", "Squid 1.1 proxy (squid/5.7)" },
		{ "Server: Caddy\r\n", "Caddy" },
		{ "Server: nginx/1.24.0\r\n", "nginx/1.24.0" },
		{ "Server: nginx\x1b[0m\r\n", "nginx\\e[0m" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text = { 0 }, hop = { 0 };
		struct http_head h;

		buf_printf(&text, "%s%s\r\n", OPENING, rows[i].headers);
		parse(&h, true, buf_cstr(&text));
		handshake_name_hop(&hop, &(struct header_list){ h.headers, h.n_headers });
		ck_assert_str_eq(buf_cstr(&hop), rows[i].hop);
		http_head_deinit(&h);
		buf_deinit(&text);
		buf_deinit(&hop);
	}
}
END_TEST

UNIT_MAIN("handshake", the_examples_of_the_rfc_hold, each_duty_of_an_answer_is_named, a_subprotocol_is_taken_only_if_it_was_offered,
    each_duty_of_a_request_is_named, the_first_of_our_subprotocols_that_the_client_offers_is_chosen,
    a_request_of_ours_is_one_that_we_accept, an_answer_of_ours_is_one_that_we_accept, a_refusal_says_why_and_what_would_do,
    intermediaries_are_known_by_their_headers)
