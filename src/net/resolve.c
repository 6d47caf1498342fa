/* SPDX-License-Identifier: MIT */
#include "net/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* A question to the system. It outlives the resolve that asked: a thread is working on it. */
struct lookup {
	uv_getaddrinfo_t request;
	struct loop *l;
	struct resolve *owner; /* NULL: nobody waits any more */
	int family;
};

/* One family's answer. Known inside resolve_start() (a literal, a name the system will not even take): told by the task. */
struct query {
	int family;
	struct lookup *lookup;
	bool is_known;
	int status;
};

struct resolve {
	struct loop *l;
	resolve_fn *fn;
	void *arg;
	char *host;
	uint16_t port;
	struct query queries[2];
	size_t n_queries;
	unsigned pending;
	struct sockaddr_storage literal;
	struct loop_task task;
};

static void
describe(struct failure *f, const char *host, int status)
{
	switch (status) {
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
	case UV_EAI_ADDRFAMILY:
		failure_set(f, STAGE_DNS, CAUSE_DNS_NOT_FOUND, status, "no such host: %s", host);
		break;
	default:
		failure_set(f, STAGE_DNS, CAUSE_DNS_FAILED, status, "cannot look up %s: %s", host, uv_strerror(status));
		break;
	}
}

static void
set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

/* The last thing done with r: fn may cancel it. */
static void
answer(struct resolve *r, int family, const struct sockaddr_storage *addresses, size_t n, int status)
{
	struct failure f;

	r->pending--;
	if (n == 0)
		describe(&f, r->host, status != 0 ? status : UV_EAI_NODATA);
	r->fn(r->arg, family, addresses, n, n == 0 ? &f : NULL);
}

static size_t
copy_addresses(const struct addrinfo *list, uint16_t port, struct sockaddr_storage out[RESOLVE_MAX])
{
	size_t n = 0;

	for (const struct addrinfo *ai = list; ai != NULL && n < RESOLVE_MAX; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(out[n]))
			continue;
		memset(&out[n], 0, sizeof(out[n]));
		memcpy(&out[n], ai->ai_addr, ai->ai_addrlen);
		set_port(&out[n], port);
		n++;
	}
	return n;
}

static void
on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct lookup *lookup = container_of(request, struct lookup, request);
	struct resolve *r = lookup->owner;
	struct sockaddr_storage addresses[RESOLVE_MAX];
	int family = lookup->family;
	size_t n = r != NULL ? copy_addresses(list, r->port, addresses) : 0;

	lookup->l->lookups--;
	uv_freeaddrinfo(list);
	free(lookup);
	if (r == NULL)
		return;
	r->queries[r->queries[0].family == family ? 0 : 1].lookup = NULL;
	answer(r, family, addresses, n, status);
}

static void
on_task(struct loop_task *task)
{
	struct resolve *r = container_of(task, struct resolve, task);

	for (size_t i = 0; i < r->n_queries; i++) {
		struct query *q = &r->queries[i];

		if (!q->is_known)
			continue;
		q->is_known = false;
		loop_defer(r->l, task); /* for the other one */
		answer(r, q->family, &r->literal, q->status == 0 ? 1 : 0, q->status);
		return;
	}
}

static void
know(struct resolve *r, struct query *q, int status)
{
	q->is_known = true;
	q->status = status;
	loop_defer(r->l, &r->task);
}

static void
ask(struct resolve *r, struct query *q)
{
	const struct addrinfo hints = { .ai_family = q->family, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP };
	struct lookup *lookup = xcalloc(1, sizeof(*lookup));

	*lookup = (struct lookup){ .l = r->l, .owner = r, .family = q->family };
	int rc = uv_getaddrinfo(&r->l->uv, &lookup->request, on_lookup, r->host, NULL, &hints);
	if (rc < 0) {
		free(lookup);
		know(r, q, rc);
		return;
	}
	r->l->lookups++;
	q->lookup = lookup;
}

/* Only getaddrinfo knows about scopes ("fe80::1%eth0"); with AI_NUMERICHOST it asks nobody. */
static bool
parse_literal(const char *host, uint16_t port, struct sockaddr_storage *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *list;

	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	*ret = (struct sockaddr_storage){ 0 };
	memcpy(ret, list->ai_addr, list->ai_addrlen);
	set_port(ret, port);
	freeaddrinfo(list);
	return true;
}

static void
add_query(struct resolve *r, int family)
{
	r->queries[r->n_queries++] = (struct query){ .family = family };
	r->pending++;
}

struct resolve *
resolve_start(struct loop *l, const char *host, uint16_t port, int families, resolve_fn *fn, void *arg)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	r->l = l;
	r->fn = fn;
	r->arg = arg;
	r->host = xstrdup(host);
	r->port = port;
	r->task.run = on_task;
	if (parse_literal(host, port, &r->literal)) {
		int family = r->literal.ss_family;

		add_query(r, families == AF_UNSPEC ? family : families);
		know(r, &r->queries[0], r->queries[0].family == family ? 0 : UV_EAI_ADDRFAMILY);
		return r;
	}
	if (families != AF_INET)
		add_query(r, AF_INET6);
	if (families != AF_INET6)
		add_query(r, AF_INET);
	for (size_t i = 0; i < r->n_queries; i++)
		ask(r, &r->queries[i]);
	return r;
}

bool
resolve_is_literal(const struct resolve *r)
{
	return r->literal.ss_family != AF_UNSPEC;
}

unsigned
resolve_pending(const struct resolve *r)
{
	return r->pending;
}

void
resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_queries; i++) {
		struct lookup *lookup = r->queries[i].lookup;

		if (lookup == NULL)
			continue;
		lookup->owner = NULL;
		/* Helps only while no thread has taken it up. */
		uv_cancel((uv_req_t *)&lookup->request);
	}
	loop_undefer(&r->task);
	free(r->host);
	free(r);
}
