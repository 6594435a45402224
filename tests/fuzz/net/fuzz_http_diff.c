/*
 * Our HTTP parser against llhttp (the one of Node.js), in its strict mode. For the same bytes:
 *
 *   - messages that both understand must be the same: method, target, status, version, headers,
 *     body, and whether the connection goes on;
 *   - what llhttp refuses we refuse too, save for the rules of `laxer`;
 *   - what llhttp accepts and we refuse must be one of the rules of `stricter`.
 *
 * So every difference between the two is written down here with its reason. The first byte says
 * whether the rest is a request ('0') or a response ('1').
 */
#include <stdio.h>

#include "fuzz.h"
#include "http_diff.h"
#include "net/http.h"

/* Said instead of our sentence when the input ends with nothing but CRs after a message. */
#define ONLY_CR "only CRs came after the last message"

/* Our refusals that llhttp does not share, by their sentence. */
static const char *const stricter[] = {
    /* A bare LF ends a line in llhttp, in some proxies and not in others. */
    "ends with LF instead of CRLF",
    /* Folded lines are obsolete; llhttp joins them (RFC 9112, 5.2 asks servers to refuse). */
    "is folded",
    /* llhttp takes a header without a name. */
    "has no name",
    /* llhttp does not look at Host at all. RFC 9112, 3.2: exactly one, well formed. */
    "the request has no Host",
    "Host is given more than once",
    "no host name has",
    /* llhttp takes any coding before chunked, and any at all in responses. */
    "the only Transfer-Encoding known is chunked",
    "Transfer-Encoding is given more than once",
    /* RFC 9112, 6.1: in HTTP/1.0 its framing is faulty. */
    "HTTP/1.0 has no Transfer-Encoding",
    /* llhttp leaves Expect to its user. */
    "the only Expect known is 100-continue",
    /* CONNECT and 101 leave HTTP, which nothing here can follow. */
    "CONNECT asks for a tunnel",
    "switched protocols",
    /* HTTP/0.9, which has no version in its requests, and 2.0 are versions for llhttp. */
    "the request line has no version",
    "the start line has no version",
    "expected HTTP/1.0 or HTTP/1.1",
    /* llhttp skips any number of line ends before a message, we one before a request. */
    "does not begin with a method",
    "has no version such as",
    "came after a message that was to be the last",
    ONLY_CR,
    /* Statuses outside of RFC 9110's classes. */
    "expected a status from 100 to 599",
    "no three-digit status",
    /* Several blanks in a request line; targets without a form of RFC 9112, 3.2; fragments. */
    "target is not a path",
    /* Control characters in a reason. */
    "the reason has a control character",
    /* Framing in trailers is an attempt at smuggling. */
    "a trailer is called",
    /* Chunk extensions of another form, blanks before them. */
    "may not follow a chunk size",
    /* Ceilings, which llhttp leaves to its user. */
    "bytes of chunk extensions",
    "has more than",
    "a chunk size has",
    "Content-Length has",
};

/* llhttp's refusals that we do not share, by their names. */
static const char *const laxer[] = {
    /* RFC 9110, 9.1: any token is a method; llhttp has a closed list. */
    "HPE_INVALID_METHOD",
    /* RFC 9110, 5.5 and 5.6.3: a tab may stand behind a value; llhttp takes only spaces there. What
       we take is digits and nothing else, which the unit tests hold. */
    "HPE_INVALID_CONTENT_LENGTH",
};

void reading_add(struct reading *r, struct slice s)
{
    MUST(result_ok(buf_append(&r->text, s)), "a transcript of %zu bytes", r->text.len);
}

void reading_add_number(struct reading *r, const char *what, unsigned number)
{
    MUST(result_ok(buf_printf(&r->text, "%s%u\n", what, number)), "a transcript of %zu bytes",
         r->text.len);
}

void reading_add_header(struct reading *r, struct slice name, struct slice value)
{
    reading_add(r, name);
    reading_add(r, SLICE("="));
    reading_add(r, slice_trim(value));
    reading_add(r, SLICE("\n"));
}

