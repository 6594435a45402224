/*
 * The store: what is written is read back, runs are found, resumed and replaced rightly,
 * versions are told apart, and two programs can use one store.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"
#include "fixture_store.h"
#include "record/database_sqlite.h"
#include "record/store_internal.h"

struct world {
    struct arena *arena;
    char *folder;
    const char *path;
    struct store *store;
};

static int set_up(void **state)
{
    struct world *w = NEW(struct world);
    w->arena = arena_new();
    w->folder = fixture_folder();
    w->path = fixture_store(w->arena, w->folder);
    assert_ok(store_open(w->path, &w->store));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    store_close(w->store);
    fixture_remove(w->folder);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

static const char *second_store(struct world *w)
{
    return ON_POSTGRESQL ? fixture_store(w->arena, w->folder)
                         : fixture_path(w->arena, w->folder, "second.db");
}

static struct run_info run_named(struct world *w, const char *id)
{
    struct run_info run = fixture_run(w->arena);
    run.id = slice_str(id);
    return run;
}

/* Begin a run of `count` cases "worker/case N". */
static void begin(struct world *w, const char *id, size_t count)
{
    struct run_info run = run_named(w, id);
    struct planned_case *planned = ARENA_ARRAY(w->arena, struct planned_case, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *key = arena_printf(w->arena, "worker/case %zu", i);
        planned[i] =
            (struct planned_case){slice_str(key), slice_from(slice_str(key), 7), SLICE("worker")};
    }
    run.planned = count;
    assert_ok(store_begin(w->store, &run, planned, count));
}

static void finish(struct world *w, const char *id, size_t i, enum case_status status,
                   int64_t duration)
{
    struct case_result *r =
        fixture_passed("worker", arena_printf(w->arena, "case %zu", i), duration);
    r->status = status;
    const struct case_result *results[] = {r};
    assert_ok(store_results(w->store, slice_str(id), results, 1));
    arena_free(r->arena);
}

static const char *keys_text(struct world *w, const struct slice *keys, size_t count)
{
    struct text t = text_in(w->arena);
    for (size_t i = 0; i < count; i++)
        text_printf(&t, "%s%.*s", i ? ", " : "", SLICE_ARG(keys[i]));
    return text_str(&t);
}

static const char *unfinished(struct world *w, const char *run)
{
    struct slice *keys;
    size_t count;
    assert_ok(store_unfinished(w->store, w->arena, slice_str(run), &keys, &count));
    return keys_text(w, keys, count);
}

static int64_t number_of(struct world *w, const char *sql)
{
    return fixture_number(w->store->database, sql);
}

/* --- reading back --- */

static void assert_slices(struct slice a, struct slice b)
{
    if (!slice_eq(a, b))
        fail_msg("\"%.*s\" is not \"%.*s\"", SLICE_ARG(a), SLICE_ARG(b));
}

static void assert_places(struct place a, struct place b)
{
    assert_int_equal(a.line, b.line);
    assert_int_equal(a.column, b.column);
    if (a.line)
        assert_string_equal(a.source->name, b.source->name);
}

static void assert_verdicts(const struct verdict *a, const struct verdict *b)
{
    for (; a && b; a = a->next, b = b->next) {
        assert_string_equal(a->check, b->check);
        assert_int_equal(a->passed, b->passed);
        assert_int_equal(a->impossible, b->impossible);
        assert_slices(a->expected, b->expected);
        assert_slices(a->actual, b->actual);
        assert_slices(slice_str(a->message), slice_str(b->message));
        assert_places(a->at, b->at);
        assert_slices(a->detail, b->detail);
    }
    assert_true(!a && !b);
}

static void assert_usages(const struct step_result *a, const struct step_result *b)
{
    assert_int_equal(a->usage_count, b->usage_count);
    for (size_t i = 0; i < a->usage_count; i++) {
        const struct usage *x = &a->usages[i], *y = &b->usages[i];
        assert_slices(x->model, y->model);
        assert_int_equal(x->input_tokens, y->input_tokens);
        assert_int_equal(x->output_tokens, y->output_tokens);
        assert_int_equal(x->cost, y->cost);
        assert_int_equal(x->cached, y->cached);
        assert_int_equal(x->graded, y->graded);
    }
}

static void assert_lists(const struct slice *a, size_t a_count, const struct slice *b,
                         size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_slices(a[i], b[i]);
}

