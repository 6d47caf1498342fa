/* SPDX-License-Identifier: MIT */
/* The pages of a report: that nothing from a log becomes markup, what a library would have told, and how a file is replaced. */
#include "report_world.h"

#include "log/fold.h"
#include "report/pages.h"
#include "report/text.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLIENT, PROXY, SERVER };

#define S US_PER_S

struct scene {
	struct world w;
	struct model m;
	struct findings f;
	struct library library;
	struct view view;
};

static void
scene_begin(struct scene *s)
{
	world_init(&s->w, 1);
}

static void
scene_judge(struct scene *s, const char *as)
{
	struct buf error CLEANUP(buf_deinit) = { 0 };

	model_init(&s->m);
	world_feed(&s->w, &s->m);
	join_model(&s->m);
	findings_look(&s->m, &s->f);
	s->view = (struct view){ .m = &s->m, .f = &s->f, .as_name = as, .made_us = NO_TIME };
	if (as != NULL) {
		ck_assert_int_eq(library_parse(as, &s->library, &error), 0);
		s->view.as = &s->library;
	}
}

static void
scene_end(struct scene *s)
{
	findings_deinit(&s->f);
	model_deinit(&s->m);
	world_deinit(&s->w);
}

static struct world_event *
open_at(struct scene *s, uint32_t log, int64_t at, uint32_t conn)
{
	struct world_event *e = world_put(&s->w, log, at, EV_OPENED, conn);

	e->ev.dial = conn;
	snprintf(e->key, sizeof(e->key), "key-%u", conn);
	snprintf(e->session, sizeof(e->session), "s1");
	e->ev.u.opened.is_reconnect = conn > 1;
	return e;
}

static struct world_event *
end_at(struct scene *s, uint32_t log, int64_t at, uint32_t conn, enum cause cause)
{
	struct world_event *e = world_put(&s->w, log, at, cause == CAUSE_WS_CLOSE ? EV_CLOSE : EV_LOST, conn);

	snprintf(e->session, sizeof(e->session), "s1");
	e->ev.u.ended.by = BY_PEER;
	e->ev.u.ended.cause = cause;
	return e;
}

/* --- what comes from logs is inert --- */

static const char evil[] = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' `|[a](javascript:b)\033[31m\xe2\x80\xae@everyone #1 www.evil.example https://evil.example";

/* Says evil wherever a log has a word. */
static void
make_evil(struct scene *s)
{
	struct span text = span_of(evil);
	struct world_event *e;

	scene_begin(s);
	s->w.logs[CLIENT].about.name = s->w.logs[CLIENT].about.kind = evil;
	s->w.logs[SERVER].about.name = s->w.logs[SERVER].about.kind = evil;
	e = world_put(&s->w, CLIENT, 0, EV_START, 0);
	e->ev.u.start.url = e->ev.u.start.version = text;
	e = open_at(s, CLIENT, 1 * S, 1);
	e->ev.u.opened.url = e->ev.u.opened.hop = e->ev.u.opened.subprotocol = e->ev.u.opened.forwarded_for = text;
	snprintf(e->peer, sizeof(e->peer), "\"><img src=x onerror=b>");
	snprintf(e->local, sizeof(e->local), "<b>:<i>");
	e = end_at(s, CLIENT, 5 * S, 1, CAUSE_WS_CLOSE);
	e->ev.type = EV_LOST;
	e->ev.u.ended.code = 4000;
	e->ev.u.ended.reason = text;
	e = world_put(&s->w, CLIENT, 6 * S, EV_FAILED, 0);
	e->ev.u.failed.stage = STAGE_UPGRADE;
	e->ev.u.failed.cause = CAUSE_HTTP_REFUSED;
	e->ev.u.failed.status = 502;
	e->ev.u.failed.text = e->ev.u.failed.hop = e->ev.u.failed.local = text;
	e = open_at(s, SERVER, 1 * S + 1000, 1);
	e = world_put(&s->w, SERVER, 2 * S, EV_VIOLATION, 1);
	e->ev.u.violation.rule = e->ev.u.violation.section = text;
	e = world_put(&s->w, SERVER, 3 * S, EV_INJECT, 1);
	e->ev.u.inject.plan = e->ev.u.inject.action = text;
	e = end_at(s, SERVER, 5 * S, 1, CAUSE_NONE);
	e->ev.u.ended.text = text;
	scene_judge(s, "websocket-client:1.7");
	ck_assert_uint_gt(s->f.n, 0);
}

