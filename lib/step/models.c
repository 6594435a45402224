/*
 * Providers, their keys and prices, and the account of what was spent.
 */
#include "step/models.h"

#include <math.h>
#include <stdlib.h>

#include "core/text.h"
#include "step/answers.h"

#define CACHE_FOLDER ".assay/cache"

struct provider {
    struct slice name;
    const struct node *node;
    bool has_breaker;
    struct breaker breaker;
};

struct models {
    const struct node *settings;
    struct provider *providers;
    size_t provider_count;
    struct answers *answers; /* where they are kept if anything asks for it */
    enum models_cache cache;
    const struct slice *secrets;
    size_t secret_count;
    int64_t tokens, cost; /* spent so far; cost in 10^-9 */
    struct arena *arena;
};

/* ── their shapes ── */

static const struct shape shape_price = {.kind = SHAPE_NUMBER, .min = 0, .max = 1e9};
static const struct shape shape_amount = {.kind = SHAPE_NUMBER, .min = 0, .max = 1e9};
static const struct shape shape_votes = {.kind = SHAPE_INTEGER, .min = 1, .max = 9};
static const struct shape shape_failures = {
    .kind = SHAPE_INTEGER, .min = 1, .max = BREAKER_FAILURES_MAX};

static const struct field key_fields[] = {
    {"env", &shape_string, .required = true,
     .help = "The environment variable that holds it. Its value is a secret: it reaches the "
             "provider and nothing else.",
     .example = "\"OPENAI_API_KEY\""},
    {NULL},
};
static const struct shape shape_key = {.name = "provider key",
                                       .kind = SHAPE_OBJECT,
                                       .fields = (const struct field *const[]){key_fields, NULL}};

static const struct field model_fields[] = {
    {"model", &shape_string, .help = "Its name at the endpoint, when this one is an alias."},
    {"input", &shape_price, .help = "Price of a million tokens of the request.", .example = "0.15"},
    {"output", &shape_price, .help = "Price of a million tokens of the answer.", .example = "0.6"},
    {NULL},
};
static const struct shape shape_model = {.name = "model of a provider",
                                         .kind = SHAPE_OBJECT,
                                         .fields =
                                             (const struct field *const[]){model_fields, NULL}};
static const struct shape shape_model_map = {.kind = SHAPE_MAP, .of = &shape_model};

static const struct field breaker_fields[] = {
    {"failures", &shape_failures, .help = "So many failures … Default 5."},
    {"window", &shape_duration, .help = "… within this time open the circuit. Default 60s."},
    {"open", &shape_duration, .help = "It stays open for so long. Default 30s."},
    {"successes", &shape_positive, .help = "So many successes then close it. Default 3."},
    {NULL},
};
static const struct shape shape_breaker_object = {
    .name = "circuit breaker",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){breaker_fields, NULL},
    .help = "Leaves an endpoint that keeps failing alone for a while. Failures are connections "
            "that break, time limits and statuses of 500 and more."};
static const struct shape shape_breaker = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_breaker_object, &shape_bool, NULL}};

static const struct field provider_fields[] = {
    {"url", &shape_string, .required = true,
     .help = "The endpoint before OpenAI's path, /v1 included.",
     .example = "\"https://api.openai.com/v1\""},
    {"key", &shape_key, .help = "Sent as a bearer token.",
     .example = "{ \"env\": \"OPENAI_API_KEY\" }"},
    {"headers", &shape_string_map, .help = "Request headers."},
    {"models", &shape_model_map,
     .help = "Its models by name, with aliases and prices. One that is not listed is asked for as "
             "PROVIDER/MODEL.",
     .example = "{ \"small\": { \"model\": \"gpt-4o-mini\", \"input\": 0.15, \"output\": 0.6 } }"},
    {"timeout", &shape_duration, .help = "Time limit of one request. Default: the step's."},
    {"breaker", &shape_breaker, .help = "Its circuit breaker; false: none."},
    {NULL},
};
static const struct shape shape_provider = {
    .name = "provider",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){provider_fields, NULL},
    .help = "Who provides models: an OpenAI-compatible endpoint."};
