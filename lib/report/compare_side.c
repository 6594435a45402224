/*
 * The sides of a comparison as people say them: a run, a baseline, or several of these.
 */
#include <stdlib.h>

#include "core/limits.h"
#include "core/text.h"
#include "report/baseline.h"
#include "report/compare.h"

static int compare_runs(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static struct result find_one(struct past *past, struct slice word, struct compare_side *side,
                              struct past_place *place)
{
    const struct baseline *baseline;
    TRY(baseline_find(past->store, past->arena, word, &baseline));
    if (baseline && baseline->poisoned.len) {
        struct slice why = text_shown(past->arena, baseline->poisoned, LIMIT_SHOWN_BYTES);
        side->poisoned = arena_printf(past->arena, "baseline \"%.*s\" is poisoned: %.*s",
                                      SLICE_ARG(word), SLICE_ARG(why));
    }
    return past_find_run(past, baseline ? baseline->run : word, place);
}

struct result compare_side_find(struct past *past, const char *name, struct compare_side *out)
{
    struct slice rest = slice_str(name), word;
    uint32_t *runs = ARENA_ARRAY(past->arena, uint32_t, rest.len + 1);
    *out = (struct compare_side){.name = name, .runs = runs};
    while (slice_split(&rest, ',', &word)) {
        struct past_place place;
        TRY(find_one(past, word, out, &place));
        ENSURE(out->run_count == 0 || place.load == out->load, ERR_USAGE,
               "%s: a load and a run of suites are not alike", name);
        out->load = place.load;
        runs[out->run_count++] = place.index;
    }
    ENSURE(out->run_count, ERR_USAGE, "a side of a comparison names no run");
    qsort(runs, out->run_count, sizeof(*runs), compare_runs);
    for (size_t i = 1; i < out->run_count; i++)
        ENSURE(runs[i] != runs[i - 1], ERR_USAGE, "run %.*s is named twice in %s",
               SLICE_ARG(past_run_at(past, (struct past_place){out->load, runs[i]})->id), name);
    return RESULT_OK;
}
