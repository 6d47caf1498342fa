/* SPDX-License-Identifier: MIT */
#include "report/input.h"

#include "support/input_story.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <zlib.h>

#define COMMON(event, seq) "{\"v\":1,\"event\":\"" event "\",\"time\":\"2026-03-04T22:13:02.071042Z\",\"mono\":12.500000," \
	"\"role\":\"client\",\"run\":\"7f3a9c0000000001\",\"seq\":" seq
#define MESSAGE(seq) COMMON("message", seq) ",\"dir\":\"in\",\"opcode\":\"text\",\"length\":5,\"truncated\":false}\n"

static void
story_deinit(struct story *s)
{
	buf_deinit(&s->text);
}

static void
read_path(const char *path, struct story *s)
{
	char *error = NULL;
	int rc = input_read(&(struct input_spec){ .path = path }, 7, &story_events, s, &error);

	ck_assert_msg(rc == 0, "%s", error != NULL ? error : "no sentence");
	ck_assert_uint_eq(s->begun, 1);
	ck_assert_uint_eq(s->ended, 1);
}

/* --- real samples of each kind --- */

static const struct {
	const char *file, *kind;
	enum role role;
	bool has_date, has_zone, has_key;
	int64_t resolution_us;
	uint64_t lines, messages;
	const char *events;
} samples[] = {
	{ "issue-971/client.log", "text", ROLE_CLIENT, false, false, false, 1000000, 7, 2,
	    "1 01-01T22:13:02.000 open\n"
	    "4 01-01T22:19:52.000 lost tcp.closed \"Connection to remote host was lost.\"\n"
	    "5 01-01T22:21:04.000 open\n"
	    "6 01-01T22:38:52.000 open\n"
	    "7 01-01T23:07:47.000 close \"close_status_code: None, close_msg: \"Non\"\n" },
	{ "issue-971/server.log", "text", ROLE_SERVER, false, false, false, 1000000, 6, 0,
	    "1 01-01T22:13:02.000 open\n"
	    "2 01-01T22:19:52.000 close\n"
	    "3 01-01T22:21:04.000 open\n"
	    "4 01-01T22:38:52.000 open\n"
	    "5 01-01T22:39:15.000 close\n"
	    "6 01-01T23:07:47.000 close\n" },
	{ "input/daphne-access.log", "Daphne access log", ROLE_SERVER, true, false, false, 1000000, 13, 0,
	    "3 11-24T17:23:18.000 reject\n"
	    "6 11-24T17:23:19.000 open c1 /ws from 127.0.0.1:36150\n"
	    "7 11-24T17:23:19.000 close c1\n"
	    "9 11-24T17:23:20.000 open c2 /ws from 127.0.0.1:36166\n"
	    "10 11-24T17:23:20.000 close c2\n"
	    "12 11-24T17:23:21.000 open c3 /ws from 127.0.0.1:36178\n"
	    "13 11-24T17:23:21.000 close c3\n" },
	/* Trace without a format of its own: the times are those of the Date headers. */
	{ "input/websocket-client-date.log", "websocket-client trace", ROLE_CLIENT, true, true, true, 0, 85, 6,
	    "11 11-24T17:07:20.000 dial d1\n"
	    "19 11-24T17:07:20.000 open c1 d1 ws://127.0.0.1:19871/ws key peJgqHzZgQR3bddDA8OS/Q== 5 headers\n"
	    "27 11-24T17:07:20.000 lost c1 d1 tcp.closed \"Connection to remote host was lost.\"\n"
	    "29 11-24T17:07:20.000 retry d2 in 1000ms\n"
	    "40 11-24T17:07:20.000 dial d2\n"
	    "48 11-24T17:07:21.000 reconnect c2 d2 ws://127.0.0.1:19871/ws key UJ41wAI9jVq3MBXM9rhdEg== 5 headers\n"
	    "55 11-24T17:07:21.000 lost c2 d2 tcp.closed \"Connection to remote host was lost.\"\n"
	    "57 11-24T17:07:21.000 retry d3 in 1000ms\n"
	    "68 11-24T17:07:21.000 dial d3\n"
	    "76 11-24T17:07:22.000 reconnect c3 d3 ws://127.0.0.1:19871/ws key qYpkmDPAwll3ZXDe+vk0+Q== 5 headers\n"
	    "84 11-24T17:07:22.000 close c3 d3 ws.close \"the trace shows no answer to its Close\" got 0 sent 1000 by local\n" },
	/* logging.basicConfig(), with print() between its lines. */
	{ "input/websocket-client-logging.log", "websocket-client trace", ROLE_CLIENT, true, false, true, 1000, 85, 6,
	    "11 11-24T17:07:32.335 dial d1\n"
	    "19 11-24T17:07:32.337 open c1 d1 ws://127.0.0.1:19872/ws key dJtiOOkIcCksH4mZi+xopg== 5 headers\n"
	    "27 11-24T17:07:32.338 lost c1 d1 tcp.closed \"Connection to remote host was lost.\"\n"
	    "29 11-24T17:07:32.344 retry d2 in 1000ms\n"
	    "40 11-24T17:07:33.345 dial d2\n"
	    "48 11-24T17:07:33.352 reconnect c2 d2 ws://127.0.0.1:19872/ws key aXPGgoTzxiwFgIBIjwOf0g== 5 headers\n"
	    "55 11-24T17:07:33.355 lost c2 d2 tcp.closed \"Connection to remote host was lost.\"\n"
	    "57 11-24T17:07:33.356 retry d3 in 1000ms\n"
	    "68 11-24T17:07:34.365 dial d3\n"
	    "76 11-24T17:07:34.367 reconnect c3 d3 ws://127.0.0.1:19872/ws key BoSiMnGbMtpsxqB1PCGwpg== 5 headers\n"
	    "84 11-24T17:07:34.369 close c3 d3 ws.close \"the trace shows no answer to its Close\" got 0 sent 1000 by local\n" },
	/* A refused upgrade, a Close of the server's, a loss, a Close of its own. */
	{ "input/websocket-client-levels.log", "websocket-client trace", ROLE_CLIENT, true, false, true, 1000, 97, 5,
	    "11 11-24T17:23:22.134 dial d1\n"
	    "14 11-24T17:23:22.135 failed d1 upgrade 403 http.refused \"HTTP 403 Access denied\"\n"
	    "17 11-24T17:23:22.145 retry d2 in 1000ms\n"
	    "28 11-24T17:23:23.148 dial d2\n"
	    "35 11-24T17:23:23.153 open c1 d2 ws://127.0.0.1:19880/ws key Ni1VPBIdNHLqWnzgFfaAaw== 4 headers\n"
	    "40 11-24T17:23:23.878 close c1 d2 ws.close got 1011 sent 1000 by peer\n"
	    "46 11-24T17:23:23.879 retry d3 in 1000ms\n"
	    "57 11-24T17:23:24.880 dial d3\n"
	    "64 11-24T17:23:24.883 reconnect c2 d3 ws://127.0.0.1:19880/ws key 9/iCY2mU8NSVUCRQFNkdFw== 4 headers\n"
	    "70 11-24T17:23:24.884 lost c2 d3 tcp.closed \"Connection to remote host was lost.\"\n"
	    "72 11-24T17:23:24.884 retry d4 in 1000ms\n"
	    "83 11-24T17:23:25.885 dial d4\n"
	    "90 11-24T17:23:25.887 reconnect c3 d4 ws://127.0.0.1:19880/ws key V/msMEW8uYQw2N40FIeAng== 4 headers\n"
	    "97 11-24T17:23:25.888 close c3 d4 ws.close \"the trace shows no answer to its Close\" got 0 sent 1000 by local\n" },
	/* Neither: only the order is known. */
	{ "input/websocket-client-no-times.log", "websocket-client trace", ROLE_CLIENT, false, false, true, 0, 97, 5,
	    "11 01-01T00:00:00.000 dial d1\n"
	    "14 01-01T00:00:00.000 failed d1 upgrade 403 http.refused \"HTTP 403 Access denied\"\n"
	    "17 01-01T00:00:00.000 retry d2 in 1000ms\n"
	    "28 01-01T00:00:00.000 dial d2\n"
	    "35 01-01T00:00:00.000 open c1 d2 ws://127.0.0.1:19880/ws key /43TKz9g6atQPczK1CZqTA== 4 headers\n"
	    "40 01-01T00:00:00.000 close c1 d2 ws.close got 1011 sent 1000 by peer\n"
	    "46 01-01T00:00:00.000 retry d3 in 1000ms\n"
	    "57 01-01T00:00:00.000 dial d3\n"
	    "64 01-01T00:00:00.000 reconnect c2 d3 ws://127.0.0.1:19880/ws key EWPtAvS7TF37HPV7zf6FvA== 4 headers\n"
	    "70 01-01T00:00:00.000 lost c2 d3 tcp.closed \"Connection to remote host was lost.\"\n"
	    "72 01-01T00:00:00.000 retry d4 in 1000ms\n"
	    "83 01-01T00:00:00.000 dial d4\n"
	    "90 01-01T00:00:00.000 reconnect c3 d4 ws://127.0.0.1:19880/ws key Dd+DuTjpjhU0X+f/fXgBKw== 4 headers\n"
	    "97 01-01T00:00:00.000 close c3 d4 ws.close \"the trace shows no answer to its Close\" got 0 sent 1000 by local\n" },
	/* Through a proxy, which refuses once: a CONNECT is no dial of its own. */
	{ "input/websocket-client-tunnel.log", "websocket-client trace", ROLE_CLIENT, true, true, true, 0, 50, 2,
	    "11 11-24T17:41:07.000 failed d1 tunnel 407 http.refused \"HTTP 407 Proxy Authentication Required\"\n"
	    "14 11-24T17:41:07.000 retry d2 in 1000ms\n"
	    "35 11-24T17:41:07.000 dial d2\n"
	    "43 11-24T17:41:07.000 open c1 d2 ws://127.0.0.1:19891/ws key wzQNsBfBpB7vBmSPOJIYjw== 5 headers\n"
	    "50 11-24T17:41:07.000 close c1 d2 ws.close \"the trace shows no answer to its Close\" got 0 sent 1000 by local\n" },
	{ "input/websocket-client-refused.log", "websocket-client trace", ROLE_CLIENT, false, false, true, 0, 13, 0,
	    "2 01-01T00:00:00.000 failed d1 tcp tcp.refused \"[Errno 111] Connection refused\"\n"
	    "4 01-01T00:00:00.000 retry d2 in 1000ms\n"
	    "5 01-01T00:00:00.000 failed d2 tcp tcp.refused \"[Errno 111] Connection refused\"\n"
	    "7 01-01T00:00:00.000 retry d3 in 1000ms\n"
	    "8 01-01T00:00:00.000 failed d3 tcp tcp.refused \"[Errno 111] Connection refused\"\n"
	    "10 01-01T00:00:00.000 retry d4 in 1000ms\n"
	    "11 01-01T00:00:00.000 failed d4 tcp tcp.refused \"[Errno 111] Connection refused\"\n"
	    "13 01-01T00:00:00.000 retry d5 in 1000ms\n" },
};

