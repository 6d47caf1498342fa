/* SPDX-License-Identifier: MIT */
#include "proxy/hearing.h"

#include "support/unit.h"

/* What happens to whom, and what the library would have said: "o" opens, "l" is lost, "r" a dial that was reset. */
static const struct {
	char what;
	const char *session, *peer, *callback;
} rows[] = {
	{ 'o', "a", "192.0.2.1:1000", "on_open" },
	{ 'o', "b", "192.0.2.2:1000", "on_open" },
	{ 'l', "a", "192.0.2.1:1000", "on_error" },
	{ 'r', NULL, "192.0.2.1:1001", "(silence)" }, /* untagged, for it ended too soon: still a's */
	{ 'o', "a", "192.0.2.1:1002", "on_open again" },
	{ 'l', "b", "192.0.2.2:1000", "on_error" },
	{ 'l', "a", "192.0.2.1:1002", "(silence)" },
	{ 'r', NULL, "[2001:db8::1]:7", "on_error" }, /* nobody's: a client of its own, whose first dial this is */
	{ 'r', NULL, "[2001:db8::1]:8", "(silence)" },
	{ 'o', NULL, "[2001:db8::1]:9", "on_open" },
};

START_TEST(each_client_hears_its_own_story)
{
	static const struct source proxy = { .role = ROLE_PROXY };
	struct buf error CLEANUP(buf_deinit) = { 0 };
	struct library l;

	ck_assert_int_eq(library_parse("websocket-client:1.7", &l, &error), 0);
	struct hearing *h = hearing_new(&l);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event ev = { .src = &proxy, .leg = LEG_CLIENT, .session = span_of(rows[i].session) };
		struct buf told CLEANUP(buf_deinit) = { 0 };

		ev.type = rows[i].what == 'o' ? EV_OPENED : rows[i].what == 'l' ? EV_LOST : EV_REJECT;
		if (ev.type == EV_LOST)
			ev.u.ended.cause = CAUSE_LOCAL_FAULT;
		else if (ev.type == EV_REJECT)
			ev.u.reject.cause = CAUSE_LOCAL_FAULT;
		ck_assert(hearing_feed(h, &ev, span_of(rows[i].peer), &told));
		ck_assert_msg(span_eq(buf_span(&told), rows[i].callback), "row %zu: %s", i, buf_cstr(&told));
	}
	hearing_free(h);
}
END_TEST

START_TEST(clients_are_bounded)
{
	static const struct source proxy = { .role = ROLE_PROXY };
	struct buf error CLEANUP(buf_deinit) = { 0 };
	struct library l;

	ck_assert_int_eq(library_parse("websocket-client:1.8", &l, &error), 0);
	struct hearing *h = hearing_new(&l);
	for (int i = 0; i < 3 * HEARING_CLIENTS; i++) {
		struct event ev = { .type = EV_OPENED, .src = &proxy, .leg = LEG_CLIENT };
		struct buf told CLEANUP(buf_deinit) = { 0 }, peer CLEANUP(buf_deinit) = { 0 };

		buf_printf(&peer, "192.0.%d.%d:1", i / 256, i % 256);
		ck_assert(hearing_feed(h, &ev, buf_span(&peer), &told));
		ck_assert_str_eq(buf_cstr(&told), "on_open");
	}
	hearing_free(h);
}
END_TEST

UNIT_MAIN("hearing", each_client_hears_its_own_story, clients_are_bounded)
