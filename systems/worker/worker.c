/*
 * The worker's life, and the jobs on its loop. Each job writes its events into one shared buffer
 * during its turn, and they leave as one chunk; a stream that the client does not read is parked
 * until it does.
 */
#include "worker.h"

#include "callback.h"
#include "core/log.h"
#include "core/memory.h"
#include "http_api.h"
#include "openai_answer.h"

/* Unread bytes at which a stream is parked. */
#define PENDING_MAX (64u << 10)

/* Tokens of one pass over all running jobs, and of one job's turn in it: a pass stays within a few
 * milliseconds, so that /health and /cancel are answered in time under any load. */
#define PASS_TOKENS 8192
#define TURN_TOKENS_MIN 16
#define TURN_TOKENS_MAX 512

/* At the end, how long a client has to take the last answer before it is cut off. */
#define STOP_PATIENCE (500 * NS_PER_MS)

/* What the shared buffer may keep between two turns. */
#define OUT_KEPT_BYTES (256u << 10)

const char *worker_state(const struct worker *w)
{
    if (w->draining)
        return "draining";
    if (w->starting)
        return "starting";
    return w->jobs.count ? "busy" : "ready";
}

/* ---- the end ---- */

static void on_stopped(void *context)
{
    struct worker *w = context;
    w->server = NULL;
    if (w->engine->detach)
        w->engine->detach();
    schedule_close(&w->schedule);
    uv_close((uv_handle_t *)&w->terminate, NULL);
    uv_close((uv_handle_t *)&w->interrupt, NULL);
    uv_close((uv_handle_t *)&w->drain_timer, NULL);
}

static void on_drained(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    server_stop(w->server, STOP_PATIENCE, on_stopped);
}

/* The last answers leave in the loop's next turn; the server closes those connections at once that
 * have nothing left to send, so it is stopped after that and not now. */
static void stop_when_drained(struct worker *w)
{
    if (!w->draining || w->jobs.count || w->stopping)
        return;
    w->stopping = true;
    uv_timer_start(&w->drain_timer, on_drained, 1, 0);
}

static void finish(struct worker *w, struct job *job);

static void cancel_all(struct worker *w)
{
    for (struct job *job; (job = jobs_any(&w->jobs));) {
        generation_cancel(&job->generation, clock_now(), &w->out);
        finish(w, job);
    }
}

static void on_drain_timeout(uv_timer_t *timer)
{
    cancel_all(timer->data);
}

void worker_shut_down(struct worker *w)
{
    if (w->draining) {
        cancel_all(w);
        return;
    }
    w->draining = true;
    log_info("worker", "draining: %zu jobs run", w->jobs.count);
    uv_timer_start(&w->drain_timer, on_drain_timeout, w->options->drain_timeout_s * 1000, 0);
    stop_when_drained(w);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    worker_shut_down(signal->data);
}

/* ---- jobs ---- */

static void send_events(struct worker *w, struct job *job)
{
    if (w->out.len)
        exchange_write(job->exchange, buf_slice(&w->out));
    if (w->out.size > OUT_KEPT_BYTES)
        buf_free(&w->out);
    else
        buf_clear(&w->out);
}

static void forget(struct worker *w, struct job *job, enum outcome outcome)
{
    w->metrics.requests[outcome]++;
    w->metrics.tokens_out += job->generation.tokens_out;
    metrics_duration(&w->metrics, clock_now() - job->generation.started);
    schedule_remove(&w->schedule, &job->wake);
    generation_free(&job->generation);
    openai_answer_free(job->answer);
    jobs_remove(&w->jobs, job);
    stop_when_drained(w);
}

