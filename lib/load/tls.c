/*
 * OpenSSL between two memory buffers.
 */
#include "load/tls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "core/memory.h"

#define LIBRARY "libssl.so.3"

/* What is used of OpenSSL; libcrypto comes with libssl. */
#define OPENSSL_TABLE(X)                                                                           \
    X(BIO_new)                                                                                     \
    X(BIO_read)                                                                                    \
    X(BIO_s_mem)                                                                                   \
    X(BIO_write)                                                                                   \
    X(ERR_clear_error)                                                                             \
    X(ERR_get_error)                                                                               \
    X(ERR_reason_error_string)                                                                     \
    X(SSL_CIPHER_get_name)                                                                         \
    X(SSL_CTX_free)                                                                                \
    X(SSL_CTX_load_verify_file)                                                                    \
    X(SSL_CTX_new)                                                                                 \
    X(SSL_CTX_set_alpn_protos)                                                                     \
    X(SSL_CTX_set_default_verify_paths)                                                            \
    X(SSL_CTX_set_verify)                                                                          \
    X(SSL_SESSION_free)                                                                            \
    X(SSL_SESSION_is_resumable)                                                                    \
    X(SSL_ctrl)                                                                                    \
    X(SSL_do_handshake)                                                                            \
    X(SSL_free)                                                                                    \
    X(SSL_get0_alpn_selected)                                                                      \
    X(SSL_get0_param)                                                                              \
    X(SSL_get1_session)                                                                            \
    X(SSL_get_current_cipher)                                                                      \
    X(SSL_get_error)                                                                               \
    X(SSL_get_verify_result)                                                                       \
    X(SSL_get_version)                                                                             \
    X(SSL_new)                                                                                     \
    X(SSL_read)                                                                                    \
    X(SSL_session_reused)                                                                          \
    X(SSL_set1_host)                                                                               \
    X(SSL_set_bio)                                                                                 \
    X(SSL_set_connect_state)                                                                       \
    X(SSL_set_session)                                                                             \
    X(SSL_set_shutdown)                                                                            \
    X(SSL_write)                                                                                   \
    X(TLS_client_method)                                                                           \
    X(X509_VERIFY_PARAM_set1_ip_asc)                                                               \
    X(X509_verify_cert_error_string)

struct openssl {
#define X(name) __typeof__(&(name)) name;
    OPENSSL_TABLE(X)
#undef X
};

struct tls_context {
    struct openssl lib;
    struct tls_settings settings;
    char *host;
    bool host_is_address;
    SSL_CTX *ssl;
    SSL_SESSION *session; /* the one to resume; NULL: none */
    struct tls_seen seen;
};

struct tls {
    struct tls_context *context;
    SSL *ssl;
    BIO *in, *out; /* the connection's own */
    struct buf *unsent;
    bool kept; /* its session is the context's */
};

