/* SPDX-License-Identifier: MIT */
#include "log/reader_value.h"

#include "codec/encode.h"
#include "log/sink.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Seventy years: up to there a double keeps microseconds exactly. */
#define SECONDS_MAX 2.2e9

void
values_deinit(struct values *v)
{
	json_decref(v->root);
	arena_deinit(&v->arena);
	buf_deinit(&v->scratch);
}

bool
values_fail(struct values *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->error, sizeof(v->error), fmt, ap);
	va_end(ap);
	return false;
}

bool
values_parse(struct values *v, struct span line)
{
	json_error_t error;

	json_decref(v->root);
	arena_clear(&v->arena);
	v->error[0] = '\0';
	v->root = json_loadb(line.p != NULL ? line.p : "", line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (v->root == NULL)
		return values_fail(v, "%s, at byte %d", error.text, error.position);
	return json_is_object(v->root) || values_fail(v, "no JSON object");
}

static struct span
text_of(const json_t *j)
{
	return (struct span){ json_string_value(j), json_string_length(j) };
}

/* --- one value of each kind: false, and *at as it was, where the kind is another --- */

static bool
read_bool(const json_t *j, bool *at)
{
	if (!json_is_boolean(j))
		return false;
	*at = json_is_true(j);
	return true;
}

static bool
read_integer(const json_t *j, int64_t min, int64_t max, int64_t *ret)
{
	if (!json_is_integer(j) || json_integer_value(j) < min || json_integer_value(j) > max)
		return false;
	*ret = json_integer_value(j);
	return true;
}

static bool
read_seconds(const json_t *j, int64_t *at)
{
	double seconds = json_number_value(j);

	if (!json_is_number(j) || !(fabs(seconds) <= SECONDS_MAX))
		return false;
	*at = (int64_t)(seconds * 1e6 + (seconds < 0 ? -0.5 : 0.5));
	return true;
}

static bool
read_text(const json_t *j, struct span *at)
{
	if (!json_is_string(j))
		return false;
	*at = text_of(j);
	return true;
}

static bool
read_base64(struct values *v, struct span text, struct span *at)
{
	buf_clear(&v->scratch);
	if (!decode_base64(&v->scratch, text))
		return false;
	*at = arena_copy(&v->arena, (struct span){ v->scratch.len > 0 ? (const char *)buf_head(&v->scratch) : "", v->scratch.len });
	return true;
}

/* Beside an "encoding" in the same object. */
static bool
read_data(struct values *v, const json_t *object, const json_t *j, struct span *at)
{
	const json_t *encoding = json_object_get(object, "encoding");

	if (encoding == NULL)
		return read_text(j, at);
	return json_is_string(j) && json_is_string(encoding) && span_eq(text_of(encoding), "base64") && read_base64(v, text_of(j), at);
}

static bool
read_texts(struct values *v, const json_t *j, struct span_list *at)
{
	size_t n = json_array_size(j);
	struct span *items = arena_get(&v->arena, n * sizeof(*items));

	if (!json_is_array(j))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!read_text(json_array_get(j, i), &items[i]))
			return false;
	*at = (struct span_list){ items, n };
	return true;
}

static bool
read_header(struct values *v, const json_t *j, struct header *at)
{
	const json_t *encoding = json_array_get(j, 2);

	if (!read_text(json_array_get(j, 0), &at->name) || !read_text(json_array_get(j, 1), &at->value))
		return false;
	if (encoding == NULL)
		return true;
	return json_is_string(encoding) && span_eq(text_of(encoding), "base64") && read_base64(v, at->value, &at->value);
}

static bool
read_headers(struct values *v, const json_t *j, struct header_list *at)
{
	size_t n = json_array_size(j);
	struct header *items = arena_get(&v->arena, n * sizeof(*items));

	if (!json_is_array(j))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!read_header(v, json_array_get(j, i), &items[i]))
			return false;
	*at = (struct header_list){ items, n };
	return true;
}

static bool
read_attempts(struct values *v, const json_t *j, struct attempt_list *at)
{
	size_t n = json_array_size(j);
	struct attempt *items = arena_get(&v->arena, n * sizeof(*items));

	if (!json_is_array(j))
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(j, i);

		if (!json_is_object(item) || !values_read(v, item, log_attempt_fields, &items[i]))
			return false;
	}
	*at = (struct attempt_list){ items, n };
	return true;
}

/* Names are written without escaping. */
static bool
is_name(const char *s)
{
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._")] == '\0';
}

