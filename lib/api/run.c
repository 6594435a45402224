/*
 * assay_run: the main job. Everything is opened and checked before anything is started; then one
 * loop runs until the last result is recorded.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "api/order.h"
#include "api/session.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/text.h"
#include "measure/measure.h"
#include "record/recorder.h"
#include "report/explained.h"
#include "report/quarantine.h"
#include "run/run.h"

struct job {
    const struct assay_run_options *o;
    struct session session;
    struct assay_selection selection; /* of the options, or of the run that is resumed */
    struct store *store;
    struct plan *plan;
    struct redactor *redactor;
    struct recorder *recorder;
    struct run_info info;
    struct run *run;
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    struct run_info earlier;  /* the run that this one goes on from */
    struct plan_earlier left; /* of it */
    struct quarantined *quarantine;
    size_t quarantine_count, excused; /* excused: of this session, that do not count */
    const char *order_summary;        /* of an order by risk; NULL */
    bool continued, resumed, interrupted;
    struct result broken; /* the store failed */
};

/* ── options of a run, as the store keeps them for --resume ── */

static json_t *string_array(struct arena *arena, const struct redactor *redactor,
                            struct assay_strings strings)
{
    json_t *array = json_array();
    for (size_t i = 0; i < strings.count; i++) {
        struct slice text = slice_str(strings.items[i]);
        /* A secret is not kept: it has to be given again. */
        if (slice_eq(redact_text(redactor, arena, text), text))
            json_array_append(array, jsontext_string(arena, text));
    }
    return array;
}

static json_t *pack_selection(struct job *j)
{
    const struct assay_selection *s = &j->selection;
    struct arena *arena = j->session.arena;
    json_t *options = jsontext_keep(arena, json_object());
    json_object_set_new(options, "suites", string_array(arena, j->redactor, s->suites));
    json_object_set_new(options, "sets", string_array(arena, j->redactor, s->sets));
    json_object_set_new(options, "tags", string_array(arena, j->redactor, s->tags));
    json_object_set_new(options, "cases", string_array(arena, j->redactor, s->cases));
    if (s->filter)
        json_object_set_new(options, "filter", json_string(s->filter));
    json_object_set_new(options, "shard", json_integer(s->shard));
    json_object_set_new(options, "shards", json_integer(s->shards));
    json_object_set_new(options, "timeout", json_integer(s->timeout_ns));
    return options;
}

static struct assay_strings unpack_strings(struct arena *arena, const json_t *array,
                                           struct assay_strings more)
{
    size_t count = json_array_size(array);
    const char **items = ARENA_ARRAY(arena, const char *, count + more.count + 1);
    for (size_t i = 0; i < count; i++)
        items[i] = arena_string(arena, jsontext_slice(json_array_get(array, i)));
    for (size_t i = 0; i < more.count; i++)
        items[count + i] = more.items[i];
    return (struct assay_strings){items, count + more.count};
}

static void unpack_selection(struct job *j, const json_t *options)
{
    struct arena *arena = j->session.arena;
    const json_t *filter = json_object_get(options, "filter");
    struct assay_selection *s = &j->selection;
    s->suites =
        unpack_strings(arena, json_object_get(options, "suites"), (struct assay_strings){0});
    s->sets = unpack_strings(arena, json_object_get(options, "sets"), s->sets);
    s->tags = unpack_strings(arena, json_object_get(options, "tags"), (struct assay_strings){0});
    s->cases = unpack_strings(arena, json_object_get(options, "cases"), (struct assay_strings){0});
    s->filter = filter ? arena_string(arena, jsontext_slice(filter)) : NULL;
    s->shard = (uint32_t)json_integer_value(json_object_get(options, "shard"));
    s->shards = (uint32_t)json_integer_value(json_object_get(options, "shards"));
    s->timeout_ns = json_integer_value(json_object_get(options, "timeout"));
}

/* ── what to run ── */

