/* SPDX-License-Identifier: MIT */
/* input_inflate: gzip (RFC 1952), also of several members as log rotation makes it. Whatever it unpacks to passes through one block. */
#ifndef WSDIAG_REPORT_INPUT_INFLATE_H
#define WSDIAG_REPORT_INPUT_INFLATE_H

#include "base/mem.h"
#include "base/span.h"

struct input_inflate;

bool input_inflate_knows(struct span head);
struct input_inflate *input_inflate_new(void);
void input_inflate_free(struct input_inflate *i);
/* Every piece of text goes to take; false: it is no valid gzip from here on. Bytes behind the last member that begin no other are ignored, as gzip(1) does. */
bool input_inflate_feed(struct input_inflate *i, struct span data, void (*take)(void *arg, struct span text), void *arg);
/* Whether it may end here. */
bool input_inflate_is_whole(const struct input_inflate *i);

#endif
