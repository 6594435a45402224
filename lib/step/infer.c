/*
 * The `infer` step: one inference by KServe's v2 protocol (Open Inference Protocol) over HTTP, with
 * tensors as JSON or as binary data. The outputs come as tensors, whichever way they came.
 */
#include <math.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"
#include "step/call.h"
#include "step/kinds.h"

static const struct field input_fields[] = {
    {"data", &shape_any, .required = true, .help = "The values, nested or flat, row by row."},
    {"datatype", &shape_string, .help = "KServe's name. Default FP32."},
    {"shape", &shape_any, .help = "Default: that of the nested data."},
    {NULL},
};
static const struct shape input_shape = {.name = "input",
                                         .kind = SHAPE_OBJECT,
                                         .fields =
                                             (const struct field *const[]){input_fields, NULL},
                                         .help = "A tensor."};
static const struct shape inputs_shape = {.kind = SHAPE_MAP, .of = &input_shape};

static const struct field infer_fields[] = {
    {"model", &shape_text, .required = true, .help = "The model."},
    {"version", &shape_text, .help = "Its version. Default: the server's choice."},
    {"inputs", &inputs_shape, .required = true, .help = "Input tensors by name.",
     .example = "{ \"x\": { \"data\": [[1, 2]] } }"},
    {"outputs", &shape_any, .help = "Sent as it is: the outputs asked for."},
    {"parameters", &shape_any, .help = "Sent as it is."},
    {"id", &shape_text, .help = "Names the request; the answer repeats it."},
    {"binary", &shape_bool,
     .help = "Send and ask for tensors as binary data behind the JSON. Default false."},
    {"headers", &shape_string_map, .help = "Request headers."},
    {"path", &shape_string, .help = "Where to send it. Default /v2/models/MODEL/infer."},
    {NULL},
};

static const struct shape infer_shape = {
    .name = "infer step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){infer_fields, NULL},
    .help = "One inference by KServe's v2 protocol over HTTP.",
};

/* ── datatypes ── */

static const struct datatype {
    const char *name;
    size_t size; /* bytes of one value; 0: BYTES, each with its length before it */
    char kind;   /* b: bool, u: unsigned, i: signed, f: floating point */
} datatypes[] = {
    {"BOOL", 1, 'b'},   {"UINT8", 1, 'u'}, {"UINT16", 2, 'u'}, {"UINT32", 4, 'u'},
    {"UINT64", 8, 'u'}, {"INT8", 1, 'i'},  {"INT16", 2, 'i'},  {"INT32", 4, 'i'},
    {"INT64", 8, 'i'},  {"FP32", 4, 'f'},  {"FP64", 8, 'f'},   {"BYTES", 0, 's'},
};

static const struct datatype *datatype_of(struct slice name)
{
    for (size_t i = 0; i < sizeof(datatypes) / sizeof(datatypes[0]); i++)
        if (slice_is(name, datatypes[i].name))
            return &datatypes[i];
    return NULL;
}

/* The bits of a whole number; false when the datatype has no such value. Reals beyond int64 are
 * whole numbers too, as they are read (core/jsontext.h); 2^63 and 2^64 are exact as doubles. */
static bool whole_bits(const struct datatype *type, const json_t *value, uint64_t *bits)
{
    double real = json_number_value(value);
    bool is_signed = type->kind == 'i';
    if (json_is_real(value) &&
        (real != floor(real) || real < -0x1p63 || real >= (is_signed ? 0x1p63 : 0x1p64)))
        return false;
    bool negative = json_is_real(value) ? real < 0 : json_integer_value(value) < 0;
    if (json_is_integer(value))
        *bits = (uint64_t)json_integer_value(value);
    else
        *bits = negative ? (uint64_t)(int64_t)real : (uint64_t)real;
    unsigned used = 8 * (unsigned)type->size - is_signed;
    uint64_t over = used == 64 ? 0 : (negative ? ~*bits : *bits) >> used;
    return over == 0 && (is_signed || !negative);
}

/* The same of any value. */
static bool bits_of(const struct datatype *type, const json_t *value, uint64_t *bits)
{
    double real = json_number_value(value);
    float single = (float)real;
    uint32_t word;
    *bits = json_is_boolean(value) ? json_is_true(value) : real != 0;
    if (type->kind == 'b')
        return json_is_boolean(value) || json_is_number(value);
    if (!json_is_number(value))
        return json_is_boolean(value) && type->kind != 'f';
    if (type->kind != 'f')
        return whole_bits(type, value, bits);
    memcpy(bits, &real, sizeof(real));
    if (type->size == 8)
        return true;
    memcpy(&word, &single, sizeof(single));
    *bits = word;
    return isfinite(single);
}

