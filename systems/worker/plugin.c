/*
 * The library's thread and what it shares with the loops: a queue of sequences that want tokens,
 * and in each sequence a few tokens ahead. One lock guards all of it; it is never held during a
 * call of the library but cancel, which returns at once.
 */
#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "assay/engine.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/memory.h"

/* Tokens of one sequence that may wait for the stream: enough to hide the thread's latency. */
#define AHEAD 16
#define PROBLEM_TEXT 256

enum sequence_state { SEQUENCE_NEW, SEQUENCE_RUNNING, SEQUENCE_ENDED, SEQUENCE_FAILED };

/* One of the worker's loops: where it hears of tokens, and watches over calls. */
struct attachment {
    uv_async_t async;
    uv_timer_t watchdog;
    void (*ready)(void *context);
    void *context;
    unsigned handles;
    bool told; /* that the library hangs */
};

struct sequence {
    struct sequence *next;   /* in the queue */
    struct attachment *home; /* of the loop that wants its tokens */
    bool queued;
    bool in_call;   /* the library works on it now */
    bool abandoned; /* the stream is gone: free it when the library lets go */
    enum sequence_state state;
    void *theirs; /* the library's; NULL before start */
    size_t first, count;
    struct {
        size_t len;
        char bytes[ENGINE_TOKEN_BYTES];
    } tokens[AHEAD];
    char given[ENGINE_TOKEN_BYTES]; /* the token that `next` handed out */
    char problem[PROBLEM_TEXT];
    struct assay_engine_request request;
    char prompt[];
};

static struct {
    const struct assay_engine *table;
    void *theirs;
    struct engine engine;
    int64_t timeout;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct sequence *queue, **queue_end;
    uint64_t open; /* sequences started and not freed, as we count them */
    _Atomic bool hung;
    _Atomic int64_t call_began; /* 0: no call is under way */
} plugin = {.lock = PTHREAD_MUTEX_INITIALIZER, .wanted = PTHREAD_COND_INITIALIZER};

/* The function of the library this thread is in; read by the handler of its signals. */
static _Thread_local const char *volatile calling;

/* The attachment of the loop that this thread runs. */
static _Thread_local struct attachment *here;

/* ---- crashes ---- */

static void say(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));
    (void)n; /* there is nobody left to tell */
}

static void on_crash(int number)
{
    if (!calling) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    say("assay-worker: the engine ");
    say(plugin.table ? plugin.table->name : "");
    say(number == SIGSEGV   ? " crashed (SIGSEGV) in "
        : number == SIGBUS  ? " crashed (SIGBUS) in "
        : number == SIGFPE  ? " crashed (SIGFPE) in "
        : number == SIGABRT ? " aborted (SIGABRT) in "
                            : " crashed (SIGILL) in ");
    say(calling);
    say("()\n");
    _exit(PLUGIN_CRASH_STATUS);
}

