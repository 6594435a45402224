/*
 * Needs, cycles and tails. Cases come in their hundred thousands, so lookups are by binary search
 * and the walk over needs is linear and keeps its own stack.
 */
#include "plan/graph.h"

#include <stdlib.h>

#include "core/text.h"

/* Sorted by suite, then by the id as written; expansions of one case stand together. */
static int by_base_id(const void *x, const void *y)
{
    const struct plan_case *a = *(struct plan_case *const *)x, *b = *(struct plan_case *const *)y;
    if (a->suite != b->suite)
        return a->suite < b->suite ? -1 : 1;
    int order = slice_cmp(a->base_id, b->base_id);
    return order ? order : slice_cmp(a->key, b->key);
}

static int by_key(const void *x, const void *y)
{
    const struct plan_case *a = *(struct plan_case *const *)x, *b = *(struct plan_case *const *)y;
    int order = slice_cmp(a->key, b->key);
    return order ? order : (a->at.line > b->at.line) - (a->at.line < b->at.line);
}

static struct plan_case **sorted(struct arena *arena, struct plan_case **cases, size_t count,
                                 int (*order)(const void *, const void *))
{
    struct plan_case **copy = ARENA_ARRAY(arena, struct plan_case *, count + 1);
    if (count)
        memcpy(copy, cases, count * sizeof(*copy));
    qsort(copy, count, sizeof(*copy), order);
    return copy;
}

static void report_duplicates(struct arena *arena, struct plan_case **cases, size_t count,
                              struct diagnostics *d)
{
    struct plan_case **keys = sorted(arena, cases, count, by_key);
    for (size_t i = 1; i < count; i++) {
        const struct plan_case *first = keys[i - 1], *second = keys[i];
        if (!slice_eq(first->key, second->key))
            continue;
        struct diagnostic *fault =
            diagnose(d, second->at, "duplicate id \"%.*s\"; it was first given in line %u",
                     SLICE_ARG(second->id), first->at.line);
        fault->hint =
            first->at.line == second->at.line && first->at.column == second->at.column
                ? "two expansions of one case have the same id: put what sets them apart into it"
                : "results are kept by id: give each case one of its own";
    }
}

