/*
 * From options to what is asked, and when a trace has it.
 */
#include "load/setup.h"

#include <math.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"

static struct result read_order(const char *text, enum stock_order *out)
{
    *out = STOCK_FILE;
    for (int i = 0; text && i < STOCK_ORDER_COUNT; i++)
        if (strcmp(text, stock_order_names[i]) == 0) {
            *out = (enum stock_order)i;
            return RESULT_OK;
        }
    ENSURE(!text, ERR_USAGE, "--order %s: expected file, shuffled or random", text);
    return RESULT_OK;
}

static struct result read_lengths(const struct assay_load_options *o, struct stock_options *out)
{
    if (o->prompt_tokens) {
        out->has_prompt_tokens = true;
        TRY(distribution_counts("--prompt-tokens", o->prompt_tokens, 1, LIMIT_LOAD_TOKENS,
                                &out->prompt_tokens));
    }
    if (o->output_tokens) {
        out->has_output_tokens = true;
        TRY(distribution_counts("--output-tokens", o->output_tokens, 1, LIMIT_LOAD_TOKENS,
                                &out->output_tokens));
    }
    if (o->turns) {
        out->has_turns = true;
        TRY(distribution_counts("--turns", o->turns, 1, LIMIT_LOAD_TURNS, &out->turns));
    }
    ENSURE(!o->output_tokens || !o->max_tokens, ERR_USAGE,
           "--max-tokens (of all) and --output-tokens (of each) do not go together");
    ENSURE(o->shared_prefix <= LIMIT_LOAD_TOKENS, ERR_USAGE, "--shared-prefix: at most %u",
           LIMIT_LOAD_TOKENS);
    ENSURE(o->distinct <= LIMIT_LOAD_INPUTS, ERR_USAGE, "--distinct: at most %u",
           LIMIT_LOAD_INPUTS);
    return RESULT_OK;
}

/* Times of the rows that start within the load; without a duration, all of them do. */
static struct result read_times(struct arena *arena, const struct assay_load_options *o,
                                const struct inputs *trace, struct load_plan *plan)
{
    double speed = 1;
    ENSURE(!o->speed || (result_ok(parse_number(slice_str(o->speed), &speed)) && speed >= 1e-3 &&
                         speed <= 1e6),
           ERR_USAGE, "--speed %s: expected how many times as fast, from 0.001 to 1000000",
           o->speed);
    int64_t *times = ARENA_ARRAY(arena, int64_t, trace->count);
    for (uint32_t i = 0; i < trace->count; i++) {
        double at = (double)trace->items[i].at / speed;
        ENSURE(at < (double)INT64_MAX / 4, ERR_USAGE, "--speed %s: that takes too long", o->speed);
        times[i] = llround(at);
    }
    int64_t last = times[trace->count - 1];
    if (!o->duration_ns)
        plan->duration = last - plan->warmup + NS_PER_MS; /* the last one starts, too */
    ENSURE(last >= plan->warmup, ERR_USAGE,
           "--warmup: the trace is over before it is; it takes %.3g s", (double)last / NS_PER_S);
    int64_t end = plan->warmup + plan->duration;
    while (plan->time_count < trace->count && times[plan->time_count] < end)
        plan->time_count++;
    struct arrival_stage *stage = ARENA_NEW(arena, struct arrival_stage);
    stage->duration = (double)end / (double)NS_PER_S;
    stage->from = stage->to = (double)plan->time_count / stage->duration;
    plan->times = times;
    plan->arrivals = ARRIVAL_TRACE;
    plan->stages = stage;
    plan->stage_count = 1;
    return RESULT_OK;
}

static void add(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_add_str(t, t->len ? ", " : "");
    text_add_str(t, arena_vprintf(t->arena, format, args));
    va_end(args);
}

/* What is asked, for people. */
static const char *in_words(struct arena *arena, const struct assay_load_options *o,
                            const struct stock *stock)
{
    static const char *const orders[] = {"in their order", "shuffled", "at random"};
    struct text t = text_in(arena);
    if (o->trace)
        add(&t, "what %s has%s%s%s", o->trace, o->speed ? ", " : "", o->speed ? o->speed : "",
            o->speed ? " times as fast" : "");
    if (o->prompts)
        add(&t, "prompts of %s, %s", o->prompts, orders[stock->order]);
    if (o->prompt_tokens)
        add(&t, "prompts made up of %s tokens", o->prompt_tokens);
    if (o->output_tokens)
        add(&t, "for answers of %s tokens", o->output_tokens);
    if (o->system)
        add(&t, "a system message");
    if (o->shared_prefix)
        add(&t, "a shared prefix of %u tokens", o->shared_prefix);
    if (o->turns)
        add(&t, "conversations of %s questions", o->turns);
    if (o->think)
        add(&t, "%s to think before the next", o->think);
    return t.len ? text_str(&t) : NULL;
}

/* A file that cannot be opened is an option that is wrong. */
static struct result read_inputs(struct arena *arena, const char *option, const char *path,
                                 bool trace, struct inputs *out)
{
    struct result r = inputs_read(arena, path, trace, out);
    return r.code == ERR_IO ? error_set(ERR_USAGE, "%s: %s", option, error_last()->text) : r;
}

struct result setup_stock(struct arena *arena, const struct assay_load_options *o,
                          struct load_plan *plan)
{
    struct stock_options with = {.system = o->system,
                                 .shared_prefix = o->shared_prefix,
                                 .distinct = o->distinct,
                                 .seed = plan->seed};
    struct inputs prompts = {0}, trace = {0};
    ENSURE(!o->trace || (!o->rate && !o->concurrency && !o->arrivals && !o->search && !o->sweep),
           ERR_USAGE,
           "--trace has its own times: leave --rate, --concurrency, --arrivals, --search and "
           "--sweep out");
    ENSURE(o->trace || !o->speed, ERR_USAGE, "--speed needs --trace");
    ENSURE(!o->prompts || (!o->prompt_tokens && !o->prompt), ERR_USAGE,
           "--prompts does not go together with --prompt or --prompt-tokens");
    ENSURE(!o->prompt || !o->prompt_tokens, ERR_USAGE,
           "--prompt and --prompt-tokens do not go together");
    ENSURE(!o->order || !o->trace, ERR_USAGE, "--order: a trace has one of its own");
    ENSURE(!o->order || o->prompts || o->prompt_tokens, ERR_USAGE,
           "--order needs --prompts or --prompt-tokens: else there is one request only");
    TRY(read_order(o->order, &with.order));
    TRY(read_lengths(o, &with));
    if (o->prompts) {
        TRY(read_inputs(arena, "--prompts", o->prompts, false, &prompts));
        with.prompts = &prompts;
    }
    if (o->trace) {
        TRY(read_inputs(arena, "--trace", o->trace, true, &trace));
        TRY(read_times(arena, o, &trace, plan));
        with.trace = &trace;
        with.trace_count = (uint32_t)plan->time_count;
    }
    if (o->think) {
        plan->thinks = true;
        TRY(distribution_times("--think", o->think, LIMIT_LOAD_THINK, &plan->think));
        ENSURE(!plan->stages || o->turns, ERR_USAGE,
               "--think needs users (--concurrency) or conversations (--turns): a schedule has "
               "nobody who thinks");
    }
    struct stock *stock = ARENA_NEW(arena, struct stock);
    TRY(stock_build(arena, plan->target, &with, stock));
    plan->stock = stock;
    plan->inputs = in_words(arena, o, stock);
    return RESULT_OK;
}
