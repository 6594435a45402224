/*
 * Requests and answers over links, in the clear or in TLS.
 */
#include "load/traffic.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/clock.h"

/* Reads of one link before others have their turn: a service that sends as fast as it can would
 * keep the thread from its schedule, its deadlines and its end. */
#define READS_MOST 4

/* ------------------------------------------------------------------ sending */

static void send_failed(struct lane *lane, struct link *link, int fault)
{
    lane_link_failed(lane, link, link_transfer_failure(fault), fault, clock_now());
}

static bool flush(struct lane *lane, struct link *link)
{
    int fault = link_flush(link);
    if (fault)
        send_failed(lane, link, fault);
    return fault == 0;
}

static void soil(struct lane *lane, struct link *link)
{
    if (!link->dirty)
        lane->dirty[lane->dirty_count++] = (uint32_t)(link - lane->links);
    link->dirty = true;
}

/* In the clear or in TLS. False when that was the end of the link. */
static bool give(struct lane *lane, struct link *link, const struct slice *parts, size_t count)
{
    if (!link->tls) {
        int fault = link_send(link, parts, count);
        if (fault)
            send_failed(lane, link, fault);
        return fault == 0;
    }
    for (size_t i = 0; i < count; i++)
        if (!tls_write(link->tls, parts[i])) {
            lane_link_failed(lane, link, FAILURE_TLS, 0, clock_now());
            return false;
        }
    return flush(lane, link);
}

void traffic_send(struct lane *lane, struct link *link, struct slot *slot)
{
    if (link->h2 && !h2_may_ask(link->h2)) /* it waits; settle() knows when it may */
        return;
    struct talk *talk = slot->flight.talk;
    struct ask ask =
        talk ? supply_turn(&lane->supply, talk) : supply_ask(&lane->supply, slot->flight.number);
    slot->flight.said = talk ? supply_listens(talk) : NULL;
    lane_choose(lane, &slot->flight, ask.item);
    flight_expect(&slot->flight, &slot->reader, slot->flight.target);
    link_slot_sent(link, slot);
    if (link->h2) {
        h2_ask(link->h2, slot, slice_part(ask.wire, 0, ask.wire.len - ask.body.len), ask.body);
        soil(lane, link);
        return;
    }
    slot->flight.sent = clock_now();
    (void)give(lane, link, &ask.wire, 1);
}

/* What was bound to the link before it could go. */
static void send_waiting(struct lane *lane, struct link *link)
{
    for (uint32_t i = 0; link->waiting > 0 && i < link->slot_count; i++) {
        if (link->h2 && !h2_may_ask(link->h2))
            return;
        if (link->slots[i].waiting)
            traffic_send(lane, link, &link->slots[i]);
    }
}

/* ------------------------------------------------------------------ HTTP/2 */

/* What the service allows may have changed, or a stream has ended. */
static void settle(struct lane *lane, struct link *link, enum h2_state state)
{
    if (state == H2_OPEN) {
        uint32_t allowed = h2_limit(link->h2);
        link->limit = allowed < link->slot_count ? allowed : link->slot_count;
        if (allowed > 0 && (!lane->streams || allowed < lane->streams))
            lane->streams = allowed;
        send_waiting(lane, link);
        if (link_has_room(link))
            lane_list_roomy(lane, link);
    } else if (link->busy == 0) {
        lane_drop_link(lane, link, state == H2_BROKEN);
    } else {
        enum failure failure = h2_failure(link->h2);
        lane_link_failed(lane, link, failure, 0, clock_now());
    }
}

static void pump(struct lane *lane, struct link *link)
{
    while (link->unsent.len == 0) { /* else there is no room; epoll will tell */
        buf_clear(&lane->frames);
        if (!h2_take(link->h2, &lane->frames))
            break;
        struct slice frames = buf_slice(&lane->frames);
        if (!give(lane, link, &frames, 1))
            return;
    }
    settle(lane, link, h2_state(link->h2));
}

