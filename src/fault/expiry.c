/* SPDX-License-Identifier: MIT */
#include "fault/expiry.h"

static const enum plan_do kinds[EXPIRY_KINDS] = { DO_HOLD, DO_DROP, DO_STALL };

void
expiries_set(struct expiries *e, const struct plan_action *a, int64_t now_us)
{
	int bits = a->legs | a->dirs;

	for (int k = 0; k < EXPIRY_KINDS; k++)
		for (int i = 0; i < 2; i++)
			if (kinds[k] == a->what && (bits & (1 << i)))
				e->due_us[k][i] = a->is_timed ? MAX(now_us + a->time_us, INT64_C(1)) : 0;
}

bool
expiries_take(struct expiries *e, int64_t now_us, enum plan_do *ret_what, int *ret_bit)
{
	for (int k = 0; k < EXPIRY_KINDS; k++) {
		for (int i = 0; i < 2; i++) {
			if (e->due_us[k][i] == 0 || e->due_us[k][i] > now_us)
				continue;
			e->due_us[k][i] = 0;
			*ret_what = kinds[k];
			*ret_bit = 1 << i;
			return true;
		}
	}
	return false;
}

int64_t
expiries_next(const struct expiries *e)
{
	int64_t next = -1;

	for (int k = 0; k < EXPIRY_KINDS; k++)
		for (int i = 0; i < 2; i++)
			if (e->due_us[k][i] != 0 && (next < 0 || e->due_us[k][i] < next))
				next = e->due_us[k][i];
	return next;
}
