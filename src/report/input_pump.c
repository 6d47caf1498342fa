/* SPDX-License-Identifier: MIT */
#include "report/input_pump.h"

#include "base/buf.h"
#include "report/input_inflate.h"
#include "report/input_kind.h"

#include <string.h>

struct input_pump {
	const struct input_spec *spec;
	struct input_out out;
	const struct input_kind *kind;  /* NULL: not known yet */
	void *reader;
	struct buf head;                /* until the kind is known */
	struct buf part;                /* of a line, or its beginning if it is too long */
	bool is_cut;                    /* of part: more came than is kept */
	uint64_t line;                  /* the last one */
	struct input_inflate *inflate;  /* of a log that is compressed */
	bool is_sniffed;                /* whether it is, is known */
	struct buf magic;               /* until then */
};

struct input_pump *
input_pump_new(const struct input_spec *spec, uint32_t log, const struct input_events *up, void *arg)
{
	struct input_pump *p = xcalloc(1, sizeof(*p));

	p->spec = spec;
	p->out = (struct input_out){ .log = log, .up = up, .arg = arg, .about.name = spec->path };
	return p;
}

void
input_pump_free(struct input_pump *p)
{
	if (p == NULL)
		return;
	if (p->reader != NULL)
		p->kind->close(p->reader);
	input_inflate_free(p->inflate);
	buf_deinit(&p->head);
	buf_deinit(&p->part);
	buf_deinit(&p->magic);
	free(p);
}

/* --- lines --- */

/* Behind the byte order mark that some editors and Windows put before UTF-8. */
static struct span
skip_mark(struct span text)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n = strlen(mark);

	return text.n >= n && memcmp(text.p, mark, n) == 0 ? (struct span){ text.p + n, text.n - n } : text;
}

static void
hand_line(struct input_pump *p, struct span text, bool is_cut, bool has_end)
{
	struct input_line line = { .text = p->line == 0 ? skip_mark(text) : text, .is_whole = !is_cut && text.n <= INPUT_LINE_MAX, .has_end = has_end };

	line.number = ++p->line;
	line.text.n = MIN(line.text.n, (size_t)INPUT_LINE_MAX);
	p->out.counts.lines++;
	p->kind->line(p->reader, &line);
}

/* Of a line that is longer only the beginning is kept. */
static void
keep_part(struct input_pump *p, struct span piece)
{
	size_t room = INPUT_LINE_MAX - MIN(p->part.len, (size_t)INPUT_LINE_MAX), n = MIN(piece.n, room);

	buf_append(&p->part, piece.p, n);
	p->is_cut |= n < piece.n;
}

static void
end_part(struct input_pump *p, bool has_end)
{
	hand_line(p, buf_span(&p->part), p->is_cut, has_end);
	buf_clear(&p->part);
	p->is_cut = false;
}

static void
cut_lines(struct input_pump *p, struct span data)
{
	const char *end;

	while (data.n > 0 && (end = memchr(data.p, '\n', data.n)) != NULL) {
		struct span line = { data.p, (size_t)(end - data.p) };

		if (p->part.len > 0) {
			keep_part(p, line);
			end_part(p, true);
		} else {
			hand_line(p, line, false, true);
		}
		data.n -= line.n + 1;
		data.p = end + 1;
	}
	if (data.n > 0)
		keep_part(p, data);
}

/* --- the head --- */

static void
choose_kind(struct input_pump *p)
{
	struct span head = buf_span(&p->head);

	p->kind = p->spec->kind != NULL ? p->spec->kind : input_kind_of(skip_mark(head));
	p->out.about.kind = p->kind->title;
	p->reader = p->kind->open(&p->out, skip_mark(head));
	cut_lines(p, head);
	buf_deinit(&p->head);
	p->head = (struct buf){ 0 };
}

static void
take_text(void *arg, struct span data)
{
	struct input_pump *p = arg;

	if (p->kind == NULL) {
		size_t n = MIN(data.n, (size_t)INPUT_HEAD - p->head.len);

		buf_append(&p->head, data.p, n);
		data.p += n;
		data.n -= n;
		if (p->head.len < INPUT_HEAD)
			return;
		choose_kind(p);
	}
	cut_lines(p, data);
}

/* --- what it is packed in --- */

static bool
take_packed(struct input_pump *p, struct span data)
{
	if (data.n == 0)
		return true;
	if (p->inflate != NULL)
		return input_inflate_feed(p->inflate, data, take_text, p);
	take_text(p, data);
	return true;
}

/* Two bytes tell gzip; they may come one by one. */
static bool
sniff(struct input_pump *p, bool is_all)
{
	struct span magic = buf_span(&p->magic);

	if (magic.n < 2 && !is_all)
		return true;
	p->is_sniffed = true;
	if (input_inflate_knows(magic))
		p->inflate = input_inflate_new();
	return take_packed(p, magic);
}

bool
input_pump_feed(struct input_pump *p, const void *data, size_t n)
{
	struct span piece = { data, n };

	if (p->is_sniffed)
		return take_packed(p, piece);
	if (p->magic.len == 0 && n >= 2) {
		p->is_sniffed = true;
		if (input_inflate_knows(piece))
			p->inflate = input_inflate_new();
		return take_packed(p, piece);
	}
	buf_append(&p->magic, data, n);
	return sniff(p, false);
}

void
input_pump_flush(struct input_pump *p)
{
	struct span head = buf_span(&p->head);

	if (p->kind == NULL && head.n > 0 && memchr(head.p, '\n', head.n) != NULL)
		choose_kind(p);
}

/* What comes now may be packed where the old was not, and the other way round. */
void
input_pump_restart(struct input_pump *p)
{
	if (!p->is_sniffed)
		sniff(p, true);
	if (p->kind == NULL && p->head.len > 0)
		choose_kind(p);
	if (p->part.len > 0)
		end_part(p, false);
	input_inflate_free(steal(&p->inflate));
	buf_clear(&p->magic);
	p->is_sniffed = false;
	p->out.trouble.restarts++;
	p->line = 0;
}

void
input_pump_finish(struct input_pump *p)
{
	if (!p->is_sniffed)
		sniff(p, true);
	if (p->kind == NULL)
		choose_kind(p);
	if (p->part.len > 0)
		end_part(p, false);
	if (p->inflate != NULL && !input_inflate_is_whole(p->inflate))
		p->out.trouble.torn_end = true;
	p->kind->close(steal(&p->reader));
	input_begin(&p->out);
	p->out.up->end(p->out.arg, p->out.log, &p->out.counts, &p->out.trouble);
}
