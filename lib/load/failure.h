/*
 * What can go wrong with a request, each explained once with what to do about it. One row yields
 * the class, its name in machine-readable output and the explanation in reports.
 */
#ifndef LOAD_FAILURE_H
#define LOAD_FAILURE_H

/* clang-format off: a table to be read in columns */
#define FAILURE_TABLE(X)                                                                           \
    X(REFUSED, "refused", "the connection was refused: nothing listens on that address and port",  \
      "Start the service, or look at host and port of --url.")                                     \
    X(UNREACHABLE, "unreachable", "the connection could not be made",                              \
      "Look at the network, firewalls and the backlog of the service's listening socket.")         \
    X(TLS, "tls", "TLS could not be agreed on, or broke",                                          \
      "The example has the reason; look whether that port speaks TLS, and which versions of it.")  \
    X(CERTIFICATE, "certificate", "the service's certificate is not to be trusted",                \
      "The example says why: give its authority with --cacert, use the name it is made for, or "   \
      "renew it. --insecure takes any.")                                                           \
    X(RESET, "reset", "the service reset the connection",                                          \
      "Look into the service's log: it crashed, ran out of something or gave up on the client.")   \
    X(CLOSED, "closed", "the service closed the connection before its answer was complete",        \
      "Look into the service's log; a keep-alive timeout that is short beside the pauses between " \
      "requests does this too.")                                                                   \
    X(TIMEOUT, "timeout", "the answer was not complete in time",                                   \
      "Lower the load, or give --timeout more.")                                                   \
    X(REDIRECT, "status_3xx", "the answer was a redirection, which is not followed",               \
      "Give the URL it leads to.")                                                                 \
    X(CLIENT_ERROR, "status_4xx", "the service refused the request with a status of 400 to 499",   \
      "The example has what the service said; the path, the body or a header is wrong.")           \
    X(TOO_MANY, "status_429", "the service said 429 Too Many Requests",                            \
      "That is a rate limit: raise it for this test, or lower the load.")                          \
    X(SERVER_ERROR, "status_5xx", "the service failed with a status of 500 to 599",                \
      "Look into the service's log; 503 means that it is overloaded or not ready.")                \
    X(PROTOCOL, "protocol", "the answer was not well-formed HTTP",                                 \
      "The example has what was wrong: a proxy in between, or a service that does not speak "      \
      "this version of HTTP (--http2).")                                                           \
    X(REFUSED_STREAM, "refused_stream",                                                            \
      "the service refused the request before it looked at it (REFUSED_STREAM)",                   \
      "It takes fewer streams at a time than that: lower --streams or the load.")                  \
    X(STREAM_RESET, "stream_reset", "the service broke off the answer (RST_STREAM)",               \
      "The example has its reason; look into the service's log, or a proxy's in between.")         \
    X(GOAWAY, "goaway", "the service ended the connection before it answered (GOAWAY)",            \
      "The example has its reason; a service that ends connections after so many requests may "    \
      "be told to allow more.")                                                                    \
    X(MALFORMED, "malformed_stream", "an event of the stream was not what this API sends",         \
      "The example has what was wrong; check one stream with `assay run`.")                        \
    X(STREAM_ERROR, "stream_error", "the answer told of an error",                                 \
      "The example has what it said; look into the service's log.")                                \
    X(UNFINISHED, "unfinished_stream", "the answer ended properly, but its stream did not",        \
      "The last event of a stream ([DONE], end) was missing: the service or a proxy cut it.")      \
    X(CHECK, "check", "the answer came and is not what its case expects",                          \
      "The example has the case and the check; `assay run` shows such an answer whole.")           \
    X(ABANDONED, "abandoned", "the answer was not complete when the run ended",                    \
      "Give --drain more time, or lower the load: answers take longer than that.")                 \
    X(UNSENT, "unsent", "the request was due, but no connection was free until the run ended",     \
      "The service cannot keep up with this rate; or raise --connections.")                        \
    X(DESCRIPTORS, "descriptors", "this process may not open more files",                          \
      "Raise the limit (`ulimit -n`), or lower --connections.")                                    \
    X(PORTS, "ports", "this machine has no local port left for another connection",                \
      "Use keep-alive, widen net.ipv4.ip_local_port_range, or spread the load over machines.")
/* clang-format on */

enum failure {
    FAILURE_NONE,
#define X(code, name, meaning, remedy) FAILURE_##code,
    FAILURE_TABLE(X)
#undef X
        FAILURE_COUNT
};

struct failure_kind {
    const char *name, *meaning, *remedy;
};

/* FAILURE_NONE has a row too, of empty texts. */
extern const struct failure_kind failure_kinds[FAILURE_COUNT];

#endif
