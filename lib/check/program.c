/*
 * Checks of a program that ran, and of the memory of a service.
 */
#include <math.h>
#include <signal.h>

#include "check/families.h"
#include "check/operators.h"
#include "core/text.h"

/* --- exit --- */

/* "SIGKILL" or "KILL" → 9; 0 when there is no such signal. */
static int signal_number(struct slice name)
{
    if (slice_starts(name, SLICE("SIG")))
        name = slice_from(name, 3);
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);
        if (known && slice_is(name, known))
            return number;
    }
    return 0;
}

static const char *signal_name(struct arena *arena, int number)
{
    const char *known = sigabbrev_np(number);
    return known ? arena_printf(arena, "SIG%s", known) : arena_printf(arena, "signal %d", number);
}

static void check_signal(const struct node *node, struct diagnostics *d)
{
    if (!signal_number(node->string))
        diagnose(d, node->at, "there is no signal \"%.*s\"", SLICE_ARG(node->string))->hint =
            "write its name, such as \"SIGKILL\"";
}

static void check_exit_map(const struct node *map, struct diagnostics *d)
{
    if (node_get(map, "signal") && map->count > 1)
        diagnose(d, map->at, "a program ended by a signal has no exit status")->hint =
            "leave \"signal\" alone";
    else
        operators_check(map, d);
}

static const struct shape signal_shape = {.kind = SHAPE_STRING, .min = 1, .check = check_signal};
static const struct field signal_field[] = {
    {"signal", &signal_shape, false, "The signal that ended the program.", "\"SIGKILL\""},
    {NULL},
};
static const struct field *const exit_fields[] = {number_operators, signal_field, NULL};
static const struct shape exit_map = {
    .name = "exit check", .kind = SHAPE_OBJECT, .fields = exit_fields, .check = check_exit_map};
static const struct shape exit_code = {.kind = SHAPE_INTEGER, .min = 0, .max = 255};
static const struct shape *const exit_either[] = {&exit_map, &exit_code, &shape_number_form, NULL};
const struct shape check_shape_exit = {.kind = SHAPE_EITHER, .either = exit_either};

void check_run_exit(struct observation *o, const struct node *expected, struct verdicts *out)
{
    struct arena *arena = out->arena;
    const struct node *wanted = node_get(expected, "signal");
    const char *got = o->signal ? signal_name(arena, o->signal)
                                : arena_printf(arena, "exit status %d", o->exit_code);
    if (wanted) {
        int number = signal_number(wanted->string);
        if (number == o->signal)
            verdict_add(out, "exit", expected->at, true);
        else
            verdict_failed(out, "exit", expected->at, slice_str(signal_name(arena, number)),
                           slice_str(got), "expected the program to be ended by %s, got %s",
                           signal_name(arena, number), got);
    } else if (o->signal) {
        struct slice sentence = operators_sentence(arena, expected, UNIT_NONE);
        verdict_failed(out, "exit", expected->at, operators_short(arena, expected, UNIT_NONE),
                       slice_str(got), "expected the exit status %.*s, but %s ended the program",
                       SLICE_ARG(sentence), got);
    } else {
        match_integer(out, "exit", expected, o->exit_code, "the exit status", UNIT_NONE);
    }
}

/* --- stdout, stderr --- */

static void check_output(const struct node *node, struct diagnostics *d)
{
    if (node->kind == NODE_LIST || node->kind == NODE_NULL)
        diagnose(d, node->at, "an output is a text, and a %s never equals one",
                 node_kind_name(node->kind))
            ->hint = "for JSON use {\"json\": {\"$\": …}}";
}

static const struct field json_field[] = {
    {"json", &shape_json_paths, false, "The output as JSON: JSONPath → matcher.",
     "{\"$.ok\": true}"},
    {NULL},
};
static const struct field *const output_fields[] = {operator_fields, json_field, NULL};
static const struct shape output_map = {.name = "output matcher",
                                        .kind = SHAPE_OBJECT,
                                        .fields = output_fields,
                                        .check = operators_check};
static const struct shape *const output_either[] = {&output_map, &shape_any, NULL};
const struct shape check_shape_stdout = {
    .kind = SHAPE_EITHER, .either = output_either, .check = check_output};
const struct shape check_shape_stderr = {
    .kind = SHAPE_EITHER, .either = output_either, .check = check_output};

static void check_text(const char *check, struct slice text, const struct node *expected,
                       struct verdicts *out)
{
    const struct node *json = node_get(expected, "json");
    const struct node *matcher = json ? map_without(out->arena, expected, "json") : expected;
    json_t *root;
    if (matcher)
        match_text(out, check, matcher, text, check);
    if (!json)
        return;
    if (result_ok(jsontext_read_in(out->arena, text, &root)))
        json_paths_check(out, arena_printf(out->arena, "%s json", check), json, root);
    else
        json_fault(out, check, json->at, check, text,
                   arena_printf(out->arena, "%s", error_last()->text));
}

void check_run_stdout(struct observation *o, const struct node *expected, struct verdicts *out)
{
    check_text("stdout", o->standard_output, expected, out);
}

void check_run_stderr(struct observation *o, const struct node *expected, struct verdicts *out)
{
    check_text("stderr", o->standard_error, expected, out);
}

/* --- memory --- */

static const struct field memory_table[] = {
    {"growth", &shape_size_matcher, false, "Resident memory after, less before.", "\"<64MiB\""},
    {"peak", &shape_size_matcher, false, "The highest resident memory.", "\"<2GiB\""},
    {NULL},
};
static const struct field *const memory_fields[] = {memory_table, NULL};
const struct shape check_shape_memory = {
    .name = "memory check", .kind = SHAPE_OBJECT, .fields = memory_fields, .check = map_not_empty};

void check_run_memory(struct observation *o, const struct node *expected, struct verdicts *out)
{
    const struct node *growth = node_get(expected, "growth"), *peak = node_get(expected, "peak");
    /* A process has resident memory: 0 means that it was not read. */
    bool both = o->memory_before > 0 && o->memory_after > 0;
    if (growth)
        match_number(out, "memory growth", growth,
                     both ? (double)(o->memory_after - o->memory_before) : (double)NAN,
                     "memory growth", UNIT_BYTES);
    if (peak)
        match_number(out, "memory peak", peak,
                     o->memory_peak > 0 ? (double)o->memory_peak : (double)NAN, "memory peak",
                     UNIT_BYTES);
}
