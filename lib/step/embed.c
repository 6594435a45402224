/*
 * The `embed` step: vectors for texts from an OpenAI-compatible embeddings endpoint. They come as
 * one tensor "embeddings" of texts × dimensions, whichever encoding was asked for, so that the
 * tensor checks read them.
 */
#include "step/ask.h"
#include "step/kinds.h"
#include "step/openai.h"

static const struct field embed_fields[] = {
    {"model", &shape_string, .help = "The model asked for."},
    {"input", &shape_any, .required = true, .help = "A text, or a list of texts."},
    {"dimensions", &shape_any, .help = "Sent as it is."},
    {"encoding_format", &shape_any, .help = "float or base64."},
    {"extra", &shape_object, .help = "Further fields of the body, as they are."},
    OPENAI_FIELDS,
    OPENAI_ASK_FIELDS,
    {NULL},
};

static const struct shape embed_shape = {
    .name = "embed step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){embed_fields, NULL},
    .help = "Vectors for texts from an OpenAI-compatible embeddings endpoint.",
};

/* ── vectors ── */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Floats in little-endian order as base64; false when it is none. */
static bool decode_floats(struct slice text, double *out, size_t count)
{
    unsigned char bytes[4];
    size_t filled = 0, done = 0;
    uint32_t bits = 0;
    int bit_count = 0;
    while (slice_ends(text, SLICE("=")))
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        bytes[filled++] = (unsigned char)(bits >> bit_count);
        if (filled < 4)
            continue;
        uint32_t word = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                        (uint32_t)bytes[3] << 24;
        float value;
        memcpy(&value, &word, sizeof(value));
        if (done == count)
            return false;
        out[done++] = (double)value;
        filled = 0;
    }
    return done == count && filled == 0;
}

static size_t dimensions_of(const json_t *vector)
{
    size_t digits = json_string_length(vector);
    if (!json_is_string(vector))
        return json_array_size(vector);
    while (digits && json_string_value(vector)[digits - 1] == '=')
        digits--;
    return digits * 6 / 8 / 4;
}

static bool read_vector(const json_t *vector, double *out, size_t count)
{
    if (json_is_string(vector))
        return decode_floats(jsontext_slice(vector), out, count);
    if (json_array_size(vector) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *number = json_array_get(vector, i);
        if (!json_is_number(number))
            return false;
        out[i] = json_number_value(number);
    }
    return true;
}

static const json_t *vector_at(const json_t *data, size_t i)
{
    return json_object_get(json_array_get(data, i), "embedding");
}

/* Vectors of different lengths, or that are none, are no tensor; known before there is memory for
 * it, which then is in proportion to the answer. */
static void keep_tensor(struct observation *o)
{
    const json_t *data = json_object_get(o->body_json, "data");
    size_t rows = json_array_size(data), columns = dimensions_of(vector_at(data, 0));
    for (size_t i = 1; i < rows; i++)
        if (dimensions_of(vector_at(data, i)) != columns)
            return;
    if (rows == 0 || columns == 0)
        return;
    double *values = ARENA_ARRAY(o->arena, double, rows *columns);
    for (size_t i = 0; i < rows; i++)
        if (!read_vector(vector_at(data, i), values + i * columns, columns))
            return;
    int64_t *shape = ARENA_ARRAY(o->arena, int64_t, 2);
    struct tensor *tensor = ARENA_NEW(o->arena, struct tensor);
    shape[0] = (int64_t)rows;
    shape[1] = (int64_t)columns;
    *tensor = (struct tensor){.name = SLICE("embeddings"),
                              .dtype = SLICE("FP32"),
                              .rank = 2,
                              .shape = shape,
                              .count = rows * columns,
                              .values = values};
    o->tensors = tensor;
    o->tensor_count = 1;
    o->seen |= OBSERVED_TENSORS;
}

static void embed_done(struct step *step, const struct sse_notes *notes)
{
    struct observation *o = step->observation;
    const char *fault;
    openai_events.on_done(step, notes);
    if (!notes && observation_json(o, &fault))
        keep_tensor(o);
}

static struct result embed_start(struct step *step)
{
    struct call_events *events = ARENA_NEW(step->arena, struct call_events);
    struct ask_options ask = {0};
    *events = openai_events;
    events->on_done = embed_done;
    TRY(openai_ask(step, "/embeddings", &ask));
    TRY(jsontext_read_in(step->arena, openai_body(step), &ask.body));
    ask.events = events;
    return ask_start(step, &ask);
}

const struct step_kind step_embed = {
    .name = "embed",
    .shape = &embed_shape,
    .yields = OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY | OBSERVED_ERROR |
              OBSERVED_TENSORS | OBSERVED_TIME | OBSERVED_MEMORY,
    .help = "Vectors for texts from an OpenAI-compatible embeddings endpoint, seen as a tensor "
            "\"embeddings\" of texts × dimensions.",
    .example = "{ \"embed\": { \"model\": \"m\", \"input\": [\"a\", \"b\"] }, \"expect\": { "
               "\"tensor\": { \"shape\": [2, null], \"finite\": true } } }",
    .title = openai_title,
    .start = embed_start,
    .cancel = ask_cancel,
};
