/*
 * A tap that does what a fault plan says. Only answers that asked for faults pay for it, one
 * allocation each; nothing here is made for speed.
 */
#include "fault_tap.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "frame.h"

#define FAULT_MESSAGE "a fault was asked for"
#define TYPE_MAX 128

struct tap {
    struct fault_plan plan;
    struct exchange *ex;
    uv_timer_t timer;
    unsigned status;
    char type[TYPE_MAX];
    size_t type_len;
    bool stream;
    bool whole;   /* the body is collected: it goes out with a length when it is complete */
    bool paced;   /* what goes out is released piece by piece */
    bool waiting; /* for the end of a stall or a silence */
    bool deaf;    /* what the handler still says is not passed on */
    bool ended;   /* the handler is done */
    bool closing; /* and everything is written: it remains to be released */
    uint64_t tokens;
    uint64_t bundled;
    uint64_t next_ms; /* loop time of the next release */
    struct buf body, piece, swapped, bundle, scratch;
};

static bool asked(const struct tap *t, enum fault_name fault)
{
    return t->plan.asked[fault];
}

static uint64_t value(const struct tap *t, enum fault_name fault, enum fault_parameter parameter)
{
    return t->plan.values[fault][parameter];
}

static void put(struct buf *b, struct slice bytes)
{
    struct result put = buf_append(b, bytes);
    MUST(result_ok(put), "%zu bytes more than %zu", bytes.len, b->max);
}

/* ---- to the wire ---- */

static const struct exchange_tap functions;

static void on_timer(uv_timer_t *timer);

static void wait_until(struct tap *t, uint64_t ms)
{
    uint64_t now = uv_now(t->timer.loop);
    uv_timer_start(&t->timer, on_timer, ms > now ? ms - now : 0, 0);
}

/* Release the next pieces; close when that was all. */
static void pump(struct tap *t)
{
    bool slowly = asked(t, FAULT_LORIS);
    enum fault_name fault = slowly ? FAULT_LORIS : FAULT_SEGMENTS;
    size_t bytes = (size_t)value(t, fault, FAULT_BYTES);
    if (t->waiting || uv_is_active((uv_handle_t *)&t->timer))
        return;
    while (exchange_release(t->ex, bytes) > 0 && !slowly)
        continue;
    if (exchange_held(t->ex) == 0) {
        if (t->closing)
            exchange_close(t->ex);
        return;
    }
    uint64_t now = uv_now(t->timer.loop);
    t->next_ms = (t->next_ms ? t->next_ms : now) + (slowly ? value(t, fault, FAULT_MS) : 1);
    wait_until(t, t->next_ms);
}

static void pass_on(struct tap *t, struct slice bytes)
{
    t->ex->tap = NULL;
    exchange_write(t->ex, bytes);
    t->ex->tap = &functions;
    if (t->paced)
        pump(t);
}

/* Every character of several bytes is cut behind its first. */
static void send_split(struct tap *t, struct slice bytes)
{
    size_t from = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if ((unsigned char)bytes.data[i] < 0xc0)
            continue;
        pass_on(t, slice_part(bytes, from, i + 1 - from));
        if (!t->waiting && !t->paced)
            exchange_release(t->ex, SIZE_MAX);
        from = i + 1;
    }
    pass_on(t, slice_from(bytes, from));
}

static void send_bundle(struct tap *t)
{
    if (t->bundle.len)
        pass_on(t, buf_slice(&t->bundle));
    buf_clear(&t->bundle);
    t->bundled = 0;
}

static void cut(struct tap *t, enum exchange_cut how);

/* Keep the bytes in `b`. An answer too large to be kept is reset: better it than the worker. */
static void collect(struct tap *t, struct buf *b, struct slice bytes)
{
    if (result_ok(buf_append(b, bytes)))
        return;
    t->whole = false; /* nothing of it goes out */
    cut(t, EXCHANGE_CUT_RESET);
}

static void deliver(struct tap *t, struct slice bytes)
{
    if (t->deaf)
        return;
    if (t->whole) {
        collect(t, &t->body, bytes);
    } else if (asked(t, FAULT_BUNDLE)) {
        collect(t, &t->bundle, bytes);
        if (!t->deaf && ++t->bundled == value(t, FAULT_BUNDLE, FAULT_TOKENS))
            send_bundle(t);
    } else if (asked(t, FAULT_SPLIT_UTF8)) {
        send_split(t, bytes);
    } else {
        pass_on(t, bytes);
    }
}

