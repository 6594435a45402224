/*
 * assay-worker: the reference LLM worker that gateways, routers and clients are tested against.
 */
#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/memory.h"
#include "faults.h"
#include "options.h"
#include "plugin.h"
#include "stub.h"
#include "worker.h"

static int complain(struct result failed)
{
    fprintf(stderr, "assay-worker: %s\n", error_last()->text);
    return error_exit_status(failed.code);
}

int main(int argc, char **argv)
{
    mem_install();
    struct options options;
    struct result read = log_setup();
    if (result_ok(read))
        read = options_read(&options, argc, argv);
    if (!result_ok(read))
        return complain(read);
    if (options.help) {
        options_help(stdout);
        return 0;
    }
    if (options.help_faults) {
        struct arena *arena = arena_new();
        fputs(faults_page(arena), stdout);
        arena_free(arena);
        return 0;
    }
    if (options.version) {
        puts("assay-worker " ASSAY_VERSION);
        return 0;
    }
    const struct engine *engine = &stub_engine;
    if (options.engine)
        read = plugin_load(options.engine, options.model,
                           (int64_t)options.engine_timeout_s * NS_PER_S, &engine);
    return result_ok(read) ? worker_run(&options, engine) : complain(read);
}
