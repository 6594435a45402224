/*
 * One epoll loop, edge-triggered, so that a connection is registered once and costs two system
 * calls a request, a send and a receive.
 *
 * Waiting requests are not stored: the schedule is drawn one arrival ahead, and an arrival that is
 * due while no slot is free simply stays the next one. However far a service falls behind, no
 * memory grows and no latency is forgotten.
 */
#include "load/lane.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/parse.h"
#include "load/traffic.h"

#define EVENTS 256
#define TICK_NS (100 * NS_PER_MS)
#define HAND_OVER_NS (500 * NS_PER_MS)
#define SWEEP 10 /* ticks in which every link is looked at once for its deadlines */
/* After a failed connection attempt, a user or link rests. */
#define REST_NS (100 * NS_PER_MS)

static bool open_loop(const struct lane *lane)
{
    return lane->load->plan.stages != NULL;
}

/* ------------------------------------------------------------------ what a thread uses */

/* Nanoseconds that this thread was ready to run and had no processor; 0 when nobody tells. */
static int64_t run_queue_wait(void)
{
    char text[128];
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    struct slice rest = slice_of(text, n > 0 ? (size_t)n : 0), part = {0};
    uint64_t wait = 0;
    for (int field = 0; field < 2; field++)
        if (!slice_split(&rest, ' ', &part))
            return 0;
    if (!result_ok(parse_unsigned(part, UINT64_MAX, &wait)))
        return 0;
    return (int64_t)wait;
}

static struct usage usage_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (struct usage){clock_now(), t.tv_sec * NS_PER_S + t.tv_nsec, run_queue_wait()};
}

/* ------------------------------------------------------------------ the schedule */

/* Draw the `count`-th arrival from here. */
static void draw_arrival(struct lane *lane, uint32_t count)
{
    int64_t at = arrival_skip(&lane->arrival, count);
    lane->next = at < 0 ? CLOCK_NEVER : lane->load->begin + at;
}

/* Arrivals are dealt out to the threads one after the other. */
static void next_arrival(struct lane *lane)
{
    draw_arrival(lane, lane->load->plan.threads);
}

/* When something is due next: an arrival, or who has thought. */
static int64_t due(const struct lane *lane)
{
    int64_t noted = agenda_next(&lane->agenda);
    return noted < lane->next ? noted : lane->next;
}

/* Users do not begin all at once: each is somewhere between an answer and the next question. */
static void seat_users(struct lane *lane)
{
    const struct load_plan *plan = &lane->load->plan;
    for (uint32_t i = 0; i < lane->slot_count; i++) {
        struct random random =
            stock_random(plan->seed, (uint64_t)i * plan->threads + lane->index, SLICE("start"));
        double rest = plan->thinks ? (double)distribution_draw(&plan->think, &random) : 0;
        agenda_note(&lane->agenda, lane->load->begin + (int64_t)(random_unit(&random) * rest),
                    NULL);
    }
}

/* Nothing begins after the measured time. */
static void drop_late(struct lane *lane)
{
    int64_t end = lane->load->measure_to;
    if (lane->next >= end)
        lane->next = CLOCK_NEVER;
    while (lane->agenda.count > 0 && agenda_next(&lane->agenda) >= end) {
        struct talk *talk = agenda_take(&lane->agenda);
        if (talk)
            supply_over(&lane->supply, talk);
    }
}

/* ------------------------------------------------------------------ links with room */

void lane_list_roomy(struct lane *lane, struct link *link)
{
    if (link->listed)
        return;
    link->listed = true;
    lane->roomy[lane->roomy_count++] = (uint32_t)(link - lane->links);
}

static void unlist(struct lane *lane, struct link *link)
{
    if (!link->listed)
        return;
    link->listed = false;
    for (uint32_t i = lane->roomy_count; i-- > 0;)
        if (&lane->links[lane->roomy[i]] == link) {
            lane->roomy[i] = lane->roomy[--lane->roomy_count];
            return;
        }
}