static struct result find_earlier(struct job *j)
{
    const struct assay_run_options *o = j->o;
    const char *name = o->resume ? o->resume : o->rerun_failed;
    if (!name)
        return RESULT_OK;
    const char *url = o->store ? o->store : ASSAY_DEFAULT_STORE;
    ENSURE(strcmp(url, "none") != 0, ERR_USAGE,
           "an earlier run is found in the store, and --store none has nothing");
    ENSURE(j->store, ERR_USAGE, "there is no store at %s: nothing was run here before", url);
    struct arena *arena = j->session.arena;
    struct slice *keys, *not_passed, id;
    TRY(store_find(j->store, arena, slice_str(name), &j->earlier));
    id = j->earlier.id;
    ENSURE(!j->earlier.load, ERR_USAGE,
           "run %.*s is a load: it has no cases to go on with; `assay load` with its options does "
           "it again",
           SLICE_ARG(id));
    unpack_selection(j, j->earlier.options);
    j->continued = true;
    j->resumed = o->resume != NULL;
    if (!o->selection.has_seed)
        j->info.seed = j->earlier.seed; /* generated values that failed are tried again */
    if (j->resumed)
        TRY(store_unfinished(j->store, arena, id, &keys, &j->left.key_count));
    else
        TRY(store_failed(j->store, arena, id, &keys, &j->left.key_count));
    TRY(store_not_passed(j->store, arena, id, &not_passed, &j->left.not_passed_count));
    j->left.keys = keys;
    j->left.not_passed = not_passed;
    j->left.dependents = !j->resumed;
    if (j->resumed)
        j->info.id = id; /* the run goes on under its own id */
    return RESULT_OK;
}