START_TEST(real_logs_are_recognised_and_read)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct story s CLEANUP(story_deinit) = { 0 };
		char *path CLEANUP(free_charp) = xasprintf("%s/%s", getenv("WSDIAG_TEST_DATA"), samples[i].file);

		read_path(path, &s);
		ck_assert_str_eq(s.about.kind, samples[i].kind);
		ck_assert_str_eq(s.about.name, path);
		ck_assert_str_eq(buf_cstr(&s.text), samples[i].events);
		ck_assert_int_eq(s.role, samples[i].role);
		ck_assert_int_eq(s.about.has_date, samples[i].has_date);
		ck_assert_int_eq(s.about.has_zone, samples[i].has_zone);
		ck_assert_int_eq(s.about.has_key, samples[i].has_key);
		ck_assert(!s.about.has_mono);
		ck_assert_int_eq(s.about.resolution_us, samples[i].resolution_us);
		ck_assert_uint_eq(s.counts.lines, samples[i].lines);
		ck_assert_uint_eq(s.counts.messages, samples[i].messages);
		ck_assert_uint_eq(s.trouble.unreadable, 0);
	}
}
END_TEST

/* --- files of our own --- */

struct temp {
	char path[64];
};

static void
temp_write(struct temp *t, const void *data, size_t n, bool is_packed)
{
	snprintf(t->path, sizeof(t->path), "/tmp/wsdiag-test-input-XXXXXX");

	int fd = mkstemp(t->path);
	ck_assert_int_ge(fd, 0);
	gzFile gz = is_packed ? gzdopen(fd, "wb") : NULL;
	if (is_packed) {
		ck_assert_int_eq(gzwrite(gz, data, (unsigned)n), (int)n);
		ck_assert_int_eq(gzclose(gz), Z_OK);
	} else {
		ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
		close(fd);
	}
}

