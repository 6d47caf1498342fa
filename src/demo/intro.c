/* SPDX-License-Identifier: MIT */
#include "demo/intro.h"

#include "base/clock.h"
#include "base/escape.h"

enum { LINES_SHOWN = 12, TEXT_SHOWN = 160 };

/* White space folded, its comment left out where it is plain to see. */
static void
put_line(struct buf *out, unsigned number, struct span line)
{
	struct span word;

	buf_printf(out, "  %u ", number);
	while (span_next(&line, ' ', &word)) {
		if (word.n > 0 && word.p[0] == '#')
			break;
		if (word.n == 0)
			continue;
		buf_putc(out, ' ');
		escape_text(out, word, TEXT_SHOWN);
	}
	buf_putc(out, '\n');
}

static void
put_lines(struct buf *out, struct span text)
{
	unsigned number = 0, shown = 0;
	struct span line;

	while (span_next(&text, '\n', &line)) {
		number++;
		line = span_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (++shown > LINES_SHOWN) {
			buf_puts(out, "  ...\n");
			return;
		}
		put_line(out, number, line);
	}
}

static void
put_pings(struct buf *out, const char *who, int64_t interval_us, int64_t timeout_us)
{
	buf_puts(out, who);
	if (interval_us == 0) {
		buf_puts(out, " does not ping");
		return;
	}
	buf_puts(out, " pings every ");
	clock_format_duration(out, interval_us);
	if (timeout_us > 0) {
		buf_puts(out, " and gives up after ");
		clock_format_duration(out, timeout_us);
		buf_puts(out, " of silence");
	}
}

void
intro_tell(struct buf *out, const char *name, const char *summary, struct span text, const struct setting *s)
{
	buf_puts(out, "wsdiag demo ");
	escape_text(out, span_of(name), 0);
	if (summary != NULL)
		buf_printf(out, ": %s", summary);
	buf_puts(out, "\nA client, a proxy and a server in this process. The proxy does what the plan says");
	if (s->speed > 1)
		buf_printf(out, ", %g times as fast", s->speed);
	else if (s->speed < 1)
		buf_printf(out, ", %g times as slowly", 1 / s->speed);
	buf_puts(out, ":\n");
	put_lines(out, text);
	put_pings(out, "The client", s->client.ping_interval_us, s->client.ping_timeout_us);
	buf_puts(out, "; ");
	put_pings(out, "the server", s->server.ping_interval_us, s->server.ping_timeout_us);
	buf_puts(out, ".\n\n");
}
