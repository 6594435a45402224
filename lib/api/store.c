/*
 * assay_store: keeping the result store.
 */
#include <errno.h>

#include "api/session.h"
#include "core/clock.h"
#include "core/parse.h"
#include "record/json_out.h"
#include "record/store_admin.h"

struct job {
    struct session *session;
    const struct assay_store_options *o;
    struct store *store;
};

/* "1 run", "2 runs" */
static const char *counted(struct arena *arena, int64_t count, const char *word)
{
    return arena_printf(arena, "%lld %s%s", (long long)count, word, count == 1 ? "" : "s");
}

/* "12.3 MB" */
static const char *size_text(struct arena *arena, int64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1000;
    return arena_printf(arena, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static const char *kind_text(const struct store_facts *facts)
{
    return facts->kind == DATABASE_SQLITE ? "SQLite" : "PostgreSQL";
}

static void info_json(struct arena *arena, const struct store_facts *f, FILE *out)
{
    struct text t = text_in(arena);
    json_open(&t, NULL, '{');
    json_text(&t, "store", slice_str(f->name));
    json_text(&t, "kind", slice_str(f->kind == DATABASE_SQLITE ? "sqlite" : "postgresql"));
    json_integer_of(&t, "schema", f->version);
    json_integer_of(&t, "bytes", f->bytes);
    json_integer_of(&t, "free_bytes", f->free);
    json_integer_of(&t, "runs", f->runs);
    json_integer_of(&t, "loads", f->loads);
    json_integer_of(&t, "cases", f->cases);
    json_integer_of(&t, "results", f->results);
    json_integer_of(&t, "baselines", f->baselines);
    json_integer_of(&t, "quarantined", f->quarantined);
    char oldest[CLOCK_TEXT], newest[CLOCK_TEXT];
    if (f->runs) {
        json_text(&t, "oldest", slice_str(clock_text(oldest, f->oldest)));
        json_text(&t, "newest", slice_str(clock_text(newest, f->newest)));
    }
    json_close(&t, '}');
    fprintf(out, "%s\n", text_str(&t));
}

static struct result info(struct job *j)
{
    struct arena *arena = j->session->arena;
    FILE *out = j->session->streams.out;
    struct store_facts f;
    char oldest[CLOCK_TEXT], newest[CLOCK_TEXT];

    TRY(store_facts(j->store, &f));
    if (j->o->json) {
        info_json(arena, &f, out);
        return RESULT_OK;
    }
    fprintf(out, "store       %s (%s, schema %d)\n", f.name, kind_text(&f), f.version);
    fprintf(out, "size        %s", size_text(arena, f.bytes));
    if (f.free)
        fprintf(out, ", of which %s are free for later runs", size_text(arena, f.free));
    fprintf(out, "\nruns        %lld", (long long)f.runs);
    if (f.runs)
        fprintf(out, ", from %.10s to %.10s", clock_text(oldest, f.oldest),
                clock_text(newest, f.newest));
    if (f.loads)
        fprintf(out, "; %s among them", counted(arena, f.loads, "load"));
    fprintf(out, "\ncases       %lld\nresults     %lld\nbaselines   %lld\nquarantine  %lld\n",
            (long long)f.cases, (long long)f.results, (long long)f.baselines,
            (long long)f.quarantined);
    return RESULT_OK;
}

/* What was copied goes to standard output: the words to standard error. */
static struct result export_runs(struct job *j)
{
    struct arena *arena = j->session->arena;
    struct store_copy copied;
    TRY(store_export(j->store, j->o->words.items, j->o->words.count, j->session->streams.out,
                     &copied));
    fprintf(j->session->streams.err, "exported %s with %s\n", counted(arena, copied.runs, "run"),
            counted(arena, copied.results, "result"));
    return RESULT_OK;
}

static struct result import_stream(struct job *j, FILE *from, const char *name)
{
    struct arena *arena = j->session->arena;
    struct store_copy copied;
    char took[DURATION_TEXT];
    int64_t begun = clock_now();

    TRY(store_import(j->store, from, name, &copied));
    format_duration(took, clock_now() - begun);
    fprintf(j->session->streams.out, "%s: imported %s with %s in %s", name,
            counted(arena, copied.runs, "run"), counted(arena, copied.results, "result"), took);
    if (copied.runs_there)
        fprintf(j->session->streams.out, "; %s there already",
                copied.runs_there == 1
                    ? "1 run was"
                    : arena_printf(arena, "%lld runs were", (long long)copied.runs_there));
    fputc('\n', j->session->streams.out);
    return RESULT_OK;
}

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* From another store, through a file that nobody else sees. */
static struct result import_store(struct job *j, const char *url)
{
    DEFER(session_store_close)
    struct store *other = NULL;
    struct store_copy copied;
    TRY(session_store(url, false, &other));
    ENSURE(other, ERR_NOT_FOUND, "there is no store at %s", url);
    const char *name = database_name(store_database(other));
    ENSURE(strcmp(name, database_name(store_database(j->store))) != 0, ERR_USAGE,
           "%s cannot be imported into itself; --store names another", name);
    DEFER(close_file)
    FILE *between = tmpfile();
    ENSURE(between, ERR_IO, "cannot make a temporary file: %s", strerror(errno));
    TRY(store_export(other, NULL, 0, between, &copied));
    ENSURE(fseek(between, 0, SEEK_SET) == 0, ERR_IO, "cannot read a temporary file: %s",
           strerror(errno));
    return import_stream(j, between, name);
}

static struct result import_one(struct job *j, const char *word)
{
    if (strcmp(word, "-") == 0)
        return import_stream(j, stdin, "standard input");
    if (strstr(word, "://") || strncmp(word, "sqlite:", strlen("sqlite:")) == 0)
        return import_store(j, word);
    DEFER(close_file)
    FILE *file = fopen(word, "r");
    ENSURE(file, ERR_IO, "cannot open %s: %s", word, strerror(errno));
    return import_stream(j, file, word);
}

static struct result import_all(struct job *j)
{
    ENSURE(j->o->words.count, ERR_USAGE,
           "nothing to import: name files, - for standard input, or urls of stores");
    for (size_t i = 0; i < j->o->words.count; i++)
        TRY(import_one(j, j->o->words.items[i]));
    return RESULT_OK;
}

static struct result prune(struct job *j)
{
    struct arena *arena = j->session->arena;
    FILE *out = j->session->streams.out;
    struct store_prune which = {.runs = j->o->words.items,
                                .run_count = j->o->words.count,
                                .keep = j->o->keep,
                                .older = j->o->older_ns,
                                .dry_run = j->o->dry_run,
                                .compact = j->o->compact};
    struct store_pruned pruned;

    ENSURE(which.run_count || which.keep || which.older, ERR_USAGE,
           "prune what? Name runs, or say --keep N or --older AGE or both");
    ENSURE(!which.run_count || (!which.keep && !which.older), ERR_USAGE,
           "name runs, or say --keep and --older, not both");
    TRY(store_prune(j->store, arena, &which, &pruned));
    if (which.dry_run)
        for (size_t i = 0; i < pruned.count; i++)
            fprintf(out, "%.*s\n", SLICE_ARG(pruned.runs[i]));
    fprintf(out, which.dry_run ? "would prune %s" : "pruned %s",
            counted(arena, (int64_t)pruned.count, "run"));
    if (pruned.pinned)
        fprintf(out, "; kept %s", counted(arena, (int64_t)pruned.pinned, "baseline"));
    if (pruned.running)
        fprintf(out, "; kept %s that may still be going on",
                counted(arena, (int64_t)pruned.running, "run"));
    fputc('\n', out);
    return RESULT_OK;
}

static struct result migrate(struct job *j)
{
    const char *url = j->o->store ? j->o->store : ASSAY_DEFAULT_STORE;
    FILE *out = j->session->streams.out;
    int from = 0, to = 0;
    TRY(store_upgrade(url, &from, &to));
    if (from == to)
        fprintf(out, "schema %d is up to date\n", to);
    else if (from == 0)
        fprintf(out, "made a new store of schema %d\n", to);
    else
        fprintf(out, "schema %d became schema %d\n", from, to);
    return RESULT_OK;
}

static struct result carry_out(struct job *j)
{
    static struct result (*const actions[])(struct job *j) = {
        [ASSAY_STORE_INFO] = info,         [ASSAY_STORE_EXPORT] = export_runs,
        [ASSAY_STORE_IMPORT] = import_all, [ASSAY_STORE_PRUNE] = prune,
        [ASSAY_STORE_MIGRATE] = migrate,
    };
    const char *url = j->o->store ? j->o->store : ASSAY_DEFAULT_STORE;
    bool create = j->o->action == ASSAY_STORE_IMPORT;

    ENSURE(strcmp(url, "none") != 0, ERR_USAGE, "--store none is no store");
    if (j->o->action == ASSAY_STORE_MIGRATE)
        return migrate(j);
    TRY(session_store(url, create, &j->store));
    ENSURE(j->store, ERR_NOT_FOUND, "there is no store at %s; `assay run` makes one", url);
    return actions[j->o->action](j);
}

int assay_store(const struct assay_store_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    struct job job = {.session = &session, .o = options};
    struct result r = carry_out(&job);
    int status = result_ok(r) ? 0 : session_failed(&session, r);
    store_close(job.store);
    return status;
}
