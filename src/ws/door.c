/* SPDX-License-Identifier: MIT */
#include "ws/door.h"

#include "net/listen_address.h"

#include <errno.h>
#include <string.h>

#define FOR_EVER_MS (UINT64_MAX / 2)

struct door {
	struct loop *loop;
	struct journal *journal;
	const struct door_events *up;
	void *arg;
	struct sockaddr_storage address;
	struct listener *listener;    /* NULL while shut */
	bool is_shutting;             /* and the listener not gone yet */
	bool is_told;                 /* that it cannot be opened again */
	bool is_closing;
	uv_timer_t reopen;
	unsigned objects;             /* the listener, the timer */
};

static void on_reopen(uv_timer_t *timer);

static void
release(struct door *d)
{
	if (--d->objects > 0)
		return;
	d->up->closed(d->arg);
	free(d);
}

static void
on_accepted(void *arg, int fd, const char *peer)
{
	struct door *d = arg;

	d->up->accepted(d->arg, fd, peer);
}

static void
on_trouble(void *arg, int err)
{
	struct door *d = arg;

	journal_note(d->journal, "cannot accept connections: %s; those that are open go on%s", strerror(err),
	    err == EMFILE ? " (raise the limit: ulimit -n)" : "");
}

static void
on_listener_closed(void *arg)
{
	struct door *d = arg;

	d->listener = NULL;
	d->is_shutting = false;
	release(d);
}

static const struct listener_events listener_up = { .accepted = on_accepted, .trouble = on_trouble, .closed = on_listener_closed };

static int
open_now(struct door *d)
{
	int err = listener_new(d->loop, &d->address, &listener_up, d, &d->listener);

	if (err == 0)
		d->objects++;
	return err;
}

static void
complain(struct door *d, int err)
{
	char address[64], host[64];

	if (d->is_told)
		return;
	d->is_told = true;
	door_format(d, address, host);
	journal_note(d->journal, "cannot listen again on %s: %s; it is tried again every second", address, strerror(-err));
}

static void
on_reopen(uv_timer_t *timer)
{
	struct door *d = timer->data;
	int err;

	if (d->listener != NULL) {
		uv_timer_start(&d->reopen, on_reopen, 1, 0);
		return;
	}
	err = open_now(d);
	if (err == 0)
		return;
	complain(d, err);
	uv_timer_start(&d->reopen, on_reopen, DOOR_RETRY_MS, 0);
}

int
door_new(struct loop *l, struct journal *j, const struct sockaddr_storage *address, const struct door_events *up, void *arg, struct door **ret)
{
	struct door *d = xcalloc(1, sizeof(*d));
	int err;

	d->loop = l;
	d->journal = j;
	d->address = *address;
	d->up = up;
	d->arg = arg;
	err = open_now(d);
	if (err != 0) {
		free(d);
		return err;
	}
	uv_timer_init(&l->uv, &d->reopen);
	d->reopen.data = d;
	d->objects++;
	*ret = d;
	return 0;
}

void
door_format(const struct door *d, char address[static 64], char host[static 64])
{
	listen_address_format(&d->address, address, host);
}

static void
close_listener(struct door *d)
{
	if (d->listener == NULL || d->is_shutting)
		return;
	d->is_shutting = true;
	listener_close(d->listener);
}

void
door_shut(struct door *d, int64_t for_us)
{
	if (d->is_closing)
		return;
	close_listener(d);
	d->is_told = false;
	uv_timer_start(&d->reopen, on_reopen, for_us >= 0 ? (uint64_t)(for_us / US_PER_MS) : FOR_EVER_MS, 0);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	release(handle->data);
}

void
door_close(struct door *d)
{
	d->is_closing = true;
	close_listener(d);
	uv_close((uv_handle_t *)&d->reopen, on_timer_closed);
}
