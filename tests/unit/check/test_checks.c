/*
 * Every check against one rich observation: an expectation that holds, a corruption of what was
 * seen that it must notice, and nothing seen at all. The tables are checked to be complete, so that
 * a new check without its rows fails here.
 */
#include "check_test.h"

#include <math.h>
#include <signal.h>

#include "core/text.h"
#include "load/engine.h"

/* --- What was seen --- */

static const struct header headers[] = {
    {{"Content-Type", 12}, {"application/json", 16}},
    {{"X-Count", 7}, {"42", 2}},
    {{"Vary", 4}, {"a", 1}},
    {{"vary", 4}, {"b", 1}},
};

#define MS NS_PER_MS

/* 100 requests with times of 1 to 100 ms to the first token, of which 98 were answered well. */
static const struct load_outcome *loaded(void)
{
    static struct load_outcome load;
    memset(&load, 0, sizeof(load));
    metrics_clear(&load.metrics);
    for (int64_t i = 1; i <= 100; i++)
        metrics_add(&load.metrics, METRIC_TTFT, i * MS);
    load.metrics.requests = 100;
    load.metrics.answered = load.metrics.ended = 98;
    load.metrics.good = 90;
    load.metrics.ended_tokens = 980;
    load.measured = 10 * NS_PER_S;
    return &load;
}

static const struct load_outcome *never_loaded(void)
{
    static struct load_outcome load;
    metrics_clear(&load.metrics);
    return &load;
}

/* Five tokens, the first 100 ms after the intended start, then gaps of 10, 20, 30 and 40 ms. */
static struct observation rich(struct arena *arena)
{
    static const char *const texts[] = {"Hel", "lo", " ", "wörld", "}"};
    static const int64_t at[] = {1100 * MS, 1110 * MS, 1130 * MS, 1160 * MS, 1200 * MS};
    static const char *const names[] = {"started", "token", "token", "token",
                                        "token",   "token", "end"};
    struct token *tokens = ARENA_ARRAY(arena, struct token, 5);
    struct stream_event *events = ARENA_ARRAY(arena, struct stream_event, 7);
    struct tensor *tensors = ARENA_ARRAY(arena, struct tensor, 1);
    static const int64_t shape[] = {2, 2};
    double *values = ARENA_ARRAY(arena, double, 4);

    for (int i = 0; i < 5; i++)
        tokens[i] = (struct token){slice_str(texts[i]), i, at[i]};
    for (int i = 0; i < 7; i++)
        events[i] = (struct stream_event){.name = slice_str(names[i]), .data = SLICE("{}")};
    for (int i = 0; i < 4; i++)
        values[i] = i + 1;
    tensors[0] = (struct tensor){SLICE("y"), SLICE("FP32"), 2, shape, 4, values};
    return (struct observation){
        .arena = arena,
        .seen = ~0u,
        .status = 201,
        .headers = headers,
        .header_count = 4,
        .body = SLICE("{\"id\": 7, \"status\": \"completed\", \"items\": [{\"n\": 1}, {\"n\": 2}], "
                      "\"none\": null}"),
        .events = events,
        .event_count = 7,
        .tokens = tokens,
        .token_count = 5,
        .text = SLICE("Hello wörld}"),
        .stop_reason = SLICE("stop_sequence"),
        .stop_sequence = SLICE("}"),
        .error = json_deep_copy(json_of(
            arena, "{'code': 'CANCELLED', 'message': 'it was cancelled', 'retriable': true}")),
        .exit_code = 3,
        .standard_output = SLICE("{\"ok\": true}\n"),
        .standard_error = SLICE("warning: slow\n"),
        .intended = 1000 * MS,
        .started = 1001 * MS,
        .first_byte = 1050 * MS,
        .first_token = 1100 * MS,
        .ended = 1250 * MS,
        .memory_before = 100 << 20,
        .memory_after = 110 << 20,
        .memory_peak = 120 << 20,
        .tensors = tensors,
        .tensor_count = 1,
        .rows = json_deep_copy(json_of(arena, "[{'id': 1, 'state': 'done'}, {'id': 2, 'state': "
                                              "'done'}]")),
        .spans = json_deep_copy(
            json_of(arena, "[{'name': 'infer', 'attributes': {'rows': 3}}, {'name': 'load'}]")),
        .series = json_deep_copy(json_of(arena, "[{'name': 'requests_total', 'value': 5}]")),
        .load = loaded(),
    };
}

static void release(struct observation *o)
{
    json_decref(o->error);
    json_decref(o->rows);
    json_decref(o->spans);
    json_decref(o->series);
}