/* Only these tags, as we write them, may begin with "<". */
static void
check_tags(const char *page)
{
	static const char *const ours[] = { "!DOCTYPE html>", "a ", "a>", "b>", "body>", "circle ", "code>", "details>", "div ", "figcaption>", "figure ", "footer>", "g>", "g ", "h1>", "h2 ", "h2>",
		"h3>", "head>", "header>", "html ", "html>", "li>", "li ", "link ", "main>", "meta ", "ol ", "ol>", "p>", "p ", "path ", "path>", "rect ", "span>", "span ", "style>", "summary>",
		"svg ", "svg>", "table>", "tbody>", "td>", "td ", "text ", "text>", "th>", "th ", "thead>", "title>", "tr>", "tr ", "ul ", "ul>", "circle>", "div>", "figure>" };

	for (const char *at = strchr(page, '<'); at != NULL; at = strchr(at + 1, '<')) {
		const char *name = at[1] == '/' ? at + 2 : at + 1;
		bool is_ours = false;

		for (size_t i = 0; i < ARRAY_LEN(ours); i++)
			is_ours = is_ours || strncmp(name, ours[i], strlen(ours[i])) == 0;
		ck_assert_msg(is_ours, "what tag is this: %.60s", at);
	}
}

START_TEST(nothing_from_a_log_becomes_a_tag_or_an_attribute)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct scene s;

	make_evil(&s);
	page_html(&out, &s.view);
	check_tags(buf_cstr(&out));
	/* It is there, and escaped: in text and in titles. */
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img src=x onerror=alert(2)&gt;&#39;"));
	ck_assert_ptr_null(strchr(buf_cstr(&out), '\033'));
	ck_assert_ptr_null(strstr(buf_cstr(&out), "\xe2\x80\xae"));
	/* Nothing is loaded, and no link leads away. */
	for (const char *at = strstr(buf_cstr(&out), "href=\""); at != NULL; at = strstr(at + 1, "href=\""))
		ck_assert_msg(at[6] == '#' || strncmp(at + 6, "data:,\"", 7) == 0, "%.40s", at);
	ck_assert_ptr_null(strstr(buf_cstr(&out), " src=\""));
	ck_assert_ptr_null(strstr(buf_cstr(&out), "url("));
	scene_end(&s);
}
END_TEST

START_TEST(in_markdown_nothing_from_a_log_is_markup_calls_anybody_or_links)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct scene s;
	bool is_code = false;
	size_t fence = 0;

	make_evil(&s);
	page_markdown(&out, &s.view);
	for (const char *at = buf_cstr(&out); *at != '\0'; at++) {
		size_t run = strspn(at, "`");

		if (*at == '\\' && !is_code && at[1] != '\0') {
			at++;
			continue;
		}
		if (run > 0 && (!is_code || run == fence)) {
			is_code = !is_code;
			fence = run;
		}
		if (run > 0) {
			at += run - 1;
			continue;
		}
		ck_assert_msg(is_code ? *at != '\n' && (*at != '|' || at[-1] == '\\') : *at != '<' && *at != '[', "%.60s", at);
		if (!is_code && (*at == '@' || strncmp(at, "www.", 4) == 0 || strncmp(at, "://", 3) == 0))
			ck_assert_msg(strncmp(at + 1, "\xe2\x80\x8b", 3) == 0, "%.60s", at);
	}
	ck_assert(!is_code);
	ck_assert_ptr_null(strchr(buf_cstr(&out), '\033'));
	scene_end(&s);
}
END_TEST

/* Lanes and their axis have a width of their own; from the findings on everything is fitted. */
START_TEST(findings_fit_narrow_terminals)
{
	for (unsigned columns = 24; columns <= 90; columns++) {
		struct buf out CLEANUP(buf_deinit) = { 0 };
		struct scene s = { 0 };
		struct span rest, line;

		make_evil(&s);
		text_report(&out, &s.m, &s.f, &(struct text_options){ .columns = columns });
		const char *from = strstr(buf_cstr(&out), finding_spec(s.f.items[0].kind)->name);
		ck_assert_ptr_nonnull(from);
		rest = span_of(from);
		while (span_next(&rest, '\n', &line))
			ck_assert_msg(fold_width(line) <= columns, "%u columns: \"%.*s\"", columns, (int)line.n, line.p);
		scene_end(&s);
	}
}
END_TEST

START_TEST(secrets_are_redacted_on_every_page)
{
	void (*const pages[])(struct buf *, const struct view *) = { page_json, page_markdown, page_html };
	struct world_event *e;
	struct scene s;

	scene_begin(&s);
	e = open_at(&s, CLIENT, 1 * S, 1);
	e->ev.u.opened.url = SPAN_LIT("wss://me:hunter2@example.org/?token=hunter2");
	e = world_put(&s.w, CLIENT, 0, EV_START, 0);
	e->ev.u.start.url = SPAN_LIT("wss://me:hunter2@example.org/?token=hunter2");
	e = end_at(&s, CLIENT, 5 * S, 1, CAUSE_NONE);
	e->ev.u.ended.text = SPAN_LIT("cannot read wss://example.org/?api_key=hunter2");
	e = world_put(&s.w, CLIENT, 6 * S, EV_FAILED, 0);
	e->ev.u.failed.cause = CAUSE_TCP_RESET;
	e->ev.u.failed.text = SPAN_LIT("to wss://example.org/?session=hunter2");
	scene_judge(&s, NULL);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct buf out CLEANUP(buf_deinit) = { 0 };

		pages[i](&out, &s.view);
		ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "***"));
		ck_assert_ptr_null(strstr(buf_cstr(&out), "hunter2"));
	}
	scene_end(&s);
}
END_TEST

