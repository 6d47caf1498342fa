/* SPDX-License-Identifier: MIT */
#include "log/redact.h"

#include "support/unit.h"

static const struct {
	const char *name, *value, *shown;
} headers[] = {
	{ "Authorization", "Bearer abc.def", "Bearer ***" },
	{ "authorization", "abc", "***" },
	{ "Proxy-Authorization", "Basic dXNlcjpwdw==", "Basic ***" },
	{ "Cookie", "a=1; b=2", "a=***; b=***" },
	{ "Cookie", "bare", "***" },
	{ "Cookie", "", "" },
	{ "Set-Cookie", "sid=abc=; Path=/; HttpOnly", "sid=***; Path=/; HttpOnly" },
	{ "X-Api-Key", "k", "***" },
	{ "X-CSRF-Token", "t", "***" },
	{ "Client-Secret", "s", "***" },
	{ "Location", "https://e.org/?token=abc", "https://e.org/?token=***" },
	{ "Referer", "https://u:pw@e.org/", "https://u:***@e.org/" },
	{ "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==" },
	{ "Server", "nginx", "nginx" },
	{ "X-Forwarded-Authorization", "Bearer abc", "Bearer ***" },
	{ "X-Goog-Iap-Jwt-Assertion", "abc", "***" },
	{ "X-Session", "abc", "***" },
	{ "X-Access", "abc", "***" },
	{ "X-CSRF", "abc", "***" },
	{ "X-Original-Cookie", "a=1", "***" },
	{ "X-Original-URL", "/p?token=abc&a=1", "/p?token=***&a=1" },
	{ "X-Forwarded-Uri", "/p?token=abc", "/p?token=***" },
	{ "Link", "<https://e.org/?token=abc>; rel=next", "<https://e.org/?token=***>; rel=next" },
	{ "Refresh", "0; url=https://e.org/?token=abc", "0; url=https://e.org/?token=***" },
	{ "Host", "u:pw@e.org", "u:***@e.org" },
	{ "Host", "e.org:8080", "e.org:8080" },
	{ "Date", "Tue, 24 Nov 2026 10:00:00 GMT", "Tue, 24 Nov 2026 10:00:00 GMT" },
	{ "WWW-Authenticate", "Bearer realm=\"x\", error=\"invalid_token\"", "Bearer realm=\"x\", error=\"invalid_token\"" },
	{ "Forwarded", "for=\"[2001:db8::1]:80\";proto=https;by=10.0.0.1", "for=\"[2001:db8::1]:80\";proto=https;by=10.0.0.1" },
	{ "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=15", "permessage-deflate; client_max_window_bits=15" },
};

/* Browsers can send a credential in no other header. */
static const struct {
	const char *value, *shown;
} subprotocols[] = {
	{ "", "" },
	{ "graphql-ws", "graphql-ws" },
	{ "graphql-transport-ws, mqtt,v1.json", "graphql-transport-ws, mqtt,v1.json" },
	{ "v12.stomp, wamp.2.json, ocpp1.6, tokenizer.v2", "v12.stomp, wamp.2.json, ocpp1.6, tokenizer.v2" },
	{ "bearer", "bearer" },
	{ "bearer, abc", "bearer, ***" },
	{ "graphql-ws,Bearer,abc , mqtt", "graphql-ws,Bearer,*** , mqtt" },
	{ "access_token, a, v1.json", "access_token, ***, v1.json" },
	{ "Authorization,,a", "Authorization,,***" },
	{ "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.abc", "v4.channel.k8s.io, base64url.bearer.***" },
	{ "realtime, openai-insecure-api-key.sk-abc, beta.v1", "realtime, openai-insecure-api-key.***, beta.v1" },
	{ "bearer.aaa.bbb.ccc", "bearer.***" },
	{ "mqtt, eyJhbGciOi.eyJzdWIi.c2ln", "mqtt, ***" },
	{ "aws-appsync-event-ws, header-eyJhbGciOiJI", "aws-appsync-event-ws, header-***" },
	{ "eyJ", "eyJ" },
};

START_TEST(credentials_are_hidden_and_the_rest_is_kept)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct buf b = { 0 };

		redact_header(&b, span_of(headers[i].name), span_of(headers[i].value));
		ck_assert_msg(span_eq(buf_span(&b), headers[i].shown), "%s: %s -> %s", headers[i].name, headers[i].value, buf_cstr(&b));
		buf_deinit(&b);
	}
}
END_TEST

START_TEST(a_subprotocol_may_be_a_credential)
{
	for (size_t i = 0; i < ARRAY_LEN(subprotocols); i++) {
		struct buf b = { 0 };

		redact_header(&b, SPAN_LIT("sec-websocket-protocol"), span_of(subprotocols[i].value));
		ck_assert_str_eq(buf_cstr(&b), subprotocols[i].shown);
		buf_deinit(&b);
	}
}
END_TEST

