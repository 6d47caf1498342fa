/* SPDX-License-Identifier: MIT */
#include "log/json_line.h"

#include "base/utf8.h"
#include "codec/encode.h"
#include "codec/json.h"
#include "codec/url.h"
#include "log/redact.h"

#include <string.h>

#define A(member, name, kind, unit) { name, kind, offsetof(struct attempt, member), NULL, unit }
const struct field log_attempt_fields[] = {
	A(address, "address", FIELD_TEXT, NULL),
	A(cause, "cause", FIELD_CAUSE, NULL),
	A(after_us, "after", FIELD_SECONDS, "seconds"),
	{ 0 },
};
#undef A

const struct field log_common_fields[] = {
	{ .name = "v" },
	{ .name = "event" },
	{ .name = "time" },
	{ .name = "mono", .unit = "seconds" },
	{ .name = "role" },
	{ .name = "run" },
	{ .name = "seq" },
	{ .name = "session" },
	{ .name = "conn" },
	{ .name = "dial" },
	{ .name = "leg" },
	{ 0 },
};

/* What every put_* function needs. */
struct writer {
	struct json w;
	struct json_line *line;
	const struct event *ev;
};

void
json_line_init(struct json_line *l, const struct json_options *opt)
{
	*l = (struct json_line){ .opt = *opt };
}

void
json_line_deinit(struct json_line *l)
{
	buf_deinit(&l->text);
	buf_deinit(&l->scratch);
}

/* The stamp up to the point of the second: gmtime only when it changes. */
static void
refresh_stamp(struct json_line *l, int64_t second)
{
	struct buf b = { 0 };

	clock_format_rfc3339(&b, second * US_PER_S);
	size_t n = MIN(b.len - strlen("000000Z"), sizeof(l->stamp) - 1);
	memcpy(l->stamp, buf_head(&b), n);
	l->stamp[n] = '\0';
	l->second = second;
	buf_deinit(&b);
}

static void
put_time(struct json_line *l, struct json *w, int64_t wall_us)
{
	int64_t second = wall_us / US_PER_S - (wall_us % US_PER_S < 0), rest = wall_us - second * US_PER_S;
	char text[sizeof(l->stamp) + 8];

	if (l->stamp[0] == '\0' || l->second != second)
		refresh_stamp(l, second);
	size_t n = strlen(l->stamp);
	memcpy(text, l->stamp, n);
	for (size_t i = 6; i-- > 0; rest /= 10)
		text[n + i] = (char)('0' + rest % 10);
	text[n + 6] = 'Z';
	json_text(w, (struct span){ text, n + 7 });
}

static void
put_run(struct json *w, uint64_t run)
{
	char text[16];

	for (size_t i = sizeof(text); i-- > 0; run >>= 4)
		text[i] = "0123456789abcdef"[run & 15];
	json_text(w, (struct span){ text, sizeof(text) });
}

static void
put_base64(struct writer *x, struct span s)
{
	buf_clear(&x->line->scratch);
	encode_base64(&x->line->scratch, s.p, s.n);
	json_text(&x->w, buf_span(&x->line->scratch));
}

/* Which texts may carry a URL of the user's, with a secret in it. What a peer says (close reasons) stays as it is. */
static bool
may_hold_url(enum event_type type, const char *name)
{
	return strcmp(name, "url") == 0 || strcmp(name, "upstream") == 0 || strcmp(name, "request") == 0 || strcmp(name, "args") == 0 ||
	    (strcmp(name, "text") == 0 && (type == EV_NOTE || type == EV_FAILED));
}

static void
put_text(struct writer *x, const char *name, struct span s)
{
	struct buf *clean = &x->line->scratch;

	if (s.p == NULL) {
		json_nil(&x->w);
		return;
	}
	if (!x->line->opt.show_secrets && may_hold_url(x->ev->type, name)) {
		buf_clear(clean);
		url_redact(clean, s);
		s = buf_span(clean);
	} else if (!x->line->opt.show_secrets && strcmp(name, "subprotocol") == 0) {
		buf_clear(clean);
		redact_header(clean, SPAN_LIT("Sec-WebSocket-Protocol"), s);
		s = buf_span(clean);
	}
	json_text(&x->w, s);
}

/* A character cut in two by a limit would turn the whole text into base64: it goes, too. */
static struct span
whole_characters(struct span s)
{
	struct utf8 u = { 0 };

	if (utf8_feed(&u, s.p, s.n) == s.n && !utf8_is_complete(&u))
		while (((uint8_t)s.p[--s.n] & 0xc0) == 0x80)
			;
	return s;
}

