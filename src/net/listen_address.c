/* SPDX-License-Identifier: MIT */
#include "net/listen_address.h"

#include "base/mem.h"
#include "net/tcp.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool
parse_port(const char *text, in_port_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n > UINT16_MAX)
		return false;
	*ret = htons((uint16_t)n);
	return true;
}

bool
listen_address_parse(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	const char *colon = text != NULL ? strrchr(text, ':') : NULL;
	char *host CLEANUP(free_charp) = NULL;
	in_port_t port = 0;

	if (text != NULL && !parse_port(colon != NULL ? colon + 1 : text, &port))
		return false;
	memset(ret, 0, sizeof(*ret));
	host = colon != NULL && colon > text ? xstrndup(text, (size_t)(colon - text)) : xstrdup("localhost");
	size_t n = strlen(host);
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = port;
	if (strcmp(host, "localhost") == 0)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (strcmp(host, "*") == 0)
		v4->sin_addr.s_addr = htonl(INADDR_ANY);
	else
		return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
	return true;
}

void
listen_address_format(const struct sockaddr_storage *address, char ret_bound[64], char ret_reached[64])
{
	struct sockaddr_storage reached = *address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&reached;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&reached;

	tcp_format_address((const struct sockaddr *)address, ret_bound);
	if (reached.ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY))
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (reached.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		v6->sin6_addr = in6addr_loopback;
	tcp_format_address((const struct sockaddr *)&reached, ret_reached);
}
