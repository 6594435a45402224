/*
 * The `load` step: load on a service, measured and judged. Threads of its own make the load
 * (load/engine.h); the loop only looks from time to time whether it is over. What may block before
 * it begins, looking up and reaching the service, is done by libuv's threads.
 *
 *     start ──► prepared (a thread) ──► load_begin ──► over? (a timer) ──► observation
 *        └────► cancel: what a thread still prepares is freed when it comes back
 */
#include "core/memory.h"
#include "core/text.h"
#include "load/print.h"
#include "load/setup.h"
#include "step/kinds.h"
#include "step/load_keys.h"

/* How soon the end of a load is seen. */
#define LOOK_MS 20

struct load_state {
    uv_work_t work;
    uv_timer_t timer;
    struct step *step;   /* NULL: cancelled while it was prepared */
    struct arena *arena; /* of all that threads look at */
    struct assay_load_options options;
    struct target target;
    struct load_plan plan;
    struct belief belief;
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t slo_count;
    struct result prepared;
    const char *fault; /* why it could not be, in the words of the thread */
    struct load *load;
    struct load_second *second; /* where what happened is looked at … */
    struct timeline *timeline;  /* … and kept */
    int64_t seen;               /* ns after its beginning: until then */
    const struct slo *aborted_by;
};

static bool load_needs_url(const struct node *config)
{
    return step_is_path(node_get(config, "url"));
}

static struct slice load_title(struct arena *arena, const struct node *config)
{
    const struct node *url = node_get(config, "url");
    return node_text(arena, url ? url : node_get(config, "suite"));
}

static void free_state(struct load_state *state)
{
    timeline_free(state->timeline);
    mem_free(state->second);
    arena_free(state->arena);
    mem_free(state);
}

static void on_closed(uv_handle_t *handle)
{
    free_state(handle->data);
}

/* ── the end ── */

static const char *reasons(struct arena *arena, const struct judgement *judgement)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < judgement->reason_count; i++)
        text_printf(&t, "%s%s", i ? "; " : "", judgement->reasons[i]);
    return text_str(&t);
}

/* What failed most, and how. */
static const char *worst_failure(struct arena *arena, const struct metrics *m)
{
    size_t worst = 0;
    for (size_t i = 1; i < FAILURE_COUNT; i++)
        worst = m->failures[i] > m->failures[worst] ? i : worst;
    if (!worst)
        return "no request was sent";
    return arena_printf(arena, "%llu of %llu requests: %s (%s). %s",
                        (unsigned long long)m->failures[worst], (unsigned long long)m->requests,
                        failure_kinds[worst].meaning, m->examples[worst],
                        failure_kinds[worst].remedy);
}

static struct result believe(struct arena *arena, const struct load_outcome *outcome,
                             const struct judgement *judgement)
{
    ENSURE(judgement->verdict != VERDICT_NOTHING, ERR_CONNECT, "not one good answer came: %s",
           worst_failure(arena, &outcome->metrics));
    ENSURE(judgement->verdict != VERDICT_INVALID, ERR_IO,
           "the load is INVALID, its numbers are assay's as much as the service's: %s",
           reasons(arena, judgement));
    return RESULT_OK;
}

static void see_objectives(struct observation *o, const struct load_state *state,
                           const struct load_outcome *outcome)
{
    struct objective *objectives = ARENA_ARRAY(o->arena, struct objective, state->slo_count + 1);
    for (size_t i = 0; i < state->slo_count; i++) {
        struct text actual = text_in(o->arena);
        print_objective(&actual, &state->slos[i], outcome);
        objectives[i] =
            (struct objective){arena_string(o->arena, slice_str(state->slos[i].text)),
                               slo_holds(&state->slos[i], outcome), text_slice(&actual)};
    }
    o->objectives = objectives;
    o->objective_count = state->slo_count;
}

/* What a run keeps of a step's moments: of a load, the medians. 0: there were none. */
static int64_t typical(const struct observation *o, const struct histogram *times)
{
    return times->count ? o->intended + histogram_percentile(times, 50) : 0;
}

/* Everything of a load in the observation; the figures as JSON are its body. */
static struct result observe(struct load_state *state, struct observation *o,
                             struct load_outcome *outcome)
{
    struct judgement judgement =
        load_judge(o->arena, outcome, &state->belief, state->slos, state->slo_count);
    load_judge_aborted(&judgement, state->aborted_by);
    struct load_report report = {&state->plan,   outcome,    state->slos,     state->slo_count,
                                 &state->belief, &judgement, state->timeline, NULL};
    o->body_json = jsontext_keep(o->arena, print_json(&report));
    o->body = jsontext_write_pretty(o->arena, o->body_json);
    o->load = outcome;
    o->first_byte = typical(o, &outcome->metrics.histograms[METRIC_FIRST_BYTE]);
    o->first_token = typical(o, &outcome->metrics.histograms[METRIC_TTFT]);
    o->ended = clock_now();
    o->seen |= OBSERVED_BODY | OBSERVED_TIME | OBSERVED_LOAD;
    see_objectives(o, state, outcome);
    return believe(o->arena, outcome, &judgement);
}

static void free_outcome(void *outcome)
{
    mem_free(outcome);
}