static void assert_steps(const struct step_result *a, const struct step_result *b)
{
    for (; a && b; a = a->next, b = b->next) {
        assert_slices(a->name, b->name);
        assert_slices(a->kind, b->kind);
        assert_int_equal(a->trial, b->trial);
        assert_int_equal(a->index, b->index);
        assert_int_equal(a->status, b->status);
        assert_slices(a->error, b->error);
        assert_int_equal(a->error_code, b->error_code);
        assert_places(a->at, b->at);
        assert_int_equal(a->started, b->started);
        assert_int_equal(a->duration, b->duration);
        assert_int_equal(a->first_byte, b->first_byte);
        assert_int_equal(a->first_token, b->first_token);
        assert_int_equal(a->leaky, b->leaky);
        assert_slices(a->request, b->request);
        assert_slices(a->response, b->response);
        assert_slices(a->log, b->log);
        assert_slices(a->service, b->service);
        assert_int_equal(a->connect, b->connect);
        assert_int_equal(a->checks, b->checks);
        assert_usages(a, b);
        assert_verdicts(a->verdicts, b->verdicts);
    }
    assert_true(!a && !b);
}

static void assert_results(const struct case_result *a, const struct case_result *b)
{
    assert_slices(a->key, b->key);
    assert_slices(a->suite, b->suite);
    assert_slices(a->id, b->id);
    assert_slices(a->describe, b->describe);
    assert_slices(a->model, b->model);
    assert_slices(a->file, b->file);
    assert_lists(a->tags, a->tag_count, b->tags, b->tag_count);
    assert_lists(a->needs, a->need_count, b->needs, b->need_count);
    assert_lists(a->uses, a->use_count, b->uses, b->use_count);
    assert_lists(a->services, a->service_count, b->services, b->service_count);
    assert_slices(a->held_by, b->held_by);
    assert_places(a->at, b->at);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->flags, b->flags);
    assert_slices(a->reason, b->reason);
    assert_int_equal(a->started_wall, b->started_wall);
    assert_int_equal(a->queued, b->queued);
    assert_int_equal(a->starting, b->starting);
    assert_int_equal(a->duration, b->duration);
    assert_int_equal(a->slot, b->slot);
    if (a->status != CASE_PASSED)
        assert_slices(a->rerun, b->rerun);
    const struct attempt_result *x = a->attempts, *y = b->attempts;
    for (; x && y; x = x->next, y = y->next) {
        assert_int_equal(x->number, y->number);
        assert_int_equal(x->status, y->status);
        assert_int_equal(x->started, y->started);
        assert_int_equal(x->duration, y->duration);
        assert_int_equal(x->trials, y->trials);
        assert_int_equal(x->trials_passed, y->trials_passed);
        assert_slices(x->given, y->given);
        assert_steps(x->steps, y->steps);
    }
    assert_true(!x && !y);
}

struct expectation {
    struct case_result **wanted;
    size_t seen;
};

static void compare(void *context, const struct case_result *result)
{
    struct expectation *e = context;
    assert_true(e->seen < FIXTURE_CASES);
    assert_results(result, e->wanted[e->seen++]);
}

static void what_was_written_is_read_back_in_its_order(void **state)
{
    struct world *w = *state;
    struct case_result *results[FIXTURE_CASES];
    struct planned_case planned[FIXTURE_CASES];
    struct run_info run = fixture_run(w->arena), found;

    for (size_t i = 0; i < FIXTURE_CASES; i++) {
        results[i] = fixture_case(i);
        redact_result(NULL, results[i]); /* as the recorder does: only UTF-8 is stored */
        planned[i] = fixture_planned(results[i]);
        run_count(&run, results[i]);
    }
    assert_ok(store_begin(w->store, &run, planned, FIXTURE_CASES));
    assert_ok(store_results(w->store, run.id, (const struct case_result *const *)results, 5));
    assert_ok(store_results(w->store, run.id, (const struct case_result *const *)results + 5,
                            FIXTURE_CASES - 5));
    assert_ok(store_end(w->store, &run));
    struct expectation e = {results, 0};
    assert_ok(store_visit(w->store, run.id, compare, &e));
    assert_int_equal(e.seen, FIXTURE_CASES);

    assert_ok(store_find(w->store, w->arena, SLICE("last"), &found));
    assert_slices(found.id, run.id);
    assert_slices(found.command, run.command);
    assert_slices(found.host, run.host);
    assert_slices(found.version, run.version);
    assert_slices(found.machine, run.machine);
    assert_true(json_equal(found.options, run.options));
    assert_true(found.seed == run.seed);
    assert_int_equal(found.jobs, run.jobs);
    assert_int_equal(found.started_wall, run.started_wall);
    assert_int_equal(found.duration, run.duration);
    assert_int_equal(found.planned, run.planned);
    assert_int_equal(found.exit_status, 1);
    assert_memory_equal(found.counts, run.counts, sizeof(run.counts));
    assert_int_equal(found.flaky, 1);
    assert_int_equal(number_of(w, "SELECT passed + failed * 10 + flaky * 100 FROM run"), 135);
    for (size_t i = 0; i < FIXTURE_CASES; i++)
        arena_free(results[i]->arena);
}

