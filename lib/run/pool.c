/*
 * Instances of services and the leases on them. There are as many instances as services of scope
 * "suite", and one more for every case that runs with a service of scope "case".
 */
#include "run/pool.h"

#include <stdio.h>

#include "core/log.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "suite/template.h"

struct hold;

struct instance {
    struct pool *pool;
    const struct plan_service *spec;
    struct service *service;
    struct hold *holds;              /* of the leases on it */
    struct instance *next;           /* of scope "case": in pool.own */
    uint32_t number;                 /* which start of this service in the run, from 1 */
    struct measure_subject *subject; /* while its process runs; NULL: it is not measured */
    pid_t pid;                       /* of the last start, known when it is ready or has failed */
    char *failed;                    /* why it never became ready: it is not tried again */
    enum error_code failed_code;
    bool running; /* between service_start and on_stopped */
    bool ending;  /* asked to stop, or dead: gone with on_stopped */
};

/* A lease's hold on one instance. */
struct hold {
    struct lease *lease;
    struct instance *instance;
    struct hold *next; /* in instance->holds */
    bool news;         /* something about the instance that the lease was not told yet */
};

struct lease {
    struct pool *pool;
    struct lease_events events;
    struct hold *holds;
    size_t hold_count;
    bool told; /* on_ready was called */
    bool leaky;
    size_t ending; /* released: instances of its own that are not gone yet */
    void (*released)(void *context, bool leaky);
    void *released_context;
};

struct pool {
    uv_loop_t *loop;
    const struct plan *plan;
    struct recorder *recorder;
    const struct run_info *run;
    struct metering *metering;
    struct ports *ports;
    struct instance **shared; /* by plan_service.index; NULL until first needed */
    uint32_t *starts;         /* how often it was started, by plan_service.index */
    size_t *users;            /* cases that may still need it, by plan_service.index */
    struct instance *own;     /* those of scope "case" */
    size_t running;
    void (*stopped)(void *context); /* the run is ending: nothing is started any more */
    void *stopped_context;
    bool gone; /* `stopped` was called */
};

/* ── from the suite's node to the service's spec ── */

struct port_scope {
    struct arena *arena;
    uint16_t port;
};

static struct result look_up_port(void *context, const struct template_name *name, json_t **value)
{
    const struct port_scope *scope = context;
    if (slice_is(name->name, "port"))
        *value = jsontext_keep(scope->arena, json_integer(scope->port));
    return RESULT_OK;
}

static const char *text_or(struct arena *arena, const struct node *node, const char *absent)
{
    return node ? arena_string(arena, node_text(arena, node)) : absent;
}