/* A link that can take a request now: one that is open, else one to open. */
static struct link *free_link(struct lane *lane, int64_t now)
{
    while (lane->roomy_count > 0) {
        struct link *link = &lane->links[lane->roomy[lane->roomy_count - 1]];
        if (link_has_room(link))
            return link;
        link->listed = false;
        lane->roomy_count--;
    }
    if (lane->closed_count == 0)
        return NULL;
    /* When the one that failed last rests, all who have none do. */
    struct link *link = &lane->links[lane->closed[lane->closed_count - 1]];
    if (link->not_before > now)
        return NULL;
    lane->closed_count--;
    return link;
}

void lane_drop_link(struct lane *lane, struct link *link, bool reset)
{
    unlist(lane, link);
    link_close(link, reset);
    lane->closed[lane->closed_count++] = (uint32_t)(link - lane->links);
}

/* ------------------------------------------------------------------ the end of a flight */

static void second_count(struct lane *lane, const struct flight *f)
{
    struct load_second *s = &lane->second;
    if (f->failure) {
        s->failed++;
        s->failures[f->failure]++;
        return;
    }
    s->answered++;
    s->bytes += f->bytes;
    s->tokens += f->tokens;
    histogram_add(&s->latency, f->end - f->intended);
    if (f->tokens)
        histogram_add(&s->ttft, f->first_token - f->intended);
}

/* A turn is over: the user thinks and goes on, or in a closed loop begins anew. */
static void talk_landed(struct lane *lane, struct flight *f, int64_t now)
{
    const struct load_plan *plan = &lane->load->plan;
    int64_t rest = plan->thinks ? distribution_draw(&plan->think, &f->talk->random) : 0;
    bool follows = supply_follows(f->talk);
    if (!f->failure && follows && f->said && supply_next(&lane->supply, f->talk)) {
        agenda_note(&lane->agenda, f->end + rest, f->talk);
        return;
    }
    if (f->turn && f->measured) {
        bool well = !f->failure && !follows;
        lane->metrics.conversations += well;
        lane->metrics.conversations_failed += !well;
    }
    supply_over(&lane->supply, f->talk);
    if (open_loop(lane))
        return;
    if (f->failure && rest < REST_NS)
        rest = REST_NS;
    agenda_note(&lane->agenda, (f->failure ? now : f->end) + rest, NULL);
}

/* For those who want every event. */
static void record(struct lane *lane, const struct flight *f, const char *example)
{
    const struct load *load = lane->load;
    bool kept = !f->notes || !f->notes->lost;
    if (lane->feed)
        kept = eventfeed_add(lane->feed, load->begin, f, f->notes, example);
    lane->metrics.lost += !kept;
    if (lane->as)
        as_count(lane->as, f, f->notes, load->measure_from, load->measure_to);
}

void lane_choose(struct lane *lane, struct flight *flight, uint32_t item)
{
    const struct stock_item *asked = &lane->load->plan.stock->items[item];
    const struct inspector *inspector = lane->load->inspector;
    if (asked->target)
        flight->target = asked->target;
    flight->item = item;
    if (!inspector || !flight->measured)
        return;
    bool drawn = inspector_wants(inspector, &lane->inspected);
    if (drawn || !lane->has_inspected)
        flight->kept = inspected_new();
    lane->has_inspected = true;
}

/* A good answer that was kept is looked into; of one that failed enough is known. */
static void hand_in(struct inspector *inspector, struct flight *f)
{
    struct inspected *kept = f->kept;
    f->kept = NULL;
    if (f->failure) {
        inspected_free(kept);
        return;
    }
    kept->item = f->item;
    kept->intended = f->intended;
    kept->connected = f->connected;
    kept->sent = f->sent;
    kept->first_byte = f->first_byte;
    kept->end = f->end;
    inspector_take(inspector, kept);
}

