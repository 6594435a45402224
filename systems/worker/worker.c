/*
 * The worker's life, and the jobs on its loops. Each job writes its events into one shared buffer
 * during its turn, and they leave as one chunk; a stream that the client does not read is parked
 * until it does.
 */
#include "worker.h"

#include "callback.h"
#include "core/log.h"
#include "core/memory.h"
#include "http_api.h"
#include "openai_answer.h"
#include "openai_files.h"

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
    if (worker_draining(w))
        return "draining";
    if (w->starting)
        return "starting";
    return w->jobs.known ? "busy" : "ready";
}

bool worker_draining(const struct worker *w)
{
    return w->shut_downs > 0;
}

bool worker_healthy(const struct worker *w)
{
    return !worker_draining(w) && (!w->engine->healthy || w->engine->healthy());
}

struct metrics worker_metrics(const struct worker *w)
{
    struct metrics sum = {0};
    for (size_t i = 0; i < w->loop_count; i++)
        metrics_add(&sum, &w->loops[i]->metrics);
    return sum;
}

static void tell_others(const struct loop *loop)
{
    struct worker *w = loop->worker;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->loop_count; i++)
        if (w->loops[i] != loop && w->loops[i]->open)
            uv_async_send(&w->loops[i]->news);
    pthread_mutex_unlock(&w->lock);
}

/* ---- the end ---- */

static void on_stopped(void *context)
{
    struct loop *loop = context;
    struct worker *w = loop->worker;
    if (w->engine->detach)
        w->engine->detach();
    pthread_mutex_lock(&w->lock);
    loop->open = false;
    pthread_mutex_unlock(&w->lock);
    schedule_close(&loop->schedule);
    uv_close((uv_handle_t *)&loop->news, NULL);
    uv_close((uv_handle_t *)&loop->drain_timer, NULL);
    uv_close((uv_handle_t *)&loop->batch_timer, NULL);
    if (loop == w->loops[0]) {
        uv_close((uv_handle_t *)&w->terminate, NULL);
        uv_close((uv_handle_t *)&w->interrupt, NULL);
    }
}

static void on_drained(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    server_stop(loop->server, STOP_PATIENCE, on_stopped);
}

/* Loops stop together, when the last job of all is over: until then each answers who asks. The last
 * answers leave in the loop's next turn; the server closes those connections at once that have
 * nothing left to send, so it is stopped after that and not now. */
static void stop_when_drained(struct loop *loop)
{
    struct worker *w = loop->worker;
    if (!worker_draining(w) || w->jobs.alive || loop->stopping)
        return;
    loop->stopping = true;
    uv_timer_start(&loop->drain_timer, on_drained, 1, 0);
}

static void finish(struct loop *loop, struct job *job);

static void cancel_here(struct loop *loop, struct job *job)
{
    generation_cancel(&job->generation, clock_now(), &loop->out);
    finish(loop, job);
}

static void cancel_all(struct loop *loop)
{
    while (loop->jobs.first)
        cancel_here(loop, loop->jobs.first);
}

static void on_drain_timeout(uv_timer_t *timer)
{
    cancel_all(timer->data);
}

static void take_news(struct loop *loop)
{
    struct worker *w = loop->worker;
    for (struct job *job; (job = jobs_take_cancelled(&w->jobs, &loop->jobs));)
        cancel_here(loop, job);
    if (!worker_draining(w))
        return;
    if (!loop->draining && !loop->stopping)
        uv_timer_start(&loop->drain_timer, on_drain_timeout, w->options->drain_timeout_s * 1000, 0);
    loop->draining = true;
    if (w->shut_downs > 1)
        cancel_all(loop);
    stop_when_drained(loop);
}

static void on_news(uv_async_t *news)
{
    take_news(news->data);
}

