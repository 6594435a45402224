/*
 * From failures to groups. Each failure is heard alone (witness.c); then those with the same cause,
 * or without one with the same message, are put together, and the groups are looked at: what their
 * cases have in common that passing cases have not, since when they fail, and what hangs together.
 */
#include "report/explain.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"
#include "record/failure.h"
#include "report/labels.h"
#include "report/normalise.h"
#include "report/statistics.h"
#include "report/witness.h"

/* A factor is named when chance alone would do that to so few groups. */
#define FACTOR_P 0.01
#define FACTOR_CASES 3
#define FACTORS_TRIED 32
/* Passes before that make a beginning more than a coincidence. */
#define PASSES_BEFORE 5
/* Only so many groups are compared with all that passed. */
#define FACTOR_GROUPS 10
/* Of so many groups it is asked what hangs together: people do not read more. */
#define RELATED_GROUPS 100
/* Groups that fail on the same service within such a time are related. */
#define RELATED_WITHIN (1 * NS_PER_S)
/* Of a group, as many cases are compared with others. */
#define CASES_COMPARED 20
/* Needs of needs: a longer chain of skips is counted up to here. */
#define NEED_DEPTH 16

struct explaining {
    const struct run_data *data;
    struct arena *arena;
    struct explanation *e;
    struct labels keys; /* of groups */
    size_t *capacities; /* by group */
};

/* ── grouping ── */

static struct slice stack_of(struct arena *arena, const struct case_result *r)
{
    const struct attempt_result *attempt = failure_attempt(r);
    for (const struct step_result *s = attempt ? attempt->steps : NULL; s; s = s->next) {
        if (s->status == CASE_PASSED)
            continue;
        struct slice stack = normalise_stack(arena, s->response);
        if (stack.len == 0)
            stack = normalise_stack(arena, s->log);
        if (stack.len)
            return stack;
    }
    return (struct slice){0};
}

/* What failures of one group share. */
static struct slice key_of(struct arena *arena, const struct testimony *t, struct slice message,
                           struct slice stack)
{
    const struct cause *top = t->count ? &t->causes[0] : NULL;
    struct text key = text_in(arena);
    if (top)
        text_printf(&key, "%s\n%.*s\n%.*s\n", cause_name(top->kind), SLICE_ARG(top->subject),
                    SLICE_ARG(normalise_message(arena, top->text)));
    if (!top || !cause_alike(top->kind))
        text_printf(&key, "%.*s\n%.*s", SLICE_ARG(message), SLICE_ARG(stack));
    return text_slice(&key);
}

static void add_case(struct explaining *x, size_t at, const struct case_outcome *outcome)
{
    struct failure_group *g = &x->e->groups[at];
    if (!g->cases || g->count == x->capacities[at]) {
        const struct case_outcome **old = g->cases;
        x->capacities[at] = x->capacities[at] ? 2 * x->capacities[at] : 4;
        g->cases = ARENA_ARRAY(x->arena, const struct case_outcome *, x->capacities[at]);
        if (old)
            memcpy(g->cases, old, g->count * sizeof(g->cases[0]));
    }
    g->cases[g->count++] = outcome;
}

static void examine(struct explaining *x, const struct case_outcome *outcome)
{
    struct testimony t = {.arena = x->arena, .data = x->data, .outcome = outcome};
    witness_hear(&t);
    struct slice line = failure_line(x->arena, outcome->detail);
    struct slice message = normalise_message(x->arena, line);
    struct slice stack = stack_of(x->arena, outcome->detail);
    size_t at = labels_number(&x->keys, key_of(x->arena, &t, message, stack));
    struct failure_group *g = &x->e->groups[at];

    if (at == x->e->count) {
        *g = (struct failure_group){.message = line, .stack = stack};
        x->e->count++;
    } else if (!slice_eq(g->message, line)) {
        g->message = message; /* they differ in what does not matter */
    }
    for (size_t i = 0; i < t.count; i++)
        testimony_add(g->causes, &g->cause_count, t.causes[i]);
    add_case(x, at, outcome);
}

/* ── since when ── */