/* --- What can go wrong with it --- */

static struct token *tokens_of(struct observation *o)
{
    return (struct token *)(uintptr_t)o->tokens;
}

static void other_status(struct observation *o)
{
    o->status = 503;
}

static void other_headers(struct observation *o)
{
    static const struct header other[] = {{{"Content-Type", 12}, {"text/html", 9}},
                                          {{"X-Count", 7}, {"many", 4}},
                                          {{"X-Debug", 7}, {"1", 1}}};
    o->headers = other;
    o->header_count = 3;
}

static void other_body(struct observation *o)
{
    o->body = SLICE("{\"id\": \"7\", \"status\": \"running\", \"items\": [{\"n\": 1}, {\"n\": 3}], "
                    "\"none\": 0, \"extra\": 1}");
}

static void body_is_no_json(struct observation *o)
{
    o->body = SLICE("<html>");
}

static void stream_cut(struct observation *o)
{
    o->event_count = 5;
}

static void event_after_the_end(struct observation *o)
{
    struct stream_event *events = (struct stream_event *)(uintptr_t)o->events;
    events[5].name = SLICE("end");
    events[6].name = SLICE("token");
}

static void ends_twice(struct observation *o)
{
    ((struct stream_event *)(uintptr_t)o->events)[4].name = SLICE("end");
}

static void token_left_out(struct observation *o)
{
    o->token_count = 4;
}

static void token_number_left_out(struct observation *o)
{
    tokens_of(o)[3].index = 4;
}

static void tokens_without_numbers(struct observation *o)
{
    tokens_of(o)[0].index = -1;
}

static void character_cut(struct observation *o)
{
    tokens_of(o)[3].text = SLICE("w\xc3");
}

static void other_text(struct observation *o)
{
    o->text = SLICE("Hello world}");
}

static void other_stop(struct observation *o)
{
    o->stop_reason = SLICE("MAX_TOKENS");
    o->stop_sequence = slice_of(NULL, 0);
}

static void other_stop_sequence(struct observation *o)
{
    o->stop_sequence = SLICE("]");
}

static void other_error(struct observation *o)
{
    json_object_set_new(o->error, "code", json_string("TIMEOUT"));
    json_object_set_new(o->error, "retriable", json_false());
    json_object_del(o->error, "message");
}

static void tensor_off(struct observation *o)
{
    ((double *)(uintptr_t)o->tensors[0].values)[2] = 3.25;
}

static void tensor_nan(struct observation *o)
{
    ((double *)(uintptr_t)o->tensors[0].values)[1] = (double)NAN;
}

static void tensor_transposed(struct observation *o)
{
    static const int64_t shape[] = {4, 1};
    struct tensor *tensor = (struct tensor *)(uintptr_t)o->tensors;
    tensor->shape = shape;
    tensor->dtype = SLICE("FP64");
}

static void tensor_deeper(struct observation *o)
{
    static const int64_t shape[] = {2, 2, 1};
    struct tensor *tensor = (struct tensor *)(uintptr_t)o->tensors;
    tensor->shape = shape;
    tensor->rank = 3;
}

static void slow(struct observation *o)
{
    o->first_byte = 1600 * MS;
    o->first_token = 1700 * MS;
    o->ended = 9000 * MS;
    for (int i = 0; i < 5; i++)
        tokens_of(o)[i].at = (1700 + 100 * i) * MS;
}

static void memory_leak(struct observation *o)
{
    o->memory_after = o->memory_peak = 1LL << 30;
}

static void other_rows(struct observation *o)
{
    json_object_set_new(json_array_get(o->rows, 1), "state", json_string("failed"));
    json_array_append_new(o->rows, json_object());
}

static void other_spans(struct observation *o)
{
    json_object_set_new(json_array_get(o->spans, 0), "name", json_string("idle"));
}

static void other_series(struct observation *o)
{
    json_object_set_new(json_array_get(o->series, 0), "value", json_integer(0));
}

static void other_load(struct observation *o)
{
    static struct load_outcome slower;
    slower = *o->load;
    for (int i = 0; i < 10; i++)
        metrics_add(&slower.metrics, METRIC_TTFT, NS_PER_S);
    slower.metrics.answered = slower.metrics.ended = slower.metrics.good = 50;
    slower.metrics.ended_tokens = 500;
    o->load = &slower;
}

static void other_exit(struct observation *o)
{
    o->exit_code = 0;
}

static void killed(struct observation *o)
{
    o->exit_code = -1;
    o->signal = SIGKILL;
}

