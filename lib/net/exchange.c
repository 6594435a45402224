/*
 * Answers: what a handler writes becomes HTTP here, or, on purpose, something that is not.
 */
#include "core/limits.h"
#include "net/connection.h"

/* The connection of an exchange that is not over. */
static struct connection *live(struct exchange *ex)
{
    struct connection *c = connection_of(ex);
    MUST(c->phase == PHASE_ANSWERING, "an exchange is used after its end (phase %d)",
         (int)c->phase);
    return c;
}

struct result exchange_header(struct exchange *ex, struct slice name, struct slice value)
{
    struct connection *c = live(ex);
    MUST(!c->begun, "exchange_header after exchange_begin");
    return http_write_header(&c->headers, name, value);
}

static struct result write_head(struct connection *c, unsigned status, struct slice content_type,
                                uint64_t length)
{
    struct buf *out = connection_out(c);
    TRY(http_write_status(out, status));
    TRY(buf_append(out, buf_slice(&c->headers)));
    if (content_type.len > 0)
        TRY(http_write_header(out, SLICE("Content-Type"), content_type));
    if (c->framing == EXCHANGE_LENGTH && status != 204 && status != 304)
        TRY(http_write_length(out, length));
    else if (c->framing == EXCHANGE_CHUNKED && status != 204 && status != 304)
        TRY(http_write_chunked(out));
    if (c->last)
        TRY(http_write_header(out, SLICE("Connection"), SLICE("close")));
    else if (c->parser.head.minor == 0)
        TRY(http_write_header(out, SLICE("Connection"), SLICE("keep-alive")));
    return http_write_head_end(out);
}

void exchange_begin(struct exchange *ex, unsigned status, struct slice content_type,
                    enum exchange_framing framing, uint64_t length)
{
    struct connection *c = live(ex);
    if (ex->tap) {
        ex->tap->begin(ex, status, content_type, framing, length);
        return;
    }
    MUST(!c->begun, "exchange_begin was called before");
    MUST(status >= 200 && status <= 599, "status %u", status);
    c->begun = true;
    c->bodyless = c->bodyless || status == 204 || status == 304;
    c->framing = framing;
    if (framing == EXCHANGE_CHUNKED && c->parser.head.minor == 0)
        c->framing = EXCHANGE_UNTIL_CLOSE;
    c->length_left = framing == EXCHANGE_LENGTH && !c->bodyless ? length : 0;
    c->last =
        c->last || c->server->stopping || (c->framing == EXCHANGE_UNTIL_CLOSE && !c->bodyless);
    struct result r = write_head(c, status, content_type, length);
    MUST(result_ok(r) || r.code == ERR_TOO_LARGE, "content type: %s", error_last()->text);
    connection_wrote(c, r);
}

void exchange_write(struct exchange *ex, struct slice data)
{
    struct connection *c = live(ex);
    if (ex->tap) {
        ex->tap->write(ex, data);
        return;
    }
    MUST(c->begun, "exchange_write before exchange_begin");
    if (c->bodyless || c->broken)
        return;
    struct buf *out = connection_out(c);
    if (c->framing == EXCHANGE_CHUNKED) {
        connection_wrote(c, http_write_chunk(out, data));
        return;
    }
    if (c->framing == EXCHANGE_LENGTH) {
        c->last = c->last || data.len > c->length_left;
        c->length_left -= data.len;
    }
    connection_wrote(c, buf_append(out, data));
}

void exchange_write_raw(struct exchange *ex, struct slice bytes)
{
    struct connection *c = live(ex);
    if (!c->broken)
        connection_wrote(c, buf_append(connection_out(c), bytes));
}

void exchange_write_end(struct exchange *ex)
{
    struct connection *c = live(ex);
    MUST(c->begun, "the end of an answer before exchange_begin");
    if (c->framing == EXCHANGE_CHUNKED && !c->bodyless && !c->broken)
        connection_wrote(c, http_write_last_chunk(connection_out(c)));
    c->last = c->last || c->length_left != 0;
}

void exchange_end(struct exchange *ex)
{
    if (ex->tap) {
        ex->tap->end(ex);
        return;
    }
    exchange_write_end(ex);
    exchange_finish(ex);
}

void exchange_finish(struct exchange *ex)
{
    connection_exchange_over(live(ex));
}

void exchange_reply(struct exchange *ex, unsigned status, struct slice content_type,
                    struct slice body)
{
    exchange_begin(ex, status, content_type, EXCHANGE_LENGTH, body.len);
    exchange_write(ex, body);
    exchange_end(ex);
}

void exchange_close(struct exchange *ex)
{
    struct connection *c = live(ex);
    c->last = true;
    connection_exchange_over(c);
}

void exchange_reset(struct exchange *ex)
{
    struct connection *c = live(ex);
    connection_flush(c);
    connection_reset(c);
}

size_t exchange_pending(struct exchange *ex)
{
    const struct connection *c = connection_of(ex);
    return c->hold ? 0 : connection_pending(c);
}

/* ---- for taps ---- */

void exchange_hold(struct exchange *ex, bool hold)
{
    struct connection *c = live(ex);
    c->hold = hold;
    connection_due(c);
}

size_t exchange_held(struct exchange *ex)
{
    return connection_of(ex)->out.len;
}

size_t exchange_release(struct exchange *ex, size_t n)
{
    return connection_release(live(ex), n);
}

void exchange_cut(struct exchange *ex, enum exchange_cut how)
{
    struct connection *c = live(ex);
    if (how == EXCHANGE_CUT_END)
        exchange_write_end(ex);
    c->hold = false;
    connection_flush(c);
    c->cut = how;
    connection_due(c);
}
