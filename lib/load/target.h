/*
 * What load is made of: where requests go, the bytes of one, and how its answers are to be read.
 * A request is written once before the run; only a serial number in it changes.
 */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include <sys/socket.h>

#include "core/arena.h"
#include "core/buf.h"
#include "load/tls.h"

/*    code     name       path it is known by     what */
#define TARGET_API_TABLE(X)                                                                        \
    X(HTTP, "http", NULL, "any answer: bytes are counted and nothing is read")                     \
    X(EXECUTE, "execute", "/execute", "the stream of the worker's /execute")                       \
    X(CHAT, "chat", "/chat/completions", "OpenAI's chat completions, streamed or not")             \
    X(COMPLETE, "complete", "/completions", "OpenAI's completions, streamed or not")               \
    X(EMBED, "embed", "/embeddings", "OpenAI's embeddings")                                        \
    X(INFER, "infer", "/infer", "KServe v2's inference")

enum target_api {
#define X(code, name, path, help) TARGET_##code,
    TARGET_API_TABLE(X)
#undef X
        TARGET_API_COUNT
};

extern const char *const target_api_names[TARGET_API_COUNT + 1]; /* ends with NULL */

struct target_options {
    const char *url;
    const char *api;            /* a name of the table; NULL: by the path */
    const char *method;         /* NULL: POST with a body, else GET */
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    const char *body;   /* sent as it is; NULL: made from the prompt */
    const char *prompt; /* NULL: a short one */
    const char *model;
    const char *extra;   /* a JSON object whose members go into every body made here; NULL: none */
    uint32_t max_tokens; /* 0: 128 */
    bool stream;         /* events are expected; always so of /execute */
    struct tls_settings tls; /* but for the host */
    bool http2;
};

/* Digits of the serial number in a request. */
#define TARGET_SERIAL 12

/* Of a host, so many addresses are tried. */
#define TARGET_ADDRESSES 8

struct target {
    enum target_api api;
    bool stream;                     /* the answer is an event stream */
    bool head;                       /* the method is HEAD: answers have no body */
    const char *url;                 /* as given */
    const char *known_as;            /* to the store, when its port is another each time, or NULL */
    const char *where;               /* "127.0.0.1:8080" */
    struct sockaddr_storage address; /* the one of the host's that target_reach reached */
    socklen_t address_size;
    struct sockaddr_storage addresses[TARGET_ADDRESSES];
    uint32_t address_count;
    bool http2;              /* else HTTP/1.1 */
    bool secure;             /* https … */
    struct tls_settings tls; /* … and how */
    struct slice opening;    /* of every request: all of its head but how long its body is */
    bool has_body;
    bool as_given;      /* the body is the user's, and there is none to write others from */
    const char *prompt; /* of a body that is written here: the text asked, … */
    struct slice model; /* … the model, a JSON string with its quotes, … */
    uint32_t max_tokens;
    struct slice extra;   /* … and members besides */
    struct slice request; /* a whole one, with that body */
    size_t body_at;       /* where its body begins */
    size_t serial_at;     /* where the serial number stands in a body; 0: nowhere */
};

/* How an API writes what is asked: `before`, messages or a text, `after`. */
struct form {
    struct slice before, after;
    bool messages; /* JSON messages with commas between; else a text, escaped as within quotes */
};

/*
 * Read the options; everything of `*out` lives in the arena. ERR_USAGE for what is wrong or does
 * not go together, ERR_CONNECT when the host has no address.
 */
struct result target_build(struct arena *arena, const struct target_options *options,
                           struct target *out) MUST_USE;

/*
 * The form for a model (a JSON string; empty: the target's) and at most so many tokens (0: the
 * target's). Not for a body as it was given.
 */
struct form target_form(struct arena *arena, const struct target *target, struct slice model,
                        uint32_t max_tokens);

/* Append a whole HTTP/1.1 request with this body. ERR_TOO_LARGE as buf_append. */
struct result target_request(const struct target *target, struct slice body,
                             struct buf *out) MUST_USE;

/*
 * Find an address of the host that takes a connection, which is closed again. ERR_CONNECT when none
 * does, each within five seconds.
 */
struct result target_reach(struct target *target) MUST_USE;

#endif
