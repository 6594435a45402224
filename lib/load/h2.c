/*
 * nghttp2 between bytes and flights.
 */
#include "load/h2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"
#include "load/link.h"

#define WINDOW INT32_MAX             /* the largest there is */
#define TAKEN_BYTES (48u << 10)      /* frames handed out at once, but for the last */
#define TYPE_BYTES 64                /* of a Content-Type, to see whether it is one of events */
#define SAID_BYTES 200               /* of what nghttp2 says is wrong */
#define FIELDS_MOST (H2_FIELDS + 16) /* with those that every request has */

/* ------------------------------------------------------------------ header fields */

struct fields {
    nghttp2_nv all[FIELDS_MOST];
    size_t count;
};

static void add_field(struct fields *f, struct slice name, struct slice value)
{
    if (f->count == FIELDS_MOST)
        return;
    nghttp2_nv *nv = &f->all[f->count++];
    *nv = (nghttp2_nv){.namelen = name.len, .valuelen = value.len};
    memcpy(&nv->name, &name.data, sizeof(name.data)); /* nghttp2 copies what they point to */
    memcpy(&nv->value, &value.data, sizeof(value.data));
}

/* Fields that are about an HTTP/1.1 connection (RFC 9113, 8.2.2), or have another name. */
static bool of_the_connection(struct slice name)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
                                        "te",         "upgrade",    "host"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

static struct slice next_line(struct slice *rest)
{
    struct slice line = {0};
    (void)slice_split(rest, '\n', &line);
    return slice_trim(line);
}

/* The fields of a head that HTTP/1.1 could have; names are made small in it. */
static void read_head(struct fields *f, char *head, size_t len, bool secure)
{
    struct slice rest = slice_of(head, len), line = next_line(&rest), lines = rest;
    struct slice method = {0}, path = {0};
    (void)slice_split(&line, ' ', &method);
    (void)slice_split(&line, ' ', &path);
    add_field(f, SLICE(":method"), method);
    add_field(f, SLICE(":scheme"), secure ? SLICE("https") : SLICE("http"));
    add_field(f, SLICE(":path"), path);
    while ((line = next_line(&lines)).len > 0) /* before all that have no colon */
        if (slice_eq_nocase(slice_part(line, 0, 5), SLICE("host:")))
            add_field(f, SLICE(":authority"), slice_trim(slice_from(line, 5)));
    while ((line = next_line(&rest)).len > 0) {
        ptrdiff_t colon = slice_find_byte(line, ':');
        if (colon <= 0)
            continue;
        struct slice name = slice_part(line, 0, (size_t)colon);
        char *at = head + (name.data - head);
        for (size_t i = 0; i < name.len; i++)
            if (at[i] >= 'A' && at[i] <= 'Z')
                at[i] = (char)(at[i] - 'A' + 'a');
        if (!of_the_connection(name))
            add_field(f, name, slice_trim(slice_from(line, name.len + 1)));
    }
}

/* ------------------------------------------------------------------ a connection */

struct stream {
    struct slot *slot; /* NULL: nobody waits for it */
    int32_t id;
    uint16_t status;
    uint8_t type_len;
    char type[TYPE_BYTES];
    struct buf lines; /* of its head, when they are looked into */
    struct buf body;  /* of the request … */
    size_t given;     /* … and so much of it went */
};

struct h2 {
    const struct h2_shared *shared;
    struct link *link;
    nghttp2_session *session;
    struct stream *streams; /* of each slot */
    struct buf head;        /* of a request, while it is read */
    uint32_t open;
    bool settled;           /* the peer's SETTINGS came */
    bool goodbye;           /* … or its GOAWAY: … */
    int32_t last;           /* … it looks at no stream after this one, … */
    uint32_t code;          /* … because of this */
    int32_t invalid_id;     /* a stream on which something was wrong … */
    char said[SAID_BYTES];  /* … and what */
    int64_t received, read; /* the bytes that are taken in */
};

static struct stream *stream_of(nghttp2_session *session, int32_t id)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    return stream && stream->slot && stream->id == id ? stream : NULL;
}