/* "status 2/1/0, …": passed, failed and impossible verdicts by kind. */
static const char *checked(struct world *w)
{
    struct text t = text_in(w->arena);
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;
    assert_ok(database_prepare(w->store->database,
                               "SELECT name, passed, failed, impossible FROM checked ORDER BY name",
                               &q));
    for (;;) {
        assert_ok(query_next(q, &row));
        if (!row)
            break;
        struct slice name = query_text(q, 0);
        text_printf(&t, "%s%.*s %d/%d/%d", t.len ? ", " : "", SLICE_ARG(name),
                    (int)query_integer(q, 1), (int)query_integer(q, 2), (int)query_integer(q, 3));
    }
    return text_str(&t);
}

static void verdicts_are_counted_by_kind_of_check(void **state)
{
    struct world *w = *state;
    begin(w, "r", 3);
    finish(w, "r", 0, CASE_PASSED, 1);
    finish(w, "r", 1, CASE_PASSED, 1);
    assert_string_equal(checked(w), "json 2/0/0, status 2/0/0");
    struct case_result *r = fixture_case(2);
    r->status = CASE_CANCELLED;
    const struct case_result *results[] = {r};
    assert_ok(store_results(w->store, SLICE("r"), results, 1));
    assert_string_equal(checked(w), "json 2/0/0, status 2/0/1");
    arena_free(r->arena);
    finish(w, "r", 1, CASE_PASSED, 1); /* instead of the former one */
    assert_string_equal(checked(w), "json 2/0/0, status 2/0/1");
    assert_ok(store_resume(w->store, SLICE("r"))); /* drops what was cancelled */
    assert_string_equal(checked(w), "json 2/0/0, status 2/0/0");
}

static void a_transaction_that_fails_counts_nothing(void **state)
{
    struct world *w = *state;
    begin(w, "r", 1);
    struct case_result *r = fixture_passed("worker", "case 0", 1);
    const struct case_result *results[] = {r};
    assert_int_equal(store_results(w->store, SLICE("nobody"), results, 1).code, ERR_NOT_FOUND);
    assert_string_equal(checked(w), "");
    assert_ok(store_results(w->store, SLICE("r"), results, 1));
    assert_string_equal(checked(w), "json 1/0/0, status 1/0/0");
    arena_free(r->arena);
}

static void tell_event(void *context, const struct event *e)
{
    struct text *t = context;
    if (e->kind == EVENT_NOTE)
        text_printf(t, "%lld note %.*s\n", (long long)e->at_wall, SLICE_ARG(e->note));
    else
        text_printf(t, "%lld %.*s#%u %.*s (%.*s) pid %lld signal %d exit %d: %.*s\n",
                    (long long)e->at_wall, SLICE_ARG(e->service.name), e->service.instance,
                    SLICE_ARG(e->service.state), SLICE_ARG(e->service.detail),
                    (long long)e->service.pid, e->service.signal, e->service.exit_code,
                    SLICE_ARG(e->service.log));
}

