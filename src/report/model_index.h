/* SPDX-License-Identifier: MIT */
/* model_index: how a model finds things while it is filled. Internal to model. */
#ifndef WSDIAG_REPORT_MODEL_INDEX_H
#define WSDIAG_REPORT_MODEL_INDEX_H

#include "report/model.h"

/* TEXT_READ_MAX: of a text so much is searched for secrets before the rest of it is cut off, as a password may be long. */
enum { RECENT_DIALS = 8, TEXT_READ_MAX = 8192, TEXT_BYTES_MAX = 16 * 1024 * 1024 };

/* A log may say anything: a time is within 142 years of 1970, a duration or a size below this, else it is not believed. Sums of some hundred then fit; those over
 * all lives have a limit (stats_sum). */
#define MODEL_BELIEVED (INT64_C(1) << 52)

static inline int64_t
model_believed(int64_t us)
{
	return MIN(MAX(us, -MODEL_BELIEVED), MODEL_BELIEVED);
}

/* What is needed of a participant only while its events come. */
struct recent {
	struct {
		uint32_t dial;
		struct moment at;
	} dials[RECENT_DIALS];        /* begun lately */
	uint32_t next_dial;
	uint32_t counted;             /* opens without a number */
	int64_t days_us;              /* a clock without a date passed midnight so often */
	int64_t last_wall_us;
};

struct model_index {
	char **texts;                 /* an open hash set; n_text_slots is a power of two */
	uint32_t n_texts, n_text_slots;
	size_t text_bytes;
	struct buf clean;             /* a text while it is redacted */
	uint32_t *lives;              /* an open hash table of indices + 1 by (participant, leg, id) */
	uint32_t n_life_slots;
	struct recent *recent;        /* by participant */
	uint32_t log_participant[MODEL_LOGS_MAX]; /* the last that spoke in a log */
};

/* How far back an end without a number looks for its open: in lives. */
enum { LOOK_BACK = 4096 };

/* An event while it is taken. */
struct taking {
	struct model *m;
	const struct event *ev;
	uint32_t participant;
	struct moment at;
};

static inline struct participant *
model_who(const struct taking *t)
{
	return &t->m->participants[t->participant];
}

/* Or a size: what is not known is -1, too. */
static inline int64_t
model_duration(int64_t us)
{
	return us >= 0 && us < MODEL_BELIEVED ? us : US_UNKNOWN;
}

/* model_open.c */
void model_begin_dial(struct taking *t);
void model_take_opened(struct taking *t);
void model_take_failed(struct taking *t);
void model_take_reject(struct taking *t);
/* The last that a participant opened; NULL. */
struct life *model_newest_life(const struct taking *t);

struct model_index *model_index_new(void);
void model_index_free(struct model_index *x);
/* An interned copy, without its secrets and then cut at MODEL_TEXT_MAX; NULL for an empty s. All text of logs comes in here. */
const char *model_text(struct model *m, struct span s);
/* The same of what the header of this name says. */
const char *model_header(struct model *m, struct span name, struct span value);
/* NULL: none. */
struct life *model_find_life(const struct model *m, uint32_t participant, enum leg leg, uint32_t id);
/* A new life, which has no number yet to be found by; NULL: no room. */
struct life *model_add_life(struct model *m, uint32_t participant, enum leg leg, uint32_t id);
/* The participant of an event; NO_INDEX: no room. */
uint32_t model_participant(struct model *m, const struct place *at, const struct event *ev);
/* Room for one more of n items in a growing array. */
void *model_grow(void *items, uint32_t n, size_t size);

#endif
