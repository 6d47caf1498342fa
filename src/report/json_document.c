/* SPDX-License-Identifier: MIT */
#include "report/json_document.h"

#include "codec/url.h"

enum { PIECE = 64 * 1024 };

void
doc_hand_over(struct document *d)
{
	if (d->piece != NULL && d->w.out->len >= PIECE)
		d->piece(d->arg, d->w.out);
}

void
doc_text(struct document *d, const char *key, const char *s)
{
	struct buf clear CLEANUP(buf_deinit) = { 0 };

	json_key(&d->w, key);
	if (s == NULL) {
		json_nil(&d->w);
		return;
	}
	url_redact(&clear, span_of(s));
	json_text(&d->w, buf_span(&clear));
}

void
doc_number(struct document *d, const char *key, uint64_t n)
{
	json_key(&d->w, key);
	json_u64(&d->w, n);
}

void
doc_number_or_null(struct document *d, const char *key, int64_t n)
{
	json_key(&d->w, key);
	if (n == 0)
		json_nil(&d->w);
	else
		json_i64(&d->w, n);
}

void
doc_index(struct document *d, const char *key, uint32_t i)
{
	json_key(&d->w, key);
	if (i == NO_INDEX)
		json_nil(&d->w);
	else
		json_u64(&d->w, i);
}

void
doc_bool(struct document *d, const char *key, bool v)
{
	json_key(&d->w, key);
	json_bool(&d->w, v);
}

void
doc_seconds(struct document *d, const char *key, int64_t us)
{
	json_key(&d->w, key);
	if (us == US_UNKNOWN)
		json_nil(&d->w);
	else
		json_seconds(&d->w, us);
}

void
doc_time(struct document *d, const char *key, int64_t at_us)
{
	struct buf stamp CLEANUP(buf_deinit) = { 0 };

	json_key(&d->w, key);
	if (at_us == NO_TIME) {
		json_nil(&d->w);
		return;
	}
	view_stamp(&stamp, d->v, at_us);
	json_text(&d->w, buf_span(&stamp));
}

void
doc_place(struct document *d, const struct place *at)
{
	struct buf name CLEANUP(buf_deinit) = { 0 };

	place_name(&name, d->m, at);
	json_text(&d->w, buf_span(&name));
}

void
doc_moment(struct document *d, const char *key, const struct moment *at)
{
	json_key(&d->w, key);
	if (!moment_is_known(at)) {
		json_nil(&d->w);
		return;
	}
	json_begin(&d->w, '{');
	doc_time(d, "time", at->at_us);
	json_key(&d->w, "line");
	if (at->place.line > 0)
		doc_place(d, &at->place);
	else
		json_nil(&d->w);
	json_end(&d->w, '}');
}

void
doc_begin(struct document *d, const char *key, char bracket)
{
	if (key != NULL)
		json_key(&d->w, key);
	json_begin(&d->w, bracket);
}

void
doc_life_name(struct document *d, const char *key, uint32_t life)
{
	struct buf name CLEANUP(buf_deinit) = { 0 };

	json_key(&d->w, key);
	if (life == NO_INDEX) {
		json_nil(&d->w);
		return;
	}
	view_life(&name, d->m, life);
	json_text(&d->w, buf_span(&name));
}
