/* SPDX-License-Identifier: MIT */
#include "net/tls_context.h"

#include "base/buf.h"
#include "net/tls_keylog.h"

#include <mbedtls/platform_util.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A store of all the world's authorities is a quarter of a megabyte. */
enum { PEM_FILE_MAX = 16 * 1024 * 1024 };

/* Where systems keep their store: Debian and Arch, Fedora, Alpine and the BSDs, openSUSE, old Fedora. */
static const char *const well_known_stores[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/usr/local/share/certs/ca-root-nss.crt",
};

/* A file whose content is wiped before it is freed. */
static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		mbedtls_platform_zeroize(b->data, b->cap);
	buf_deinit(b);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* 0 with the file's content and a NUL behind it (len counts it: the parsers want it so), or a negative errno. */
static int
read_file(const char *path, struct buf *ret)
{
	int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	/* What a growing buffer leaves behind is not wiped: one size for any private key. */
	buf_reserve(ret, 64 * 1024);
	for (;;) {
		ssize_t n = read(fd, buf_reserve(ret, 16 * 1024), 16 * 1024);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		buf_commit(ret, (size_t)n);
		if (ret->len > PEM_FILE_MAX)
			return -EFBIG;
	}
	buf_putc(ret, '\0');
	return 0;
}

/* DER carries no NUL. */
static size_t
parsed_length(const struct buf *file)
{
	bool is_pem = memmem(buf_head(file), file->len, "-----BEGIN", 10) != NULL;

	return is_pem ? file->len : file->len - 1;
}

static int
refuse(int err, char **ret_error, char *sentence)
{
	*ret_error = sentence;
	return err;
}

/* Certificates of any form; what in a bundle cannot be read is passed over, if something can. */
static int
load_certificates(mbedtls_x509_crt *crt, const char *path, const char *what, char **ret_error)
{
	struct buf file CLEANUP(buf_deinit) = { 0 };
	char why[160];
	int r = read_file(path, &file);

	if (r < 0)
		return refuse(r, ret_error, xasprintf("cannot read the %s %s: %s", what, path, strerror(-r)));
	r = mbedtls_x509_crt_parse(crt, buf_head(&file), parsed_length(&file));
	if (r >= 0 && crt->version > 0)
		return 0;
	tls_compat_describe(r, why, sizeof(why));
	return refuse(-EINVAL, ret_error, xasprintf("no certificate in the %s %s: %s", what, path, why));
}

static int
load_key(struct tls_context *ctx, const char *path, char **ret_error)
{
	struct buf file CLEANUP(wipe) = { 0 };
	char why[160];
	int r = read_file(path, &file);

	if (r < 0)
		return refuse(r, ret_error, xasprintf("cannot read the key file %s: %s", path, strerror(-r)));
	r = tls_compat_parse_key(&ctx->key, buf_head(&file), parsed_length(&file), &ctx->rng);
	if (r == 0)
		return 0;
	if (tls_compat_is_password_required(r))
		return refuse(-EINVAL, ret_error, xasprintf("the key in %s is encrypted; a key without a passphrase is needed", path));
	tls_compat_describe(r, why, sizeof(why));
	return refuse(-EINVAL, ret_error, xasprintf("no private key in %s: %s", path, why));
}

static int
load_own(struct tls_context *ctx, const struct tls_options *opt, char **ret_error)
{
	const char *key_file = opt->key_file != NULL ? opt->key_file : opt->cert_file;

	if (opt->cert_file == NULL && opt->key_file != NULL)
		return refuse(-EINVAL, ret_error, xasprintf("a key (%s) without a certificate", opt->key_file));
	if (opt->cert_file == NULL)
		return opt->is_server ? refuse(-EINVAL, ret_error, xstrdup("a TLS server needs a certificate and a key")) : 0;

	int r = load_certificates(&ctx->own, opt->cert_file, "certificate file", ret_error);
	if (r == 0)
		r = load_key(ctx, key_file, ret_error);
	if (r < 0)
		return r;
	if (tls_compat_check_pair(&ctx->own.pk, &ctx->key, &ctx->rng) != 0)
		return refuse(-EINVAL, ret_error, xasprintf("the key in %s does not belong to the certificate in %s", key_file, opt->cert_file));
	if (mbedtls_ssl_conf_own_cert(&ctx->conf, &ctx->own, &ctx->key) != 0)
		return refuse(-ENOMEM, ret_error, xasprintf("cannot use the certificate in %s", opt->cert_file));
	return 0;
}

static int
load_system_store(struct tls_context *ctx, char **ret_error)
{
	const char *env = getenv("SSL_CERT_FILE");

	if (env != NULL && env[0] != '\0')
		return load_certificates(&ctx->store, env, "file of trusted authorities (SSL_CERT_FILE)", ret_error);
	for (size_t i = 0; i < ARRAY_LEN(well_known_stores); i++) {
		char *error CLEANUP(free_charp) = NULL;

		if (load_certificates(&ctx->store, well_known_stores[i], "store", &error) == 0)
			return 0;
	}
	return refuse(-ENOENT, ret_error,
	    xasprintf("this system has no store of trusted authorities (%s and the like): name one with --cacert FILE, or use -k to trust anyone",
		well_known_stores[0]));
}

