/*
 * Matchers with any value (the matcher as JSON up to the first newline, then the value). What the
 * reader accepts can be applied: nothing may crash, a matcher and its negation never both hold,
 * nothing but {"exists": false} and its like holds for no value, and every failure has its words.
 */
#include "check/match.h"
#include "core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool speaks_of_absence(struct slice text)
{
    return slice_find(text, SLICE("exists")) >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice value_text = slice_of((const char *)data, size), matcher_text;
    json_t *matcher_json, *value;
    if (!slice_split(&value_text, '\n', &matcher_text) ||
        !result_ok(jsontext_read_in(arena, matcher_text, &matcher_json)) ||
        !result_ok(jsontext_read_in(arena, value_text, &value)))
        return 0;
    const struct node *matcher = node_from_json(arena, matcher_json, (struct place){0});
    struct diagnostics d = diagnostics_in(arena);
    shape_check(&shape_matcher, matcher, &d);
    if (d.count)
        return 0;

    struct node_entry entry = {.key = SLICE("not"), .value = matcher};
    struct node negation = {.kind = NODE_MAP, .count = 1, .entries = &entry};
    for (enum match_unit unit = UNIT_NONE; unit <= UNIT_BYTES; unit++) {
        struct verdicts out = verdicts_in(arena);
        match(&out, "x", matcher, value, "$", unit);
        match_text(&out, "x", matcher, value_text, "the text");
        MUST(match_holds(arena, matcher, value, unit) == out.first->passed, "unit %d", (int)unit);
        MUST(!out.first->passed || !match_holds(arena, &negation, value, unit),
             "a matcher and its negation both hold");
        MUST(speaks_of_absence(matcher_text) || !match_holds(arena, matcher, NULL, unit),
             "a matcher holds for no value");
        for (const struct verdict *v = out.first; v; v = v->next)
            MUST(v->passed || v->message, "a failure without words");
    }
    return 0;
}
