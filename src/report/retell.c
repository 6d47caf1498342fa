/* SPDX-License-Identifier: MIT */
#include "report/retell.h"

#include "base/clock.h"

#include <string.h>

/* Less is not worth a word. */
#define MOVED_US US_PER_S
/* How long it may happen again and again without a word. */
#define GROWTH_US (60 * US_PER_S)

/* --- which is which --- */

static bool
has_line(const struct sample *s, const struct place *at)
{
	for (size_t i = 0; i < SAMPLE_PLACES_MAX; i++)
		if (s->places[i].line == at->line && s->places[i].log == at->log)
			return true;
	return false;
}

static bool
is_same_subject(const struct sample *a, const struct sample *b)
{
	if ((a->life != NO_INDEX && a->life == b->life) || (a->failed != NO_INDEX && a->failed == b->failed))
		return true;
	for (size_t i = 0; i < SAMPLE_PLACES_MAX; i++)
		if (a->places[i].line > 0 && has_line(b, &a->places[i]))
			return true;
	return false;
}

static uint32_t
count_shared(const struct finding *a, const struct finding *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->n_kept; i++)
		for (uint32_t k = 0; k < b->n_kept; k++)
			if (is_same_subject(&a->samples[i], &b->samples[k])) {
				n++;
				break;
			}
	return n;
}

/* The one of told that has most in common with f; NO_INDEX: none. */
static uint32_t
find_told(const struct findings *told, const bool *is_taken, const struct finding *f)
{
	uint32_t best = NO_INDEX, most = 0;

	for (uint32_t i = 0; i < told->n; i++) {
		uint32_t shared = is_taken[i] || told->items[i].kind != f->kind ? 0 : count_shared(&told->items[i], f);

		if (shared > most) {
			most = shared;
			best = i;
		}
	}
	return best;
}

/* --- whether it is another story now --- */

static bool
has_moved(int64_t a, int64_t b)
{
	return a == NO_TIME || b == NO_TIME ? a != b : llabs(a - b) >= MOVED_US;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same_evidence(const struct finding *a, const struct finding *b)
{
	if (a->n_samples != b->n_samples || a->n_kept != b->n_kept)
		return false;
	for (uint32_t i = 0; i < a->n_kept; i++)
		for (size_t k = 0; k < SAMPLE_PLACES_MAX; k++) {
			const struct place *x = &a->samples[i].places[k], *y = &b->samples[i].places[k];

			if (x->line != y->line || x->log != y->log)
				return false;
		}
	return true;
}

static int64_t
last_of(const struct finding *f)
{
	return f->to_us != NO_TIME ? f->to_us : f->from_us;
}

static bool
is_revised(const struct finding *was, const struct finding *is)
{
	if (was->confidence != is->confidence || was->is_before != is->is_before || !is_same_text(was->advice, is->advice))
		return true;
	if (is->n_samples > was->n_samples)
		return is->n_samples / 2 >= was->n_samples || last_of(is) - last_of(was) >= GROWTH_US;
	return has_moved(was->from_us, is->from_us) || has_moved(was->to_us, is->to_us) || !is_same_text(was->text, is->text) || !is_same_evidence(was, is);
}

/* --- */

static void
tell_withdrawn(const struct findings *told, const bool *is_taken, retell_fn *tell, void *arg)
{
	for (uint32_t i = 0; i < told->n; i++)
		if (!is_taken[i])
			tell(arg, RETOLD_WITHDRAWN, &told->items[i]);
}

void
retell(struct findings *told, struct findings *now, retell_fn *tell, void *arg)
{
	uint32_t *was = xcalloc(MAX(now->n, UINT32_C(1)), sizeof(*was));
	bool *is_taken = xcalloc(MAX(told->n, UINT32_C(1)), sizeof(*is_taken));

	for (uint32_t i = 0; i < now->n; i++) {
		was[i] = find_told(told, is_taken, &now->items[i]);
		if (was[i] != NO_INDEX)
			is_taken[was[i]] = true;
	}
	tell_withdrawn(told, is_taken, tell, arg);
	for (uint32_t i = 0; i < now->n; i++) {
		struct finding *f = &now->items[i];

		if (was[i] == NO_INDEX) {
			tell(arg, RETOLD_NEW, f);
		} else if (is_revised(&told->items[was[i]], f)) {
			tell(arg, RETOLD_REVISED, f);
		} else {
			/* It stays as it was told, so that small moves add up. */
			struct finding same = told->items[was[i]];

			told->items[was[i]] = *f;
			*f = same;
		}
	}
	free(was);
	free(is_taken);
	findings_deinit(told);
	*told = *now;
	*now = (struct findings){ 0 };
}
