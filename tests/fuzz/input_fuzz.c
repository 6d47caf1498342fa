/* SPDX-License-Identifier: MIT */
/* A log of any kind, also one that it is not: it tells the same however it is cut. */
#include "fuzz/fuzz.h"

#include "report/input_kind.h"
#include "report/input_pump.h"

#include "support/input_story.h"

static void
read_log(struct story *s, const struct input_spec *spec, const uint8_t *data, size_t n, uint32_t seed)
{
	struct input_pump *p = input_pump_new(spec, 0, &story_events, s);
	bool is_fine = true;

	for (size_t at = 0, piece; at < n && is_fine; at += piece) {
		piece = seed == 0 ? n : next_piece(&seed, n - at);
		is_fine = input_pump_feed(p, data + at, piece);
	}
	input_pump_finish(p);
	input_pump_free(p);
	MUST_HOLD(s->begun == 1 && s->ended == 1);
}

static void
check_kind(const struct input_kind *kind, const uint8_t *data, size_t n)
{
	struct input_spec spec = { kind, "x.log" };
	struct story whole = { 0 }, cut = { 0 };

	read_log(&whole, &spec, data, n, 0);
	read_log(&cut, &spec, data, n, 1 + (n > 0 ? data[n - 1] : 0));
	MUST_HOLD(strcmp(buf_cstr(&whole.text), buf_cstr(&cut.text)) == 0);
	MUST_HOLD(whole.counts.lines == cut.counts.lines && whole.counts.events == cut.counts.events && whole.counts.messages == cut.counts.messages);
	MUST_HOLD(whole.trouble.unreadable == cut.trouble.unreadable && whole.trouble.torn_end == cut.trouble.torn_end);
	MUST_HOLD(whole.counts.events + whole.trouble.unreadable <= 2 * whole.counts.lines);
	buf_deinit(&whole.text);
	buf_deinit(&cut.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct input_kind *const kinds[] = { NULL, &input_wsdiag, &input_websocket_client, &input_daphne, &input_text };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		check_kind(kinds[i], data, n);
	return 0;
}
