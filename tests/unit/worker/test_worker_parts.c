/*
 * The command line, the table of jobs, the schedule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/random.h"
#include "jobs.h"
#include "options.h"
#include "schedule.h"

/* ---- the command line ---- */

static struct result read_words(struct options *options, const char *const *words)
{
    char *argv[16];
    int count = 0;
    while (words[count]) {
        argv[count] = (char *)(uintptr_t)words[count];
        count++;
    }
    return options_read(options, count, argv);
}

#define READ(options, ...)                                                                         \
    read_words((options), (const char *const[]){"assay-worker", __VA_ARGS__, NULL})

static void options_are_read_in_both_forms(void **state)
{
    (void)state;
    struct options o;
    assert_true(result_ok(READ(&o, "--stub-mode", "--port", "8081", "--worker-id=a=b", "--delay-ms",
                               "0.5", "--max-tokens-out=16")));
    assert_true(o.stub_mode && o.port == 8081 && o.max_tokens_out == 16);
    assert_string_equal(o.worker_id, "a=b");
    assert_string_equal(o.host, "127.0.0.1");
    assert_true(o.delay.middle == 500000);
}

static void a_wrong_command_line_says_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *words[4], *text;
    } cases[] = {
        {{"assay-worker", "--prot", "1"}, "unknown option --prot; did you mean --port?"},
        {{"assay-worker", "--zzzzzzzzz"}, "unknown option --zzzzzzzzz (see --help)"},
        {{"assay-worker", "--port", "65536"},
         "--port: expected a whole number from 0 to 65535, got \"65536\""},
        {{"assay-worker", "--port"}, "--port: expected N, got nothing"},
        {{"assay-worker", "--model="}, "--model: expected PATH, got nothing"},
        {{"assay-worker", "--stub-mode=yes"}, "--stub-mode takes no value"},
        {{"assay-worker", "--delay-ms", "-1"},
         "--delay-ms: expected milliseconds such as 20 or 0.5, or normal:MEAN,DEVIATION or "
         "lognormal:MEDIAN,SIGMA or table:PATH, got \"-1\""},
        {{"assay-worker", "--threads=0"},
         "--threads: expected a whole number from 1 to 256, got \"0\""},
        {{"assay-worker", "--max-tokens-out=0"},
         "--max-tokens-out: expected a whole number from 1 to 2048, got \"0\""},
        {{"assay-worker"},
         "expected --stub-mode, or --engine with a library that generates tokens"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options o;
        assert_int_equal(read_words(&o, cases[i].words).code, ERR_USAGE);
        assert_string_equal(error_last()->text, cases[i].text);
    }
}

/* ---- jobs ---- */

/* Two loops with news, that never run. */
struct pair {
    uv_loop_t loop;
    uv_async_t news;
    struct job_list here, there;
    struct jobs jobs;
};

static void open_pair(struct pair *pair)
{
    *pair = (struct pair){0};
    jobs_init(&pair->jobs);
    assert_int_equal(uv_loop_init(&pair->loop), 0);
    assert_int_equal(uv_async_init(&pair->loop, &pair->news, NULL), 0);
    pair->here.news = pair->there.news = &pair->news;
}

static void close_pair(struct pair *pair)
{
    jobs_free(&pair->jobs);
    uv_close((uv_handle_t *)&pair->news, NULL);
    uv_run(&pair->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&pair->loop), 0);
}

static void an_id_is_in_use_until_its_job_is_removed(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static struct job *kept[COUNT];
    struct pair pair;
    char id[16];
    open_pair(&pair);
    for (int i = 0; i < COUNT; i++) {
        struct slice name = slice_of(id, (size_t)snprintf(id, sizeof(id), "job %d", i));
        kept[i] = jobs_add(&pair.jobs, i % 3 ? &pair.here : &pair.there, name);
        assert_non_null(kept[i]);
        assert_null(jobs_add(&pair.jobs, &pair.here, name));
        assert_null(jobs_add(&pair.jobs, &pair.there, name));
    }
    for (int i = 0; i < COUNT; i += 2)
        jobs_remove(&pair.jobs, kept[i]);
    for (int i = 0; i < COUNT; i++) {
        struct slice name = slice_of(id, (size_t)snprintf(id, sizeof(id), "job %d", i));
        struct job *again = jobs_add(&pair.jobs, &pair.here, name);
        assert_true(!again == (i % 2 == 1));
        if (again)
            jobs_remove(&pair.jobs, again);
    }
    assert_int_equal(pair.jobs.known, COUNT / 2);
    assert_int_equal(pair.here.count + pair.there.count, COUNT / 2);
    while (pair.here.first)
        jobs_remove(&pair.jobs, pair.here.first);
    while (pair.there.first)
        jobs_remove(&pair.jobs, pair.there.first);
    close_pair(&pair);
}