static const char *const *string_list(struct arena *arena, const struct node *list)
{
    if (!list)
        return NULL;
    const char **strings = ARENA_ARRAY(arena, const char *, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        strings[i] = arena_string(arena, node_text(arena, list->items[i]));
    return strings;
}

static const char *const *environment(struct arena *arena, const struct node *map)
{
    if (!map)
        return NULL;
    const char **list = ARENA_ARRAY(arena, const char *, map->count + 1);
    for (size_t i = 0; i < map->count; i++)
        list[i] = arena_printf(arena, "%.*s=%.*s", SLICE_ARG(map->entries[i].key),
                               SLICE_ARG(node_text(arena, map->entries[i].value)));
    return list;
}

static void read_ready(struct arena *arena, const struct node *ready, struct service_spec *spec)
{
    spec->ready.within = node_duration(node_get(ready, "within"), 0);
    spec->ready.environment = spec->environment;
    spec->ready.cwd = spec->cwd;
    if (node_get(ready, "http")) {
        spec->ready.kind = READY_HTTP;
        spec->ready.path = text_or(arena, node_get(ready, "http"), NULL);
        spec->ready.status = (int)node_integer(node_get(ready, "status"), 0);
    } else if (node_get(ready, "log")) {
        spec->ready.kind = READY_LOG;
        spec->ready.pattern = text_or(arena, node_get(ready, "log"), NULL);
    } else if (node_get(ready, "command")) {
        spec->ready.kind = READY_PROGRAM;
        spec->ready.argv = string_list(arena, node_get(ready, "command"));
    } else if (node_get(ready, "tcp")) {
        spec->ready.kind = node_boolean(node_get(ready, "tcp"), true) ? READY_TCP : READY_AT_ONCE;
    }
}

static struct result resolve(void *context, uint16_t port, struct arena *arena,
                             struct service_spec *out)
{
    const struct plan_service *service = context;
    struct port_scope port_scope = {arena, port};
    const struct template_scope scope = {look_up_port, &port_scope};
    const struct node *node, *stop, *port_node;
    TRY(template_fill(arena, service->node, &scope, &node));
    port_node = node_get(node, "port");
    stop = node_get(node, "stop");
    const char *name = arena_string(arena, service->name),
               *cwd = text_or(arena, node_get(node, "cwd"), NULL);
    const char *folder = service->suite->folder;
    if (cwd && cwd[0] != '/')
        cwd = arena_printf(arena, "%s/%s", folder, cwd);
    *out = (struct service_spec){
        .name = name,
        .argv = string_list(arena, node_get(node, "command")),
        .environment = environment(arena, node_get(node, "env")),
        .cwd = cwd ? cwd : folder,
        .url = text_or(arena, node_get(node, "url"), NULL),
        .port = service->ours ? PORT_FREE : PORT_NONE,
        .stop_within = node_duration(node_get(stop, "within"), 0),
        .log_path = text_or(arena, node_get(node, "log"), NULL),
    };
    if (port_node && port_node->kind == NODE_MAP) {
        out->port = PORT_PATTERN;
        out->port_pattern = text_or(arena, node_get(port_node, "pattern"), NULL);
    } else if (port_node) {
        out->port = PORT_NONE; /* fixed: the url has it */
        if (!out->url)
            out->url =
                arena_printf(arena, "http://127.0.0.1:%lld", (long long)node_integer(port_node, 0));
    }
    if (node_get(stop, "signal"))
        TRY(process_signal_named(node_text(arena, node_get(stop, "signal")), &out->stop_signal));
    read_ready(arena, node_get(node, "ready"), out);
    return RESULT_OK;
}

/* ── instances ── */

/* `end` tells how its program ended, NULL that it did not; `log` are its last lines. */
static void emit(const struct instance *instance, const char *state, const char *detail,
                 const struct process_end *end, struct slice log)
{
    /* Without the detail, which may hold what the service printed, and so a secret. */
    log_debug("service", "%.*s is %s", SLICE_ARG(instance->spec->name), state);
    const struct event event = {
        .kind = EVENT_SERVICE,
        .at_wall = clock_wall(),
        .run = instance->pool->run,
        .service = {.name = instance->spec->name,
                    .state = slice_str(state),
                    .detail = slice_str(detail),
                    .instance = instance->number,
                    .pid = instance->pid,
                    .signal = end && end->fate != PROCESS_EXITED ? end->code : 0,
                    .exit_code = end && end->fate == PROCESS_EXITED ? end->code : -1,
                    .log = log},
    };
    recorder_emit(instance->pool->recorder, &event);
}

static void start(struct instance *instance)
{
    instance->running = true;
    instance->ending = false;
    instance->pool->running++;
    instance->number = ++instance->pool->starts[instance->spec->index];
    instance->pid = 0;
    emit(instance, "starting", "", NULL, (struct slice){0});
    service_start(instance->service);
}

static bool all_ready(const struct lease *lease)
{
    for (size_t i = 0; i < lease->hold_count; i++) {
        const struct instance *instance = lease->holds[i].instance;
        if (!instance->running || instance->ending || !service_is_ready(instance->service))
            return false;
    }
    return true;
}

/* The news reaches every lease on the instance once, though leases may come and go meanwhile. */
static struct hold *next_news(struct instance *instance)
{
    for (struct hold *hold = instance->holds; hold; hold = hold->next) {
        if (hold->news) {
            hold->news = false;
            return hold;
        }
    }
    return NULL;
}

static void mark_news(struct instance *instance)
{
    for (struct hold *hold = instance->holds; hold; hold = hold->next)
        hold->news = true;
}

static void tell(struct lease *lease, const char *why, enum error_code code)
{
    if (!lease->told) {
        lease->told = true;
        lease->events.on_ready(lease->events.context, why, code);
    } else if (why) {
        lease->events.on_died(lease->events.context, why);
    }
}

static void end_measuring(struct instance *instance)
{
    if (instance->subject)
        measure_remove(instance->subject);
    instance->subject = NULL;
}

/* Again when its port was taken: then it is another process. */
static void on_started(void *context, struct service *service)
{
    struct instance *instance = context;
    end_measuring(instance);
    instance->subject =
        metering_add(instance->pool->metering, instance->spec->name, instance->number,
                     service_keeper(service), service_pid(service));
}

static void on_ready(void *context, struct service *service)
{
    struct instance *instance = context;
    if (instance->subject)
        measure_ready(instance->subject);
    char detail[96], duration[DURATION_TEXT];
    format_duration(duration, service_start_time(service));
    instance->pid = service_pid(service);
    if (service_is_ours(service))
        snprintf(detail, sizeof(detail), "pid %d, port %u, after %s%s", (int)service_pid(service),
                 service_port(service), duration,
                 service_attempts(service) > 1 ? ", port taken at first" : "");
    else
        snprintf(detail, sizeof(detail), "%.80s", service_url(service));
    emit(instance, "ready", detail, NULL, (struct slice){0});
    mark_news(instance);
    for (struct hold *hold; (hold = next_news(instance));)
        if (!hold->lease->told && all_ready(hold->lease))
            tell(hold->lease, NULL, ERR_OK);
}

static char *why_text(const struct service_failure *why)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_add_str(&t, why->text);
    if (why->log.len)
        text_printf(&t, "; its last lines:\n%.*s", SLICE_ARG(why->log));
    return mem_string(text_str(&t));
}

