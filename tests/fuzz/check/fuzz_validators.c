/*
 * Validators that parse or are judged, with any answer of the model and any reply of the judge or
 * program (the answer up to the first byte FF, which is no UTF-8, then the reply). Nothing may
 * crash; every failure has its words; a judge passes nothing without having said `true`, or the one
 * word that is expected; and the judged text stands between its marks and nowhere leaves them.
 */
#include "check/check.h"
#include "check/question.h"
#include "core/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char suite[] =
    "{\"validate\": [{\"type\": \"rubric\", \"params\": {\"rubric\": \"r\"}},"
    "{\"type\": \"agent_task\", \"params\": {\"task_prompt\": \"{RESPONSE}\", "
    "\"success_criteria\": "
    "{\"all_true_in_details_keys\": [\"a\"], \"must_not_contain_string_in_reasoning\": \"b\"}}},"
    "{\"type\": \"language_detection\", \"params\": {\"expected\": \"en\"}},"
    "{\"type\": \"program\", \"params\": {\"command\": [\"p\"]}},"
    "{\"type\": \"python\"}, {\"type\": \"code\"}, {\"type\": \"sql\"}, {\"type\": "
    "\"openapi_spec\"},"
    "{\"type\": \"json\"}, {\"type\": \"safe_html\"}, {\"type\": \"no_injection_detected\"}]}";

static size_t count_of(struct slice text, struct slice part)
{
    size_t count = 0;
    for (ptrdiff_t at; (at = slice_find(text, part)) >= 0; count++)
        text = slice_from(text, (size_t)at + part.len);
    return count;
}

/* The text between the first and the second line with the mark is the answer. */
static void check_marks(const struct question *q, struct slice answer)
{
    const json_t *messages = json_object_get(q->config, "messages");
    struct slice told = jsontext_slice(json_object_get(json_array_get(messages, 0), "content")),
                 asked = jsontext_slice(json_object_get(json_array_get(messages, 1), "content"));
    ptrdiff_t at = slice_find(told, SLICE("TEXT-"));
    MUST(at >= 0, "no mark");
    struct slice mark = slice_part(told, (size_t)at, 21);
    MUST(count_of(answer, mark) == 0, "the answer holds its own mark");
    MUST(count_of(asked, mark) == 2, "the marks do not stand around the text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice reply = slice_of((const char *)data, size), text;
    json_t *json;
    if (size > 20000 || !slice_split(&reply, '\xff', &text) || !utf8_valid(text))
        return 0;
    struct result read = jsontext_read_in(arena, slice_str(suite), &json);
    MUST(result_ok(read), "%s", error_last()->text);
    const struct node *expect = node_from_json(arena, json, (struct place){0});
    struct observation o = {.arena = arena, .seen = OBSERVED_TEXT, .text = text};
    struct observation said = {.arena = arena,
                               .seen = OBSERVED_STATUS | OBSERVED_TEXT | OBSERVED_OUTPUT,
                               .status = 200,
                               .text = reply,
                               .standard_output = reply,
                               .standard_error = reply};
    struct question_answer answer = {RESULT_OK, "", &said};
    struct verdicts out = verdicts_in(arena);
    questions_collect(&o, expect);
    for (struct question *q = o.questions; q; q = q->next) {
        if (strcmp(q->kind, "chat") == 0)
            check_marks(q, text);
        q->asked = true;
        q->answer_count = 1;
        q->answers = &answer;
    }
    check_run(&o, expect, &out);
    for (const struct verdict *v = out.first; v; v = v->next) {
        MUST(v->passed || v->message, "a failure without words");
        bool judged = strstr(v->check, "rubric") || strstr(v->check, "agent_task") ||
                      strstr(v->check, "program");
        MUST(!judged || !v->passed || slice_find(reply, SLICE("true")) >= 0,
             "%s passed and nobody said true", v->check);
    }
    return 0;
}
