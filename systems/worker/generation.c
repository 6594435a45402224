/*
 * One generation. Workload: thousands at once, each woken for one token, and a few that run as fast
 * as they can; nothing is allocated per token.
 */
#include "generation.h"

#include <math.h>

static void end(struct generation *g, int64_t now, enum stop_reason reason, struct buf *out)
{
    struct end_event event = {
        .tokens_out = g->tokens_out,
        .decode_time_ms = (uint64_t)((now - g->started) / NS_PER_MS),
        .reason = reason,
    };
    if (reason == REASON_STOP_SEQUENCE)
        event.stop_sequence = stop_matched(g->stop);
    if (g->frames)
        g->frames->end(g->frames_context, out, &event);
    else
        frame_end(out, &event);
    g->state = reason == REASON_CANCELLED ? GENERATION_CANCELLED : GENERATION_ENDED;
}

static void show_error(struct generation *g, const char *code, const char *message, struct buf *out)
{
    if (g->frames)
        g->frames->error(g->frames_context, out, code, slice_str(message));
    else
        frame_error(out, code, slice_str(message));
}

static void fail(struct generation *g, const char *message, struct buf *out)
{
    show_error(g, "INFERENCE_FAILED", message, out);
    g->state = GENERATION_FAILED;
}

static void time_out(struct generation *g, const char *message, struct buf *out)
{
    show_error(g, "TIMEOUT", message, out);
    g->state = GENERATION_TIMED_OUT;
}

static void show_token(struct generation *g, struct slice text, struct buf *out)
{
    if (g->frames)
        g->frames->token(g->frames_context, out, text, g->tokens_out++);
    else
        frame_token(out, text, g->tokens_out++);
}

static void show_released(struct generation *g, struct buf *out)
{
    struct slice token;
    while (stop_released(g->stop, &token))
        show_token(g, token, out);
}

/* A token of whole characters is there. */
static void take_token(struct generation *g, int64_t now, struct slice text, struct buf *out)
{
    bool stopped = false;
    g->tokens_taken++;
    if (g->stop) {
        stopped = stop_take(g->stop, text);
        if (!stopped && g->tokens_taken == g->max_tokens)
            stop_end(g->stop);
        show_released(g, out);
    } else {
        show_token(g, text, out);
    }
    if (stopped)
        end(g, now, REASON_STOP_SEQUENCE, out);
    else if (g->tokens_taken == g->max_tokens)
        end(g, now, REASON_MAX_TOKENS, out);
}

static void end_of_sequence(struct generation *g, int64_t now, struct buf *out)
{
    if (!characters_complete(&g->characters)) {
        fail(g, "the engine ended its answer in the middle of a character", out);
        return;
    }
    if (g->stop) {
        stop_end(g->stop);
        show_released(g, out);
    }
    end(g, now, REASON_EOS, out);
}

/* Ask the engine until there is a token of at least one whole character, or the end. */
static void one_token(struct generation *g, int64_t now, struct buf *out)
{
    char room[ENGINE_TOKEN_BYTES + sizeof(g->characters.held)];
    /* A character has four bytes at most: an engine that gives no more than nothing is broken. */
    for (int tries = 0; tries < 8; tries++) {
        struct slice bytes = SLICE(""), whole;
        enum engine_step step = g->engine->next(g->sequence, &bytes);
        if (step == ENGINE_EOS) {
            end_of_sequence(g, now, out);
            return;
        }
        if (step == ENGINE_WAIT) {
            g->waiting = true;
            return;
        }
        if (step == ENGINE_HUNG) {
            time_out(g, "the engine does not answer any more", out);
            return;
        }
        if (step != ENGINE_TOKEN) {
            const char *problem = g->engine->problem ? g->engine->problem(g->sequence) : NULL;
            fail(g, problem ? problem : "the engine failed", out);
            return;
        }
        if (bytes.len > ENGINE_TOKEN_BYTES) {
            fail(g, "the engine gave a token that is too long", out);
            return;
        }
        if (!result_ok(characters_take(&g->characters, bytes, room, &whole))) {
            fail(g, "the engine gave a token that is not UTF-8", out);
            return;
        }
        if (whole.len) {
            take_token(g, now, whole, out);
            return;
        }
    }
    fail(g, "the engine gave only empty tokens", out);
}

