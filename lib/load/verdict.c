/*
 * The rules by which a run is invalid.
 */
#include "load/verdict.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"

static void reason(struct judgement *j, const char *text)
{
    if (j->reason_count < VERDICT_REASONS)
        j->reasons[j->reason_count++] = text;
}

/* Something this program did was too late, usually or once. */
static void judge_delay(struct arena *arena, struct judgement *j, const struct histogram *h,
                        int64_t usual, const char *what, const char *remedy)
{
    char is[DURATION_TEXT], may[DURATION_TEXT];
    int64_t p99 = histogram_percentile(h, 99), worst = usual * VERDICT_WORST;
    if (p99 > usual)
        reason(j, arena_printf(arena, "%s: p99 is %s, and %s is believed; %s", what,
                               format_duration(is, p99), format_duration(may, usual), remedy));
    else if (h->count > 0 && h->most > worst)
        reason(j, arena_printf(arena, "%s: once %s, and %s is believed; %s", what,
                               format_duration(is, h->most), format_duration(may, worst), remedy));
}

static void judge_processor(struct arena *arena, struct judgement *j,
                            const struct load_outcome *outcome)
{
    if (outcome->processor <= VERDICT_BUSY)
        return;
    reason(j, arena_printf(arena,
                           "a thread was at work for %.0f %% of the time and waited for a "
                           "processor for %.0f %%; give more --threads or less load, and the "
                           "service other processors",
                           100 * outcome->processor, 100 * outcome->waiting));
}

const struct slo *load_aborted_by(const struct load_outcome *so_far, const struct slo *slos,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value = 0;
        if (slos[i].aborts && so_far->measured > 0 && so_far->measured >= slos[i].delay &&
            slo_value(&slos[i], so_far, &value) && !slo_holds(&slos[i], so_far))
            return &slos[i];
    }
    return NULL;
}

const struct slo *load_abort(struct load *load, const struct slo *slos, size_t count)
{
    struct load_outcome *so_far = mem_alloc(sizeof(*so_far));
    load_so_far(load, so_far);
    const struct slo *by = load_aborted_by(so_far, slos, count);
    if (by)
        load_stop(load);
    mem_free(so_far);
    return by;
}

void load_judge_aborted(struct judgement *judgement, const struct slo *aborted_by)
{
    judgement->aborted_by = aborted_by;
    if (aborted_by && judgement->verdict != VERDICT_INVALID)
        judgement->verdict = VERDICT_FAILED;
}

struct judgement load_judge(struct arena *arena, const struct load_outcome *outcome,
                            const struct belief *belief, const struct slo *slos, size_t slo_count)
{
    const struct metrics *m = &outcome->metrics;
    struct judgement j = {.verdict = VERDICT_PASSED};
    if (m->answered == 0) {
        j.verdict = VERDICT_NOTHING;
        return j;
    }
    judge_delay(arena, &j, &m->histograms[METRIC_LATENESS], belief->usual,
                "requests that could have gone went late",
                "something else ran on this program's processor: give it one of its own, or allow "
                "more with --lag");
    judge_delay(arena, &j, &m->histograms[METRIC_CLIENT_LAG], belief->usual, "answers lay unread",
                "this program did not keep up: give it a processor of its own, more --threads or "
                "less load, or allow more with --lag");
    judge_processor(arena, &j, outcome);
    if (outcome->clock_steps > 0)
        reason(&j, "the wall clock was set during the run, and receive stamps follow it");
    if (m->unstamped * 100 > m->reads)
        reason(&j, arena_printf(arena, "%llu of %llu reads had no receive stamp of the kernel",
                                (unsigned long long)m->unstamped, (unsigned long long)m->reads));
    if (m->lost > 0)
        reason(&j, arena_printf(arena,
                                "%llu requests are missing from the event log and the figures made "
                                "of it: the disk was too slow, or answers too long",
                                (unsigned long long)m->lost));
    if (outcome->cut)
        reason(&j, "the event log has no last line: the load was killed, or the file was cut");
    for (size_t i = 0; i < slo_count; i++)
        if (!slo_holds(&slos[i], outcome))
            j.verdict = VERDICT_FAILED;
    if (j.reason_count > 0)
        j.verdict = VERDICT_INVALID;
    return j;
}
