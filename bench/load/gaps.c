/*
 * assay itself, linked so that each gap it sees can be compared with the service's: pacer.c writes
 * into every event when it sent it, and here flight_feed is wrapped (ld --wrap) to read those
 * stamps on the way. The gap that assay counts between two events is held to the one between their
 * stamps; the differences, as magnitudes, by the kernel's receive stamps and by assay's own reads,
 * go as JSON to the file that GAPS names. Meant for a load with one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/slice.h"
#include "load/flight.h"
#include "load/histogram.h"

#define CONTENT "\"t\":\"" /* … and the stamp, in decimal */

bool __real_flight_feed(struct flight *flight, struct reader *reader, const struct target *target,
                        struct slice bytes, int64_t received, int64_t read,
                        struct metrics *metrics);
bool __wrap_flight_feed(struct flight *flight, struct reader *reader, const struct target *target,
                        struct slice bytes, int64_t received, int64_t read,
                        struct metrics *metrics);

static struct histogram by_kernel, by_read;
static uint64_t torn; /* reads that end within an event: what they tell is left out */

static void print_one(FILE *out, const char *name, const struct histogram *h)
{
    static const double percents[] = {50, 90, 99, 99.9};
    fprintf(out, "\"%s\":{\"count\":%llu", name, (unsigned long long)h->count);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        fprintf(out, ",\"p%g\":%lld", percents[i], (long long)histogram_percentile(h, percents[i]));
    fprintf(out, ",\"max\":%lld}", (long long)h->most);
}

static void print_all(void)
{
    FILE *out = fopen(getenv("GAPS"), "we");
    if (!out)
        return;
    fputc('{', out);
    print_one(out, "kernel", &by_kernel);
    fputc(',', out);
    print_one(out, "read", &by_read);
    fprintf(out, ",\"torn\":%llu}\n", (unsigned long long)torn);
    fclose(out);
}

/* The stamp of the next event of `*rest`, which is moved beyond it; 0: there is none. */
static int64_t next_stamp(struct slice *rest)
{
    ptrdiff_t at = slice_find(*rest, SLICE(CONTENT));
    int64_t stamp = 0;
    if (at < 0)
        return 0;
    *rest = slice_from(*rest, (size_t)at + strlen(CONTENT));
    while (rest->len > 0 && rest->data[0] >= '0' && rest->data[0] <= '9') {
        stamp = 10 * stamp + (rest->data[0] - '0');
        *rest = slice_from(*rest, 1);
    }
    return stamp;
}

static void compare(struct histogram *h, int64_t ours, int64_t theirs)
{
    histogram_add(h, llabs(ours - theirs));
}

/* The service's stamp of the last event of each stream. Streams are few and stay where they are. */
#define STREAMS (1u << 17)
static struct last {
    const struct flight *flight;
    int64_t stamp;
} lasts[STREAMS];

static struct last *last_of(const struct flight *flight)
{
    size_t i = ((uintptr_t)flight >> 4) % STREAMS;
    while (lasts[i].flight && lasts[i].flight != flight)
        i = (i + 1) % STREAMS;
    lasts[i].flight = flight;
    return &lasts[i];
}

bool __wrap_flight_feed(struct flight *flight, struct reader *reader, const struct target *target,
                        struct slice bytes, int64_t received, int64_t read, struct metrics *metrics)
{
    static bool begun;
    if (!begun && getenv("GAPS")) {
        histogram_clear(&by_kernel);
        histogram_clear(&by_read);
        begun = atexit(print_all) == 0;
    }
    uint32_t tokens = flight->tokens;
    int64_t last = flight->last_token, last_read = flight->last_token_read;
    bool over = __real_flight_feed(flight, reader, target, bytes, received, read, metrics);
    if (!begun || flight->tokens == tokens)
        return over;
    if (!slice_ends(bytes, SLICE("\n\n"))) {
        torn++;
        return over;
    }
    struct last *theirs = last_of(flight);
    for (int64_t stamp; (stamp = next_stamp(&bytes)) > 0; tokens++) {
        if (tokens > 0 && flight->measured) {
            compare(&by_kernel, flight->last_token - last, stamp - theirs->stamp);
            compare(&by_read, flight->last_token_read - last_read, stamp - theirs->stamp);
        }
        last = flight->last_token; /* those that were read together have one time */
        last_read = flight->last_token_read;
        theirs->stamp = stamp;
    }
    return over;
}