/* ---- frames ---- */

static bool has(struct slice text, struct slice part)
{
    return slice_find(text, part) >= 0;
}

/* Strings inside JSON have their quotes escaped, so that a key with its colon is a key. */
static enum frame_kind kind_of(struct slice frame)
{
    static const struct {
        struct slice text;
        enum frame_kind kind;
    } signs[] = {
        {{"event: started\n", 15}, FRAME_STARTED}, {{"event: token\n", 13}, FRAME_TOKEN},
        {{"event: metrics\n", 15}, FRAME_METRICS}, {{"event: end\n", 11}, FRAME_END},
        {{"event: error\n", 13}, FRAME_ERROR},     {{"data: [DONE]", 12}, FRAME_DONE},
        {{"data: {\"error\":", 15}, FRAME_ERROR},
    };
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (slice_starts(frame, signs[i].text))
            return signs[i].kind;
    if (has(frame, SLICE("\"choices\":[]")))
        return FRAME_USAGE;
    if (has(frame, SLICE("\"finish_reason\":\"")))
        return FRAME_END;
    return has(frame, SLICE("\"role\":\"assistant\"")) ? FRAME_STARTED : FRAME_TOKEN;
}

static void add_line(struct tap *t, struct slice line)
{
    ptrdiff_t colon = slice_find(line, SLICE(": "));
    if (asked(t, FAULT_NO_SPACE) && colon >= 0) {
        put(&t->piece, slice_part(line, 0, (size_t)colon + 1));
        line = slice_from(line, (size_t)colon + 2);
    }
    put(&t->piece, line);
    put(&t->piece, asked(t, FAULT_CRLF) ? SLICE("\r\n") : SLICE("\n"));
}

static void emit(struct tap *t, struct slice frame)
{
    struct slice line;
    buf_clear(&t->piece);
    while (frame.len && slice_split(&frame, '\n', &line))
        add_line(t, line);
    deliver(t, buf_slice(&t->piece));
}

/* The end of the JSON value that begins at `at`: an object or a list. */
static size_t value_end(struct slice text, size_t at)
{
    int depth = 0;
    bool in_string = false;
    for (; at < text.len; at++) {
        char c = text.data[at];
        if (in_string && c == '\\')
            at++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && --depth == 0)
            return at + 1;
    }
    return text.len;
}

/* Emit a chunk like `frame`, with another value for `key`, which is a text up to the value. */
static void emit_variant(struct tap *t, struct slice frame, struct slice key, struct slice value)
{
    ptrdiff_t at = slice_find(frame, key);
    if (at < 0)
        return;
    buf_clear(&t->scratch);
    put(&t->scratch, slice_part(frame, 0, (size_t)at + key.len));
    put(&t->scratch, value);
    put(&t->scratch, slice_from(frame, value_end(frame, (size_t)at + key.len)));
    emit(t, buf_slice(&t->scratch));
}

static void emit_error(struct tap *t, bool openai)
{
    buf_clear(&t->scratch);
    if (openai)
        put(&t->scratch, SLICE("data: {\"error\":{\"message\":\"" FAULT_MESSAGE
                               "\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"));
    else
        frame_error(&t->scratch, "INFERENCE_FAILED", SLICE(FAULT_MESSAGE));
    emit(t, buf_slice(&t->scratch));
}

static void cut(struct tap *t, enum exchange_cut how)
{
    send_bundle(t);
    t->deaf = true;
    if (t->whole && how == EXCHANGE_CUT_END)
        return; /* it goes out when the handler is done */
    if (t->paced)
        while (exchange_release(t->ex, SIZE_MAX) > 0)
            continue;
    uv_timer_stop(&t->timer);
    exchange_cut(t->ex, how);
}

static void leave_process(struct tap *t)
{
    send_bundle(t);
    exchange_release(t->ex, SIZE_MAX);
    _exit((int)value(t, FAULT_EXIT, FAULT_CODE));
}

