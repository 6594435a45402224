/*
 * The sampler's thread and what it shares with the loop. The list of subjects, the requests under
 * way and what was seen are guarded by one mutex, which is never held while /proc is read. A
 * subject belongs to the thread from measure_add until it has been `finished`; then to the loop,
 * which frees it when everything was taken and no request points to it.
 */
#include "measure/measure.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "core/log.h"
#include "core/memory.h"
#include "core/text.h"
#include "measure/gpu.h"
#include "measure/proc.h"
#include "measure/watch.h"

/* The shares of memory are read so seldom that they take at most this share of a core each. */
#define PSS_SHARE 0.0005
#define PSS_INTERVAL NS_PER_S
/* GPUs are looked at with every second beat: NVML takes a millisecond a device. */
#define GPU_BEATS 2
/* How often the cost is judged, in beats. */
#define COST_BEATS 10
#define INTERVAL_MAX (10 * NS_PER_S)
#define NOTES_MAX 4

/* One process of a subject. */
struct member {
    struct proc proc;
    struct proc_details details; /* of the last beat */
    int64_t descriptors;
    int64_t pss, pss_due;
};

struct measure_subject {
    struct measure *measure;
    struct measure_subject *next;
    char *name;
    uint32_t number, instance;
    pid_t root, pid;
    bool below;

    /* The thread's. */
    struct member **members;
    size_t member_count, member_capacity, unread; /* unread: beyond MEASURE_PROCESSES */
    struct proc keeper;                           /* when `below`: for what it has reaped */
    struct sample last;                           /* figures so far never become less */
    size_t ticks, every;                          /* every: samples are kept each so many ticks */
    size_t kept;                                  /* at this resolution */
    struct watch *watch;
    struct beat beat; /* the least values so far */
    bool beat_begun;
    char restless_name[16]; /* of the beat */
    struct resources_sum sum;

    /* Shared. */
    bool ready, removed, finished;
    struct sample *fresh;
    size_t fresh_count, fresh_capacity;
    struct found *found;
    struct measure_request *requests;
    uint64_t answered;
};

struct measure {
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t wake;
    bool running, stop;
    int64_t interval;                 /* at present */
    struct measure_subject *subjects; /* those that were finished too, until they are taken */
    uint32_t last_number;
    char *notes[NOTES_MAX]; /* not taken yet */
    size_t note_count;

    /* The thread's. */
    struct measure_subject **now; /* those of the present tick */
    size_t now_count, now_capacity;
    struct gpu *gpu;
    bool gpu_asked;
    size_t ticks, beats;
    int64_t cost;                       /* ns of CPU time so far; the loop's after measure_stop */
    int64_t cost_before, judged_before; /* when last judged */
};

static void note(struct measure *m, const char *text)
{
    uv_mutex_lock(&m->mutex);
    if (m->note_count < NOTES_MAX)
        m->notes[m->note_count++] = mem_string(text);
    uv_mutex_unlock(&m->mutex);
}

/* ── processes ── */

static bool is_member(const struct measure_subject *s, pid_t pid)
{
    for (size_t i = 0; i < s->member_count; i++)
        if (s->members[i]->proc.pid == pid)
            return true;
    return false;
}

static void drop_member(struct measure_subject *s, size_t at)
{
    proc_close(&s->members[at]->proc);
    mem_free(s->members[at]);
    s->members[at] = s->members[--s->member_count];
}

static void found_process(void *context, pid_t pid)
{
    struct measure_subject *s = context;
    if (is_member(s, pid))
        return;
    if (s->member_count == MEASURE_PROCESSES) {
        s->unread++;
        return;
    }
    struct proc proc;
    if (!proc_open(&proc, pid))
        return;
    GROW(s->members, s->member_count, s->member_capacity);
    s->members[s->member_count] = NEW(struct member);
    s->members[s->member_count++]->proc = proc;
}

static void nobody(void *context, pid_t pid)
{
    (void)context;
    (void)pid;
}