/* The index of the first case of `suite` whose written id is `id`, or `count`. */
static size_t find_base(struct plan_case **index, size_t count, const struct plan_suite *suite,
                        struct slice id)
{
    struct plan_case wanted = {.suite = suite, .base_id = id, .key = slice_of("", 0)};
    const struct plan_case *key = &wanted;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_base_id(&index[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < count && index[low]->suite == suite && slice_eq(index[low]->base_id, id);
    return found ? low : count;
}

static void report_unknown_need(struct arena *arena, struct plan_case **index, size_t count,
                                const struct plan_case *pc, const struct node *need,
                                struct diagnostics *d)
{
    const char **candidates = ARENA_ARRAY(arena, const char *, count + 1);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (index[i]->suite == pc->suite)
            candidates[found++] = index[i]->base_id.data;
    diagnose_unknown(d, need->at, "case", need->string, candidates);
}

static void link_case(struct arena *arena, struct plan_case **index, size_t count,
                      struct plan_case *pc, struct diagnostics *d)
{
    const struct node *needs = pc->needs_node;
    bool is_list = needs->kind == NODE_LIST;
    size_t wanted = is_list ? needs->count : 1, room = 0;
    for (size_t i = 0; i < wanted; i++) {
        const struct node *need = is_list ? needs->items[i] : needs;
        size_t at = find_base(index, count, pc->suite, need->string);
        if (at == count)
            report_unknown_need(arena, index, count, pc, need, d);
        for (; at < count && index[at]->suite == pc->suite &&
               slice_eq(index[at]->base_id, need->string);
             at++) {
            if (pc->need_count == room) {
                struct plan_case **more =
                    ARENA_ARRAY(arena, struct plan_case *, room = room ? room * 2 : 4);
                if (pc->need_count)
                    memcpy(more, pc->needs, pc->need_count * sizeof(*more));
                pc->needs = more;
            }
            pc->needs[pc->need_count++] = index[at];
        }
    }
}

/* A walk along needs, depth first, with the path it is on. */
enum mark { UNSEEN, ON_PATH, DONE };

struct walk {
    struct plan_case **path;
    size_t *next; /* of each case of the path: which need comes next */
    size_t depth;
    struct plan_case **order; /* finished cases: needs before those that need them */
    size_t ordered;
};

static struct walk walk_new(struct arena *arena, size_t count)
{
    return (struct walk){.path = ARENA_ARRAY(arena, struct plan_case *, count + 1),
                         .next = ARENA_ARRAY(arena, size_t, count + 1),
                         .order = ARENA_ARRAY(arena, struct plan_case *, count + 1)};
}

static void walk_into(struct walk *w, struct plan_case *pc)
{
    pc->mark = ON_PATH;
    w->path[w->depth] = pc;
    w->next[w->depth++] = 0;
}

/* Walk everything that can be reached from `start`; a case met on its own path closes a cycle. */
static struct plan_case *walk_from(struct walk *w, struct plan_case *start)
{
    walk_into(w, start);
    while (w->depth > 0) {
        struct plan_case *pc = w->path[w->depth - 1];
        if (w->next[w->depth - 1] == pc->need_count) {
            pc->mark = DONE;
            w->order[w->ordered++] = pc;
            w->depth--;
            continue;
        }
        struct plan_case *need = pc->needs[w->next[w->depth - 1]++];
        if (need->mark == ON_PATH)
            return need;
        if (need->mark == UNSEEN)
            walk_into(w, need);
    }
    return NULL;
}

static void report_cycle(struct arena *arena, const struct walk *w, const struct plan_case *again,
                         struct diagnostics *d)
{
    size_t start = 0;
    while (w->path[start] != again)
        start++;
    struct text t = text_in(arena);
    for (size_t i = start; i < w->depth; i++)
        text_printf(&t, "\"%.*s\" → ", SLICE_ARG(w->path[i]->id));
    text_printf(&t, "\"%.*s\"", SLICE_ARG(again->id));
    diagnose(d, again->needs_node->at, "a cycle of needs: %s", text_str(&t))->hint =
        "no case of a cycle could ever begin: take one need away";
}

void graph_link(struct arena *arena, struct plan_case **cases, size_t count, struct diagnostics *d)
{
    size_t faults = d->count;
    report_duplicates(arena, cases, count, d);
    struct plan_case **index = sorted(arena, cases, count, by_base_id);
    for (size_t i = 0; i < count; i++)
        if (cases[i]->needs_node)
            link_case(arena, index, count, cases[i], d);
    if (d->count > faults)
        return;
    struct walk w = walk_new(arena, count);
    for (size_t i = 0; i < count; i++) {
        if (cases[i]->mark != UNSEEN)
            continue;
        struct plan_case *again = walk_from(&w, cases[i]);
        if (again) {
            report_cycle(arena, &w, again, d);
            return;
        }
    }
}

static int64_t mean_expected(const struct plan *plan)
{
    int64_t total = 0, known = 0;
    for (size_t i = 0; i < plan->case_count; i++) {
        if (plan->cases[i]->expected >= 0) {
            total += plan->cases[i]->expected;
            known++;
        }
    }
    return known ? total / known : 0;
}

void graph_tails(const struct plan *plan)
{
    struct walk w = walk_new(plan->arena, plan->case_count);
    int64_t unknown = mean_expected(plan);
    for (size_t i = 0; i < plan->case_count; i++) {
        plan->cases[i]->mark = UNSEEN;
        plan->cases[i]->tail = 0;
    }
    for (size_t i = 0; i < plan->case_count; i++)
        if (plan->cases[i]->mark == UNSEEN)
            MUST(walk_from(&w, plan->cases[i]) == NULL, "a cycle survived the plan");
    /* From the last to the first: when a case's turn comes, all that need it have added theirs. */
    for (size_t i = w.ordered; i > 0; i--) {
        struct plan_case *pc = w.order[i - 1];
        pc->tail += pc->skip ? 0 : pc->expected >= 0 ? pc->expected : unknown;
        for (size_t n = 0; n < pc->need_count; n++)
            if (pc->needs[n]->tail < pc->tail)
                pc->needs[n]->tail = pc->tail;
    }
}

int plan_order(const struct plan_case *a, const struct plan_case *b)
{
    if (a->priority != b->priority)
        return b->priority - a->priority;
    if (a->turn != b->turn)
        return a->turn < b->turn ? -1 : 1;
    /* The longest chain first: it is what the run waits for in the end. */
    if (a->tail != b->tail)
        return a->tail > b->tail ? -1 : 1;
    return 0;
}
