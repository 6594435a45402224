/*
 * The thread and its loop. A forked child has the memory but not the thread: there the hub begins
 * anew, which is why fork() waits until nobody is within the lock.
 */
#include "harness/hub.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "service/port.h"

struct call {
    void (*work)(void *context);
    void *context;
    bool done;
    struct call *next;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pid_t process; /* the one that has the thread */
    enum { NONE, RUNNING, ENDING } state;
    size_t users;
    struct call *first; /* to be done on the loop */
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    struct ports *ports;
} hub = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- the lock ---- */

static void begin_condition(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&hub.changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* A keeper is made without these handlers, and what it forks must not meet them either: the lock
 * may be held by a thread that it does not have. (Sanitizers make a fork of its vfork.) */
static void before_fork(void)
{
    if (getpid() == hub.process)
        hub_lock();
}

static void after_fork(void)
{
    if (getpid() == hub.process)
        hub_unlock();
}

static void after_fork_in_child(void)
{
    if (getppid() != hub.process)
        return;
    begin_condition(); /* whoever waited is not here */
    hub.process = getpid();
    hub.state = NONE;
    hub.users = 0;
    hub.first = NULL;
    hub_unlock();
}

static void prepare(void)
{
    begin_condition();
    hub.process = getpid();
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void hub_lock(void)
{
    pthread_mutex_lock(&hub.lock);
}

void hub_unlock(void)
{
    pthread_mutex_unlock(&hub.lock);
}

void hub_tell(void)
{
    pthread_cond_broadcast(&hub.changed);
}

bool hub_wait(int64_t deadline)
{
    if (deadline == CLOCK_NEVER) {
        pthread_cond_wait(&hub.changed, &hub.lock);
        return true;
    }
    struct timespec until = {deadline / NS_PER_S, deadline % NS_PER_S};
    return pthread_cond_timedwait(&hub.changed, &hub.lock, &until) != ETIMEDOUT;
}

/* ---- the loop's side ---- */

static void woken(uv_async_t *wake)
{
    hub_lock();
    struct call *call = hub.first;
    hub.first = NULL;
    bool ending = hub.state == ENDING;
    hub_unlock();
    while (call) {
        struct call *next = call->next; /* a call that is done may be gone */
        call->work(call->context);
        hub_lock();
        call->done = true;
        hub_tell();
        hub_unlock();
        call = next;
    }
    if (ending)
        uv_close((uv_handle_t *)wake, NULL);
}

static void *run(void *loop)
{
    (void)uv_run(loop, UV_RUN_DEFAULT);
    return NULL;
}

/* ---- the callers' side ---- */

/* Signals are the test program's; a keeper gives the worker a clean mask. */
static int start_thread(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&hub.thread, NULL, run, &hub.loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static struct result begin(void)
{
    int failed = uv_loop_init(&hub.loop);
    ENSURE(failed == 0, ERR_IO, "no event loop: %s", uv_strerror(failed));
    failed = uv_async_init(&hub.loop, &hub.wake, woken);
    if (failed == 0) {
        failed = -start_thread();
        if (failed == 0)
            return RESULT_OK;
        uv_close((uv_handle_t *)&hub.wake, NULL);
        (void)uv_run(&hub.loop, UV_RUN_DEFAULT);
    }
    (void)uv_loop_close(&hub.loop);
    return error_set(ERR_IO, "no thread for workers: %s", uv_strerror(failed));
}

struct result hub_enter(void)
{
    pthread_once(&once, prepare);
    hub_lock();
    while (hub.state == ENDING)
        (void)hub_wait(CLOCK_NEVER);
    struct result r = RESULT_OK;
    if (hub.state == NONE)
        r = begin();
    if (result_ok(r)) {
        hub.state = RUNNING;
        hub.users++;
    }
    hub_unlock();
    return r;
}

void hub_leave(void)
{
    hub_lock();
    bool last = --hub.users == 0;
    if (last) {
        hub.state = ENDING;
        (void)uv_async_send(&hub.wake);
    }
    hub_unlock();
    if (!last)
        return;
    pthread_join(hub.thread, NULL);
    int busy = uv_loop_close(&hub.loop);
    MUST(busy == 0, "the loop of the workers still has handles: %s", uv_strerror(busy));
    hub_lock();
    hub.state = NONE;
    hub_tell();
    hub_unlock();
}

void hub_call(void (*work)(void *context), void *context)
{
    struct call call = {.work = work, .context = context};
    hub_lock();
    struct call **end = &hub.first;
    while (*end)
        end = &(*end)->next;
    *end = &call;
    (void)uv_async_send(&hub.wake);
    while (!call.done)
        (void)hub_wait(CLOCK_NEVER);
    hub_unlock();
}

uv_loop_t *hub_loop(void)
{
    return &hub.loop;
}

struct ports *hub_ports(void)
{
    if (!hub.ports)
        hub.ports = ports_new();
    return hub.ports;
}