static bool
read_counts(struct values *v, const json_t *j, struct count_list *at)
{
	size_t n = json_object_size(j), i = 0;
	struct count *items = arena_get(&v->arena, n * sizeof(*items));
	const char *key;
	json_t *value;
	int64_t count;

	if (!json_is_object(j))
		return false;
	json_object_foreach((json_t *)(uintptr_t)j, key, value) {
		if (!is_name(key) || !read_integer(value, 0, UINT32_MAX, &count))
			return false;
		items[i++] = (struct count){ key, (uint32_t)count };
	}
	*at = (struct count_list){ items, n };
	return true;
}

/* The number of the name that name_of() gives; an enum is kept as an unsigned int. */
static bool
read_name(const json_t *j, const char *(*name_of)(unsigned i), unsigned n, unsigned *ret)
{
	if (!json_is_string(j))
		return false;
	for (unsigned i = 0; i < n; i++) {
		const char *name = name_of(i);

		if (name != NULL && span_eq(text_of(j), name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static const char *
nth_cause(unsigned i)
{
	return cause_name((enum cause)i);
}

static const char *
nth_stage(unsigned i)
{
	return stage_name((enum stage)i);
}

static const char *
nth_party(unsigned i)
{
	return party_name((enum party)i);
}

static const char *
nth_direction(unsigned i)
{
	return i == DIR_IN ? "in" : "out";
}

/* Causes are added without a new version. */
static bool
read_cause(const json_t *j, enum cause *at)
{
	unsigned i = CAUSE_NONE;

	read_name(j, nth_cause, CAUSE_COUNT, &i);
	*at = (enum cause)i;
	return json_is_string(j);
}

static bool
read_opcode(const json_t *j, uint8_t *at)
{
	unsigned i;
	int64_t number;

	if (read_name(j, opcode_name, 16, &i))
		*at = (uint8_t)i;
	else if (read_integer(j, 0, 15, &number))
		*at = (uint8_t)number;
	else
		return false;
	return true;
}

/* Into a struct of its own; the members say how large it must be. */
static bool
read_pointer(struct values *v, const json_t *j, const struct field *members, const void **at)
{
	size_t size = 0;

	for (const struct field *f = members; f->name != NULL; f++)
		size = MAX(size, f->offset + sizeof(struct span));
	if (!json_is_object(j))
		return false;
	*at = arena_get(&v->arena, size);
	return values_read(v, j, members, (void *)(uintptr_t)*at);
}

/* Into an integer of whatever width. */
#define READ_INTEGER(type, min, max) (read_integer(j, min, max, &number) && (*(type *)at = (type)number, true))

static bool
read_value(struct values *v, const struct field *f, const json_t *object, const json_t *j, void *at)
{
	int64_t number;

	switch (f->kind) {
	case FIELD_BOOL: return read_bool(j, at);
	case FIELD_INT:
	case FIELD_INT_OR_NULL: return READ_INTEGER(int, INT_MIN, INT_MAX);
	case FIELD_U8: return READ_INTEGER(uint8_t, 0, UINT8_MAX);
	case FIELD_U16: return READ_INTEGER(uint16_t, 0, UINT16_MAX);
	case FIELD_U32: return READ_INTEGER(uint32_t, 0, UINT32_MAX);
	case FIELD_U64: return READ_INTEGER(uint64_t, 0, INT64_MAX);
	case FIELD_I64_OR_NULL: return read_integer(j, INT64_MIN, INT64_MAX, at);
	case FIELD_SECONDS:
	case FIELD_SIGNED_SECONDS: return read_seconds(j, at);
	case FIELD_TEXT: return read_text(j, at);
	case FIELD_DATA: return read_data(v, object, j, at);
	case FIELD_TEXTS: return read_texts(v, j, at);
	case FIELD_HEADERS: return read_headers(v, j, at);
	case FIELD_COUNTS: return read_counts(v, j, at);
	case FIELD_ATTEMPTS: return read_attempts(v, j, at);
	case FIELD_CAUSE: return read_cause(j, at);
	case FIELD_STAGE: return read_name(j, nth_stage, STAGE_OPEN + 1, at);
	case FIELD_PARTY: return read_name(j, nth_party, BY_PATH + 1, at);
	case FIELD_DIRECTION: return read_name(j, nth_direction, DIR_OUT + 1, at);
	case FIELD_OPCODE: return read_opcode(j, at);
	case FIELD_OBJECT: return json_is_object(j) && values_read(v, j, f->members, at);
	case FIELD_OBJECT_PTR: return read_pointer(v, j, f->members, at);
	}
	return false;
}

bool
values_read(struct values *v, const json_t *object, const struct field *fields, void *base)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		const json_t *j = json_object_get(object, f->name);
		void *at = (char *)base + f->offset;

		field_set_unknown(f, at);
		if (j == NULL || json_is_null(j) || read_value(v, f, object, j, at))
			continue;
		if (!v->is_newer)
			return values_fail(v, "%s is not what it should be", f->name);
		field_set_unknown(f, at);
	}
	return true;
}