static void service_changes_and_notes_are_read_back_in_their_order(void **state)
{
    struct world *w = *state;
    struct event ready = {.kind = EVENT_SERVICE, .at_wall = 5};
    struct event note = {.kind = EVENT_NOTE, .at_wall = 6, .note = SLICE("port 1 was taken")};
    struct event died = {.kind = EVENT_SERVICE, .at_wall = 7};
    ready.service.name = died.service.name = SLICE("worker");
    ready.service.instance = died.service.instance = 2;
    ready.service.state = SLICE("ready");
    ready.service.detail = SLICE("pid 12");
    ready.service.pid = died.service.pid = 12;
    ready.service.exit_code = died.service.exit_code = -1;
    died.service.state = SLICE("died");
    died.service.signal = 9;
    died.service.log = SLICE("last words");
    const struct event *first[] = {&ready, &note}, *second[] = {&died};
    begin(w, "r", 0);
    assert_ok(store_events(w->store, SLICE("r"), first, 2));
    assert_ok(store_events(w->store, SLICE("r"), second, 1));
    struct text t = text_in(w->arena);
    assert_ok(store_visit_events(w->store, SLICE("r"), tell_event, &t));
    assert_string_equal(text_str(&t), "5 worker#2 ready (pid 12) pid 12 signal 0 exit -1: \n"
                                      "6 note port 1 was taken\n"
                                      "7 worker#2 died () pid 12 signal 9 exit -1: last words\n");
}

/* `count` samples of a subject, a tenth of a second apart, each with a twentieth of CPU and 1 MB
   more. */
static void measure(struct world *w, uint32_t subject, const char *name, size_t count)
{
    struct sample *items = ARENA_ARRAY(w->arena, struct sample, count);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct sample){.at = 1000 * NS_PER_S + (int64_t)i * NS_PER_S / 10,
                                   .cpu = (int64_t)i * NS_PER_S / 20,
                                   .rss = 50000000 + (int64_t)i * 1000000,
                                   .processes = 1,
                                   .threads = 4,
                                   .descriptors = 12,
                                   .gpu_memory = -1,
                                   .gpu_use = -1};
    struct event event = {.kind = EVENT_SAMPLES};
    event.samples = (struct samples){slice_str(name), subject, 1, 77, items, count};
    const struct event *events[] = {&event};
    assert_ok(store_events(w->store, SLICE("r"), events, 1));
}

static void tell_samples(void *context, const struct samples *s)
{
    text_printf(context, "%.*s#%u %zu\n", SLICE_ARG(s->name), s->subject, s->count);
}

static void tell_measured(void *context, const struct event *e)
{
    struct text *t = context;
    const struct resources *r = &e->resources;
    if (e->kind == EVENT_RESOURCES)
        text_printf(t, "%.*s: %u instances, %llu samples, %.2f cores, at most %lld\n",
                    SLICE_ARG(r->name), r->instances, (unsigned long long)r->samples,
                    resources_cpu_mean(r), (long long)r->rss_max);
    else
        text_printf(t, "%s %.*s of %.*s#%u from %lld to %lld: %.*s %.*s\n",
                    event_kind_name(e->kind), SLICE_ARG(e->anomaly.kind),
                    SLICE_ARG(e->anomaly.subject), e->anomaly.number, (long long)e->anomaly.started,
                    (long long)e->anomaly.ended, SLICE_ARG(e->anomaly.text),
                    SLICE_ARG(e->anomaly.evidence));
}

static void what_was_measured_is_read_back_and_summed_up(void **state)
{
    struct world *w = *state;
    begin(w, "r", 0);
    measure(w, 1, "assay", 11);
    measure(w, 2, "worker", 1500); /* more than are read in one piece */
    struct event note = {.kind = EVENT_NOTE, .at_wall = 6, .note = SLICE("so it is")};
    struct event leak = {.kind = EVENT_ANOMALY, .at_wall = 7},
                 whole = {.kind = EVENT_BOTTLENECK, .at_wall = 8};
    leak.anomaly = (struct anomaly){.kind = SLICE("memory"),
                                    .number = 2,
                                    .started = 3,
                                    .ended = 4,
                                    .text = SLICE("it grew"),
                                    .evidence = SLICE("{}")};
    whole.anomaly = (struct anomaly){
        .kind = SLICE(ANOMALY_BOTTLENECK), .started = 1, .ended = 9, .text = SLICE("jobs")};
    const struct event *first[] = {&leak}, *second[] = {&note, &whole};
    assert_ok(store_events(w->store, SLICE("r"), first, 1));
    assert_ok(store_events(w->store, SLICE("r"), second, 2));
    struct text t = text_in(w->arena), all = text_in(w->arena);
    assert_ok(store_visit_samples(w->store, SLICE("r"), tell_samples, &t));
    assert_string_equal(text_str(&t), "assay#1 11\nworker#2 1024\nworker#2 476\n");
    assert_ok(store_visit_measured(w->store, SLICE("r"), tell_measured, &all));
    assert_string_equal(text_str(&all),
                        "anomaly memory of worker#2 from 3 to 4: it grew {}\n"
                        "bottleneck bottleneck of #0 from 1 to 9: jobs \n"
                        "assay: 1 instances, 11 samples, 0.50 cores, at most 60000000\n"
                        "worker: 1 instances, 1500 samples, 0.50 cores, at most 1549000000\n");
    /* Whoever goes on with the run counts from 1 again. */
    store_close(w->store);
    assert_ok(store_open(w->path, &w->store));
    measure(w, 1, "assay", 2);
    t = text_in(w->arena);
    assert_ok(store_visit_samples(w->store, SLICE("r"), tell_samples, &t));
    assert_string_equal(text_str(&t), "assay#1 11\nworker#2 1024\nworker#2 476\nassay#3 2\n");
}