static void other_output(struct observation *o)
{
    o->standard_output = SLICE("{\"ok\": false}\n");
    o->standard_error = SLICE("panic: at the disco\n");
}

/* --- The tables --- */

struct check_case {
    const char *check, *expected;
    void (*corrupt)(struct observation *o);
    const char *message; /* of the first failed verdict */
};

static const struct check_case cases[] = {
    {"status", "201", other_status, "expected status to be 201, got 503"},
    {"status", "'2xx'", other_status, "expected status to be 2xx, got 503"},
    {"status", "[200, '2xx', 404]", other_status, "expected status to be 200, 2xx or 404, got 503"},
    {"status", "'<500'", other_status, "expected status to be less than 500, got 503"},
    {"status", "{'ge': 200, 'lt': 300}", other_status,
     "expected status to be less than 300, got 503"},
    {"headers", "{'content-type': {'starts': 'application/json'}}", other_headers,
     "expected header content-type to start with \"application/json\", got \"text/html\""},
    {"headers", "{'x-debug': null}", other_headers,
     "expected header x-debug not to exist, got \"1\""},
    {"headers", "{'x-count': {'gt': 41}}", other_headers,
     "expected header x-count to be more than 41, got \"many\" (a number is needed and this is a "
     "string)"},
    {"headers", "{'vary': 'a, b'}", other_headers,
     "expected header vary to equal \"a, b\", got nothing (no data)"},
    {"body", "{'contains': 'completed'}", other_body, NULL},
    {"body", "{'bytes': '<80', 'matches': '^{'}", other_body,
     "expected the length of the body to be less than 80 B, got 86 B"},
    {"json", "{'$.status': 'completed'}", other_body,
     "expected $.status to equal \"completed\", got \"running\""},
    {"json", "{'$.items[*].n': [1, 2]}", other_body,
     "expected $.items[*].n to equal [1,2], got [1,3]\n$.items[*].n[1]: expected 2, got 3\n"},
    {"json", "{'$.none': null}", other_body, "expected $.none to equal null, got 0"},
    {"json", "{'$.extra': {'exists': false}}", other_body, "expected $.extra not to exist, got 1"},
    {"json", "{'$.id': {'type': 'integer'}}", body_is_no_json, NULL},
    {"schema", "{'properties': {'id': {'type': 'integer'}}, 'required': ['id']}", other_body, NULL},
    {"events", "'started token* end'", stream_cut,
     "the stream ended with event 5 after \"… token token token\"; expected token or end next"},
    {"events", "'started token{5} end'", ends_twice,
     "expected event 5 after \"… token token token\" to be token, got end: {}"},
    {"events", "'started any+'", NULL, NULL},
    {"terminal", "'end'", stream_cut,
     "expected the stream to end with end, got token as the last of 5 events"},
    {"terminal", "['end', 'error']", event_after_the_end,
     "expected end or error to be the last event, got 1 more after it (event 6 of 7), the last "
     "token"},
    {"terminal", "'end'", ends_twice,
     "expected exactly one event end, got 2, the first as event 5 of 7"},
    {"tokens", "{'count': 5}", token_left_out, "expected the number of tokens to equal 5, got 4"},
    {"tokens", "{'count': {'le': 5, 'gt': 4}}", token_left_out,
     "expected the number of tokens to be more than 4, got 4"},
    {"tokens", "{'text': 'Hello wörld}'}", token_left_out,
     "expected the text of the tokens to equal \"Hello wörld}\", got \"Hello wörld\""},
    {"tokens", "{'contiguous': true}", token_number_left_out,
     "expected token 4 to be numbered 3, got 4"},
    {"tokens", "{'contiguous': true}", tokens_without_numbers,
     "expected token 1 to be numbered 0, got no number"},
    {"tokens", "{'utf8': true}", character_cut,
     "expected token 4 to be valid UTF-8, got \"w\\xc3\" (wrong at byte 2)"},
    {"tokens", "{'each': {'length': {'le': 5}, 'not': 'w'}}", NULL, NULL},
    {"tokens", "{'each': {'matches': '^[^\\ufffd]*$'}}", character_cut,
     "expected token 4 to match \"^[^�]*$\", got \"w�\""},
    {"text", "{'ends': 'wörld}'}", other_text,
     "expected the text to end with \"wörld}\", got \"Hello world}\""},
    {"stop_reason", "'STOP_SEQUENCE'", other_stop,
     "expected the stop reason to be STOP_SEQUENCE, got MAX_TOKENS"},
    {"stop_reason", "['eos', 'Stop_Sequence']", other_stop,
     "expected the stop reason to be eos or Stop_Sequence, got MAX_TOKENS"},
    {"stop_sequence", "'}'", other_stop_sequence,
     "expected the stop sequence to equal \"}\", got \"]\""},
    {"stop_sequence", "'}'", other_stop,
     "expected the stop sequence to equal \"}\", got nothing (no data)"},
    {"error", "'CANCELLED'", other_error,
     "expected the error's code to equal \"CANCELLED\", got \"TIMEOUT\""},
    {"error", "{'message': {'contains': 'cancel'}}", other_error,
     "expected the error's message to contain \"cancel\", got nothing (no data)"},
    {"error", "{'json': {'$.retriable': true}}", other_error,
     "expected $.retriable to equal true, got false"},
    {"tensor", "{'shape': [null, 2]}", tensor_transposed,
     "expected the shape to be [null,2], got [4, 1]"},
    {"tensor", "{'name': 'y', 'shape': [2, -1], 'dtype': 'FP32'}", tensor_transposed,
     "expected the shape to be [2,-1], got [4, 1]"},
    {"tensor", "{'shape': [2, 2]}", tensor_deeper, "expected the shape to be [2,2], got [2, 2, 1]"},
    {"tensor", "[{'dtype': 'FP32'}]", tensor_transposed, "expected the type to be FP32, got FP64"},
    {"tensor", "{'finite': true}", tensor_nan,
     "expected finite values, got 1 of 4 that are not, the first at [0, 1]: NaN"},
    {"tensor", "{'near': [[1, 2], [3, 4]], 'abs': 0.2}", tensor_off,
     "expected all values to be near, got 1 of 4 too far; the worst at [1, 0]: expected 3, got "
     "3.25 (largest error 0.25 absolute, 0.0833 relative)"},
    {"tensor", "{'near': [1, 2, 3, 4], 'rel': 0.01}", tensor_nan,
     "expected all values to be near, got 1 of 4 too far; the worst at [0, 1]: expected 2, got NaN "
     "(largest error inf absolute, inf relative)"},
    {"tensor", "{'near': [[1, 2], [3, 4]]}", tensor_transposed,
     "expected 4 values nested like the tensor, got 4 in the shape [4, 1]"},
    {"tensor", "{'near': 2.5, 'abs': 1.5}", tensor_nan, NULL},
    {"time", "{'total': '<2s'}", slow, "expected time total to be less than 2.00 s, got 8.00 s"},
    {"time", "{'total': {'eq': '250ms'}}", slow, NULL},
    {"time", "{'first_byte': '<=50ms'}", slow,
     "expected time first_byte to be at most 50.0 ms, got 600 ms"},
    {"time", "{'ttft': '<500ms'}", slow, "expected time ttft to be less than 500 ms, got 700 ms"},
    {"time", "{'itl_p50': {'eq': '20ms'}, 'itl_p90': {'eq': '40ms'}}", slow,
     "expected time itl_p50 to equal 20.0 ms, got 100 ms"},
    {"time", "{'itl_p95': '<50ms', 'itl_p99': '<=40ms'}", slow,
     "expected time itl_p95 to be less than 50.0 ms, got 100 ms"},
    {"time", "{'tokens_per_s': {'near': 40}}", slow,
     "expected time tokens_per_s to be near 40, got 10 (off by 30, at most 4e-05 is allowed)"},
    {"memory", "{'growth': '<64MiB'}", memory_leak,
     "expected memory growth to be less than 64 MiB, got 924 MiB"},
    {"memory", "{'peak': {'le': '200MiB'}}", memory_leak,
     "expected memory peak to be at most 200 MiB, got 1 GiB"},
    {"rows", "[{'id': 1, 'state': 'done'}, {'id': 2, 'state': 'done'}]", other_rows, NULL},
    {"rows", "{'count': 2}", other_rows, "expected the number of rows to equal 2, got 3"},
    {"rows", "{'any': {'id': 2, 'state': 'done'}}", other_rows,
     "expected one of 3 rows to have {\"id\":2,\"state\":\"done\"}, none does; the nearest is "
     "number 2: {\"id\":2,\"state\":\"failed\"}"},
    {"rows", "{'each': {'state': 'done'}}", other_rows,
     "expected rows[1].state to equal \"done\", got \"failed\""},
    {"rows", "{'each': {'$.state': 'done', 'other': {'exists': false}}}", other_rows, NULL},
    {"rows", "{'json': {'$[*].id': [1, 2], '$[1].state': 'done'}}", other_rows,
     "expected $[1].state to equal \"done\", got \"failed\""},
    {"spans", "{'any': {'name': 'infer', '$.attributes.rows': '>2'}}", other_spans, NULL},
    {"series", "{'any': {'name': 'requests_total', 'value': '>=1'}}", other_series, NULL},
    {"metrics", "{'ttft': {'p99': '<100ms', 'p50': '>40ms', 'max': '<=100ms'}}", other_load,
     "expected metrics ttft p99 to be less than 100 ms, got 1.00 s"},
    {"metrics", "{'errors': '<=2%', 'goodput': '>=0.9'}", other_load,
     "expected metrics errors in % to be at most 2, got 50"},
    {"metrics", "{'rate': '>9', 'tokens': {'gt': 90}, 'requests': 100}", other_load, NULL},
    {"exit", "3", other_exit, "expected the exit status to equal 3, got 0"},
    {"exit", "{'in': [1, 3]}", killed,
     "expected the exit status to be one of [1,3], but SIGKILL ended the program"},
    {"exit", "'!=0'", other_exit, "expected the exit status to differ from 0, got 0"},
    {"stdout", "{'contains': 'true'}", other_output,
     "expected stdout to contain \"true\", got \"{\\\"ok\\\": false}\\n\""},
    {"stdout", "{'json': {'$.ok': true}, 'matches': 'ok'}", other_output,
     "expected $.ok to equal true, got false"},
    {"stderr", "{'not_contains': 'panic'}", other_output,
     "expected stderr not to contain \"panic\", got \"panic: at the disco\\n\" (found at character "
     "1)"},
    {"validate", "[{'type': 'contains', 'params': {'required_text': 'WÖRLD'}}]", other_text,
     "expected the answer to contain \"WÖRLD\", got \"Hello world}\""},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct verdicts run(struct observation *o, const struct check_case *c)
{
    struct arena *arena = o->arena;
    struct verdicts out = verdicts_in(arena);
    const struct node *expect =
        node_of(arena, arena_printf(arena, "{'%s': %s}", c->check, c->expected));
    check_run(o, expect, &out);
    return out;
}

static const struct verdict *first_failed(const struct verdicts *out)
{
    const struct verdict *v = out->first;
    while (v && v->passed)
        v = v->next;
    return v;
}

static void every_check_passes_on_what_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct observation o = rich(arena);
        const char *fault =
            fault_of(arena, check_find(slice_str(cases[i].check))->shape, cases[i].expected);
        if (*fault)
            fail_msg("%s %s: %s", cases[i].check, cases[i].expected, fault);
        struct verdicts out = run(&o, &cases[i]);
        if (out.failed)
            fail_msg("%s %s: %s", cases[i].check, cases[i].expected, first_failed(&out)->message);
        assert_true(out.count > 0);
        release(&o);
    }
}