static struct result load_library(struct openssl *lib)
{
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    ENSURE(library, ERR_UNSUPPORTED, "https needs OpenSSL 3, which cannot be loaded: %s",
           dlerror());
#define X(name)                                                                                    \
    lib->name = (__typeof__(lib->name))dlsym(library, #name);                                      \
    ENSURE(lib->name, ERR_UNSUPPORTED, LIBRARY " lacks " #name);
    OPENSSL_TABLE(X)
#undef X
    return RESULT_OK;
}

/* The newest error in OpenSSL's words, and none is left. */
static const char *reason(const struct openssl *lib)
{
    const char *text = NULL;
    for (unsigned long e; (e = lib->ERR_get_error()) != 0;) {
        const char *one = lib->ERR_reason_error_string(e);
        text = one ? one : text;
    }
    return text ? text : "no reason is given";
}

/* ------------------------------------------------------------------ a thread's */

static struct result configure(struct tls_context *c)
{
    static const unsigned char http1[] = "\x8http/1.1", http2[] = "\x2h2";
    const struct openssl *lib = &c->lib;
    c->ssl = lib->SSL_CTX_new(lib->TLS_client_method());
    ENSURE(c->ssl, ERR_TLS, "OpenSSL: %s", reason(lib));
    int fault = c->settings.http2 ? lib->SSL_CTX_set_alpn_protos(c->ssl, http2, sizeof(http2) - 1)
                                  : lib->SSL_CTX_set_alpn_protos(c->ssl, http1, sizeof(http1) - 1);
    ENSURE(fault == 0, ERR_TLS, "OpenSSL: %s", reason(lib));
    if (c->settings.insecure)
        return RESULT_OK;
    lib->SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
    if (c->settings.cacert)
        ENSURE(lib->SSL_CTX_load_verify_file(c->ssl, c->settings.cacert) == 1, ERR_USAGE,
               "--cacert %s: %s", c->settings.cacert, reason(lib));
    else
        ENSURE(lib->SSL_CTX_set_default_verify_paths(c->ssl) == 1, ERR_TLS, "OpenSSL: %s",
               reason(lib));
    return RESULT_OK;
}

struct result tls_open(const struct tls_settings *settings, struct tls_context **out)
{
    unsigned char address[sizeof(struct in6_addr)];
    ENSURE(strlen(settings->host) <= TLSEXT_MAXLEN_host_name, ERR_USAGE,
           "--url: a host name has at most %d characters", TLSEXT_MAXLEN_host_name);
    struct tls_context *c = NEW(struct tls_context);
    *out = NULL;
    c->settings = *settings;
    c->host = mem_string(settings->host);
    c->host_is_address = inet_pton(AF_INET, settings->host, address) == 1 ||
                         inet_pton(AF_INET6, settings->host, address) == 1;
    struct result r = load_library(&c->lib);
    if (result_ok(r))
        r = configure(c);
    if (!result_ok(r)) {
        tls_shut(c);
        return r;
    }
    *out = c;
    return RESULT_OK;
}

void tls_shut(struct tls_context *context)
{
    if (!context)
        return;
    if (context->session)
        context->lib.SSL_SESSION_free(context->session);
    if (context->ssl)
        context->lib.SSL_CTX_free(context->ssl);
    mem_free(context->host);
    mem_free(context);
}

const struct tls_seen *tls_seen(const struct tls_context *context)
{
    return &context->seen;
}

void tls_seen_merge(struct tls_seen *into, const struct tls_seen *from)
{
    if (*from->version) {
        memcpy(into->version, from->version, sizeof(into->version));
        memcpy(into->cipher, from->cipher, sizeof(into->cipher));
    }
    into->handshakes += from->handshakes;
    into->resumed += from->resumed;
}

/* ------------------------------------------------------------------ a connection's */

static bool ask_for_host(const struct tls_context *c, SSL *ssl)
{
    const struct openssl *lib = &c->lib;
    if (c->host_is_address)
        return lib->X509_VERIFY_PARAM_set1_ip_asc(lib->SSL_get0_param(ssl), c->host) == 1;
    return lib->SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, c->host) ==
               1 &&
           lib->SSL_set1_host(ssl, c->host) == 1;
}

struct tls *tls_begin(struct tls_context *context, struct buf *out)
{
    const struct openssl *lib = &context->lib;
    struct tls *tls = NEW(struct tls);
    tls->context = context;
    tls->unsent = out;
    tls->ssl = lib->SSL_new(context->ssl);
    tls->in = lib->BIO_new(lib->BIO_s_mem());
    tls->out = lib->BIO_new(lib->BIO_s_mem());
    MUST(tls->ssl && tls->in && tls->out, "OpenSSL: %s", reason(lib)); /* no memory */
    lib->SSL_set_bio(tls->ssl, tls->in, tls->out);                     /* owns them now */
    lib->SSL_set_connect_state(tls->ssl);
    MUST(ask_for_host(context, tls->ssl), "OpenSSL: %s", reason(lib));
    if (context->session && !context->settings.full)
        lib->SSL_set_session(tls->ssl, context->session);
    return tls;
}

/* Its newest session, if it can be resumed, is what the next connection begins with. */
static void keep_session(struct tls *tls)
{
    struct tls_context *c = tls->context;
    SSL_SESSION *session = c->lib.SSL_get1_session(tls->ssl);
    if (session && c->lib.SSL_SESSION_is_resumable(session)) {
        SSL_SESSION *old = c->session;
        c->session = session;
        session = old;
    }
    if (session)
        c->lib.SSL_SESSION_free(session);
    tls->kept = true;
}

void tls_end(struct tls *tls)
{
    if (!tls)
        return;
    const struct openssl *lib = &tls->context->lib;
    /* Else OpenSSL takes the session for one that was cut off, not to be resumed. */
    lib->SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    lib->SSL_free(tls->ssl);
    mem_free(tls);
}

void tls_feed(struct tls *tls, struct slice bytes)
{
    const struct openssl *lib = &tls->context->lib;
    MUST(lib->BIO_write(tls->in, bytes.data, (int)bytes.len) == (int)bytes.len, "OpenSSL: %s",
         reason(lib)); /* no memory */
}

/* Take what OpenSSL wants to send. */
static bool collect(struct tls *tls)
{
    char piece[16384];
    for (int n; (n = tls->context->lib.BIO_read(tls->out, piece, sizeof(piece))) > 0;)
        if (!result_ok(buf_append(tls->unsent, slice_of(piece, (size_t)n))))
            return false;
    return true;
}

/* What the outcome of a call means. */
static enum tls_state state_of(struct tls *tls, int outcome)
{
    const struct openssl *lib = &tls->context->lib;
    switch (lib->SSL_get_error(tls->ssl, outcome)) {
    case SSL_ERROR_NONE:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        (void)error_set(ERR_TLS, "the service closed it (close_notify)");
        return TLS_CLOSED;
    default:
        (void)error_set(ERR_TLS, "%s", reason(lib));
        return TLS_FAILED;
    }
}

static enum tls_state handshake_failed(struct tls *tls)
{
    const struct openssl *lib = &tls->context->lib;
    long verdict = lib->SSL_get_verify_result(tls->ssl);
    if (tls->context->settings.insecure || verdict == X509_V_OK)
        return TLS_FAILED;
    (void)error_set(ERR_TLS, "the certificate for %s: %s", tls->context->host,
                    lib->X509_verify_cert_error_string(verdict));
    return TLS_UNTRUSTED;
}

static enum tls_state handshake_done(struct tls *tls)
{
    struct tls_context *c = tls->context;
    const unsigned char *protocol = NULL;
    unsigned len = 0;
    c->lib.SSL_get0_alpn_selected(tls->ssl, &protocol, &len);
    if (c->settings.http2 && (len != 2 || memcmp(protocol, "h2", 2) != 0)) {
        (void)error_set(ERR_TLS, "the service does not offer HTTP/2 (ALPN)");
        return TLS_FAILED;
    }
    snprintf(c->seen.version, sizeof(c->seen.version), "%s", c->lib.SSL_get_version(tls->ssl));
    snprintf(c->seen.cipher, sizeof(c->seen.cipher), "%s",
             c->lib.SSL_CIPHER_get_name(c->lib.SSL_get_current_cipher(tls->ssl)));
    c->seen.handshakes++;
    c->seen.resumed += c->lib.SSL_session_reused(tls->ssl) == 1;
    return TLS_DONE;
}

enum tls_state tls_handshake(struct tls *tls)
{
    const struct openssl *lib = &tls->context->lib;
    lib->ERR_clear_error();
    enum tls_state state = state_of(tls, lib->SSL_do_handshake(tls->ssl));
    if (!collect(tls))
        return TLS_FAILED;
    return state == TLS_DONE   ? handshake_done(tls)
           : state == TLS_MORE ? TLS_MORE
                               : handshake_failed(tls);
}

enum tls_state tls_read(struct tls *tls, char *room, size_t size, struct slice *out)
{
    const struct openssl *lib = &tls->context->lib;
    lib->ERR_clear_error();
    int n = lib->SSL_read(tls->ssl, room, (int)size);
    enum tls_state state = state_of(tls, n);
    *out = slice_of(room, n > 0 ? (size_t)n : 0);
    if (!tls->kept && state == TLS_DONE)
        keep_session(tls);
    return collect(tls) ? state : TLS_FAILED;
}

bool tls_write(struct tls *tls, struct slice bytes)
{
    const struct openssl *lib = &tls->context->lib;
    lib->ERR_clear_error();
    enum tls_state state = bytes.len > 0
                               ? state_of(tls, lib->SSL_write(tls->ssl, bytes.data, (int)bytes.len))
                               : TLS_DONE;
    if (state == TLS_MORE)
        (void)error_set(ERR_TLS, "the service began another handshake, and a request came in it");
    return state == TLS_DONE && collect(tls);
}