static void find_beginning(struct failure_group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct case_past *past = g->cases[i]->past;
        if (!past || past->first_bad.len == 0)
            continue;
        if (g->first_bad.len == 0 || slice_cmp(past->first_bad, g->first_bad) < 0) {
            g->first_bad = past->first_bad;
            g->last_good = past->last_good;
        }
    }
}

/* What is another than in the last good run, when this is the first bad one. */
static struct slice what_changed(struct arena *arena, const struct run_info *run,
                                 const struct case_past *past)
{
    struct text t = text_in(arena);
    if (past->last_version.len && !slice_eq(past->last_version, run->version))
        text_printf(&t, "; assay changed from %.*s to %.*s", SLICE_ARG(past->last_version),
                    SLICE_ARG(run->version));
    if (past->last_machine.len && !slice_eq(past->last_machine, run->machine))
        text_printf(&t, "; machine and revision changed from %.*s to %.*s",
                    SLICE_ARG(past->last_machine), SLICE_ARG(run->machine));
    return text_slice(&t);
}

static void tell_beginning(struct explaining *x, struct failure_group *g)
{
    size_t passed = 0, failed = 0, known = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct case_past *past = g->cases[i]->past;
        if (!past || past->last_good.len == 0 || !slice_eq(past->first_bad, g->first_bad))
            continue;
        known++;
        passed += past->passed;
        failed += past->failed - past->failing;
    }
    if (known == 0 || known < g->count)
        return; /* not all of them began to fail there */
    const struct case_outcome *first = g->cases[0];
    const struct run_info *run = &x->data->runs[first->run];
    struct slice changed = slice_eq(g->first_bad, run->id)
                               ? what_changed(x->arena, run, first->past)
                               : (struct slice){0};
    testimony_add(
        g->causes, &g->cause_count,
        (struct cause){
            .kind = CAUSE_NEW_SINCE,
            .strength = failed == 0 && passed >= PASSES_BEFORE ? EVIDENCE_STRONG : EVIDENCE_WEAK,
            .subject = g->first_bad,
            .text = slice_str(
                arena_printf(x->arena, "it began with run %.*s", SLICE_ARG(g->first_bad))),
            .evidence =
                slice_str(arena_printf(x->arena, "passed %zu times before, last in run %.*s%.*s",
                                       passed, SLICE_ARG(g->last_good), SLICE_ARG(changed))),
        });
}

/* ── what they have in common ── */

struct factor {
    const char *kind; /* "resource" */
    struct slice name;
    size_t passed_with;
    double p;
};

static bool has(const struct slice *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(names[i], name))
            return true;
    return false;
}

static bool has_factor(const struct case_definition *d, const struct factor *f)
{
    switch (f->kind[0]) {
    case 'r':
        return has(d->uses, d->use_count, f->name);
    case 's':
        return has(d->services, d->service_count, f->name);
    case 't':
        return has(d->tags, d->tag_count, f->name);
    default:
        return slice_eq(d->model, f->name);
    }
}

static void try_factor(const struct failure_group *g, struct factor *factors, size_t *count,
                       const char *kind, struct slice name)
{
    struct factor f = {.kind = kind, .name = name};
    if (*count == FACTORS_TRIED || name.len == 0)
        return;
    for (size_t i = 0; i < g->count; i++)
        if (!has_factor(g->cases[i]->definition, &f))
            return;
    factors[(*count)++] = f;
}

/* What every case of the group has. */
static size_t common_factors(const struct failure_group *g, struct factor factors[FACTORS_TRIED])
{
    const struct case_definition *d = g->cases[0]->definition;
    size_t count = 0;
    for (size_t i = 0; i < d->use_count; i++)
        try_factor(g, factors, &count, "resource", d->uses[i]);
    for (size_t i = 0; i < d->service_count; i++)
        try_factor(g, factors, &count, "service", d->services[i]);
    try_factor(g, factors, &count, "model", d->model);
    for (size_t i = 0; i < d->tag_count; i++)
        try_factor(g, factors, &count, "tag", d->tags[i]);
    return count;
}

