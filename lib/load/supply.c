/*
 * Requests of the stock, with the serial number in them that the worker's jobs want; and
 * conversations that grow.
 */
#include "load/supply.h"

#include "core/limits.h"
#include "core/memory.h"

/* Serial numbers of later turns: beyond those of all first ones. */
#define LATER 500000000000u

void supply_begin(struct supply *supply, const struct stock *stock, uint32_t threads,
                  uint32_t index)
{
    *supply = (struct supply){.stock = stock,
                              .threads = threads,
                              .index = index,
                              .scratch = buf_limited(LIMIT_LOAD_CONVERSATION_BYTES)};
    if (stock->serials)
        supply->wire = mem_alloc(stock->longest);
}

void supply_end(struct supply *supply)
{
    struct talk *next = NULL;
    for (struct talk *talk = supply->over; talk; talk = next) {
        next = talk->next;
        buf_free(&talk->said);
        buf_free(&talk->wire);
        mem_free(talk);
    }
    buf_free(&supply->scratch);
    mem_free(supply->wire);
}

/* Where a body has it: TARGET_SERIAL digits. */
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
    const struct target *target = item->target ? item->target : supply->stock->target;
    if (target->serial_at) {
        memcpy(supply->wire, wire.data, wire.len);
        write_serial(supply->wire + item->body_at + target->serial_at, number);
        wire.data = supply->wire;
    }
    return (struct ask){.wire = wire, .body = slice_from(wire, item->body_at), .item = which};
}

/* ------------------------------------------------------------------ conversations */

struct talk *supply_talk(struct supply *supply, uint64_t number)
{
    struct talk *talk = supply->over;
    if (talk) {
        supply->over = talk->next;
    } else {
        talk = NEW(struct talk);
        talk->said = buf_limited(LIMIT_LOAD_CONVERSATION_BYTES);
        talk->wire = buf_limited(LIMIT_LOAD_REQUEST_BYTES);
    }
    talk->number = number;
    talk->turn = 0;
    talk->item = &supply->stock->items[stock_item(supply->stock, number)];
    talk->random = stock_random(supply->stock->seed, number, SLICE("think"));
    talk->cut = false;
    buf_clear(&talk->said);
    return talk;
}

void supply_over(struct supply *supply, struct talk *talk)
{
    talk->next = supply->over;
    supply->over = talk;
}

static void say(struct talk *talk, struct slice what)
{
    talk->cut = talk->cut || !result_ok(buf_append(&talk->said, what));
}

struct ask supply_turn(struct supply *supply, struct talk *talk)
{
    const struct form *form = talk->item->form;
    struct ask ask = {.wire = buf_slice(&talk->wire),
                      .item = (uint32_t)(talk->item - supply->stock->items)};
    if (talk->turn == 0)
        ask = supply_ask(supply, talk->number);
    else
        ask.body = slice_from(ask.wire, talk->body_at);
    if (!supply_follows(talk))
        return ask;
    if (talk->turn == 0)
        say(talk, slice_part(ask.body, form->before.len,
                             ask.body.len - form->before.len - form->after.len));
    say(talk, form->messages ? SLICE(",{\"role\":\"assistant\",\"content\":\"") : SLICE("\\n\\n"));
    return ask;
}

static struct result write_turn(struct supply *supply, struct talk *talk)
{
    const struct form *form = talk->item->form;
    const struct target *target = supply->stock->target;
    struct buf *body = &supply->scratch;
    TRY(buf_append(&talk->said, form->messages ? SLICE("\"},") : SLICE("\\n\\n")));
    TRY(buf_append(&talk->said, talk->item->later[talk->turn]));
    buf_clear(body);
    TRY(buf_append(body, form->before));
    TRY(buf_append(body, buf_slice(&talk->said)));
    TRY(buf_append(body, form->after));
    if (target->serial_at)
        write_serial(body->data + target->serial_at,
                     LATER + supply->later * supply->threads + supply->index);
    buf_clear(&talk->wire);
    TRY(target_request(target, buf_slice(body), &talk->wire));
    talk->body_at = talk->wire.len - body->len;
    return RESULT_OK;
}

bool supply_next(struct supply *supply, struct talk *talk)
{
    if (talk->cut || !result_ok(write_turn(supply, talk)))
        return false;
    talk->turn++;
    supply->later++;
    return true;
}