/* The generation is over and its last event is in `out`. */
static void finish(struct worker *w, struct job *job)
{
    static const enum outcome outcomes[] = {
        [GENERATION_ENDED] = OUTCOME_SUCCESS,
        [GENERATION_CANCELLED] = OUTCOME_CANCELLED,
        [GENERATION_FAILED] = OUTCOME_ERROR,
        [GENERATION_TIMED_OUT] = OUTCOME_TIMEOUT,
    };
    struct exchange *ex = job->exchange;
    MUST(job->generation.state != GENERATION_RUNNING, "job %.*s", SLICE_ARG(job_id(job)));
    if (job->answer) {
        openai_answer_finish(job->answer, ex, &w->out);
    } else {
        send_events(w, job);
        exchange_end(ex);
    }
    forget(w, job, outcomes[job->generation.state]);
}

static void schedule_next(struct worker *w, struct job *job, int64_t now)
{
    int64_t due = job->parked ? job->generation.deadline : generation_due(&job->generation);
    schedule_set(&w->schedule, &job->wake, due > now ? due : now + 1);
}

/* What every generation of this worker has in common. */
static struct generation_options options_for(struct worker *w, const struct pace *pace)
{
    return (struct generation_options){
        .engine = w->engine,
        .vram_bytes = w->vram_bytes,
        .first_token = pace->first_token,
        .delay = pace->delay,
        .metrics_interval = pace->metrics_interval,
        .prefill = pace->prefill,
        .slowdown = pace->slowdown,
        .load = &w->load,
        .timeout = pace->timeout,
    };
}

/* Begin the answer's next generation; false when there is none. */
static bool next_generation(struct worker *w, struct job *job, int64_t now)
{
    if (!job->answer)
        return false;
    struct generation_options options = options_for(w, &job->pace);
    options.metrics_interval = 0;
    if (!openai_answer_next(job->answer, &options, &w->out))
        return false;
    w->metrics.tokens_out += job->generation.tokens_out;
    generation_free(&job->generation);
    generation_start(&job->generation, &options, now, &w->out);
    return true;
}

/* Send what there is, and see to the job's next turn or its end. */
static void go_on(struct worker *w, struct job *job, int64_t now)
{
    while (job->generation.state != GENERATION_RUNNING) {
        if (!next_generation(w, job, now)) {
            finish(w, job);
            return;
        }
    }
    send_events(w, job);
    schedule_next(w, job, now);
}

static void turn(void *context, struct wake *wake, int64_t now)
{
    struct worker *w = context;
    struct job *job = (struct job *)((char *)wake - offsetof(struct job, wake));
    job->parked = exchange_pending(job->exchange) > PENDING_MAX && now < job->generation.deadline;
    if (job->parked) {
        schedule_next(w, job, now);
        return;
    }
    size_t share = PASS_TOKENS / (w->jobs.count + 1);
    uint32_t budget = share < TURN_TOKENS_MIN   ? TURN_TOKENS_MIN
                      : share > TURN_TOKENS_MAX ? TURN_TOKENS_MAX
                                                : (uint32_t)share;
    generation_turn(&job->generation, now, budget, &w->out);
    go_on(w, job, now);
}

void worker_execute(struct worker *w, struct exchange *ex, const struct execute_request *request,
                    const struct pace *pace)
{
    struct job *job = jobs_add(&w->jobs, request->job_id);
    MUST(job, "job %.*s runs already", SLICE_ARG(request->job_id));
    int64_t now = clock_now();
    struct generation_options options = options_for(w, pace);
    options.request = (struct engine_request){.prompt = request->prompt,
                                              .seed = request->seed,
                                              .temperature = request->temperature,
                                              .top_p = request->top_p,
                                              .min_p = request->min_p,
                                              .repetition_penalty = request->repetition_penalty,
                                              .top_k = request->top_k};
    options.max_tokens = request->max_tokens;
    options.stop = request->stop;
    options.stop_count = request->stop_count;
    char started_at[CLOCK_TEXT];
    job->exchange = ex;
    ex->user = job;
    w->metrics.tokens_in += w->engine->prompt_tokens(request->prompt);
    exchange_begin(ex, 200, SLICE("text/event-stream"), EXCHANGE_CHUNKED, 0);
    frame_started(&w->out, request->job_id, w->model, clock_text(started_at, clock_wall()));
    generation_start(&job->generation, &options, now, &w->out);
    go_on(w, job, now);
}