static void weigh_factors(const struct explaining *x, const struct failure_group *g,
                          struct factor *factors, size_t count, size_t passed)
{
    double p[FACTORS_TRIED];
    for (size_t i = 0; i < x->data->definition_count; i++) {
        const struct case_definition *d = &x->data->definitions[i];
        for (size_t f = 0; d->passed && f < count; f++)
            factors[f].passed_with += has_factor(d, &factors[f]) ? d->passed : 0;
    }
    for (size_t f = 0; f < count; f++)
        p[f] = statistics_fisher(g->count, g->count + factors[f].passed_with, 0,
                                 passed - factors[f].passed_with);
    statistics_adjust(p, count);
    for (size_t f = 0; f < count; f++)
        factors[f].p = p[f];
}

/* Of several that fit equally the first is told: resources before services, models, tags. */
static void find_factor(struct explaining *x, struct failure_group *g, size_t passed)
{
    struct factor factors[FACTORS_TRIED], *best = NULL;
    size_t count = common_factors(g, factors);
    if (count == 0)
        return;
    weigh_factors(x, g, factors, count, passed);
    for (size_t f = 0; f < count; f++)
        if (factors[f].p < FACTOR_P && (!best || factors[f].passed_with < best->passed_with))
            best = &factors[f];
    if (!best)
        return;
    testimony_add(
        g->causes, &g->cause_count,
        (struct cause){
            .kind = CAUSE_SHARED_FACTOR,
            .strength = best->passed_with == 0 ? EVIDENCE_STRONG : EVIDENCE_WEAK,
            .subject =
                slice_str(arena_printf(x->arena, "%s %.*s", best->kind, SLICE_ARG(best->name))),
            .text = slice_str(arena_printf(
                x->arena, "all of them have the %s \"%.*s\"%s", best->kind, SLICE_ARG(best->name),
                best->passed_with ? "" : ", and no case that passed has it")),
            .evidence = slice_str(arena_printf(
                x->arena,
                "%zu of %zu failures and %zu of %zu passes have it (Fisher's exact test: p = %.2g)",
                g->count, g->count, best->passed_with, passed, best->p)),
        });
}

/* ── what follows from them ── */

static void count_skipped(struct explaining *x)
{
    const struct run_data *data = x->data;
    struct labels blocked = labels_in(x->arena); /* cases that did not pass, by key */
    size_t *group_of = ARENA_ARRAY(x->arena, size_t, data->count + 1);
    bool more = true;

    for (size_t g = 0; g < x->e->count; g++)
        for (size_t i = 0; i < x->e->groups[g].count; i++)
            group_of[labels_number(&blocked, x->e->groups[g].cases[i]->definition->key)] = g;
    for (int depth = 0; more && depth < NEED_DEPTH; depth++) {
        more = false;
        for (size_t i = 0; i < data->count; i++) {
            const struct case_definition *d = data->cases[i].definition;
            if (data->cases[i].status != CASE_SKIPPED ||
                labels_find(&blocked, d->key) != LABEL_NONE)
                continue;
            for (size_t n = 0; n < d->need_count; n++) {
                uint32_t need = labels_find(&blocked, d->needs[n]);
                if (need == LABEL_NONE)
                    continue;
                group_of[labels_number(&blocked, d->key)] = group_of[need];
                x->e->groups[group_of[need]].skipped++;
                more = true;
                break;
            }
        }
    }
}

/* ── what hangs together ── */

static bool near(const struct case_outcome *a, const struct case_outcome *b)
{
    return a->run == b->run && a->started && b->started &&
           a->started <= b->started + b->duration + RELATED_WITHIN &&
           b->started <= a->started + a->duration + RELATED_WITHIN;
}

/* A service that cases of both use at about the same time; empty: none. */
static struct slice common_service(const struct failure_group *a, const struct failure_group *b)
{
    for (size_t i = 0; i < a->count && i < CASES_COMPARED; i++) {
        const struct case_definition *d = a->cases[i]->definition;
        for (size_t j = 0; j < b->count && j < CASES_COMPARED; j++) {
            const struct case_definition *other = b->cases[j]->definition;
            for (size_t s = 0; near(a->cases[i], b->cases[j]) && s < d->service_count; s++)
                if (has(other->services, other->service_count, d->services[s]))
                    return d->services[s];
        }
    }
    return (struct slice){0};
}

