/*
 * Compiling one case: its names are checked in the order in which its steps make them, its checks
 * against what its steps can show, and then it is expanded.
 */
#include <math.h>

#include "check/check.h"
#include "check/question.h"
#include "core/random.h"
#include "core/text.h"
#include "plan/compile_parts.h"
#include "plan/expand.h"
#include "step/kinds.h"
#include "step/load_keys.h"

#define EXAMPLES_DEFAULT 100
#define UNTIL_EVERY (100 * NS_PER_MS)
#define UNTIL_WITHIN (30 * NS_PER_S)
#define RETRY_BACKOFF (100 * NS_PER_MS)
#define RETRY_BACKOFF_MAX (60 * NS_PER_S)
#define RETRY_FACTOR 2.0
#define RETRY_JITTER 0.1

/* ── names and checks, once per case as written ── */

static void add_saves(struct names *names, const struct node *step)
{
    const struct node *save = node_get(step, "save"),
                      *inner = node_get(node_get(step, "during"), "steps");
    for (size_t i = 0; save && i < save->count; i++)
        names_add(names, save->entries[i].key, NULL);
    for (size_t i = 0; inner && i < inner->count; i++)
        add_saves(names, inner->items[i]);
}

/* Checks of a map; pass_rate is none: it counts what the others found. */
static size_t count_checks(const struct node *expect)
{
    return expect ? expect->count - (node_get(expect, "pass_rate") != NULL) : 0;
}

/* Checks that ask others: a judge there must be, and nothing that is waited for. */
static void inspect_questions(struct compilation *c, const struct plan_suite *suite,
                              const struct node *expect, const struct node *until)
{
    const struct node *unnamed = questions_expected(expect, true),
                      *waited = questions_expected(until, false);
    if (unnamed && !node_get(suite->models, "judge"))
        diagnose(c->d, unnamed->at, "%.*s needs a judge",
                 SLICE_ARG(node_get(unnamed, "type")->string))
            ->hint =
            "name a model in its params, or for all: \"judge\": { \"model\": \"…\" } in the "
            "suite or in assay.providers.json";
    if (waited)
        diagnose(c->d, waited->at, "%.*s cannot be waited for: it asks a judge or a program",
                 SLICE_ARG(node_get(waited, "type")->string))
            ->hint = "put it into \"expect\"";
}

/* How many checks a step makes, those of the steps during it included. */
static size_t inspect_step(struct compilation *c, const struct plan_suite *suite,
                           struct names *names, const struct node *step, bool is_case)
{
    const struct step_kind *kind = step_kind_of(step);
    const struct node *expect = node_get(step, "expect"), *until = node_get(step, "until"),
                      *inner = node_get(node_get(step, "during"), "steps");
    size_t checks = 0;
    if (!is_case) /* a case's own texts are checked with the case */
        names_check(names, step, c->d);
    if (expect) {
        check_applicable(expect, kind->yields, kind->name, c->d);
        checks += count_checks(expect);
    }
    if (until) {
        check_applicable(until, kind->yields, kind->name, c->d);
        checks += count_checks(until);
    }
    inspect_questions(c, suite, expect, until);
    checks += kind == &step_load; /* it must be valid */
    struct names *inside = names_new(c->arena, names);
    for (size_t i = 0; inner && i < inner->count; i++) {
        checks += inspect_step(c, suite, inside, inner->items[i], false);
        add_saves(inside, inner->items[i]);
    }
    return checks;
}

static void only_pass_rate(struct compilation *c, const struct node *expect)
{
    for (size_t i = 0; expect && i < expect->count; i++)
        if (!slice_is(expect->entries[i].key, "pass_rate"))
            diagnose(c->d, expect->entries[i].key_at,
                     "the expect of a case with steps can only hold pass_rate")
                ->hint = "put the check into the expect of the step it is about";
}

