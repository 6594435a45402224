/*
 * A binary heap of due times over one timer and one idle handle.
 */
#include "schedule.h"

#include "core/memory.h"
#include "core/result.h"

static void place(struct schedule *s, struct wake *wake, size_t at)
{
    s->heap[at - 1] = wake;
    wake->at = at;
}

static void rise(struct schedule *s, struct wake *wake)
{
    size_t at = wake->at;
    for (; at > 1 && s->heap[at / 2 - 1]->due > wake->due; at /= 2)
        place(s, s->heap[at / 2 - 1], at);
    place(s, wake, at);
}

static void sink(struct schedule *s, struct wake *wake)
{
    size_t at = wake->at;
    while (at * 2 <= s->count) {
        size_t child = at * 2;
        if (child < s->count && s->heap[child]->due < s->heap[child - 1]->due)
            child++;
        if (s->heap[child - 1]->due >= wake->due)
            break;
        place(s, s->heap[child - 1], at);
        at = child;
    }
    place(s, wake, at);
}

static void on_timer(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);

static void arm(struct schedule *s)
{
    int64_t due = s->count ? s->heap[0]->due : CLOCK_NEVER;
    if (s->pass || due == s->armed)
        return;
    s->armed = due;
    uv_idle_stop(&s->idle);
    uv_timer_stop(&s->timer);
    if (due == CLOCK_NEVER)
        return;
    /* libuv's clock is ours in whole milliseconds. */
    int64_t wait = (due + NS_PER_MS - 1) / NS_PER_MS - (int64_t)uv_now(s->timer.loop);
    if (due <= clock_now())
        uv_idle_start(&s->idle, on_idle);
    else
        uv_timer_start(&s->timer, on_timer, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void pass(struct schedule *s)
{
    int64_t now = clock_now();
    s->pass = now;
    while (s->count && s->heap[0]->due <= now) {
        struct wake *wake = s->heap[0];
        schedule_remove(s, wake);
        s->turn(s->context, wake, now);
    }
    s->pass = 0;
    s->armed = 0; /* whatever the handles were set for has come */
    arm(s);
}

static void on_timer(uv_timer_t *timer)
{
    pass(timer->data);
}

static void on_idle(uv_idle_t *idle)
{
    pass(idle->data);
}

void schedule_init(struct schedule *s, uv_loop_t *loop,
                   void (*turn)(void *context, struct wake *wake, int64_t now), void *context)
{
    *s = (struct schedule){.turn = turn, .context = context, .armed = CLOCK_NEVER};
    uv_timer_init(loop, &s->timer);
    uv_idle_init(loop, &s->idle);
    s->timer.data = s->idle.data = s;
}

void schedule_set(struct schedule *s, struct wake *wake, int64_t due)
{
    MUST(due > s->pass, "due %lld in the pass of %lld would never end", (long long)due,
         (long long)s->pass);
    if (wake->at == 0) {
        GROW(s->heap, s->count, s->size);
        wake->due = due;
        wake->at = ++s->count;
        rise(s, wake);
    } else {
        int64_t before = wake->due;
        wake->due = due;
        if (due < before)
            rise(s, wake);
        else
            sink(s, wake);
    }
    arm(s);
}

void schedule_remove(struct schedule *s, struct wake *wake)
{
    if (wake->at == 0)
        return;
    struct wake *last = s->heap[--s->count];
    if (last != wake) {
        last->at = wake->at;
        if (last->due < wake->due)
            rise(s, last);
        else
            sink(s, last);
    }
    wake->at = 0;
    arm(s);
}

void schedule_close(struct schedule *s)
{
    MUST(s->count == 0, "%zu still scheduled", s->count);
    mem_free(s->heap);
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->idle, NULL);
}
