/*
 * The page of a load: small however long the load was, and nothing of what a service says is
 * markup. (How it looks is seen by tests/browser.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "report/load_html.h"

#define HOSTILE "</pre></title><script>alert(1)</script>&\"'\033[31m\xff"

/* A load of so many seconds with everything in it. */
struct world {
    struct target target;
    struct arrival_stage stage;
    struct load_plan plan;
    struct load_outcome outcome;
    struct slo slo;
    struct belief belief;
    struct judgement judgement;
    struct timeline *timeline;
    struct load_report report;
};

static void fill(struct load_second *second, struct random *random)
{
    second_clear(second);
    second->started = second->answered = 1000;
    second->failed = second->failures[FAILURE_RESET] = 3;
    second->busy = (uint32_t)random_between(random, 0, 100);
    second->lags = 1000;
    second->lag_sum = random_between(random, 0, 1000000000);
    second->lag_most = 5000000;
    for (int metric = 0; metric < SECOND_METRICS; metric++)
        for (int i = 0; i < 1000; i++)
            histogram_add(&second->measured[metric], (int64_t)exp(8 + random_unit(random) * 14));
}

static struct world *world_of(int seconds)
{
    struct world *w = NEW(struct world);
    struct random random = random_seeded(9);
    struct load_second *second = mem_alloc(sizeof(*second));
    w->target = (struct target){.url = "http://127.0.0.1:1/" HOSTILE, .stream = true};
    w->stage = (struct arrival_stage){seconds, 1000, 1000};
    w->plan = (struct load_plan){.target = &w->target,
                                 .stages = &w->stage,
                                 .stage_count = 1,
                                 .duration = seconds * NS_PER_S,
                                 .threads = 1};
    w->slo = (struct slo){.text = HOSTILE, .quantity = SLO_ERRORS, .bound = 1};
    w->belief.usual = BELIEF_USUAL;
    w->judgement = (struct judgement){.verdict = VERDICT_INVALID, .reasons = {HOSTILE}};
    w->judgement.reason_count = 1;
    metrics_clear(&w->outcome.metrics);
    w->outcome.measured = w->plan.duration;
    w->outcome.metrics.requests = 1003;
    w->outcome.metrics.answered = 1000;
    w->outcome.metrics.failures[FAILURE_RESET] = 3;
    memcpy(w->outcome.metrics.examples[FAILURE_RESET], HOSTILE, sizeof(HOSTILE));
    w->timeline = timeline_new();
    for (int i = 0; i < seconds; i++) {
        fill(second, &random);
        timeline_add(w->timeline, second, i * NS_PER_S, (i + 1) * NS_PER_S, false);
        for (int k = 0; k < SECOND_METRICS; k++)
            histogram_merge(&w->outcome.metrics.histograms[second_metrics[k]],
                            &second->measured[k]);
    }
    w->report = (struct load_report){.plan = &w->plan,
                                     .outcome = &w->outcome,
                                     .slos = &w->slo,
                                     .slo_count = 1,
                                     .belief = &w->belief,
                                     .judgement = &w->judgement,
                                     .timeline = w->timeline};
    mem_free(second);
    return w;
}

static void world_free(struct world *w)
{
    timeline_free(w->timeline);
    mem_free(w);
}

/* It is all text: no tag of theirs, no control character, and well-formed UTF-8. */
static void is_harmless(const struct text *t)
{
    assert_null(strstr(text_str(t), "<script"));
    assert_null(strchr(text_str(t), '\033'));
    assert_non_null(strstr(text_str(t), "&lt;script&gt;"));
    assert_null(strstr(text_str(t), "nan"));
    assert_true(utf8_valid(text_slice(t)));
}

static void an_hour_makes_a_page_of_less_than_a_megabyte(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    struct world *w = world_of(3600);
    load_html(&t, &w->report);
    assert_in_range(t.len, 20000, 1000000);
    is_harmless(&t);
    world_free(w);
}

static void what_a_service_says_is_no_markup(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text page = text_in(arena), summary = text_in(arena);
    struct world *w = world_of(2);
    load_html(&page, &w->report);
    is_harmless(&page);
    assert_non_null(strstr(text_str(&page), "<h1 class=\"invalid\">INVALID</h1>"));
    print_markdown(&summary, &w->report);
    assert_non_null(strstr(text_str(&summary), "\\<script\\>"));
    assert_null(strchr(text_str(&summary), '\033'));
    world_free(w);
}

static struct curve *curve_of(const struct world *w, size_t count)
{
    struct curve *curve = NEW(struct curve);
    *curve = (struct curve){.plan = &w->plan, .slos = &w->slo, .slo_count = 1};
    for (size_t i = 0; i < count; i++) {
        struct search_step step = {.load = 100 * (double)(i + 1)};
        curve->points[curve->count] = curve_point_of(&step, VERDICT_PASSED, &w->outcome);
        /* An M/M/1 of 1,000/s: the product of both is greatest at half of that. */
        struct curve_point *p = &curve->points[curve->count++];
        p->answers_per_s = step.load;
        p->times[SECOND_LATENCY].mean = 1e9 / (1000 - step.load);
    }
    return curve;
}

static void the_knee_of_one_queue_is_at_half_its_capacity(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text page = text_in(arena), summary = text_in(arena);
    struct world *w = world_of(1);
    struct curve *curve = curve_of(w, 9);
    const struct curve_point *knee = curve_knee(curve);
    assert_non_null(knee);
    assert_true(fabs(knee->step.load - 500) < 1e-9);
    load_html_curve(&page, curve);
    is_harmless(&page);
    assert_non_null(strstr(text_str(&page), "knee"));
    curve_markdown(&summary, curve);
    assert_non_null(strstr(text_str(&summary), "500 requests/s"));
    /* Where more load still brings more, it lies beyond. */
    curve->count = 5;
    assert_null(curve_knee(curve));
    curve->count = 2;
    assert_null(curve_knee(curve));
    mem_free(curve);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_makes_a_page_of_less_than_a_megabyte),
        cmocka_unit_test(what_a_service_says_is_no_markup),
        cmocka_unit_test(the_knee_of_one_queue_is_at_half_its_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