/* Bytes of a message as far as the options want them; ret_truncated is what the line says about them. */
static struct span
message_data(const struct json_options *opt, const struct ev_message *m, bool *ret_truncated)
{
	struct span data = opt->message_data ? m->data : SPAN_NONE;

	*ret_truncated = m->truncated && data.p != NULL;
	if (opt->data_max > 0 && data.n > opt->data_max) {
		data.n = opt->data_max;
		*ret_truncated = true;
	}
	if (*ret_truncated && m->opcode == 1)
		data = whole_characters(data);
	return data;
}

static void
put_data(struct writer *x, const char *name, struct span s)
{
	if (s.p == NULL)
		return;
	json_key(&x->w, name);
	if (utf8_is_valid(s)) {
		json_text(&x->w, s);
		return;
	}
	put_base64(x, s);
	json_key(&x->w, "encoding");
	json_text(&x->w, SPAN_LIT("base64"));
}

/* FIELD_DATA: its key, too, because it may be left out. */
static void
put_data_field(struct writer *x, const struct field *f, struct span s)
{
	if (x->ev->type == EV_MESSAGE) {
		bool truncated;

		s = message_data(&x->line->opt, &x->ev->u.message, &truncated);
	}
	if (x->ev->type != EV_HEAD || x->line->opt.show_secrets || s.p == NULL) {
		put_data(x, f->name, s);
		return;
	}
	/* put_data() uses the line's scratch. */
	struct buf clean CLEANUP(buf_deinit) = { 0 };

	redact_head(&clean, s);
	put_data(x, f->name, buf_span(&clean));
}

static void
put_texts(struct writer *x, const char *name, const struct span_list *list)
{
	json_begin(&x->w, '[');
	for (size_t i = 0; i < list->n; i++)
		put_text(x, name, list->items[i]);
	json_end(&x->w, ']');
}

static void
put_header(struct writer *x, const struct header *h)
{
	struct span value = h->value.p != NULL ? h->value : SPAN_LIT("");

	json_begin(&x->w, '[');
	json_text(&x->w, h->name);
	if (!utf8_is_valid(value)) {
		struct buf clean CLEANUP(buf_deinit) = { 0 };

		if (x->line->opt.show_secrets)
			buf_append(&clean, value.p, value.n);
		else
			redact_header(&clean, h->name, value);
		put_base64(x, buf_span(&clean));
		json_text(&x->w, SPAN_LIT("base64"));
	} else if (x->line->opt.show_secrets) {
		json_text(&x->w, value);
	} else {
		buf_clear(&x->line->scratch);
		redact_header(&x->line->scratch, h->name, value);
		json_text(&x->w, buf_span(&x->line->scratch));
	}
	json_end(&x->w, ']');
}

static void
put_headers(struct writer *x, const struct header_list *list)
{
	json_begin(&x->w, '[');
	for (size_t i = 0; i < list->n; i++)
		put_header(x, &list->items[i]);
	json_end(&x->w, ']');
}

static void put_fields(struct writer *x, const struct field *fields, const void *base);

static void
put_object(struct writer *x, const struct field *fields, const void *base)
{
	if (base == NULL) {
		json_nil(&x->w);
		return;
	}
	json_begin(&x->w, '{');
	put_fields(x, fields, base);
	json_end(&x->w, '}');
}

static void
put_attempts(struct writer *x, const struct attempt_list *list)
{
	json_begin(&x->w, '[');
	for (size_t i = 0; i < list->n; i++)
		put_object(x, log_attempt_fields, &list->items[i]);
	json_end(&x->w, ']');
}

static void
put_counts(struct json *w, const struct count_list *list)
{
	json_begin(w, '{');
	for (size_t i = 0; i < list->n; i++) {
		json_key(w, list->items[i].name);
		json_u64(w, list->items[i].n);
	}
	json_end(w, '}');
}

static void
put_int_or_null(struct json *w, int64_t v, int64_t none)
{
	if (v == none)
		json_nil(w);
	else
		json_i64(w, v);
}

static void
put_opcode(struct json *w, uint8_t opcode)
{
	const char *name = opcode_name(opcode);

	if (name != NULL)
		json_text(w, span_of(name));
	else
		json_u64(w, opcode);
}

static void
put_bool(struct writer *x, const struct field *f, bool v)
{
	if (x->ev->type == EV_MESSAGE && strcmp(f->name, "truncated") == 0)
		message_data(&x->line->opt, &x->ev->u.message, &v);
	json_bool(&x->w, v);
}

