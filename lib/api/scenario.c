/*
 * A scenario is a suite of loads (plan/scenario.h), so it is planned as suites are. The loads of a
 * suite can be carried out in the same way; its other cases are left out.
 */
#include "api/scenario.h"

#include "step/kinds.h"
#include "step/load_keys.h"

static bool is_load(const struct plan_case *pc, const char *only)
{
    bool wanted = !only || slice_is(pc->id, only);
    return wanted && !pc->skip && pc->step_count == 1 && pc->steps[0].kind == &step_load;
}

static struct result choose(struct scenario *s, const struct assay_load_options *o,
                            struct plan_case ***out)
{
    struct plan_case **cases =
        ARENA_ARRAY(s->session->arena, struct plan_case *, s->plan->case_count + 1);
    const char **names = ARENA_ARRAY(s->session->arena, const char *, s->plan->case_count + 1);
    size_t named = 0;
    for (size_t i = 0; i < s->plan->case_count; i++) {
        if (is_load(s->plan->cases[i], o->only))
            cases[s->count++] = s->plan->cases[i];
        if (is_load(s->plan->cases[i], NULL))
            names[named++] = arena_string(s->session->arena, s->plan->cases[i]->id);
    }
    ENSURE(named > 0, ERR_USAGE,
           "%s holds no load: say what to load with \"url\", or give it a case with a load step",
           o->scenario);
    const char *near = o->only ? slice_nearest(slice_str(o->only), names) : NULL;
    ENSURE(s->count > 0, ERR_USAGE, "--only: there is no load \"%s\"%s%s%s", o->only,
           near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    ENSURE(s->count == 1 || (!o->json && !o->events && o->reports.count == 0), ERR_USAGE,
           "a report is of one load, and %s has %zu: choose one with --only, such as --only \"%s\"",
           o->scenario, s->count, names[0]);
    *out = cases;
    return RESULT_OK;
}

/* The command as it may be kept: --set can give a secret. */
static struct assay_strings shown(struct scenario *s, const struct assay_strings *arguments)
{
    struct arena *arena = s->session->arena;
    const char **items = ARENA_ARRAY(arena, const char *, arguments->count + 1);
    for (size_t i = 0; i < arguments->count; i++)
        items[i] =
            arena_string(arena, redact_text(s->redactor, arena, slice_str(arguments->items[i])));
    return (struct assay_strings){items, arguments->count};
}

/* A path of the file goes below its service's url, whatever else the command line says. */
static struct result full_url(struct scenario *s, const struct staged *staged,
                              struct scenario_load *load)
{
    struct step step = {.arena = s->session->arena, .base_url = staged->base_url};
    struct slice url;
    if (!load->options.url) /* the suite says */
        return RESULT_OK;
    struct result r = step_url(&step, slice_str(load->options.url), &url);
    if (!result_ok(r))
        return load_keys_blame(load->keys, NULL, r);
    const struct plan_service *service = staged->pc->steps[0].service;
    if (service && service->ours && load->options.url[0] == '/')
        load->known_as =
            arena_printf(s->session->arena, "%.*s%s", SLICE_ARG(service->name), load->options.url);
    load->options.url = arena_string(s->session->arena, url);
    return RESULT_OK;
}

static struct result read_load(struct scenario *s, const struct staged *staged,
                               const struct assay_load_options *given, struct scenario_load *load)
{
    struct arena *arena = s->session->arena;
    const struct node *keys = node_get(staged->node, step_load.name);
    struct diagnostics d = diagnostics_in(arena);
    keys = shape_convert(arena, &load_shape, keys);
    shape_check(&load_shape, keys, &d);
    TRY(diagnostics_result(&d));
    *load = (struct scenario_load){
        .pc = staged->pc, .keys = keys, .expect = node_get(staged->node, "expect")};
    TRY(load_keys_read(arena, keys, slice_str(staged->pc->suite->folder), &load->options));
    load_keys_lay(given, &load->options);
    /* What is no key of a load: where to, and how to show it. */
    load->options.streams = given->streams;
    load->options.json = given->json;
    load->options.reports = given->reports;
    load->options.quiet = given->quiet;
    load->options.print_schedule = given->print_schedule;
    load->options.store = given->store;
    load->options.events = given->events;
    load->options.as = given->as;
    load->options.arguments = shown(s, &given->arguments);
    load->options.name = given->name ? given->name : arena_string(arena, staged->pc->key);
    if (given->aborts.count)
        load->options.aborts = given->aborts;
    return full_url(s, staged, load);
}

struct result scenario_open(struct session *session, const struct assay_load_options *options,
                            const sigset_t *signals, struct scenario *out)
{
    const struct assay_selection selection = {
        .suites = {&options->scenario, 1}, .sets = options->sets, .seed = options->seed};
    struct plan_case **cases = NULL;
    *out = (struct scenario){.session = session};
    TRY(session_plan(session, &selection, NULL, options->seed, NULL, &out->plan));
    TRY(choose(out, options, &cases));
    out->redactor = redactor_new();
    for (size_t i = 0; i < out->plan->secret_count; i++)
        redactor_add(out->redactor, out->plan->secrets[i]);
    TRY(stage_begin(out->plan, cases, out->count, signals, &out->stage));
    out->loads = ARENA_ARRAY(session->arena, struct scenario_load, out->count);
    for (size_t i = 0; i < out->count; i++)
        TRY(read_load(out, &stage_cases(out->stage)[i], options, &out->loads[i]));
    return RESULT_OK;
}

void scenario_close(struct scenario *scenario)
{
    stage_end(scenario->stage);
    redactor_free(scenario->redactor);
}
