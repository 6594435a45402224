/*
 * Checks of an HTTP answer: status, headers, body.
 */
#include "check/families.h"
#include "check/operators.h"
#include "core/parse.h"
#include "core/text.h"

/* --- status --- */

/* "2xx" → 2; 0 for any other text. */
static int status_class(struct slice s)
{
    bool class =
        s.len == 3 && s.data[0] >= '1' && s.data[0] <= '5' && s.data[1] == 'x' && s.data[2] == 'x';
    return class ? s.data[0] - '0' : 0;
}

static void check_class(const struct node *node, struct diagnostics *d)
{
    if (!status_class(node->string))
        diagnose(d, node->at, "expected a class of status such as \"2xx\", got \"%.*s\"",
                 SLICE_ARG(node->string));
}

static void check_status_text(const struct node *node, struct diagnostics *d)
{
    if (!status_class(node->string) && !match_wants_number(node))
        diagnose(d, node->at, "expected a status such as 200, \"2xx\" or \"<500\", got \"%.*s\"",
                 SLICE_ARG(node->string));
}

static const struct field *const status_fields[] = {number_operators, NULL};
static const struct shape status_map = {
    .name = "status matcher",
    .kind = SHAPE_OBJECT,
    .fields = status_fields,
    .check = operators_check,
};
static const struct shape status_code = {.kind = SHAPE_INTEGER, .min = 100, .max = 599};
static const struct shape status_text = {
    .kind = SHAPE_STRING, .check = check_status_text, .help = "\"2xx\" or \"<500\""};
static const struct shape class_text = {
    .kind = SHAPE_STRING, .check = check_class, .help = "\"2xx\""};
static const struct shape *const status_item_either[] = {&status_code, &class_text, NULL};
static const struct shape status_item = {.kind = SHAPE_EITHER, .either = status_item_either};
static const struct shape status_list = {.kind = SHAPE_LIST, .of = &status_item, .min = 1};
static const struct shape *const status_either[] = {&status_code, &status_text, &status_list,
                                                    &status_map, NULL};
const struct shape check_shape_status = {.kind = SHAPE_EITHER, .either = status_either};

static bool status_fits(const struct node *expected, int status)
{
    if (expected->kind == NODE_INTEGER)
        return expected->integer == status;
    return status_class(expected->string) == status / 100;
}

static struct slice status_item_text(struct arena *arena, const struct node *item)
{
    if (item->kind == NODE_STRING)
        return item->string;
    return slice_str(arena_printf(arena, "%lld", (long long)item->integer));
}

void check_run_status(struct observation *o, const struct node *expected, struct verdicts *out)
{
    bool list = expected->kind == NODE_LIST;
    bool class = expected->kind == NODE_STRING && status_class(expected->string);
    if (o->status == 0) {
        verdict_no_data(out, "status", expected->at,
                        operators_short(out->arena, expected, UNIT_NONE),
                        "expected an HTTP status, got none (no data)");
        return;
    }
    if (!list && !class && expected->kind != NODE_INTEGER) {
        match_integer(out, "status", expected, o->status, "status", UNIT_NONE);
        return;
    }
    const struct node *const *items = list ? expected->items : &expected;
    size_t count = list ? expected->count : 1;
    struct text wanted = text_in(out->arena);
    for (size_t i = 0; i < count; i++)
        if (status_fits(items[i], o->status)) {
            verdict_add(out, "status", expected->at, true);
            return;
        }
    for (size_t i = 0; i < count; i++) {
        text_add_str(&wanted, i == 0 ? "" : i + 1 < count ? ", " : " or ");
        text_add(&wanted, status_item_text(out->arena, items[i]));
    }
    verdict_failed(out, "status", expected->at, text_slice(&wanted),
                   slice_str(arena_printf(out->arena, "%d", o->status)),
                   "expected status to be %s, got %d", text_str(&wanted), o->status);
}

/* --- headers --- */

const struct shape check_shape_headers = {
    .kind = SHAPE_MAP, .of = &shape_matcher, .min = 1, .help = "header name → matcher or null"};

/* All values of that name joined by ", " (RFC 9110, 5.3); data NULL when there is none. */
static struct slice header_values(struct observation *o, struct slice name)
{
    struct slice first = observation_header(o, name);
    struct text joined = text_in(o->arena);
    size_t found = 0;
    for (size_t i = 0; i < o->header_count; i++) {
        if (!slice_eq_nocase(o->headers[i].name, name))
            continue;
        text_add_str(&joined, found++ ? ", " : "");
        text_add(&joined, o->headers[i].value);
    }
    return found > 1 ? text_slice(&joined) : first;
}

void check_run_headers(struct observation *o, const struct node *expected, struct verdicts *out)
{
    for (size_t i = 0; i < expected->count; i++) {
        struct slice name = expected->entries[i].key;
        const struct node *matcher = expected->entries[i].value;
        struct slice value = header_values(o, name);
        const char *check = arena_printf(out->arena, "headers %.*s", SLICE_ARG(name));
        const char *where = arena_printf(out->arena, "header %.*s", SLICE_ARG(name));
        double number;
        if (value.data && match_wants_number(matcher) && result_ok(parse_number(value, &number)))
            match_number(out, check, matcher, number, where, UNIT_NONE);
        else
            match_or_absent(out, check, matcher,
                            value.data ? jsontext_string(out->arena, value) : NULL, where);
    }
}

/* --- body --- */

static void check_body(const struct node *node, struct diagnostics *d)
{
    if (node->kind == NODE_LIST || node->kind == NODE_NULL)
        diagnose(d, node->at, "the body is a text, and a %s never equals one",
                 node_kind_name(node->kind))
            ->hint = "for JSON use \"json\": {\"$\": …} or \"schema\"";
}

static const struct field bytes_field[] = {
    {"bytes", &shape_size_matcher, false, "The length of the body in bytes.", "\"<64KiB\""},
    {NULL},
};
static const struct field *const body_fields[] = {operator_fields, bytes_field, NULL};
static const struct shape body_map = {
    .name = "body matcher", .kind = SHAPE_OBJECT, .fields = body_fields, .check = operators_check};
static const struct shape *const body_either[] = {&body_map, &shape_any, NULL};
const struct shape check_shape_body = {
    .kind = SHAPE_EITHER, .either = body_either, .check = check_body};

void check_run_body(struct observation *o, const struct node *expected, struct verdicts *out)
{
    const struct node *bytes = node_get(expected, "bytes");
    const struct node *matcher = bytes ? map_without(out->arena, expected, "bytes") : expected;
    if (bytes)
        match_count(out, "body bytes", bytes, o->body.len, "the length of the body", UNIT_BYTES);
    if (matcher)
        match_text(out, "body", matcher, o->body, "the body");
}