static void inspect_case(struct compilation *c, const struct plan_suite *suite, struct names *names,
                         const struct node *node)
{
    const struct node *steps = node_get(node, "steps"), *given = node_get(node, "given");
    struct slice id = node_string(node_get(node, "id"), SLICE(""));
    size_t checks = 0;
    for (size_t i = 0; given && i < given->count; i++)
        names_add(names, given->entries[i].key, NULL);
    if (!steps) {
        names_check(names, node, c->d);
        checks = inspect_step(c, suite, names, node, true);
    } else {
        only_pass_rate(c, node_get(node, "expect"));
        for (size_t i = 0; i < steps->count; i++) {
            checks += inspect_step(c, suite, names, steps->items[i], false);
            add_saves(names, steps->items[i]);
        }
        /* Everything else, with every name that the case ever has. */
        names_check(names, node, c->d);
    }
    if (checks == 0)
        diagnose(c->d, node->at, "the case \"%.*s\" checks nothing", SLICE_ARG(id))->hint =
            "say what must be true, for example \"expect\": { \"status\": 200 }";
}

/* ── one expansion ── */

static const struct plan_service *service_of(struct compilation *c, const struct plan_suite *suite,
                                             const struct node *step, const struct node *case_node)
{
    const struct node *named = node_get(step, "service"),
                      *services = node_get(suite->root, "services");
    if (!named)
        named = node_get(case_node, "service");
    /* What is meant for all cases is meant for those that call something: a program that sorts
       numbers shall not start a worker, nor fail when one dies. */
    bool calls = step_kind_of(step)->yields & (OBSERVED_STATUS | OBSERVED_LOAD);
    bool for_all = !named || named == node_get(node_get(suite->root, "defaults"), "service");
    if (for_all && !calls)
        return NULL;
    if (named) {
        const struct plan_service *service = compile_service_find(c, suite, named->string);
        if (!service) {
            size_t count = services ? services->count : 0;
            const char **candidates = ARENA_ARRAY(c->arena, const char *, count + 1);
            for (size_t i = 0; i < count; i++)
                candidates[i] = arena_string(c->arena, services->entries[i].key);
            diagnose_unknown(c->d, named->at, "service", named->string, candidates);
        }
        return service;
    }
    /* A suite with one service means that one. */
    return services && services->count == 1
               ? compile_service_find(c, suite, services->entries[0].key)
               : NULL;
}

static void build_step(struct compilation *c, struct plan_case *pc, const struct node *case_node,
                       const struct node *node, struct plan_step *step);

static void build_during(struct compilation *c, struct plan_case *pc, const struct node *case_node,
                         const struct node *during, struct plan_step *step)
{
    const struct node *steps = node_get(during, "steps");
    step->during_tokens = (size_t)node_integer(node_get(during, "tokens"), 0);
    step->during_events = (size_t)node_integer(node_get(during, "events"), 0);
    step->during_after = node_duration(node_get(during, "after"), 0);
    step->during = ARENA_ARRAY(c->arena, struct plan_step, steps->count);
    step->during_count = steps->count;
    for (size_t i = 0; i < steps->count; i++)
        build_step(c, pc, case_node, steps->items[i], &step->during[i]);
}

static void use_service(struct plan_case *pc, const struct plan_service *service)
{
    for (size_t i = 0; i < pc->service_count; i++)
        if (pc->services[i] == service)
            return;
    pc->services[pc->service_count++] = service;
}

/* A path without a service to send it to. */
static void check_has_url(struct compilation *c, const struct plan_case *pc,
                          const struct node *case_node, const struct node *node,
                          const struct plan_step *step)
{
    const struct node *config = node_get(node, step->kind->name),
                      *services = node_get(pc->suite->root, "services");
    bool named = node_get(node, "service") || node_get(case_node, "service");
    if (step->service || named || !step->kind->needs_url || !step->kind->needs_url(config))
        return;
    if (!services || services->count == 0)
        diagnose(c->d, config->at, "the step has a path and no service to put before it")->hint =
            "add the service to \"services\", or give the whole URL";
    else
        diagnose(c->d, config->at, "the step does not say which of the %zu services it is for",
                 services->count)
            ->hint = arena_printf(
            c->arena, "for example \"service\": \"%.*s\", in the step, the case or the defaults",
            SLICE_ARG(services->entries[0].key));
}

/* ${worker.port} makes a case need the worker as much as a path below its url does. */
struct service_finder {
    const struct compilation *c;
    struct plan_case *pc;
};