static void
temp_remove(struct temp *t)
{
	unlink(t->path);
}

/* As a whole, and packed. */
static void
check_text(const char *text, void (*check)(const struct story *s))
{
	for (int is_packed = 0; is_packed < 2; is_packed++) {
		struct temp t CLEANUP(temp_remove);
		struct story s CLEANUP(story_deinit) = { 0 };

		temp_write(&t, text, strlen(text), is_packed);
		read_path(t.path, &s);
		buf_cstr(&s.text);
		check(&s);
	}
}

static void
check_healthy(const struct story *s)
{
	ck_assert_str_eq((const char *)buf_head(&s->text), "1 03-04T22:13:02.071 dial\n4 03-04T22:13:02.071 end\n");
	ck_assert_str_eq(s->about.kind, "wsdiag");
	ck_assert(s->about.has_date && s->about.has_zone && s->about.has_key && s->about.has_mono && !s->about.role_is_guessed);
	ck_assert_uint_eq(s->counts.lines, 4);
	ck_assert_uint_eq(s->counts.events, 2);
	ck_assert_uint_eq(s->counts.messages, 2);
	ck_assert(!s->trouble.torn_end && !s->trouble.no_end);
	ck_assert_uint_eq(s->trouble.missing_seq + s->trouble.unreadable + s->trouble.out_of_order + s->trouble.unknown_events, 0);
}