static void a_text_that_is_not_utf8_is_repaired(void **state)
{
    struct world *w = *state;
    struct case_result *r = fixture_case(8); /* as it is, without the recorder */
    const struct case_result *results[] = {r};
    begin(w, "r", 0);
    assert_ok(store_results(w->store, SLICE("r"), results, 1));
    assert_int_equal(number_of(w, "SELECT length(describe) FROM definition"),
                     utf8_length(r->describe));
    arena_free(r->arena);
}

static void a_case_is_described_once_until_it_changes(void **state)
{
    struct world *w = *state;
    for (int run = 0; run < 3; run++) {
        const char *id = arena_printf(w->arena, "run-%d", run);
        begin(w, id, 1);
        struct case_result *r = fixture_passed("worker", "case 0", 1);
        r->describe = run == 2 ? SLICE("changed") : SLICE("first");
        const struct case_result *results[] = {r};
        assert_ok(store_results(w->store, slice_str(id), results, 1));
        arena_free(r->arena);
    }
    assert_int_equal(number_of(w, "SELECT count(*) FROM test_case"), 1);
    assert_int_equal(number_of(w, "SELECT count(*) FROM definition"), 2);
    assert_int_equal(number_of(w, "SELECT count(*) FROM result"), 3);
}

/* --- runs --- */

static void a_run_is_found_by_its_beginning(void **state)
{
    struct world *w = *state;
    struct run_info found;
    begin(w, "20260101-aaaa", 1);
    begin(w, "20260102-bbbb", 1);
    begin(w, "20260102-bbbbcc", 1);
    assert_ok(store_find(w->store, w->arena, SLICE("20260101"), &found));
    assert_slices(found.id, SLICE("20260101-aaaa"));
    assert_ok(store_find(w->store, w->arena, SLICE("last"), &found));
    assert_slices(found.id, SLICE("20260102-bbbbcc"));
    /* The whole of an id counts more than the beginning of another. */
    assert_ok(store_find(w->store, w->arena, SLICE("20260102-bbbb"), &found));
    assert_slices(found.id, SLICE("20260102-bbbb"));
    assert_int_equal(found.exit_status, -1);

    assert_int_equal(store_find(w->store, w->arena, SLICE("2026"), &found).code, ERR_NOT_FOUND);
    assert_string_equal(error_last()->text,
                        "several runs begin with \"2026\": 20260102-bbbbcc, 20260102-bbbb, "
                        "20260101-aaaa; give more of the id");
    assert_int_equal(store_find(w->store, w->arena, SLICE("%"), &found).code, ERR_NOT_FOUND);
    assert_non_null(strstr(error_last()->text, "has no run \"%\"; the latest are 20260102-bbbbcc"));
    assert_int_equal(store_find(w->store, w->arena, SLICE(""), &found).code, ERR_NOT_FOUND);
}

static void an_empty_store_says_so(void **state)
{
    struct world *w = *state;
    struct run_info found;
    assert_int_equal(store_find(w->store, w->arena, SLICE("last"), &found).code, ERR_NOT_FOUND);
    assert_non_null(strstr(error_last()->text, "holds no run yet"));
}