void reading_add_end(struct reading *r, bool keep_alive)
{
    reading_add(r, keep_alive ? SLICE("\nEND keep-alive\n") : SLICE("\nEND\n"));
    r->complete = r->text.len;
}

static void add_headers(struct reading *r, struct slice rest)
{
    struct http_header header;
    while (http_header_next(&rest, &header))
        reading_add_header(r, header.name, header.value);
}

static void add_head(struct reading *r, const struct http_head *head)
{
    reading_add(r, head->method);
    reading_add(r, SLICE("\n"));
    reading_add(r, head->target);
    reading_add_number(r, "\nstatus ", head->status);
    reading_add_number(r, "minor ", head->minor);
    add_headers(r, head->headers);
    reading_add(r, SLICE("\n"));
}

static void add_event(struct reading *r, const struct http_parser *p,
                      const struct http_event *event)
{
    if (event->kind == HTTP_HEAD || event->kind == HTTP_INTERIM)
        add_head(r, event->head);
    else if (event->kind == HTTP_BODY)
        reading_add(r, event->bytes);
    else if (event->kind == HTTP_END)
        add_headers(r, event->bytes);
    /* For llhttp an interim response is a message like any other. */
    if (event->kind == HTTP_END || event->kind == HTTP_INTERIM)
        reading_add_end(r, p->head.keep_alive);
}

static void reading_by_us(struct reading *r, bool response, struct slice input)
{
    struct http_parser p;
    http_init(&p, response ? HTTP_RESPONSE : HTTP_REQUEST);
    struct http_event event;
    struct result result;
    do {
        result = http_next(&p, &input, &event);
        if (result_ok(result))
            add_event(r, &p, &event);
    } while (result_ok(result) && event.kind != HTTP_NEED_MORE);
    if (result_ok(result)) {
        result = http_end_of_input(&p, &event);
        if (result_ok(result))
            add_event(r, &p, &event);
    }
    r->failed = !result_ok(result);
    bool only_cr = p.gathered.len > 0 && slice_trim(buf_slice(&p.gathered)).len == 0;
    if (r->failed)
        snprintf(r->why, sizeof(r->why), "%s", only_cr ? ONLY_CR : error_last()->text);
    http_free(&p);
}

static bool is_one_of(const char *why, const char *const *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(why, rules[i]))
            return true;
    return false;
}

#define IS_ONE_OF(why, rules) is_one_of((why), (rules), sizeof(rules) / sizeof((rules)[0]))

/* One may have stopped earlier than the other: what is complete in both must be the same. */
static void compare(const struct reading *ours, const struct reading *theirs)
{
    if (ours->failed && !theirs->failed)
        MUST(IS_ONE_OF(ours->why, stricter), "we refuse (%s) what llhttp takes:\n%s", ours->why,
             fuzz_text(&theirs->text));
    if (theirs->failed && !ours->failed)
        MUST(IS_ONE_OF(theirs->why, laxer), "llhttp refuses (%s) what we take:\n%s", theirs->why,
             fuzz_text(&ours->text));
    size_t common = ours->complete < theirs->complete ? ours->complete : theirs->complete;
    if (!ours->failed && !theirs->failed)
        MUST(ours->complete == theirs->complete, "ours:\n%s\nllhttp's:\n%s", fuzz_text(&ours->text),
             fuzz_text(&theirs->text));
    MUST(common == 0 || memcmp(ours->text.data, theirs->text.data, common) == 0,
         "ours:\n%s\nllhttp's:\n%s", fuzz_text(&ours->text), fuzz_text(&theirs->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool response = data[0] & 1;
    struct slice input = slice_of((const char *)data + 1, size - 1);
    size_t max = size * 64 + 65536;
    struct reading ours = {.text = buf_limited(max)}, theirs = {.text = buf_limited(max)};
    reading_by_us(&ours, response, input);
    reading_by_llhttp(&theirs, response, input);
    compare(&ours, &theirs);
    buf_free(&ours.text);
    buf_free(&theirs.text);
    return 0;
}