static void
put_value(struct writer *x, const struct field *f, const void *at)
{
	struct json *w = &x->w;

	switch (f->kind) {
	case FIELD_BOOL: put_bool(x, f, *(const bool *)at); break;
	case FIELD_INT: json_i64(w, *(const int *)at); break;
	case FIELD_INT_OR_NULL: put_int_or_null(w, *(const int *)at, 0); break;
	case FIELD_U8: json_u64(w, *(const uint8_t *)at); break;
	case FIELD_U16: json_u64(w, *(const uint16_t *)at); break;
	case FIELD_U32: json_u64(w, *(const uint32_t *)at); break;
	case FIELD_U64: json_u64(w, *(const uint64_t *)at); break;
	case FIELD_I64_OR_NULL: put_int_or_null(w, *(const int64_t *)at, -1); break;
	case FIELD_SECONDS:
		if (*(const int64_t *)at == US_UNKNOWN)
			json_nil(w);
		else
			json_seconds(w, *(const int64_t *)at);
		break;
	case FIELD_TEXT: put_text(x, f->name, *(const struct span *)at); break;
	case FIELD_TEXTS: put_texts(x, f->name, at); break;
	case FIELD_SIGNED_SECONDS: json_seconds(w, *(const int64_t *)at); break;
	case FIELD_HEADERS: put_headers(x, at); break;
	case FIELD_COUNTS: put_counts(w, at); break;
	case FIELD_ATTEMPTS: put_attempts(x, at); break;
	case FIELD_CAUSE: json_text(w, span_of(cause_name(*(const enum cause *)at))); break;
	case FIELD_STAGE: json_text(w, span_of(stage_name(*(const enum stage *)at))); break;
	case FIELD_PARTY: json_text(w, span_of(party_name(*(const enum party *)at))); break;
	case FIELD_DIRECTION: json_text(w, *(const enum direction *)at == DIR_IN ? SPAN_LIT("in") : SPAN_LIT("out")); break;
	case FIELD_OPCODE: put_opcode(w, *(const uint8_t *)at); break;
	case FIELD_OBJECT: put_object(x, f->members, at); break;
	case FIELD_OBJECT_PTR: put_object(x, f->members, *(const void *const *)at); break;
	case FIELD_DATA: break; /* put_fields() */
	}
}

static void
put_fields(struct writer *x, const struct field *fields, const void *base)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		const void *at = (const char *)base + f->offset;

		if (f->kind == FIELD_DATA) {
			put_data_field(x, f, *(const struct span *)at);
		} else {
			json_key(&x->w, f->name);
			put_value(x, f, at);
		}
	}
}

/* As log_common_fields has them. */
static void
put_common(struct writer *x, uint64_t seq)
{
	const struct event *ev = x->ev;
	struct json *w = &x->w;

	json_key(w, "v");
	json_u64(w, EVENT_SCHEMA_VERSION);
	json_key(w, "event");
	json_text(w, span_of(event_name(ev)));
	json_key(w, "time");
	put_time(x->line, w, ev->wall_us);
	json_key(w, "mono");
	json_seconds(w, ev->mono_us);
	json_key(w, "role");
	json_text(w, span_of(role_name(ev->src->role)));
	json_key(w, "run");
	put_run(w, ev->src->run);
	json_key(w, "seq");
	json_u64(w, seq);
	if (ev->session.n > 0) {
		json_key(w, "session");
		json_text(w, ev->session);
	}
	if (ev->conn != 0) {
		json_key(w, "conn");
		json_u64(w, ev->conn);
	}
	if (ev->dial != 0) {
		json_key(w, "dial");
		json_u64(w, ev->dial);
	}
	if (ev->leg != LEG_NONE) {
		json_key(w, "leg");
		json_text(w, span_of(leg_name(ev->leg)));
	}
}

void
json_line_put(struct json_line *l, const struct event *ev, uint64_t seq)
{
	struct writer x = { .w = json_on(&l->text), .line = l, .ev = ev };

	json_begin(&x.w, '{');
	put_common(&x, seq);
	put_fields(&x, event_spec(ev->type)->fields, &ev->u);
	if (ev->type == EV_START) {
		json_key(&x.w, "boot");
		put_text(&x, "boot", span_of(ev->src->boot));
	}
	json_end(&x.w, '}');
}

void
event_to_json(struct buf *out, const struct event *ev, uint64_t seq, const struct json_options *opt)
{
	struct json_line l;

	json_line_init(&l, opt);
	json_line_put(&l, ev, seq);
	buf_append(out, buf_head(&l.text), l.text.len);
	json_line_deinit(&l);
}
