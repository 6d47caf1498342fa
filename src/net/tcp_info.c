/* SPDX-License-Identifier: MIT */
#include "net/tcp_info.h"

#include "base/clock.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The kernel's numbers (net/tcp_states.h), which are not in a header for programs. */
enum { STATE_FIN_WAIT1 = 4, STATE_LAST_ACK = 9, STATE_CLOSING = 11 };

static struct span
state_name(unsigned state)
{
	static const char *const names[] = { NULL, "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
		"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING" };

	return span_of(state < sizeof(names) / sizeof(names[0]) ? names[state] : NULL);
}

static bool
read_info(int fd, struct tcp_info *ret)
{
	socklen_t size = sizeof(*ret);

	*ret = (struct tcp_info){ 0 };
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret, &size) == 0;
}

bool
tcp_info_read(int fd, struct tcp_facts *ret)
{
	struct tcp_info info;

	if (!read_info(fd, &info))
		return false;
	*ret = (struct tcp_facts){
		.state = state_name(info.tcpi_state),
		/* 0: nothing measured yet. */
		.rtt = info.tcpi_rtt > 0 ? (int64_t)info.tcpi_rtt : US_UNKNOWN,
		.rtt_var = info.tcpi_rtt > 0 ? (int64_t)info.tcpi_rttvar : US_UNKNOWN,
		.last_sent = info.tcpi_last_data_sent * US_PER_MS,
		.last_received = info.tcpi_last_data_recv * US_PER_MS,
		.last_ack = info.tcpi_last_ack_recv * US_PER_MS,
		.unacked = info.tcpi_unacked,
		.retransmits = info.tcpi_retransmits,
		.total_retransmits = info.tcpi_total_retrans,
		.lost = info.tcpi_lost,
	};
	return true;
}

int64_t
tcp_info_unacked(int fd)
{
	struct tcp_info info;
	int queued;

	if (ioctl(fd, SIOCOUTQ, &queued) < 0)
		return -1;
	/* Our FIN takes a number in the sequence and is no byte of anybody's. */
	if (queued > 0 && read_info(fd, &info) &&
	    (info.tcpi_state == STATE_FIN_WAIT1 || info.tcpi_state == STATE_LAST_ACK || info.tcpi_state == STATE_CLOSING))
		queued--;
	return queued;
}
