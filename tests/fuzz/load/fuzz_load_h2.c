/*
 * A hostile HTTP/2 service: whatever bytes come, each request lands once, and nothing is left over.
 * The first byte says in what pieces the others come, and what is asked and given up meanwhile.
 */

#include "core/memory.h"
#include "load/h2.h"
#include "load/link.h"

#define SLOTS 4
#define REQUESTS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct service {
    struct link link;
    struct slot slots[SLOTS];
    uint32_t asked, landed;
};

static void landed(void *context, struct link *link, struct slot *slot, int64_t now)
{
    struct service *s = context;
    MUST(slot->busy, "a request landed twice, at %lld", (long long)now);
    link_give_slot(link, slot);
    s->landed++;
}

static void ask(struct service *s, struct h2 *h2, const struct target *target)
{
    while (s->asked < REQUESTS && s->link.busy < SLOTS && h2_may_ask(h2)) {
        struct slot *slot = link_take_slot(&s->link);
        slot->flight = (struct flight){.target = target, .started = 1, .measured = true};
        flight_expect(&slot->flight, &slot->reader, target);
        link_slot_sent(&s->link, slot);
        h2_ask(h2, slot, SLICE("POST /v1 HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"),
               SLICE("{\"prompt\":\"hello\"}"));
        s->asked++;
    }
}

static void give_up_one(struct service *s, struct h2 *h2)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        if (s->slots[i].busy) {
            h2_cancel(h2, &s->slots[i]);
            landed(s, &s->link, &s->slots[i], 0);
            return;
        }
}

static void talk(struct service *s, struct h2 *h2, const struct target *target, struct slice input,
                 uint8_t how)
{
    struct buf frames = buf_limited(1u << 20);
    size_t piece = how % 64u ? how % 64u : input.len;
    enum h2_state state = H2_OPEN;
    for (int64_t now = 10; input.len > 0 && state == H2_OPEN; now++) {
        struct slice part = slice_part(input, 0, piece < input.len ? piece : input.len);
        input = slice_from(input, part.len);
        ask(s, h2, target);
        (void)h2_take(h2, &frames);
        buf_clear(&frames);
        state = h2_feed(h2, part, now, now);
        if (how >= 128 && now % 3 == 0)
            give_up_one(s, h2);
        if (state == H2_OPEN)
            state = h2_state(h2);
    }
    if (state == H2_BROKEN)
        MUST(h2_failure(h2) != FAILURE_NONE, "broken without a reason");
    buf_free(&frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct metrics metrics;
    const struct target target = {.api = TARGET_CHAT, .stream = true};
    if (size < 1)
        return 0;
    struct service *s = NEW(struct service);
    link_init(&s->link, s->slots, SLOTS, 1024);
    for (uint32_t i = 0; i < SLOTS; i++) {
        s->slots[i].next = i + 1;
        reader_init(&s->slots[i].reader);
    }
    const struct h2_shared shared = {false, &metrics, landed, s};
    struct h2 *h2 = h2_begin(&shared, &s->link);
    talk(s, h2, &target, slice_of((const char *)data + 1, size - 1), data[0]);
    MUST(s->asked == s->landed + s->link.busy, "%u asked, %u landed, %u under way", s->asked,
         s->landed, s->link.busy);
    h2_end(h2);
    for (uint32_t i = 0; i < SLOTS; i++)
        reader_free(&s->slots[i].reader);
    link_free(&s->link);
    mem_free(s);
    return 0;
}