void worker_answer(struct worker *w, struct exchange *ex, struct openai_answer *answer,
                   const struct pace *pace)
{
    struct job *job = jobs_add(&w->jobs, openai_answer_id(answer));
    MUST(job, "job %.*s runs already", SLICE_ARG(openai_answer_id(answer)));
    int64_t now = clock_now();
    job->exchange = ex;
    job->answer = answer;
    job->pace = *pace;
    ex->user = job;
    w->metrics.tokens_in += openai_answer_prompt_tokens(answer);
    if (openai_answer_streams(answer)) {
        struct result added = exchange_header(ex, SLICE("Cache-Control"), SLICE("no-cache"));
        MUST(result_ok(added), "a header of ours");
        exchange_begin(ex, 200, SLICE("text/event-stream"), EXCHANGE_CHUNKED, 0);
    }
    bool begun = next_generation(w, job, now);
    MUST(begun, "job %.*s generates nothing", SLICE_ARG(job_id(job)));
    go_on(w, job, now);
}

bool worker_cancel(struct worker *w, struct slice id)
{
    struct job *job = jobs_find(&w->jobs, id);
    if (!job)
        return false;
    generation_cancel(&job->generation, clock_now(), &w->out);
    finish(w, job);
    return true;
}

/* The engine may have tokens for those that wait. */
static void on_engine_ready(void *context)
{
    struct worker *w = context;
    int64_t now = clock_now();
    for (size_t i = 0; i < w->jobs.bucket_count; i++)
        for (struct job *job = w->jobs.buckets[i]; job; job = job->next)
            if (generation_wake(&job->generation) && !job->parked)
                schedule_next(w, job, now);
}

bool worker_healthy(const struct worker *w)
{
    return !w->draining && (!w->engine->healthy || w->engine->healthy());
}

/* The client went away. */
static void on_abort(void *context, struct exchange *ex)
{
    if (ex->user)
        forget(context, ex->user, OUTCOME_CANCELLED);
}

/* The client has taken all that was written. */
static void on_drain(void *context, struct exchange *ex)
{
    struct job *job = ex->user;
    if (!job || !job->parked)
        return;
    job->parked = false;
    schedule_next(context, job, clock_now());
}

/* ---- the beginning ---- */

static void on_called_back(void *context, struct result result)
{
    struct worker *w = context;
    w->starting = false;
    if (result_ok(result))
        return;
    log_error("worker", "%s", error_last()->text);
    w->exit_status = error_exit_status(result.code);
    worker_shut_down(w);
}

/* The original's own tests pass an address on this port where nobody listens. */
static bool nobody_to_call(const char *url)
{
    return !url || slice_find(slice_str(url), SLICE("localhost:9999")) >= 0;
}

static struct result tell_ready(struct worker *w, const char *address)
{
    if (nobody_to_call(w->options->callback_url))
        return RESULT_OK;
    struct text body = text_in(w->arena);
    text_add_str(&body, "{\"worker_id\":");
    text_add_json(&body, w->worker_id);
    text_add_str(&body, ",\"model_ref\":");
    text_add_json(&body, w->model);
    text_printf(&body,
                ",\"vram_bytes\":%llu,\"uri\":\"%s\",\"memory_bytes\":%llu,"
                "\"memory_architecture\":\"vram-only\",\"worker_type\":\"bespoke-cuda\","
                "\"capabilities\":[\"text-gen\"]}",
                (unsigned long long)w->vram_bytes, address, (unsigned long long)w->vram_bytes);
    w->starting = true;
    return callback_start(w->loop, w->options->callback_url, text_slice(&body), on_called_back, w);
}

