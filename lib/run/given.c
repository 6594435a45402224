/*
 * Generators and their shrinking. Shrinking goes name by name: towards zero or the nearer bound, to
 * shorter text and lists, to plainer characters; halving first, then by one, so that it takes
 * logarithmically many tries. Every candidate is strictly simpler, so it ends.
 */
#include "run/given.h"

#include <math.h>

#include "core/random.h"
#include "core/text.h"

enum corner { CORNER_NONE, CORNER_SMALLEST, CORNER_LARGEST };

static json_t *generate(struct arena *arena, const struct node *generator, struct random *r,
                        enum corner corner);

/* Where integers shrink to: zero when it is allowed, else the bound nearest to it. */
static int64_t integer_target(const struct node *range)
{
    int64_t low = node_integer(range->items[0], 0), high = node_integer(range->items[1], 0);
    return low > 0 ? low : high < 0 ? high : 0;
}

static double number_target(const struct node *range)
{
    double low = node_number(range->items[0], 0), high = node_number(range->items[1], 0);
    return low > 0 ? low : high < 0 ? high : 0;
}

static int64_t draw_between(struct random *r, const struct node *range, enum corner corner)
{
    int64_t low = node_integer(range->items[0], 0), high = node_integer(range->items[1], 0);
    if (corner == CORNER_SMALLEST)
        return integer_target(range);
    return corner == CORNER_LARGEST ? high : random_between(r, low, high);
}

/* One Unicode scalar value: mostly ASCII, often from elsewhere, now and then what breaks things. */
static void add_character(struct text *t, struct random *r)
{
    static const uint32_t awkward[] = {0x00,   0x09,   0x0a,   0x0d,    0x22,    0x5c,
                                       0x7f,   0x85,   0xa0,   0x0301,  0x200d,  0x202e,
                                       0x2028, 0xfeff, 0xfffd, 0x1f600, 0x10ffff};
    uint64_t kind = random_next(r) % 8;
    uint32_t c = (uint32_t)random_between(r, 0x20, 0x7e);
    if (kind == 0)
        c = awkward[random_next(r) % (sizeof(awkward) / sizeof(awkward[0]))];
    else if (kind == 1)
        c = (uint32_t)random_between(r, 0xa1, 0x2fff);
    else if (kind == 2)
        c = (uint32_t)random_between(r, 0x3000, 0xd7ff);
    else if (kind == 3)
        c = (uint32_t)random_between(r, 0x10000, 0x1ffff);
    if (c < 0x80) {
        text_add_byte(t, (char)c);
    } else if (c < 0x800) {
        text_add(t, slice_of((char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 63))}, 2));
    } else if (c < 0x10000) {
        text_add(t, slice_of((char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                                      (char)(0x80 | (c & 63))},
                             3));
    } else {
        text_add(t, slice_of((char[]){(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                                      (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))},
                             4));
    }
}

static json_t *generate_text(struct arena *arena, const struct node *range, struct random *r,
                             enum corner corner)
{
    struct text t = text_in(arena);
    for (int64_t left = draw_between(r, range, corner); left > 0; left--) {
        if (corner == CORNER_SMALLEST)
            text_add_byte(&t, 'a');
        else
            add_character(&t, r);
    }
    return jsontext_string(arena, text_slice(&t));
}

static json_t *generate_list(struct arena *arena, const struct node *generator, struct random *r,
                             enum corner corner)
{
    json_t *list = jsontext_keep(arena, json_array());
    for (int64_t left = draw_between(r, node_get(generator, "list"), corner); left > 0; left--)
        json_array_append(list, generate(arena, node_get(generator, "of"), r, corner));
    return list;
}

static json_t *generate_number(struct arena *arena, const struct node *range, struct random *r,
                               enum corner corner)
{
    double low = node_number(range->items[0], 0), high = node_number(range->items[1], 0);
    double value = corner == CORNER_SMALLEST  ? number_target(range)
                   : corner == CORNER_LARGEST ? high
                                              : low + (high - low) * random_unit(r);
    return jsontext_keep(arena, json_real(value));
}

static json_t *generate(struct arena *arena, const struct node *generator, struct random *r,
                        enum corner corner)
{
    const struct node *spec;
    if ((spec = node_get(generator, "int")))
        return jsontext_keep(arena, json_integer(draw_between(r, spec, corner)));
    if ((spec = node_get(generator, "float")))
        return generate_number(arena, spec, r, corner);
    if (node_get(generator, "bool"))
        return jsontext_keep(arena, json_boolean(corner == CORNER_LARGEST ||
                                                 (corner == CORNER_NONE && random_next(r) >> 63)));
    if ((spec = node_get(generator, "choice"))) {
        size_t last = spec->count - 1;
        size_t at = corner == CORNER_SMALLEST  ? 0
                    : corner == CORNER_LARGEST ? last
                                               : (size_t)random_between(r, 0, (int64_t)last);
        return node_json(arena, spec->items[at]);
    }
    if ((spec = node_get(generator, "text")))
        return generate_text(arena, spec, r, corner);
    return generate_list(arena, generator, r, corner);
}

json_t *given_example(struct arena *arena, const struct node *given, uint64_t seed, uint32_t number)
{
    enum corner corner = number == 0 ? CORNER_SMALLEST : number == 1 ? CORNER_LARGEST : CORNER_NONE;
    json_t *values = jsontext_keep(arena, json_object());
    struct random r = random_seeded(seed + number);
    for (size_t i = 0; i < given->count; i++)
        json_object_set(values, arena_string(arena, given->entries[i].key),
                        generate(arena, given->entries[i].value, &r, corner));
    return values;
}

/* ── shrinking: the simpler forms of one value, boldest first ── */

