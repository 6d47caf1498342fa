/* SPDX-License-Identifier: MIT */
/* tcp_info: TCP_INFO and the send queue. In a file of its own because uv.h's netinet/tcp.h and linux/tcp.h cannot meet. */
#ifndef WSDIAG_NET_TCP_INFO_H
#define WSDIAG_NET_TCP_INFO_H

#include "lifecycle/event.h"

/* false where the system does not have it. */
bool tcp_info_read(int fd, struct tcp_facts *ret);
/* Bytes the peer has not acknowledged (SIOCOUTQ); -1 unknown. Read it before close: after an RST TCP_INFO forgets. */
int64_t tcp_info_unacked(int fd);

#endif