void traffic_flush(struct lane *lane)
{
    while (lane->dirty_count > 0) {
        struct link *link = &lane->links[lane->dirty[--lane->dirty_count]];
        link->dirty = false;
        if (link->state == LINK_OPEN && link->h2)
            pump(lane, link);
    }
}

void traffic_cancel(struct lane *lane, struct link *link, struct slot *slot)
{
    h2_cancel(link->h2, slot);
    soil(lane, link);
}

/* Bytes of HTTP/2. */
static void take_frames(struct lane *lane, struct link *link, struct slice bytes,
                        const struct receipt *r)
{
    enum h2_state state = h2_feed(link->h2, bytes, r->received, r->read);
    soil(lane, link);
    settle(lane, link, state);
}

/* The link is open: speak on it. */
static void begin(struct lane *lane, struct link *link)
{
    if (lane->h2.landed) {
        link->h2 = h2_begin(&lane->h2, link);
        link_limit_silence(link, lane->load->plan.timeout);
        soil(lane, link);
    }
    send_waiting(lane, link);
}

/* ------------------------------------------------------------------ securing */

/* The moments of a new connection belong to those who waited for it. */
static void connected(struct link *link, int64_t at)
{
    for (uint32_t i = 0; i < link->slot_count; i++)
        if (link->slots[i].busy)
            link->slots[i].flight.connected = at;
}

/* … those who came in the middle of the handshake have not seen its beginning. */
static void secured(struct link *link, int64_t at)
{
    for (uint32_t i = 0; i < link->slot_count; i++)
        if (link->slots[i].busy && link->slots[i].flight.connected)
            link->slots[i].flight.secured = at;
}

/* Go on with the handshake; what came for it was received at `at`. */
static void secure(struct lane *lane, struct link *link, int64_t at)
{
    enum tls_state state = tls_handshake(link->tls);
    if (!flush(lane, link)) /* an alert, too, goes out */
        return;
    if (state == TLS_FAILED || state == TLS_UNTRUSTED) {
        enum failure failure = state == TLS_FAILED ? FAILURE_TLS : FAILURE_CERTIFICATE;
        lane_link_failed(lane, link, failure, 0, clock_now());
        return;
    }
    if (state != TLS_DONE)
        return;
    link->state = LINK_OPEN;
    secured(link, at);
    begin(lane, link);
}

void traffic_opened(struct lane *lane, struct link *link)
{
    int64_t now = clock_now();
    connected(link, now);
    if (!lane->tls) {
        begin(lane, link);
        return;
    }
    link->state = LINK_SECURING;
    link->tls = tls_begin(lane->tls, &link->unsent);
    secure(lane, link, now);
}

/* ------------------------------------------------------------------ reading */

/* An answer is over; that may be the end of the link. */
static void answered(struct lane *lane, struct link *link, struct slot *slot, int64_t now)
{
    lane_land(lane, link, slot, now);
    if (!slot->flight.keep_alive || link->unsent.len > 0) /* answered before all of it was sent */
        lane_drop_link(lane, link, slot->flight.failure != FAILURE_NONE);
    else
        lane_list_roomy(lane, link);
}

static void link_ended(struct lane *lane, struct link *link, int fault, int64_t now)
{
    if (link->busy == 0) { /* the service does not keep it any longer */
        lane_drop_link(lane, link, false);
        return;
    }
    if (link->state == LINK_SECURING) {
        (void)error_set(ERR_TLS, "the connection ended during the handshake%s%s", fault ? ": " : "",
                        fault ? strerror(fault) : "");
        lane_link_failed(lane, link, FAILURE_TLS, 0, now);
        return;
    }
    if (link->h2) {
        enum failure failure = h2_failure(link->h2);
        bool reset = failure == FAILURE_CLOSED && fault;
        lane_link_failed(lane, link, reset ? link_transfer_failure(fault) : failure,
                         reset ? fault : 0, now);
        return;
    }
    if (fault) {
        lane_link_failed(lane, link, link_transfer_failure(fault), fault, now);
        return;
    }
    struct slot *slot = link->slots;
    flight_closed(&slot->flight, &slot->reader, slot->flight.target, now);
    answered(lane, link, slot, now);
}

