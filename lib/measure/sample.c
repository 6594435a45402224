/*
 * Sums over samples.
 */
#include "measure/sample.h"

#include "core/clock.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct resources_sum resources_sum(void)
{
    return (struct resources_sum){.all = {.instances = 1, .gpu_memory_max = -1, .gpu_use_max = -1}};
}

static double cores(const struct sample *from, const struct sample *to)
{
    int64_t elapsed = to->at - from->at;
    return elapsed > 0 ? (double)(to->cpu - from->cpu) / (double)elapsed : 0;
}

void resources_add(struct resources_sum *sum, const struct sample *s)
{
    struct resources *all = &sum->all;
    if (all->samples++ == 0)
        sum->first = sum->anchor = *s;
    sum->last = *s;
    all->elapsed = s->at - sum->first.at;
    all->cpu = s->cpu - sum->first.cpu;
    if (s->at - sum->anchor.at >= NS_PER_S) {
        double now = cores(&sum->anchor, s);
        bool first_second = sum->anchor.at == sum->first.at;
        all->cpu_max = first_second || now > all->cpu_max ? now : all->cpu_max;
        sum->anchor = *s;
    } else if (sum->anchor.at == sum->first.at) {
        all->cpu_max = cores(&sum->first, s);
    }
    all->rss_max = larger(all->rss_max, s->rss);
    all->pss_max = larger(all->pss_max, s->pss);
    all->processes_max = larger(all->processes_max, s->processes);
    all->threads_max = larger(all->threads_max, s->threads);
    all->descriptors_max = larger(all->descriptors_max, s->descriptors);
    all->voluntary = s->voluntary - sum->first.voluntary;
    all->involuntary = s->involuntary - sum->first.involuntary;
    all->read_bytes = s->read_bytes - sum->first.read_bytes;
    all->written_bytes = s->written_bytes - sum->first.written_bytes;
    all->gpu_memory_max = larger(all->gpu_memory_max, s->gpu_memory);
    all->gpu_use_max = larger(all->gpu_use_max, s->gpu_use);
}

void resources_merge(struct resources *into, const struct resources *r)
{
    if (into->instances == 0)
        into->gpu_memory_max = into->gpu_use_max = -1;
    into->instances += r->instances;
    into->samples += r->samples;
    into->elapsed += r->elapsed;
    into->cpu += r->cpu;
    into->cpu_max = r->cpu_max > into->cpu_max ? r->cpu_max : into->cpu_max;
    into->rss_max = larger(into->rss_max, r->rss_max);
    into->pss_max = larger(into->pss_max, r->pss_max);
    into->processes_max = larger(into->processes_max, r->processes_max);
    into->threads_max = larger(into->threads_max, r->threads_max);
    into->descriptors_max = larger(into->descriptors_max, r->descriptors_max);
    into->voluntary += r->voluntary;
    into->involuntary += r->involuntary;
    into->read_bytes += r->read_bytes;
    into->written_bytes += r->written_bytes;
    into->gpu_memory_max = larger(into->gpu_memory_max, r->gpu_memory_max);
    into->gpu_use_max = larger(into->gpu_use_max, r->gpu_use_max);
}

double resources_cpu_mean(const struct resources *r)
{
    return r->elapsed > 0 ? (double)r->cpu / (double)r->elapsed : 0;
}
