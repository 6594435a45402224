/*
 * The models that steps and graded validators ask, as a suite knows them: who provides them (url,
 * key, prices, circuit), which answers are kept, what may be spent. One per suite and run: circuits
 * and what was spent live as long as the run. All on the loop's thread.
 */
#ifndef STEP_MODELS_H
#define STEP_MODELS_H

#include "check/observation.h"
#include "step/breaker.h"
#include "suite/shape.h"

struct models;
struct provider;

/* Values of the keys of a suite, and of assay.providers.json beside it. */
extern const struct shape models_shape_providers, models_shape_judge, models_shape_budget,
    models_shape_cache;

enum models_cache {
    MODELS_CACHE_SUITE,   /* as the suite says */
    MODELS_CACHE_ON,      /* every answer of a model is kept and used again */
    MODELS_CACHE_REFRESH, /* kept, but none is used */
    MODELS_CACHE_OFF,
};

struct models_options {
    const struct node
        *settings; /* {providers, judge, budget, cache}, templates filled; may be NULL */
    enum models_cache cache;
    const struct slice *secrets; /* an answer that holds one is not kept */
    size_t secret_count;
};

/* Lives in the arena. */
struct models *models_new(struct arena *arena, const struct models_options *options);

/* ── who provides a model ── */

/* Where a model is asked. */
struct model_target {
    struct slice url;           /* before OpenAI's path, as in api_base; empty: none is known */
    struct slice model;         /* as the endpoint names it; empty: it is not told one */
    const struct node *headers; /* with the key; or NULL */
    struct provider *provider;  /* NULL: none, it is asked where the step says */
    int64_t timeout;            /* ns for one request; CLOCK_NEVER */
    double input_price, output_price; /* of a million tokens; negative: unknown */
};

/*
 * Find `name` ("gpt-4o", "openai/gpt-4o", an alias) with the provider called `provider` (may be
 * empty), with the one that lists it, or with the one before its slash. Without any, `out` has
 * nothing but the name. ERR_SUITE for a provider that is not there, ERR_VALUE when its key is not
 * set. `settings` are those of models_new with the names of the run filled in. `models` may be
 * NULL: then no provider is known.
 */
struct result models_find(struct models *models, const struct node *settings, struct arena *arena,
                          struct slice name, struct slice provider,
                          struct model_target *out) MUST_USE;

/* The circuit of a target's endpoint; NULL when it has none. */
struct breaker *models_breaker(const struct model_target *target);

/* ── what is spent ── */

/* What a number of tokens costs in 10^-9; -1 when that is not known. */
int64_t models_cost(const struct model_target *target, const struct usage *usage);

/* May more be asked? ERR_TOO_LARGE when the budget is spent, ERR_SUITE when a target without a
 * price is asked under a budget of money. */
struct result models_afford(const struct models *models,
                            const struct model_target *target) MUST_USE;

/* Count an answer, unless it was cached. */
void models_spend(struct models *models, const struct usage *usage);

/* Does a good answer tell what the budget counts? ERR_PROTOCOL when not. */
struct result models_counted(const struct models *models, const struct usage *usage) MUST_USE;

/* Why nothing more may be asked, arena-owned; NULL while something may. */
const char *models_spent(const struct models *models);

/* ── answers that are kept (step/answers.h) ── */

struct answers;

/* NULL when none are. `asked`: the step asks for it by itself. */
struct answers *models_answers(const struct models *models, bool asked);

/* Are kept answers to be used, or only renewed? */
bool models_answers_used(const struct models *models);

/* May a text be written to the disk: does it hold no secret? */
bool models_may_keep(const struct models *models, struct slice text);

#endif
