/*
 * One request for all, but for the serial number in it.
 */
#include "load/supply.h"

#include "core/memory.h"

void supply_begin(struct supply *supply, const struct target *target)
{
    supply->target = target;
    supply->wire = mem_alloc(target->request.len);
    memcpy(supply->wire, target->request.data, target->request.len);
}

void supply_end(struct supply *supply)
{
    mem_free(supply->wire);
}

static void write_serial(char *at, uint64_t serial)
{
    for (int i = TARGET_SERIAL - 1; i >= 0; i--, serial /= 10)
        at[i] = (char)('0' + serial % 10);
}

struct ask supply_ask(struct supply *supply, uint64_t number)
{
    const struct target *target = supply->target;
    if (target->serial_at)
        write_serial(supply->wire + target->body_at + target->serial_at, number);
    struct slice wire = slice_of(supply->wire, target->request.len);
    return (struct ask){.wire = wire, .body = slice_from(wire, target->body_at)};
}
