/*
 * A request of the stock, with the serial number in it that the worker's jobs want.
 */
#include "load/supply.h"

#include "core/memory.h"

void supply_begin(struct supply *supply, const struct stock *stock)
{
    *supply = (struct supply){.stock = stock};
    if (stock->target->serial_at)
        supply->wire = mem_alloc(stock->longest);
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
    uint32_t which = stock_item(supply->stock, number);
    const struct stock_item *item = &supply->stock->items[which];
    struct slice wire = item->wire;
    if (supply->wire) {
        memcpy(supply->wire, wire.data, wire.len);
        write_serial(supply->wire + item->body_at + supply->stock->target->serial_at, number);
        wire.data = supply->wire;
    }
    return (struct ask){.wire = wire, .body = slice_from(wire, item->body_at), .item = which};
}