/* Its flight is over: nobody waits any more. */
static void land(struct h2 *h2, struct stream *stream)
{
    struct slot *slot = stream->slot;
    stream->slot = NULL;
    h2->open--;
    nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
    h2->shared->landed(h2->shared->context, h2->link, slot, h2->read);
}

static void reset_stream(struct h2 *h2, const struct stream *stream)
{
    int fault =
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
    MUST(fault == 0, "%s", nghttp2_strerror(fault)); /* no memory */
}

/* The flight is over before the stream is. */
static void give_up(struct h2 *h2, struct stream *stream)
{
    reset_stream(h2, stream);
    land(h2, stream);
}

static int64_t received_by(const struct h2 *h2, const struct flight *flight)
{
    return h2->received < flight->sent ? flight->sent : h2->received;
}

/* Bytes of its answer came. */
static void heard(const struct h2 *h2, struct flight *flight, size_t bytes)
{
    if (!flight->first_byte)
        flight->first_byte = received_by(h2, flight);
    flight->bytes += bytes;
}

static void take_end(struct h2 *h2, struct stream *stream)
{
    struct slot *slot = stream->slot;
    if (!slot->flight.status) { /* nothing but interim heads; nghttp2 lets no such stream pass */
        (void)error_set(ERR_PROTOCOL, "an answer without a status");
        slot->flight.failure = FAILURE_PROTOCOL;
        give_up(h2, stream);
        return;
    }
    flight_end(&slot->flight, &slot->reader, slot->flight.target, received_by(h2, &slot->flight));
    if (stream->given < stream->body.len)
        give_up(h2, stream); /* it did not want all of it */
    else
        land(h2, stream);
}

/* The fields of a head, or of a trailer, are all there. */
static void take_head(struct h2 *h2, struct stream *stream)
{
    struct slot *slot = stream->slot;
    if (stream->status < 200 || slot->flight.status) /* interim; trailers */
        return;
    if (!flight_head(&slot->flight, &slot->reader, slot->flight.target, stream->status,
                     slice_of(stream->type, stream->type_len)))
        give_up(h2, stream);
    else if (slot->flight.kept)
        inspected_head(slot->flight.kept, stream->status, buf_slice(&stream->lines));
}

