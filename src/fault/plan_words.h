/* SPDX-License-Identifier: MIT */
/* plan_words: what each action of the language takes and where it may stand; beside the rows of plan.h that people read. Internal to plan*.c. */
#ifndef WSDIAG_FAULT_PLAN_WORDS_H
#define WSDIAG_FAULT_PLAN_WORDS_H

#include "fault/plan.h"

/* What follows an action's name. The first ones are required and in this order; the others may come in any order, or not at all. */
enum takes {
	TAKES_TIME = 1 << 0,
	TAKES_SIZE = 1 << 1,     /* bytes, or bytes a second */
	TAKES_STATUS = 1 << 2,
	TAKES_NAME = 1 << 3,     /* a header's */
	TAKES_HEADER = 1 << 4,   /* NAME: VALUE */
	TAKES_CODE = 1 << 5,     /* [CODE] ["REASON"] */
	TAKES_TEXT = 1 << 6,     /* ["BODY"] */
	TAKES_HOW = 1 << 7,      /* [fin|rst|close ...] */
	TAKES_LEG = 1 << 8,
	TAKES_DIR = 1 << 9,
	TAKES_FOR = 1 << 10,     /* [for TIME] */
	TAKES_WITHIN = 1 << 11,  /* [within TIME] */
};

/* Kinds of moments, as far as actions care. */
enum moment_class {
	IN_ACCEPT = 1,
	IN_REQUEST = 2,
	IN_RESPONSE = 4,
	IN_OPEN = 8,
	IN_FRAME = 16,
	IN_UPGRADE = IN_REQUEST | IN_RESPONSE,
	IN_ALL = 31,
};

struct action_row {
	unsigned takes;
	unsigned classes;           /* enum moment_class */
	unsigned server_classes;    /* the same for serve; 0: proxy only */
	bool is_for_all;            /* done to the listener or to every connection, not to one */
};

extern const struct action_row plan_action_rows[DO_COUNT];

enum moment_class plan_moment_class(const struct plan_moment *m);
/* "at request, at response": for sentences. */
void plan_say_classes(struct buf *out, unsigned classes);

#endif