void lane_land(struct lane *lane, struct link *link, struct slot *slot, int64_t now)
{
    const struct load_plan *plan = &lane->load->plan;
    struct flight *f = &slot->flight;
    if (!f->end)
        f->end = now;
    flight_count(f, f->target, &plan->bounds, f->failure ? error_last()->text : "", &lane->metrics);
    flight_count_ended(f, lane->load->measure_from, lane->load->measure_to, &lane->metrics);
    record(lane, f, f->failure ? error_last()->text : "");
    if (f->kept)
        hand_in(lane->load->inspector, f);
    second_count(lane, f);
    lane->busy--;
    if (f->talk)
        talk_landed(lane, f, now);
    link_give_slot(link, slot);
}

void lane_link_failed(struct lane *lane, struct link *link, enum failure failure, int fault,
                      int64_t now)
{
    if (fault)
        (void)error_set(ERR_CONNECT, "%s", strerror(fault));
    if (!open_loop(lane) && !lane->talks) /* there the schedule or agenda says when to try again */
        link->not_before = now + REST_NS;
    for (uint32_t i = 0; i < link->slot_count && link->busy > 0; i++) {
        struct slot *slot = &link->slots[i];
        if (!slot->busy)
            continue;
        slot->flight.failure = failure;
        lane_land(lane, link, slot, now);
    }
    lane_drop_link(lane, link, true);
}

/* ------------------------------------------------------------------ starting */

/* `talk`: the conversation that goes on; NULL: another request, or conversation, begins. */
static void start(struct lane *lane, struct link *link, struct talk *talk, int64_t intended,
                  int64_t could, int64_t now)
{
    const struct load_plan *plan = &lane->load->plan;
    bool new = link->state == LINK_CLOSED;
    int fault = 0;
    if (new) {
        fault = link_dial(link, plan->target, lane->epoll, (uint32_t)(link - lane->links));
        lane->made += link->fd >= 0;
    }
    struct slot *slot = link_take_slot(link);
    if (link_has_room(link))
        lane_list_roomy(lane, link);
    else
        unlist(lane, link);
    uint64_t number = talk ? talk->number : lane->started++ * plan->threads + lane->index;
    if (lane->talks && !talk)
        talk = supply_talk(&lane->supply, number);
    slot->flight = (struct flight){.number = number,
                                   .target = plan->target,
                                   .talk = talk,
                                   .turn = talk && plan->stock->turns > 1 ? talk->turn + 1 : 0,
                                   .intended = intended,
                                   .could = could,
                                   .started = now};
    if (lane->feed || lane->as) {
        slot->flight.notes = &slot->notes;
        notes_clear(&slot->notes);
    }
    slot->flight.measured =
        intended >= lane->load->measure_from && intended < lane->load->measure_to;
    lane->busy++;
    lane->second.started++;
    if (could && now - could > lane->second.late_most)
        lane->second.late_most = now - could;
    if (fault && fault != EINPROGRESS)
        lane_link_failed(lane, link, link_connect_failure(fault), fault, now);
    else if (new && link->state == LINK_OPEN)
        traffic_opened(lane, link);
    else if (link->state == LINK_OPEN)
        traffic_send(lane, link, slot);
}

/* Start what is due. */
static void lane_pump(struct lane *lane, int64_t now)
{
    drop_late(lane);
    for (bool dialled = false; due(lane) <= now;) {
        /* A connection takes long to make; look first whether another has become free meanwhile. */
        if (lane->roomy_count == 0 && dialled && !lane->starved)
            return;
        dialled = lane->roomy_count == 0;
        struct link *link = free_link(lane, now);
        if (!link) {
            lane->starved = true;
            return;
        }
        int64_t intended = due(lane);
        struct talk *talk = NULL;
        if (lane->starved)
            lane->metrics.waited += intended >= lane->load->measure_from;
        if (intended < lane->next)
            talk = agenda_take(&lane->agenda);
        else
            next_arrival(lane);
        drop_late(lane);
        /* Only what came free just now ends the waiting, so it could have gone just now. */
        start(lane, link, talk, intended, lane->starved ? now : intended, now);
        if (!lane->starved)
            now = clock_now();
    }
    lane->starved = false;
}

