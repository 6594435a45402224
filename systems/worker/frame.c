/*
 * Events as text. Made for a million tokens a second: a token whose text needs no escape, which is
 * nearly every one, is three appends.
 */
#include "frame.h"

static const char *const reasons[] = {
    [REASON_MAX_TOKENS] = "MAX_TOKENS",
    [REASON_EOS] = "EOS",
    [REASON_STOP_SEQUENCE] = "STOP_SEQUENCE",
    [REASON_CANCELLED] = "CANCELLED",
};

/* The ceiling is beyond what a request can make us say: reaching it is our defect. */
static void add(struct buf *out, struct slice bytes)
{
    struct result added = buf_append(out, bytes);
    MUST(result_ok(added), "%zu bytes more than %zu", bytes.len, out->max);
}

static void add_str(struct buf *out, const char *text)
{
    add(out, slice_str(text));
}

static void add_unsigned(struct buf *out, uint64_t value)
{
    char digits[20], *p = digits + sizeof(digits);
    do
        *--p = (char)('0' + value % 10);
    while (value /= 10);
    add(out, slice_of(p, (size_t)(digits + sizeof(digits) - p)));
}

static void add_escape(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char named[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                 ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (named[c])
        add(out, slice_of((char[]){'\\', named[c]}, 2));
    else
        add(out, slice_of((char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6));
}

void frame_escaped(struct buf *out, struct slice text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        add(out, slice_part(text, plain, i - plain));
        add_escape(out, c);
        plain = i + 1;
    }
    add(out, slice_from(text, plain));
}

void frame_started(struct buf *out, struct slice job_id, struct slice model, const char *started_at)
{
    add_str(out, "event: started\ndata: {\"type\":\"started\",\"job_id\":\"");
    frame_escaped(out, job_id);
    add_str(out, "\",\"model\":\"");
    frame_escaped(out, model);
    add_str(out, "\",\"started_at\":\"");
    add_str(out, started_at);
    add_str(out, "\"}\n\n");
}

void frame_token(struct buf *out, struct slice text, uint32_t index)
{
    add(out, SLICE("event: token\ndata: {\"type\":\"token\",\"t\":\""));
    frame_escaped(out, text);
    add(out, SLICE("\",\"i\":"));
    add_unsigned(out, index);
    add(out, SLICE("}\n\n"));
}

void frame_metrics(struct buf *out, double tokens_per_second, uint64_t vram_bytes)
{
    struct result added =
        buf_printf(out,
                   "event: metrics\ndata: {\"type\":\"metrics\",\"tokens_per_sec\":%.3f,"
                   "\"vram_bytes\":%llu}\n\n",
                   tokens_per_second, (unsigned long long)vram_bytes);
    MUST(result_ok(added), "more than %zu bytes", out->max);
}

void frame_end(struct buf *out, const struct end_event *end)
{
    add_str(out, "event: end\ndata: {\"type\":\"end\",\"tokens_out\":");
    add_unsigned(out, end->tokens_out);
    add_str(out, ",\"decode_time_ms\":");
    add_unsigned(out, end->decode_time_ms);
    add_str(out, ",\"stop_reason\":\"");
    add_str(out, reasons[end->reason]);
    if (end->stop_sequence.data) {
        add_str(out, "\",\"stop_sequence_matched\":\"");
        frame_escaped(out, end->stop_sequence);
    }
    add_str(out, "\"}\n\n");
}

void frame_error(struct buf *out, const char *code, struct slice message)
{
    add_str(out, "event: error\ndata: {\"type\":\"error\",\"code\":\"");
    add_str(out, code);
    add_str(out, "\",\"message\":\"");
    frame_escaped(out, message);
    add_str(out, "\"}\n\n");
}
