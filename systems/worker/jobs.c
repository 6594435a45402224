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
            next = job->next_in_bucket;
            job->next_in_bucket = *to;
            *to = job;
        }
    }
    mem_free(jobs->buckets);
    jobs->buckets = larger.buckets;
    jobs->bucket_count = larger.bucket_count;
}

static struct job *find(const struct jobs *jobs, struct slice id)
{
    if (jobs->known == 0)
        return NULL;
    struct job *job = *bucket(jobs, id);
    while (job && !slice_eq(job_id(job), id))
        job = job->next_in_bucket;
    return job;
}

static void forget(struct jobs *jobs, struct job *job)
{
    struct job **at = bucket(jobs, job_id(job));
    while (*at != job)
        at = &(*at)->next_in_bucket;
    *at = job->next_in_bucket;
    job->known = false;
    jobs->known--;
}

void jobs_init(struct jobs *jobs)
{
    *jobs = (struct jobs){0};
    MUST(pthread_mutex_init(&jobs->lock, NULL) == 0, "a lock without attributes");
}

static void add_to_table(struct jobs *jobs, struct job *job)
{
    if (jobs->known == jobs->bucket_count)
        grow(jobs);
    struct job **head = bucket(jobs, job_id(job));
    job->next_in_bucket = *head;
    *head = job;
    job->known = true;
    jobs->known++;
    jobs->alive++;
}

struct job *jobs_add(struct jobs *jobs, struct job_list *owner, struct slice id)
{
    struct job *job = mem_zero(sizeof(*job) + id.len);
    memcpy(job->id, id.data, id.len);
    job->id_len = id.len;
    job->owner = owner;
    pthread_mutex_lock(&jobs->lock);
    bool in_use = find(jobs, id);
    if (!in_use)
        add_to_table(jobs, job);
    pthread_mutex_unlock(&jobs->lock);
    if (in_use) {
        mem_free(job);
        return NULL;
    }
    job->next = owner->first;
    if (job->next)
        job->next->previous = job;
    owner->first = job;
    owner->count++;
    return job;
}

bool jobs_cancel(struct jobs *jobs, struct slice id, const struct job_list *list, struct job **mine)
{
    pthread_mutex_lock(&jobs->lock);
    struct job *job = find(jobs, id);
    *mine = job && job->owner == list ? job : NULL;
    if (job)
        forget(jobs, job);
    if (job && !*mine) {
        job->next_cancelled = job->owner->cancelled;
        job->owner->cancelled = job;
        uv_async_send(job->owner->news);
    }
    pthread_mutex_unlock(&jobs->lock);
    return job;
}

struct job *jobs_take_cancelled(struct jobs *jobs, struct job_list *list)
{
    pthread_mutex_lock(&jobs->lock);
    struct job *job = list->cancelled;
    if (job)
        list->cancelled = job->next_cancelled;
    pthread_mutex_unlock(&jobs->lock);
    return job;
}

static void forget_cancelled(struct job *job)
{
    struct job **at = &job->owner->cancelled;
    while (*at && *at != job)
        at = &(*at)->next_cancelled;
    if (*at)
        *at = job->next_cancelled;
}

void jobs_remove(struct jobs *jobs, struct job *job)
{
    struct job_list *owner = job->owner;
    if (job->previous)
        job->previous->next = job->next;
    else
        owner->first = job->next;
    if (job->next)
        job->next->previous = job->previous;
    owner->count--;
    pthread_mutex_lock(&jobs->lock);
    if (job->known)
        forget(jobs, job);
    else
        forget_cancelled(job);
    jobs->alive--;
    pthread_mutex_unlock(&jobs->lock);
    mem_free(job);
}

void jobs_free(struct jobs *jobs)
{
    MUST(jobs->alive == 0, "%zu jobs left", (size_t)jobs->alive);
    mem_free(jobs->buckets);
    pthread_mutex_destroy(&jobs->lock);
}