/* Closed loop: users who have no request under way ask again. */
static void lane_ask_again(struct lane *lane, int64_t now)
{
    struct link *link;
    while (now < lane->load->measure_to && (link = free_link(lane, now)))
        start(lane, link, NULL, now, 0, now);
}

static void lane_go_on(struct lane *lane)
{
    if (!open_loop(lane) && !lane->talks) {
        if (lane->busy < lane->slot_count)
            lane_ask_again(lane, clock_now());
    } else if (due(lane) < CLOCK_NEVER && !(lane->starved && lane->busy == lane->slot_count)) {
        lane_pump(lane, clock_now());
    }
    traffic_flush(lane);
}

/* ------------------------------------------------------------------ ten times a second */

/* Of a connection in each state, what was too late. */
static const char *const late[] = {
    [LINK_CLOSED] = "not begun in time",
    [LINK_CONNECTING] = "the connection was not made in time",
    [LINK_SECURING] = "the TLS handshake was not complete in time",
    [LINK_OPEN] = "not complete in time",
};

static void look_at_link(struct lane *lane, struct link *link, int64_t now)
{
    for (uint32_t i = 0; i < link->slot_count && link->busy > 0; i++) {
        const struct flight *f = &link->slots[i].flight;
        int64_t since = f->sent ? f->sent : f->started;
        if (!link->slots[i].busy || now - since <= lane->load->plan.timeout)
            continue;
        (void)error_set(ERR_TIMEOUT, "%s", late[link->state]);
        if (link->h2) { /* the others on it have time left */
            link->slots[i].flight.failure = FAILURE_TIMEOUT;
            traffic_cancel(lane, link, &link->slots[i]);
            lane_land(lane, link, &link->slots[i], now);
        } else {
            lane_link_failed(lane, link, FAILURE_TIMEOUT, 0, now);
        }
    }
}

static void look_for_deadlines(struct lane *lane, int64_t now)
{
    uint32_t from = (uint32_t)((uint64_t)lane->link_count * lane->sweep / SWEEP);
    uint32_t to = (uint32_t)((uint64_t)lane->link_count * (lane->sweep + 1) / SWEEP);
    lane->sweep = (lane->sweep + 1) % SWEEP;
    for (uint32_t i = from; i < to; i++)
        look_at_link(lane, &lane->links[i], now);
}

static void hand_over(struct lane *lane)
{
    struct load *load = lane->load;
    for (int i = 0; i < SECOND_METRICS; i++)
        histogram_advance(&lane->told[i], &lane->metrics.histograms[second_metrics[i]],
                          &lane->second.measured[i]);
    pthread_mutex_lock(&load->mutex);
    second_merge(&load->second, &lane->second);
    if (lane->so_far)
        metrics_follow(lane->so_far, &lane->metrics, load->plan.watched);
    pthread_mutex_unlock(&load->mutex);
    second_clear(&lane->second);
}

static void tick(struct lane *lane, int64_t now)
{
    stamp_measure(&lane->clock);
    look_for_deadlines(lane, now);
    lane_go_on(lane); /* who rested may go on */
    lane->shown_busy = lane->busy;
    int64_t since = now - lane->load->begin;
    if (since / HAND_OVER_NS > lane->handed) {
        lane->handed = since / HAND_OVER_NS;
        hand_over(lane);
    }
    lane->tick = now + TICK_NS - since % TICK_NS; /* in step with the seconds of the load */
}

/* ------------------------------------------------------------------ the loop */

static bool lane_over(const struct lane *lane, int64_t now)
{
    const struct load *load = lane->load;
    bool all_started =
        open_loop(lane) || lane->talks ? due(lane) == CLOCK_NEVER : now >= load->measure_to;
    return (all_started && lane->busy == 0 && now >= load->measure_to) || now >= load->drain_to;
}