START_TEST(a_log_of_ours_is_read_packed_or_not)
{
	check_text(COMMON("dial", "1") "}\n" MESSAGE("2") MESSAGE("3") COMMON("end", "4") ",\"exit\":0}\n", check_healthy);
}
END_TEST

static void
check_torn(const struct story *s)
{
	ck_assert_str_eq((const char *)buf_head(&s->text), "1 03-04T22:13:02.071 dial\n6 03-04T22:13:02.071 note\n");
	ck_assert_uint_eq(s->trouble.unreadable, 2);
	ck_assert_uint_eq(s->trouble.first_unreadable[0], 2);
	ck_assert_uint_eq(s->trouble.first_unreadable[1], 4);
	ck_assert_uint_eq(s->trouble.unknown_events, 1);
	ck_assert_uint_eq(s->trouble.missing_seq, 2);
	ck_assert_uint_eq(s->trouble.out_of_order, 2);
	ck_assert(s->trouble.torn_end && s->trouble.no_end);
}

START_TEST(torn_strange_and_mixed_lines_are_told_and_survived)
{
	check_text(COMMON("dial", "1") "}\n" COMMON("message", "7") ",\"tr\n" COMMON("sparkle", "6") "}\n\x01garbage\n\n" COMMON("note", "3") "}\n"
	    MESSAGE("4") COMMON("lost", "8") ",\"by\":\"pe", check_torn);
}
END_TEST

static void
check_last(const struct story *s)
{
	ck_assert_str_eq((const char *)buf_head(&s->text), "1 03-04T22:13:02.071 note\n");
	ck_assert(!s->trouble.torn_end);
}

START_TEST(a_whole_last_line_needs_no_newline)
{
	check_text(COMMON("note", "1") "}", check_last);
}
END_TEST

static void
check_nothing(const struct story *s)
{
	ck_assert_uint_eq(s->text.len, 0);
	ck_assert_uint_eq(s->counts.lines, 0);
}

START_TEST(an_empty_log_begins_and_ends)
{
	check_text("", check_nothing);
}
END_TEST

START_TEST(lines_longer_than_memory_are_counted_or_unreadable)
{
	struct buf log CLEANUP(buf_deinit) = { 0 };
	struct story s CLEANUP(story_deinit) = { 0 };
	struct temp t CLEANUP(temp_remove);

	for (int i = 0; i < 2; i++) {
		buf_puts(&log, i == 0 ? COMMON("message", "1") ",\"data\":\"" : COMMON("note", "2") ",\"text\":\"");
		memset(buf_reserve(&log, 3 * INPUT_LINE_MAX), 'x', 3 * INPUT_LINE_MAX);
		buf_commit(&log, 3 * INPUT_LINE_MAX);
		buf_puts(&log, "\"}\n");
	}
	buf_puts(&log, COMMON("note", "3") "}\n");
	temp_write(&t, buf_head(&log), log.len, false);
	read_path(t.path, &s);
	ck_assert_str_eq(buf_cstr(&s.text), "3 03-04T22:13:02.071 note\n");
	ck_assert_uint_eq(s.counts.messages, 1);
	ck_assert_uint_eq(s.trouble.unreadable, 1);
	ck_assert_uint_eq(s.trouble.first_unreadable[0], 2);
}
END_TEST

