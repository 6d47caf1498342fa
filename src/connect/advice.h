/* SPDX-License-Identifier: MIT */
/* advice: what to try after a dial failed: the sentence behind the facts. */
#ifndef WSDIAG_CONNECT_ADVICE_H
#define WSDIAG_CONNECT_ADVICE_H

#include "ws/client.h"

/* Static text, or NULL where there is nothing to say that the failure's own text does not say. */
const char *advice_for(const struct client_failure *f, const struct url *url);

#endif