static void find_service(void *context, const struct template_name *name)
{
    const struct service_finder *f = context;
    for (size_t i = name->name.len; i > 0; i--) {
        if (name->name.data[i - 1] != '.')
            continue;
        const struct plan_service *service =
            compile_service_find(f->c, f->pc->suite, slice_part(name->name, 0, i - 1));
        if (service)
            use_service(f->pc, service);
        return;
    }
}

static bool asks_models(const struct step_kind *kind, const struct node *step)
{
    return kind == &step_chat || kind == &step_complete || kind == &step_embed ||
           questions_expected(node_get(step, "expect"), false);
}

static void build_step(struct compilation *c, struct plan_case *pc, const struct node *case_node,
                       const struct node *node, struct plan_step *step)
{
    bool own = node == case_node;
    *step = (struct plan_step){
        .kind = step_kind_of(node),
        .node = node,
        .service = service_of(c, pc->suite, node, case_node),
        .parallel = own ? 1 : (uint32_t)node_integer(node_get(node, "parallel"), 1),
        .every = node_duration(node_get(node, "every"), UNTIL_EVERY),
        .within = node_duration(node_get(node, "within"), UNTIL_WITHIN),
        .timeout = own ? CLOCK_NEVER : node_duration(node_get(node, "timeout"), CLOCK_NEVER),
    };
    check_has_url(c, pc, case_node, node, step);
    compile_step_key(c, node_get(node, step->kind->name));
    step->asks_models = asks_models(step->kind, node);
    if (step->asks_models && pc->suite->models && pc->suite->models->has_template)
        template_each(pc->suite->models, c->d, find_service, &(struct service_finder){c, pc});
    if (step->service)
        use_service(pc, step->service);
    if (node_get(node, "during"))
        build_during(c, pc, case_node, node_get(node, "during"), step);
}

static void build_retry(struct plan_case *pc, const struct node *retry)
{
    pc->retry =
        (struct plan_retry){1, RETRY_BACKOFF, RETRY_BACKOFF_MAX, RETRY_FACTOR, RETRY_JITTER, 0};
    pc->retry.on = 1u << CASE_FAILED | 1u << CASE_ERROR;
    if (!retry)
        return;
    if (retry->kind == NODE_INTEGER) {
        pc->retry.attempts = (uint32_t)retry->integer;
        return;
    }
    pc->retry.attempts = (uint32_t)node_integer(node_get(retry, "attempts"), 1);
    pc->retry.backoff = node_duration(node_get(retry, "backoff"), RETRY_BACKOFF);
    pc->retry.backoff_max = node_duration(node_get(retry, "backoff_max"), RETRY_BACKOFF_MAX);
    pc->retry.factor = node_number(node_get(retry, "factor"), RETRY_FACTOR);
    pc->retry.jitter = node_number(node_get(retry, "jitter"), RETRY_JITTER);
    const struct node *on = node_get(retry, "on");
    if (!on)
        return;
    pc->retry.on = 0;
    for (size_t i = 0; i < on->count; i++) {
        struct slice word = on->items[i]->string;
        pc->retry.on |= slice_is(word, "failed")  ? 1u << CASE_FAILED
                        : slice_is(word, "error") ? 1u << CASE_ERROR
                                                  : PLAN_RETRY_TIMEOUT;
    }
}

static void build_uses(struct compilation *c, struct plan_case *pc, const struct node *uses)
{
    size_t count = uses ? uses->count : 0;
    pc->uses = ARENA_ARRAY(c->arena, struct plan_use, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct node_entry *entry = &uses->entries[i];
        const struct plan_resource *resource = compile_resource_find(c, entry->key);
        int64_t amount = node_integer(entry->value, 1);
        if (!resource) {
            const char **candidates =
                ARENA_ARRAY(c->arena, const char *, c->plan->resource_count + 1);
            for (size_t r = 0; r < c->plan->resource_count; r++)
                candidates[r] = arena_string(c->arena, c->plan->resources[r]->name);
            diagnose_unknown(c->d, entry->key_at, "resource", entry->key, candidates);
        } else if (amount > resource->capacity) {
            diagnose(c->d, entry->value->at,
                     "it uses %lld of \"%.*s\", of which there are only %lld", (long long)amount,
                     SLICE_ARG(entry->key), (long long)resource->capacity);
        } else {
            pc->uses[pc->use_count++] = (struct plan_use){resource, amount};
        }
    }
}

