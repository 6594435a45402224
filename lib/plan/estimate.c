/*
 * What a plan promises: how long it takes played through, and its longest chain.
 */
#include "plan/play.h"

static void find_critical(struct arena *arena, const struct plan *plan, struct plan_estimate *e)
{
    const struct plan_case *at = plan->case_count ? plan->cases[0] : NULL;
    for (size_t i = 1; i < plan->case_count; i++)
        if (plan->cases[i]->tail > at->tail)
            at = plan->cases[i];
    e->critical = ARENA_ARRAY(arena, const struct plan_case *, plan->case_count + 1);
    e->critical_length = at ? at->tail : 0;
    while (at) {
        e->critical[e->critical_count++] = at;
        const struct plan_case *next = NULL;
        /* Of those that need it, the one with the longest tail. */
        for (size_t i = 0; i < plan->case_count; i++) {
            const struct plan_case *other = plan->cases[i];
            for (size_t n = 0; n < other->need_count; n++)
                if (other->needs[n] == at && (!next || other->tail > next->tail))
                    next = other;
        }
        at = next;
    }
}

/* Cases held up are looked at again whenever one ends; past this many the bound below will do. */
#define PLAYED_MAX 100000

struct plan_estimate plan_estimate(struct arena *arena, const struct plan *plan, uint32_t jobs)
{
    struct plays plays = plays_new(arena, plan);
    struct plan_estimate e = {.known = plays.known, .total = plays.total};
    find_critical(arena, plan, &e);
    if (plays.count <= PLAYED_MAX)
        e.makespan = play_through(arena, plan, &plays, jobs);
    else
        e.makespan = e.total / jobs > e.critical_length ? e.total / jobs : e.critical_length;
    return e;
}