static void every_check_notices_an_injected_wrong_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct observation o = rich(arena);
        if (cases[i].corrupt) {
            cases[i].corrupt(&o);
            struct verdicts out = run(&o, &cases[i]);
            if (!out.failed)
                fail_msg("%s %s did not notice", cases[i].check, cases[i].expected);
            const struct verdict *v = first_failed(&out);
            assert_non_null(v->message);
            assert_false(v->impossible);
            assert_true(v->at.source != NULL);
            assert_int_equal(strncmp(v->check, cases[i].check, strlen(cases[i].check)), 0);
            if (cases[i].message)
                assert_string_equal(v->message, cases[i].message);
        }
        release(&o);
    }
}

static void every_check_fails_when_its_part_was_not_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct observation o = rich(arena);
        o.seen = 0;
        struct verdicts out = run(&o, &cases[i]);
        assert_int_equal(out.failed, out.count);
        assert_true(out.count > 0);
        assert_true(slice_is(out.first->actual, "(no data)"));
        assert_non_null(strstr(out.first->message, "(no data)"));
        release(&o);
    }
}

/* Everything was looked at and nothing was there. */
static void every_check_fails_when_it_saw_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct observation o = {.arena = arena,
                                .seen = ~0u,
                                .rows = json_array(),
                                .spans = json_array(),
                                .series = json_array(),
                                .load = never_loaded(),
                                .error = json_object(),
                                .exit_code = -1,
                                .signal = SIGSEGV};
        struct verdicts out = run(&o, &cases[i]);
        /* An absent header is seen to be so. */
        bool about_absence = strstr(cases[i].expected, "null}") && cases[i].check[0] == 'h';
        if (out.failed < out.count && !about_absence)
            fail_msg("%s %s passes on nothing", cases[i].check, cases[i].expected);
        release(&o);
    }
}