static void unfinished_and_failed_cases_are_told(void **state)
{
    struct world *w = *state;
    struct slice *keys;
    size_t count;
    begin(w, "r", 5);
    finish(w, "r", 3, CASE_FAILED, 1);
    finish(w, "r", 0, CASE_PASSED, 1);
    finish(w, "r", 4, CASE_ERROR, 1);
    finish(w, "r", 2, CASE_CANCELLED, 1);
    assert_string_equal(unfinished(w, "r"), "worker/case 1, worker/case 2");
    assert_ok(store_failed(w->store, w->arena, SLICE("r"), &keys, &count));
    assert_string_equal(keys_text(w, keys, count), "worker/case 3, worker/case 4");
    assert_int_equal(store_failed(w->store, w->arena, SLICE("x"), &keys, &count).code,
                     ERR_NOT_FOUND);
}

static void a_resumed_run_is_open_again_and_loses_only_what_was_cancelled(void **state)
{
    struct world *w = *state;
    struct run_info run = run_named(w, "r"), found;
    begin(w, "r", 3);
    finish(w, "r", 0, CASE_PASSED, 1);
    finish(w, "r", 1, CASE_CANCELLED, 1);
    finish(w, "r", 2, CASE_CANCELLED, 1);
    run.exit_status = 130;
    assert_ok(store_end(w->store, &run));
    assert_ok(store_resume(w->store, SLICE("r")));
    assert_ok(store_find(w->store, w->arena, SLICE("r"), &found));
    assert_int_equal(found.exit_status, -1);
    assert_int_equal(found.counts[CASE_PASSED], 1);
    assert_int_equal(found.counts[CASE_CANCELLED], 0);
    assert_int_equal(number_of(w, "SELECT count(*) FROM step"), 1);
    assert_string_equal(unfinished(w, "r"), "worker/case 1, worker/case 2");
    assert_int_equal(store_resume(w->store, SLICE("nothing")).code, ERR_NOT_FOUND);
}

static void a_second_result_of_a_case_replaces_the_first(void **state)
{
    struct world *w = *state;
    begin(w, "r", 2);
    finish(w, "r", 0, CASE_FAILED, 1);
    finish(w, "r", 1, CASE_PASSED, 1);
    finish(w, "r", 0, CASE_PASSED, 2);
    assert_int_equal(number_of(w, "SELECT count(*) FROM result"), 2);
    assert_int_equal(number_of(w, "SELECT count(*) FROM attempt"), 2);
    assert_int_equal(number_of(w, "SELECT count(*) FROM step"), 2);
    assert_int_equal(number_of(w, "SELECT count(*) FROM verdict"), 4);
    assert_int_equal(number_of(w, "SELECT count(*) FROM result WHERE status <> 0"), 0);
}

static void the_expected_duration_is_the_median_of_the_last_passes(void **state)
{
    struct world *w = *state;
    assert_int_equal(store_expected_duration(w->store, SLICE("worker/case 0")), -1);
    for (int run = 0; run < 25; run++) {
        const char *id = arena_printf(w->arena, "run-%02d", run);
        begin(w, id, 1);
        /* The first five are long ago, failures do not count. */
        finish(w, id, 0, run == 20 ? CASE_FAILED : CASE_PASSED, run < 4 ? 1000000 : run);
    }
    assert_int_equal(store_expected_duration(w->store, SLICE("worker/case 0")), 14);
    assert_int_equal(store_expected_duration(w->store, SLICE("worker/case 1")), -1);
}

static void the_expected_duration_is_without_the_start_of_shared_services(void **state)
{
    struct world *w = *state;
    struct case_result *r = fixture_passed("worker", "case 0", 1000);
    r->starting = 900;
    begin(w, "run-1", 1);
    const struct case_result *results[] = {r};
    assert_ok(store_results(w->store, SLICE("run-1"), results, 1));
    arena_free(r->arena);
    assert_int_equal(store_expected_duration(w->store, SLICE("worker/case 0")), 100);
}

/* --- files and versions --- */

