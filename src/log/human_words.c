/* SPDX-License-Identifier: MIT */
#include "log/human_words.h"

#include "base/escape.h"
#include "codec/url.h"

#include <inttypes.h>

void
words_escaped(struct words *w, struct span s)
{
	escape_text(w->out, s, 0);
}

void
words_sentence(struct words *w, struct span s)
{
	struct span part;

	for (bool first = true; span_next(&s, '\\', &part); first = false) {
		if (!first)
			buf_putc(w->out, '\\');
		escape_text(w->out, part, 0);
	}
}

void
words_private(struct words *w, struct span s, void (*put)(struct words *, struct span))
{
	struct buf clean CLEANUP(buf_deinit) = { 0 };

	if (w->opt->show_secrets) {
		put(w, s);
		return;
	}
	url_redact(&clean, s);
	put(w, buf_span(&clean));
}

void
words_url(struct words *w, struct span s)
{
	words_private(w, s, words_escaped);
}

void
words_duration(struct words *w, const char *before, int64_t us, const char *after)
{
	if (us == US_UNKNOWN)
		return;
	buf_puts(w->out, before);
	clock_format_duration(w->out, us);
	buf_puts(w->out, after);
}

void
words_labelled(struct words *w, const char *label, struct span s)
{
	if (s.n == 0)
		return;
	buf_puts(w->out, label);
	words_escaped(w, s);
}

void
words_size(struct words *w, uint64_t n)
{
	buf_printf(w->out, "%" PRIu64 " byte%s", n, n == 1 ? "" : "s");
}

void
human_bytes(struct buf *out, uint64_t n)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)n / 1000;
	size_t u = 0;

	if (n < 1000) {
		buf_printf(out, "%" PRIu64 "B", n);
		return;
	}
	while (v >= 999.5 && u + 1 < ARRAY_LEN(units))
		v /= 1000, u++;
	buf_printf(out, u > 0 && v < 99.95 ? "%.1f%s" : "%.0f%s", v, units[u]);
}
