/*
 * The circuit breaker's states.
 */
#include "step/breaker.h"

/* While half open, one request at a time tries. */
#define ASK_AGAIN (100 * NS_PER_MS)

bool breaker_allows(struct breaker *b, int64_t now, int64_t *wait)
{
    *wait = 0;
    if (b->state == BREAKER_OPEN && now - b->opened_at >= b->limits.open) {
        b->state = BREAKER_HALF_OPEN;
        b->successes = 0;
        b->trying = false;
    }
    if (b->state == BREAKER_OPEN) {
        *wait = b->opened_at + b->limits.open - now;
        return false;
    }
    if (b->state == BREAKER_HALF_OPEN && b->trying) {
        *wait = ASK_AGAIN;
        return false;
    }
    b->trying = b->state == BREAKER_HALF_OPEN;
    return true;
}

void breaker_succeeded(struct breaker *b)
{
    b->trying = false;
    if (b->state != BREAKER_HALF_OPEN || ++b->successes < b->limits.successes)
        return;
    b->state = BREAKER_CLOSED;
    b->failure_count = 0;
}

void breaker_failed(struct breaker *b, int64_t now)
{
    uint32_t needed = b->limits.failures;
    b->trying = false;
    if (b->state == BREAKER_OPEN)
        return; /* it was sent before the circuit opened */
    b->failed_at[b->failure_count++ % needed] = now;
    /* The place that comes next in a full ring holds the oldest of the latest `needed`. */
    bool many = b->failure_count >= needed &&
                now - b->failed_at[b->failure_count % needed] <= b->limits.window;
    if (b->state == BREAKER_CLOSED && !many)
        return;
    b->state = BREAKER_OPEN;
    b->opened_at = now;
    b->failure_count = 0;
}

void breaker_undecided(struct breaker *b)
{
    b->trying = false;
}