static int
load_store(struct tls_context *ctx, const struct tls_options *opt, char **ret_error)
{
	if (opt->is_server || opt->insecure)
		return 0;
	if (opt->ca_file != NULL)
		return load_certificates(&ctx->store, opt->ca_file, "file of trusted authorities", ret_error);
	return load_system_store(ctx, ret_error);
}

static void
log_secret(void *arg, const char *label, const uint8_t client_random[32], const uint8_t *secret, size_t n)
{
	const struct tls_context *ctx = arg;

	tls_keylog_write(ctx->keylog, label, client_random, secret, n);
}

static int
open_keylog(struct tls_context *ctx, const struct tls_options *opt, char **ret_error)
{
	if (opt->keylog == NULL)
		return 0;
	int r = tls_keylog_open(opt->keylog, &ctx->keylog);
	if (r < 0)
		return refuse(r, ret_error, xasprintf("cannot append to the key log %s: %s", opt->keylog, strerror(-r)));
	ctx->secrets = (struct tls_secret_sink){ .fn = log_secret, .arg = ctx };
	tls_compat_export_conf(&ctx->conf, &ctx->secrets);
	return 0;
}

static int
prepare(struct tls_context *ctx, char **ret_error)
{
	static const char personal[] = "wsdiag";
	char why[160];

	int r = tls_compat_init();
	if (r == 0)
		r = mbedtls_ctr_drbg_seed(&ctx->rng, mbedtls_entropy_func, &ctx->entropy, (const unsigned char *)personal, sizeof(personal));
	if (r == 0)
		r = mbedtls_ssl_config_defaults(&ctx->conf, ctx->is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
		    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (r != 0) {
		tls_compat_describe(r, why, sizeof(why));
		return refuse(-EIO, ret_error, xasprintf("%s cannot be used: %s", tls_library(), why));
	}
	tls_compat_configure(&ctx->conf);
	mbedtls_ssl_conf_rng(&ctx->conf, mbedtls_ctr_drbg_random, &ctx->rng);
	if (ctx->is_server)
		mbedtls_ssl_conf_sni(&ctx->conf, tls_note_sni, NULL);
	mbedtls_ssl_conf_ca_chain(&ctx->conf, &ctx->store, NULL);
	/* --insecure still walks the chain, so that the log can say what was shown; the verify callback then finds nothing wrong. */
	mbedtls_ssl_conf_authmode(&ctx->conf, ctx->is_server ? MBEDTLS_SSL_VERIFY_NONE :
	    ctx->insecure ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_REQUIRED);
	return 0;
}

static int
load(struct tls_context *ctx, const struct tls_options *opt, enum tls_fault *ret_what, char **ret_error)
{
	int r;

	*ret_what = TLS_FAULT_OTHER;
	r = prepare(ctx, ret_error);
	if (r == 0)
		r = open_keylog(ctx, opt, ret_error);
	if (r < 0)
		return r;
	*ret_what = TLS_FAULT_OWN_CERT;
	r = load_own(ctx, opt, ret_error);
	if (r < 0)
		return r;
	*ret_what = TLS_FAULT_CA;
	r = load_store(ctx, opt, ret_error);
	if (r < 0)
		return r;
	*ret_what = TLS_FAULT_NONE;
	return 0;
}

int
tls_context_new(const struct tls_options *opt, struct tls_context **ret, enum tls_fault *ret_what, char **ret_error)
{
	struct tls_context *ctx = xcalloc(1, sizeof(*ctx));
	enum tls_fault what;
	char *error = NULL;

	ctx->is_server = opt->is_server;
	ctx->insecure = opt->insecure;
	ctx->keylog = -1;
	mbedtls_ssl_config_init(&ctx->conf);
	mbedtls_entropy_init(&ctx->entropy);
	mbedtls_ctr_drbg_init(&ctx->rng);
	mbedtls_x509_crt_init(&ctx->store);
	mbedtls_x509_crt_init(&ctx->own);
	mbedtls_pk_init(&ctx->key);
	int r = load(ctx, opt, &what, &error);
	if (r < 0) {
		tls_context_free(ctx);
		*ret_what = what;
		*ret_error = error;
		return r;
	}
	*ret = ctx;
	return 0;
}

void
tls_context_free(struct tls_context *ctx)
{
	if (ctx == NULL)
		return;
	mbedtls_ssl_config_free(&ctx->conf);
	mbedtls_pk_free(&ctx->key);
	mbedtls_x509_crt_free(&ctx->own);
	mbedtls_x509_crt_free(&ctx->store);
	mbedtls_ctr_drbg_free(&ctx->rng);
	mbedtls_entropy_free(&ctx->entropy);
	close_fd(&ctx->keylog);
	free(ctx);
}

const char *
tls_library(void)
{
	static char name[32];

	snprintf(name, sizeof(name), "mbedTLS %s", tls_compat_version());
	return name;
}
