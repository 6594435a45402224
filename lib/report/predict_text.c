/*
 * Predictions for people and programs.
 */
#include <math.h>
#include <stdlib.h>

#include "core/jsontext.h"
#include "core/text.h"
#include "report/predict.h"

/* So many of the riskiest cases are shown. */
#define SHOWN_CASES 20

const char *prediction_summary(struct arena *arena, const struct prediction *p)
{
    if (!p->learned)
        return arena_printf(arena,
                            "what failed last time comes first; to learn more takes %d failures in "
                            "%d runs and some to try it on (so far: %zu in %zu)",
                            PREDICT_FAILURES_LEAST, PREDICT_RUNS_LEAST, p->failures, p->runs);
    return arena_printf(arena,
                        "%s: in %zu runs that were held out, failures stood at %.0f %% of the "
                        "order, by what failed "
                        "last time at %.0f %%",
                        p->better
                            ? "what was learned comes first"
                            : "what failed last time comes first, as what was learned is no better",
                        p->held_runs, 100 * p->model.position, 100 * p->plain.position);
}

struct ranked {
    struct slice key;
    double risk;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->risk != y->risk)
        return x->risk < y->risk ? 1 : -1;
    return slice_cmp(x->key, y->key);
}

static struct ranked *rank_cases(struct arena *arena, const struct prediction *p)
{
    struct ranked *ranked = ARENA_ARRAY(arena, struct ranked, p->count + 1);
    for (size_t i = 0; i < p->count; i++)
        ranked[i] = (struct ranked){p->cases[i].key, p->risks[i]};
    qsort(ranked, p->count, sizeof(*ranked), compare_ranked);
    return ranked;
}

static void add_score(struct text *t, const char *name, const struct predict_score *s)
{
    text_printf(t, "  %-18s %8.3f  %8.4f  %7.1f %%\n", name, s->auc, s->log_loss,
                100 * s->position);
}

const char *prediction_text(struct arena *arena, const struct prediction *p)
{
    struct text t = text_in(arena);
    text_printf(&t, "Order by risk: %s.\n", prediction_summary(arena, p));
    if (p->learned) {
        text_printf(&t,
                    "\nlearned from %zu results with %zu failures of %zu runs, tried on %zu with "
                    "%zu of %zu later ones\n"
                    "                          AUC  log loss  position\n",
                    p->results, p->failures, p->runs, p->held_results, p->held_failures,
                    p->held_runs);
        add_score(&t, "learned", &p->model);
        add_score(&t, "failed last time", &p->plain);
        text_add_str(&t, "\ncalibration of what was learned, on the later runs\n"
                         "  risk         results  expected  failed\n");
        for (size_t b = 0; b < PREDICT_BINS; b++) {
            const struct predict_bin *bin = &p->bins[b];
            text_printf(&t, "  %3.0f–%3.0f %%  %9zu  %8.1f  %6zu\n", 100 * bin->low,
                        100 * bin->high, bin->count,
                        bin->count ? bin->predicted * (double)bin->count : 0, bin->failed);
        }
    }
    struct ranked *ranked = rank_cases(arena, p);
    text_add_str(&t, "\nriskiest cases of the next run\n");
    for (size_t i = 0; i < p->count && i < SHOWN_CASES; i++)
        text_printf(&t, "  %5.1f %%  %.*s\n", 100 * ranked[i].risk, SLICE_ARG(ranked[i].key));
    return text_str(&t);
}

static json_t *number_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *score_json(const struct predict_score *s)
{
    return json_pack("{s:o, s:o, s:o}", "auc", number_or_null(s->auc), "log_loss",
                     number_or_null(s->log_loss), "position", number_or_null(s->position));
}

json_t *prediction_json(struct arena *arena, const struct prediction *p)
{
    json_t *cases = json_array(), *bins = json_array();
    struct ranked *ranked = rank_cases(arena, p);
    for (size_t i = 0; i < p->count; i++)
        json_array_append_new(cases, json_pack("{s:s%, s:f}", "key", ranked[i].key.data,
                                               ranked[i].key.len, "risk", ranked[i].risk));
    for (size_t b = 0; b < PREDICT_BINS; b++)
        json_array_append_new(bins,
                              json_pack("{s:f, s:f, s:I, s:I, s:o}", "low", p->bins[b].low, "high",
                                        p->bins[b].high, "results", (json_int_t)p->bins[b].count,
                                        "failed", (json_int_t)p->bins[b].failed, "predicted",
                                        number_or_null(p->bins[b].predicted)));
    json_t *root = json_pack(
        "{s:s, s:b, s:b, s:o, s:o, s:I, s:I, s:o, s:o}", "summary", prediction_summary(arena, p),
        "learned", p->learned, "better", p->better, "model", score_json(&p->model),
        "failed_last_time", score_json(&p->plain), "held_results", (json_int_t)p->held_results,
        "held_failures", (json_int_t)p->held_failures, "calibration", bins, "cases", cases);
    return jsontext_keep(arena, root);
}
