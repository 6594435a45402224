/*
 * Command lines of workers.
 */
#include "harness/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/text.h"
#include "service/probe.h"

/* A worker does not call this one: the original's own tests pass it for want of a listener. */
#define NO_CALLBACK "http://localhost:9999/callback"

/* ---- copying ---- */

static const char *copy_string(struct arena *arena, const char *text)
{
    return text ? arena_string(arena, slice_str(text)) : NULL;
}

static size_t list_length(const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static const char *const *copy_list(struct arena *arena, const char *const *list)
{
    if (!list)
        return NULL;
    size_t count = list_length(list);
    const char **copy = ARENA_ARRAY(arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = copy_string(arena, list[i]);
    return copy;
}

struct assay_worker_options *command_copy(struct arena *arena,
                                          const struct assay_worker_options *options)
{
    struct assay_worker_options *copy = ARENA_NEW(arena, struct assay_worker_options);
    if (!options)
        return copy;
    *copy = *options;
    copy->command = copy_list(arena, options->command);
    copy->binary = copy_string(arena, options->binary);
    copy->model = copy_string(arena, options->model);
    copy->arguments = copy_list(arena, options->arguments);
    copy->environment = copy_list(arena, options->environment);
    copy->directory = copy_string(arena, options->directory);
    copy->url = copy_string(arena, options->url);
    copy->ready_path = copy_string(arena, options->ready_path);
    copy->log_path = copy_string(arena, options->log_path);
    return copy;
}

/* ---- checking ---- */

static bool list_mentions(const char *const *list, const char *word)
{
    for (size_t i = 0; list && list[i]; i++)
        if (strstr(list[i], word))
            return true;
    return false;
}

static struct result check_command(const struct assay_worker_options *o)
{
    ENSURE(o->command[0], ERR_VALUE, "options.command is empty");
    ENSURE(!o->binary, ERR_VALUE,
           "options.command and options.binary are both given: the program of a command is its "
           "first word");
    ENSURE(o->port || list_mentions(o->command, "{port}") ||
               list_mentions(o->arguments, "{port}") || list_mentions(o->environment, "{port}"),
           ERR_VALUE,
           "the command of \"%s\" does not say where to listen: put {port} into command, arguments "
           "or environment, or set options.port",
           o->command[0]);
    return RESULT_OK;
}

struct result command_check(const struct assay_worker_options *o)
{
    ENSURE(o->ready_timeout_ns >= 0 && o->stop_timeout_ns >= 0, ERR_VALUE, "a timeout is negative");
    if (!o->url)
        return o->command ? check_command(o) : RESULT_OK;
    ENSURE(!o->command && !o->binary && !o->arguments && !o->environment && !o->port, ERR_VALUE,
           "options.url is for a worker that runs already, but there is also a command, binary, "
           "arguments, environment or port");
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct probe_target target;
    return probe_http(arena, o->url, "/", 0, &target);
}

/* ---- filling in ---- */

struct placeholder {
    const char *name, *value;
};

static const char *fill_in(struct arena *arena, const char *template,
                           const struct placeholder *placeholders)
{
    struct text t = text_in(arena);
    while (*template) {
        const struct placeholder *p = placeholders;
        while (p->name && strncmp(template, p->name, strlen(p->name)) != 0)
            p++;
        if (p->name)
            text_add_str(&t, p->value);
        else
            text_add_byte(&t, *template);
        template += p->name ? strlen(p->name) : 1;
    }
    return text_str(&t);
}

static const char *program(const struct assay_worker_options *o)
{
    const char *named = getenv("ASSAY_WORKER_BIN");
    return o->binary ? o->binary : named && *named ? named : "assay-worker";
}

static const char *const *whole_command(struct arena *arena, const struct assay_worker_options *o,
                                        const struct placeholder *placeholders)
{
    const char *const usual[] = {
        program(o), "--worker-id",    "{worker_id}", "--model",
        "{model}",  "--gpu-device",   "{gpu}",       "--port",
        "{port}",   "--callback-url", NO_CALLBACK,   o->model ? NULL : "--stub-mode",
        NULL};
    const char *const *base = o->command ? o->command : usual;
    size_t count = list_length(base), more = list_length(o->arguments);
    const char **argv = ARENA_ARRAY(arena, const char *, count + more + 1);
    for (size_t i = 0; i < count + more; i++)
        argv[i] = fill_in(arena, i < count ? base[i] : o->arguments[i - count], placeholders);
    return argv;
}

void command_service(struct arena *arena, const struct assay_worker_options *o, uint16_t port,
                     struct service_spec *out)
{
    *out = (struct service_spec){
        .name = command_name(o),
        .url = o->url,
        .ready = {.kind = READY_HTTP,
                  .path = o->ready_path ? o->ready_path : "/health",
                  .within = o->ready_timeout_ns},
        .stop_within = o->stop_timeout_ns,
        .log_path = o->log_path,
    };
    if (o->url)
        return;
    if (o->port)
        out->url = arena_printf(arena, "http://127.0.0.1:%u", o->port);
    const char *number = arena_printf(arena, "%u", o->port ? o->port : port);
    const struct placeholder placeholders[] = {
        {"{port}", number},
        {"{model}", o->model ? o->model : "/dev/null"},
        {"{gpu}", arena_printf(arena, "%u", o->gpu)},
        {"{worker_id}", arena_printf(arena, "test-worker-%s", number)},
        {NULL, NULL},
    };
    out->port = o->port ? PORT_NONE : PORT_FREE;
    out->argv = whole_command(arena, o, placeholders);
    out->cwd = o->directory;
    size_t count = list_length(o->environment);
    const char **environment = ARENA_ARRAY(arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        environment[i] = fill_in(arena, o->environment[i], placeholders);
    out->environment = environment;
}

const char *command_name(const struct assay_worker_options *o)
{
    const char *path = o->url ? o->url : o->command ? o->command[0] : program(o);
    const char *slash = o->url ? NULL : strrchr(path, '/');
    return slash ? slash + 1 : path;
}
