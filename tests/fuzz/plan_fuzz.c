/* SPDX-License-Identifier: MIT */
/*
 * Whatever a plan says, it is read or refused with a printable sentence that begins with its place; what was read keeps to the rows of the tables, and a watch
 * over it fires each line at most once.
 */
#include "fuzz/fuzz.h"

#include "fault/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void
check_error(struct buf *error)
{
	const char *text = buf_cstr(error);

	MUST_HOLD(strncmp(text, "fuzz:", 5) == 0);
	MUST_HOLD(strtoul(text + 5, NULL, 10) > 0);
	for (const char *c = text; *c != '\0'; c++)
		MUST_HOLD((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void
check_action(const struct plan_action *a)
{
	MUST_HOLD(a->what < DO_COUNT && a->legs >= 0 && a->legs <= PLAN_BOTH_LEGS && a->dirs >= 0 && a->dirs <= PLAN_BOTH_WAYS);
	MUST_HOLD(a->time_us >= -1 && a->number <= UINT64_MAX / 2);
	MUST_HOLD(a->what != DO_SET_HEADER || (a->name != NULL && a->text != NULL));
}

static void
check_line(const struct plan_line *line)
{
	MUST_HOLD(line->n_actions > 0 && line->n_actions <= PLAN_ACTIONS_MAX && line->actions_text[0] != '\0');
	MUST_HOLD(line->subject.from >= 1 && line->subject.from <= line->subject.to && line->subject.chance >= 0 && line->subject.chance <= 1);
	MUST_HOLD(line->moment.when <= WHEN_LINE && line->moment.after_us >= 0);
	for (unsigned i = 0; i < line->n_actions; i++)
		check_action(&line->actions[i]);
}

struct fired {
	const struct plan *plan;
	uint8_t times[PLAN_LINES_MAX];
};

static void
on_fire(void *arg, const struct plan_line *line)
{
	struct fired *f = arg;

	MUST_HOLD(f->times[line - f->plan->lines]++ == 0);
}

static void
live(const struct plan *p, uint32_t number)
{
	static const char head_text[] = "GET /ws HTTP/1.1\r\nHost: h\r\nUser-Agent: a\r\n\r\n";
	struct fired fired = { .plan = p };
	struct http_head head = { 0 };
	const char *error;
	struct watch *w = watch_new(p, number, on_fire, &fired);

	MUST_HOLD(http_head_parse(&head, false, head_text, strlen(head_text), 0, &error) == HTTP_DONE);
	watch_accept(w);
	watch_request(w, &head);
	watch_response(w);
	watch_open(w, number, 1);
	for (int i = 0; i < 32; i++) {
		enum plan_direction dir = i & 1 ? PLAN_UP : PLAN_DOWN;
		struct frame f = { .fin = true, .opcode = (uint8_t)(i / 2) };

		watch_bytes(w, dir, i);
		watch_payload(w, dir, 5);
		watch_frame(w, dir, &f, watch_wants_payload(w, dir) ? SPAN_LIT("hello") : SPAN_NONE);
		watch_message(w, dir);
		watch_signal(w, i & 1 ? SIGUSR1 : SIGUSR2);
		watch_line(w, SPAN_LIT("go"));
	}
	for (int64_t next; (next = watch_next(w)) >= 0;)
		watch_due(w, next);
	watch_free(w);
	http_head_deinit(&head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const unsigned whos[] = { PLAN_FOR_PROXY, PLAN_FOR_SERVER };

	for (size_t i = 0; i < ARRAY_LEN(whos); i++) {
		struct plan p = { 0 };
		struct buf error = { 0 };
		int err = plan_parse(&p, "fuzz", (struct span){ (const char *)data, n }, whos[i], &error);

		MUST_HOLD(err == 0 || err == -EINVAL);
		if (err != 0)
			check_error(&error);
		MUST_HOLD((err == 0) == (error.len == 0) && (err == 0 || p.n_lines == 0));
		for (unsigned l = 0; l < p.n_lines; l++)
			check_line(&p.lines[l]);
		live(&p, 1);
		live(&p, 4);
		plan_speed_up(&p, 1.5);
		live(&p, 0);
		plan_deinit(&p);
		buf_deinit(&error);
	}
	return 0;
}