static void a_cancelled_job_of_another_loop_is_left_to_that_loop(void **state)
{
    (void)state;
    struct pair pair;
    struct job *mine;
    open_pair(&pair);
    struct job *job = jobs_add(&pair.jobs, &pair.there, SLICE("j"));
    struct job *other = jobs_add(&pair.jobs, &pair.there, SLICE("k"));
    assert_true(jobs_cancel(&pair.jobs, SLICE("j"), &pair.here, &mine));
    assert_null(mine);
    assert_int_equal(pair.jobs.known, 1);
    assert_int_equal(pair.jobs.alive, 2);
    assert_false(jobs_cancel(&pair.jobs, SLICE("j"), &pair.here, &mine)); /* nobody finds it now */
    struct job *again = jobs_add(&pair.jobs, &pair.here, SLICE("j"));     /* and its id is free */
    assert_true(jobs_cancel(&pair.jobs, SLICE("j"), &pair.here, &mine));
    assert_ptr_equal(mine, again);
    assert_null(jobs_take_cancelled(&pair.jobs, &pair.here));
    assert_true(jobs_cancel(&pair.jobs, SLICE("k"), &pair.here, &mine));
    jobs_remove(&pair.jobs, other); /* it ended by itself before its loop heard of it */
    assert_ptr_equal(jobs_take_cancelled(&pair.jobs, &pair.there), job);
    assert_null(jobs_take_cancelled(&pair.jobs, &pair.there));
    jobs_remove(&pair.jobs, job);
    jobs_remove(&pair.jobs, again);
    close_pair(&pair);
}

/* ---- the schedule ---- */

struct sleeper {
    struct wake wake;
    int64_t wanted;
    int turns;
};

struct watch {
    struct schedule schedule;
    int64_t last;
    int turns;
};

static void on_turn(void *context, struct wake *wake, int64_t now)
{
    struct watch *watch = context;
    struct sleeper *sleeper = (struct sleeper *)wake;
    assert_true(now >= sleeper->wanted && sleeper->wanted == wake->due);
    assert_true(sleeper->wanted >= watch->last);
    watch->last = sleeper->wanted;
    sleeper->turns++;
    watch->turns++;
}

static void turns_come_in_order_and_never_early(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static struct sleeper sleepers[COUNT];
    struct random random = random_seeded(8);
    struct watch watch = {0};
    uv_loop_t loop;
    uv_loop_init(&loop);
    schedule_init(&watch.schedule, &loop, on_turn, &watch);
    int64_t begin = clock_now();
    for (int i = 0; i < COUNT; i++) {
        struct sleeper *s = &sleepers[i];
        for (int again = 0; again < 3; again++) { /* set, moved to and fro */
            s->wanted = begin + random_between(&random, 1, 60 * NS_PER_MS);
            schedule_set(&watch.schedule, &s->wake, s->wanted);
        }
    }
    for (int i = 0; i < COUNT; i += 3)
        schedule_remove(&watch.schedule, &sleepers[i].wake);
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(sleepers[i].turns, i % 3 ? 1 : 0);
    assert_int_equal(watch.schedule.count, 0);
    schedule_close(&watch.schedule);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_in_both_forms),
        cmocka_unit_test(a_wrong_command_line_says_what_was_expected),
        cmocka_unit_test(an_id_is_in_use_until_its_job_is_removed),
        cmocka_unit_test(a_cancelled_job_of_another_loop_is_left_to_that_loop),
        cmocka_unit_test(turns_come_in_order_and_never_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