/* Little-endian, as the protocol wants it. */
static void encode(uint64_t bits, size_t size, unsigned char *out)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)(bits >> 8 * i);
}

static double decode(const struct datatype *type, const unsigned char *in)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < type->size; i++)
        bits |= (uint64_t)in[i] << 8 * i;
    if (type->kind == 'f' && type->size == 4) {
        uint32_t word = (uint32_t)bits;
        float single;
        memcpy(&single, &word, sizeof(single));
        return (double)single;
    }
    if (type->kind == 'f') {
        double value;
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    if (type->kind == 'i') {
        unsigned shift = 64 - 8 * (unsigned)type->size;
        return (double)((int64_t)(bits << shift) >> shift);
    }
    return (double)bits;
}

/* ── the request ── */

static struct result flatten(const json_t *data, json_t *flat, size_t depth)
{
    ENSURE(depth < LIMIT_DEPTH, ERR_SUITE, "the data of an input is nested too deeply");
    if (!json_is_array(data)) {
        json_array_append(flat, (json_t *)(uintptr_t)data);
        return RESULT_OK;
    }
    for (size_t i = 0; i < json_array_size(data); i++)
        TRY(flatten(json_array_get(data, i), flat, depth + 1));
    return RESULT_OK;
}

static json_t *shape_of(const json_t *data)
{
    json_t *shape = json_array();
    if (!json_is_array(data))
        json_array_append_new(shape, json_integer(1));
    for (; json_is_array(data); data = json_array_get(data, 0))
        json_array_append_new(shape, json_integer((json_int_t)json_array_size(data)));
    return shape;
}

/* Append the values as binary data. */
static struct result add_binary(struct step *step, struct buf *binary, const struct datatype *type,
                                const json_t *flat)
{
    for (size_t i = 0; i < json_array_size(flat); i++) {
        const json_t *value = json_array_get(flat, i);
        unsigned char bytes[8];
        uint64_t bits = 0;
        if (type->size == 0) {
            struct slice text = jsontext_slice(value);
            ENSURE(json_is_string(value), ERR_SUITE, "BYTES values are strings, got %s",
                   jsontext_type(value));
            encode(text.len, 4, bytes);
            TRY(buf_append(binary, slice_of((char *)bytes, 4)));
            TRY(buf_append(binary, text));
            continue;
        }
        ENSURE(bits_of(type, value, &bits), ERR_SUITE, "%.*s is no %s",
               SLICE_ARG(slice_part(jsontext_write(step->arena, value), 0, 80)), type->name);
        encode(bits, type->size, bytes);
        TRY(buf_append(binary, slice_of((char *)bytes, type->size)));
    }
    return RESULT_OK;
}

static struct result add_input(struct step *step, json_t *inputs, const struct node_entry *entry,
                               struct buf *binary)
{
    const struct node *shape = node_get(entry->value, "shape");
    struct slice type_name = node_string(node_get(entry->value, "datatype"), SLICE("FP32"));
    const struct datatype *type = datatype_of(type_name);
    json_t *data = node_json(step->arena, node_get(entry->value, "data"));
    json_t *flat = jsontext_keep(step->arena, json_array()), *input = json_object();
    json_array_append_new(inputs, input);
    json_object_set(input, "name", jsontext_string(step->arena, entry->key));
    json_object_set(input, "datatype", jsontext_string(step->arena, type_name));
    if (shape)
        json_object_set(input, "shape", node_json(step->arena, shape));
    else
        json_object_set_new(input, "shape", shape_of(data));
    TRY(flatten(data, flat, 0));
    if (!binary) {
        json_object_set(input, "data", flat);
        return RESULT_OK;
    }
    size_t before = binary->len;
    ENSURE(type, ERR_SUITE, "%.*s is no datatype that can be sent as binary data",
           SLICE_ARG(type_name));
    TRY(add_binary(step, binary, type, flat));
    json_object_set_new(input, "parameters",
                        json_pack("{s:I}", "binary_data_size", (json_int_t)(binary->len - before)));
    return RESULT_OK;
}

