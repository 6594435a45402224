/*
 * A better order. Longest first is a good rule, but with a few long cases on a few slots it can
 * miss the best schedule by a tenth. Where it leaves a gap, the cases are dealt to the slots of the
 * bottleneck (the jobs, or one resource), and cases are moved and swapped between the slot that
 * ends last and the others until nothing helps; then they are dealt again in another order, a few
 * times. When they start in the best of these deals is the new order. It is played through with all
 * needs and limits, and kept only if it is really shorter.
 */
#include <stdlib.h>

#include "core/random.h"
#include "plan/play.h"

/* With more cases longest first leaves next to no gap. */
#define ARRANGED_MAX 2000
/* Deals tried. Of ten cases, fifty find the best one nearly always. */
#define DEALS_MAX 50
/* Pairs looked at in all: a few milliseconds. */
#define LOOKS_MAX 1000000u
/* A gap smaller than this share of the whole, or than this time, is not worth the search. */
#define GAP_SHARE 500
#define GAP_LEAST (5 * NS_PER_MS)

/* Where the cases queue: the jobs, or the units of a resource. */
struct bottleneck {
    const struct plan_resource *resource; /* NULL: the jobs */
    uint32_t slots;
    int64_t bound; /* ns: no order is quicker */
};

struct piece {
    struct plan_case *pc;
    int64_t duration, start;
    uint32_t slot; /* NO_SLOT: it does not pass the bottleneck */
};

#define NO_SLOT UINT32_MAX

struct deal {
    struct piece *pieces;
    size_t count;
    size_t *order;  /* in which they are dealt */
    int64_t *loads; /* by slot */
    uint32_t slots;
    size_t looks;
    uint32_t *best;  /* slots of the pieces in the best deal so far */
    int64_t longest; /* of its slots */
};

/* Give `gives` of the slot that ends last to slot `to`, and take `takes` (or nothing) for it. */
struct exchange {
    struct piece *gives, *takes;
    uint32_t to;
    int64_t longest; /* of the two slots afterwards */
};

static int64_t amount_used(const struct plan_case *pc, const struct plan_resource *resource)
{
    if (!resource)
        return 1;
    for (size_t i = 0; i < pc->use_count; i++)
        if (pc->uses[i].resource == resource)
            return pc->uses[i].amount;
    return 0;
}

/* What one resource alone makes of the plan. */
static struct bottleneck of_resource(const struct plays *plays,
                                     const struct plan_resource *resource, uint32_t jobs)
{
    int64_t work = 0, largest = 1;
    for (size_t i = 0; i < plays->count; i++) {
        int64_t amount = amount_used(plays->items[i].pc, resource);
        work += plays->items[i].duration * amount;
        largest = amount > largest ? amount : largest;
    }
    int64_t capacity = resource ? resource->capacity : jobs, slots = capacity / largest;
    return (struct bottleneck){resource, (uint32_t)(slots < jobs ? slots : jobs), work / capacity};
}

static struct bottleneck find_bottleneck(const struct plan *plan, const struct plays *plays,
                                         uint32_t jobs)
{
    struct bottleneck worst = of_resource(plays, NULL, jobs);
    for (size_t i = 0; i < plan->resource_count; i++) {
        struct bottleneck b = of_resource(plays, plan->resources[i], jobs);
        if (b.bound > worst.bound)
            worst = b;
    }
    for (size_t i = 0; i < plan->case_count; i++)
        if (plan->cases[i]->tail > worst.bound)
            worst.bound = plan->cases[i]->tail;
    return worst;
}

static struct deal deal_new(struct arena *arena, const struct plays *plays,
                            const struct bottleneck *b)
{
    struct deal d = {.slots = b->slots, .longest = INT64_MAX, .count = plays->count};
    d.pieces = ARENA_ARRAY(arena, struct piece, d.count);
    d.order = ARENA_ARRAY(arena, size_t, d.count);
    d.best = ARENA_ARRAY(arena, uint32_t, d.count);
    d.loads = ARENA_ARRAY(arena, int64_t, d.slots);
    for (size_t i = 0; i < d.count; i++) {
        const struct play *play = &plays->items[i];
        uint32_t slot = amount_used(play->pc, b->resource) ? 0 : NO_SLOT;
        d.pieces[i] = (struct piece){play->pc, play->duration, play->ends - play->duration, slot};
        d.order[i] = i;
    }
    return d;
}