static void write_health_facts(struct worker *w)
{
    struct text t = text_in(w->arena);
    text_add_str(&t, "\"worker_id\":");
    text_add_json(&t, w->worker_id);
    text_add_str(&t, ",\"model\":");
    text_add_json(&t, w->model);
    text_printf(&t,
                ",\"resident\":true,\"quant_kind\":\"Q4_K_M\",\"vram_bytes\":%llu,"
                "\"vram_bytes_used\":%llu,\"tokenizer_kind\":\"gguf-bpe\",\"vocab_size\":151936,"
                "\"context_length\":32768,\"gpu_device\":%llu,\"sm\":null,"
                "\"cuda_runtime_version\":null,\"capabilities\":[\"text-gen\"],"
                "\"protocol\":\"sse\"",
                (unsigned long long)w->vram_bytes, (unsigned long long)w->vram_bytes,
                (unsigned long long)w->options->gpu_device);
    w->health_facts = text_slice(&t);
}

static void watch_signal(struct worker *w, uv_signal_t *handle, int number)
{
    uv_signal_init(w->loop, handle);
    handle->data = w;
    uv_signal_start(handle, on_signal, number);
    uv_unref((uv_handle_t *)handle);
}

static int64_t milliseconds(double ms)
{
    return (int64_t)(ms * (double)NS_PER_MS);
}

static struct result start(struct worker *w)
{
    const struct options *o = w->options;
    TRY(server_start(&w->server, w->loop,
                     &(struct server_options){
                         .host = o->host,
                         .port = (uint16_t)o->port,
                         .handler = {w, http_api_request, on_abort, on_drain},
                     }));
    watch_signal(w, &w->terminate, SIGTERM);
    watch_signal(w, &w->interrupt, SIGINT);
    uv_timer_init(w->loop, &w->drain_timer);
    w->drain_timer.data = w;
    schedule_init(&w->schedule, w->loop, turn, w);
    if (w->engine->attach)
        w->engine->attach(w->loop, on_engine_ready, w);

    bool ip6 = slice_find_byte(slice_str(o->host), ':') >= 0;
    const char *address = arena_printf(w->arena, "http://%s%s%s:%u", ip6 ? "[" : "", o->host,
                                       ip6 ? "]" : "", server_port(w->server));
    printf("listening on %s\n", address);
    fflush(stdout);
    if (!result_ok(tell_ready(w, address)))
        on_called_back(w, (struct result){error_last()->code});
    return RESULT_OK;
}

int worker_run(const struct options *options, const struct engine *engine)
{
    uv_loop_t loop;
    struct worker w = {
        .loop = &loop,
        .options = options,
        .engine = engine,
        .pace = {.first_token = options->first_token,
                 .delay = options->delay,
                 .metrics_interval = milliseconds(options->metrics_interval_ms),
                 .prefill = milliseconds(options->prefill_ms),
                 .slowdown = options->slowdown,
                 .timeout = (int64_t)options->inference_timeout_s * NS_PER_S},
        .load.cache_max =
            options->kv_cache_limit ? (options->kv_cache_mb << 20) / LOAD_TOKEN_BYTES : 0,
        .vram_bytes = engine->weights_bytes + (options->kv_cache_mb << 20),
        .started = clock_now(),
        .out = buf_limited(FRAME_BYTES_MAX),
        .model = slice_str(options->model),
        .arena = arena_new(),
    };
    w.worker_id = slice_str(options->worker_id ? options->worker_id : random_uuid(w.made_up_id));
    write_health_facts(&w);
    MUST(uv_loop_init(&loop) == 0, "no event loop");
    struct result started = start(&w);
    if (!result_ok(started)) {
        log_error("worker", "%s", error_last()->text);
        w.exit_status = error_exit_status(started.code);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    MUST(uv_loop_close(&loop) == 0, "handles are left on the loop");
    jobs_free(&w.jobs);
    buf_free(&w.out);
    arena_free(w.arena);
    return w.exit_status;
}