static void on_lost(struct instance *instance, const struct service_failure *why, const char *state)
{
    DEFER(mem_free_pointer)
    char *text = why_text(why);
    instance->ending = true;
    end_measuring(instance);
    instance->pid = why->pid;
    emit(instance, state, text, why->end, why->log);
    mark_news(instance);
    for (struct hold *hold; (hold = next_news(instance));)
        tell(hold->lease, text, why->code);
}

static void on_failed(void *context, struct service *service, const struct service_failure *why)
{
    (void)service;
    struct instance *instance = context;
    instance->failed = why_text(why);
    instance->failed_code = why->code;
    on_lost(instance, why, "failed");
}

static void on_died(void *context, struct service *service, const struct service_failure *why)
{
    (void)service;
    on_lost(context, why, "died");
}

static void forget_own(struct instance *instance)
{
    struct instance **at = &instance->pool->own;
    while (*at != instance)
        at = &(*at)->next;
    *at = instance->next;
    service_free(instance->service);
    mem_free(instance->failed);
    mem_free(instance);
}

static void lease_gone(struct lease *lease)
{
    if (lease->ending == 0 && lease->released)
        lease->released(lease->released_context, lease->leaky);
}

/* The last service's end may end the last case, which then finds all services gone itself. */
static void tell_when_gone(struct pool *pool)
{
    if (!pool->stopped || pool->gone || pool->running > 0)
        return;
    pool->gone = true;
    pool->stopped(pool->stopped_context);
}

static void on_stopped(void *context, struct service *service, const struct service_rest *rest)
{
    (void)service;
    struct instance *instance = context;
    struct pool *pool = instance->pool;
    struct lease *owner =
        instance->spec->per_case && instance->holds ? instance->holds->lease : NULL;
    char detail[96] = "";
    if (rest->stragglers)
        snprintf(detail, sizeof(detail), "left %u processes behind, now killed", rest->stragglers);
    else if (rest->forced)
        snprintf(detail, sizeof(detail), "did not end by itself and was killed");
    emit(instance, "stopped", detail, rest->end, (struct slice){0});
    instance->running = instance->ending = false;
    end_measuring(instance);
    pool->running--;
    if (owner && owner->released) {
        owner->leaky = owner->leaky || rest->stragglers > 0 || rest->port_in_use;
        owner->ending--;
        forget_own(instance);
        lease_gone(owner);
    } else if (!owner && instance->holds && !instance->failed && !pool->stopped) {
        start(instance); /* it died, and cases came for it meanwhile */
    }
    tell_when_gone(pool);
}

static struct instance *instance_new(struct pool *pool, const struct plan_service *spec)
{
    struct instance *instance = NEW(struct instance);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    union {
        const void *in;
        void *out;
    } context = {.in = spec}; /* resolve only reads it */
    struct service_source source = {context.out, resolve};
    struct service_events events = {.context = instance,
                                    .on_started = on_started,
                                    .on_ready = on_ready,
                                    .on_failed = on_failed,
                                    .on_died = on_died,
                                    .on_stopped = on_stopped};
    instance->pool = pool;
    instance->spec = spec;
    instance->service =
        service_new(pool->loop, pool->ports, arena_string(arena, spec->name), source, events);
    return instance;
}

static struct instance *instance_for(struct pool *pool, const struct plan_service *spec)
{
    if (spec->per_case) {
        struct instance *instance = instance_new(pool, spec);
        instance->next = pool->own;
        pool->own = instance;
        return instance;
    }
    if (!pool->shared[spec->index])
        pool->shared[spec->index] = instance_new(pool, spec);
    return pool->shared[spec->index];
}

/* ── leases ── */

