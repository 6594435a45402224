/*
 * A hash table with chains: from none to tens of thousands of jobs.
 */
#include "jobs.h"

#include "core/memory.h"

static struct job **bucket(const struct jobs *jobs, struct slice id)
{
    return &jobs->buckets[slice_hash(id) & (jobs->bucket_count - 1)];
}

static void grow(struct jobs *jobs)
{
    struct jobs larger = {.bucket_count = jobs->bucket_count ? jobs->bucket_count * 2 : 64};
    larger.buckets = mem_zero(larger.bucket_count * sizeof(struct job *));
    for (size_t i = 0; i < jobs->bucket_count; i++) {
        struct job *next;
        for (struct job *job = jobs->buckets[i]; job; job = next) {
            struct job **to = bucket(&larger, job_id(job));
            next = job->next;
            job->next = *to;
            *to = job;
        }
    }
    mem_free(jobs->buckets);
    jobs->buckets = larger.buckets;
    jobs->bucket_count = larger.bucket_count;
}

struct job *jobs_find(const struct jobs *jobs, struct slice id)
{
    if (jobs->count == 0)
        return NULL;
    struct job *job = *bucket(jobs, id);
    while (job && !slice_eq(job_id(job), id))
        job = job->next;
    return job;
}

struct job *jobs_add(struct jobs *jobs, struct slice id)
{
    if (jobs_find(jobs, id))
        return NULL;
    if (jobs->count == jobs->bucket_count)
        grow(jobs);
    struct job *job = mem_zero(sizeof(*job) + id.len);
    struct job **head = bucket(jobs, id);
    memcpy(job->id, id.data, id.len);
    job->id_len = id.len;
    job->next = *head;
    *head = job;
    jobs->count++;
    return job;
}

void jobs_remove(struct jobs *jobs, struct job *job)
{
    struct job **at = bucket(jobs, job_id(job));
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    jobs->count--;
    mem_free(job);
}

struct job *jobs_any(const struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->bucket_count; i++)
        if (jobs->buckets[i])
            return jobs->buckets[i];
    return NULL;
}

void jobs_free(struct jobs *jobs)
{
    MUST(jobs->count == 0, "%zu jobs left", jobs->count);
    mem_free(jobs->buckets);
    *jobs = (struct jobs){0};
}
