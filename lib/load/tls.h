/*
 * TLS of a load's connections, without I/O: what came from the network goes in, what is to go out
 * collects in a buffer. Reading the socket stays with the caller, and so do the kernel's receive
 * stamps: bytes of a TLS record have the stamp of the read that completed the record.
 *
 * Each thread has a context of its own, with the session that was negotiated last; connections
 * resume it. OpenSSL is loaded when the first context is made: it costs what has no TLS nothing.
 *
 * Workload: as many records a second as there are requests or events; handshakes as connections are
 * made. OpenSSL keeps some 34 KB for each connection.
 */
#ifndef LOAD_TLS_H
#define LOAD_TLS_H

#include "core/buf.h"

struct tls_settings {
    const char *host;   /* sent (SNI), and must stand in the certificate; may be an address */
    const char *cacert; /* PEM file of authorities to trust; NULL: the system's */
    bool insecure;      /* any certificate will do */
    bool full;          /* never resume a session */
    bool http2;         /* offer HTTP/2 (ALPN) and nothing else; else HTTP/1.1 */
};

/* What was negotiated, the last time; in OpenSSL's words. */
struct tls_seen {
    char version[16], cipher[48]; /* "TLSv1.3"; "": no handshake was completed */
    uint32_t handshakes, resumed;
};

void tls_seen_merge(struct tls_seen *into, const struct tls_seen *from);

struct tls_context; /* of a thread */
struct tls;         /* of a connection */

/* ERR_UNSUPPORTED without OpenSSL 3, ERR_USAGE for a cacert that is none. */
struct result tls_open(const struct tls_settings *settings, struct tls_context **out) MUST_USE;
void tls_shut(struct tls_context *context); /* NULL is fine */

const struct tls_seen *tls_seen(const struct tls_context *context);

/* Begin a connection. What it has to send is appended to `out`, always. */
struct tls *tls_begin(struct tls_context *context, struct buf *out);
void tls_end(struct tls *tls); /* NULL is fine */

enum tls_state {
    TLS_MORE,      /* it waits for more of the peer */
    TLS_DONE,      /* handshake: complete; reading: there are bytes */
    TLS_FAILED,    /* error_last() says why, in OpenSSL's words */
    TLS_UNTRUSTED, /* … and that was the certificate */
    TLS_CLOSED,    /* reading: the peer has nothing more to say */
};

/* Bytes that came; they stay the caller's and must be used up by the calls below. */
void tls_feed(struct tls *tls, struct slice bytes);

/* Go on with the handshake. */
enum tls_state tls_handshake(struct tls *tls);

/* Plaintext of at most one record; TLS_DONE: `*out` has it, in `room`. TLS_MORE: all was read. */
enum tls_state tls_read(struct tls *tls, char *room, size_t size, struct slice *out);

/* False: error_last() says why not. */
bool tls_write(struct tls *tls, struct slice bytes);

#endif
