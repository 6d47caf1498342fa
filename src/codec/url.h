/* SPDX-License-Identifier: MIT */
/*
 * url: ws: and wss: URLs (RFC 6455 section 3, over RFC 3986 by uriparser), and what people type instead of them.
 *
 * "example.org", "example.org:8080/chat", "[::1]:9000" and ":9000" (this machine) mean ws://. http: and https: are read as ws: and wss:.
 * A name that is not ASCII goes to the resolver, SNI and Host in its IDNA form (libidn2). Characters of path and query that may not stand
 * in a URL are percent-encoded.
 */
#ifndef WSDIAG_CODEC_URL_H
#define WSDIAG_CODEC_URL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct url {
	bool is_tls;
	char *host;      /* as asked of the resolver: ASCII; an IPv6 literal without brackets */
	bool is_literal; /* host is an IP address */
	uint16_t port;
	char *target;    /* path and query, as in the request line: "/chat?x=1" */
	char *userinfo;  /* "user:password", percent-decoded; NULL: none */
	char *text;      /* the whole URL, normalised, WITHOUT userinfo; what events show */
	char *host_header; /* "example.org", "example.org:8080", "[::1]:9000": the port only where it is not the default */
};

/* 0, or -EINVAL with a sentence in *ret_error that says what is wrong and where (caller frees). A fragment is an error
 * (RFC 6455 section 3). ret_url is untouched on failure. */
MUST_CHECK int url_parse(const char *text, struct url *ret_url, char **ret_error);
/* A Location header's value against the URL it came from (RFC 3986 section 5). */
MUST_CHECK int url_resolve(const struct url *base, struct span reference, struct url *ret_url, char **ret_error);
void url_deinit(struct url *u);

/* Appends text with its secrets replaced by "***": the password of a userinfo, and values of query parameters whose names tell of
 * one, ignoring case: token, key, secret, passw, passphrase, pwd, auth, sig, session, jwt, credential anywhere in the name; pass, code, ticket as all of it.
 * Works on any text, also what is no URL. */
void url_redact(struct buf *out, struct span text);

#endif
