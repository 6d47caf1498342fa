/* SPDX-License-Identifier: MIT */
/* intro: what is about to be seen: the plan's name, its lines with their numbers, and how client and server are set up for it. Pure. */
#ifndef WSDIAG_DEMO_INTRO_H
#define WSDIAG_DEMO_INTRO_H

#include "demo/setting.h"

/* summary: NULL for a file. text: the plan's. s: as it is played, sped up. */
void intro_tell(struct buf *out, const char *name, const char *summary, struct span text, const struct setting *s);

#endif