static void watch_for_crashes(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction action = {.sa_handler = on_crash};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

/* ---- calls of the library ---- */

static void enter(const char *function)
{
    calling = function;
    atomic_store(&plugin.call_began, clock_now());
}

static void leave(void)
{
    atomic_store(&plugin.call_began, 0);
    calling = NULL;
}

static bool count_prompt(struct sequence *s)
{
    enter("count");
    int64_t count = plugin.table->count(plugin.theirs, s->request.prompt, s->request.prompt_len);
    leave();
    if (count < 0)
        snprintf(s->problem, sizeof(s->problem),
                 "the engine counted %lld tokens in the prompt: expected no negative number",
                 (long long)count);
    return count >= 0;
}

static enum sequence_state start_theirs(struct sequence *s, void **theirs)
{
    char error[PROBLEM_TEXT] = "";
    if (!count_prompt(s))
        return SEQUENCE_FAILED;
    enter("start");
    int failed = plugin.table->start(plugin.theirs, &s->request, theirs, error, sizeof(error));
    leave();
    if (!failed)
        return SEQUENCE_RUNNING;
    error[sizeof(error) - 1] = '\0';
    *theirs = NULL;
    snprintf(s->problem, sizeof(s->problem), "the engine refused the prompt: %.200s", error);
    return SEQUENCE_FAILED;
}

/* One more token into `bytes`; `*len` is its length when the sequence goes on. */
static enum sequence_state next_theirs(struct sequence *s, char *bytes, size_t *len)
{
    enter("next");
    int64_t n = plugin.table->next(plugin.theirs, s->theirs, bytes, ENGINE_TOKEN_BYTES);
    leave();
    if (n == ASSAY_ENGINE_END)
        return SEQUENCE_ENDED;
    if (n >= 0 && n <= ENGINE_TOKEN_BYTES) {
        *len = (size_t)n;
        return SEQUENCE_RUNNING;
    }
    if (n == ASSAY_ENGINE_FAILED)
        snprintf(s->problem, sizeof(s->problem), "the engine failed");
    else
        snprintf(s->problem, sizeof(s->problem),
                 "the engine gave a token of %lld bytes: expected 0 to %d", (long long)n,
                 ENGINE_TOKEN_BYTES);
    return SEQUENCE_FAILED;
}

static void report_leaks(uint64_t open)
{
    struct assay_engine_usage usage = {0};
    enter("usage");
    plugin.table->usage(plugin.theirs, &usage);
    leave();
    if (usage.sequences > open)
        log_warning("engine", "%s leaks: it holds %llu sequences and %llu bytes, %llu are in use",
                    plugin.table->name, (unsigned long long)usage.sequences,
                    (unsigned long long)usage.memory_bytes, (unsigned long long)open);
}

static void free_theirs(struct sequence *s, uint64_t open)
{
    if (s->theirs) {
        enter("free");
        plugin.table->free(plugin.theirs, s->theirs);
        leave();
        report_leaks(open);
    }
    mem_free(s);
}

/* ---- the library's thread; the lock is held wherever nothing else is said ---- */

static void want(struct sequence *s)
{
    if (s->queued)
        return;
    s->queued = true;
    s->next = NULL;
    *plugin.queue_end = s;
    plugin.queue_end = &s->next;
    pthread_cond_signal(&plugin.wanted);
}

static struct sequence *wait_for_work(void)
{
    while (!plugin.queue)
        pthread_cond_wait(&plugin.wanted, &plugin.lock);
    struct sequence *s = plugin.queue;
    plugin.queue = s->next;
    if (!plugin.queue)
        plugin.queue_end = &plugin.queue;
    s->queued = false;
    return s;
}

/* One call for the sequence, without the lock. */
static void work_on(struct sequence *s)
{
    enum sequence_state state = s->state;
    size_t at = (s->first + s->count) % AHEAD, len = 0;
    bool token = state == SEQUENCE_RUNNING;
    void *theirs = s->theirs;
    s->in_call = true;
    pthread_mutex_unlock(&plugin.lock);
    char bytes[ENGINE_TOKEN_BYTES];
    state = token ? next_theirs(s, bytes, &len) : start_theirs(s, &theirs);
    pthread_mutex_lock(&plugin.lock);
    s->theirs = theirs;
    s->in_call = false;
    s->state = state;
    if (token && state == SEQUENCE_RUNNING) {
        memcpy(s->tokens[at].bytes, bytes, len);
        s->tokens[at].len = len;
        s->count++;
    }
    if (s->theirs && !token)
        plugin.open++;
    if (s->abandoned || (state == SEQUENCE_RUNNING && s->count < AHEAD))
        want(s);
}

static void *run(void *unused)
{
    pthread_mutex_lock(&plugin.lock);
    for (;;) {
        struct sequence *s = wait_for_work();
        if (s->abandoned) {
            plugin.open -= s->theirs ? 1 : 0;
            uint64_t open = plugin.open;
            pthread_mutex_unlock(&plugin.lock);
            free_theirs(s, open);
            pthread_mutex_lock(&plugin.lock);
            continue;
        }
        if (s->state > SEQUENCE_RUNNING || s->count == AHEAD)
            continue;
        work_on(s);
        if (!s->abandoned) /* its loop still waits for it */
            uv_async_send(&s->home->async);
    }
    return unused;
}

/* ---- the worker's side ---- */

static uint64_t prompt_tokens(struct slice prompt)
{
    return (prompt.len + 3) / 4;
}

static struct result start(const struct engine_request *request, void **sequence)
{
    ENSURE(!plugin.hung, ERR_TIMEOUT, "the engine does not answer any more");
    struct sequence *s = mem_zero(sizeof(*s) + request->prompt.len);
    MUST(here, "a sequence begins on the thread of no loop");
    s->home = here;
    memcpy(s->prompt, request->prompt.data, request->prompt.len);
    s->request = (struct assay_engine_request){
        .prompt = s->prompt,
        .prompt_len = request->prompt.len,
        .seed = request->seed,
        .temperature = request->temperature,
        .top_p = request->top_p,
        .min_p = request->min_p,
        .repetition_penalty = request->repetition_penalty,
        .top_k = request->top_k,
    };
    pthread_mutex_lock(&plugin.lock);
    want(s);
    pthread_mutex_unlock(&plugin.lock);
    *sequence = s;
    return RESULT_OK;
}

static enum engine_step next(void *sequence, struct slice *token)
{
    static const enum engine_step steps[] = {[SEQUENCE_NEW] = ENGINE_WAIT,
                                             [SEQUENCE_RUNNING] = ENGINE_WAIT,
                                             [SEQUENCE_ENDED] = ENGINE_EOS,
                                             [SEQUENCE_FAILED] = ENGINE_FAILED};
    struct sequence *s = sequence;
    pthread_mutex_lock(&plugin.lock);
    enum engine_step step = steps[s->state];
    if (s->count > 0) {
        *token = slice_of(s->given, s->tokens[s->first].len);
        memcpy(s->given, s->tokens[s->first].bytes, token->len);
        s->first = (s->first + 1) % AHEAD;
        s->count--;
        step = ENGINE_TOKEN;
        if (s->state == SEQUENCE_RUNNING && !s->in_call)
            want(s);
    } else if (step == ENGINE_WAIT && plugin.hung) {
        step = ENGINE_HUNG;
    }
    pthread_mutex_unlock(&plugin.lock);
    return step;
}

static void free_sequence(void *sequence)
{
    struct sequence *s = sequence;
    pthread_mutex_lock(&plugin.lock);
    s->abandoned = true;
    if (s->in_call && s->theirs && plugin.table->cancel)
        plugin.table->cancel(plugin.theirs, s->theirs);
    if (!s->in_call)
        want(s);
    pthread_mutex_unlock(&plugin.lock);
}

static const char *problem(void *sequence)
{
    return ((struct sequence *)sequence)->problem;
}

static bool healthy(void)
{
    return !plugin.hung;
}

static void on_async(uv_async_t *async)
{
    struct attachment *a = async->data;
    a->ready(a->context);
}

static void on_watchdog(uv_timer_t *timer)
{
    struct attachment *a = timer->data;
    int64_t began = atomic_load(&plugin.call_began);
    if (began && clock_now() - began >= plugin.timeout && !atomic_exchange(&plugin.hung, true))
        log_error("engine", "%s has not come back from a call for %lld s: it gets no more work",
                  plugin.table->name, (long long)(plugin.timeout / NS_PER_S));
    if (plugin.hung && !a->told) {
        a->told = true;
        a->ready(a->context);
    }
    uv_timer_start(timer, on_watchdog, (uint64_t)(plugin.timeout / NS_PER_MS / 8) + 1, 0);
}

static void attach(uv_loop_t *loop, void (*ready)(void *context), void *context)
{
    here = NEW(struct attachment);
    here->ready = ready;
    here->context = context;
    uv_async_init(loop, &here->async, on_async);
    uv_timer_init(loop, &here->watchdog);
    here->async.data = here->watchdog.data = here;
    uv_unref((uv_handle_t *)&here->async);
    uv_unref((uv_handle_t *)&here->watchdog);
    on_watchdog(&here->watchdog);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct attachment *a = handle->data;
    if (--a->handles == 0)
        mem_free(a);
}

/* The loop's sequences have all been freed: whoever looked at `home` before has let go of it. */
static void detach(void)
{
    here->handles = 2;
    uv_close((uv_handle_t *)&here->async, on_handle_closed);
    uv_close((uv_handle_t *)&here->watchdog, on_handle_closed);
    here = NULL;
}

/* ---- loading ---- */

static struct result open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ENSURE(library, ERR_NOT_FOUND, "cannot load the engine: %s", dlerror());
    /* POSIX has the conversion of an object's pointer to a function's. */
    const struct assay_engine *(*symbol)(void);
    *(void **)(&symbol) = dlsym(library, "assay_engine");
    ENSURE(symbol, ERR_UNSUPPORTED, "%s has no function assay_engine: it is no engine", path);
    plugin.table = symbol();
    ENSURE(plugin.table && plugin.table->abi == ASSAY_ENGINE_ABI &&
               plugin.table->size >= sizeof(struct assay_engine),
           ERR_UNSUPPORTED, "%s has another engine interface: expected version %d, got %u", path,
           ASSAY_ENGINE_ABI, plugin.table ? plugin.table->abi : 0);
    const struct assay_engine *t = plugin.table;
    ENSURE(t->name && t->load && t->count && t->start && t->next && t->free && t->usage,
           ERR_UNSUPPORTED, "%s lacks a function of the engine interface", path);
    return RESULT_OK;
}

