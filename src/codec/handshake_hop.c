/* SPDX-License-Identifier: MIT */
/* The part of handshake that knows intermediaries by the headers they leave. */
#include "codec/handshake.h"

#include "base/escape.h"

enum { DETAIL_MAX = 64 };

/*
 * What tells a hop: a header whose value holds a text ("" any), and for one a second such header. Edges first, then what stands
 * behind them, then servers that may be the origin itself: the first row that fits wins.
 */
static const struct {
	const char *name, *header, *holds;
	bool shows_value; /* of that header, behind the name */
	const char *also, *also_holds;
} hops[] = {
	{ "Cloudflare", "CF-Ray", "", true },
	{ "Cloudflare", "Server", "cloudflare" },
	{ "CloudFront", "X-Amz-Cf-Pop", "", true },
	{ "CloudFront", "X-Amz-Cf-Id", "" },
	{ "CloudFront", "Via", "cloudfront" },
	{ "Akamai", "Server", "AkamaiGHost" },
	{ "Fastly", "X-Served-By", "", true, "Via", "varnish" },
	{ "Azure Front Door", "X-Azure-Ref", "" },
	{ "Bunny", "Server", "BunnyCDN", true },
	{ "Alibaba Cloud CDN", "EagleId", "" },
	{ "Tencent Cloud CDN", "X-NWS-LOG-UUID", "" },
	{ "Heroku", "Via", "vegur" },
	{ "Google load balancer", "Via", "1.1 google" },
	{ "AWS API Gateway", "X-Amz-Apigw-Id", "" },
	{ "AWS ALB", "Set-Cookie", "AWSALB" },
	{ "AWS ALB", "Server", "awselb" },
	{ "Istio", "Server", "istio-envoy" },
	{ "Envoy", "Server", "envoy" },
	{ "Envoy", "X-Envoy-Upstream-Service-Time", "" },
	{ "Squid", "Via", "squid", true },
	{ "Squid", "X-Squid-Error", "" },
	{ "Varnish", "X-Varnish", "" },
	{ "Varnish", "Via", "varnish" },
	{ "Caddy", "Server", "Caddy" },
	{ "Caddy", "Via", "Caddy" },
	{ "OpenResty", "Server", "openresty", true },
	{ "nginx", "Server", "nginx", true },
};

static const struct header *
find(const struct header_list *headers, const char *name, const char *holds)
{
	for (size_t i = 0; i < headers->n; i++)
		if (span_eq_ci(headers->items[i].name, name) && span_contains_ci(headers->items[i].value, holds))
			return &headers->items[i];
	return NULL;
}

void
handshake_name_hop(struct buf *out, const struct header_list *headers)
{
	for (size_t i = 0; i < ARRAY_LEN(hops); i++) {
		const struct header *found = find(headers, hops[i].header, hops[i].holds);

		if (found == NULL || (hops[i].also != NULL && find(headers, hops[i].also, hops[i].also_holds) == NULL))
			continue;
		/* "nginx/1.24.0" has the name in it. */
		bool has_name = hops[i].shows_value && span_starts_ci(found->value, hops[i].name);

		if (!has_name)
			buf_puts(out, hops[i].name);
		if (!has_name && hops[i].shows_value && found->value.n > 0)
			buf_putc(out, ' ');
		if (hops[i].shows_value)
			escape_text(out, found->value, DETAIL_MAX);
		return;
	}
}