static struct result build_body(struct step *step, struct buf *binary, json_t **out)
{
    static const char *const sent[] = {"id", "outputs", "parameters"};
    const struct node *given = node_get(step->config, "inputs");
    json_t *body = jsontext_keep(step->arena, json_object()), *inputs = json_array();
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        const struct node *value = node_get(step->config, sent[i]);
        if (value)
            json_object_set(body, sent[i], node_json(step->arena, value));
    }
    if (binary && !node_get(step->config, "parameters"))
        json_object_set_new(body, "parameters", json_pack("{s:b}", "binary_data_output", true));
    json_object_set_new(body, "inputs", inputs);
    for (size_t i = 0; i < given->count; i++)
        TRY(add_input(step, inputs, &given->entries[i], binary));
    *out = body;
    return RESULT_OK;
}

static struct slice default_path(struct step *step)
{
    const struct node *config = step->config, *version = node_get(config, "version");
    struct slice model = node_text(step->arena, node_get(config, "model"));
    struct text path = text_in(step->arena);
    text_printf(&path, "/v2/models/%.*s", SLICE_ARG(model));
    if (version) {
        struct slice v = node_text(step->arena, version);
        text_printf(&path, "/versions/%.*s", SLICE_ARG(v));
    }
    text_add_str(&path, "/infer");
    return text_slice(&path);
}

/* ── the answer ── */

static bool read_json_values(const json_t *data, double *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(data, i);
        if (!json_is_number(value) && !json_is_boolean(value))
            return false;
        out[i] = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
    }
    return json_array_size(data) == count;
}

/* The next `size` bytes of the binary part are this output's; false when they do not fit. */
static bool read_binary_values(const struct datatype *type, struct slice bytes, double *out,
                               size_t count)
{
    if (!type || type->size == 0 || bytes.len != count * type->size)
        return false;
    for (size_t i = 0; i < count; i++)
        out[i] = decode(type, (const unsigned char *)bytes.data + i * type->size);
    return true;
}

static bool read_shape(struct arena *arena, const json_t *shape, struct tensor *tensor)
{
    int64_t *sizes = ARENA_ARRAY(arena, int64_t, json_array_size(shape) + 1);
    tensor->rank = json_array_size(shape);
    tensor->shape = sizes;
    tensor->count = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        const json_t *size = json_array_get(shape, i);
        sizes[i] = json_is_integer(size) ? json_integer_value(size) : -1;
        if (sizes[i] < 0 || (sizes[i] > 0 && tensor->count > LIMIT_BODY_BYTES / (size_t)sizes[i]))
            return false;
        tensor->count *= (size_t)sizes[i];
    }
    return json_is_array(shape);
}

/* One output; what cannot be read is left out, and a check of it then finds no data. */
static bool read_output(struct arena *arena, const json_t *output, struct slice *binary,
                        struct tensor *tensor)
{
    const json_t *size = json_object_get(json_object_get(output, "parameters"), "binary_data_size");
    struct slice bytes = {0};
    *tensor = (struct tensor){.name = jsontext_slice(json_object_get(output, "name")),
                              .dtype = jsontext_slice(json_object_get(output, "datatype"))};
    if (json_is_integer(size)) {
        if (json_integer_value(size) < 0 || (size_t)json_integer_value(size) > binary->len)
            return false;
        bytes = slice_part(*binary, 0, (size_t)json_integer_value(size));
        *binary = slice_from(*binary, bytes.len);
    }
    const struct datatype *type = datatype_of(tensor->dtype);
    if (!type || !read_shape(arena, json_object_get(output, "shape"), tensor))
        return false;
    json_t *flat = jsontext_keep(arena, json_array());
    size_t there = json_is_integer(size) && type->size ? bytes.len / type->size : 0;
    if (!json_is_integer(size)) {
        if (!result_ok(flatten(json_object_get(output, "data"), flat, 0)))
            return false;
        there = json_array_size(flat);
    }
    if (there != tensor->count)
        return false;
    double *values = ARENA_ARRAY(arena, double, tensor->count + 1);
    tensor->values = values;
    return json_is_integer(size) ? read_binary_values(type, bytes, values, tensor->count)
                                 : read_json_values(flat, values, tensor->count);
}

