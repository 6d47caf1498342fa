/* SPDX-License-Identifier: MIT */
/* Dispatch. A NULL operation is the one of the layer below: a filter writes only what it changes. */
#include "net/transport.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

void
transport_set_owner(struct transport *t, const struct transport_events *up, void *arg)
{
	t->up = up;
	t->up_arg = arg;
}

int
transport_ends(const struct transport *t, struct transport_end ret[TRANSPORT_ENDS_MAX])
{
	int n = 0;

	for (; t != NULL; t = t->below) {
		for (int i = 0; i < t->n_ends && n < TRANSPORT_ENDS_MAX; i++)
			ret[n++] = t->ends[i];
	}
	return n;
}

void
transport_add_end(struct transport *t, enum transport_layer layer, enum end_kind kind, int code, const char *text)
{
	for (int i = 0; i < t->n_ends; i++) {
		if (t->ends[i].kind == kind)
			return;
	}
	if (t->n_ends == TRANSPORT_ENDS_MAX)
		return;
	struct transport_end *end = &t->ends[t->n_ends++];
	*end = (struct transport_end){ .layer = layer, .kind = kind, .code = code };
	snprintf(end->text, sizeof(end->text), "%s", text != NULL ? text : "");
}

ssize_t
transport_read(struct transport *t, void *data, size_t n)
{
	while (t->ops->read == NULL)
		t = t->below;
	return t->ops->read(t, data, n);
}

ssize_t
transport_writev(struct transport *t, const struct iovec *iov, int n)
{
	while (t->ops->writev == NULL)
		t = t->below;
	return t->ops->writev(t, iov, n);
}

size_t
transport_pending(const struct transport *t)
{
	size_t n = 0;

	for (; t != NULL; t = t->below)
		n += t->ops->pending != NULL ? t->ops->pending(t) : 0;
	return n;
}

void
transport_want(struct transport *t, unsigned bits)
{
	while (t->ops->want == NULL)
		t = t->below;
	t->ops->want(t, bits);
}

int
transport_half_close(struct transport *t)
{
	while (t->ops->half_close == NULL)
		t = t->below;
	return t->ops->half_close(t);
}

void
transport_close(struct transport *t, enum transport_close how)
{
	while (t->ops->close == NULL)
		t = t->below;
	t->ops->close(t, how);
}

void
transport_stat(struct transport *t, struct transport_stat *ret)
{
	while (t->ops->stat == NULL)
		t = t->below;
	t->ops->stat(t, ret);
}

bool
transport_was_reset(struct transport *t)
{
	struct transport_stat stat;

	transport_stat(t, &stat);
	return stat.has_tcp && span_eq(stat.tcp.state, "CLOSE");
}

const struct tls_facts *
transport_tls(const struct transport *t)
{
	for (; t != NULL; t = t->below) {
		if (t->ops->tls != NULL)
			return t->ops->tls(t);
	}
	return NULL;
}