/* Nothing leaves from now on. */
static void wait_for(struct tap *t, enum fault_name fault)
{
    uint64_t ms = value(t, fault, FAULT_MS);
    t->waiting = true;
    exchange_release(t->ex, SIZE_MAX);
    exchange_hold(t->ex, true);
    uv_timer_stop(&t->timer);
    if (ms != FAULT_NOT_GIVEN)
        wait_until(t, uv_now(t->timer.loop) + ms);
}

/* A copy of `frame` that is wrong in itself. */
static struct slice spoiled(struct tap *t, struct slice frame, bool cut_short)
{
    size_t at = frame.len - 3; /* the last byte before the two line ends */
    for (size_t i = 0; !cut_short && i + 3 <= frame.len; i++)
        if (memcmp(frame.data + i, "\":\"", 3) == 0)
            at = i + 3; /* the last string: the text of a token */
    buf_clear(&t->scratch);
    put(&t->scratch, slice_part(frame, 0, at));
    put(&t->scratch, cut_short ? slice_from(frame, at + 1) : SLICE("\xff"));
    if (!cut_short)
        put(&t->scratch, slice_from(frame, at));
    return buf_slice(&t->scratch);
}

static bool is_event(const struct tap *t, enum fault_name fault, enum frame_kind kind,
                     uint64_t number)
{
    return asked(t, fault) && value(t, fault, FAULT_EVENT) == kind &&
           (kind != FRAME_TOKEN || value(t, fault, FAULT_AT) == number);
}

/* False when the fault ended the stream. */
static bool before_token(struct tap *t, struct slice frame, uint64_t number)
{
    bool openai = !slice_starts(frame, SLICE("event: "));
#define STRIKES(fault) (asked(t, fault) && value(t, fault, FAULT_AT) == number)
    if (STRIKES(FAULT_EXIT))
        leave_process(t);
    if (STRIKES(FAULT_RESET))
        cut(t, EXCHANGE_CUT_RESET);
    else if (STRIKES(FAULT_CLOSE))
        cut(t, EXCHANGE_CUT_CLOSE);
    else if (STRIKES(FAULT_ERROR)) {
        emit_error(t, openai);
        cut(t, EXCHANGE_CUT_END);
    }
    if (t->deaf)
        return false;
    if (STRIKES(FAULT_STALL))
        wait_for(t, FAULT_STALL);
    if (STRIKES(FAULT_ROLE_ONLY))
        emit_variant(t, frame, SLICE("\"delta\":"), SLICE("{\"role\":\"assistant\"}"));
    if (STRIKES(FAULT_USAGE))
        emit_variant(t, frame, SLICE("\"choices\":"),
                     SLICE("[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,"
                           "\"total_tokens\":2}"));
    return true;
}

static void take_frame(struct tap *t, struct slice frame)
{
    enum frame_kind kind = kind_of(frame);
    bool token = kind == FRAME_TOKEN;
    uint64_t number = token ? t->tokens++ : FAULT_NOT_GIVEN;
    if (token && !before_token(t, frame, number))
        return;
    if (is_event(t, FAULT_DROP, kind, number))
        return;
    if (STRIKES(FAULT_SWAP) && token) {
        put(&t->swapped, frame);
        return;
    }
    if (STRIKES(FAULT_MALFORMED) && token)
        frame = spoiled(t, frame, true);
    else if (STRIKES(FAULT_INVALID_UTF8) && token)
        frame = spoiled(t, frame, false);
    emit(t, frame);
    if (is_event(t, FAULT_DUPLICATE, kind, number))
        emit(t, frame);
    if (t->swapped.len)
        emit(t, buf_slice(&t->swapped));
    buf_clear(&t->swapped);
}

/* ---- the handler's calls ---- */

static void begin_now(struct tap *t, enum exchange_framing framing, uint64_t length)
{
    t->ex->tap = NULL;
    exchange_begin(t->ex, t->status, slice_of(t->type, t->type_len), framing, length);
    t->ex->tap = &functions;
    if (t->paced)
        pump(t);
}