static int by_slice(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* A case that the earlier run planned and the suites no longer have. */
static struct result check_all_found(const struct job *j)
{
    size_t count = j->plan->case_count;
    struct slice *planned = ARENA_ARRAY(j->session.arena, struct slice, count + 1);
    for (size_t i = 0; i < count; i++)
        planned[i] = j->plan->cases[i]->key;
    qsort(planned, count, sizeof(*planned), by_slice);
    for (size_t k = 0; k < j->left.key_count; k++) {
        const struct slice *key = &j->left.keys[k];
        ENSURE(count && bsearch(key, planned, count, sizeof(*planned), by_slice), ERR_USAGE,
               "the earlier run had a case \"%.*s\", and the suites no longer have it; start a new "
               "run",
               SLICE_ARG(*key));
    }
    return RESULT_OK;
}

static struct result make_plan(struct job *j)
{
    const struct assay_run_options *o = j->o;
    if (o->selection.has_seed)
        j->info.seed = o->selection.seed;
    else if (!j->continued)
        j->info.seed = random_fresh_seed();
    TRY(session_plan(&j->session, &j->selection, j->store, j->info.seed,
                     j->continued ? &j->left : NULL, &j->plan));
    TRY(check_all_found(j));
    if (o->by_risk)
        TRY(order_by_risk(&j->session, j->store, j->plan, &j->order_summary));
    else
        plan_arrange(j->plan, session_jobs(j->o->jobs));
    j->redactor = redactor_new();
    for (size_t i = 0; i < j->plan->secret_count; i++)
        redactor_add(j->redactor, j->plan->secrets[i]);
    return RESULT_OK;
}

/* The command line for the record; secrets go before quoting could hide them. */
static struct slice command_typed(struct job *j)
{
    struct text t = text_in(j->session.arena);
    text_add_str(&t, "assay");
    for (size_t i = 0; i < j->o->arguments.count; i++) {
        text_add_byte(&t, ' ');
        text_add_shell(&t, redact_text(j->redactor, j->session.arena,
                                       session_shown(&j->session, &j->o->arguments, i)));
    }
    return text_slice(&t);
}

static void describe_run(struct job *j)
{
    struct slice id = j->info.id; /* of the run that is resumed */
    session_new_run(&j->session, &j->info);
    if (j->resumed)
        j->info.id = id;
    j->info.command = command_typed(j);
    j->info.options = pack_selection(j);
    j->info.jobs = session_jobs(j->o->jobs);
    j->info.planned = j->plan->case_count;
}

/* ── recording ── */

static struct result open_recorder(struct job *j)
{
    const struct assay_run_options *o = j->o;
    const struct assay_streams *s = &j->session.streams;
    static const enum console_detail details[] = {[ASSAY_NORMAL] = CONSOLE_NORMAL,
                                                  [ASSAY_QUIET] = CONSOLE_QUIET,
                                                  [ASSAY_VERBOSE] = CONSOLE_VERBOSE};
    struct sink **sinks = ARENA_ARRAY(j->session.arena, struct sink *,
                                      o->reports.count + o->webhooks.targets.count + 1);
    size_t count = 0;
    bool report_on_stdout = false;
    struct result r = session_reports(&o->reports, j->store != NULL, sinks, &count);
    for (size_t i = 0; i < o->reports.count; i++)
        report_on_stdout =
            report_on_stdout || sink_report_on_stdout(slice_str(o->reports.items[i]));
    /* A report on standard output has it for itself. */
    FILE *to = report_on_stdout ? s->err : s->out;
    sinks[count++] =
        sink_console(to, details[o->detail], report_on_stdout ? s->err_color : s->out_color,
                     s->live && !report_on_stdout, s->columns);
    if (result_ok(r)) /* after the console: a receiver that is gone keeps nobody waiting */
        r = session_webhooks(&j->session, &o->webhooks, o->store, j->info.id, sinks, &count);
    if (j->store) {
        sinks[0] = sink_explained(o->store ? o->store : ASSAY_DEFAULT_STORE, sinks, count);
        count = 1;
    }
    struct store *store = j->store;
    j->store = NULL; /* the recorder's from here on */
    j->recorder = recorder_new(&j->loop, store, sinks, count, j->redactor);
    return r;
}

static struct result begin_recording(struct job *j)
{
    struct planned_case *cases =
        ARENA_ARRAY(j->session.arena, struct planned_case, j->plan->case_count + 1);
    for (size_t i = 0; i < j->plan->case_count; i++) {
        const struct plan_case *pc = j->plan->cases[i];
        cases[i] = (struct planned_case){pc->key, pc->id, pc->suite->name};
    }
    return recorder_begin(j->recorder, &j->info, cases, j->plan->case_count, j->resumed);
}

/* ── the loop ── */

static void emit_note(struct job *j, const char *text)
{
    const struct event event = {
        .kind = EVENT_NOTE, .at_wall = clock_wall(), .run = &j->info, .note = slice_str(text)};
    recorder_emit(j->recorder, &event);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct job *j = handle->data;
    const char *text = j->interrupted     ? "interrupted again; killing what is left"
                       : number == SIGINT ? "interrupted; ending what runs (again to kill it)"
                                          : "asked to end; ending what runs";
    j->interrupted = true;
    emit_note(j, text);
    run_interrupt(j->run);
}

static void on_commit(void *context, struct result result)
{
    struct job *j = context;
    if (result_ok(result)) {
        if (j->run)
            run_committed(j->run);
        return;
    }
    if (!result_ok(j->broken))
        return;
    /* Results that cannot be kept are not worth having: end, and say so. */
    j->broken = result;
    log_error("store", "%s", error_last()->text);
    if (j->run)
        run_interrupt(j->run);
}

static void on_finished(void *context)
{
    struct job *j = context;
    /* They stay, so that a late Ctrl-C does not cut the last commit and the reports; the loop does
       not wait for them. */
    uv_unref((uv_handle_t *)&j->interrupt);
    uv_unref((uv_handle_t *)&j->terminate);
}

static void close_left(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static const char *rerun_arguments(struct job *j)
{
    struct text t = text_in(j->session.arena);
    for (size_t i = 0; i < j->selection.sets.count; i++) {
        struct slice set =
            redact_text(j->redactor, j->session.arena, slice_str(j->selection.sets.items[i]));
        text_add_str(&t, " --set ");
        text_add_shell(&t, set);
    }
    if (j->selection.timeout_ns)
        text_printf(&t, " --timeout %lldms", (long long)(j->selection.timeout_ns / NS_PER_MS));
    for (size_t i = 0; i < j->plan->case_count; i++) {
        if (!j->plan->cases[i]->given)
            continue;
        text_printf(&t, " --seed %llu", (unsigned long long)j->info.seed);
        break;
    }
    return text_str(&t);
}

/* The exit status of all sessions of a resumed run: what failed before is still failed. */
static int whole_status(const struct job *j)
{
    int status = run_exit_status(j->run);
    if (!j->resumed || status == 130)
        return status;
    if (status == 1 || j->earlier.counts[CASE_FAILED])
        return 1;
    return j->earlier.counts[CASE_ERROR] ? 3 : status;
}

/* What to say of a case that failed and is in quarantine, else NULL; does its failure count? */
static const char *quarantine_remark(const struct job *j, struct slice key, struct arena *arena,
                                     bool *counts)
{
    char until[CLOCK_TEXT];
    int64_t now = clock_wall();
    for (size_t i = 0; i < j->quarantine_count; i++) {
        const struct quarantined *q = &j->quarantine[i];
        if (!slice_eq(q->key, key))
            continue;
        *counts = q->expires <= now;
        return arena_printf(arena, "in quarantine %s %.10s (%.*s: %.*s)",
                            *counts ? "that expired on" : "until", clock_text(until, q->expires),
                            SLICE_ARG(q->owner), SLICE_ARG(q->reason));
    }
    return NULL;
}

static enum models_cache cache_mode(const char *word)
{
    return !word                          ? MODELS_CACHE_SUITE
           : strcmp(word, "on") == 0      ? MODELS_CACHE_ON
           : strcmp(word, "refresh") == 0 ? MODELS_CACHE_REFRESH
                                          : MODELS_CACHE_OFF;
}

/* The same for a case of this session that failed. */
static const char *on_failure(void *context, struct slice key, struct arena *arena, bool *counts)
{
    struct job *j = context;
    const char *remark = quarantine_remark(j, key, arena, counts);
    j->excused += remark && !*counts;
    return remark;
}

/* What failed before a resumed run went on counts unless all of it is in quarantine. */
static struct result forgive_earlier(struct job *j)
{
    struct slice *keys;
    size_t count;
    bool counts = false;
    if (!j->resumed || j->quarantine_count == 0)
        return RESULT_OK;
    TRY(store_failed(j->store, j->session.arena, j->info.id, &keys, &count));
    for (size_t i = 0; i < count && !counts; i++)
        if (!quarantine_remark(j, keys[i], j->session.arena, &counts))
            counts = true;
    if (!counts)
        j->earlier.counts[CASE_FAILED] = j->earlier.counts[CASE_ERROR] = 0;
    return RESULT_OK;
}

static void tell_excused(struct job *j)
{
    if (j->excused)
        emit_note(j, arena_printf(j->session.arena, "%zu %s in quarantine and %s not fail the run",
                                  j->excused, j->excused == 1 ? "failure is" : "failures are",
                                  j->excused == 1 ? "does" : "do"));
}

static int run_loop(struct job *j)
{
    struct run_options options = {
        .loop = &j->loop,
        .plan = j->plan,
        .recorder = j->recorder,
        .info = &j->info,
        .jobs = j->info.jobs,
        .cache = cache_mode(j->o->cache),
        .max_failures = j->o->max_failures,
        .flaky_fails = j->o->flaky_fails,
        .measure_every = j->o->unmeasured ? 0 : MEASURE_INTERVAL,
        .quarantine = on_failure,
        .rerun_arguments = rerun_arguments(j),
        .finished = on_finished,
        .context = j,
    };
    int64_t started = clock_now();
    uv_signal_init(&j->loop, &j->interrupt);
    uv_signal_init(&j->loop, &j->terminate);
    j->interrupt.data = j->terminate.data = j;
    uv_signal_start(&j->interrupt, on_signal, SIGINT);
    uv_signal_start(&j->terminate, on_signal, SIGTERM);
    recorder_on_commit(j->recorder, on_commit, j);
    if (j->order_summary)
        emit_note(j, arena_printf(j->session.arena, "order by risk: %s", j->order_summary));
    run_start(&options, &j->run);
    uv_run(&j->loop, UV_RUN_DEFAULT); /* also until the last result is committed and told */
    tell_excused(j);
    j->info.duration = clock_now() - started;
    j->info.exit_status =
        result_ok(j->broken) ? whole_status(j) : error_exit_status(j->broken.code);
    run_free(j->run);
    return j->info.exit_status;
}

static int end_job(struct job *j, struct result r)
{
    int status = result_ok(r) ? 0 : session_failed(&j->session, r);
    if (j->recorder)
        recorder_free(j->recorder);
    uv_walk(&j->loop, close_left, NULL);
    uv_run(&j->loop, UV_RUN_DEFAULT);
    uv_loop_close(&j->loop);
    store_close(j->store);
    redactor_free(j->redactor);
    session_end(&j->session);
    return status;
}

/* What an earlier run has decided cannot be said again. */
static struct result check_earlier(const struct assay_run_options *o)
{
    const struct assay_selection *s = &o->selection;
    const char *what = o->resume ? "--resume" : "--rerun-failed";
    const char *too_much = s->filter                  ? "--filter"
                           : s->tags.count            ? "--tag"
                           : s->cases.count           ? "--case"
                           : s->shards                ? "--shard"
                           : s->timeout_ns            ? "--timeout"
                           : o->resume && s->has_seed ? "--seed"
                                                      : NULL;
    ENSURE(!s->suites.count, ERR_USAGE, "%s takes the suites from the earlier run: leave out %s",
           what, s->suites.items[0]);
    ENSURE(!too_much, ERR_USAGE, "%s takes the cases from the earlier run: leave out %s", what,
           too_much);
    return RESULT_OK;
}

static struct result prepare(struct job *j)
{
    const struct assay_run_options *o = j->o;
    ENSURE(!(o->resume && o->rerun_failed), ERR_USAGE,
           "--resume and --rerun-failed exclude each other");
    bool earlier = o->resume || o->rerun_failed;
    ENSURE(earlier || o->selection.suites.count, ERR_USAGE,
           "no suite given; `assay init` writes one to start from");
    if (earlier)
        TRY(check_earlier(o));
    TRY(session_keep_check(o->keep));
    /* A wrong suite leaves nothing behind: the store is made when there is something to keep. */
    TRY(session_store(o->store, false, &j->store));
    TRY(find_earlier(j));
    TRY(make_plan(j));
    if (!j->store)
        TRY(session_store(o->store, true, &j->store));
    if (j->store)
        TRY(quarantine_list(j->store, j->session.arena, &j->quarantine, &j->quarantine_count));
    TRY(forgive_earlier(j));
    describe_run(j);
    TRY(open_recorder(j));
    return begin_recording(j);
}

int assay_run(const struct assay_run_options *options)
{
    struct job *j = NEW(struct job);
    j->o = options;
    j->session = session_begin(&options->streams);
    j->selection = options->selection;
    uv_loop_init(&j->loop);
    struct result r = prepare(j);
    int status = 0;
    if (result_ok(r)) {
        status = run_loop(j);
        r = recorder_end(j->recorder, &j->info);
        if (result_ok(r))
            r = session_whole_reports(&j->session, &options->reports, options->store, &j->info.id,
                                      1);
        if (result_ok(r))
            r = session_keep(&j->session, options->store, options->keep);
    }
    int failure = end_job(j, r);
    mem_free(j);
    return failure ? failure : status;
}