static bool truthy(const json_t *value)
{
    if (json_is_string(value)) {
        struct slice s = jsontext_slice(value);
        return s.len && !slice_is(s, "0") && !slice_is(s, "false");
    }
    if (json_is_number(value))
        return fpclassify(json_number_value(value)) != FP_ZERO;
    return !json_is_null(value) && !json_is_false(value);
}

static void build_skip(struct compilation *c, struct plan_case *pc, const struct node *node)
{
    const struct node *skip = node_get(node, "skip"), *unless = node_get(skip, "unless");
    if (!node_boolean(node_get(node, "enabled"), true))
        pc->skip = "it is disabled (enabled: false)";
    else if (skip && !(unless && truthy(node_json(c->arena, unless))))
        pc->skip = arena_string(c->arena, node_string(node_get(skip, "reason"), SLICE("")));
}

static int64_t declared_duration(const struct plan_case *pc, const struct node *node)
{
    const struct node *estimate = node_get(node, "estimate");
    if (estimate && !estimate->has_template)
        return node_duration(estimate, -1);
    int64_t total = 0;
    for (size_t i = 0; i < pc->step_count; i++) {
        const struct node *wait = node_get(pc->steps[i].node, "wait");
        if (wait && !wait->has_template)
            total += node_duration(wait, 0);
    }
    return total > 0 ? total * (pc->given ? pc->examples : pc->repeat) : -1;
}

static void build_tags(struct compilation *c, struct plan_case *pc, const struct node *tags)
{
    size_t count = tags ? tags->count : 0;
    struct slice *list = ARENA_ARRAY(c->arena, struct slice, count + 1);
    for (size_t i = 0; i < count; i++)
        list[i] = arena_copy(c->arena, node_text(c->arena, tags->items[i]));
    pc->tags = list;
    pc->tag_count = count;
}

/* The model that the first step asking one asks. */
static struct slice asked_model(const struct node *node)
{
    const struct node *steps = node_get(node, "steps");
    for (size_t i = 0; i < (steps ? steps->count : 1); i++) {
        const struct node *step = steps ? steps->items[i] : node;
        const struct step_kind *kind = step_kind_of(step);
        const struct node *model = kind ? node_get(node_get(step, kind->name), "model") : NULL;
        if (model && model->kind == NODE_STRING && !model->has_template)
            return model->string;
    }
    return SLICE("");
}

static void build_identity(struct compilation *c, struct plan_case *pc, const struct node *written,
                           const struct node *node, const struct expansion *e)
{
    struct slice id = node_string(node_get(node, "id"), SLICE(""));
    pc->base_id = arena_copy(c->arena, node_string(node_get(written, "id"), SLICE("")));
    /* An id with a template of its own says what sets it apart. */
    bool suffixed = e->suffix.len && !node_get(written, "id")->has_template;
    pc->id =
        suffixed
            ? slice_str(arena_printf(c->arena, "%.*s %.*s", SLICE_ARG(id), SLICE_ARG(e->suffix)))
            : arena_copy(c->arena, id);
    pc->key = slice_str(
        arena_printf(c->arena, "%.*s/%.*s", SLICE_ARG(pc->suite->name), SLICE_ARG(pc->id)));
    pc->describe = arena_copy(c->arena, node_string(node_get(node, "describe"), SLICE("")));
    pc->model = arena_copy(c->arena, node_string(node_get(node, "model"), asked_model(node)));
    pc->at = node_get(written, "id")->at;
    build_tags(c, pc, node_get(node, "tags"));
}

/* How long the loads of a case take when all goes well; CLOCK_NEVER when that is not known yet. */
static int64_t loads_take(const struct node *node)
{
    const struct node *steps = node_get(node, "steps");
    int64_t total = 0;
    for (size_t i = 0; i < (steps ? steps->count : 1); i++) {
        const struct node *load = node_get(steps ? steps->items[i] : node, step_load.name);
        int64_t takes = load ? load_keys_duration(load) : 0;
        if (takes == CLOCK_NEVER)
            return CLOCK_NEVER;
        total += takes;
    }
    return total;
}