void worker_shut_down(struct loop *loop)
{
    struct worker *w = loop->worker;
    if (atomic_fetch_add(&w->shut_downs, 1) == 0)
        log_info("worker", "draining: %zu jobs run", (size_t)w->jobs.alive);
    tell_others(loop);
    take_news(loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    worker_shut_down(signal->data);
}

/* ---- jobs ---- */

static void send_events(struct loop *loop, struct job *job)
{
    if (loop->out.len)
        exchange_write(job->exchange, buf_slice(&loop->out));
    if (loop->out.size > OUT_KEPT_BYTES)
        buf_free(&loop->out);
    else
        buf_clear(&loop->out);
}

static void forget(struct loop *loop, struct job *job, enum outcome outcome)
{
    struct worker *w = loop->worker;
    loop->metrics.requests[outcome]++;
    loop->metrics.tokens_out += job->generation.tokens_out;
    metrics_duration(&loop->metrics, clock_now() - job->generation.started);
    schedule_remove(&loop->schedule, &job->wake);
    generation_free(&job->generation);
    openai_answer_free(job->answer);
    jobs_remove(&w->jobs, job);
    if (!worker_draining(w) || w->jobs.alive)
        return;
    tell_others(loop);
    stop_when_drained(loop);
}

/* The generation is over and its last event is in `out`. */
static void finish(struct loop *loop, struct job *job)
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
        openai_answer_finish(job->answer, ex, &loop->out);
    } else {
        send_events(loop, job);
        exchange_end(ex);
    }
    forget(loop, job, outcomes[job->generation.state]);
}