static void lane_wait(struct lane *lane, struct epoll_event *events, int64_t now)
{
    int64_t until = lane->tick;
    if (!lane->starved && due(lane) < until)
        until = due(lane);
    int64_t left = until > now ? until - now : 0;
    struct timespec wait = {left / NS_PER_S, left % NS_PER_S};
    int n = epoll_pwait2(lane->epoll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < n; i++) {
        traffic_event(lane, &lane->links[events[i].data.u32], events[i].events);
        lane_go_on(lane); /* what is due does not wait for the rest of these */
    }
}

static void abandon(struct lane *lane, struct link *link, int64_t now)
{
    bool under_way = false;
    for (uint32_t i = 0; i < link->slot_count && link->busy > 0; i++) {
        struct slot *slot = &link->slots[i];
        if (!slot->busy)
            continue;
        (void)error_set(ERR_TIMEOUT, "%s; %u bytes of the answer had come", late[link->state],
                        (unsigned)slot->flight.bytes);
        slot->flight.failure = FAILURE_ABANDONED;
        lane_land(lane, link, slot, now);
        under_way = true;
    }
    if (link->state != LINK_CLOSED)
        lane_drop_link(lane, link, under_way);
    link_free(link);
}

static void give_up_talk(struct lane *lane, struct talk *talk, bool measured)
{
    if (!talk)
        return;
    lane->metrics.conversations_failed += measured && talk->turn > 0;
    supply_over(&lane->supply, talk);
}

/* What is under way or waiting when nobody waits any longer. */
static void lane_give_up(struct lane *lane, int64_t now)
{
    for (uint32_t i = 0; i < lane->link_count; i++)
        abandon(lane, &lane->links[i], now);
    for (drop_late(lane); due(lane) < CLOCK_NEVER; drop_late(lane)) {
        struct flight f = {.intended = due(lane), .failure = FAILURE_UNSENT};
        f.measured = f.intended >= lane->load->measure_from;
        if (f.intended < lane->next)
            give_up_talk(lane, agenda_take(&lane->agenda), f.measured);
        else
            next_arrival(lane);
        flight_count(&f, lane->load->plan.target, &lane->load->plan.bounds,
                     "no connection became free", &lane->metrics);
        second_count(lane, &f);
        record(lane, &f, "no connection became free");
    }
}

void *lane_run(void *argument)
{
    struct lane *lane = argument;
    struct load *load = lane->load;
    struct epoll_event events[EVENTS];
    prctl(PR_SET_TIMERSLACK, 1ul); /* the default, 50 µs, would be lateness */
    stamp_measure(&lane->clock);
    int64_t now = clock_now();
    lane->tick = load->begin;
    if (open_loop(lane))
        draw_arrival(lane, lane->index + 1);
    else if (lane->talks)
        seat_users(lane);
    bool measuring = false, measured = false;
    while (!lane_over(lane, now)) {
        lane_wait(lane, events, now);
        now = clock_now();
        if (now >= lane->tick)
            tick(lane, now);
        lane_go_on(lane);
        if (!measuring && now >= load->measure_from) {
            measuring = true;
            lane->from = usage_now();
        }
        if (!measured && now >= load->measure_to) {
            measured = true;
            lane->to = usage_now();
        }
    }
    if (!measuring)
        lane->from = usage_now();
    if (!measured)
        lane->to = usage_now();
    lane_give_up(lane, now);
    lane->shown_busy = 0;
    hand_over(lane);
    atomic_fetch_sub(&load->running, 1);
    return NULL;
}

/* ------------------------------------------------------------------ before and after */

/* Closed loop: users are dealt out to the links, so that there is a slot for each. */
static uint32_t slots_of(const struct load_plan *plan, uint32_t link)
{
    uint32_t links = load_links(plan);
    return plan->stages ? plan->streams : plan->users / links + (link < plan->users % links);
}