const struct shape models_shape_providers = {.kind = SHAPE_MAP, .of = &shape_provider};

static void check_judge(const struct node *judge, struct diagnostics *d)
{
    const struct node *votes = node_get(judge, "votes");
    if (votes && votes->kind == NODE_INTEGER && votes->integer % 2 == 0)
        diagnose(d, votes->at, "an even number of votes can be a tie")->hint = "make it odd";
}

static const char *const format_words[] = {"json_schema", "json_object", "text", NULL};
static const struct shape shape_format = {.kind = SHAPE_WORD, .words = format_words};
static const struct field judge_fields[] = {
    {"model", &shape_string, .help = "The model that judges.", .example = "\"openai/gpt-4o\""},
    {"votes", &shape_votes, .help = "How often it is asked; the majority decides. Odd. Default 1."},
    {"temperature", &shape_any, .help = "Default 0."},
    {"max_tokens", &shape_any, .help = "Of its answer."},
    {"format", &shape_format,
     .help = "How it is made to answer in JSON: by response_format json_schema (the default) or "
             "json_object, or by words alone."},
    {"timeout", &shape_duration, .help = "Time limit of one request. Default 60s."},
    {"provider", &shape_string, .help = "The provider asked."},
    {"api_base", &shape_string, .help = "The endpoint asked, when it is no provider's."},
    {"headers", &shape_string_map, .help = "Request headers."},
    {"extra", &shape_object, .help = "Further fields of the body, as they are."},
    {NULL},
};
const struct shape models_shape_judge = {
    .name = "judge",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){judge_fields, NULL},
    .help = "Who judges for graded validators that do not say it themselves.",
    .check = check_judge};

static void check_budget(const struct node *budget, struct diagnostics *d)
{
    if (budget->count == 0)
        diagnose(d, budget->at, "a budget has tokens, cost or both");
}

static const struct field budget_fields[] = {
    {"tokens", &shape_count, .help = "Of requests and answers together."},
    {"cost", &shape_amount, .help = "In the currency of the prices.", .example = "1.5"},
    {NULL},
};
const struct shape models_shape_budget = {
    .name = "budget",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){budget_fields, NULL},
    .help =
        "What the models of a suite may cost in one run, graded validators included. When it is "
        "spent, nothing more begins.",
    .check = check_budget};

static const struct field cache_fields[] = {
    {"folder", &shape_string, .help = "Where answers are kept. Default .assay/cache."},
    {"max_age", &shape_duration, .help = "Older ones are not used. Default: for ever."},
    {NULL},
};
static const struct shape shape_cache_object = {
    .name = "answer cache",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){cache_fields, NULL},
    .help = "Answers of models are kept and used again for the same request. An answer from the "
            "cache has no times; a step whose `time` is checked does not use it."};
const struct shape models_shape_cache = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_cache_object, &shape_bool, NULL}};

/* ── made from the settings ── */

static struct provider read_provider(const struct node_entry *entry)
{
    const struct node *breaker = node_get(entry->value, "breaker");
    struct provider p = {.name = entry->key, .node = entry->value, .has_breaker = true};
    struct breaker_limits limits = BREAKER_DEFAULTS;
    if (breaker && breaker->kind == NODE_BOOL) {
        p.has_breaker = breaker->boolean;
    } else if (breaker) {
        limits.failures = (uint32_t)node_integer(node_get(breaker, "failures"), limits.failures);
        limits.window = node_duration(node_get(breaker, "window"), limits.window);
        limits.open = node_duration(node_get(breaker, "open"), limits.open);
        limits.successes = (uint32_t)node_integer(node_get(breaker, "successes"), limits.successes);
    }
    p.breaker.limits = limits;
    return p;
}

