/*
 * Choosing cases, and where they go.
 */
#include "api/suite_load.h"

#include "core/parse.h"

#define DEFAULT_SHARE 0.05

static struct result read_share(const char *text, double *share)
{
    struct slice number = slice_str(text ? text : "");
    bool percent = slice_ends(number, SLICE("%"));
    *share = DEFAULT_SHARE;
    if (!text)
        return RESULT_OK;
    *share = strcmp(text, "all") == 0 ? 1 : 0;
    if (*share > 0 || strcmp(text, "none") == 0)
        return RESULT_OK;
    number.len -= percent;
    ENSURE(result_ok(parse_number(number, share)) && *share > 0 && *share <= (percent ? 100 : 1),
           ERR_USAGE, "--check %s: expected all, none, or a share of the answers such as 1%%",
           text);
    *share /= percent ? 100 : 1;
    return RESULT_OK;
}

/* Those that are one request; the others are told of. */
static struct plan_case **fit_cases(struct session *session, const struct plan *plan, size_t *count)
{
    struct plan_case **cases =
        ARENA_ARRAY(session->arena, struct plan_case *, plan->case_count + 1);
    *count = 0;
    for (size_t i = 0; i < plan->case_count; i++) {
        struct plan_case *pc = plan->cases[i];
        const char *unfit = pc->needed_only ? NULL : case_load_unfit(session->arena, pc);
        if (unfit)
            fprintf(session->streams.err, "left out: %.*s: %s\n", SLICE_ARG(pc->id), unfit);
        else if (!pc->needed_only)
            cases[(*count)++] = pc;
    }
    return cases;
}

static const char *words_of(struct session *session, const struct assay_load_options *o,
                            const struct suite_load *load)
{
    return arena_printf(session->arena, "%zu %s of %s, %g %% of the answers checked", load->count,
                        load->count == 1 ? "case" : "cases", o->suite, 100 * load->share);
}

static struct result take_sources(struct session *session, const struct assay_load_options *o,
                                  struct plan_case *const *cases, struct suite_load *load)
{
    load->url = o->url;
    load->sources = ARENA_ARRAY(session->arena, struct case_load_source, load->count);
    for (size_t i = 0; i < load->count; i++) {
        load->sources[i] = (struct case_load_source){
            .pc = cases[i], .node = cases[i]->steps[0].node, .base_url = slice_str(o->url)};
        if (o->url)
            continue;
        const struct staged *staged = &stage_cases(load->stage)[i];
        load->sources[i].node = staged->node;
        load->sources[i].base_url = staged->base_url;
        if (load->url || !staged->base_url.len)
            continue;
        const struct plan_service *service = cases[i]->steps[0].service;
        load->url = arena_string(session->arena, staged->base_url);
        load->known_as = service->ours ? arena_string(session->arena, service->name) : NULL;
    }
    ENSURE(load->url, ERR_USAGE,
           "%s has no service that these cases go to: say where with --url http://HOST:PORT",
           o->suite);
    return RESULT_OK;
}

struct result suite_load_open(struct session *session, const struct assay_load_options *o,
                              const sigset_t *signals, struct suite_load *out)
{
    const struct assay_strings none = {0};
    const struct assay_selection selection = {.suites = {&o->suite, 1},
                                              .cases = o->cases,
                                              .sets = o->scenario ? none : o->sets,
                                              .seed = o->seed};
    struct plan *plan = NULL;
    *out = (struct suite_load){.cases = case_load_new()};
    ENSURE(!o->prompt && !o->body && !o->prompts && !o->prompt_tokens && !o->trace, ERR_USAGE,
           "--suite says what is asked: --prompt, --prompts, --prompt-tokens, --trace and --body "
           "do not go with it");
    TRY(read_share(o->check, &out->share));
    TRY(session_plan(session, &selection, NULL, o->seed, NULL, &plan));
    out->redactor = redactor_new();
    for (size_t i = 0; i < plan->secret_count; i++)
        redactor_add(out->redactor, plan->secrets[i]);
    struct plan_case **cases = fit_cases(session, plan, &out->count);
    ENSURE(out->count > 0, ERR_USAGE, "no case of %s is one request, so there is nothing to ask",
           o->suite);
    if (!o->url)
        TRY(stage_begin(plan, cases, out->count, signals, &out->stage));
    TRY(take_sources(session, o, cases, out));
    out->words = words_of(session, o, out);
    out->inspection = case_load_inspection(out->cases, out->share);
    return RESULT_OK;
}

/* For those who show it: what all cases have in common. Each says itself how its answers are read.
 */
static void describe(const struct stock *stock, struct target *target)
{
    target->api = stock->items[0].target->api;
    for (uint32_t i = 0; i < stock->count; i++) {
        target->stream = target->stream || stock->items[i].target->stream;
        if (stock->items[i].target->api != target->api)
            target->api = TARGET_HTTP;
    }
}

struct result suite_load_plan(struct suite_load *load, struct target *target,
                              struct load_plan *plan)
{
    TRY(case_load_write(load->cases, target, load->sources, load->count, plan->seed));
    plan->stock = case_load_stock(load->cases);
    describe(plan->stock, target);
    plan->inputs = load->words;
    plan->inspection = load->share > 0 ? &load->inspection : NULL;
    return RESULT_OK;
}

void suite_load_close(struct suite_load *load)
{
    stage_end(load->stage);
    redactor_free(load->redactor);
    case_load_free(load->cases);
}