static void build_numbers(struct compilation *c, struct plan_case *pc, const struct node *node)
{
    int64_t timeout = c->options->timeout ? c->options->timeout : PLAN_TIMEOUT,
            loads = loads_take(node);
    timeout = loads == CLOCK_NEVER ? CLOCK_NEVER : timeout + loads;
    const struct node *seed = node_get(node, "seed");
    pc->priority = (int)node_integer(node_get(node, "priority"), 5);
    pc->timeout = node_duration(node_get(node, "timeout"), timeout);
    pc->slow = node_duration(node_get(node, "slow"), CLOCK_NEVER);
    /* What shares the machine with a load is measured with it. */
    pc->isolate = node_boolean(node_get(node, "isolate"), loads > 0);
    pc->repeat = (uint32_t)node_integer(node_get(node, "repeat"), 1);
    pc->parallel = (uint32_t)node_integer(node_get(node, "parallel"), 1);
    pc->given = node_get(node, "given");
    pc->examples =
        pc->given ? (uint32_t)node_integer(node_get(node, "examples"), EXAMPLES_DEFAULT) : 0;
    struct random r = random_for(c->options->seed, pc->key);
    pc->seed = seed ? (uint64_t)node_integer(seed, 0) : random_next(&r) >> 11;
    pc->pass_rate = node_get(node_get(node, "expect"), "pass_rate");
}

static void add_case(struct compilation *c, struct plan_case *pc)
{
    ARENA_GROW(c->arena, c->all, c->count);
    c->all[c->count++] = pc;
}

static void build_case(struct compilation *c, const struct plan_suite *suite,
                       const struct node *written, struct expansion *e)
{
    struct plan_case *pc = ARENA_NEW(c->arena, struct plan_case);
    /* The id first: ${case.id} may stand in everything else. */
    const struct node *id = names_fill(e->names, c->arena, node_get(written, "id"), c->d);
    if (written->has_template)
        names_add(e->names, SLICE("case.id"), node_json(c->arena, id));
    const struct node *node = names_fill(e->names, c->arena, written, c->d);
    size_t faults = c->d->count;
    if (node != written) {
        node = shape_convert(c->arena, c->keys.case_shape, node);
        shape_check(c->keys.case_shape, node, c->d);
    }
    if (c->d->count > faults)
        return;

    pc->suite = suite;
    pc->names = e->names;
    build_identity(c, pc, written, node, e);
    build_numbers(c, pc, node);
    build_retry(pc, node_get(node, "retry"));
    build_uses(c, pc, node_get(node, "uses"));
    build_skip(c, pc, node);

    const struct node *steps = node_get(node, "steps");
    pc->step_count = steps ? steps->count : 1;
    pc->steps = ARENA_ARRAY(c->arena, struct plan_step, pc->step_count);
    pc->services = ARENA_ARRAY(c->arena, const struct plan_service *, c->plan->service_count + 1);
    for (size_t i = 0; i < pc->step_count; i++)
        build_step(c, pc, node, steps ? steps->items[i] : node, &pc->steps[i]);
    struct service_finder finder = {c, pc};
    if (node->has_template)
        template_each(node, c->d, find_service, &finder);

    pc->expected = c->options->expected ? c->options->expected(c->options->context, pc->key) : -1;
    pc->expected_from_history = pc->expected >= 0;
    if (pc->expected < 0)
        pc->expected = declared_duration(pc, node);
    /* Resolved into pointers when all cases are known (graph.c). */
    pc->needs_node = node_get(node, "needs");
    add_case(c, pc);
}

void compile_case(struct compilation *c, const struct plan_suite *suite, const struct node *node)
{
    size_t count, faults = c->d->count;
    struct expansion *expansions = expand(c->arena, suite, node, c->d, &count);
    if (count == 0)
        return;
    /* The names as the first expansion has them, and those that the steps will make. */
    struct names *names = names_new(c->arena, expansions[0].names);
    names_add(names, SLICE("case.id"), NULL);
    inspect_case(c, suite, names, node);
    if (c->d->count > faults)
        return;
    for (size_t i = 0; i < count && c->d->count == faults; i++)
        build_case(c, suite, node, &expansions[i]);
}
