/*
 * Threads take turns, each with its own view of the schedule.
 */
#include "load/schedule.h"

#include <errno.h>
#include <inttypes.h>

#include "core/memory.h"
#include "load/supply.h"

struct result schedule_write(const struct load_plan *plan, FILE *out)
{
    DEFER(mem_free_pointer)
    struct arrival *arrivals = mem_alloc(plan->threads * sizeof(*arrivals));
    struct supply supply;
    uint32_t threads = plan->threads;
    int64_t end = plan->warmup + plan->duration;
    MUST(threads > 0, "a plan of %u threads", threads);
    supply_begin(&supply, plan->stock, 1, 0);
    for (uint32_t i = 0; i < threads; i++)
        arrivals[i] = plan_arrivals(plan);
    for (uint64_t number = 0;; number++) {
        uint32_t lane = (uint32_t)(number % threads);
        int64_t at = arrival_skip(&arrivals[lane], number < threads ? lane + 1 : threads);
        if (at < 0 || at >= end)
            break;
        struct ask ask = supply_ask(&supply, number);
        fprintf(out, "%" PRId64 " %" PRIu32 " %016" PRIx64 "\n", at, ask.item,
                slice_hash(ask.body));
    }
    supply_end(&supply);
    ENSURE(fflush(out) == 0 && !ferror(out), ERR_IO, "the schedule cannot be written: %s",
           strerror(errno));
    return RESULT_OK;
}