static void conclude(struct load_state *state)
{
    struct step *step = state->step;
    struct load_outcome *outcome = mem_alloc(sizeof(*outcome));
    arena_defer(step->arena, free_outcome, outcome);
    load_end(state->load, outcome);
    struct result result = observe(state, step->observation, outcome);
    uv_close((uv_handle_t *)&state->timer, on_closed);
    step_finish(step, result);
}

/* What happened until `at`, ns after the beginning, is a row of the timeline. */
static void look(struct load_state *state, int64_t at)
{
    load_look(state->load, state->second);
    timeline_add(state->timeline, state->second, state->seen, at,
                 (state->seen + at) / 2 < state->plan.warmup);
    state->seen = at;
}

static void on_timer(uv_timer_t *timer)
{
    struct load_state *state = timer->data;
    int64_t at = clock_now() - load_began(state->load) - LOAD_LOOK_NS;
    bool running = load_running(state->load);
    if (!running || at >= state->seen + NS_PER_S) {
        look(state, at);
        if (state->plan.watched && !state->aborted_by)
            state->aborted_by = load_abort(state->load, state->slos, state->slo_count);
    }
    if (running)
        uv_timer_start(timer, on_timer, LOOK_MS, 0);
    else
        conclude(state);
}

/* ── the beginning ── */

static struct result prepare(struct load_state *state)
{
    TRY(setup_target(state->arena, &state->options, &state->target));
    TRY(setup_plan(state->arena, &state->options, &state->target, &state->plan));
    TRY(setup_objectives(state->arena, &state->options, &state->plan, state->slos,
                         &state->slo_count));
    return target_reach(&state->target);
}

static void on_thread(uv_work_t *work)
{
    struct load_state *state = work->data;
    state->prepared = prepare(state);
    if (!result_ok(state->prepared))
        state->fault = arena_string(state->arena, slice_str(error_last()->text));
}

static void on_prepared(uv_work_t *work, int status)
{
    struct load_state *state = work->data;
    struct step *step = state->step;
    (void)status;
    if (!step) {
        free_state(state);
        return;
    }
    struct result result = state->prepared;
    if (result_ok(result)) {
        result = load_begin(&state->plan, &state->load);
    } else {
        result = error_set(result.code, "%s", state->fault);
        result = load_keys_blame(step->config, NULL, result);
    }
    if (!result_ok(result)) {
        step->state = NULL;
        free_state(state);
        step_finish(step, result);
        return;
    }
    state->second = mem_alloc(sizeof(*state->second));
    state->timeline = timeline_new();
    uv_timer_init(step->loop, &state->timer);
    state->timer.data = state;
    uv_timer_start(&state->timer, on_timer, LOOK_MS, 0);
}

static struct result read_options(struct load_state *state)
{
    struct step *step = state->step;
    struct assay_load_options *o = &state->options;
    struct slice url;
    TRY(load_keys_read(state->arena, step->config, step->folder, o));
    ENSURE(!o->suite, ERR_UNSUPPORTED,
           "a step does not ask what a suite's cases ask: suite is for `assay load SCENARIO`");
    ENSURE(!o->search && !o->sweep, ERR_UNSUPPORTED,
           "a step is one load: search and sweep are for `assay load SCENARIO`");
    TRY(step_url(step, slice_str(o->url), &url));
    o->url = arena_string(state->arena, url);
    state->belief.usual = o->lag_ns ? o->lag_ns : BELIEF_USUAL;
    return RESULT_OK;
}

static struct result load_start(struct step *step)
{
    struct load_state *state = NEW(struct load_state);
    state->step = step;
    state->arena = arena_new();
    state->work.data = state;
    step->observation->started = clock_now();
    struct result result = read_options(state);
    if (!result_ok(result)) {
        result = load_keys_blame(step->config, NULL, result);
        free_state(state);
        return result;
    }
    step->state = state;
    int fault = uv_queue_work(step->loop, &state->work, on_thread, on_prepared);
    MUST(fault == 0, "%s", uv_strerror(fault));
    return RESULT_OK;
}

/* The first stop ends what begins, the second what is under way; threads see it within 100 ms. */
static void load_cancel(struct step *step)
{
    struct load_state *state = step->state;
    state->step = NULL;
    if (!state->load)
        return; /* a thread still prepares it */
    struct load_outcome *outcome = mem_alloc(sizeof(*outcome));
    load_stop(state->load);
    load_stop(state->load);
    load_end(state->load, outcome);
    mem_free(outcome);
    uv_close((uv_handle_t *)&state->timer, on_closed);
}

const struct step_kind step_load = {
    .name = "load",
    .shape = &load_shape,
    .yields = OBSERVED_BODY | OBSERVED_TIME | OBSERVED_LOAD,
    .help =
        "Load on a service, measured. Its case runs alone (`isolate`) unless it says otherwise, "
        "its time limit begins where the load should be over, and a load that cannot be "
        "believed (INVALID) is an error. Its first byte and first token in the results of the "
        "run are the medians of its requests. json and save see the figures as `assay load --json` "
        "writes them.",
    .example = "{ \"load\": { \"url\": \"/execute\", \"rate\": 20, \"duration\": \"5s\" }, "
               "\"expect\": { \"metrics\": { \"ttft\": { \"p99\": \"<200ms\" }, \"errors\": "
               "\"<1%\" } } }",
    .needs_url = load_needs_url,
    .title = load_title,
    .start = load_start,
    .cancel = load_cancel,
};