static bool of_service(const struct failure_group *g, struct slice service)
{
    return g->cause_count && g->causes[0].kind <= CAUSE_OUT_OF_DESCRIPTORS &&
           slice_eq(g->causes[0].subject, service);
}

/* Only a group whose cause lies in the service draws others to it: all use some service. */
static void find_related(struct explaining *x)
{
    struct explanation *e = x->e;
    size_t count = e->count < RELATED_GROUPS ? e->count : RELATED_GROUPS;
    for (size_t a = 0; a < count; a++) {
        struct failure_group *g = &e->groups[a];
        for (size_t b = 0; b < count && g->related_count < EXPLAIN_RELATED; b++) {
            const struct failure_group *other = &e->groups[b];
            if (a == b)
                continue;
            struct slice service = common_service(g, other);
            bool hangs = service.len && (of_service(g, service) || of_service(other, service));
            bool same_stack = g->stack.len && slice_eq(g->stack, other->stack);
            if (!hangs && !same_stack)
                continue;
            g->related[g->related_count++] = b;
            g->related_why =
                hangs ? slice_str(arena_printf(x->arena, "service \"%.*s\" at the same time",
                                               SLICE_ARG(service)))
                      : SLICE("the same stack");
        }
    }
}

/* ── all of it ── */

static int by_weight(const void *a, const void *b)
{
    const struct failure_group *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->cases[0] < y->cases[0] ? -1 : 1; /* the one that failed first */
}

static void judge(struct explanation *e, struct failure_group *g)
{
    g->severity = SEVERITY_MEDIUM;
    g->severity_reason = "nothing is known about why it failed";
    if (g->cause_count) {
        g->severity = cause_severity(g->causes[0].kind);
        g->severity_reason = cause_severity_reason(g->causes[0].kind);
    } else {
        e->unexplained += g->count;
    }
    e->by_severity[g->severity] += g->count;
    for (size_t i = 0; i < g->count && g->reproduce.len == 0; i++)
        g->reproduce = g->cases[i]->detail->rerun;
}

struct explanation *explain_failures(const struct run_data *data)
{
    struct arena *arena = data->arena;
    struct explaining x = {.data = data, .arena = arena, .keys = labels_in(arena)};
    size_t passed = 0, examined = 0, compared = 0;

    x.e = ARENA_NEW(arena, struct explanation);
    for (size_t i = 0; i < data->count; i++) {
        passed += data->cases[i].status == CASE_PASSED;
        x.e->failures += outcome_is_bad(&data->cases[i]);
        examined += outcome_is_bad(&data->cases[i]) && data->cases[i].detail;
    }
    x.e->not_examined = x.e->failures - examined;
    if (examined == 0)
        return x.e;
    x.e->groups = ARENA_ARRAY(arena, struct failure_group, examined);
    x.capacities = ARENA_ARRAY(arena, size_t, examined);
    for (size_t i = 0; i < data->count; i++)
        if (outcome_is_bad(&data->cases[i]) && data->cases[i].detail)
            examine(&x, &data->cases[i]);
    for (size_t g = 0; g < x.e->count; g++) {
        find_beginning(&x.e->groups[g]);
        tell_beginning(&x, &x.e->groups[g]);
        if (x.e->groups[g].count >= FACTOR_CASES && compared++ < FACTOR_GROUPS)
            find_factor(&x, &x.e->groups[g], passed);
        judge(x.e, &x.e->groups[g]);
    }
    qsort(x.e->groups, x.e->count, sizeof(x.e->groups[0]), by_weight);
    count_skipped(&x);
    find_related(&x);
    return x.e;
}

struct slice explain_title(struct arena *arena, const struct failure_group *group)
{
    return line_text(arena, group->cause_count ? group->causes[0].text : group->message, 200);
}
