/* SPDX-License-Identifier: MIT */
#include "lifecycle/library.h"

#include "codec/close_code.h"

#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct source client = { .role = ROLE_CLIENT }, server = { .role = ROLE_SERVER }, proxy = { .role = ROLE_PROXY };

/* A story in words of one client's log; what each means stands in fact_of(). */
static struct event
fact_of(const char *word)
{
	static const struct {
		const char *word;
		enum event_type type;
		struct ev_ended ended;
	} words[] = {
		{ "open", EV_OPENED, { 0 } },
		{ "failed", EV_FAILED, { 0 } },
		{ "retry", EV_RETRY, { 0 } },
		{ "ghost", EV_GHOST, { 0 } },
		{ "end", EV_END, { 0 } },
		{ "fin", EV_LOST, { .by = BY_PEER, .cause = CAUSE_TCP_CLOSED } },
		{ "rst", EV_LOST, { .by = BY_PEER, .cause = CAUSE_TCP_RESET } },
		{ "cut", EV_LOST, { .by = BY_PEER, .cause = CAUSE_TLS_TRUNCATED } },
		{ "silent", EV_LOST, { .by = BY_LOCAL, .cause = CAUSE_WS_PING_TIMEOUT } },
		{ "broken", EV_LOST, { .by = BY_PEER, .cause = CAUSE_WS_PROTOCOL, .close_sent = CLOSE_PROTOCOL_ERROR } },
		{ "1000", EV_CLOSE, { .by = BY_PEER, .cause = CAUSE_WS_CLOSE, .clean = true, .code = 1000, .close_sent = 1000 } },
		{ "1012", EV_CLOSE, { .by = BY_PEER, .cause = CAUSE_WS_CLOSE, .clean = true, .code = 1012, .close_sent = 1012 } },
		{ "empty", EV_CLOSE, { .by = BY_PEER, .cause = CAUSE_WS_CLOSE, .clean = true, .code = CLOSE_NO_STATUS, .close_sent = CLOSE_NO_STATUS } },
		{ "1001rst", EV_LOST, { .by = BY_PEER, .cause = CAUSE_TCP_RESET, .code = 1001 } },
		{ "ours", EV_CLOSE, { .by = BY_LOCAL, .cause = CAUSE_WS_CLOSE, .clean = true, .code = 1000, .close_sent = 1000 } },
		{ "unanswered", EV_LOST, { .by = BY_LOCAL, .cause = CAUSE_WS_CLOSE_TIMEOUT, .close_sent = 1000 } },
		{ "drop", EV_LOST, { .by = BY_LOCAL, .cause = CAUSE_LOCAL_DROP } },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i].word) == 0)
			return (struct event){ .type = words[i].type, .src = &client, .u.ended = words[i].ended };
	ck_abort_msg("no word %s", word);
	return (struct event){ 0 };
}

static const struct {
	const char *library, *story, *heard;
} rows[] = {
	/* The incident: the first loss is told, every other is not. */
	{ "1.7", "open fin retry failed failed open silent open ghost ours",
	    "on_open|on_error|(silence)|(silence)|on_open again|(silence)|on_open again|(silence)|on_close None/None" },
	{ "1.8", "open fin failed open silent open", "on_open|on_error|(silence)|on_reconnect|(silence)|on_reconnect" },
	{ "1.9", "open fin failed open silent open", "on_open|on_error|(silence)|on_reconnect|(silence)|on_reconnect" },
	{ "1.8,no-on_reconnect", "open fin open", "on_open|on_error|on_open again" },
	{ "1.7.0", "open rst open", "on_open|on_error|on_open again" },
	/* A first dial that fails takes on_open away. */
	{ "1.7", "failed failed open", "on_error|(silence)|on_open" },
	{ "1.8", "failed failed open fin open", "on_error|(silence)|on_reconnect|(silence)|on_reconnect" },
	{ "1.8,no-on_reconnect", "failed open", "on_error|on_open" },
	/* The server's Close. */
	{ "1.7", "open 1012 open end", "on_open|on_close 1012|(returned)" },
	{ "1.8", "open fin open 1000", "on_open|on_error|on_reconnect|on_close 1000" },
	{ "1.8", "open empty", "on_open|on_close None/None" },
	{ "1.8", "open 1001rst", "on_open|on_close 1001" },
	{ "1.9", "open 1001rst open", "on_open|(silence)|on_reconnect" },
	{ "1.9", "open 1012 open 1000 open ours", "on_open|(silence)|on_reconnect|(silence)|on_reconnect|on_close 1000" },
	{ "1.9", "open 1012 open fin", "on_open|(silence)|on_reconnect|(silence)" },
	/* The user's. */
	{ "1.8", "open ours end", "on_open|on_close None/None" },
	{ "1.9", "open ours end", "on_open|on_close 1000" },
	{ "1.9", "open unanswered", "on_open|on_close None/None" },
	{ "1.8", "open drop", "on_open|on_close None/None" },
	{ "1.8", "open broken open", "on_open|on_error|on_reconnect" },
	{ "1.8", "open fin end", "on_open|on_error|on_close None/None" },
	/* rel. */
	{ "1.7,rel", "open fin failed open fin open", "on_open|on_error|on_error|on_open again|on_error|on_open again" },
	{ "1.8,rel", "open fin failed open", "on_open|(silence)|on_error|on_open again" },
	{ "1.8,rel", "open rst open", "on_open|(raised)|(raised)" },
	{ "1.7,rel", "open cut open", "on_open|on_error|on_open again" },
	{ "1.9,rel", "open fin failed open rst open", "on_open|(silence)|(silence)|on_reconnect|(silence)|on_reconnect" },
	{ "1.9,rel", "failed open silent open", "on_error|on_reconnect|(raised)|(raised)" },
	{ "1.8,rel", "open 1012 open", "on_open|on_close 1012|(silence)" },
	{ "1.8,rel", "open ours", "on_open|(silence)" },
};

