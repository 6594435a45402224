/*
 * A ring of answers between the threads of a load and the one that looks into them.
 */
#include "load/inspect.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "core/limits.h"
#include "core/memory.h"

struct inspector {
    struct inspection inspection;
    uint64_t threshold; /* a random number below it is kept */
    pthread_t thread;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t came;
    struct inspected *queue[INSPECT_QUEUE];
    uint32_t first, count;
    size_t bytes; /* of bodies in the queue */
    bool ending;
    struct inspections seen;
};

/* ------------------------------------------------------------------ an answer */

struct inspected *inspected_new(void)
{
    struct inspected *answer = NEW(struct inspected);
    answer->head = buf_limited(LIMIT_HTTP_HEAD_BYTES);
    answer->body = buf_limited(INSPECT_BODY_BYTES);
    return answer;
}

void inspected_free(struct inspected *answer)
{
    if (!answer)
        return;
    buf_free(&answer->head);
    buf_free(&answer->body);
    mem_free(answer->pieces);
    mem_free(answer);
}

void inspected_head(struct inspected *answer, uint16_t status, struct slice lines)
{
    answer->status = status;
    buf_clear(&answer->head);
    answer->cut = !result_ok(buf_append(&answer->head, lines));
}

void inspected_body(struct inspected *answer, struct slice bytes, int64_t at)
{
    if (answer->cut || !result_ok(buf_append(&answer->body, bytes))) {
        answer->cut = true;
        return;
    }
    /* What came with one read is one piece, however small the chunks: not to be outgrown by them.
     */
    if (answer->piece_count > 0 && answer->pieces[answer->piece_count - 1].at == at) {
        answer->pieces[answer->piece_count - 1].len += (uint32_t)bytes.len;
        return;
    }
    GROW(answer->pieces, answer->piece_count, answer->piece_room);
    answer->pieces[answer->piece_count++] = (struct answer_piece){(uint32_t)bytes.len, at};
}

/* ------------------------------------------------------------------ the thread */

static struct inspected *next(struct inspector *inspector)
{
    struct inspected *answer = NULL;
    pthread_mutex_lock(&inspector->mutex);
    while (inspector->count == 0 && !inspector->ending)
        pthread_cond_wait(&inspector->came, &inspector->mutex);
    if (inspector->count > 0) {
        answer = inspector->queue[inspector->first];
        inspector->first = (inspector->first + 1) % INSPECT_QUEUE;
        inspector->count--;
        inspector->bytes -= answer->body.len;
    }
    pthread_mutex_unlock(&inspector->mutex);
    return answer;
}

static void note(struct inspector *inspector, bool good, const char *why)
{
    pthread_mutex_lock(&inspector->mutex);
    inspector->seen.checked++;
    if (!good && inspector->seen.failed++ == 0)
        memcpy(inspector->seen.example, why, INSPECT_WHY);
    pthread_mutex_unlock(&inspector->mutex);
}

static void *run(void *argument)
{
    struct inspector *inspector = argument;
    /* What makes the load goes first, wherever both want the same processor. */
    const struct sched_param none = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
    for (struct inspected *answer; (answer = next(inspector));) {
        char why[INSPECT_WHY] = "";
        bool good = inspector->inspection.check(inspector->inspection.context, answer, why);
        note(inspector, good, why);
        inspected_free(answer);
    }
    return NULL;
}

struct result inspector_begin(const struct inspection *inspection, struct inspector **out)
{
    struct inspector *inspector = NEW(struct inspector);
    *out = NULL;
    inspector->inspection = *inspection;
    inspector->threshold = inspection->share >= 1
                               ? UINT64_MAX
                               : (uint64_t)(inspection->share * (double)(1ull << 53)) << 11;
    pthread_mutex_init(&inspector->mutex, NULL);
    pthread_cond_init(&inspector->came, NULL);
    int fault = pthread_create(&inspector->thread, NULL, run, inspector);
    if (fault) {
        mem_free(inspector);
        return error_set(ERR_IO, "a thread cannot be had: %s", strerror(fault));
    }
    *out = inspector;
    return RESULT_OK;
}

bool inspector_wants(const struct inspector *inspector, struct random *random)
{
    return random_next(random) <= inspector->threshold;
}

void inspector_take(struct inspector *inspector, struct inspected *answer)
{
    bool room;
    pthread_mutex_lock(&inspector->mutex);
    room = inspector->count < INSPECT_QUEUE &&
           inspector->bytes + answer->body.len <= INSPECT_QUEUE_BYTES;
    if (room) {
        inspector->bytes += answer->body.len;
        uint32_t at = (inspector->first + inspector->count++) % INSPECT_QUEUE;
        inspector->queue[at] = answer;
        pthread_cond_signal(&inspector->came);
    } else {
        inspector->seen.dropped++;
    }
    pthread_mutex_unlock(&inspector->mutex);
    if (!room)
        inspected_free(answer);
}

void inspector_end(struct inspector *inspector, struct inspections *out)
{
    if (!inspector)
        return;
    pthread_mutex_lock(&inspector->mutex);
    inspector->ending = true;
    pthread_cond_signal(&inspector->came);
    pthread_mutex_unlock(&inspector->mutex);
    pthread_join(inspector->thread, NULL);
    if (out)
        *out = inspector->seen;
    pthread_mutex_destroy(&inspector->mutex);
    pthread_cond_destroy(&inspector->came);
    mem_free(inspector);
}