static void schedule_next(struct loop *loop, struct job *job, int64_t now)
{
    int64_t due = job->parked ? job->generation.deadline : generation_due(&job->generation);
    schedule_set(&loop->schedule, &job->wake, due > now ? due : now + 1);
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
static bool next_generation(struct loop *loop, struct job *job, int64_t now)
{
    if (!job->answer)
        return false;
    struct generation_options options = options_for(loop->worker, &job->pace);
    options.metrics_interval = 0;
    if (!openai_answer_next(job->answer, &options, &loop->out))
        return false;
    loop->metrics.tokens_out += job->generation.tokens_out;
    generation_free(&job->generation);
    generation_start(&job->generation, &options, now, &loop->out);
    return true;
}

/* Send what there is, and see to the job's next turn or its end. */
static void go_on(struct loop *loop, struct job *job, int64_t now)
{
    while (job->generation.state != GENERATION_RUNNING) {
        if (!next_generation(loop, job, now)) {
            finish(loop, job);
            return;
        }
    }
    send_events(loop, job);
    schedule_next(loop, job, now);
}

static void turn(void *context, struct wake *wake, int64_t now)
{
    struct loop *loop = context;
    struct job *job = (struct job *)((char *)wake - offsetof(struct job, wake));
    job->parked = exchange_pending(job->exchange) > PENDING_MAX && now < job->generation.deadline;
    if (job->parked) {
        schedule_next(loop, job, now);
        return;
    }
    size_t share = PASS_TOKENS / (loop->jobs.count + 1);
    uint32_t budget = share < TURN_TOKENS_MIN   ? TURN_TOKENS_MIN
                      : share > TURN_TOKENS_MAX ? TURN_TOKENS_MAX
                                                : (uint32_t)share;
    generation_turn(&job->generation, now, budget, &loop->out);
    go_on(loop, job, now);
}

static void add_no_cache(struct exchange *ex)
{
    struct result added = exchange_header(ex, SLICE("Cache-Control"), SLICE("no-cache"));
    MUST(result_ok(added), "a header of ours");
}

bool worker_execute(struct loop *loop, struct exchange *ex, const struct execute_request *request,
                    const struct pace *pace)
{
    struct worker *w = loop->worker;
    struct job *job = jobs_add(&w->jobs, &loop->jobs, request->job_id);
    if (!job)
        return false;
    int64_t now = clock_now();
    struct generation_options options = options_for(loop->worker, pace);
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
    loop->metrics.tokens_in += w->engine->prompt_tokens(request->prompt);
    add_no_cache(ex);
    exchange_begin(ex, 200, SLICE("text/event-stream"), EXCHANGE_CHUNKED, 0);
    frame_started(&loop->out, request->job_id, w->model, clock_text(started_at, clock_wall()));
    generation_start(&job->generation, &options, now, &loop->out);
    go_on(loop, job, now);
    return true;
}

void worker_answer(struct loop *loop, struct exchange *ex, struct openai_answer *answer,
                   const struct pace *pace)
{
    struct worker *w = loop->worker;
    struct job *job = jobs_add(&w->jobs, &loop->jobs, openai_answer_id(answer));
    MUST(job, "job %.*s runs already", SLICE_ARG(openai_answer_id(answer)));
    int64_t now = clock_now();
    job->exchange = ex;
    job->answer = answer;
    job->pace = *pace;
    ex->user = job;
    loop->metrics.tokens_in += openai_answer_prompt_tokens(answer);
    if (openai_answer_streams(answer)) {
        add_no_cache(ex);
        exchange_begin(ex, 200, SLICE("text/event-stream"), EXCHANGE_CHUNKED, 0);
    }
    bool begun = next_generation(loop, job, now);
    MUST(begun, "job %.*s generates nothing", SLICE_ARG(job_id(job)));
    go_on(loop, job, now);
}

bool worker_cancel(struct loop *loop, struct slice id)
{
    struct job *mine;
    bool found = jobs_cancel(&loop->worker->jobs, id, &loop->jobs, &mine);
    if (mine)
        cancel_here(loop, mine);
    return found;
}

/* The engine may have tokens for those that wait. */
static void on_engine_ready(void *context)
{
    struct loop *loop = context;
    int64_t now = clock_now();
    for (struct job *job = loop->jobs.first; job; job = job->next)
        if (generation_wake(&job->generation) && !job->parked)
            schedule_next(loop, job, now);
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

/* ---- batches ---- */

static void on_batches(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    int64_t next = openai_work_on_batches(loop->worker, clock_now());
    if (next != CLOCK_NEVER)
        worker_watch_batches(loop, next);
}

void worker_watch_batches(struct loop *loop, int64_t due)
{
    int64_t wait = (due - clock_now() + NS_PER_MS - 1) / NS_PER_MS;
    if (!uv_is_active((uv_handle_t *)&loop->batch_timer))
        uv_timer_start(&loop->batch_timer, on_batches, wait > 0 ? (uint64_t)wait : 0, 0);
}

/* ---- the beginning ---- */

static void on_called_back(void *context, struct result result)
{
    struct loop *loop = context;
    struct worker *w = loop->worker;
    w->starting = false;
    if (result_ok(result))
        return;
    log_error("worker", "%s", error_last()->text);
    w->exit_status = error_exit_status(result.code);
    worker_shut_down(loop);
}

/* The original's own tests pass an address on this port where nobody listens. */
static bool nobody_to_call(const char *url)
{
    return !url || slice_find(slice_str(url), SLICE("localhost:9999")) >= 0;
}

static struct result tell_ready(struct loop *loop, const char *address)
{
    struct worker *w = loop->worker;
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
    return callback_start(&loop->uv, w->options->callback_url, text_slice(&body), on_called_back,
                          loop);
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

static void watch_signal(struct loop *loop, uv_signal_t *handle, int number)
{
    uv_signal_init(&loop->uv, handle);
    handle->data = loop;
    uv_signal_start(handle, on_signal, number);
    uv_unref((uv_handle_t *)handle);
}

static int64_t milliseconds(double ms)
{
    return (int64_t)(ms * (double)NS_PER_MS);
}

static struct result start_loop(struct worker *w)
{
    const struct options *o = w->options;
    struct loop *first = w->loop_count ? w->loops[0] : NULL, *loop = NEW(struct loop);
    int failed = uv_loop_init(&loop->uv);
    if (failed) {
        mem_free(loop);
        return error_set(ERR_IO, "cannot make an event loop: %s", uv_strerror(failed));
    }
    w->loops[w->loop_count++] = loop;
    loop->worker = w;
    loop->out = buf_limited(FRAME_BYTES_MAX);
    loop->jobs.news = &loop->news;
    TRY(server_start(&loop->server, &loop->uv,
                     &(struct server_options){
                         .host = o->host,
                         .port = (uint16_t)o->port,
                         .beside = first ? first->server : NULL,
                         .handler = {loop, http_api_request, on_abort, on_drain, http_api_refusal},
                     }));
    uv_timer_init(&loop->uv, &loop->drain_timer);
    uv_timer_init(&loop->uv, &loop->batch_timer);
    uv_unref((uv_handle_t *)&loop->batch_timer);
    uv_async_init(&loop->uv, &loop->news, on_news);
    uv_unref((uv_handle_t *)&loop->news);
    loop->drain_timer.data = loop->batch_timer.data = loop->news.data = loop;
    loop->open = true;
    schedule_init(&loop->schedule, &loop->uv, turn, loop);
    return RESULT_OK;
}

static void run_loop(void *argument)
{
    struct loop *loop = argument;
    const struct engine *engine = loop->worker->engine;
    if (engine->attach)
        engine->attach(&loop->uv, on_engine_ready, loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void free_loop(struct loop *loop)
{
    MUST(uv_loop_close(&loop->uv) == 0, "handles are left on the loop");
    buf_free(&loop->out);
    mem_free(loop);
}

/* The loops beside the first, on their threads. */
static void start_threads(struct worker *w)
{
    for (size_t i = 1; i < w->loop_count; i++) {
        struct loop *loop = w->loops[i];
        int failed = uv_thread_create(&loop->thread, run_loop, loop);
        loop->has_thread = failed == 0;
        if (failed && !worker_draining(w)) {
            log_error("worker", "cannot start a thread: %s", uv_strerror(failed));
            w->exit_status = error_exit_status(ERR_IO);
            worker_shut_down(w->loops[0]);
        }
    }
}

static void run(struct worker *w)
{
    const struct options *o = w->options;
    struct loop *first = w->loops[0];
    watch_signal(first, &w->terminate, SIGTERM);
    watch_signal(first, &w->interrupt, SIGINT);
    start_threads(w);
    bool ip6 = slice_find_byte(slice_str(o->host), ':') >= 0;
    const char *address = arena_printf(w->arena, "http://%s%s%s:%u", ip6 ? "[" : "", o->host,
                                       ip6 ? "]" : "", server_port(first->server));
    if (!worker_draining(w)) {
        printf("listening on %s\n", address);
        fflush(stdout);
        if (!result_ok(tell_ready(first, address)))
            on_called_back(first, (struct result){error_last()->code});
    }
    run_loop(first);
    for (size_t i = 1; i < w->loop_count; i++) {
        if (w->loops[i]->has_thread)
            uv_thread_join(&w->loops[i]->thread);
        else /* it has only to end */
            run_loop(w->loops[i]);
    }
}

int worker_run(const struct options *options, const struct engine *engine)
{
    struct worker w = {
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
        .model = slice_str(options->model),
        .arena = arena_new(),
        .store = openai_store_new(),
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    w.worker_id = slice_str(options->worker_id ? options->worker_id : random_uuid(w.made_up_id));
    w.loops = ARENA_ARRAY(w.arena, struct loop *, options->threads);
    jobs_init(&w.jobs);
    write_health_facts(&w);
    struct result started = RESULT_OK;
    while (result_ok(started) && w.loop_count < options->threads)
        started = start_loop(&w);
    if (result_ok(started)) {
        run(&w);
    } else {
        log_error("worker", "%s", error_last()->text);
        w.exit_status = error_exit_status(started.code);
        /* Loops that listen and cannot all be run, for want of descriptors: nobody was told of them
           yet, and what taking them down would need is what there is not. */
        if (w.loop_count && w.loops[0]->server)
            _exit(w.exit_status);
        if (w.loop_count)
            uv_run(&w.loops[0]->uv, UV_RUN_DEFAULT);
    }
    for (size_t i = 0; i < w.loop_count; i++)
        free_loop(w.loops[i]);
    jobs_free(&w.jobs);
    openai_store_free(w.store);
    arena_free(w.arena);
    return w.exit_status;
}