void pool_lease(struct pool *pool, const struct plan_case *pc, struct arena *arena,
                struct lease_events events, struct lease **out)
{
    struct lease *lease = ARENA_NEW(arena, struct lease);
    *out = lease;
    lease->pool = pool;
    lease->events = events;
    lease->holds = ARENA_ARRAY(arena, struct hold, pc->service_count + 1);
    lease->hold_count = pc->service_count;
    const struct instance *failed = NULL;
    for (size_t i = 0; i < pc->service_count; i++) {
        struct instance *instance = instance_for(pool, pc->services[i]);
        struct hold *hold = &lease->holds[i];
        *hold = (struct hold){.lease = lease, .instance = instance, .next = instance->holds};
        instance->holds = hold;
        if (instance->failed)
            failed = instance;
        else if (!instance->running)
            start(instance);
    }
    if (failed)
        tell(lease, failed->failed, failed->failed_code);
    else if (all_ready(lease))
        tell(lease, NULL, ERR_OK);
}

static void let_go(struct hold *hold)
{
    struct hold **at = &hold->instance->holds;
    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
}

static void stop(struct instance *instance)
{
    instance->ending = true;
    service_stop(instance->service);
}

void lease_release(struct lease *lease, void (*released)(void *context, bool leaky), void *context)
{
    lease->told = true;
    lease->released = released;
    lease->released_context = context;
    for (size_t i = 0; i < lease->hold_count; i++) {
        struct instance *instance = lease->holds[i].instance;
        if (!instance->spec->per_case) {
            let_go(&lease->holds[i]);
        } else if (instance->running) {
            lease->ending++; /* the hold stays, to find the way back from on_stopped */
            stop(instance);
        } else {
            forget_own(instance);
        }
    }
    lease_gone(lease);
}

struct measure_subject *lease_subject(const struct lease *lease, const struct plan_service *service)
{
    for (size_t i = 0; i < lease->hold_count; i++)
        if (lease->holds[i].instance->spec == service)
            return lease->holds[i].instance->subject;
    return NULL;
}

struct service *lease_service(const struct lease *lease, const struct plan_service *service)
{
    for (size_t i = 0; i < lease->hold_count; i++)
        if (lease->holds[i].instance->spec == service)
            return lease->holds[i].instance->service;
    return NULL;
}

/* ── the pool ── */

struct pool *pool_new(uv_loop_t *loop, const struct plan *plan, struct recorder *recorder,
                      const struct run_info *run, struct metering *metering)
{
    struct pool *pool = NEW(struct pool);
    pool->metering = metering;
    pool->loop = loop;
    pool->plan = plan;
    pool->recorder = recorder;
    pool->run = run;
    pool->ports = ports_new();
    pool->shared = mem_zero((plan->service_count + 1) * sizeof(struct instance *));
    pool->starts = mem_zero((plan->service_count + 1) * sizeof(uint32_t));
    pool->users = mem_zero((plan->service_count + 1) * sizeof(size_t));
    for (size_t i = 0; i < plan->case_count; i++)
        for (size_t s = 0; s < plan->cases[i]->service_count; s++)
            pool->users[plan->cases[i]->services[s]->index]++;
    return pool;
}

void pool_free(struct pool *pool)
{
    MUST(pool->running == 0 && !pool->own, "%zu services are running", pool->running);
    for (size_t i = 0; i < pool->plan->service_count; i++) {
        if (!pool->shared[i])
            continue;
        service_free(pool->shared[i]->service);
        mem_free(pool->shared[i]->failed);
        mem_free(pool->shared[i]);
    }
    ports_free(pool->ports);
    mem_free(pool->shared);
    mem_free(pool->starts);
    mem_free(pool->users);
    mem_free(pool);
}

void pool_case_over(struct pool *pool, const struct plan_case *pc)
{
    for (size_t i = 0; i < pc->service_count; i++) {
        size_t index = pc->services[i]->index;
        struct instance *instance = pool->shared[index];
        MUST(pool->users[index] > 0, "service %zu has no users left", index);
        if (--pool->users[index] == 0 && instance && instance->running && !instance->ending)
            stop(instance);
    }
}

static void for_each_running(struct pool *pool, void (*act)(struct instance *instance))
{
    for (size_t i = 0; i < pool->plan->service_count; i++)
        if (pool->shared[i] && pool->shared[i]->running)
            act(pool->shared[i]);
    for (struct instance *instance = pool->own; instance; instance = instance->next)
        if (instance->running)
            act(instance);
}

static void stop_once(struct instance *instance)
{
    if (!instance->ending)
        stop(instance);
}

void pool_stop(struct pool *pool, void (*stopped)(void *context), void *context)
{
    pool->stopped = stopped;
    pool->stopped_context = context;
    for_each_running(pool, stop_once);
    tell_when_gone(pool);
}

static void kill_now(struct instance *instance)
{
    instance->ending = true;
    service_kill(instance->service);
}

void pool_kill(struct pool *pool)
{
    for_each_running(pool, kill_now);
}
