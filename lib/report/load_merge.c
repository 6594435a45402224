/*
 * Adding up loads.
 */
#include "report/load_merge.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"

/* ------------------------------------------------------------------ are they one? */

static bool same_objectives(const struct load_report *a, const struct load_report *b)
{
    bool same = a->slo_count == b->slo_count;
    for (size_t i = 0; same && i < a->slo_count; i++)
        same = strcmp(a->slos[i].text, b->slos[i].text) == 0;
    return same;
}

static bool same_schedule(const struct load_plan *a, const struct load_plan *b)
{
    if (a->warmup != b->warmup || a->duration != b->duration || !a->stages != !b->stages)
        return false;
    if (!a->stages || !b->stages)
        return true;
    bool same = a->stage_count == b->stage_count;
    for (size_t i = 0; same && i < a->stage_count; i++)
        same = a->stages[i].duration == b->stages[i].duration;
    return same;
}

static struct result check(const struct load_data *first, const struct load_data *other)
{
    char apart[DURATION_TEXT];
    const struct load_plan *a = &first->plan, *b = &other->plan;
    int64_t shift = other->run.started_wall - first->run.started_wall;
    struct slice id = other->run.id, with = first->run.id;
    ENSURE(first->ended && other->ended, ERR_USAGE,
           "load %.*s is incomplete, and cannot be added up with others",
           SLICE_ARG(first->ended ? id : with));
    ENSURE(!slice_eq(id, with), ERR_USAGE, "load %.*s would be counted twice", SLICE_ARG(id));
    ENSURE(a->target->api == b->target->api && a->target->stream == b->target->stream, ERR_USAGE,
           "loads %.*s and %.*s ask for different things, and are not added up", SLICE_ARG(with),
           SLICE_ARG(id));
    ENSURE(same_objectives(&first->report, &other->report), ERR_USAGE,
           "loads %.*s and %.*s have other objectives, and are not added up", SLICE_ARG(with),
           SLICE_ARG(id));
    ENSURE(
        same_schedule(a, b), ERR_USAGE,
        "loads %.*s and %.*s take other times, and are not added up: parts of one load differ in "
        "nothing but their rate or users",
        SLICE_ARG(with), SLICE_ARG(id));
    ENSURE(
        llabs(shift) < a->duration, ERR_USAGE,
        "loads %.*s and %.*s began %s apart, and are not added up: parts of one load are made at "
        "the same time; `assay compare` compares loads",
        SLICE_ARG(with), SLICE_ARG(id), format_duration(apart, llabs(shift)));
    return RESULT_OK;
}

/* ------------------------------------------------------------------ adding up */

static void add_plan(struct load_plan *into, const struct load_plan *from,
                     struct arrival_stage *stages)
{
    for (size_t i = 0; i < from->stage_count; i++) {
        stages[i].duration = from->stages[i].duration;
        stages[i].from += from->stages[i].from;
        stages[i].to += from->stages[i].to;
    }
    into->users += from->users;
    into->connections += from->connections;
    into->threads += from->threads;
}

static void add_outcome(struct load_outcome *into, const struct load_outcome *from)
{
    metrics_merge(&into->metrics, &from->metrics);
    into->measured = from->measured > into->measured ? from->measured : into->measured;
    into->stopped = into->stopped || from->stopped;
    if (from->processor + from->waiting > into->processor + into->waiting) {
        into->processor = from->processor;
        into->waiting = from->waiting;
    }
    into->processor_time += from->processor_time;
    into->connections += from->connections;
    into->clock_steps += from->clock_steps;
    if (from->streams && (!into->streams || from->streams < into->streams))
        into->streams = from->streams;
    tls_seen_merge(&into->tls, &from->tls);
}

