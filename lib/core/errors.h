/*
 * The error table: every way an operation of ours can fail. One row yields the code, its name in
 * machine-readable output, the text for people, the exit status of the command, and whether trying
 * again can help. Nothing else in the program knows these facts.
 */
#ifndef CORE_ERRORS_H
#define CORE_ERRORS_H

/*      code          name             text                                      exit retryable */
#define ERROR_TABLE(X)                                                                             \
    X(OK, "ok", "success", 0, false)                                                               \
    X(USAGE, "usage", "the command line is wrong", 2, false)                                       \
    X(SUITE, "suite", "the suite is wrong", 2, false)                                              \
    X(SYNTAX, "syntax", "the text is not well formed", 2, false)                                   \
    X(VALUE, "value", "a value is out of its range or of another type", 2, false)                  \
    X(NOT_FOUND, "not_found", "there is no such thing", 2, false)                                  \
    X(TOO_LARGE, "too_large", "a limit was exceeded", 3, false)                                    \
    X(PROTOCOL, "protocol", "the peer broke the protocol", 3, false)                               \
    X(CONNECT, "connect", "the connection could not be made", 3, true)                             \
    X(CLOSED, "closed", "the connection ended early", 3, true)                                     \
    X(TIMEOUT, "timeout", "it took too long", 3, true)                                             \
    X(CANCELLED, "cancelled", "it was cancelled", 130, false)                                      \
    X(TLS, "tls", "the TLS handshake or certificate was refused", 3, false)                        \
    X(SPAWN, "spawn", "a program could not be started", 3, false)                                  \
    X(DIED, "died", "a service ended unexpectedly", 3, true)                                       \
    X(STORE, "store", "the result store failed", 3, false)                                         \
    X(IO, "io", "the operating system refused", 3, false)                                          \
    X(UNSUPPORTED, "unsupported", "this build cannot do that", 3, false)

#endif
