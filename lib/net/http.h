/*
 * HTTP/1.1 without I/O (RFC 9110, RFC 9112): bytes in, events out, for both directions. The same
 * parser reads requests in the simulated servers and responses in the load generator, and is what
 * the fuzzer feeds.
 *
 *     struct http_parser p;
 *     http_init(&p, HTTP_REQUEST);
 *     while (input.len > 0) {
 *         struct http_event event;
 *         TRY(http_next(&p, &input, &event));
 *         switch (event.kind) { case HTTP_HEAD: … case HTTP_BODY: … case HTTP_END: … }
 *     }
 *
 * Input may be cut anywhere; the events are the same for every cut, save that a body comes in as
 * many pieces as the input has. Nothing is copied unless a head or a chunk line is cut, and then
 * into one buffer with a ceiling. A parser holds about 200 bytes besides.
 *
 * It is strict where lenience lets two readers of the same bytes see different messages (request
 * smuggling), in both directions: a line ends with CRLF and nothing else; no folded lines; no blank
 * before a colon; no control character in a value; one Content-Length, digits only; never together
 * with Transfer-Encoding, of which only "chunked" is known; exactly one Host in a 1.1 request.
 * Every ceiling is in core/limits.h.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "core/buf.h"

enum http_side { HTTP_REQUEST, HTTP_RESPONSE };

struct http_header {
    struct slice name, value; /* the value without blanks around it */
};

/* The start line and the header lines of one message. */
struct http_head {
    struct slice block;   /* all of it, as received, without the final empty line */
    struct slice headers; /* the header lines in it, for http_header_next and http_header_find */
    struct slice method;  /* requests: an RFC 9110 token; upper and lower case differ */
    struct slice target;  /* requests: as received, never empty */
    struct slice reason;  /* responses: may be empty */
    uint64_t length;      /* Content-Length when has_length */
    uint16_t status;      /* responses: 100–599 */
    uint8_t minor;        /* HTTP/1.minor: 0 or 1 */
    bool has_length;      /* Content-Length was given */
    bool chunked;         /* Transfer-Encoding: chunked */
    bool has_body;        /* a body follows, perhaps an empty one */
    bool until_close;     /* responses: the body ends with the connection */
    bool keep_alive;      /* the connection can carry another message after this one */
    bool expect_continue; /* requests: the client waits for "100 Continue" */
};

enum http_event_kind {
    HTTP_NEED_MORE, /* the input is used up */
    HTTP_INTERIM,   /* a 1xx response: `head`; the real response follows */
    HTTP_HEAD,      /* `head`; the bodies follow, then always HTTP_END */
    HTTP_BODY,      /* `bytes`: a piece of the body, never empty, a slice of the input */
    HTTP_END,       /* the message is complete; `bytes`: the trailer lines, usually none */
};

/* Slices of an event are valid until the next call with the same parser, and no longer than the
 * input is. */
struct http_event {
    enum http_event_kind kind;
    const struct http_head *head;
    struct slice bytes;
};

enum http_state {
    HTTP_STATE_HEAD,        /* before or in a start line and headers */
    HTTP_STATE_BODY,        /* in a body of known length */
    HTTP_STATE_UNTIL_CLOSE, /* in a body that ends with the connection */
    HTTP_STATE_CHUNK_SIZE,  /* before or in a chunk-size line */
    HTTP_STATE_CHUNK_DATA,  /* in a chunk */
    HTTP_STATE_CHUNK_CR,    /* at the CRLF after a chunk */
    HTTP_STATE_CHUNK_LF,
    HTTP_STATE_TRAILERS, /* before or in the lines after the last chunk */
    HTTP_STATE_END,      /* HTTP_END is due */
    HTTP_STATE_CLOSED,   /* the last message was the last of this connection */
    HTTP_STATE_FAILED,
};

