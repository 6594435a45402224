/*
 * Begin, look at, stop and end the threads of a load.
 */
#include "load/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "load/lane.h"

/* Threads begin together. */
#define START_NS (20 * NS_PER_MS)

uint32_t load_links(const struct load_plan *plan)
{
    return plan->stages ? plan->connections : (plan->users + plan->streams - 1) / plan->streams;
}

static struct result descriptors(const struct load_plan *plan, uint32_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return RESULT_OK;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    /* Some for the program itself. */
    uint64_t enough = (uint64_t)wanted + plan->threads + 32;
    ENSURE(limit.rlim_max == RLIM_INFINITY || enough <= limit.rlim_max, ERR_IO,
           "%u connections need %llu descriptors and this process may have %llu: raise the limit "
           "(`ulimit -Hn`), or give less with %s",
           wanted, (unsigned long long)enough, (unsigned long long)limit.rlim_max,
           plan->stages ? "--connections" : "--concurrency");
    return RESULT_OK;
}

static void load_free(struct load *load)
{
    for (uint32_t i = 0; i < load->plan.threads; i++)
        lane_free(&load->lanes[i]);
    inspector_end(load->inspector, NULL);
    pthread_mutex_destroy(&load->mutex);
    if (load->stamped >= 0)
        close(load->stamped);
    mem_free(load->lanes);
    mem_free(load);
}

static struct result prepare(struct load *load)
{
    uint32_t threads = load->plan.threads;
    uint32_t links = load_links(&load->plan), first = 0;
    TRY(descriptors(&load->plan, links));
    if (load->plan.inspection)
        TRY(inspector_begin(load->plan.inspection, &load->inspector));
    for (uint32_t i = 0; i < threads; i++) {
        uint32_t count = links / threads + (i < links % threads);
        TRY(lane_prepare(&load->lanes[i], load, i, first, count));
        first += count;
    }
    return RESULT_OK;
}

/* Threads that were started are told to end at once. */
static struct result launch(struct load *load)
{
    load->begin = clock_now() + START_NS;
    load->measure_from = load->begin + load->plan.warmup;
    load->measure_to = load->measure_from + load->plan.duration;
    load->drain_to = load->measure_to + load->plan.drain;
    for (uint32_t i = 0; i < load->plan.threads; i++) {
        int fault = pthread_create(&load->lanes[i].thread, NULL, lane_run, &load->lanes[i]);
        if (fault) {
            load->drain_to = 0;
            while (i-- > 0)
                pthread_join(load->lanes[i].thread, NULL);
            return error_set(ERR_IO, "a thread cannot be had: %s", strerror(fault));
        }
        load->running++;
    }
    return RESULT_OK;
}

struct result load_begin(const struct load_plan *plan, struct load **out)
{
    struct load *load = NEW(struct load);
    *out = NULL;
    load->plan = *plan;
    load->lanes = mem_zero(plan->threads * sizeof(*load->lanes));
    for (uint32_t i = 0; i < plan->threads; i++)
        load->lanes[i].epoll = -1;
    pthread_mutex_init(&load->mutex, NULL);
    second_clear(&load->second);
    load->stamped = socket(plan->target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (load->stamped >= 0)
        stamp_ask(load->stamped);
    struct result r = prepare(load);
    if (result_ok(r))
        r = launch(load);
    if (!result_ok(r)) {
        load_free(load);
        return r;
    }
    *out = load;
    return RESULT_OK;
}

bool load_running(struct load *load)
{
    return load->running > 0;
}

int64_t load_began(const struct load *load)
{
    return load->begin;
}

void load_look(struct load *load, struct load_second *second)
{
    pthread_mutex_lock(&load->mutex);
    *second = load->second;
    second_clear(&load->second);
    pthread_mutex_unlock(&load->mutex);
    for (uint32_t i = 0; i < load->plan.threads; i++)
        second->busy += load->lanes[i].shown_busy;
}

void load_so_far(struct load *load, struct load_outcome *out)
{
    memset(out, 0, sizeof(*out));
    metrics_clear(&out->metrics);
    pthread_mutex_lock(&load->mutex);
    for (uint32_t i = 0; i < load->plan.threads; i++)
        if (load->lanes[i].so_far)
            metrics_merge(&out->metrics, load->lanes[i].so_far);
    pthread_mutex_unlock(&load->mutex);
    int64_t now = clock_now(), to = load->measure_to;
    out->measured = (now < to ? now : to) - load->measure_from;
}

void load_stop(struct load *load)
{
    int64_t now = clock_now();
    if (load->stops++ > 0) {
        load->drain_to = now;
        return;
    }
    if (now < load->measure_to) {
        load->measure_to = now;
        load->drain_to = now + load->plan.drain;
    }
}

static double share(int64_t from, int64_t to, const struct usage *a, const struct usage *b)
{
    return b->at > a->at ? (double)(to - from) / (double)(b->at - a->at) : 0;
}

static void take_lane(struct load_outcome *out, struct lane *lane)
{
    const struct usage *from = &lane->from, *to = &lane->to;
    double processor = share(from->processor, to->processor, from, to);
    double waiting = share(from->waiting, to->waiting, from, to);
    metrics_merge(&out->metrics, &lane->metrics);
    if (lane->as)
        as_merge(lane->load->plan.as, lane->as);
    if (processor + waiting > out->processor + out->waiting) {
        out->processor = processor;
        out->waiting = waiting;
    }
    out->processor_time += (double)(to->processor - from->processor) / (double)NS_PER_S;
    out->connections += lane->made;
    if (lane->clock.steps > out->clock_steps)
        out->clock_steps = lane->clock.steps;
    if (lane->streams && (!out->streams || lane->streams < out->streams))
        out->streams = lane->streams;
    if (lane->tls)
        tls_seen_merge(&out->tls, tls_seen(lane->tls));
}

static void take_inspections(struct load *load, struct metrics *m)
{
    struct inspections seen = {0};
    inspector_end(load->inspector, &seen);
    load->inspector = NULL;
    m->checked = seen.checked;
    m->unchecked = seen.dropped;
    metrics_failed_checks(m, seen.failed, seen.example);
}

void load_end(struct load *load, struct load_outcome *out)
{
    memset(out, 0, sizeof(*out));
    metrics_clear(&out->metrics);
    for (uint32_t i = 0; i < load->plan.threads; i++) {
        pthread_join(load->lanes[i].thread, NULL);
        take_lane(out, &load->lanes[i]);
    }
    take_inspections(load, &out->metrics);
    int64_t measured = load->measure_to - load->measure_from;
    out->measured = measured > 0 ? measured : 0;
    out->stopped = load->stops > 0;
    load_free(load);
}
