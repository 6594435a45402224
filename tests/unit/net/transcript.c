/*
 * Transcripts of the HTTP parser and the event-stream decoder.
 */
#include "transcript.h"

#include "core/memory.h"
#include "net/sse.h"

/* The transcripts of a test are far below their ceiling; a failure would be ours. */
static void say(struct buf *out, const char *text, struct slice s)
{
    bool said = result_ok(buf_append(out, slice_str(text))) && result_ok(buf_append(out, s));
    MUST(said, "a transcript of %zu bytes", out->len);
}

static void say_number(struct buf *out, const char *text, long long number)
{
    MUST(result_ok(buf_printf(out, "%s%lld", text, number)), "a transcript of %zu bytes", out->len);
}

static size_t piece_size(const struct cut *cut, bool first, size_t left)
{
    size_t size = first ? cut->first : cut->every;
    if (cut->random)
        size = (size_t)random_between(cut->random, 1, random_next(cut->random) % 4 ? 8 : 200);
    return size == 0 || size > left ? left : size;
}

static struct slice own_copy(struct slice s)
{
    char *copy = mem_alloc(s.len);
    if (s.len)
        memcpy(copy, s.data, s.len);
    return slice_of(copy, s.len);
}

static void free_copy(struct slice copy)
{
    mem_free((void *)(uintptr_t)copy.data);
}

/* ---- HTTP ---- */

static void say_headers(struct buf *out, const char *what, struct slice rest)
{
    struct http_header header;
    while (http_header_next(&rest, &header)) {
        say(out, what, header.name);
        say(out, "=", header.value);
    }
}

static void say_head(struct buf *out, const char *what, const struct http_head *head)
{
    say(out, what, head->method);
    say(out, " ", head->target);
    say_number(out, " status ", head->status);
    say(out, " ", head->reason);
    say_number(out, " 1.", head->minor);
    say_number(out, head->has_length ? " length " : " no length ", (long long)head->length);
    say(out, head->chunked ? " chunked" : "", SLICE(""));
    say(out, head->has_body ? " body" : "", SLICE(""));
    say(out, head->until_close ? " until-close" : "", SLICE(""));
    say(out, head->keep_alive ? " keep-alive" : "", SLICE(""));
    say(out, head->expect_continue ? " expects-continue" : "", SLICE(""));
    say_headers(out, "\n  ", head->headers);
    MUST(head->block.len >= head->headers.len, "a head of %zu bytes", head->block.len);
}

static void say_failure(struct buf *out, const struct http_parser *p, struct result r)
{
    say(out, "\nFAILED ", slice_str(error_name(r.code)));
    say_number(out, " ", http_error_status(p));
    say(out, " ", slice_str(error_last()->text));
}

struct http_reading {
    struct http_parser parser;
    struct buf *out;
    bool in_body; /* pieces of a body are written one after the other */
};

static void say_event(struct http_reading *reading, const struct http_event *event)
{
    if (event->kind == HTTP_BODY) {
        MUST(event->bytes.len > 0, "an empty piece of body");
        say(reading->out, reading->in_body ? "" : "\nBODY ", event->bytes);
        reading->in_body = true;
        return;
    }
    if (event->kind == HTTP_NEED_MORE)
        return;
    reading->in_body = false;
    if (event->kind == HTTP_HEAD)
        say_head(reading->out, "\nHEAD ", event->head);
    else if (event->kind == HTTP_INTERIM)
        say_head(reading->out, "\nINTERIM ", event->head);
    else if (event->kind == HTTP_END)
        say_headers(reading->out, "\nEND ", event->bytes);
    if (event->kind == HTTP_END)
        say(reading->out, "\nEND", SLICE(""));
}

static bool read_piece(struct http_reading *reading, struct slice piece)
{
    struct http_event event;
    do {
        struct result r = http_next(&reading->parser, &piece, &event);
        if (!result_ok(r)) {
            say_failure(reading->out, &reading->parser, r);
            return false;
        }
        say_event(reading, &event);
    } while (event.kind != HTTP_NEED_MORE);
    MUST(piece.len == 0, "%zu bytes left although more is needed", piece.len);
    return true;
}

void http_transcript(struct buf *out, enum http_side side, bool head_requested, struct slice input,
                     struct cut cut)
{
    struct http_reading reading = {.out = out};
    http_init(&reading.parser, side);
    http_expect_head(&reading.parser, head_requested);
    bool good = true;
    for (size_t at = 0; good && at < input.len;) {
        size_t size = piece_size(&cut, at == 0, input.len - at);
        struct slice piece = own_copy(slice_part(input, at, size));
        good = read_piece(&reading, piece);
        free_copy(piece);
        at += size;
    }
    struct http_event event;
    if (good) {
        struct result r = http_end_of_input(&reading.parser, &event);
        if (result_ok(r))
            say_event(&reading, &event);
        else
            say_failure(out, &reading.parser, r);
    }
    http_free(&reading.parser);
}

/* ---- event streams ---- */

static void say_sse_event(struct buf *out, const char *what, const struct sse_event *event)
{
    say(out, what, event->type);
    say(out, event->has_type ? " (named) id " : " id ", event->id);
    say_number(out, event->has_id ? " (set) retry " : " retry ", event->retry);
    say_number(out, " at ", (long long)event->offset);
    say(out, ": ", event->data);
}

static void say_notes(struct buf *out, const struct sse_decoder *d)
{
    const struct sse_notes *n = &d->notes;
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"\nevents ", n->events},
        {" comments ", n->comments},
        {" lf ", n->lf},
        {" crlf ", n->crlf},
        {" cr ", n->cr},
        {" no_space ", n->no_space},
        {" no_colon ", n->no_colon},
        {" unknown ", n->unknown_fields},
        {" ignored_ids ", n->ignored_ids},
        {" ignored_retries ", n->ignored_retries},
        {" without_data ", n->without_data},
        {" invalid_utf8 ", n->invalid_utf8},
        {" bom ", n->bom},
        {" unfinished ", n->unfinished},
        {" bytes ", d->offset},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        say_number(out, counts[i].name, (long long)counts[i].count);
    say_number(out, " retry ", d->retry);
}

void sse_transcript(struct buf *out, struct slice input, struct cut cut)
{
    struct sse_decoder d;
    sse_init(&d);
    struct sse_event event;
    for (size_t at = 0; at < input.len;) {
        size_t size = piece_size(&cut, at == 0, input.len - at);
        struct slice piece = own_copy(slice_part(input, at, size));
        struct slice rest = piece;
        bool got = true;
        while (got) {
            struct result r = sse_next(&d, &rest, &event, &got);
            if (!result_ok(r)) {
                say(out, "\nFAILED ", slice_str(error_last()->text));
                free_copy(piece);
                sse_free(&d);
                return;
            }
            if (got)
                say_sse_event(out, "\nEVENT ", &event);
        }
        free_copy(piece);
        at += size;
    }
    if (sse_end(&d, &event))
        say_sse_event(out, "\nLEFT ", &event);
    say_notes(out, &d);
    sse_free(&d);
}