/* Threads, children, storage of every process; children found are looked at in the same pass. */
static void look_closer(struct measure_subject *s)
{
    struct proc_details details;
    struct proc_figures figures;
    s->unread = 0;
    s->beat.restless = 0;
    if (s->below && s->keeper.folder >= 0)
        (void)proc_look(&s->keeper, 0, found_process, s, &details);
    for (size_t i = 0; i < s->member_count; i++) {
        struct member *m = s->members[i];
        bool there =
            proc_read(&m->proc, &figures) &&
            proc_look(&m->proc, figures.cpu, s->below ? found_process : nobody, s, &details);
        if (!there) {
            drop_member(s, i--);
            continue;
        }
        m->details = details;
        m->descriptors = details.descriptors;
        bool longest = details.restless &&
                       (!s->beat.restless || details.restless_since < s->beat.restless_since);
        if (longest) {
            s->beat.restless = details.restless;
            s->beat.restless_since = details.restless_since;
            snprintf(s->restless_name, sizeof(s->restless_name), "%s", details.restless_name);
            s->beat.restless_name = slice_str(s->restless_name);
        }
    }
}

static void read_pss(struct member *m, int64_t now)
{
    if (now < m->pss_due)
        return;
    int64_t before = clock_now();
    m->pss = proc_pss(&m->proc);
    int64_t took = clock_now() - before, pause = (int64_t)((double)took / PSS_SHARE);
    m->pss_due = now + (pause > PSS_INTERVAL ? pause : PSS_INTERVAL);
}