/* Rotated logs are packed one by one and put together. */
START_TEST(gzip_of_several_members_is_read_and_what_is_cut_off_is_told)
{
	struct temp first CLEANUP(temp_remove), second CLEANUP(temp_remove);
	struct buf packed CLEANUP(buf_deinit) = { 0 };
	const char *const lines[] = { "22:13:02 on_open\n22:13:0", "3 on_close\n" };

	for (int i = 0; i < 2; i++) {
		temp_write(&first, lines[i], strlen(lines[i]), true);
		FILE *f = fopen(first.path, "rb");
		buf_commit(&packed, fread(buf_reserve(&packed, 4096), 1, 4096, f));
		fclose(f);
		unlink(first.path);
	}
	for (size_t cut = 0; cut < 9; cut += 8) {
		struct story s CLEANUP(story_deinit) = { 0 };

		temp_write(&second, buf_head(&packed), packed.len - cut, false);
		read_path(second.path, &s);
		ck_assert_str_eq(buf_cstr(&s.text), "1 01-01T22:13:02.000 open\n2 01-01T22:13:03.000 close\n");
		ck_assert_int_eq(s.trouble.torn_end, cut > 0);
		unlink(second.path);
	}
	snprintf(first.path, sizeof(first.path), "/nonexistent");
	snprintf(second.path, sizeof(second.path), "/nonexistent");
}
END_TEST

START_TEST(damaged_gzip_is_an_error_behind_what_could_be_read)
{
	struct temp t CLEANUP(temp_remove);
	struct story s CLEANUP(story_deinit) = { 0 };
	char *error CLEANUP(free_charp) = NULL;

	temp_write(&t, "\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff\xff", 15, false);
	ck_assert_int_eq(input_read(&(struct input_spec){ .path = t.path }, 0, &story_events, &s, &error), -EBADMSG);
	ck_assert_msg(strstr(error, "damaged gzip") != NULL, "%s", error);
	ck_assert_uint_eq(s.ended, 1);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_named)
{
	struct story s CLEANUP(story_deinit) = { 0 };
	char *error CLEANUP(free_charp) = NULL;

	ck_assert_int_eq(input_read(&(struct input_spec){ .path = "/nonexistent/log" }, 0, &story_events, &s, &error), -ENOENT);
	ck_assert_str_eq(error, "/nonexistent/log: No such file or directory");
	ck_assert_uint_eq(s.begun + s.ended, 0);
}
END_TEST

START_TEST(kinds_are_chosen_by_name)
{
	struct input_spec spec;
	char *error = NULL;
	size_t n = 0;

	for (; input_kind_name(n) != NULL; n++) {
		char *arg CLEANUP(free_charp) = xasprintf("%s:a:b.log", input_kind_name(n));

		ck_assert_int_eq(input_spec_parse(arg, &spec, &error), 0);
		ck_assert_str_eq(spec.path, "a:b.log");
		ck_assert_uint_gt(strlen(input_kind_help(n)), 10);
	}
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(input_spec_parse("pcap:x", &spec, &error), -EINVAL);
	ck_assert_msg(strstr(error, "\"pcap\"; known are wsdiag, ") != NULL, "%s", error);
	free(error);
	ck_assert_int_eq(input_spec_parse("client.log", &spec, &error), -EINVAL);
	free(error);
	ck_assert_int_eq(input_spec_parse("text:", &spec, &error), -EINVAL);
	free(error);
}
END_TEST

UNIT_MAIN("input", real_logs_are_recognised_and_read, a_log_of_ours_is_read_packed_or_not, torn_strange_and_mixed_lines_are_told_and_survived,
    a_whole_last_line_needs_no_newline, an_empty_log_begins_and_ends, lines_longer_than_memory_are_counted_or_unreadable,
    gzip_of_several_members_is_read_and_what_is_cut_off_is_told, damaged_gzip_is_an_error_behind_what_could_be_read,
    a_file_that_cannot_be_opened_is_named, kinds_are_chosen_by_name)
