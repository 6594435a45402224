/*
 * What measuring costs: N processes of a service, each with T threads and F open files, are looked
 * at for S seconds, and the CPU time of the sampler's thread is told as a share of one core.
 *
 *     bench_measure PROCESSES THREADS FILES SECONDS
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/parse.h"
#include "measure/measure.h"

static void *rest(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void be_process(uint64_t threads, uint64_t files)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint64_t i = 0; i < files; i++)
        (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (uint64_t i = 1; i < threads; i++) {
        pthread_t thread;
        (void)pthread_create(&thread, NULL, rest, NULL);
    }
    rest(NULL);
}

static pid_t start_keeper(uint64_t processes, uint64_t threads, uint64_t files)
{
    pid_t keeper = fork();
    if (keeper != 0)
        return keeper;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint64_t i = 0; i < processes; i++)
        if (fork() == 0)
            be_process(threads, files);
    rest(NULL);
    return 0;
}

static void samples(void *context, const struct samples *s)
{
    (void)context, (void)s;
}

static void resources(void *context, const struct resources *r)
{
    uint64_t *count = context;
    *count = r->samples > *count ? r->samples : *count;
}

static void anomaly(void *context, const struct anomaly *a)
{
    (void)context, (void)a;
}

static void note(void *context, const char *text)
{
    (void)context;
    printf("%s\n", text);
}

int main(int argc, char **argv)
{
    uint64_t numbers[4], looks = 0;
    for (int i = 0; i < 4; i++) {
        if (argc == 5 && result_ok(parse_unsigned(slice_str(argv[i + 1]), 10000, &numbers[i])))
            continue;
        fputs("usage: bench_measure PROCESSES THREADS FILES SECONDS\n", stderr);
        return 2;
    }
    struct measure *m = NULL;
    pid_t keeper = start_keeper(numbers[0], numbers[1], numbers[2]);
    sleep(1); /* until all are there: what they cost to start is not the question */
    if (!result_ok(measure_start(MEASURE_INTERVAL, &m)))
        return 1;
    measure_ready(measure_add(m, SLICE("service"), 1, keeper, keeper));
    sleep((unsigned)numbers[3]);
    measure_stop(m);
    const struct measure_news news = {&looks, samples, resources, anomaly, note};
    measure_take(m, &news);
    double cost = (double)measure_cost(m) / NS_PER_S;
    printf("%llu processes of %llu threads and %llu files: %llu looks, %.2f %% of a core, %.0f us"
           " each\n",
           (unsigned long long)numbers[0], (unsigned long long)numbers[1],
           (unsigned long long)numbers[2], (unsigned long long)looks,
           100 * cost / (double)numbers[3], 1e6 * cost / (double)looks);
    measure_free(m);
    kill(keeper, SIGKILL);
    (void)waitpid(keeper, NULL, 0);
    return 0;
}