static void the_tables_of_this_test_know_every_check(void **state)
{
    (void)state;
    for (size_t i = 0; check_kinds[i]; i++) {
        const char *name = check_kinds[i]->name;
        bool found = strcmp(name, "pass_rate") == 0;
        for (size_t j = 0; j < COUNT(cases); j++)
            found |= strcmp(cases[j].check, name) == 0 && cases[j].corrupt;
        if (!found)
            fail_msg("no injected wrong answer for %s", name);
        assert_ptr_equal(check_find(slice_str(name)), check_kinds[i]);
        assert_string_equal(check_fields[i].name, name);
        assert_ptr_equal(check_fields[i].shape, check_kinds[i]->shape);
    }
    assert_null(check_find(SLICE("statsu")));
}

static void every_example_of_the_reference_page_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; check_kinds[i]; i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        const char *fault = fault_of(arena, check_kinds[i]->shape, check_kinds[i]->example);
        if (*fault)
            fail_msg("%s: %s", check_kinds[i]->name, fault);
    }
}

static void emptiness_that_is_meant_is_accepted(void **state)
{
    (void)state;
    static const struct check_case meant[] = {
        {"body", "{'empty': true}", NULL, NULL},
        {"body", "''", NULL, NULL},
        {"body", "{'bytes': 0}", NULL, NULL},
        {"tokens", "{'count': 0}", NULL, NULL},
        {"tokens", "{'count': {'ge': 0, 'le': 5}}", NULL, NULL},
        {"tokens", "{'text': ''}", NULL, NULL},
        {"text", "''", NULL, NULL},
        {"text", "{'length': 0}", NULL, NULL},
        {"stop_sequence", "null", NULL, NULL},
        {"rows", "[]", NULL, NULL},
        {"rows", "{'count': 0}", NULL, NULL},
        {"rows", "{'json': {'$': []}}", NULL, NULL},
        {"rows", "{'json': {'$[*].id': {'empty': true}}}", NULL, NULL},
        {"rows", "{'json': {'$[*].id': {'exists': false}}}", NULL, NULL},
        {"spans", "{'count': '==0'}", NULL, NULL},
        {"stdout", "{'empty': true}", NULL, NULL},
        {"stderr", "{'length': {'le': 0}}", NULL, NULL},
        {"validate", "[{'type': 'length', 'params': {'min_length': 0, 'max_length': 5}}]", NULL,
         NULL},
        {"headers", "{'x-debug': null, 'x-other': {'exists': false}}", NULL, NULL},
        {"exit", "{'signal': 'SIGSEGV'}", NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(meant); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct observation o = {.arena = arena,
                                .seen = ~0u,
                                .rows = json_array(),
                                .spans = json_array(),
                                .series = json_array(),
                                .load = never_loaded(),
                                .error = json_object(),
                                .exit_code = -1,
                                .signal = SIGSEGV};
        const char *fault =
            fault_of(arena, check_find(slice_str(meant[i].check))->shape, meant[i].expected);
        assert_string_equal(fault, "");
        struct verdicts out = run(&o, &meant[i]);
        if (out.failed)
            fail_msg("%s %s: %s", meant[i].check, meant[i].expected, first_failed(&out)->message);
        release(&o);
    }
}

static void percentiles_are_by_nearest_rank(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = rich(arena);
    struct token tokens[101];
    for (int i = 0; i < 101; i++) /* gaps of 1, 2, …, 100 ms, out of order */
        tokens[i] = (struct token){.at = i == 0 ? 0 : tokens[i - 1].at + (i * 37 % 101) * MS};
    o.tokens = tokens;
    o.token_count = 101;
    struct check_case c = {"time",
                           "{'itl_p50': {'eq': '50ms'}, 'itl_p90': {'eq': '90ms'}, 'itl_p95': "
                           "{'eq': '95ms'}, 'itl_p99': {'eq': '99ms'}}",
                           NULL, NULL};
    struct verdicts out = run(&o, &c);
    if (out.failed)
        fail_msg("%s", first_failed(&out)->message);
    assert_int_equal(out.count, 4);
    o.token_count = 1;
    assert_int_equal(run(&o, &c).failed, 4);
    release(&o);
}

static void a_path_that_selects_nothing_is_no_data(void **state)
{
    (void)state;
    static const char *const matchers[] = {
        "{'type': 'array'}", "{'not': 3}",          "{'ne': 3}",
        "{'schema': true}",  "{'not_contains': 1}", "{'each': 1}",
        "{'length': '<5'}",  "{'not': {'any': 1}}", "null",
        "{'empty': false}"};
    static const char *const paths[] = {"$.items[*].x", "$..x", "$.items[?@.n > 5]", "$.x"};
    for (size_t i = 0; i < COUNT(matchers); i++)
        for (size_t j = 0; j < COUNT(paths); j++) {
            DEFER(arena_free_pointer)
            struct arena *arena = arena_new();
            struct observation o = rich(arena);
            struct check_case c = {"json", arena_printf(arena, "{'%s': %s}", paths[j], matchers[i]),
                                   NULL, NULL};
            struct verdicts out = run(&o, &c);
            if (!out.failed)
                fail_msg("%s passes on nothing", c.expected);
            release(&o);
        }
}

static void memory_that_shrinks_did_not_grow(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = rich(arena);
    struct check_case c = {"memory", "{'growth': '<1MiB'}", NULL, NULL};
    o.memory_after = o.memory_before - (5 << 20);
    assert_int_equal(run(&o, &c).failed, 0);
    o.memory_after = o.memory_before;
    assert_int_equal(run(&o, &c).failed, 0);
    release(&o);
}

static void pass_rate_is_left_to_the_run(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = rich(arena);
    struct check_case c = {"pass_rate", "0.9", NULL, NULL};
    assert_int_equal(run(&o, &c).count, 0);
    release(&o);
}

static void an_output_serves_as_document_where_there_is_no_body(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = rich(arena);
    struct check_case c = {"json", "{'$.ok': true}", NULL, NULL};
    o.seen = OBSERVED_OUTPUT | OBSERVED_EXIT;
    assert_int_equal(run(&o, &c).failed, 0);
    release(&o);
}

static void a_part_whose_data_was_not_seen_fails_alone(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = rich(arena);
    struct check_case c = {"time", "{'total': '<2s', 'ttft': '<2s'}", NULL, NULL};
    o.seen = OBSERVED_TIME;
    struct verdicts out = run(&o, &c);
    assert_int_equal(out.failed, 1);
    assert_string_equal(first_failed(&out)->check, "time ttft");
    assert_true(slice_is(first_failed(&out)->actual, "(no data)"));
    release(&o);
}

static void several_tensors_are_told_apart_by_name(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct observation o = rich(arena);
    struct tensor two[] = {o.tensors[0], o.tensors[0]};
    two[1].name = SLICE("z");
    o.tensors = two;
    o.tensor_count = 2;
    struct check_case unnamed = {"tensor", "{'finite': true}", NULL, NULL};
    struct check_case named = {"tensor", "[{'name': 'z', 'finite': true}]", NULL, NULL};
    struct check_case unknown = {"tensor", "{'name': 'q', 'finite': true}", NULL, NULL};
    struct verdicts out = run(&o, &unnamed);
    assert_string_equal(out.first->message,
                        "expected one tensor, got 2: y, z; say which with \"name\"");
    assert_int_equal(run(&o, &named).failed, 0);
    out = run(&o, &unknown);
    assert_string_equal(out.first->message, "expected a tensor q, got y, z (no data)");
    release(&o);
}

/* --- Reading --- */

static void a_wrong_expectation_is_refused_when_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *check, *expected, *fault;
    } wrong[] = {
        {"status", "'2x'", "expected a status such as 200, \"2xx\" or \"<500\", got \"2x\""},
        {"status", "99", NULL},
        {"status", "[]", NULL},
        {"status", "{}", NULL},
        {"headers", "{}", NULL},
        {"body", "[1]",
         "the body is a text, and a list never equals one; for JSON use \"json\": "
         "{\"$\": …} or \"schema\""},
        {"body", "{'bites': 3}",
         "unknown key \"bites\" in a body matcher; did you mean \"bytes\"?"},
        {"json", "{}", NULL},
        {"json", "{'status': 1}", NULL},
        {"json", "{'$.a[': 1}", NULL},
        {"json", "{'$.a': {'equals': 1}}", NULL},
        {"schema", "{}", "the schema {} accepts everything, so that it checks nothing"},
        {"schema", "{'type': 'strin'}", NULL},
        {"events", "'a ('",
         "expected the name of an event, any or \"(\" at the end of the pattern"},
        {"terminal", "[]", NULL},
        {"tokens", "{}", "a map without a key checks nothing"},
        {"tokens", "{'utf8': false}", "false would check nothing; write true or leave it out"},
        {"tokens", "{'count': '<5s'}", NULL},
        {"stop_reason", "3", NULL},
        {"error", "{}", "a map without a key checks nothing"},
        {"tensor", "{'name': 'x'}",
         "this tensor check checks nothing; write shape, dtype, near or finite"},
        {"tensor", "{'shape': [1], 'rel': 1}", "rel and abs belong to \"near\", which is missing"},
        {"tensor", "{'shape': ['a']}", NULL},
        {"tensor", "{'dtype': 'float'}", NULL},
        {"tensor", "{'near': []}", NULL},
        {"time", "{}", "a map without a key checks nothing"},
        {"time", "{'tttf': '<1s'}", NULL},
        {"time", "{'ttft': 500}", NULL},
        {"memory", "{}", "a map without a key checks nothing"},
        {"rows", "{}", "a map without a key checks nothing"},
        {"rows", "{'any': {}}", NULL},
        {"metrics", "{'latency': {'p99': 5}}", NULL},
        {"metrics", "{'latency': {'count': '<5ms'}}", NULL},
        {"metrics", "{'latency': {'p101': '<5ms'}}", NULL},
        {"exit", "{'signal': 'SIGFOO'}",
         "there is no signal \"SIGFOO\"; write its name, such as \"SIGKILL\""},
        {"exit", "{'signal': 'SIGKILL', 'eq': 1}", NULL},
        {"exit", "256", NULL},
        {"stdout", "null", NULL},
        {"pass_rate", "'high'", NULL},
        {"validate", "[]", NULL},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        const char *fault =
            fault_of(arena, check_find(slice_str(wrong[i].check))->shape, wrong[i].expected);
        if (!*fault)
            fail_msg("%s %s should be refused", wrong[i].check, wrong[i].expected);
        if (wrong[i].fault)
            assert_string_equal(fault, wrong[i].fault);
    }
}

