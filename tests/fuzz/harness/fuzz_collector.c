/*
 * Streams of a worker, collected: any bytes, cut anywhere, give the same events and faults, what
 * has no fault is UTF-8, and no assert falls over what came.
 */
#include "assay/asserts.h"
#include "core/random.h"
#include "core/text.h"

static void ignore_failure(void *context, const char *file, int line, const char *text)
{
    (void)context, (void)file, (void)line;
    MUST(text[0] != '\0', "a failure without words");
}

static struct assay_events *collect(struct slice input, struct random *cuts)
{
    struct assay_collector *c = assay_collector_new(NULL, NULL);
    while (input.len > 0) {
        int64_t most = input.len < 40 ? (int64_t)input.len : 40;
        size_t piece = cuts ? (size_t)random_between(cuts, 1, most) : input.len;
        (void)assay_collector_feed(c, input.data, piece);
        input = slice_from(input, piece);
    }
    return assay_collector_end(c);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void compare(const struct assay_events *a, const struct assay_events *b)
{
    MUST(a->count == b->count && a->tokens == b->tokens, "%zu and %zu events", a->count, b->count);
    MUST(same(a->fault, b->fault), "%s | %s", a->fault, b->fault);
    MUST(a->unfinished == b->unfinished, "the end");
    MUST(a->text_length == b->text_length && memcmp(a->text, b->text, a->text_length) == 0, "%s",
         a->text);
    for (size_t i = 0; i < a->count; i++) {
        const struct assay_event *x = &a->items[i], *y = &b->items[i];
        MUST(x->kind == y->kind && same(x->fault, y->fault) && x->offset == y->offset &&
                 x->index == y->index && same(x->text, y->text),
             "event %zu: %s | %s", i, x->data, y->data);
    }
}

static void judge(const struct assay_events *e)
{
    if (!e->fault)
        MUST(utf8_valid(slice_of(e->text, e->text_length)), "%s", e->text);
    bool completed = assay_assert_completed(e);
    MUST(!completed || (assay_assert_order(e) && assay_assert_terminal(e)), "%zu events", e->count);
    (void)assay_assert_tokens_contiguous(e);
    (void)assay_assert_utf8(e);
    (void)assay_assert_token_count(e, 1, 3);
    (void)assay_assert_text(e, "x");
    (void)assay_assert_stop_reason(e, "EOS");
    (void)assay_assert_error_code(e, "CANCELLED");
    (void)assay_assert_same_tokens(e, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    struct random cuts = random_seeded(slice_hash(input));
    assay_set_failure_hook(ignore_failure, NULL);
    struct assay_events *whole = collect(input, NULL), *cut = collect(input, &cuts);
    compare(whole, cut);
    judge(whole);
    assay_events_free(whole);
    assay_events_free(cut);
    return 0;
}
