/*
 * HdrHistogram's encoding and log.
 */
#include "load/hdr.h"

#include <time.h>
#include <zlib.h>

#include "core/clock.h"
#include "core/memory.h"

#define COOKIE_ENCODED 0x1c849303u /* V2 … */
#define COOKIE_COMPRESSED 0x1c849304u
#define COOKIE_VARINTS 0x10u /* … whose counts have no fixed size */
#define DIGITS 2
/* A day, which every reader has room for, … */
#define HIGHEST (86400 * NS_PER_S)
#define HEADER_BYTES 40
#define VARINT_BYTES 9

/* ------------------------------------------------------------------ bytes */

static uint8_t *put_big_endian(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *to++ = (uint8_t)(value >> (8 * i));
    return to;
}

/* ZigZag LEB128-64b9B: seven bits a byte, the least first; a ninth byte has eight. */
static uint8_t *put_varint(uint8_t *to, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (int i = 1; i < VARINT_BYTES && rest > 127; i++, rest >>= 7)
        *to++ = (uint8_t)(rest | 128);
    *to++ = (uint8_t)rest;
    return to;
}

static void add_base64(struct text *t, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        text_add_byte(t, digits[three >> 18]);
        text_add_byte(t, digits[three >> 12 & 63]);
        text_add_byte(t, left > 1 ? digits[three >> 6 & 63] : '=');
        text_add_byte(t, left > 2 ? digits[three & 63] : '=');
    }
}

/* ------------------------------------------------------------------ a histogram */

/* Counts up to the greatest value; what is negative is how many of none follow. */
static uint8_t *put_counts(uint8_t *to, const struct histogram *h)
{
    size_t limit = h->count > 0 ? histogram_index(h->most) + 1 : 0;
    for (size_t i = 0; i < limit;) {
        size_t zeros = 0;
        while (i + zeros < limit && h->counts[i + zeros] == 0)
            zeros++;
        if (zeros > 1) {
            to = put_varint(to, -(int64_t)zeros);
            i += zeros;
        } else {
            to = put_varint(to, (int64_t)h->counts[i++]);
        }
    }
    return to;
}

static uint64_t bits_of(double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

void hdr_encode(struct text *t, const struct histogram *h)
{
    uint8_t *encoded = mem_alloc(HEADER_BYTES + HISTOGRAM_SIZE * VARINT_BYTES);
    uint8_t *end = put_counts(encoded + HEADER_BYTES, h), *at = encoded;
    int64_t highest = HIGHEST;
    while (highest < h->most)
        highest = highest < INT64_MAX / 2 ? highest * 2 : INT64_MAX;
    at = put_big_endian(at, COOKIE_ENCODED | COOKIE_VARINTS, 4);
    at = put_big_endian(at, (uint64_t)(end - encoded) - HEADER_BYTES, 4);
    at = put_big_endian(at, 0, 4); /* offset of a normalised index */
    at = put_big_endian(at, DIGITS, 4);
    at = put_big_endian(at, 1, 8); /* the least value that is told from 0 */
    at = put_big_endian(at, (uint64_t)highest, 8);
    put_big_endian(at, bits_of(1.0), 8); /* what a unit is worth */

    uLong len = (uLong)(end - encoded);
    uLongf packed_len = compressBound(len);
    uint8_t *packed = mem_alloc(packed_len + 8);
    int done = compress2(packed + 8, &packed_len, encoded, len, Z_BEST_COMPRESSION);
    MUST(done == Z_OK, "zlib says %d", done); /* there is room, and memory does not run out */
    at = put_big_endian(packed, COOKIE_COMPRESSED | COOKIE_VARINTS, 4);
    put_big_endian(at, packed_len, 4);
    add_base64(t, packed, packed_len + 8);
    mem_free(packed);
    mem_free(encoded);
}

/* ------------------------------------------------------------------ the log */

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void add_interval(struct text *t, const struct timeline_row *row, int metric,
                         struct histogram *h)
{
    histogram_clear(h);
    sparse_spread(&row->metrics[metric], h);
    if (h->count == 0)
        return;
    if (metric != SECOND_LATENCY)
        text_printf(t, "Tag=%s,", metric_kinds[second_metrics[metric]].name);
    text_printf(t, "%.3f,%.3f,%.3f,", seconds(row->from), seconds(row->to - row->from),
                (double)h->most / (double)NS_PER_MS);
    hdr_encode(t, h);
    text_add_byte(t, '\n');
}

void hdr_log(struct text *t, const struct timeline *timeline)
{
    time_t at = (time_t)(timeline->started_wall / NS_PER_S);
    struct tm parts = {0};
    char date[64] = "";
    strftime(date, sizeof(date), "%a %b %d %H:%M:%S UTC %Y", gmtime_r(&at, &parts));
    text_add_str(t, "#[Logged by assay load; values are nanoseconds]\n"
                    "#[Histogram log format version 1.3]\n");
    text_printf(t, "#[StartTime: %.3f (seconds since epoch), %s]\n",
                seconds(timeline->started_wall), date);
    text_add_str(t, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                    "\"Interval_Compressed_Histogram\"\n");
    struct histogram *h = mem_alloc(sizeof(*h));
    for (size_t i = 0; i < timeline->count; i++)
        for (int metric = 0; metric < SECOND_METRICS; metric++)
            add_interval(t, &timeline->rows[i], metric, h);
    mem_free(h);
}