static const char *applicable(struct arena *arena, const char *expect, unsigned yields,
                              const char *step)
{
    struct diagnostics d = diagnostics_in(arena);
    check_applicable(node_of(arena, expect), yields, step, &d);
    return d.first ? arena_printf(arena, "%s; %s", d.first->text, d.first->hint) : "";
}

static void a_check_that_a_step_can_never_see_is_refused(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_string_equal(applicable(arena, "{'status': 200}", OBSERVED_TIME, "wait"),
                        "status cannot be seen by a wait step: it needs an HTTP status; checks of "
                        "a wait step: time, pass_rate");
    assert_string_equal(applicable(arena, "{'time': {'ttft': '<1s'}}", OBSERVED_TIME, "wait"),
                        "time ttft cannot be seen by a wait step: it needs times of tokens; checks "
                        "of a wait step: time, pass_rate");
    assert_string_equal(applicable(arena, "{'json': {'$': 1}}", OBSERVED_EXIT, "exec"),
                        "json cannot be seen by an exec step: it needs a response body or a "
                        "program's output; checks of an exec step: exit, pass_rate");
    assert_string_equal(applicable(arena, "{}", OBSERVED_TIME, "wait"),
                        "expect holds no check, so that it would always pass; checks of a wait "
                        "step: time, pass_rate");
    assert_string_equal(
        applicable(arena, "{'json': {'$': 1}, 'pass_rate': 1}", OBSERVED_OUTPUT, "exec"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_passes_on_what_is_right),
        cmocka_unit_test(every_check_notices_an_injected_wrong_answer),
        cmocka_unit_test(every_check_fails_when_its_part_was_not_seen),
        cmocka_unit_test(every_check_fails_when_it_saw_nothing),
        cmocka_unit_test(the_tables_of_this_test_know_every_check),
        cmocka_unit_test(every_example_of_the_reference_page_is_right),
        cmocka_unit_test(emptiness_that_is_meant_is_accepted),
        cmocka_unit_test(percentiles_are_by_nearest_rank),
        cmocka_unit_test(a_path_that_selects_nothing_is_no_data),
        cmocka_unit_test(memory_that_shrinks_did_not_grow),
        cmocka_unit_test(pass_rate_is_left_to_the_run),
        cmocka_unit_test(an_output_serves_as_document_where_there_is_no_body),
        cmocka_unit_test(a_part_whose_data_was_not_seen_fails_alone),
        cmocka_unit_test(several_tensors_are_told_apart_by_name),
        cmocka_unit_test(a_wrong_expectation_is_refused_when_it_is_read),
        cmocka_unit_test(a_check_that_a_step_can_never_see_is_refused),
    };
    return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
