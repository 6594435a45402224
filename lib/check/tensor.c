/*
 * Checks of output tensors: shape, type, finiteness, and nearness to expected values. Tensors come
 * with their values as doubles, whatever their type; a few thousand values are usual, millions
 * happen, so expected values are read into one flat array and compared in one pass.
 */
#include <math.h>

#include "check/families.h"
#include "check/quantity.h"
#include "core/limits.h"
#include "core/text.h"

/* Without rel and abs. */
#define NEAR_RELATIVE 1e-6

static void check_dimension(const struct node *node, struct diagnostics *d)
{
    bool wild = node->kind == NODE_NULL || (node->kind == NODE_INTEGER && node->integer == -1);
    if (!wild && (node->kind != NODE_INTEGER || node->integer < 0))
        diagnose(d, node->at, "expected a dimension: a whole number, or null for any size");
}

static const struct shape dimension = {
    .kind = SHAPE_ANY, .check = check_dimension, .help = "a whole number, or null for any size"};
static const struct shape dimensions = {.kind = SHAPE_LIST, .of = &dimension};
static const char *const dtype_names[] = {"BOOL", "UINT8", "UINT16", "UINT32", "UINT64",
                                          "INT8", "INT16", "INT32",  "INT64",  "FP16",
                                          "BF16", "FP32",  "FP64",   "BYTES",  NULL};
static const struct shape dtype = {.kind = SHAPE_WORD, .words = dtype_names};
static const struct shape tolerance = {.kind = SHAPE_NUMBER, .min = 0, .max = INFINITY};

static const struct field tensor_table[] = {
    {"name", &shape_string, false, "Which output; needed when there are several.", "\"logits\""},
    {"shape", &dimensions, false, "Its dimensions; null is any size.", "[null, 10]"},
    {"dtype", &dtype, false, "Its type, by the name KServe gives it.", "\"FP32\""},
    {"near", &shape_nested_numbers, false,
     "Its values: nested lists, one flat list in row-major order, or a number all are near to.",
     "[[0.1, 0.9]]"},
    {"rel", &tolerance, false, "Allowed difference per unit of the expected value.", "1e-3"},
    {"abs", &tolerance, false, "Allowed difference.", "1e-6"},
    {"finite", &shape_only_true, false, "No value is NaN or infinite.", "true"},
    {NULL},
};

static void check_tensor(const struct node *map, struct diagnostics *d)
{
    bool shape = node_get(map, "shape"), type = node_get(map, "dtype"),
         near = node_get(map, "near"), finite = node_get(map, "finite");
    if (!shape && !type && !near && !finite)
        diagnose(d, map->at, "this tensor check checks nothing")->hint =
            "write shape, dtype, near or finite";
    else if (!near && (node_get(map, "rel") || node_get(map, "abs")))
        diagnose(d, map->at, "rel and abs belong to \"near\", which is missing");
}

static const struct field *const tensor_fields[] = {tensor_table, NULL};
static const struct shape tensor_map = {
    .name = "tensor check", .kind = SHAPE_OBJECT, .fields = tensor_fields, .check = check_tensor};
static const struct shape tensor_list = {.kind = SHAPE_LIST, .of = &tensor_map, .min = 1};
static const struct shape *const tensor_either[] = {&tensor_map, &tensor_list, NULL};
const struct shape check_shape_tensor = {.kind = SHAPE_EITHER, .either = tensor_either};

/* --- Which tensor --- */

static const char *known_names(struct arena *arena, const struct observation *o)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < o->tensor_count; i++) {
        text_add_str(&t, i ? ", " : "");
        text_add(&t, o->tensors[i].name);
    }
    return text_str(&t);
}

static const struct tensor *choose(const struct observation *o, const struct node *map,
                                   struct verdicts *out)
{
    const struct node *name = node_get(map, "name");
    struct arena *arena = out->arena;
    struct slice wanted = name ? name->string : SLICE("a tensor");
    if (o->tensor_count == 0) {
        verdict_no_data(out, "tensor", map->at, wanted, "expected a tensor, got none (no data)");
        return NULL;
    }
    if (!name && o->tensor_count == 1)
        return &o->tensors[0];
    for (size_t i = 0; name && i < o->tensor_count; i++)
        if (slice_eq(o->tensors[i].name, name->string))
            return &o->tensors[i];
    if (name)
        verdict_no_data(out, arena_printf(arena, "tensor %.*s", SLICE_ARG(wanted)), name->at,
                        wanted,
                        arena_printf(arena, "expected a tensor %.*s, got %s (no data)",
                                     SLICE_ARG(wanted), known_names(arena, o)));
    else
        verdict_failed(out, "tensor", map->at, SLICE("one tensor"),
                       slice_str(known_names(arena, o)),
                       "expected one tensor, got %zu: %s; say which with \"name\"", o->tensor_count,
                       known_names(arena, o));
    return NULL;
}