static void count_receipt(struct lane *lane, const struct receipt *r)
{
    lane->metrics.reads++;
    lane->metrics.unstamped += !r->stamped;
    lane->metrics.out_of_order += r->early;
    if (r->read >= lane->load->measure_from)
        metrics_add(&lane->metrics, METRIC_CLIENT_LAG, r->read - r->received);
    lane->second.lags++;
    lane->second.lag_sum += r->read - r->received;
    if (r->read - r->received > lane->second.lag_most)
        lane->second.lag_most = r->read - r->received;
}

/* Bytes of an answer. */
static void take_bytes(struct lane *lane, struct link *link, struct slice bytes,
                       const struct receipt *r)
{
    if (link->h2) {
        take_frames(lane, link, bytes, r);
        return;
    }
    if (link->busy == 0) { /* nobody asked */
        lane_drop_link(lane, link, false);
        return;
    }
    struct slot *slot = link->slots;
    struct flight *f = &slot->flight;
    int64_t received = r->received < f->sent ? f->sent : r->received;
    if (flight_feed(f, &slot->reader, f->target, bytes, received, r->read, &lane->metrics))
        answered(lane, link, slot, r->read);
}

/* Bytes of TLS. */
static void take_records(struct lane *lane, struct link *link, struct slice bytes,
                         const struct receipt *r)
{
    tls_feed(link->tls, bytes);
    if (link->state == LINK_SECURING)
        secure(lane, link, r->received);
    while (link->state == LINK_OPEN) {
        struct slice plain = {0};
        enum tls_state state = tls_read(link->tls, lane->plain, TRAFFIC_RECORD, &plain);
        if (state == TLS_CLOSED)
            link_ended(lane, link, 0, r->read);
        else if (state == TLS_FAILED)
            lane_link_failed(lane, link, FAILURE_TLS, 0, r->read);
        else if (!flush(lane, link) || state != TLS_DONE) /* reading can have something to say */
            return;
        else
            take_bytes(lane, link, plain, r);
    }
}

/* Read once. True when there is, or may be, more to read. */
static bool read_once(struct lane *lane, struct link *link, bool to_the_end)
{
    struct receipt r = link_receive(link, &lane->clock, lane->buffer, TRAFFIC_READ);
    if (r.size < 0 && r.fault == EAGAIN)
        return false;
    if (r.size <= 0) {
        link_ended(lane, link, r.fault, r.read);
        return false;
    }
    struct slice bytes = slice_of(lane->buffer, (size_t)r.size);
    count_receipt(lane, &r);
    if (link->tls)
        take_records(lane, link, bytes, &r);
    else
        take_bytes(lane, link, bytes, &r);
    return to_the_end || r.size == TRAFFIC_READ;
}

void traffic_event(struct lane *lane, struct link *link, uint32_t events)
{
    if (link->state == LINK_CLOSED)
        return;
    if (link->state == LINK_CONNECTING) {
        if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
            return;
        int fault = link_dialled(link);
        if (fault)
            lane_link_failed(lane, link, link_connect_failure(fault), fault, clock_now());
        else
            traffic_opened(lane, link);
        return;
    }
    if ((events & EPOLLOUT) && !flush(lane, link))
        return;
    if (link->h2)
        soil(lane, link); /* there may be room again */
    /* A short read has emptied the socket (epoll(7)), unless the end of it came too. */
    bool ended = events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP);
    if (!(events & EPOLLIN || ended))
        return;
    for (int reads = 0; link->state >= LINK_SECURING && read_once(lane, link, ended);)
        if (++reads == READS_MOST && link->state >= LINK_SECURING) {
            link_remind(link, lane->epoll, (uint32_t)(link - lane->links));
            return;
        }
}
