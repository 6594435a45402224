/*
 * Reading options, with a sentence for each that is wrong.
 */
#include "load/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/parse.h"
#include "core/random.h"
#include "core/text.h"
#include "load/h2.h"
#include "load/threshold.h"

#define DEFAULT_TIMEOUT (60 * NS_PER_S)
#define DEFAULT_CONNECTIONS 1024
#define MOST_SLOTS 4000000 /* of all connections together */

/* "500" or "10..100", with or without "/s". */
static struct result read_rate(struct slice text, const char *whole, struct arrival_stage *out)
{
    ptrdiff_t dots = slice_find(text, SLICE(".."));
    struct slice from = dots >= 0 ? slice_part(text, 0, (size_t)dots) : text;
    struct slice to = dots >= 0 ? slice_from(text, (size_t)dots + 2) : text;
    bool good = result_ok(parse_number(from, &out->from)) && result_ok(parse_number(to, &out->to));
    ENSURE(good && out->from >= 0 && out->to >= 0 && out->from <= LIMIT_LOAD_RATE &&
               out->to <= LIMIT_LOAD_RATE,
           ERR_USAGE,
           "--rate %s: expected requests a second: 500, 10..100 for a ramp, 100,200,400 for steps",
           whole);
    return RESULT_OK;
}

/* The stages of a load at these rates: each as long as the others, the first after the warm-up. */
static struct result read_rates(struct arena *arena, const struct assay_load_options *o,
                                struct load_plan *plan)
{
    struct slice rest = slice_str(o->rate), part = {0};
    struct arrival_stage *stages = ARENA_ARRAY(arena, struct arrival_stage, LIMIT_LOAD_STAGES + 1);
    size_t count = plan->warmup > 0;
    if (slice_ends(rest, SLICE("/s")))
        rest.len -= 2;
    while (slice_split(&rest, ',', &part)) {
        ENSURE(count <= LIMIT_LOAD_STAGES, ERR_USAGE, "--rate %s: more than %d steps", o->rate,
               LIMIT_LOAD_STAGES);
        TRY(read_rate(slice_trim(part), o->rate, &stages[count++]));
    }
    size_t first = plan->warmup > 0;
    for (size_t i = first; i < count; i++)
        stages[i].duration = (double)plan->duration / (double)NS_PER_S / (double)(count - first);
    if (first)
        stages[0] = (struct arrival_stage){(double)plan->warmup / (double)NS_PER_S, stages[1].from,
                                           stages[1].from};
    plan->stages = stages;
    plan->stage_count = count;
    ENSURE(arrival_expected(stages, count) > 0, ERR_USAGE, "--rate %s: no request would be sent",
           o->rate);
    return RESULT_OK;
}

static struct result read_arrivals(const char *text, struct load_plan *plan)
{
    plan->arrivals = ARRIVAL_POISSON;
    plan->shape = 1;
    if (!text || strcmp(text, "poisson") == 0)
        return RESULT_OK;
    if (strcmp(text, "constant") == 0) {
        plan->arrivals = ARRIVAL_CONSTANT;
        return RESULT_OK;
    }
    plan->arrivals = ARRIVAL_GAMMA;
    ENSURE(strncmp(text, "gamma:", 6) == 0 &&
               result_ok(parse_number(slice_str(text + 6), &plan->shape)) && plan->shape >= 0.01 &&
               plan->shape <= 1000,
           ERR_USAGE,
           "--arrivals %s: expected constant, poisson, or gamma:SHAPE with a shape from 0.01 to "
           "1000, such as gamma:0.5 for bursts",
           text);
    return RESULT_OK;
}

/* "@path" is the file's content. */
static struct result read_body(struct arena *arena, const char *body, const char **out)
{
    *out = body;
    if (!body || *body != '@')
        return RESULT_OK;
    struct text t = text_in(arena);
    char piece[16384];
    FILE *f = fopen(body + 1, "re");
    ENSURE(f, ERR_USAGE, "--body %s: %s", body, strerror(errno));
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0 && t.len <= LIMIT_SUITE_BYTES;)
        text_add(&t, slice_of(piece, n));
    bool failed = ferror(f);
    fclose(f);
    ENSURE(!failed, ERR_USAGE, "--body %s: it cannot be read", body);
    ENSURE(t.len <= LIMIT_SUITE_BYTES, ERR_USAGE, "--body %s: more than %u bytes", body,
           LIMIT_SUITE_BYTES);
    ENSURE(!memchr(text_str(&t), 0, t.len), ERR_USAGE, "--body %s: it has a NUL byte in it", body);
    *out = text_str(&t);
    return RESULT_OK;
}

struct result setup_target(struct arena *arena, const struct assay_load_options *o,
                           struct target *out)
{
    struct target_options options = {
        .url = o->url,
        .api = o->api,
        .method = o->method,
        .headers = o->headers.items,
        .header_count = o->headers.count,
        .prompt = o->prompt,
        .model = o->model,
        .extra = o->extra,
        .max_tokens = o->max_tokens,
        .stream = o->stream,
        .http2 = o->http2,
        .tls = {.cacert = o->cacert, .insecure = o->insecure, .full = o->tls_no_resume},
    };
    TRY(read_body(arena, o->body, &options.body));
    return target_build(arena, &options, out);
}