/* As HTTP/1.1 has it; what is too long for that is not looked into. */
static void keep_line(struct stream *stream, const uint8_t *name, size_t name_len,
                      const uint8_t *value, size_t value_len)
{
    result_ignore(buf_printf(&stream->lines, "%.*s: %.*s\r\n", (int)name_len, (const char *)name,
                             (int)value_len, (const char *)value));
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    (void)flags;
    (void)user;
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    if (!stream)
        return 0;
    if (name_len == 7 && memcmp(name, ":status", 7) == 0 && value_len == 3) {
        /* nghttp2 has looked that it is a number. */
        stream->status =
            (uint16_t)((value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0'));
        stream->type_len = 0;
        buf_clear(&stream->lines);
    } else if (name_len == 12 && memcmp(name, "content-type", 12) == 0) {
        size_t len = value_len < TYPE_BYTES ? value_len : TYPE_BYTES;
        memcpy(stream->type, value, len);
        stream->type_len = (uint8_t)len;
    } else if (name_len == 11 && memcmp(name, "retry-after", 11) == 0 &&
               (stream->status == 429 || stream->status == 503)) {
        flight_retry_after(&stream->slot->flight, slice_of((const char *)value, value_len));
    }
    if (stream->slot->flight.kept && !stream->slot->flight.status && *name != ':')
        keep_line(stream, name, name_len, value, value_len);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *user)
{
    (void)flags;
    struct h2 *h2 = user;
    struct stream *stream = stream_of(session, id);
    if (!stream)
        return 0;
    struct slot *slot = stream->slot;
    heard(h2, &slot->flight, len);
    if (!flight_body(&slot->flight, &slot->reader, slot->flight.target,
                     slice_of((const char *)data, len), received_by(h2, &slot->flight), h2->read,
                     h2->shared->metrics))
        give_up(h2, stream);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) {
        h2->settled = true;
        return 0;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        h2->goodbye = true;
        h2->last = frame->goaway.last_stream_id;
        h2->code = frame->goaway.error_code;
        return 0;
    }
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    if (stream && frame->hd.type == NGHTTP2_HEADERS) {
        heard(h2, &stream->slot->flight, frame->hd.length);
        take_head(h2, stream);
        stream = stream_of(session, frame->hd.stream_id);
    }
    if (stream && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        take_end(h2, stream);
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int fault,
                            void *user)
{
    (void)session;
    struct h2 *h2 = user;
    h2->invalid_id = frame->hd.stream_id;
    if (!*h2->said)
        snprintf(h2->said, sizeof(h2->said), "%s", nghttp2_strerror(fault));
    return 0;
}

static int on_error(nghttp2_session *session, int fault, const char *text, size_t len, void *user)
{
    (void)session;
    (void)fault;
    struct h2 *h2 = user;
    snprintf(h2->said, sizeof(h2->said), "%.*s", (int)(len < SAID_BYTES ? len : SAID_BYTES), text);
    return 0;
}

/* Why a stream ended before its answer did. */
static enum failure failure_of_stream(struct h2 *h2, int32_t id, uint32_t code)
{
    if (h2->goodbye && id > h2->last)
        return h2_failure(h2);
    if (id == h2->invalid_id) {
        (void)error_set(ERR_PROTOCOL, "%s", h2->said);
        h2->invalid_id = -1;
        *h2->said = 0;
        return FAILURE_PROTOCOL;
    }
    (void)error_set(ERR_CLOSED, "RST_STREAM: %s", nghttp2_http2_strerror(code));
    return code == NGHTTP2_REFUSED_STREAM ? FAILURE_REFUSED_STREAM : FAILURE_STREAM_RESET;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct h2 *h2 = user;
    struct stream *stream = stream_of(session, id);
    if (stream) {
        stream->slot->flight.failure = failure_of_stream(h2, id, code);
        land(h2, stream);
    }
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    if (frame->hd.type == NGHTTP2_GOAWAY && !*h2->said) /* nghttp2 gives up, and says why */
        snprintf(h2->said, sizeof(h2->said), "%.*s: %s", (int)frame->goaway.opaque_data_len,
                 (const char *)frame->goaway.opaque_data,
                 nghttp2_http2_strerror(frame->goaway.error_code));
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    if (stream && frame->hd.type == NGHTTP2_HEADERS)
        stream->slot->flight.sent = clock_now();
    return 0;
}

static ssize_t give_body(nghttp2_session *session, int32_t id, uint8_t *room, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)user;
    struct stream *stream = source->ptr;
    if (stream->id != id || !stream->slot) /* it was given up */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t left = stream->body.len - stream->given, len = left < size ? left : size;
    memcpy(room, stream->body.data + stream->given, len);
    stream->given += len;
    if (stream->given == stream->body.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static nghttp2_session *new_session(struct h2 *h2)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
    };
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    int fault = nghttp2_session_callbacks_new(&callbacks);
    MUST(fault == 0, "%s", nghttp2_strerror(fault)); /* here and below: no memory */
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
    fault = nghttp2_session_client_new(&session, callbacks, h2);
    MUST(fault == 0, "%s", nghttp2_strerror(fault));
    nghttp2_session_callbacks_del(callbacks);
    fault = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
                                    sizeof(settings) / sizeof(settings[0]));
    MUST(fault == 0, "%s", nghttp2_strerror(fault));
    fault = nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, WINDOW);
    MUST(fault == 0, "%s", nghttp2_strerror(fault));
    return session;
}

struct h2 *h2_begin(const struct h2_shared *shared, struct link *link)
{
    struct h2 *h2 = NEW(struct h2);
    h2->shared = shared;
    h2->link = link;
    h2->invalid_id = -1;
    h2->streams = mem_zero(link->slot_count * sizeof(*h2->streams));
    for (uint32_t i = 0; i < link->slot_count; i++) {
        h2->streams[i].body = buf_limited(LIMIT_LOAD_REQUEST_BYTES);
        h2->streams[i].lines = buf_limited(LIMIT_HTTP_HEAD_BYTES);
    }
    h2->head = buf_limited(LIMIT_LOAD_REQUEST_BYTES);
    h2->session = new_session(h2);
    return h2;
}

