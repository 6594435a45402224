/*
 * Reducing loads.
 */
#include "report/load_seen.h"

#include <math.h>

#include "core/jsontext.h"
#include "report/statistics.h"

/* Of squares of normal values with mean 1, the upper quartile. */
#define QUARTILE_SQUARE 1.3233036969314664

/* What was asked of whom, without what has no part in how alike loads are. */
static const json_t *asked_of(struct arena *arena, const json_t *parameters)
{
    json_t *out = jsontext_keep(arena, json_object());
    static const char *const parts[] = {"plan", "request"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const json_t *part = json_object_get(parameters, parts[i]);
        if (json_is_object(part))
            json_object_set_new(out, parts[i], json_deep_copy(part));
    }
    json_object_del(json_object_get(out, "plan"), "seed");
    return out;
}

struct result load_seen_read(struct past *past, const struct past_run *run, struct load_seen *out)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new(); /* histograms are not needed any longer than here */
    DEFER(load_data_free)
    struct load_data *data = NULL;
    struct run_info info;
    TRY(store_find(past->store, arena, run->id, &info));
    TRY(load_data_read(past->store, arena, &info, &data));
    *out = (struct load_seen){.id = run->id, .ended = data->ended};
    const char *doubt = load_data_disbelief(arena, data);
    out->doubt = doubt ? arena_string(past->arena, slice_str(doubt)) : NULL;
    out->verdict = data->ended ? verdict_words[data->judgement.verdict].name : "incomplete";
    out->parameters = jsontext_write(past->arena, asked_of(arena, data->parameters));
    TRY(jsontext_read_in(past->arena, out->parameters, &out->asked));
    if (data->ended)
        load_figures(data, out->figures);
    return RESULT_OK;
}

struct load_figure load_seen_mean(const struct load_seen *loads, size_t count, int figure)
{
    struct load_figure out = {.seen = count > 0, .sure = count > 0};
    double log_sum = 0, sum = 0, weight = 0;
    for (size_t i = 0; i < count; i++) {
        const struct load_figure *f = &loads[i].figures[figure];
        out.seen = out.seen && f->seen;
        out.sure = out.sure && f->sure;
        sum += f->value;
        log_sum += f->value > 0 ? log(f->value) : 0;
        out.variance += f->variance / (double)(count * count);
        weight += f->freedom > 0 ? f->variance * f->variance / f->freedom : 0;
        out.hits += f->hits;
        out.of += f->of;
    }
    double n = (double)count;
    out.value = load_figure_kinds[figure].unit == LOAD_SHARE ? sum / n : exp(log_sum / n);
    if (!out.seen)
        out.sure = false;
    /* Welch and Satterthwaite. */
    out.freedom = weight > 0 ? out.variance * out.variance * n * n * n * n / weight : 1;
    return out;
}

double load_noise(double *squares, double *within, size_t count)
{
    double n = (double)count, prior = LOAD_NOISE * LOAD_NOISE;
    if (count == 0)
        return LOAD_NOISE;
    statistics_sort(squares, count);
    statistics_sort(within, count);
    double told = statistics_median(within, count);
    double seen = statistics_percentile(squares, count, 75) / QUARTILE_SQUARE - told;
    return sqrt((LOAD_NOISE_WORTH * prior + n * fmax(0, seen) / 2) / (LOAD_NOISE_WORTH + n));
}