/* --- Shape and type --- */

static bool any_size(const struct node *dimension_node)
{
    return dimension_node->kind == NODE_NULL || dimension_node->integer == -1;
}

static struct slice shape_shown(struct arena *arena, const int64_t *sizes, size_t rank)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < rank; i++)
        text_printf(&t, "%s%lld", i ? ", " : "[", (long long)sizes[i]);
    text_add_str(&t, rank ? "]" : "[]");
    return text_slice(&t);
}

static void check_shape(const struct tensor *tensor, const struct node *expected, const char *check,
                        struct verdicts *out)
{
    bool fits = tensor->rank == expected->count;
    for (size_t i = 0; fits && i < tensor->rank; i++)
        fits = any_size(expected->items[i]) || expected->items[i]->integer == tensor->shape[i];
    if (fits) {
        verdict_add(out, check, expected->at, true);
        return;
    }
    struct slice wanted = jsontext_write(out->arena, node_json(out->arena, expected));
    struct slice got = shape_shown(out->arena, tensor->shape, tensor->rank);
    verdict_failed(out, check, expected->at, wanted, got, "expected the shape to be %.*s, got %.*s",
                   SLICE_ARG(wanted), SLICE_ARG(got));
}

/* --- Values --- */

/* "[0, 3]": where value `flat` stands in a tensor. */
static struct slice position(struct arena *arena, const struct tensor *tensor, size_t flat)
{
    int64_t *index = ARENA_ARRAY(arena, int64_t, tensor->rank + 1);
    for (size_t i = tensor->rank; i-- > 0;) {
        size_t size = tensor->shape[i] > 0 ? (size_t)tensor->shape[i] : 1;
        index[i] = (int64_t)(flat % size);
        flat /= size;
    }
    return shape_shown(arena, index, tensor->rank);
}

static const char *number_text(struct arena *arena, double value)
{
    if (!isfinite(value))
        return isnan(value) ? "NaN" : value > 0 ? "+infinity" : "-infinity";
    return arena_string(arena, quantity_shown(arena, (struct quantity){value, UNIT_NONE}));
}

static void check_finite(const struct tensor *tensor, struct place at, const char *check,
                         struct verdicts *out)
{
    size_t bad = 0, first = 0;
    for (size_t i = tensor->count; i-- > 0;)
        if (!isfinite(tensor->values[i])) {
            bad++;
            first = i;
        }
    if (tensor->count == 0) {
        verdict_no_data(out, check, at, SLICE("finite values"),
                        "expected finite values, got no value (no data)");
    } else if (bad == 0) {
        verdict_add(out, check, at, true);
    } else {
        struct slice where = position(out->arena, tensor, first);
        const char *value = number_text(out->arena, tensor->values[first]);
        verdict_failed(out, check, at, SLICE("finite values"), slice_str(value),
                       "expected finite values, got %zu of %zu that are not, the first at %.*s: %s",
                       bad, tensor->count, SLICE_ARG(where), value);
    }
}

static size_t leaf_count(const struct node *list)
{
    if (list->kind != NODE_LIST)
        return 1;
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += leaf_count(list->items[i]);
    return count;
}

static void flatten(const struct node *list, double **next)
{
    if (list->kind != NODE_LIST) {
        *(*next)++ = node_number(list, 0);
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        flatten(list->items[i], next);
}

/* Do the nested lists have the tensor's shape? A flat list has every shape. */
static bool nested_like(const struct node *list, const struct tensor *tensor, size_t level)
{
    if (list->kind != NODE_LIST)
        return level == tensor->rank;
    if (level == tensor->rank || (int64_t)list->count != tensor->shape[level])
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (!nested_like(list->items[i], tensor, level + 1))
            return false;
    return true;
}

static bool is_flat(const struct node *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->kind == NODE_LIST)
            return false;
    return true;
}

/* What a comparison of all values found. */
struct nearness {
    size_t wrong, worst;       /* how many, and the one furthest beyond its tolerance */
    double absolute, relative; /* largest errors over all values */
};

