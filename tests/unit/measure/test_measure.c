/*
 * The sampler on real processes: this one, and a child that stands for a keeper with a program
 * below it. Nothing is awaited by time: a test goes on when what it waits for was seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/measure.h"

#define OFTEN (2 * NS_PER_MS)
#define HELD (48 << 20)

/* What came out so far. */
struct seen {
    struct measure *measure;
    uint64_t samples[3]; /* by subject */
    struct sample last[3];
    struct resources resources[3];
    size_t resource_count, anomalies, notes;
    char names[3][16];
};

static void samples(void *context, const struct samples *s)
{
    struct seen *seen = context;
    assert_in_range(s->subject, 1, 2);
    for (size_t i = 0; i < s->count; i++) {
        assert_true(s->items[i].at >= seen->last[s->subject].at);
        assert_true(s->items[i].cpu >= seen->last[s->subject].cpu);
        seen->last[s->subject] = s->items[i];
    }
    seen->samples[s->subject] += s->count;
}

static void resources(void *context, const struct resources *r)
{
    struct seen *seen = context;
    assert_true(seen->resource_count < 3);
    memcpy(seen->names[seen->resource_count], r->name.data, r->name.len);
    seen->resources[seen->resource_count++] = *r;
}

static void anomaly(void *context, const struct anomaly *a)
{
    (void)a;
    ((struct seen *)context)->anomalies++;
}

static void note(void *context, const char *text)
{
    (void)text;
    ((struct seen *)context)->notes++;
}

static void collect(struct seen *seen)
{
    const struct measure_news news = {seen, samples, resources, anomaly, note};
    measure_take(seen->measure, &news);
}

static void await_samples(struct seen *seen, size_t subject, uint64_t more)
{
    for (uint64_t from = seen->samples[subject]; seen->samples[subject] < from + more;) {
        usleep(1000);
        collect(seen);
    }
}

/* A keeper whose program holds memory and a hundred files; it says so with a byte. */
static pid_t start_keeper(int *said)
{
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t keeper = fork();
    if (keeper == 0) {
        pid_t program = fork();
        if (program == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            void *held = mmap(NULL, HELD, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
            for (int i = 0; i < 100; i++)
                (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
            (void)!write(pipes[1], held == MAP_FAILED ? "n" : "r", 1);
        }
        for (;;)
            pause();
    }
    close(pipes[1]);
    *said = pipes[0];
    return keeper;
}

static void a_service_is_measured_with_all_below_its_keeper(void **state)
{
    (void)state;
    struct seen seen = {0};
    int said;
    char byte;
    pid_t keeper = start_keeper(&said);
    assert_int_equal(read(said, &byte, 1), 1);
    assert_true(result_ok(measure_start(OFTEN, &seen.measure)));
    struct measure_subject *s = measure_add(seen.measure, SLICE("thing"), 1, keeper, keeper);
    measure_ready(s);
    await_samples(&seen, 2, 10);
    assert_int_equal(seen.last[2].processes, 1);
    assert_true(seen.last[2].threads >= 1); /* a sanitizer has one of its own */
    assert_true(seen.last[2].rss >= HELD);
    assert_true(seen.last[2].descriptors >= 100);
    assert_true(measure_resident(s) >= HELD);
    /* It ends, and then it is summed up. */
    measure_remove(s);
    while (seen.resource_count == 0) {
        usleep(1000);
        collect(&seen);
    }
    assert_string_equal(seen.names[0], "thing");
    assert_true(seen.resources[0].rss_max >= HELD);
    assert_true(seen.resources[0].samples >= 10);
    measure_stop(seen.measure);
    collect(&seen);
    assert_string_equal(seen.names[1], "assay");
    assert_true(measure_cost(seen.measure) > 0);
    assert_int_equal(seen.anomalies, 0);
    measure_free(seen.measure);
    kill(keeper, SIGKILL);
    assert_int_equal(waitpid(keeper, NULL, 0), keeper);
    close(said);
}

static void a_service_that_is_gone_is_no_trouble(void **state)
{
    (void)state;
    struct seen seen = {0};
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(result_ok(measure_start(OFTEN, &seen.measure)));
    struct measure_subject *s = measure_add(seen.measure, SLICE("gone"), 1, child, child);
    await_samples(&seen, 1, 5);
    assert_int_equal(measure_resident(s), 0);
    measure_remove(s);
    measure_stop(seen.measure);
    collect(&seen);
    assert_int_equal(seen.samples[2], 0);
    assert_int_equal(seen.resource_count, 2);
    measure_free(seen.measure);
}

static void a_request_outlives_the_subject_and_knows_its_peak(void **state)
{
    (void)state;
    struct seen seen = {0};
    int said;
    char byte;
    pid_t keeper = start_keeper(&said);
    assert_int_equal(read(said, &byte, 1), 1);
    assert_true(result_ok(measure_start(OFTEN, &seen.measure)));
    struct measure_subject *s = measure_add(seen.measure, SLICE("thing"), 1, keeper, keeper);
    struct measure_request first, second, nobody;
    measure_request_begin(&first, s);
    measure_request_begin(&second, s);
    measure_request_begin(&nobody, NULL);
    measure_request_heard(&second);
    measure_request_heard(&nobody);
    await_samples(&seen, 2, 10);
    measure_request_end(&first);
    measure_request_end(&nobody);
    assert_true(first.rss_max >= HELD);
    measure_remove(s);
    await_samples(&seen, 1, 5);
    assert_int_equal(seen.resource_count, 0); /* a request still points to it */
    measure_request_end(&second);
    measure_request_end(&second);
    while (seen.resource_count == 0) {
        usleep(1000);
        collect(&seen);
    }
    measure_free(seen.measure);
    kill(keeper, SIGKILL);
    assert_int_equal(waitpid(keeper, NULL, 0), keeper);
    close(said);
}

static void sums_are_of_all_instances(void **state)
{
    (void)state;
    struct resources_sum a = resources_sum(), b = resources_sum();
    struct sample s = {.at = NS_PER_S, .rss = 5, .gpu_memory = -1, .gpu_use = -1};
    for (int i = 0; i < 21; i++) { /* 2 s at a tenth; half a core in the second one */
        resources_add(&a, &s);
        s.at += NS_PER_S / 10;
        s.cpu += i >= 10 ? NS_PER_S / 20 : 0;
        s.rss++;
    }
    assert_int_equal(a.all.elapsed, 2 * NS_PER_S);
    assert_int_equal(a.all.rss_max, 25);
    assert_true(a.all.cpu_max > 0.49 && a.all.cpu_max < 0.51);
    assert_true(resources_cpu_mean(&a.all) > 0.24 && resources_cpu_mean(&a.all) < 0.26);
    resources_add(&b, &(struct sample){.at = 1, .rss = 90, .gpu_memory = 7, .gpu_use = 50});
    struct resources both = {.name = SLICE("x")};
    resources_merge(&both, &a.all);
    assert_int_equal(both.gpu_memory_max, -1);
    resources_merge(&both, &b.all);
    assert_int_equal(both.instances, 2);
    assert_int_equal(both.rss_max, 90);
    assert_int_equal(both.gpu_memory_max, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_is_measured_with_all_below_its_keeper),
        cmocka_unit_test(a_service_that_is_gone_is_no_trouble),
        cmocka_unit_test(a_request_outlives_the_subject_and_knows_its_peak),
        cmocka_unit_test(sums_are_of_all_instances),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
