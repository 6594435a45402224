/*
 * Playing a plan: a loop over the ends of what runs, as the run itself will be.
 */
#include "plan/play.h"

#include <stdlib.h>

struct game {
    struct play *plays; /* in the order in which cases are begun */
    size_t count;
    size_t first_waiting;
    struct play **running; /* those that run, in no order; at most `jobs` */
    uint32_t running_count, jobs;
    int64_t *held; /* by resource */
    bool isolated;
};

static int by_order(const void *x, const void *y)
{
    const struct play *a = x, *b = y;
    return plan_order(a->pc, b->pc);
}

static bool can_begin(const struct game *g, const struct play *play)
{
    const struct plan_case *pc = play->pc;
    if (play->begun || g->isolated || (pc->isolate && g->running_count > 0))
        return false;
    for (size_t i = 0; i < pc->need_count; i++)
        if (!g->plays[pc->needs[i]->mark].over)
            return false;
    for (size_t i = 0; i < pc->use_count; i++)
        if (g->held[pc->uses[i].resource->index] + pc->uses[i].amount >
            pc->uses[i].resource->capacity)
            return false;
    return true;
}

static void hold(struct game *g, const struct plan_case *pc, int sign)
{
    for (size_t i = 0; i < pc->use_count; i++)
        g->held[pc->uses[i].resource->index] += sign * pc->uses[i].amount;
    g->isolated = pc->isolate && sign > 0;
}

static void begin_ready(struct game *g, int64_t now)
{
    while (g->first_waiting < g->count && g->plays[g->first_waiting].begun)
        g->first_waiting++;
    for (size_t i = g->first_waiting; i < g->count && g->running_count < g->jobs; i++) {
        struct play *play = &g->plays[i];
        if (!can_begin(g, play))
            continue;
        play->begun = true;
        play->ends = now + play->duration;
        g->running[g->running_count++] = play;
        hold(g, play->pc, 1);
    }
}

/* Take the running case that ends first; NULL when none runs. */
static struct play *take_next_end(struct game *g)
{
    uint32_t first = 0;
    if (g->running_count == 0)
        return NULL;
    for (uint32_t i = 1; i < g->running_count; i++)
        if (g->running[i]->ends < g->running[first]->ends)
            first = i;
    struct play *play = g->running[first];
    g->running[first] = g->running[--g->running_count];
    return play;
}

struct plays plays_new(struct arena *arena, const struct plan *plan)
{
    struct plays plays = {.items = ARENA_ARRAY(arena, struct play, plan->case_count + 1)};
    int64_t known_total = 0;
    for (size_t i = 0; i < plan->case_count; i++) {
        if (plan->cases[i]->expected >= 0) {
            plays.known++;
            known_total += plan->cases[i]->expected;
        }
    }
    int64_t mean = plays.known ? known_total / (int64_t)plays.known : 0;
    for (size_t i = 0; i < plan->case_count; i++) {
        struct plan_case *pc = plan->cases[i];
        int64_t duration = pc->skip ? 0 : pc->expected >= 0 ? pc->expected : mean;
        plays.items[plays.count++] = (struct play){.pc = pc, .duration = duration};
        plays.total += duration;
    }
    return plays;
}

int64_t play_through(struct arena *arena, const struct plan *plan, struct plays *plays,
                     uint32_t jobs)
{
    struct game g = {.plays = plays->items, .count = plays->count, .jobs = jobs};
    g.held = ARENA_ARRAY(arena, int64_t, plan->resource_count + 1);
    g.running = ARENA_ARRAY(arena, struct play *, jobs);
    int64_t now = 0;
    qsort(plays->items, plays->count, sizeof(*plays->items), by_order);
    for (size_t i = 0; i < plays->count; i++) {
        plays->items[i].pc->mark = (unsigned)i;
        plays->items[i].begun = plays->items[i].over = false;
    }
    for (begin_ready(&g, now);; begin_ready(&g, now)) {
        struct play *ended = take_next_end(&g);
        if (!ended)
            return now;
        now = ended->ends;
        ended->over = true;
        hold(&g, ended->pc, -1);
    }
}
