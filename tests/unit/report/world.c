/*
 * Runs made by hand.
 */
#include "world.h"

#include "core/clock.h"

#define BEGAN (1000 * NS_PER_S)
#define CASES_MAX 64

static struct slice *words(struct arena *arena, const char *text, uint32_t *count)
{
    struct slice rest = slice_str(text), word;
    struct slice *list = ARENA_ARRAY(arena, struct slice, rest.len + 1);
    *count = 0;
    while (slice_split(&rest, ' ', &word))
        list[(*count)++] = word;
    return list;
}

struct world world_new(void)
{
    struct world w = {.arena = arena_new()};
    w.data.arena = w.arena;
    w.data.runs = ARENA_NEW(w.arena, struct run_info);
    w.data.runs[0] = (struct run_info){.id = SLICE("20261121-100000-0002"),
                                       .jobs = 2,
                                       .started_wall = BEGAN,
                                       .duration = 60 * NS_PER_S};
    w.data.run_count = 1;
    w.data.cases = ARENA_ARRAY(w.arena, struct case_outcome, CASES_MAX);
    w.data.definitions = ARENA_ARRAY(w.arena, struct case_definition, CASES_MAX);
    w.data.changes = ARENA_ARRAY(w.arena, struct service_change, CASES_MAX);
    w.data.anomalies = ARENA_ARRAY(w.arena, struct run_anomaly, CASES_MAX);
    w.data.waits = ARENA_ARRAY(w.arena, struct slice, CASES_MAX);
    w.data.wait_count = 1;
    return w;
}

void world_free(struct world *world)
{
    arena_free(world->arena);
}

static struct verdict *verdict(struct arena *arena, const char *check, const char *message)
{
    struct verdict *v = ARENA_NEW(arena, struct verdict);
    v->check = check;
    v->passed = message == NULL;
    v->message = message;
    return v;
}

static const struct case_result *detail(struct world *w, const struct case_definition *d,
                                        const struct told *t)
{
    struct case_result *r = ARENA_NEW(w->arena, struct case_result);
    struct attempt_result *attempt = ARENA_NEW(w->arena, struct attempt_result);
    struct step_result *step = ARENA_NEW(w->arena, struct step_result);
    struct verdict *no = t->check ? verdict(w->arena, t->check, t->message) : NULL;

    *step = (struct step_result){
        .name = SLICE("http GET /x"),
        .kind = slice_str(t->kind ? t->kind : "http"),
        .status = t->status,
        .error = slice_str(t->error),
        .error_code = t->code,
        .duration = t->duration ? t->duration : 100 * NS_PER_MS,
        .service = d->service_count ? d->services[0] : (struct slice){0},
        .response = slice_str(t->response),
        .log = slice_str(t->log),
        .verdicts = no,
    };
    if (t->agreed) {
        struct verdict *yes = verdict(w->arena, t->agreed, NULL);
        yes->next = no;
        step->verdicts = yes;
    }
    *attempt =
        (struct attempt_result){.number = 1, .status = t->status, .steps = step, .trials = 1};
    bool began = t->error || t->check || t->response;
    *r = (struct case_result){.arena = w->arena,
                              .key = d->key,
                              .suite = d->suite,
                              .id = d->key,
                              .status = t->status,
                              .reason = slice_str(t->reason),
                              .attempts = began ? attempt : NULL,
                              .rerun =
                                  slice_str(arena_printf(w->arena, "assay run --case %s", t->key))};
    return r;
}

struct case_outcome *world_case(struct world *w, struct told t)
{
    struct case_definition *d = &w->data.definitions[w->data.definition_count++];
    struct case_outcome *c = &w->data.cases[w->data.count];
    d->key = slice_str(t.key);
    d->suite = SLICE("suite");
    d->model = slice_str(t.model);
    d->services = words(w->arena, t.services, &d->service_count);
    d->uses = words(w->arena, t.uses, &d->use_count);
    d->tags = words(w->arena, t.tags, &d->tag_count);
    d->needs = words(w->arena, t.needs, &d->need_count);
    d->passed = t.status == CASE_PASSED;
    *c = (struct case_outcome){
        .definition = d,
        .detail = t.status == CASE_PASSED || t.status == CASE_SKIPPED ? NULL : detail(w, d, &t),
        .started = t.status == CASE_SKIPPED ? 0 : BEGAN + (int64_t)w->data.count * NS_PER_S,
        .duration = t.duration ? t.duration : 100 * NS_PER_MS,
        .status = (uint8_t)t.status,
    };
    w->data.count++;
    return c;
}

struct service_change *world_change(struct world *w, int64_t ms, const char *service,
                                    const char *state, const char *text)
{
    struct service_change *change = &w->data.changes[w->data.change_count++];
    *change = (struct service_change){.at = BEGAN + ms * NS_PER_MS,
                                      .service = slice_str(service),
                                      .state = slice_str(state),
                                      .detail = slice_str(text),
                                      .instance = 1,
                                      .exit_code = -1};
    return change;
}