static const struct {
	const char *head, *shown;
} heads[] = {
	{ "GET /x?token=abc&y=1 HTTP/1.1\r\nHost: e.org\r\nAuthorization:  Basic abc\r\n\r\n",
	    "GET /x?token=***&y=1 HTTP/1.1\r\nHost: e.org\r\nAuthorization:  Basic ***\r\n\r\n" },
	{ "HTTP/1.1 200 OK\nset-cookie:a=b\nAuthorization: Bearer\n abc def\nX: 1\n folded",
	    "HTTP/1.1 200 OK\nset-cookie:a=***\nAuthorization: ***\n ***\nX: 1\n folded" },
	{ "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: bearer,\r\n abc\r\nLink: <https://a/>,\r\n </?token=abc>\r\n",
	    "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: bearer,\r\n ***\r\nLink: <https://a/>,\r\n </?token=***>\r\n" },
	{ "", "" },
	{ "\r\n", "\r\n" },
	{ "no colon\r\nnor here", "no colon\r\nnor here" },
};

START_TEST(a_head_keeps_its_lines)
{
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct buf b = { 0 };

		redact_head(&b, span_of(heads[i].head));
		ck_assert_str_eq(buf_cstr(&b), heads[i].shown);
		buf_deinit(&b);
	}
}
END_TEST

static const struct {
	const char *text, *shown;
} texts[] = {
	{ "", "" },
	{ "Connection to remote host was lost.", "Connection to remote host was lost." },
	{ "lost wss://u:pw@e.org/p?token=abc, again", "lost wss://u:***@e.org/p?token=*** again" },
	/* How Python prints the headers of an answer: websocket-client does it in its error. */
	{ "Handshake status 403 Forbidden -+-+- {'server': 'x', 'set-cookie': 'sid=abc; Path=/', 'authorization': 'Bearer abc', 'date': 'now'} -+-+- b'no'",
	    "Handshake status 403 Forbidden -+-+- {'server': 'x', 'set-cookie': 'sid=***; Path=/', 'authorization': 'Bearer ***', 'date': 'now'} -+-+- b'no'" },
	{ "{'set-cookie': 'sid=abc; Pa", "{'set-cookie': 'sid=***; Pa" },
	{ "{'cookie': 'abc", "{'cookie': '***" },
	{ "Headers([('Authorization', 'Bearer abc'), ('Host', 'h')])", "Headers([('Authorization', 'Bearer ***'), ('Host', 'h')])" },
	{ "[(b'cookie', b'a=1; b=2'), (b'host', b'h')]", "[(b'cookie', b'a=***; b=***'), (b'host', b'h')]" },
	{ "{ 'set-cookie': [ 'a=b]', 'c=d' ], date: 'now' }", "{ 'set-cookie': [***], date: 'now' }" },
	{ "map[Set-Cookie:[a=b; Path=/] Authorization:[Bearer c]]", "map[Set-Cookie:***" },
	{ "{\"token\": \"abc\", \"n\": 1}", "{\"token\": \"***\", \"n\": 1}" },
	{ "{\"token\":\"a\\\"b\",\"n\":1}", "{\"token\":\"***\",\"n\":1}" },
	{ "{\\\"api_key\\\":\\\"abc\\\",\\\"n\\\":1}", "{\\\"api_key\\\":\\\"***\\\",\\\"n\\\":1}" },
	{ "{\"session_id\": 12345, \"n\": 1}", "{\"session_id\": ***, \"n\": 1}" },
	{ "authorization: Bearer abc, retrying", "authorization: ***" },
	{ "> Cookie: a=b; c=d\n> Host: h", "> Cookie: ***\n> Host: h" },
	{ "X-Api-Key: abc", "X-Api-Key: ***" },
	{ "user=u password=abc, host=h", "user=u password=***, host=h" },
	{ "token=\"a b\" next", "token=\"***\" next" },
	/* Not every such word names a value. */
	{ "invalid token: expired", "invalid token: expired" },
	{ "the session: closed", "the session: closed" },
	{ "Session::close, no cookie", "Session::close, no cookie" },
	{ "token", "token" },
	{ "token=", "token=" },
	{ "authorization:", "authorization:" },
	{ "'authorization': ''", "'authorization': ''" },
	{ "'server': 'nginx', 'sec-websocket-protocol': 'mqtt, bearer, abc'", "'server': 'nginx', 'sec-websocket-protocol': 'mqtt, bearer, ***'" },
};

START_TEST(what_others_logged_is_searched_for_headers_and_urls)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf b = { 0 };

		redact_text(&b, span_of(texts[i].text));
		ck_assert_str_eq(buf_cstr(&b), texts[i].shown);
		buf_deinit(&b);
	}
}
END_TEST

UNIT_MAIN("redact", credentials_are_hidden_and_the_rest_is_kept, a_subprotocol_may_be_a_credential, a_head_keeps_its_lines,
    what_others_logged_is_searched_for_headers_and_urls)