/* What is invalid on one machine is invalid; what is too much together is, too. */
static struct judgement judge(struct arena *arena, struct load_data *const *parts, size_t count,
                              const struct load_data *d)
{
    struct judgement j =
        load_judge(arena, d->report.outcome, &d->belief, d->slos, d->report.slo_count);
    j.reason_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct judgement *part = &parts[i]->judgement;
        if (part->verdict == VERDICT_INVALID)
            j.verdict = VERDICT_INVALID;
        for (size_t k = 0; k < part->reason_count && j.reason_count < VERDICT_REASONS; k++)
            j.reasons[j.reason_count++] =
                arena_printf(arena, "%.*s: %s", SLICE_ARG(parts[i]->run.id), part->reasons[k]);
    }
    return j;
}

/* ------------------------------------------------------------------ the timeline */

/* Rows of the longest timeline, and into each what was in its time elsewhere. */
static struct timeline *merge_timelines(struct load_data *const *parts, size_t count)
{
    struct timeline *out = timeline_new();
    size_t next[LOAD_MERGE_MOST] = {0}, longest = 0;
    for (size_t i = 1; i < count; i++)
        if (parts[i]->timeline->count > parts[longest]->timeline->count)
            longest = i;
    const struct timeline *base = parts[longest]->timeline;
    out->started_wall = parts[longest]->run.started_wall;
    for (size_t row = 0; row < base->count; row++) {
        struct load_second *sum = timeline_second(&base->rows[row]);
        bool warming = base->rows[row].warming, last = row + 1 == base->count;
        for (size_t i = 0; i < count; i++) {
            const struct timeline *t = parts[i]->timeline;
            int64_t shift = parts[i]->run.started_wall - out->started_wall;
            uint32_t busy = 0;
            for (; i != longest && next[i] < t->count; next[i]++) {
                const struct timeline_row *r = &t->rows[next[i]];
                if (!last && (r->from + r->to) / 2 + shift >= base->rows[row].to)
                    break;
                struct load_second *s = timeline_second(r);
                busy = s->busy; /* of several rows the last one's are under way at the end */
                s->busy = 0;
                warming = warming && r->warming;
                second_merge(sum, s);
                mem_free(s);
            }
            sum->busy += busy;
        }
        timeline_add(out, sum, base->rows[row].from, base->rows[row].to, warming);
        mem_free(sum);
    }
    return out;
}

struct result load_merge(struct arena *arena, struct load_data *const *parts, size_t count,
                         struct load_data **out)
{
    ENSURE(count <= LOAD_MERGE_MOST, ERR_USAGE, "at most %d loads are added up", LOAD_MERGE_MOST);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            TRY(check(parts[k], parts[i]));
    struct load_data *d = ARENA_NEW(arena, struct load_data);
    struct load_outcome *outcome = ARENA_NEW(arena, struct load_outcome);
    struct arrival_stage *stages =
        ARENA_ARRAY(arena, struct arrival_stage, parts[0]->plan.stage_count + 1);
    struct text ids = text_in(arena);
    *d = *parts[0];
    d->name = slice_str(arena_printf(arena, "%zu together", count));
    d->plan.users = d->plan.connections = d->plan.threads = 0;
    metrics_clear(&outcome->metrics);
    for (size_t i = 0; i < count; i++) {
        add_plan(&d->plan, &parts[i]->plan, stages);
        add_outcome(outcome, parts[i]->report.outcome);
        text_printf(&ids, "%s%.*s", i ? "," : "", SLICE_ARG(parts[i]->run.id));
    }
    if (d->plan.stages)
        d->plan.stages = stages;
    d->timeline = merge_timelines(parts, count);
    d->report = (struct load_report){.plan = &d->plan,
                                     .outcome = outcome,
                                     .slos = d->slos,
                                     .slo_count = parts[0]->report.slo_count,
                                     .belief = &d->belief,
                                     .judgement = &d->judgement,
                                     .timeline = d->timeline,
                                     .run = text_str(&ids)};
    d->judgement = judge(arena, parts, count, d);
    *out = d;
    return RESULT_OK;
}
