/* SPDX-License-Identifier: MIT */
/* net_dead: an address that neither accepts nor refuses: a listener whose backlog is full, so that the kernel drops what else comes. */
#ifndef WSDIAG_TESTS_NET_DEAD_H
#define WSDIAG_TESTS_NET_DEAD_H

#include "support/net.h"

#include <arpa/inet.h>
#include <fcntl.h>

enum { NET_DEAD_FILL = 4 };

struct net_dead {
	int listener, fill[NET_DEAD_FILL];
};

static inline struct sockaddr_storage
net_address(const char *text, uint16_t port)
{
	struct sockaddr_storage a = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
	}
	return a;
}

static inline void
net_dead_open(struct net_dead *dead, const char *text, uint16_t port)
{
	const struct sockaddr_storage a = net_address(text, port);

	dead->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(dead->listener, (const struct sockaddr *)&a, sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(listen(dead->listener, 0), 0);
	for (int i = 0; i < NET_DEAD_FILL; i++) {
		dead->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(dead->fill[i], (const struct sockaddr *)&a, sizeof(struct sockaddr_in));
	}
}

static inline void
net_dead_close(struct net_dead *dead)
{
	for (int i = 0; i < NET_DEAD_FILL; i++)
		close(dead->fill[i]);
	close(dead->listener);
}

#endif