struct result plugin_load(const char *path, const char *model, int64_t timeout,
                          const struct engine **out)
{
    char error[PROBLEM_TEXT] = "";
    struct assay_engine_usage usage = {0};
    pthread_t thread;
    TRY(open_library(path));
    watch_for_crashes();
    enter("load");
    int failed = plugin.table->load(model, &plugin.theirs, error, sizeof(error));
    leave();
    error[sizeof(error) - 1] = '\0';
    ENSURE(!failed, ERR_DIED, "the engine %s cannot load %s: %s", plugin.table->name, model, error);
    enter("usage");
    plugin.table->usage(plugin.theirs, &usage);
    leave();
    plugin.timeout = timeout;
    plugin.queue_end = &plugin.queue;
    plugin.engine = (struct engine){
        .name = plugin.table->name,
        .weights_bytes = usage.memory_bytes,
        .prompt_tokens = prompt_tokens,
        .start = start,
        .next = next,
        .free = free_sequence,
        .problem = problem,
        .attach = attach,
        .detach = detach,
        .healthy = healthy,
    };
    int refused = pthread_create(&thread, NULL, run, NULL);
    ENSURE(refused == 0, ERR_IO, "cannot start a thread: %s", strerror(refused));
    pthread_detach(thread);
    *out = &plugin.engine;
    return RESULT_OK;
}