/* --- what a library would have told --- */

static void
check_heard(const struct view *v, const char *expected)
{
	struct buf out CLEANUP(buf_deinit) = { 0 };
	struct heard_list heard;

	heard_of(v, &heard);
	for (size_t i = 0; i < heard.n; i++)
		buf_printf(&out, "%s%s: %s", i > 0 ? "; " : "", heard.items[i].event, heard.items[i].text);
	ck_assert_str_eq(buf_cstr(&out), expected);
	heard_free(&heard);
}

static void
make_incident(struct scene *s, uint32_t log)
{
	struct world_event *e;

	scene_begin(s);
	open_at(s, log, 1 * S, 1);
	end_at(s, log, 5 * S, 1, CAUSE_TCP_CLOSED);
	if (log == CLIENT) {
		e = world_put(&s->w, CLIENT, 6 * S, EV_FAILED, 0);
		e->ev.dial = 7;
		e->ev.u.failed.cause = CAUSE_TCP_RESET;
		snprintf(e->session, sizeof(e->session), "s1");
	}
	open_at(s, log, 8 * S, 2);
	e = end_at(s, log, 20 * S, 2, CAUSE_WS_CLOSE);
	e->ev.u.ended.by = log == CLIENT ? BY_PEER : BY_LOCAL;
	e->ev.u.ended.code = e->ev.u.ended.close_sent = 1001;
}

START_TEST(a_library_hears_what_it_would_have_called)
{
	struct scene s;

	make_incident(&s, CLIENT);
	scene_judge(&s, "websocket-client:1.7");
	check_heard(&s.view, "open: on_open; lost: on_error; failed: (silence); reconnect: on_open again; close: on_close 1001");
	scene_end(&s);

	make_incident(&s, CLIENT);
	scene_judge(&s, "websocket-client:1.8");
	check_heard(&s.view, "open: on_open; lost: on_error; failed: (silence); reconnect: on_reconnect; close: on_close 1001");
	scene_end(&s);

	make_incident(&s, CLIENT);
	scene_judge(&s, NULL);
	check_heard(&s.view, "");
	scene_end(&s);
}
END_TEST

START_TEST(without_a_clients_log_the_servers_is_turned_round)
{
	struct scene s;

	make_incident(&s, SERVER);
	scene_judge(&s, "websocket-client:1.7");
	/* A client that just leaves had heard nothing for too long: its own error. */
	check_heard(&s.view, "open: on_open; lost: on_error; reconnect: on_open again; close: on_close 1001");
	scene_end(&s);
}
END_TEST

START_TEST(an_end_that_nobody_logged_is_told_before_the_next_open)
{
	struct heard_list heard;
	struct scene s;

	scene_begin(&s);
	s.w.logs[CLIENT].source.run = 0;
	s.w.logs[CLIENT].about = (struct input_log){ .name = "c.log", .kind = "text", .resolution_us = S };
	world_put(&s.w, CLIENT, 1 * S, EV_OPENED, 0);
	world_put(&s.w, CLIENT, 5 * S, EV_LOST, 0);
	world_put(&s.w, CLIENT, 8 * S, EV_OPENED, 0);
	world_put(&s.w, CLIENT, 12 * S, EV_OPENED, 0);
	world_put(&s.w, CLIENT, 20 * S, EV_CLOSE, 0);
	scene_judge(&s, "websocket-client:1.7");
	check_heard(&s.view, "open: on_open; lost: on_error; open: on_open again; lost: (silence); open: on_open again; close: on_close None/None");
	heard_of(&s.view, &heard);
	ck_assert(heard.items[3].is_before && heard.items[3].at.at_us == heard.items[4].at.at_us);
	heard_free(&heard);
	scene_end(&s);
}
END_TEST

/* --- times --- */

