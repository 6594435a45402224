/*
 * The common ground of the public API's jobs.
 */
#include "api/session.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/random.h"
#include "measure/machine.h"
#include "record/store_admin.h"

const char *assay_version(void)
{
    return ASSAY_VERSION;
}

int assay_init(FILE *err)
{
    mem_install();
    struct result r = log_setup();
    if (result_ok(r))
        return 0;
    fprintf(err, "assay: %s\n", error_last()->text);
    return error_exit_status(r.code);
}

struct session session_begin(const struct assay_streams *streams)
{
    struct session s = {.arena = arena_new(), .streams = *streams};
    s.streams.out = s.streams.out ? s.streams.out : stdout;
    s.streams.err = s.streams.err ? s.streams.err : stderr;
    s.streams.columns = s.streams.columns ? s.streams.columns : 80;
    return s;
}

void session_end(struct session *session)
{
    arena_free(session->arena);
}

int session_failed(const struct session *session, struct result result)
{
    const struct error *e = error_last();
    if (session->faults_shown)
        return error_exit_status(result.code);
    if (e->place.source) {
        struct diagnostics d = diagnostics_in(session->arena);
        diagnose_error(&d, e->place);
        diagnostics_print(&d, session->streams.err, session->streams.err_color);
    } else {
        const char *red = session->streams.err_color ? "\033[31m" : "",
                   *plain = session->streams.err_color ? "\033[0m" : "";
        fprintf(session->streams.err, "%serror%s: %s\n", red, plain, e->text);
    }
    return error_exit_status(result.code);
}

static int64_t expected(void *store, struct slice key)
{
    return store_expected_duration(store, key);
}

struct result session_plan(struct session *session, const struct assay_selection *s,
                           struct store *store, uint64_t seed, const struct plan_earlier *earlier,
                           struct plan **out)
{
    struct diagnostics d = diagnostics_in(session->arena);
    struct plan_options options = {
        .paths = s->suites.items,
        .path_count = s->suites.count,
        .sets = s->sets.items,
        .set_count = s->sets.count,
        .filter = s->filter,
        .tags = s->tags.items,
        .tag_count = s->tags.count,
        .cases = s->cases.items,
        .case_count = s->cases.count,
        .shard = s->shard,
        .shards = s->shards,
        .earlier = earlier,
        .seed = seed,
        .timeout = s->timeout_ns,
        .expected = store ? expected : NULL,
        .context = store,
    };
    struct result r = plan_make(session->arena, &options, &d, out);
    if (d.count)
        diagnostics_print(&d, session->streams.err, session->streams.err_color);
    session->faults_shown = d.count > 0;
    return r;
}

struct result session_store(const char *url, bool create, struct store **out)
{
    *out = NULL;
    url = url ? url : ASSAY_DEFAULT_STORE;
    if (strcmp(url, "none") == 0)
        return RESULT_OK;
    const char *path = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
    bool file = !strstr(url, "://"); /* a database on a server is there, or is an error */
    if (!create && file && access(path, F_OK) != 0)
        return RESULT_OK;
    return store_open(url, out);
}

void session_store_close(struct store **store)
{
    store_close(*store);
}

static const char *new_run_id(struct arena *arena)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
    return arena_printf(arena, "%s-%04x", stamp, (unsigned)(random_fresh_seed() & 0xffff));
}

void session_new_run(struct session *session, struct run_info *out)
{
    struct arena *arena = session->arena;
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    out->id = slice_str(new_run_id(arena));
    out->host = arena_copy(arena, slice_str(host));
    out->machine = machine_json(arena, ".");
    out->version = slice_str(assay_version());
    out->started_wall = clock_wall();
    out->exit_status = -1;
}

static struct result read_keep(const char *keep, struct store_prune *out)
{
    uint64_t count = 0;
    *out = (struct store_prune){0};
    if (result_ok(parse_unsigned(slice_str(keep), INT32_MAX, &count)) && count > 0) {
        out->keep = (int64_t)count;
        return RESULT_OK;
    }
    ENSURE(result_ok(parse_duration(slice_str(keep), &out->older)) && out->older > 0, ERR_USAGE,
           "--keep %s: expected how many runs, such as 100, or an age, such as 30d", keep);
    return RESULT_OK;
}

struct result session_keep_check(const char *keep)
{
    struct store_prune which;
    return keep ? read_keep(keep, &which) : RESULT_OK;
}

struct result session_keep(struct session *session, const char *url, const char *keep)
{
    DEFER(session_store_close)
    struct store *store = NULL;
    struct store_prune which;
    struct store_pruned pruned;
    if (!keep)
        return RESULT_OK;
    TRY(read_keep(keep, &which));
    TRY(session_store(url, false, &store));
    return store ? store_prune(store, session->arena, &which, &pruned) : RESULT_OK;
}

uint32_t session_jobs(uint32_t wanted)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return wanted ? wanted : processors > 0 ? (uint32_t)processors : 1;
}