void h2_end(struct h2 *h2)
{
    if (!h2)
        return;
    nghttp2_session_del(h2->session);
    for (uint32_t i = 0; i < h2->link->slot_count; i++) {
        buf_free(&h2->streams[i].body);
        buf_free(&h2->streams[i].lines);
    }
    buf_free(&h2->head);
    mem_free(h2->streams);
    mem_free(h2);
}

uint32_t h2_limit(const struct h2 *h2)
{
    uint32_t most =
        nghttp2_session_get_remote_settings(h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (h2->goodbye || !nghttp2_session_check_request_allowed(h2->session))
        return 0;
    return most;
}

bool h2_may_ask(const struct h2 *h2)
{
    return h2->open < (h2->settled ? h2_limit(h2) : 1);
}

static void copy(struct buf *into, struct slice bytes)
{
    buf_clear(into);
    struct result r = buf_append(into, bytes);
    MUST(result_ok(r), "%s", error_last()->text); /* requests keep to LIMIT_LOAD_REQUEST_BYTES */
}

void h2_ask(struct h2 *h2, struct slot *slot, struct slice head, struct slice body)
{
    struct stream *stream = &h2->streams[slot - h2->link->slots];
    struct fields fields;
    fields.count = 0;
    copy(&h2->head, head);
    read_head(&fields, h2->head.data, h2->head.len, h2->shared->secure);
    copy(&stream->body, body);
    stream->slot = slot;
    stream->status = 0;
    stream->type_len = 0;
    stream->given = 0;
    buf_clear(&stream->lines);
    nghttp2_data_provider source = {.source.ptr = stream, .read_callback = give_body};
    stream->id = nghttp2_submit_request(h2->session, NULL, fields.all, fields.count,
                                        body.len > 0 ? &source : NULL, stream);
    MUST(stream->id > 0, "%s", nghttp2_strerror(stream->id)); /* no memory */
    h2->open++;
}

bool h2_take(struct h2 *h2, struct buf *out)
{
    size_t before = out->len;
    h2->read = clock_now(); /* streams may end here, too */
    while (out->len - before < TAKEN_BYTES) {
        const uint8_t *data = NULL;
        ssize_t n = nghttp2_session_mem_send(h2->session, &data);
        if (n <= 0)
            break;
        struct result r = buf_append(out, slice_of((const char *)data, (size_t)n));
        MUST(result_ok(r), "%s", error_last()->text);
    }
    return out->len > before;
}

enum h2_state h2_state(const struct h2 *h2)
{
    if (h2->goodbye && h2->open == 0)
        return H2_OVER;
    return nghttp2_session_want_read(h2->session) ? H2_OPEN : H2_BROKEN;
}

enum h2_state h2_feed(struct h2 *h2, struct slice bytes, int64_t received, int64_t read)
{
    h2->received = received;
    h2->read = read;
    ssize_t n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.data, bytes.len);
    if (n >= 0)
        return h2_state(h2);
    if (!*h2->said)
        snprintf(h2->said, sizeof(h2->said), "%s", nghttp2_strerror((int)n));
    return H2_BROKEN;
}

void h2_cancel(struct h2 *h2, struct slot *slot)
{
    struct stream *stream = &h2->streams[slot - h2->link->slots];
    if (stream->slot != slot) /* it did not go yet */
        return;
    reset_stream(h2, stream);
    stream->slot = NULL;
    h2->open--;
    nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
}

enum failure h2_failure(const struct h2 *h2)
{
    if (h2->goodbye) {
        (void)error_set(ERR_CLOSED, "GOAWAY: %s", nghttp2_http2_strerror(h2->code));
        return FAILURE_GOAWAY;
    }
    if (*h2->said) {
        (void)error_set(ERR_PROTOCOL, "%s", h2->said);
        return FAILURE_PROTOCOL;
    }
    (void)error_set(ERR_CLOSED, "the connection ended without a GOAWAY");
    return FAILURE_CLOSED;
}