static void landed(void *lane, struct link *link, struct slot *slot, int64_t now)
{
    lane_land(lane, link, slot, now);
}

static struct result prepare_protocol(struct lane *lane, const struct target *target)
{
    if (target->http2) {
        lane->h2 = (struct h2_shared){target->secure, &lane->metrics, landed, lane};
        lane->frames = buf_limited(TRAFFIC_FRAMES);
        lane->dirty = mem_alloc(lane->link_count * sizeof(*lane->dirty));
    }
    if (target->secure) {
        lane->plain = mem_alloc(TRAFFIC_RECORD);
        TRY(tls_open(&target->tls, &lane->tls));
    }
    return RESULT_OK;
}

struct result lane_prepare(struct lane *lane, struct load *load, uint32_t index, uint32_t first,
                           uint32_t links)
{
    const struct load_plan *plan = &load->plan;
    size_t unsent_max = plan->stock->turns > 1 ? LIMIT_LOAD_REQUEST_BYTES : plan->stock->longest;
    lane->load = load;
    lane->index = index;
    lane->next = CLOCK_NEVER;
    lane->link_count = links;
    for (uint32_t i = 0; i < links; i++)
        lane->slot_count += slots_of(plan, first + i);
    lane->links = mem_zero(links * sizeof(*lane->links));
    lane->slots = mem_zero(lane->slot_count * sizeof(*lane->slots));
    lane->roomy = mem_alloc(links * sizeof(*lane->roomy));
    lane->closed = mem_alloc(links * sizeof(*lane->closed));
    struct slot *slots = lane->slots;
    for (uint32_t i = 0; i < links; i++) {
        uint32_t count = slots_of(plan, first + i);
        link_init(&lane->links[i], slots, count, unsent_max);
        slots += count;
        lane->closed[lane->closed_count++] = links - 1 - i;
    }
    lane->buffer = mem_alloc(TRAFFIC_READ);
    supply_begin(&lane->supply, plan->stock, plan->threads, index);
    lane->talks = plan->stock->turns > 1 || (plan->thinks && !plan->stages);
    lane->notes_room = NOTES_BYTES;
    for (uint32_t i = 0; i < lane->slot_count; i++)
        lane->slots[i].notes = notes_within(&lane->notes_room);
    if (plan->events)
        lane->feed = eventlog_feed(plan->events, index);
    if (plan->as)
        lane->as = as_new(as_tool_of(plan->as));
    metrics_clear(&lane->metrics);
    if (plan->watched) {
        lane->so_far = mem_alloc(sizeof(*lane->so_far));
        metrics_clear(lane->so_far);
    }
    second_clear(&lane->second);
    for (int i = 0; i < SECOND_METRICS; i++)
        histogram_clear(&lane->told[i]);
    lane->arrival = plan_arrivals(plan);
    lane->inspected = stock_random(plan->seed, index, SLICE("inspected"));
    lane->epoll = epoll_create1(EPOLL_CLOEXEC);
    ENSURE(lane->epoll >= 0, ERR_IO, "epoll cannot be had: %s", strerror(errno));
    return prepare_protocol(lane, plan->target);
}

void lane_free(struct lane *lane)
{
    if (lane->epoll >= 0)
        close(lane->epoll);
    mem_free(lane->links);
    for (uint32_t i = 0; lane->slots && i < lane->slot_count; i++)
        notes_free(&lane->slots[i].notes);
    mem_free(lane->slots);
    mem_free(lane->roomy);
    mem_free(lane->closed);
    mem_free(lane->buffer);
    agenda_free(&lane->agenda);
    mem_free(lane->so_far);
    mem_free(lane->plain);
    buf_free(&lane->frames);
    mem_free(lane->dirty);
    tls_shut(lane->tls);
    as_free(lane->as);
    supply_end(&lane->supply);
}
