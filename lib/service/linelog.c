/*
 * Lines in a list, oldest first; each stream has its unfinished line. One allocation a line: a
 * service that logs a hundred thousand lines a second costs us a few percent of a core.
 */
#include "service/linelog.h"

#include "core/buf.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"

struct held {
    struct held *next;
    struct log_line line; /* its text follows this struct */
};

struct unfinished {
    struct buf text;
    int64_t time;
};

struct linelog {
    void (*on_line)(void *context, const struct log_line *line);
    void *context;
    struct held *first, *last;
    size_t bytes; /* of all held, with their structs */
    uint64_t count;
    struct unfinished unfinished[2];
};

struct linelog *linelog_new(void (*on_line)(void *context, const struct log_line *line),
                            void *context)
{
    struct linelog *log = NEW(struct linelog);
    log->on_line = on_line;
    log->context = context;
    for (size_t i = 0; i < 2; i++)
        log->unfinished[i].text = buf_limited(LINELOG_LINE_BYTES);
    return log;
}

static size_t weight(const struct held *h)
{
    return sizeof(*h) + h->line.text.len;
}

static void drop_first(struct linelog *log)
{
    struct held *gone = log->first;
    log->first = gone->next;
    if (log->first == NULL)
        log->last = NULL;
    log->bytes -= weight(gone);
    mem_free(gone);
}

void linelog_free(struct linelog *log)
{
    if (log == NULL)
        return;
    while (log->first)
        drop_first(log);
    for (size_t i = 0; i < 2; i++)
        buf_free(&log->unfinished[i].text);
    mem_free(log);
}

static void hold(struct linelog *log, enum process_stream stream, struct slice text, int64_t time)
{
    struct held *h = mem_alloc(sizeof(*h) + text.len);
    char *copy = (char *)(h + 1);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    *h = (struct held){.line = {.time = time, .stream = stream, .text = {copy, text.len}}};
    if (log->last)
        log->last->next = h;
    else
        log->first = h;
    log->last = h;
    log->bytes += weight(h);
    log->count++;
    while (log->bytes > LIMIT_OUTPUT_BYTES && log->first != h)
        drop_first(log);
    if (log->on_line)
        log->on_line(log->context, &h->line);
}

static void finish_line(struct linelog *log, enum process_stream stream)
{
    struct unfinished *u = &log->unfinished[stream];
    struct slice text = buf_slice(&u->text);
    if (slice_ends(text, SLICE("\r")))
        text.len--;
    hold(log, stream, text, u->time);
    buf_clear(&u->text);
}

/* Up to a full line into the unfinished one. */
static void collect(struct linelog *log, enum process_stream stream, struct slice bytes,
                    int64_t now)
{
    struct unfinished *u = &log->unfinished[stream];
    while (bytes.len > 0) {
        if (u->text.len == LINELOG_LINE_BYTES)
            finish_line(log, stream);
        if (u->text.len == 0)
            u->time = now;
        struct slice part = slice_part(bytes, 0, LINELOG_LINE_BYTES - u->text.len);
        struct result r = buf_append(&u->text, part);
        MUST(result_ok(r), "%zu bytes after %zu", part.len, u->text.len);
        bytes = slice_from(bytes, part.len);
    }
}

void linelog_add(struct linelog *log, enum process_stream stream, struct slice bytes, int64_t now)
{
    while (bytes.len > 0) {
        ptrdiff_t end = slice_find_byte(bytes, '\n');
        if (end < 0) {
            collect(log, stream, bytes, now);
            return;
        }
        collect(log, stream, slice_part(bytes, 0, (size_t)end), now);
        if (log->unfinished[stream].text.len == 0)
            log->unfinished[stream].time = now; /* an empty line */
        finish_line(log, stream);
        bytes = slice_from(bytes, (size_t)end + 1);
    }
}

void linelog_flush(struct linelog *log)
{
    for (int stream = 0; stream < 2; stream++)
        if (log->unfinished[stream].text.len > 0)
            finish_line(log, (enum process_stream)stream);
}

uint64_t linelog_count(const struct linelog *log)
{
    return log->count;
}

static bool within(const struct held *h, int64_t from, int64_t to)
{
    return h->line.time >= from && h->line.time <= to;
}

size_t linelog_between(const struct linelog *log, int64_t from, int64_t to, size_t max,
                       struct arena *arena, const struct log_line **out)
{
    size_t count = 0, bytes = 0;
    for (const struct held *h = log->first; h; h = h->next) {
        if (within(h, from, to)) {
            count++;
            bytes += h->line.text.len + 1;
        }
    }
    struct log_line *lines = ARENA_ARRAY(arena, struct log_line, count + 1);
    size_t n = 0, excess = bytes > max ? bytes - max : 0;
    for (const struct held *h = log->first; h; h = h->next) {
        if (!within(h, from, to))
            continue;
        size_t size = h->line.text.len + 1;
        if (excess >= size) {
            excess -= size;
            continue;
        }
        lines[n] = h->line;
        lines[n++].text = arena_copy(arena, slice_from(h->line.text, excess));
        excess = 0;
    }
    *out = lines;
    return n;
}

struct slice linelog_text(const struct linelog *log, int64_t from, int64_t to, size_t max,
                          struct arena *arena)
{
    const struct log_line *lines;
    size_t count = linelog_between(log, from, to, max, arena, &lines);
    struct text text = text_in(arena);
    for (size_t i = 0; i < count; i++) {
        text_add(&text, lines[i].text);
        text_add_byte(&text, '\n');
    }
    return text_slice(&text);
}