struct models *models_new(struct arena *arena, const struct models_options *options)
{
    struct models *m = ARENA_NEW(arena, struct models);
    const struct node *providers = node_get(options->settings, "providers"),
                      *cache = node_get(options->settings, "cache");
    size_t count = providers ? providers->count : 0;
    m->settings = options->settings;
    m->secrets = options->secrets;
    m->secret_count = options->secret_count;
    m->arena = arena;
    m->providers = ARENA_ARRAY(arena, struct provider, count + 1);
    for (; m->provider_count < count; m->provider_count++)
        m->providers[m->provider_count] = read_provider(&providers->entries[m->provider_count]);

    bool on = cache && (cache->kind == NODE_MAP || cache->boolean);
    m->cache = options->cache != MODELS_CACHE_SUITE ? options->cache
               : on                                 ? MODELS_CACHE_ON
                                                    : MODELS_CACHE_SUITE;
    struct slice folder = node_string(node_get(cache, "folder"), SLICE(CACHE_FOLDER));
    m->answers = answers_in(arena, arena_string(arena, folder),
                            node_duration(node_get(cache, "max_age"), CLOCK_NEVER));
    return m;
}

/* ── who provides a model ── */

static struct provider *provider_called(struct models *models, struct slice name)
{
    for (size_t i = 0; i < models->provider_count; i++)
        if (slice_eq(models->providers[i].name, name))
            return &models->providers[i];
    return NULL;
}

static const struct node_entry *listed(const struct provider *provider, struct slice model)
{
    const struct node *models = node_get(provider->node, "models");
    for (size_t i = 0; models && i < models->count; i++)
        if (slice_eq(models->entries[i].key, model))
            return &models->entries[i];
    return NULL;
}

/* The provider of a model that names none, and the model's name without it. */
static struct provider *provider_of(struct models *models, struct slice *model)
{
    for (size_t i = 0; i < models->provider_count; i++)
        if (listed(&models->providers[i], *model))
            return &models->providers[i];
    ptrdiff_t slash = slice_find_byte(*model, '/');
    if (slash <= 0)
        return NULL;
    struct provider *p = provider_called(models, slice_part(*model, 0, (size_t)slash));
    if (p)
        *model = slice_from(*model, (size_t)slash + 1);
    return p;
}

static struct result add_key(struct arena *arena, const struct provider *p,
                             const struct node *filled, struct model_target *out)
{
    const struct node *key = node_get(filled, "key");
    out->headers = node_get(filled, "headers");
    if (!key)
        return RESULT_OK;
    const char *name = arena_string(arena, node_get(key, "env")->string), *value = getenv(name);
    if (!value || !*value)
        return error_at(ERR_VALUE, key->at,
                        "the key of the provider \"%.*s\" is in the environment variable %s, which "
                        "is not set",
                        SLICE_ARG(p->name), name);
    const char *bearer = arena_printf(arena, "Bearer %s", value);
    json_t *header = jsontext_keep(arena, json_pack("{s:s}", "Authorization", bearer));
    ENSURE(header, ERR_VALUE, "the environment variable %s is not UTF-8", name);
    out->headers = node_merge(arena, node_from_json(arena, header, key->at), out->headers);
    return RESULT_OK;
}

static const char *provider_names(const struct models *models)
{
    struct text t = text_in(models->arena);
    for (size_t i = 0; i < models->provider_count; i++)
        text_printf(&t, "%s%.*s", i ? ", " : "", SLICE_ARG(models->providers[i].name));
    return t.len ? text_str(&t) : "none";
}

struct result models_find(struct models *models, const struct node *settings, struct arena *arena,
                          struct slice name, struct slice provider, struct model_target *out)
{
    struct provider *p = NULL;
    *out = (struct model_target){
        .model = name, .timeout = CLOCK_NEVER, .input_price = -1, .output_price = -1};
    if (models && provider.len)
        p = provider_called(models, provider);
    else if (models && name.len)
        p = provider_of(models, &out->model);
    ENSURE(p || !provider.len, ERR_SUITE,
           "there is no provider \"%.*s\"; known: %s (see \"providers\" of a suite, or "
           "assay.providers.json beside it)",
           SLICE_ARG(provider), models ? provider_names(models) : "none");
    if (!p)
        return RESULT_OK;
    const struct node_entry *entry = listed(p, out->model);
    const struct node *known = entry ? entry->value : NULL;
    const struct node *filled =
        node_get(settings, "providers")->entries[p - models->providers].value;
    out->provider = p;
    out->url = node_get(filled, "url")->string;
    out->timeout = node_duration(node_get(filled, "timeout"), CLOCK_NEVER);
    out->model = node_string(node_get(known, "model"), out->model);
    out->input_price = node_number(node_get(known, "input"), -1);
    out->output_price = node_number(node_get(known, "output"), -1);
    return add_key(arena, p, filled, out);
}