static void add_details(struct sample *out, const struct member *m)
{
    const struct proc_details *d = &m->details;
    bool known = d->voluntary >= 0 && out->voluntary >= 0;
    out->voluntary = known ? out->voluntary + d->voluntary : -1;
    out->involuntary = known ? out->involuntary + d->involuntary : -1;
    out->read_bytes += d->read_bytes;
    out->written_bytes += d->written_bytes;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Sums over processes become less when one of them ends; what was used was used. */
static void keep_rising(struct measure_subject *s, struct sample *now)
{
    const struct sample *last = &s->last;
    now->cpu = larger(now->cpu, last->cpu);
    if (now->voluntary >= 0) {
        now->voluntary = larger(now->voluntary, last->voluntary);
        now->involuntary = larger(now->involuntary, last->involuntary);
    }
    now->read_bytes = larger(now->read_bytes, last->read_bytes);
    now->written_bytes = larger(now->written_bytes, last->written_bytes);
}

/* Everything there is to know now; false when no process is left. */
static bool look(struct measure_subject *s, bool closer, struct sample *out)
{
    int64_t now = clock_now();
    struct proc_figures f;
    bool pss_known = true;
    if (closer)
        look_closer(s);
    *out = (struct sample){.at = clock_wall(), .gpu_memory = -1, .gpu_use = -1};
    for (size_t i = 0; i < s->member_count; i++) {
        struct member *m = s->members[i];
        if (!proc_read(&m->proc, &f)) {
            drop_member(s, i--);
            continue;
        }
        if (f.descriptors >= 0)
            m->descriptors = f.descriptors;
        if (closer)
            read_pss(m, now);
        pss_known = pss_known && m->pss > 0;
        out->cpu += f.cpu + f.stat.reaped;
        out->rss += f.stat.rss;
        out->pss += m->pss;
        out->processes++;
        out->threads += f.stat.threads;
        out->descriptors += m->descriptors;
        add_details(out, m);
        if (s->measure->gpu)
            gpu_add_process(s->measure->gpu, m->proc.pid, &out->gpu_memory, &out->gpu_use);
    }
    if (!pss_known)
        out->pss = 0;
    if (s->below && s->keeper.folder >= 0 && proc_read(&s->keeper, &f))
        out->cpu += f.stat.reaped;
    bool any = out->processes > 0;
    out->processes += (int64_t)s->unread;
    keep_rising(s, out);
    return any;
}

/* ── what was seen ── */

static void keep_sample(struct measure_subject *s, const struct sample *sample)
{
    resources_add(&s->sum, sample);
    s->last = *sample;
    if (s->ticks++ % s->every != 0)
        return;
    uv_mutex_lock(&s->measure->mutex);
    GROW(s->fresh, s->fresh_count, s->fresh_capacity);
    s->fresh[s->fresh_count++] = *sample;
    uv_mutex_unlock(&s->measure->mutex);
    if (++s->kept < MEASURE_SAMPLES)
        return;
    s->kept /= 2;
    s->every *= 2;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void add_to_beat(struct measure_subject *s, const struct sample *sample)
{
    struct beat *b = &s->beat;
    if (!s->beat_begun) {
        s->beat_begun = true;
        b->rss = sample->rss;
        b->descriptors = sample->descriptors;
        b->threads = sample->threads;
        return;
    }
    b->rss = smaller(b->rss, sample->rss);
    b->descriptors = smaller(b->descriptors, sample->descriptors);
    b->threads = smaller(b->threads, sample->threads);
}

/* How the requests to it stand; their peaks of memory are noted. */
static void look_at_requests(struct measure_subject *s, const struct sample *sample)
{
    struct beat *b = &s->beat;
    int64_t now = clock_now();
    b->pending = 0;
    b->quiet = 0;
    uv_mutex_lock(&s->measure->mutex);
    for (struct measure_request *r = s->requests; r; r = r->next) {
        r->rss_max = larger(r->rss_max, sample->rss);
        b->pending++;
        if (now - r->heard <= b->quiet)
            continue;
        b->quiet = now - r->heard;
        b->answering = r->answering;
    }
    b->answered = s->answered;
    uv_mutex_unlock(&s->measure->mutex);
}

static void end_beat(struct measure_subject *s, const struct sample *sample)
{
    struct beat *b = &s->beat;
    b->at = clock_now();
    b->wall = sample->at;
    b->cpu = sample->cpu;
    b->moved = sample->read_bytes + sample->written_bytes;
    b->gpu_use = sample->gpu_use;
    watch_beat(s->watch, b);
    s->beat_begun = false;
}

static void sample_subject(struct measure_subject *s, bool closer, bool ready)
{
    struct sample sample;
    if (!look(s, closer || s->ticks < MEASURE_BEAT, &sample))
        return;
    keep_sample(s, &sample);
    look_at_requests(s, &sample);
    if (!s->below || !ready)
        return;
    add_to_beat(s, &sample);
    if (closer)
        end_beat(s, &sample);
}

/* Nothing of it will be looked at again. */
static void finish(struct measure_subject *s)
{
    watch_end(s->watch);
    for (size_t i = s->member_count; i > 0; i--)
        drop_member(s, i - 1);
    proc_close(&s->keeper);
    uv_mutex_lock(&s->measure->mutex);
    s->found = watch_take(s->watch);
    s->finished = true;
    uv_mutex_unlock(&s->measure->mutex);
}

/* ── the thread ── */

static void read_gpus(struct measure *m)
{
    bool any_service = false;
    for (size_t i = 0; i < m->now_count; i++)
        any_service = any_service || m->now[i]->below;
    if (!m->gpu_asked && any_service) {
        m->gpu_asked = true;
        if (!result_ok(gpu_open(&m->gpu)))
            log_info("measure", "GPUs are not measured: %s", error_last()->text);
    }
    if (m->gpu)
        gpu_read(m->gpu);
}

static int64_t thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Does it cost more than it may? Then it looks half as often. */
static void judge_cost(struct measure *m)
{
    int64_t now = clock_now(), cost = thread_cpu();
    double share = (double)(cost - m->cost_before) / (double)(now - m->judged_before);
    m->cost = cost;
    m->cost_before = cost;
    m->judged_before = now;
    if (share <= MEASURE_BUDGET || m->interval >= INTERVAL_MAX)
        return;
    m->interval *= 2;
    char text[200];
    snprintf(text, sizeof(text),
             "measuring used %.1f %% of a core: from now on it looks every %lld ms", share * 100,
             (long long)(m->interval / NS_PER_MS));
    note(m, text);
}

/* The subjects as they are now: the loop may add and remove some meanwhile. */
static void gather(struct measure *m, bool *ready, bool *removed, size_t max)
{
    m->now_count = 0;
    uv_mutex_lock(&m->mutex);
    for (struct measure_subject *s = m->subjects; s && m->now_count < max; s = s->next) {
        if (s->finished)
            continue;
        GROW(m->now, m->now_count, m->now_capacity);
        ready[m->now_count] = s->ready;
        removed[m->now_count] = s->removed || m->stop;
        m->now[m->now_count++] = s;
    }
    uv_mutex_unlock(&m->mutex);
}

/* Subjects that are looked at in one tick; services beyond that have to wait for others to end. */
#define SUBJECTS_MAX 1024

static void tick(struct measure *m)
{
    bool ready[SUBJECTS_MAX] = {false}, removed[SUBJECTS_MAX] = {false};
    bool closer = m->ticks++ % MEASURE_BEAT == 0;
    gather(m, ready, removed, SUBJECTS_MAX);
    if (closer && m->beats++ % GPU_BEATS == 1)
        read_gpus(m);
    for (size_t i = 0; i < m->now_count; i++) {
        sample_subject(m->now[i], closer || removed[i], ready[i]);
        if (removed[i])
            finish(m->now[i]);
    }
    if (closer && m->beats % COST_BEATS == 0)
        judge_cost(m);
}

/* Until the deadline, or the end. A deadline that was missed is not made up for. */
static bool wait_until(struct measure *m, int64_t *next)
{
    int64_t now = clock_now();
    *next += m->interval;
    if (*next < now)
        *next = now + m->interval - (now - *next) % m->interval;
    uv_mutex_lock(&m->mutex);
    while (!m->stop && (now = clock_now()) < *next)
        (void)uv_cond_timedwait(&m->wake, &m->mutex, (uint64_t)(*next - now));
    bool go_on = !m->stop;
    uv_mutex_unlock(&m->mutex);
    return go_on;
}

static void run(void *argument)
{
    struct measure *m = argument;
    int64_t next = clock_now();
    m->judged_before = next;
    do {
        tick(m);
    } while (wait_until(m, &next));
    tick(m);
    gpu_close(m->gpu);
    m->gpu = NULL;
    m->cost = thread_cpu();
}

/* ── the loop's side ── */

static struct measure_subject *subject_new(struct measure *m, struct slice name, uint32_t instance,
                                           pid_t root, pid_t pid, bool below)
{
    struct measure_subject *s = NEW(struct measure_subject);
    s->measure = m;
    s->name = mem_alloc(name.len + 1);
    memcpy(s->name, name.data, name.len);
    s->name[name.len] = '\0';
    s->number = ++m->last_number;
    s->instance = instance;
    s->root = root;
    s->pid = pid;
    s->below = below;
    s->every = 1;
    s->watch = watch_new();
    s->sum = resources_sum();
    s->keeper = (struct proc){.folder = -1, .stat = -1};
    if (below)
        (void)proc_open(&s->keeper, root);
    else
        found_process(s, root);
    uv_mutex_lock(&m->mutex);
    struct measure_subject **end = &m->subjects;
    while (*end)
        end = &(*end)->next;
    *end = s;
    uv_mutex_unlock(&m->mutex);
    return s;
}

static void subject_free(struct measure_subject *s)
{
    for (struct found *f = s->found, *next; f; f = next) {
        next = f->next;
        arena_free(f->arena);
    }
    watch_free(s->watch);
    mem_free(s->members);
    mem_free(s->fresh);
    mem_free(s->name);
    mem_free(s);
}

struct result measure_start(int64_t interval, struct measure **out)
{
    struct measure *m = NEW(struct measure);
    *out = m;
    m->interval = interval;
    MUST(uv_mutex_init(&m->mutex) == 0, "no mutex");
    MUST(uv_cond_init(&m->wake) == 0, "no condition");
    (void)subject_new(m, SLICE("assay"), 1, getpid(), getpid(), false);
    int rc = uv_thread_create(&m->thread, run, m);
    m->running = rc == 0;
    if (rc == 0)
        return RESULT_OK;
    measure_free(m);
    *out = NULL;
    return error_set(ERR_IO, "cannot start the thread that measures: %s", uv_strerror(rc));
}

struct measure_subject *measure_add(struct measure *m, struct slice name, uint32_t instance,
                                    pid_t root, pid_t pid)
{
    return subject_new(m, name, instance, root, pid, true);
}

void measure_ready(struct measure_subject *s)
{
    uv_mutex_lock(&s->measure->mutex);
    s->ready = true;
    uv_mutex_unlock(&s->measure->mutex);
}

void measure_remove(struct measure_subject *s)
{
    uv_mutex_lock(&s->measure->mutex);
    s->removed = true;
    uv_mutex_unlock(&s->measure->mutex);
}

void measure_request_begin(struct measure_request *r, struct measure_subject *s)
{
    *r = (struct measure_request){.subject = s, .heard = clock_now()};
    if (!s)
        return;
    uv_mutex_lock(&s->measure->mutex);
    r->next = s->requests;
    if (r->next)
        r->next->previous = r;
    s->requests = r;
    uv_mutex_unlock(&s->measure->mutex);
}

void measure_request_heard(struct measure_request *r)
{
    if (!r->subject)
        return;
    uv_mutex_lock(&r->subject->measure->mutex);
    r->heard = clock_now();
    r->answering = true;
    uv_mutex_unlock(&r->subject->measure->mutex);
}

void measure_request_end(struct measure_request *r)
{
    struct measure_subject *s = r->subject;
    if (!s)
        return;
    uv_mutex_lock(&s->measure->mutex);
    if (r->previous)
        r->previous->next = r->next;
    else
        s->requests = r->next;
    if (r->next)
        r->next->previous = r->previous;
    s->answered++;
    uv_mutex_unlock(&s->measure->mutex);
    r->subject = NULL;
}

int64_t measure_resident(const struct measure_subject *s)
{
    return proc_resident_tree(s->root, s->below);
}

/* ── taking ── */

static void tell_end(struct measure_subject *s, const struct measure_news *news)
{
    struct resources all = s->sum.all;
    all.name = slice_str(s->name);
    news->resources(news->context, &all);
    for (struct found *f = s->found; f; f = f->next) {
        const struct anomaly anomaly = {.kind = slice_str(f->kind),
                                        .subject = slice_str(s->name),
                                        .number = s->number,
                                        .instance = s->instance,
                                        .started = f->started,
                                        .ended = f->ended,
                                        .text = f->text,
                                        .evidence = f->evidence};
        news->anomaly(news->context, &anomaly);
    }
}

/* What is new of one subject; true when it can be forgotten. */
static bool take_subject(struct measure_subject *s, const struct measure_news *news)
{
    struct measure *m = s->measure;
    uv_mutex_lock(&m->mutex);
    struct sample *fresh = s->fresh;
    size_t count = s->fresh_count;
    bool finished = s->finished, used = s->requests != NULL;
    s->fresh = NULL;
    s->fresh_count = s->fresh_capacity = 0;
    uv_mutex_unlock(&m->mutex);
    const struct samples samples = {.name = slice_str(s->name),
                                    .subject = s->number,
                                    .instance = s->instance,
                                    .pid = s->pid,
                                    .items = fresh,
                                    .count = count};
    if (count)
        news->samples(news->context, &samples);
    mem_free(fresh);
    if (!finished || used)
        return false;
    tell_end(s, news);
    return true;
}

static void take_notes(struct measure *m, const struct measure_news *news)
{
    char *notes[NOTES_MAX];
    uv_mutex_lock(&m->mutex);
    size_t count = m->note_count;
    memcpy(notes, m->notes, sizeof(notes));
    m->note_count = 0;
    uv_mutex_unlock(&m->mutex);
    for (size_t i = 0; i < count; i++) {
        news->note(news->context, notes[i]);
        mem_free(notes[i]);
    }
}

void measure_take(struct measure *m, const struct measure_news *news)
{
    take_notes(m, news);
    for (struct measure_subject **at = &m->subjects; *at;) {
        struct measure_subject *s = *at;
        if (!take_subject(s, news)) {
            at = &s->next;
            continue;
        }
        uv_mutex_lock(&m->mutex);
        *at = s->next;
        uv_mutex_unlock(&m->mutex);
        subject_free(s);
    }
}

void measure_stop(struct measure *m)
{
    if (!m->running)
        return;
    uv_mutex_lock(&m->mutex);
    m->stop = true;
    uv_cond_signal(&m->wake);
    uv_mutex_unlock(&m->mutex);
    uv_thread_join(&m->thread);
    m->running = false;
}

int64_t measure_cost(const struct measure *m)
{
    return m->cost;
}

void measure_free(struct measure *m)
{
    if (!m)
        return;
    measure_stop(m);
    while (m->subjects) {
        struct measure_subject *s = m->subjects;
        m->subjects = s->next;
        for (size_t i = s->member_count; i > 0; i--)
            drop_member(s, i - 1);
        proc_close(&s->keeper);
        subject_free(s);
    }
    for (size_t i = 0; i < m->note_count; i++)
        mem_free(m->notes[i]);
    uv_mutex_destroy(&m->mutex);
    uv_cond_destroy(&m->wake);
    mem_free(m->now);
    mem_free(m);
}