/* With binary data the JSON is the part of the body that a header says. */
static struct slice split_body(struct observation *o)
{
    struct slice length = observation_header(o, SLICE("Inference-Header-Content-Length")), binary;
    uint64_t json_len;
    if (!length.data || !result_ok(parse_unsigned(length, o->body.len, &json_len)))
        return SLICE("");
    binary = slice_from(o->body, json_len);
    struct result read =
        jsontext_read_in(o->arena, slice_part(o->body, 0, json_len), &o->body_json);
    if (!result_ok(read))
        o->body_fault = arena_string(o->arena, slice_str(error_last()->text));
    return binary;
}

static void infer_done(struct step *step, const struct sse_notes *notes)
{
    struct observation *o = step->observation;
    const char *fault;
    struct slice binary = split_body(o);
    if (notes || !observation_json(o, &fault))
        return;
    const json_t *outputs = json_object_get(o->body_json, "outputs");
    struct tensor *tensors = ARENA_ARRAY(o->arena, struct tensor, json_array_size(outputs) + 1);
    for (size_t i = 0; i < json_array_size(outputs); i++)
        if (read_output(o->arena, json_array_get(outputs, i), &binary, &tensors[o->tensor_count]))
            o->tensor_count++;
    o->tensors = tensors;
    if (o->tensor_count)
        o->seen |= OBSERVED_TENSORS;
    if (o->status >= 400 && json_object_get(o->body_json, "error")) {
        o->error = o->body_json;
        o->seen |= OBSERVED_ERROR;
    }
}

static struct result ignore_event(struct step *step, struct stream *stream,
                                  struct stream_event *event)
{
    (void)step, (void)stream, (void)event;
    return RESULT_OK;
}

static bool infer_needs_url(const struct node *config)
{
    const struct node *path = node_get(config, "path");
    return !path || step_is_path(path);
}

static struct slice infer_title(struct arena *arena, const struct node *config)
{
    struct slice model = node_string(node_get(config, "model"), SLICE("a model"));
    return slice_str(arena_printf(arena, "%.*s", SLICE_ARG(model)));
}

static void free_buf(void *buf)
{
    buf_free(buf);
}

/* The header that says where the JSON ends, beside the suite's own. */
static const struct node *binary_headers(struct step *step, size_t json_len)
{
    json_t *length =
        jsontext_keep(step->arena, json_pack("{s:s}", "Inference-Header-Content-Length",
                                             arena_printf(step->arena, "%zu", json_len)));
    return node_merge(step->arena, node_from_json(step->arena, length, step->config->at),
                      node_get(step->config, "headers"));
}

static struct result infer_start(struct step *step)
{
    static const struct call_events events = {ignore_event, infer_done};
    struct call_request request = {.method = "POST",
                                   .headers = node_get(step->config, "headers"),
                                   .content_type = "application/json",
                                   .has_body = true};
    const struct node *binary = node_get(step->config, "binary"),
                      *path = node_get(step->config, "path");
    struct buf *tail = ARENA_NEW(step->arena, struct buf);
    bool as_binary = binary && binary->boolean;
    json_t *body;
    *tail = buf_limited(LIMIT_BODY_BYTES);
    arena_defer(step->arena, free_buf, tail);
    TRY(build_body(step, as_binary ? tail : NULL, &body));
    struct slice json = jsontext_write(step->arena, body);
    request.body = json;
    if (as_binary) {
        struct text whole = text_in(step->arena);
        text_add(&whole, json);
        text_add(&whole, buf_slice(tail));
        request.body = text_slice(&whole);
        request.content_type = "application/octet-stream";
        request.headers = binary_headers(step, json.len);
    }
    TRY(step_url(step, path ? path->string : default_path(step), &request.url));
    return call_start(step, &request, &events);
}

const struct step_kind step_infer = {
    .name = "infer",
    .shape = &infer_shape,
    .yields = OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY | OBSERVED_ERROR |
              OBSERVED_TENSORS | OBSERVED_TIME | OBSERVED_MEMORY,
    .help = "One inference by KServe's v2 protocol (Open Inference Protocol) over HTTP; its "
            "outputs are seen as tensors. Binary answers are read too, and json sees their JSON.",
    .example = "{ \"infer\": { \"model\": \"m\", \"inputs\": { \"x\": { \"data\": [[1, 2]] } } }, "
               "\"expect\": { \"tensor\": { \"shape\": [1, 2], \"finite\": true } } }",
    .needs_url = infer_needs_url,
    .title = infer_title,
    .start = infer_start,
    .cancel = call_cancel,
};