struct breaker *models_breaker(const struct model_target *target)
{
    return target->provider && target->provider->has_breaker ? &target->provider->breaker : NULL;
}

/* ── what is spent ── */

int64_t models_cost(const struct model_target *target, const struct usage *usage)
{
    bool known = target->input_price >= 0 && target->output_price >= 0 &&
                 usage->input_tokens >= 0 && usage->output_tokens >= 0;
    /* Per million tokens and in 10^-9: a thousand for each token at a price of one. */
    double cost = ((double)usage->input_tokens * target->input_price +
                   (double)usage->output_tokens * target->output_price) *
                  1000;
    return known && cost < 9e18 ? (int64_t)llround(cost) : -1;
}

struct result models_afford(const struct models *models, const struct model_target *target)
{
    const struct node *cost =
        models ? node_get(node_get(models->settings, "budget"), "cost") : NULL;
    const char *spent = models_spent(models);
    ENSURE(!spent, ERR_TOO_LARGE, "%s", spent);
    ENSURE(!cost || (target->input_price >= 0 && target->output_price >= 0), ERR_SUITE,
           "the model \"%.*s\" has no price, so that the budget of %g cannot be kept; give "
           "\"input\" and \"output\" with its provider",
           SLICE_ARG(target->model), node_number(cost, 0));
    return RESULT_OK;
}

void models_spend(struct models *models, const struct usage *usage)
{
    if (!models || usage->cached)
        return;
    models->tokens += (usage->input_tokens > 0 ? usage->input_tokens : 0) +
                      (usage->output_tokens > 0 ? usage->output_tokens : 0);
    models->cost += usage->cost > 0 ? usage->cost : 0;
}

struct result models_counted(const struct models *models, const struct usage *usage)
{
    bool told = usage->input_tokens >= 0 && usage->output_tokens >= 0;
    ENSURE(told || !models || !node_get(models->settings, "budget"), ERR_PROTOCOL,
           "the answer does not tell its tokens, so that the budget cannot be kept (a stream tells "
           "them with \"stream_options\": { \"include_usage\": true })");
    return RESULT_OK;
}

const char *models_spent(const struct models *models)
{
    if (!models)
        return NULL;
    const struct node *budget = node_get(models->settings, "budget"),
                      *tokens = node_get(budget, "tokens"), *cost = node_get(budget, "cost");
    if (tokens && models->tokens >= tokens->integer)
        return arena_printf(models->arena, "the budget of %lld tokens is spent: %lld were used",
                            (long long)tokens->integer, (long long)models->tokens);
    if (cost && (double)models->cost >= node_number(cost, 0) * 1e9)
        return arena_printf(models->arena, "the budget of %g is spent: it cost %.6g",
                            node_number(cost, 0), (double)models->cost / 1e9);
    return NULL;
}

/* ── answers that are kept ── */

struct answers *models_answers(const struct models *models, bool asked)
{
    if (!models || models->cache == MODELS_CACHE_OFF)
        return NULL;
    return asked || models->cache != MODELS_CACHE_SUITE ? models->answers : NULL;
}

bool models_answers_used(const struct models *models)
{
    return models->cache != MODELS_CACHE_REFRESH;
}

bool models_may_keep(const struct models *models, struct slice text)
{
    for (size_t i = 0; i < models->secret_count; i++)
        if (models->secrets[i].len >= 4 && slice_find(text, models->secrets[i]) >= 0)
            return false;
    return true;
}