/* Times that can be added up. */
static struct result check_times(const struct assay_load_options *o)
{
    const struct {
        const char *option;
        int64_t time;
    } times[] = {{"--warmup", o->warmup_ns},
                 {"--duration", o->duration_ns},
                 {"--drain", o->drain_ns},
                 {"--timeout", o->timeout_ns}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        ENSURE(times[i].time <= SETUP_LONGEST, ERR_USAGE, "%s: at most %d days", times[i].option,
               (int)(SETUP_LONGEST / NS_PER_S / 86400));
    return RESULT_OK;
}

/* All of a plan but what is asked. */
static struct result read_plan(struct arena *arena, const struct assay_load_options *o,
                               const struct target *target, struct load_plan *plan)
{
    *plan = (struct load_plan){
        .target = target,
        .seed = o->has_seed ? o->seed : random_fresh_seed(),
        .users = o->concurrency,
        .connections = o->connections ? o->connections : DEFAULT_CONNECTIONS,
        .streams = !o->http2        ? 1
                   : o->max_streams ? o->max_streams
                                    : H2_STREAMS,
        .threads = o->threads ? o->threads : 1,
        .warmup = o->warmup_ns,
        .duration = o->duration_ns ? o->duration_ns : SETUP_DURATION,
        .drain = o->drain_ns ? o->drain_ns : SETUP_DRAIN,
        .timeout = o->timeout_ns ? o->timeout_ns : DEFAULT_TIMEOUT,
    };
    TRY(check_times(o));
    ENSURE(!o->rate || !o->concurrency, ERR_USAGE,
           "--rate (requests start by a schedule) and --concurrency (so many users who wait for "
           "their answers) do not go together");
    ENSURE(!o->arrivals || o->rate || o->search || o->sweep, ERR_USAGE, "--arrivals needs --rate");
    ENSURE(!o->connections || o->rate || o->trace || o->search || o->sweep, ERR_USAGE,
           "--connections needs --rate: users (--concurrency) have as many as they need");
    ENSURE(o->http2 || !o->max_streams, ERR_USAGE, "--streams goes with --http2");
    ENSURE(plan->streams <= H2_STREAMS_MOST &&
               (uint64_t)plan->streams * plan->connections <= MOST_SLOTS,
           ERR_USAGE, "--streams: at most %d, and %d times --connections", H2_STREAMS_MOST,
           MOST_SLOTS);
    ENSURE(plan->threads <= LIMIT_LOAD_THREADS, ERR_USAGE, "--threads: at most %d",
           LIMIT_LOAD_THREADS);
    TRY(read_arrivals(o->arrivals, plan));
    if (o->rate)
        TRY(read_rates(arena, o, plan));
    else if (!o->trace)
        plan->users = o->concurrency ? o->concurrency : 1;
    return RESULT_OK;
}

struct result setup_plan(struct arena *arena, const struct assay_load_options *o,
                         const struct target *target, struct load_plan *plan)
{
    TRY(read_plan(arena, o, target, plan));
    TRY(setup_stock(arena, o, plan));
    uint32_t conns = load_links(plan);
    if (!o->search && !o->sweep)
        plan->threads = plan->threads < conns ? plan->threads : conns;
    return RESULT_OK;
}

static struct result add_threshold(struct arena *arena, const char *text, bool aborts,
                                   struct slo *slos, size_t *count)
{
    ENSURE(*count < SLO_MOST_OBJECTIVES, ERR_USAGE, "more than %d objectives", SLO_MOST_OBJECTIVES);
    if (aborts)
        TRY(threshold_read_abort(arena, text, &slos[*count]));
    else
        TRY(threshold_read_text(arena, text, &slos[*count]));
    ++*count;
    return RESULT_OK;
}

/* Checks that are made and do not hold are not passed over: they are an objective, if none says
 * otherwise. */
static struct result add_checks(struct arena *arena, const struct assay_load_options *o,
                                struct slo *slos, size_t *count)
{
    size_t added = 0;
    if (!o->suite || (o->check && strcmp(o->check, "none") == 0))
        return RESULT_OK;
    for (size_t i = 0; i < *count; i++)
        if (slos[i].quantity == SLO_CHECKS)
            return RESULT_OK;
    ENSURE(*count < SLO_MOST_OBJECTIVES, ERR_USAGE, "more than %d objectives", SLO_MOST_OBJECTIVES);
    TRY(slo_read(arena, "checks >= 100%", slos + *count, &added));
    *count += added;
    return RESULT_OK;
}

struct result setup_objectives(struct arena *arena, const struct assay_load_options *o,
                               struct load_plan *plan, struct slo *slos, size_t *count)
{
    *count = 0;
    if (o->slo)
        TRY(slo_read(arena, o->slo, slos, count));
    for (size_t i = 0; i < o->thresholds.count; i++)
        TRY(add_threshold(arena, o->thresholds.items[i], false, slos, count));
    for (size_t i = 0; i < o->aborts.count; i++)
        TRY(add_threshold(arena, o->aborts.items[i], true, slos, count));
    TRY(add_checks(arena, o, slos, count));
    plan->bounds = slo_bounds(slos, *count);
    plan->watched = slo_watched(slos, *count);
    return RESULT_OK;
}

struct result setup_check(const struct assay_load_options *o)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct load_plan plan;
    struct slo slos[SLO_MOST_OBJECTIVES];
    size_t count;
    TRY(read_plan(arena, o, NULL, &plan));
    return setup_objectives(arena, o, &plan, slos, &count);
}
