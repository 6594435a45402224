/*
 * Bodies of OpenAI's and KServe's requests: whatever comes, either every rule holds for what was
 * read, or the answer is an error in its form. JSON made for a schema is valid for it.
 */
#include "check/schema.h"
#include "core/text.h"
#include "json_answer.h"
#include "kserve_tensor.h"
#include "openai_request.h"

static const struct openai_model model = {{"m", 1}, 2048};

static void check_error(struct arena *arena, const struct openai_error *error)
{
    json_t *json;
    struct result read = jsontext_read_in(arena, openai_error_json(arena, error), &json);
    MUST(result_ok(read) && error->status >= 400 && error->type, "%u", error->status);
}

static void check_completion(struct arena *arena, enum openai_form form, struct slice body)
{
    struct openai_request r;
    struct openai_error error;
    if (!openai_read(arena, form, &model, body, &r, &error)) {
        check_error(arena, &error);
        return;
    }
    MUST(r.prompt_count >= 1 && (int64_t)r.prompt_count * r.n <= OPENAI_CHOICES_MAX, "%zu prompts",
         r.prompt_count);
    MUST(r.max_tokens >= 0 && r.max_tokens <= model.tokens_max, "%lld", (long long)r.max_tokens);
    MUST(r.stop_count <= STOP_COUNT_MAX, "%zu stop sequences", r.stop_count);
    for (size_t i = 0; i < r.prompt_count; i++)
        MUST(r.prompts[i].len && utf8_valid(r.prompts[i]), "prompt %zu", i);
    for (size_t i = 0; i < r.call_count; i++) {
        json_t *arguments;
        MUST(result_ok(jsontext_read_in(arena, r.calls[i].arguments, &arguments)), "call %zu", i);
    }
}

static void check_schema(struct arena *arena, struct slice text)
{
    struct random random = random_seeded(text.len);
    struct slice made;
    json_t *root, *value;
    struct schema *schema;
    struct schema_report report;
    if (!result_ok(jsontext_read_in(arena, text, &root)) ||
        !result_ok(schema_compile(arena, root, NULL, &schema)) ||
        !result_ok(json_answer(arena, root, &random, &made)))
        return;
    MUST(result_ok(jsontext_read_in(arena, made, &value)), "%.*s", SLICE_ARG(made));
    if (result_ok(schema_validate(schema, value, 1, arena, &report)))
        MUST(report.valid, "%.*s: %.*s", SLICE_ARG(made), SLICE_ARG(report.faults[0].text));
}

/* The first line is JSON, the rest binary data. */
static void check_tensors(struct arena *arena, struct slice body)
{
    struct slice line = SLICE("");
    struct tensors tensors;
    json_t *json;
    (void)slice_split(&body, '\n', &line);
    if (!result_ok(jsontext_read_in(arena, line, &json)) ||
        !result_ok(kserve_read(arena, json_object_get(json, "inputs"), &body, &tensors)))
        return;
    for (size_t i = 0; i < tensors.count; i++) {
        struct text out = text_in(arena), binary = text_in(arena);
        struct result written = kserve_write(&tensors.items[i], &out, &binary);
        MUST(result_ok(written) && slice_eq(text_slice(&binary), tensors.items[i].bytes), "%zu", i);
        result_ignore(kserve_write(&tensors.items[i], &out, NULL)); /* halves have no JSON */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct slice body = slice_of((const char *)data, size);
    struct openai_inputs inputs;
    struct openai_error error;
    check_completion(arena, OPENAI_CHAT, body);
    check_completion(arena, OPENAI_COMPLETION, body);
    if (!openai_read_embeddings(arena, &model, body, &inputs, &error))
        check_error(arena, &error);
    check_schema(arena, body);
    check_tensors(arena, body);
    arena_free(arena);
    return 0;
}
