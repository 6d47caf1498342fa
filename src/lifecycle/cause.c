/* SPDX-License-Identifier: MIT */
#include "lifecycle/cause.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *help;
} causes[] = {
#define X(id, name, help) [CAUSE_##id] = { name, help },
	CAUSES(X)
#undef X
};

const char *
cause_name(enum cause c)
{
	return causes[c].name;
}

const char *
cause_help(enum cause c)
{
	return causes[c].help;
}

const char *
stage_name(enum stage s)
{
	static const char *const names[] = { [STAGE_DNS] = "dns", [STAGE_TCP] = "tcp", [STAGE_TUNNEL] = "tunnel",
		[STAGE_TLS] = "tls", [STAGE_UPGRADE] = "upgrade", [STAGE_OPEN] = "open" };

	return names[s];
}

const char *
party_name(enum party p)
{
	static const char *const names[] = { [BY_PEER] = "peer", [BY_LOCAL] = "local", [BY_PATH] = "path" };

	return names[p];
}

void
failure_set(struct failure *f, enum stage stage, enum cause cause, int code, const char *fmt, ...)
{
	va_list ap;

	*f = (struct failure){ .stage = stage, .cause = cause, .code = code };
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

enum cause
cause_of_errno(int err)
{
	switch (err) {
	case ECONNREFUSED: return CAUSE_TCP_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN: return CAUSE_TCP_UNREACHABLE;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE: return CAUSE_TCP_RESET;
	case ETIMEDOUT: return CAUSE_TCP_TIMED_OUT;
	default: return CAUSE_TCP_FAILED;
	}
}

void
failure_set_errno(struct failure *f, enum stage stage, int err)
{
	failure_set(f, stage, cause_of_errno(err), err, "%s", strerror(err));
}
