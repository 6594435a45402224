/*
 * A writer beside the threads of the load. Each thread's buffer is guarded by a lock that is held
 * for as long as it takes to copy one request in, or to put an empty buffer in its place.
 */
#include "load/eventlog.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/memory.h"
#include "load/keep.h"
#include "load/print.h"

#define PAUSE_NS (20 * NS_PER_MS)
#define WRITE_BYTES 65536

struct eventfeed {
    pthread_mutex_t mutex; /* of `filling` */
    struct buf filling, draining;
};

struct eventlog {
    FILE *file;
    int fault; /* errno of a write that failed */
    pthread_t writer;
    atomic_bool over;
    struct eventfeed *feeds;
    uint32_t feed_count;
    eventlog_hide *hide; /* NULL: nothing is to be hidden */
    const void *context; /* … its */
    char text[WRITE_BYTES];
    size_t len;
};

/* What stands in a buffer for a request; its notes follow, then its example. */
struct entry {
    struct flight flight;
    int64_t begin;
    uint32_t notes, example;
};

/* ------------------------------------------------------------------ text */

static void flush_text(struct eventlog *log)
{
    if (fwrite(log->text, 1, log->len, log->file) != log->len && !log->fault)
        log->fault = errno ? errno : EIO;
    log->len = 0;
}

static void add(struct eventlog *log, struct slice text)
{
    while (text.len > 0) {
        size_t room = WRITE_BYTES - log->len, part = text.len < room ? text.len : room;
        memcpy(log->text + log->len, text.data, part);
        log->len += part;
        text = slice_from(text, part);
        if (log->len == WRITE_BYTES)
            flush_text(log);
    }
}

static void add_number(struct eventlog *log, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        digits[--at] = '-';
    add(log, slice_of(digits + at, sizeof(digits) - at));
}

/* ,"name":number */
static void add_field(struct eventlog *log, const char *name, int64_t number)
{
    add(log, SLICE(",\""));
    add(log, slice_str(name));
    add(log, SLICE("\":"));
    add_number(log, number);
}

/* … of a time that may not have come. */
static void add_time(struct eventlog *log, const char *name, int64_t at, int64_t begin)
{
    if (at)
        add_field(log, name, at - begin);
}

static void add_failure(struct eventlog *log, const struct flight *f, struct slice example)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    if (!f->failure)
        return;
    text_printf(&t, ",\"failure\":\"%s\",\"example\":", failure_kinds[f->failure].name);
    if (log->hide)
        example = log->hide(log->context, arena, example);
    json_t *shown = jsontext_string(arena, example); /* what is not UTF-8 is replaced */
    text_add_json(&t, jsontext_slice(shown));
    add(log, text_slice(&t));
}

static void add_notes(struct eventlog *log, const struct entry *entry, const char *notes)
{
    add(log, SLICE(",\"events\":["));
    for (uint32_t i = 0; i < entry->notes; i++) {
        struct note note;
        memcpy(&note, notes + i * sizeof(note), sizeof(note));
        add(log, i ? SLICE(",[") : SLICE("["));
        add_number(log, note.received - entry->begin);
        add(log, SLICE(","));
        add_number(log, note.read - entry->begin);
        add(log, SLICE(",\""));
        add(log, slice_str(answer_kind_names[note.kind]));
        add(log, SLICE("\""));
        if (note.tokens >= 0) {
            add(log, SLICE(","));
            add_number(log, note.tokens);
        }
        add(log, SLICE("]"));
    }
    add(log, SLICE("]"));
}

static void add_entry(struct eventlog *log, const struct entry *entry, const char *notes)
{
    const struct flight *f = &entry->flight;
    int64_t begin = entry->begin;
    add(log, SLICE("{\"number\":"));
    add_number(log, (int64_t)f->number);
    add(log, f->measured ? SLICE(",\"measured\":true") : SLICE(",\"measured\":false"));
    add_field(log, "intended", f->intended - begin);
    add_time(log, "could", f->could, begin);
    add_time(log, "started", f->started, begin);
    add_time(log, "connected", f->connected, begin);
    add_time(log, "secured", f->secured, begin);
    add_time(log, "sent", f->sent, begin);
    add_time(log, "first_byte", f->first_byte, begin);
    add_time(log, "end", f->end, begin);
    add_field(log, "status", f->status);
    add_field(log, "bytes", (int64_t)f->bytes);
    if (f->usage >= 0)
        add_field(log, "tokens", f->usage);
    if (f->input >= 0)
        add_field(log, "input_tokens", f->input);
    if (f->turn)
        add_field(log, "turn", f->turn);
    if (f->choices > 1)
        add_field(log, "choices", f->choices);
    if (f->results)
        add_field(log, "results", f->results);
    add_failure(log, f, slice_of(notes + entry->notes * sizeof(struct note), entry->example));
    add_notes(log, entry, notes);
    add(log, SLICE("}\n"));
}

/* ------------------------------------------------------------------ the writer */

static void drain(struct eventlog *log, struct eventfeed *feed)
{
    pthread_mutex_lock(&feed->mutex);
    struct buf full = feed->filling;
    feed->filling = feed->draining;
    feed->draining = full;
    pthread_mutex_unlock(&feed->mutex);
    for (size_t at = 0; at < full.len;) {
        struct entry entry;
        memcpy(&entry, full.data + at, sizeof(entry));
        at += sizeof(entry);
        add_entry(log, &entry, full.data + at);
        at += entry.notes * sizeof(struct note) + entry.example;
    }
    buf_clear(&feed->draining);
}