static struct library_model *
model_of(const char *version)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };
	struct library l;
	char name[64];

	snprintf(name, sizeof(name), "websocket-client:%s", version);
	ck_assert_msg(library_parse(name, &l, &error) == 0, "%s", buf_cstr(&error));
	return library_model_new(&l);
}

static void
tell(struct library_model *m, const struct event *ev, struct buf *heard)
{
	struct buf word CLEANUP(buf_deinit) = { 0 };

	if (library_feed(m, ev, &word))
		buf_printf(heard, "%s%s", heard->len > 0 ? "|" : "", buf_cstr(&word));
	else
		ck_assert_uint_eq(word.len, 0);
}

START_TEST(each_story_is_heard_as_its_version_tells_it)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct library_model *m = model_of(rows[i].library);
		struct buf heard CLEANUP(buf_deinit) = { 0 };
		char story[128], *save, *word;

		snprintf(story, sizeof(story), "%s", rows[i].story);
		for (word = strtok_r(story, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
			struct event ev = fact_of(word);

			tell(m, &ev, &heard);
		}
		ck_assert_msg(span_eq(buf_span(&heard), rows[i].heard), "%s: %s: heard %s", rows[i].library, rows[i].story, buf_cstr(&heard));
		library_model_free(m);
	}
}
END_TEST

START_TEST(a_proxys_client_leg_is_the_client_seen_from_the_other_side)
{
	static const struct {
		enum leg leg;
		enum event_type type;
		struct ev_ended ended;
	} facts[] = {
		{ LEG_ORIGIN, EV_OPENED, { 0 } },
		{ LEG_CLIENT, EV_OPENED, { 0 } },
		{ LEG_CLIENT, EV_LOST, { .by = BY_LOCAL, .cause = CAUSE_LOCAL_FAULT } },
		{ LEG_ORIGIN, EV_LOST, { .by = BY_LOCAL, .cause = CAUSE_LOCAL_RELAY } },
		{ LEG_CLIENT, EV_REJECT, { 0 } },
		{ LEG_ORIGIN, EV_FAILED, { 0 } },
		{ LEG_CLIENT, EV_OPENED, { 0 } },
		{ LEG_CLIENT, EV_LOST, { .by = BY_PEER, .cause = CAUSE_TCP_CLOSED } },
		{ LEG_CLIENT, EV_OPENED, { 0 } },
		{ LEG_CLIENT, EV_CLOSE, { .by = BY_PEER, .cause = CAUSE_WS_CLOSE, .code = 1000, .close_sent = 1000 } },
		{ LEG_NONE, EV_END, { 0 } },
	};
	struct library_model *m = model_of("1.8");
	struct buf heard CLEANUP(buf_deinit) = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		struct event ev = { .type = facts[i].type, .leg = facts[i].leg, .src = &proxy, .u.ended = facts[i].ended };

		tell(m, &ev, &heard);
	}
	ck_assert_str_eq(buf_cstr(&heard), "on_open|on_error|(silence)|on_reconnect|(silence)|on_reconnect|on_close None/None");
	library_model_free(m);
}
END_TEST

START_TEST(a_close_that_a_server_sent_is_the_one_its_client_heard)
{
	struct library_model *m = model_of("1.8");
	struct buf heard CLEANUP(buf_deinit) = { 0 };
	struct event ev = { .type = EV_OPENED, .src = &server };

	tell(m, &ev, &heard);
	ev = (struct event){ .type = EV_CLOSE, .src = &server, .u.ended = { .by = BY_LOCAL, .cause = CAUSE_WS_CLOSE, .code = 1000, .close_sent = 1001 } };
	tell(m, &ev, &heard);
	ck_assert_str_eq(buf_cstr(&heard), "on_open|on_close 1001");
	library_model_free(m);
}
END_TEST

START_TEST(an_unknown_library_is_answered_with_those_that_are_known)
{
	static const char *const wrong[] = { "", "websocket-client", "websocket-client:", "websocket-client:1.6", "websocket-client:1.9.0", "websockets:1.7",
		"websocket-client:1.7,", "websocket-client:1.7,gevent", "websocket-client:1.7 ", "Websocket-client:1.7" };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct buf error CLEANUP(buf_deinit) = { 0 };
		struct library l = { 0 };

		ck_assert_int_eq(library_parse(wrong[i], &l, &error), -EINVAL);
		ck_assert_ptr_null(l.rules);
		ck_assert_msg(span_contains_ci(buf_span(&error), "known are websocket-client:1.7, websocket-client:1.8"), "%s", buf_cstr(&error));
	}
	for (const char *const *name = library_names; *name != NULL; name++)
		library_model_free(model_of(strchr(*name, ':') + 1));
}
END_TEST

UNIT_MAIN("library", each_story_is_heard_as_its_version_tells_it, a_proxys_client_leg_is_the_client_seen_from_the_other_side,
    a_close_that_a_server_sent_is_the_one_its_client_heard, an_unknown_library_is_answered_with_those_that_are_known)