/* A token was due: when is the next? */
static void set_next_due(struct generation *g)
{
    const double most = PACE_MS_MAX * (double)NS_PER_MS;
    int64_t delay = timing_next(&g->delay, &g->random);
    if (g->slowdown > 0 && g->load)
        delay =
            (int64_t)fmin(most, (double)delay * (1 + g->slowdown * (double)(g->load->running - 1)));
    g->token_due += delay;
}

/* Room for `tokens` more in the cache; false when there is none, which ends the generation. */
static bool reserve(struct generation *g, uint64_t tokens, struct buf *out)
{
    struct load *load = g->load;
    if (!load || load->cache_max == 0)
        return true;
    uint64_t used = load->cache_used;
    while (used + tokens <= load->cache_max) {
        if (atomic_compare_exchange_weak(&load->cache_used, &used, used + tokens)) {
            g->cached += tokens;
            return true;
        }
    }
    show_error(g, "VRAM_OOM", "the KV cache is full", out);
    g->state = GENERATION_FAILED;
    return false;
}

static void show_metrics(struct generation *g, int64_t now, struct buf *out)
{
    double seconds = (double)(now - g->started) / (double)NS_PER_S;
    frame_metrics(out, (double)g->tokens_out / seconds, g->vram_bytes);
    /* A late turn gives one event, not one for each interval that passed. */
    g->metrics_due += (1 + (now - g->metrics_due) / g->metrics_interval) * g->metrics_interval;
}

void generation_start(struct generation *g, const struct generation_options *options, int64_t now,
                      struct buf *out)
{
    MUST(options->max_tokens > 0, "no tokens asked for");
    *g = (struct generation){
        .max_tokens = options->max_tokens,
        .started = now,
        .token_due = now,
        .delay = options->delay,
        .slowdown = options->slowdown,
        .load = options->load,
        .metrics_interval = options->metrics_interval,
        .metrics_due = options->metrics_interval ? now + options->metrics_interval : CLOCK_NEVER,
        .deadline = options->timeout == CLOCK_NEVER ? CLOCK_NEVER : now + options->timeout,
        .vram_bytes = options->vram_bytes,
        .frames = options->frames,
        .frames_context = options->frames_context,
        .engine = options->engine,
    };
    uint64_t prompt_tokens = 0;
    if (options->prefill || (options->load && options->load->cache_max))
        prompt_tokens = g->engine->prompt_tokens(options->request.prompt);
    if (options->delay.form != TIMING_CONSTANT || options->first_token.form != TIMING_CONSTANT)
        g->random = random_for(options->request.seed, SLICE("timing"));
    g->token_due +=
        timing_next(&options->first_token, &g->random) + options->prefill * (int64_t)prompt_tokens;
    if (g->load)
        g->load->running++;
    if (!reserve(g, prompt_tokens, out))
        return;
    if (!result_ok(g->engine->start(&options->request, &g->sequence)))
        fail(g, error_last()->text, out);
    else if (options->stop_count)
        g->stop = stop_new(options->stop, options->stop_count);
}

void generation_turn(struct generation *g, int64_t now, uint32_t budget, struct buf *out)
{
    if (g->state == GENERATION_RUNNING && now >= g->deadline)
        time_out(g, "the inference took longer than it may", out);
    while (g->state == GENERATION_RUNNING && !g->waiting && budget-- > 0 && g->token_due <= now) {
        if (!g->reserved && !reserve(g, 1, out))
            break;
        one_token(g, now, out);
        g->reserved = g->waiting; /* the same token is asked for again */
        if (g->waiting)
            break;
        set_next_due(g);
    }
    if (g->state == GENERATION_RUNNING && now >= g->metrics_due)
        show_metrics(g, now, out);
}

bool generation_wake(struct generation *g)
{
    bool waited = g->waiting;
    g->waiting = false;
    return waited;
}

int64_t generation_due(const struct generation *g)
{
    if (g->state != GENERATION_RUNNING)
        return CLOCK_NEVER;
    int64_t due = g->waiting ? CLOCK_NEVER : g->token_due;
    if (g->metrics_due < due)
        due = g->metrics_due;
    return g->deadline < due ? g->deadline : due;
}

void generation_cancel(struct generation *g, int64_t now, struct buf *out)
{
    if (g->state == GENERATION_RUNNING)
        end(g, now, REASON_CANCELLED, out);
}

void generation_free(struct generation *g)
{
    if (g->sequence)
        g->engine->free(g->sequence);
    stop_free(g->stop);
    if (g->load) {
        g->load->running--;
        g->load->cache_used -= g->cached;
        g->load = NULL;
    }
    g->sequence = NULL;
    g->stop = NULL;
}