static struct nearness compare(const struct tensor *tensor, const double *expected, size_t stride,
                               double rel, double abs)
{
    struct nearness found = {0};
    double furthest = -1;
    for (size_t i = 0; i < tensor->count; i++) {
        double wanted = expected[i * stride];
        double error = fabs(tensor->values[i] - wanted);
        double allowed = abs + rel * fabs(wanted);
        if (isnan(error))
            error = INFINITY;
        if (error > found.absolute)
            found.absolute = error;
        double relative = error / fabs(wanted);
        if (error > 0 && relative > found.relative)
            found.relative = relative;
        if (error <= allowed)
            continue;
        found.wrong++;
        if (error - allowed > furthest) {
            furthest = error - allowed;
            found.worst = i;
        }
    }
    return found;
}

static void check_near(const struct tensor *tensor, const struct node *map, const char *check,
                       struct verdicts *out)
{
    const struct node *near = node_get(map, "near");
    const struct node *rel = node_get(map, "rel"), *abs = node_get(map, "abs");
    struct arena *arena = out->arena;
    bool list = near->kind == NODE_LIST;
    size_t count = leaf_count(near);

    if (tensor->count == 0) {
        verdict_no_data(out, check, near->at, SLICE("values"),
                        "expected values to compare, got no value (no data)");
        return;
    }
    struct slice shape = shape_shown(arena, tensor->shape, tensor->rank);
    if (list && (count != tensor->count || !(is_flat(near) || nested_like(near, tensor, 0)))) {
        verdict_failed(out, check, near->at, slice_str(arena_printf(arena, "%zu values", count)),
                       slice_str(arena_printf(arena, "%zu values", tensor->count)),
                       "expected %zu values%s, got %zu in the shape %.*s", count,
                       is_flat(near) ? "" : " nested like the tensor", tensor->count,
                       SLICE_ARG(shape));
        return;
    }
    double *expected = ARENA_ARRAY(arena, double, count), *next = expected;
    flatten(near, &next);
    struct nearness found = compare(tensor, expected, list ? 1 : 0,
                                    node_number(rel, abs ? 0 : NEAR_RELATIVE), node_number(abs, 0));
    if (found.wrong == 0) {
        verdict_add(out, check, near->at, true);
        return;
    }
    struct slice where = position(arena, tensor, found.worst);
    const char *wanted = number_text(arena, expected[list ? found.worst : 0]);
    const char *got = number_text(arena, tensor->values[found.worst]);
    verdict_failed(out, check, near->at, slice_str(wanted), slice_str(got),
                   "expected all values to be near, got %zu of %zu too far; the worst at %.*s: "
                   "expected %s, got %s (largest error %.3g absolute, %.3g relative)",
                   found.wrong, tensor->count, SLICE_ARG(where), wanted, got, found.absolute,
                   found.relative);
}

/* --- All of it --- */

static void check_one(const struct observation *o, const struct node *map, struct verdicts *out)
{
    const struct tensor *tensor = choose(o, map, out);
    if (!tensor)
        return;
    const struct node *name = node_get(map, "name"), *part;
    const char *prefix =
        name ? arena_printf(out->arena, "tensor %.*s", SLICE_ARG(name->string)) : "tensor";
    if ((part = node_get(map, "shape")))
        check_shape(tensor, part, arena_printf(out->arena, "%s shape", prefix), out);
    if ((part = node_get(map, "dtype"))) {
        const char *check = arena_printf(out->arena, "%s dtype", prefix);
        if (slice_eq(part->string, tensor->dtype))
            verdict_add(out, check, part->at, true);
        else
            verdict_failed(out, check, part->at, part->string, tensor->dtype,
                           "expected the type to be %.*s, got %.*s", SLICE_ARG(part->string),
                           SLICE_ARG(tensor->dtype));
    }
    if ((part = node_get(map, "finite")))
        check_finite(tensor, part->at, arena_printf(out->arena, "%s finite", prefix), out);
    if (node_get(map, "near"))
        check_near(tensor, map, arena_printf(out->arena, "%s near", prefix), out);
}

void check_run_tensor(struct observation *o, const struct node *expected, struct verdicts *out)
{
    if (expected->kind == NODE_MAP) {
        check_one(o, expected, out);
        return;
    }
    for (size_t i = 0; i < expected->count; i++)
        check_one(o, expected->items[i], out);
}