static void simpler_value(struct arena *arena, const struct node *generator, const json_t *value,
                          json_t *out);

static void simpler_integer(const struct node *range, int64_t value, json_t *out)
{
    int64_t target = integer_target(range);
    if (value == target)
        return;
    json_array_append_new(out, json_integer(target));
    for (int64_t gap = (value - target) / 2; gap != 0; gap /= 2)
        json_array_append_new(out, json_integer(value - gap));
}

static void simpler_number(const struct node *range, double value, json_t *out)
{
    double target = number_target(range), whole = trunc(value);
    if (fabs(value - target) < 1e-9)
        return;
    json_array_append_new(out, json_real(target));
    if (fabs(whole - value) > 0 && fabs(whole) >= fabs(target))
        json_array_append_new(out, json_real(whole));
    if (fabs(value - target) > 1e-3)
        json_array_append_new(out, json_real(target + (value - target) / 2));
}

/* Characters as their byte offsets, one more than there are. */
static size_t *character_offsets(struct arena *arena, struct slice text, size_t *count)
{
    size_t *offsets = ARENA_ARRAY(arena, size_t, text.len + 1), at = 0;
    *count = 0;
    while (at < text.len) {
        offsets[(*count)++] = at;
        size_t n = utf8_sequence(slice_from(text, at));
        at += n ? n : 1;
    }
    offsets[*count] = text.len;
    return offsets;
}

static bool full(const json_t *candidates)
{
    return json_array_size(candidates) >= GIVEN_SIMPLER_MAX;
}

static void append_without(struct arena *arena, struct slice text, size_t from, size_t to,
                           json_t *out)
{
    struct text t = text_in(arena);
    text_add(&t, slice_part(text, 0, from));
    text_add(&t, slice_from(text, to));
    json_array_append(out, jsontext_string(arena, slice_of(text_str(&t), t.len)));
}

static void simpler_text(struct arena *arena, const struct node *range, struct slice value,
                         json_t *out)
{
    size_t count, least = (size_t)node_integer(range->items[0], 0);
    const size_t *at = character_offsets(arena, value, &count);
    /* Cut out halves, quarters, … single characters. */
    for (size_t piece = count; piece > 0; piece /= 2)
        for (size_t from = 0; from + piece <= count && count - piece >= least && !full(out);
             from += piece)
            append_without(arena, value, at[from], at[from + piece], out);
    /* One character at a time becomes an "a". */
    for (size_t i = 0; i < count && !full(out); i++) {
        if (at[i + 1] - at[i] == 1 && value.data[at[i]] == 'a')
            continue;
        struct text t = text_in(arena);
        text_add(&t, slice_part(value, 0, at[i]));
        text_add_byte(&t, 'a');
        text_add(&t, slice_from(value, at[i + 1]));
        json_array_append(out, jsontext_string(arena, text_slice(&t)));
    }
}

static void simpler_list(struct arena *arena, const struct node *generator, const json_t *value,
                         json_t *out)
{
    size_t count = json_array_size(value),
           least = (size_t)node_integer(node_get(generator, "list")->items[0], 0);
    for (size_t piece = count; piece > 0; piece /= 2) {
        for (size_t from = 0; from + piece <= count && count - piece >= least && !full(out);
             from += piece) {
            json_t *shorter = json_array();
            for (size_t i = 0; i < count; i++)
                if (i < from || i >= from + piece)
                    json_array_append(shorter, json_array_get(value, i));
            json_array_append_new(out, shorter);
        }
    }
    for (size_t i = 0; i < count && !full(out); i++) {
        json_t *items = jsontext_keep(arena, json_array());
        simpler_value(arena, node_get(generator, "of"), json_array_get(value, i), items);
        for (size_t k = 0; k < json_array_size(items) && !full(out); k++) {
            json_t *changed = json_copy((json_t *)(uintptr_t)value);
            json_array_set(changed, i, json_array_get(items, k));
            json_array_append_new(out, changed);
        }
    }
}

static void simpler_choice(struct arena *arena, const struct node *choices, const json_t *value,
                           json_t *out)
{
    for (size_t i = 0; i < choices->count; i++) {
        json_t *choice = node_json(arena, choices->items[i]);
        if (jsontext_equal(choice, value))
            return;
        json_array_append(out, choice);
    }
}

static void simpler_value(struct arena *arena, const struct node *generator, const json_t *value,
                          json_t *out)
{
    const struct node *spec;
    if ((spec = node_get(generator, "int")))
        simpler_integer(spec, json_integer_value(value), out);
    else if ((spec = node_get(generator, "float")))
        simpler_number(spec, json_number_value(value), out);
    else if (node_get(generator, "bool") && json_is_true(value))
        json_array_append_new(out, json_false());
    else if ((spec = node_get(generator, "choice")))
        simpler_choice(arena, spec, value, out);
    else if ((spec = node_get(generator, "text")))
        simpler_text(arena, spec, jsontext_slice(value), out);
    else if (node_get(generator, "list"))
        simpler_list(arena, generator, value, out);
}

json_t *given_simpler(struct arena *arena, const struct node *given, const json_t *values)
{
    json_t *all = jsontext_keep(arena, json_array());
    for (size_t i = 0; i < given->count && !full(all); i++) {
        const char *name = arena_string(arena, given->entries[i].key);
        json_t *forms = jsontext_keep(arena, json_array());
        simpler_value(arena, given->entries[i].value, json_object_get(values, name), forms);
        for (size_t k = 0; k < json_array_size(forms) && !full(all); k++) {
            json_t *changed = json_copy((json_t *)(uintptr_t)values);
            json_object_set(changed, name, json_array_get(forms, k));
            json_array_append_new(all, changed);
        }
    }
    return all;
}