START_TEST(a_time_has_as_much_of_a_date_as_the_logs)
{
	struct participant p = { .resolution_us = 1 };
	struct model m = { .participants = &p, .n_participants = 1, .is_dated = true, .is_zoned = true, .from_us = WORLD_START, .to_us = WORLD_START + S };
	const struct view v = { .m = &m };
	struct buf out CLEANUP(buf_deinit) = { 0 };

	view_date_clock(&out, &v, WORLD_START + 71000);
	buf_putc(&out, '|');
	view_stamp(&out, &v, WORLD_START + 71000);
	buf_putc(&out, '|');
	view_clock(&out, &v, WORLD_START + 71000);
	ck_assert_str_eq(buf_cstr(&out), "2026-02-02 02:40:00.071Z|2026-02-02T02:40:00.071000Z|02:40:00.071");
	buf_clear(&out);
	m.to_us += INT64_C(86400) * S;
	view_clock(&out, &v, WORLD_START + 71000);
	ck_assert_str_eq(buf_cstr(&out), "02-02 02:40:00.071");
	buf_clear(&out);
	m.is_dated = m.is_zoned = false;
	p.resolution_us = S;
	view_date_clock(&out, &v, 3600 * S);
	buf_putc(&out, '|');
	view_stamp(&out, &v, INT64_C(90000) * S);
	buf_putc(&out, '|');
	view_clock(&out, &v, -1 * S);
	ck_assert_str_eq(buf_cstr(&out), "01:00:00|+1d 01:00:00.000000|-1d 23:59:59");
}
END_TEST

/* --- a file is replaced --- */

struct folder {
	char path[64], file[128];
};

static void
folder_make(struct folder *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/wsdiag-pages-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	snprintf(f->file, sizeof(f->file), "%s/report.html", f->path);
}

static void
put_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void
check_file(const char *path, const char *text)
{
	char have[64] = "";
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(read(fd, have, sizeof(have) - 1), 0);
	close(fd);
	ck_assert_str_eq(have, text);
}

START_TEST(a_file_is_made_or_replaced_whole_and_keeps_its_mode_and_its_link)
{
	struct buf page CLEANUP(buf_deinit) = { 0 };
	char link_path[160];
	struct folder f;
	struct stat st;

	folder_make(&f);
	buf_puts(&page, "new");
	ck_assert_int_eq(page_store(f.file, &page), 0);
	check_file(f.file, "new");
	put_file(f.file, "a longer old one", 0640);
	snprintf(link_path, sizeof(link_path), "%s/link", f.path);
	ck_assert_int_eq(symlink("report.html", link_path), 0);
	ck_assert_int_eq(page_store(link_path, &page), 0);
	check_file(f.file, "new");
	ck_assert(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode));
	ck_assert(stat(f.file, &st) == 0 && (st.st_mode & 0777) == 0640);
	/* Only root can make a file somebody else's. */
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(f.file, 12345, 23456), 0);
		ck_assert_int_eq(page_store(f.file, &page), 0);
		ck_assert(stat(f.file, &st) == 0 && st.st_uid == 12345 && st.st_gid == 23456 && (st.st_mode & 0777) == 0640);
	}
	/* Also one that leads nowhere yet. */
	unlink(f.file);
	ck_assert_int_eq(page_store(link_path, &page), 0);
	check_file(f.file, "new");
	ck_assert(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode));
	/* Nothing else is left: the folder goes with these two. */
	unlink(link_path);
	unlink(f.file);
	ck_assert_int_eq(rmdir(f.path), 0);
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error_and_the_old_file_stays)
{
	struct buf page CLEANUP(buf_deinit) = { 0 };
	char below[160];
	struct folder f;

	folder_make(&f);
	buf_puts(&page, "new");
	ck_assert_int_eq(page_store("/dev/full", &page), -ENOSPC);
	ck_assert_int_eq(page_store("/dev/null", &page), 0);
	ck_assert_int_eq(page_store(f.path, &page), -EISDIR);
	snprintf(below, sizeof(below), "%s/none/report.html", f.path);
	ck_assert_int_eq(page_store(below, &page), -ENOENT);
	put_file(f.file, "old", 0600);
	snprintf(below, sizeof(below), "%s/report.html", f.file);
	ck_assert_int_eq(page_store(below, &page), -ENOTDIR);
	check_file(f.file, "old");
	unlink(f.file);
	ck_assert_int_eq(rmdir(f.path), 0);
}
END_TEST

UNIT_MAIN("pages", nothing_from_a_log_becomes_a_tag_or_an_attribute, in_markdown_nothing_from_a_log_is_markup_calls_anybody_or_links, secrets_are_redacted_on_every_page,
    findings_fit_narrow_terminals,
    a_library_hears_what_it_would_have_called, without_a_clients_log_the_servers_is_turned_round, an_end_that_nobody_logged_is_told_before_the_next_open,
    a_time_has_as_much_of_a_date_as_the_logs, a_file_is_made_or_replaced_whole_and_keeps_its_mode_and_its_link, what_cannot_be_written_is_an_error_and_the_old_file_stays)