/* Each case to the slot that is free first. */
static void deal_out(struct deal *d)
{
    memset(d->loads, 0, d->slots * sizeof(*d->loads));
    for (size_t i = 0; i < d->count; i++) {
        struct piece *piece = &d->pieces[d->order[i]];
        if (piece->slot == NO_SLOT)
            continue;
        piece->slot = 0;
        for (uint32_t s = 1; s < d->slots; s++)
            if (d->loads[s] < d->loads[piece->slot])
                piece->slot = s;
        d->loads[piece->slot] += piece->duration;
    }
}

static uint32_t last_slot(const struct deal *d)
{
    uint32_t last = 0;
    for (uint32_t s = 1; s < d->slots; s++)
        if (d->loads[s] > d->loads[last])
            last = s;
    return last;
}

static void consider(struct deal *d, struct piece *gives, struct piece *takes, uint32_t to,
                     struct exchange *best)
{
    int64_t moved = gives->duration - (takes ? takes->duration : 0);
    int64_t left = d->loads[gives->slot] - moved, grown = d->loads[to] + moved;
    int64_t longest = left > grown ? left : grown;
    d->looks++;
    if (moved > 0 && longest < best->longest)
        *best = (struct exchange){gives, takes, to, longest};
}

/* One exchange that makes the slot that ends last end sooner; false when there is none. */
static bool exchange_one(struct deal *d)
{
    uint32_t last = last_slot(d);
    struct exchange best = {.longest = d->loads[last]};
    for (struct piece *x = d->pieces; x < d->pieces + d->count; x++) {
        if (x->slot != last)
            continue;
        for (uint32_t s = 0; s < d->slots; s++)
            if (s != last)
                consider(d, x, NULL, s, &best);
        for (struct piece *y = d->pieces; y < d->pieces + d->count; y++)
            if (y->slot != last && y->slot != NO_SLOT)
                consider(d, x, y, y->slot, &best);
    }
    if (!best.gives)
        return false;
    int64_t moved = best.gives->duration - (best.takes ? best.takes->duration : 0);
    d->loads[last] -= moved;
    d->loads[best.to] += moved;
    best.gives->slot = best.to;
    if (best.takes)
        best.takes->slot = last;
    return true;
}

static bool worth_it(int64_t makespan, int64_t bound)
{
    return makespan - bound >= makespan / GAP_SHARE && makespan - bound >= GAP_LEAST;
}

static void shuffle(size_t *order, size_t count, struct random *r)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)random_between(r, 0, (int64_t)i - 1), moved = order[k];
        order[k] = order[i - 1];
        order[i - 1] = moved;
    }
}

/* The first deal is in the planned order. The seed is fixed: the same plan, the same order. */
static void find_best_deal(struct deal *d, int64_t bound)
{
    struct random r = random_seeded(1);
    for (int i = 0; i < DEALS_MAX && d->looks < LOOKS_MAX; i++) {
        deal_out(d);
        while (d->looks < LOOKS_MAX && exchange_one(d))
            continue;
        if (d->loads[last_slot(d)] < d->longest) {
            d->longest = d->loads[last_slot(d)];
            for (size_t k = 0; k < d->count; k++)
                d->best[k] = d->pieces[k].slot;
        }
        if (!worth_it(d->longest, bound))
            break;
        shuffle(d->order, d->count, &r);
    }
}

/* In each slot one after another, in the planned order: the longest first. */
static void set_starts(struct deal *d)
{
    memset(d->loads, 0, d->slots * sizeof(*d->loads));
    for (size_t i = 0; i < d->count; i++) {
        struct piece *piece = &d->pieces[i];
        piece->slot = d->best[i];
        if (piece->slot == NO_SLOT)
            continue;
        piece->start = d->loads[piece->slot];
        d->loads[piece->slot] += piece->duration;
    }
}

static int by_start(const void *x, const void *y)
{
    const struct piece *a = x, *b = y;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return plan_order(a->pc, b->pc);
}

void plan_arrange(struct plan *plan, uint32_t jobs)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct plays plays = plays_new(arena, plan);
    if (plays.known < plays.count || plays.count > ARRANGED_MAX)
        return;
    int64_t makespan = play_through(arena, plan, &plays, jobs);
    struct bottleneck b = find_bottleneck(plan, &plays, jobs);
    if (b.slots < 2 || !worth_it(makespan, b.bound))
        return;
    struct deal d = deal_new(arena, &plays, &b);
    find_best_deal(&d, b.bound);
    set_starts(&d);
    qsort(d.pieces, d.count, sizeof(*d.pieces), by_start);
    for (size_t i = 0; i < d.count; i++)
        d.pieces[i].pc->turn = (uint32_t)i + 1;
    if (play_through(arena, plan, &plays, jobs) < makespan)
        return;
    for (size_t i = 0; i < d.count; i++)
        d.pieces[i].pc->turn = 0;
}