/* Read-only for callers, except through the functions below. */
struct http_parser {
    enum http_side side;
    enum http_state state;
    bool head_requested;      /* responses: the next one answers a HEAD request */
    bool gathered_given;      /* `gathered` was handed out in the last event */
    bool skipped_line;        /* requests: an empty line before this one was ignored */
    uint16_t error_status;    /* what a server should answer after a failure */
    uint32_t lines;           /* complete lines of the block being gathered */
    size_t line_start;        /* where its unfinished line begins */
    uint64_t left;            /* bytes to come of the body or of the chunk */
    uint64_t extension_bytes; /* chunk extensions of this message */
    uint64_t offset;          /* bytes of the connection consumed so far */
    struct buf gathered;      /* a head, chunk line or trailers cut by the end of the input */
    struct http_head head;
};

void http_init(struct http_parser *p, enum http_side side);
void http_free(struct http_parser *p);

/* Responses: say before each one whether it answers a HEAD request (it then has no body). */
void http_expect_head(struct http_parser *p, bool head_requested);

/*
 * Consume bytes from the front of `*input` up to the next event. HTTP_NEED_MORE comes only when the
 * input is empty; HTTP_END may come with an empty input. Loop until HTTP_NEED_MORE, or, as in the
 * example, while there is input and then once more. Fails with
 *   ERR_PROTOCOL  the peer broke the protocol
 *   ERR_TOO_LARGE a ceiling of core/limits.h was passed
 * and a sentence saying what came; every later call fails too. http_error_status() then has the
 * status a server should answer: 400, 413, 414, 417, 431, 501 or 505.
 */
struct result http_next(struct http_parser *p, struct slice *input,
                        struct http_event *event) MUST_USE;

/*
 * The connection ended. HTTP_END when that completes a response, HTTP_NEED_MORE when it came
 * between messages; otherwise ERR_CLOSED, saying what was missing.
 */
struct result http_end_of_input(struct http_parser *p, struct http_event *event) MUST_USE;

static inline uint16_t http_error_status(const struct http_parser *p)
{
    return p->error_status;
}

/* True when nothing of the next message has come yet. */
bool http_between_messages(const struct http_parser *p);

/* The slices of `head` when its block has been copied to `copy`. */
struct http_head http_head_at(const struct http_head *head, const char *copy);

/*
 * Header and trailer lines one after another: `struct slice rest = head->headers; struct
 * http_header h; while (http_header_next(&rest, &h)) …`. The lines come from the parser.
 */
bool http_header_next(struct slice *rest, struct http_header *header);

/* The value of the first header called `name` (letters' case does not matter). */
bool http_header_find(struct slice headers, struct slice name, struct slice *value);

/* True when `word` stands in a comma-separated list such as Connection's; case does not matter. */
bool http_list_has(struct slice list, struct slice word);

/*
 * Writers append to a buffer. What would forge a line (CR, LF, NUL, other control characters) or
 * is no token where one is needed is refused with ERR_VALUE and nothing is appended; ERR_TOO_LARGE
 * when the buffer's ceiling is reached. A message is a start line, headers, http_write_head_end and
 * the body.
 */
struct result http_write_request(struct buf *b, struct slice method, struct slice target) MUST_USE;
struct result http_write_status(struct buf *b, unsigned status) MUST_USE; /* 100–599 */
struct result http_write_header(struct buf *b, struct slice name, struct slice value) MUST_USE;
struct result http_write_length(struct buf *b, uint64_t length) MUST_USE;
struct result http_write_chunked(struct buf *b) MUST_USE;
struct result http_write_head_end(struct buf *b) MUST_USE;

/* One chunk (empty: nothing, for an empty chunk would end the body), and the end of the body. */
struct result http_write_chunk(struct buf *b, struct slice data) MUST_USE;
struct result http_write_last_chunk(struct buf *b) MUST_USE;

/* "Not Found" for 404; "" for a status that has no name. */
const char *http_reason(unsigned status);

#endif
