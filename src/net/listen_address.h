/* SPDX-License-Identifier: MIT */
/* listen_address: where to listen, as a person writes it, and as it is told. */
#ifndef WSDIAG_NET_LISTEN_ADDRESS_H
#define WSDIAG_NET_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* [[ADDRESS:]PORT]: "8080", "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "*:8080" (every address); NULL: loopback and a free port. */
bool listen_address_parse(const char *text, struct sockaddr_storage *ret);
/* As it is bound, and as a client on this machine reaches it: a wildcard through loopback. */
void listen_address_format(const struct sockaddr_storage *address, char ret_bound[64], char ret_reached[64]);

#endif