static void folders_are_made(void **state)
{
    struct world *w = *state;
    struct store *store;
    const char *folder = arena_printf(w->arena, "%s/a", w->folder);
    assert_ok(store_open(arena_printf(w->arena, "sqlite:%s/b/results.db", folder), &store));
    store_close(store);
    unlink(arena_printf(w->arena, "%s/b/results.db", folder));
    assert_int_equal(rmdir(arena_printf(w->arena, "%s/b", folder)), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void refuse(struct world *w, const char *url, const char *sentence)
{
    struct store *store;
    assert_int_equal(store_open(url, &store).code, ERR_STORE);
    if (!strstr(error_last()->text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", error_last()->text, sentence);
    (void)w;
}

static void what_is_no_store_is_refused(void **state)
{
    struct world *w = *state;
    refuse(w, "mysql://user:hunter2@host/db",
           "a result store is sqlite:PATH or postgresql://USER@HOST/DATABASE, not mysql://");
    refuse(w, "sqlite:", "names no file");
    refuse(w, w->folder, "cannot open the result store");
}

#ifdef STORE_POSTGRESQL

static void a_database_of_another_program_is_refused(void **state)
{
    struct world *w = *state;
    struct database *db;
    const char *url = fixture_store(w->arena, w->folder);
    assert_ok(database_open(url, &db));
    assert_ok(database_execute(db, "CREATE TABLE run (a INTEGER)"));
    database_close(db);
    refuse(w, url, "it has a table \"run\" of another program");
}

static void no_message_holds_a_password(void **state)
{
    struct world *w = *state;
    static const char *const urls[] = {
        "postgresql://user:hunter2@/db?host=/nowhere",
        "postgresql://user:hun%zzter2@host/db",
        "postgresql://user:a@b:hunter2@/db?host=/nowhere",
        "postgresql://user:hunter2/more@host/db",
        "postgresql://user:1?hunter2@host/db",
        "postgresql://user:1?a=hunter2&hunter2@host/db",
        "postgresql://user@/db?host=/nowhere&password=hunter2",
        "postgresql://user@/db?host=/nowhere&sslpassword=hunter2&sslmode=wrong",
        "postgres://hunter1:hunter2@:x/db",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct store *store;
        assert_int_equal(store_open(urls[i], &store).code, ERR_STORE);
        if (strstr(error_last()->text, "hunter2"))
            fail_msg("the password is in \"%s\"", error_last()->text);
    }
    refuse(w, urls[0], "postgresql://user:[secret]@/db?host=/nowhere: ");
    refuse(w, urls[1], "the url is not understood");
}

static void the_settings_make_results_durable(void **state)
{
    struct world *w = *state;
    assert_int_equal(number_of(w, "SELECT count(*) FROM pg_settings WHERE name ="
                                  " 'synchronous_commit' AND setting = 'on'"),
                     1);
}

#else

static void a_file_of_another_program_is_refused(void **state)
{
    struct world *w = *state;
    const char *text = fixture_path(w->arena, w->folder, "notes.txt");
    FILE *file = fopen(text, "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++)
        fputs("these are notes and no database\n", file);
    fclose(file);
    refuse(w, text, "the file is no SQLite database");

    const char *foreign = fixture_path(w->arena, w->folder, "foreign.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(foreign, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE a (b)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refuse(w, foreign, "an SQLite database of another program");
}

static void the_settings_make_results_durable(void **state)
{
    struct world *w = *state;
    assert_int_equal(number_of(w, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(number_of(w, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
}

#endif

static int64_t version_of(struct world *w)
{
    return number_of(w, ON_POSTGRESQL ? "SELECT version FROM assay_store" : "PRAGMA user_version");
}

static void a_store_of_a_newer_version_is_refused(void **state)
{
    struct world *w = *state;
    assert_ok(database_execute(w->store->database, ON_POSTGRESQL
                                                       ? "UPDATE assay_store SET version = 99"
                                                       : "PRAGMA user_version = 99"));
    refuse(w, w->path, "has schema version 99, made by a newer assay");
}

static void a_store_of_an_older_version_is_migrated_with_its_results(void **state)
{
    struct world *w = *state;
    begin(w, "r", 1);
    finish(w, "r", 0, CASE_PASSED, 7);
    /* As if the next version added a column and an index in two steps. */
    const char *const steps[] = {store_schema[0], store_schema[1], store_schema[2],
                                 "ALTER TABLE result ADD COLUMN cost REAL",
                                 "CREATE INDEX result_cost ON result (cost)"};
    assert_ok(store_migrate(w->store->database, steps, 5, NULL));
    assert_int_equal(version_of(w), 5);
    assert_int_equal(number_of(w, "SELECT count(*) FROM result WHERE cost IS NULL"), 1);
    assert_ok(store_migrate(w->store->database, steps, 5, NULL)); /* nothing left to do */
    refuse(w, w->path, "has schema version 5");
}

static void the_verdicts_of_a_first_version_are_counted_by_its_migration(void **state)
{
    struct world *w = *state;
    struct database *db;
    const char *path = second_store(w);
    assert_ok(database_open(path, &db));
    assert_ok(store_migrate(db, store_schema, 1, NULL));
    assert_ok(database_execute(
        db, "INSERT INTO verdict (run, sequence, attempt, step, verdict, name, passed,"
            " impossible, line, \"column\") VALUES (1, 1, 0, 0, 0, 'status', 1, 0, 1, 1),"
            " (1, 1, 0, 0, 1, 'json $.a', 0, 0, 1, 1), (1, 2, 0, 0, 0, 'json $.b', 0, 1, 1, 1)"));
    database_close(db);
    store_close(w->store);
    assert_ok(store_open(path, &w->store));
    assert_string_equal(checked(w), "json 0/1/1, status 1/0/0");
}

static void a_migration_that_fails_leaves_everything_as_it_was(void **state)
{
    struct world *w = *state;
    const char *const steps[] = {store_schema[0], store_schema[1], store_schema[2],
                                 "ALTER TABLE result ADD COLUMN cost REAL",
                                 "CREATE INDEX x ON nothing (cost)"};
    assert_int_equal(store_migrate(w->store->database, steps, 5, NULL).code, ERR_STORE);
    assert_int_equal(version_of(w), store_schema_version);
    struct query *q = NULL;
    bool row;
    struct result asked =
        database_prepare(w->store->database, "SELECT count(cost) FROM result", &q);
    if (result_ok(asked))
        asked = query_next(q, &row);
    assert_int_equal(asked.code, ERR_STORE);
}

/* --- several programs --- */

/* A program of its own: opens the store, which may not be there yet, and records a run of 50. */
static void record_in_child(struct world *w, const char *url, int number)
{
    char id[32];
    snprintf(id, sizeof(id), "child-%d", number);
    w->store = NULL;
    assert_ok(store_open(url, &w->store));
    begin(w, id, 50);
    for (size_t i = 0; i < 50; i++)
        finish(w, id, i, CASE_PASSED, 1);
    store_close(w->store);
    _exit(0);
}

static void several_programs_record_into_one_new_store(void **state)
{
    struct world *w = *state;
    enum { CHILDREN = 4 };
    const char *url = second_store(w);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            record_in_child(w, url, i);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    store_close(w->store);
    assert_ok(store_open(url, &w->store));
    assert_int_equal(number_of(w, "SELECT count(*) FROM run"), CHILDREN);
    assert_int_equal(number_of(w, "SELECT count(*) FROM result"), CHILDREN * 50);
    assert_int_equal(number_of(w, "SELECT count(*) FROM test_case"), 50);
    assert_int_equal(number_of(w, "SELECT max(sequence) FROM result"), 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read_back_in_its_order),
        TEST(verdicts_are_counted_by_kind_of_check),
        TEST(a_transaction_that_fails_counts_nothing),
        TEST(service_changes_and_notes_are_read_back_in_their_order),
        TEST(what_was_measured_is_read_back_and_summed_up),
        TEST(a_text_that_is_not_utf8_is_repaired),
        TEST(a_case_is_described_once_until_it_changes),
        TEST(a_run_is_found_by_its_beginning),
        TEST(an_empty_store_says_so),
        TEST(unfinished_and_failed_cases_are_told),
        TEST(a_resumed_run_is_open_again_and_loses_only_what_was_cancelled),
        TEST(a_second_result_of_a_case_replaces_the_first),
        TEST(the_expected_duration_is_the_median_of_the_last_passes),
        TEST(the_expected_duration_is_without_the_start_of_shared_services),
        TEST(folders_are_made),
        TEST(what_is_no_store_is_refused),
#ifdef STORE_POSTGRESQL
        TEST(a_database_of_another_program_is_refused),
        TEST(no_message_holds_a_password),
#else
        TEST(a_file_of_another_program_is_refused),
#endif
        TEST(a_store_of_a_newer_version_is_refused),
        TEST(a_store_of_an_older_version_is_migrated_with_its_results),
        TEST(the_verdicts_of_a_first_version_are_counted_by_its_migration),
        TEST(a_migration_that_fails_leaves_everything_as_it_was),
        TEST(the_settings_make_results_durable),
        TEST(several_programs_record_into_one_new_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