static void drain_all(struct eventlog *log)
{
    for (uint32_t i = 0; i < log->feed_count; i++)
        drain(log, &log->feeds[i]);
}

static void *write_all(void *argument)
{
    struct eventlog *log = argument;
    const struct timespec pause = {0, PAUSE_NS};
    while (!log->over) {
        drain_all(log);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* ------------------------------------------------------------------ the log */

static void free_log(struct eventlog *log)
{
    for (uint32_t i = 0; i < log->feed_count; i++) {
        pthread_mutex_destroy(&log->feeds[i].mutex);
        buf_free(&log->feeds[i].filling);
        buf_free(&log->feeds[i].draining);
    }
    mem_free(log->feeds);
    mem_free(log);
}

static void write_json(struct eventlog *log, json_t *json)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    add(log, jsontext_write(arena, jsontext_keep(arena, json)));
    add(log, SLICE("\n"));
}

struct result eventlog_open(const char *path, const struct load_plan *plan, int64_t lag,
                            struct eventlog **out)
{
    *out = NULL;
    FILE *file = fopen(path, "we");
    ENSURE(file, ERR_IO, "--events %s: %s", path, strerror(errno));
    struct eventlog *log = NEW(struct eventlog);
    log->file = file;
    log->feed_count = plan->threads;
    log->feeds = mem_zero(plan->threads * sizeof(*log->feeds));
    for (uint32_t i = 0; i < plan->threads; i++) {
        pthread_mutex_init(&log->feeds[i].mutex, NULL);
        log->feeds[i].filling = buf_limited(EVENTLOG_FEED_BYTES);
        log->feeds[i].draining = buf_limited(EVENTLOG_FEED_BYTES);
    }
    write_json(log, json_pack("{s:i, s:o, s:I}", "assay_events", EVENTLOG_VERSION, "plan",
                              print_plan_json(plan), "lag_ns", (json_int_t)lag));
    int fault = pthread_create(&log->writer, NULL, write_all, log);
    if (fault) {
        free_log(log);
        fclose(file);
        return error_set(ERR_IO, "a thread cannot be had: %s", strerror(fault));
    }
    *out = log;
    return RESULT_OK;
}

void eventlog_hide_by(struct eventlog *log, eventlog_hide *hide, const void *context)
{
    log->hide = hide;
    log->context = context;
}

struct eventfeed *eventlog_feed(struct eventlog *log, uint32_t index)
{
    return &log->feeds[index];
}

bool eventfeed_add(struct eventfeed *feed, int64_t begin, const struct flight *flight,
                   const struct notes *notes, const char *example)
{
    struct slice said = flight->failure ? slice_str(example) : SLICE("");
    said.len = said.len < FAILURE_EXAMPLE ? said.len : FAILURE_EXAMPLE;
    const struct entry entry = {*flight, begin, notes ? notes->count : 0, (uint32_t)said.len};
    size_t noted = entry.notes * sizeof(struct note);
    bool taken = false;
    pthread_mutex_lock(&feed->mutex);
    struct buf *b = &feed->filling;
    if ((!notes || !notes->lost) && sizeof(entry) + noted + said.len <= b->max - b->len)
        taken =
            result_ok(buf_append(b, slice_of((const char *)&entry, sizeof(entry)))) &&
            (noted == 0 || result_ok(buf_append(b, slice_of((const char *)notes->items, noted)))) &&
            result_ok(buf_append(b, said));
    pthread_mutex_unlock(&feed->mutex);
    return taken;
}

static void end_writer(struct eventlog *log)
{
    log->over = true;
    pthread_join(log->writer, NULL);
}

void eventlog_drop(struct eventlog *log)
{
    end_writer(log);
    fclose(log->file);
    free_log(log);
}

/* Reads belong to connections, not to requests, and are kept as a histogram; answers were checked
 * when their requests had been written. */
static void write_end(struct eventlog *log, const struct load_outcome *outcome)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text lag = text_in(arena);
    const struct metrics *m = &outcome->metrics;
    keep_histogram(&lag, &m->histograms[METRIC_CLIENT_LAG]);
    json_t *line =
        json_pack("{s:o, s:s}", "outcome", keep_outcome(outcome), "client_lag", text_str(&lag));
    if (m->failures[FAILURE_CHECK]) {
        struct slice example = slice_str(m->examples[FAILURE_CHECK]);
        json_object_set_new(line, "failed_checks",
                            json_integer((json_int_t)m->failures[FAILURE_CHECK]));
        json_object_set(line, "failed_check", jsontext_string(arena, example));
    }
    write_json(log, line);
}

struct result eventlog_close(struct eventlog *log, const struct load_outcome *outcome)
{
    end_writer(log);
    drain_all(log);
    write_end(log, outcome);
    flush_text(log);
    int fault = log->fault;
    if (fclose(log->file) != 0 && !fault)
        fault = errno;
    free_log(log);
    ENSURE(!fault, ERR_IO, "the event log could not be written: %s", strerror(fault));
    return RESULT_OK;
}