static void tap_begin(struct exchange *ex, unsigned status, struct slice content_type,
                      enum exchange_framing framing, uint64_t length)
{
    struct tap *t = ex->tap_state;
    (void)length;
    t->status = status;
    t->type_len = content_type.len < TYPE_MAX ? content_type.len : TYPE_MAX;
    if (t->type_len)
        memcpy(t->type, content_type.data, t->type_len);
    t->stream = slice_starts(content_type, SLICE("text/event-stream"));
    t->whole = framing == EXCHANGE_LENGTH || asked(t, FAULT_TRUNCATE) || asked(t, FAULT_OVERLONG);
    t->paced = asked(t, FAULT_SEGMENTS) || asked(t, FAULT_LORIS);
    if (t->paced || asked(t, FAULT_ONE_SEGMENT))
        exchange_hold(ex, true);
    if (asked(t, FAULT_SILENT))
        wait_for(t, FAULT_SILENT);
    if (!t->whole)
        begin_now(t, framing, 0);
}

static void tap_write(struct exchange *ex, struct slice data)
{
    struct tap *t = ex->tap_state;
    if (!t->stream && !t->deaf) {
        deliver(t, data);
        return;
    }
    while (data.len && !t->deaf) {
        ptrdiff_t end = slice_find(data, SLICE("\n\n"));
        MUST(end >= 0, "a stream is written in whole frames");
        take_frame(t, slice_part(data, 0, (size_t)end + 2));
        data = slice_from(data, (size_t)end + 2);
    }
}

/* A whole answer with its length, or with a wrong one. */
static void send_whole(struct tap *t)
{
    struct slice body = buf_slice(&t->body);
    size_t length;
    if (asked(t, FAULT_MALFORMED) && !t->stream && body.len)
        body.len--;
    length = body.len;
    if (asked(t, FAULT_OVERLONG)) {
        uint64_t bytes = value(t, FAULT_OVERLONG, FAULT_BYTES);
        length = bytes < length ? length - (size_t)bytes : 0;
    }
    if (asked(t, FAULT_TRUNCATE)) {
        uint64_t bytes = value(t, FAULT_TRUNCATE, FAULT_BYTES);
        body.len = bytes < body.len ? body.len - (size_t)bytes : 0;
    }
    begin_now(t, EXCHANGE_LENGTH, length);
    if (asked(t, FAULT_SPLIT_UTF8))
        send_split(t, body);
    else
        pass_on(t, body);
}

/* The handler has said everything and nothing is waited for. */
static void finish(struct tap *t)
{
    struct exchange *ex = t->ex;
    exchange_write_end(ex);
    t->closing = true;
    if (t->paced) {
        pump(t);
    } else if (asked(t, FAULT_TRUNCATE) || asked(t, FAULT_OVERLONG)) {
        exchange_close(ex);
    } else {
        exchange_finish(ex);
    }
}

static void tap_end(struct exchange *ex)
{
    struct tap *t = ex->tap_state;
    ex->user = NULL; /* the handler has forgotten it */
    if (t->deaf && !t->whole)
        return; /* the cut is coming */
    t->ended = true;
    if (t->whole)
        send_whole(t);
    if (t->swapped.len)
        emit(t, buf_slice(&t->swapped));
    send_bundle(t);
    if (!t->waiting)
        finish(t);
}

static void on_timer(uv_timer_t *timer)
{
    struct tap *t = timer->data;
    if (t->waiting) {
        t->waiting = false;
        exchange_hold(t->ex, t->paced || asked(t, FAULT_ONE_SEGMENT));
        if (t->ended) {
            finish(t);
            return;
        }
    }
    if (t->paced)
        pump(t);
}

static void release(struct tap *t)
{
    struct buf *const buffers[] = {&t->body, &t->piece, &t->swapped, &t->bundle, &t->scratch};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        buf_free(buffers[i]);
    mem_free(t);
}

static void on_closed(uv_handle_t *timer)
{
    release(timer->data);
}

static void tap_gone(struct exchange *ex)
{
    struct tap *t = ex->tap_state;
    uv_close((uv_handle_t *)&t->timer, on_closed);
}

static const struct exchange_tap functions = {tap_begin, tap_write, tap_end, tap_gone};

void fault_tap_attach(struct exchange *ex, uv_loop_t *loop, const struct fault_plan *plan)
{
    struct tap *t = NEW(struct tap);
    t->plan = *plan;
    t->ex = ex;
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    struct buf *const buffers[] = {&t->body, &t->piece, &t->swapped, &t->bundle, &t->scratch};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        *buffers[i] = buf_limited(FRAME_BYTES_MAX);
    ex->tap = &functions;
    ex->tap_state = t;
}
