/*
 * Tensors from and to the wire. Sizes are bounded by the body: a shape counts only when as many
 * values came.
 */
#include "kserve_tensor.h"

#include <inttypes.h>
#include <math.h>

#include "core/limits.h"

static const struct datatype datatypes[] = {
    {"BOOL", DATATYPE_BOOL, 1},       {"UINT8", DATATYPE_UNSIGNED, 1},
    {"UINT16", DATATYPE_UNSIGNED, 2}, {"UINT32", DATATYPE_UNSIGNED, 4},
    {"UINT64", DATATYPE_UNSIGNED, 8}, {"INT8", DATATYPE_SIGNED, 1},
    {"INT16", DATATYPE_SIGNED, 2},    {"INT32", DATATYPE_SIGNED, 4},
    {"INT64", DATATYPE_SIGNED, 8},    {"FP16", DATATYPE_HALF, 2},
    {"BF16", DATATYPE_HALF, 2},       {"FP32", DATATYPE_FLOAT, 4},
    {"FP64", DATATYPE_FLOAT, 8},      {"BYTES", DATATYPE_BYTES, 0},
};

const struct datatype *kserve_datatype(struct slice name)
{
    for (size_t i = 0; i < sizeof(datatypes) / sizeof(datatypes[0]); i++)
        if (slice_is(name, datatypes[i].name))
            return &datatypes[i];
    return NULL;
}

/* ---- single values ---- */

uint64_t kserve_bits(const struct tensor *tensor, size_t i)
{
    uint64_t bits = 0;
    const char *at = tensor->bytes.data + i * tensor->type->size;
    for (size_t k = 0; k < tensor->type->size; k++)
        bits |= (uint64_t)(unsigned char)at[k] << 8 * k;
    return bits;
}

double kserve_real(const struct tensor *tensor, size_t i)
{
    uint64_t bits = kserve_bits(tensor, i);
    double value;
    if (tensor->type->size == 8) {
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    uint32_t word = (uint32_t)bits;
    float single;
    memcpy(&single, &word, sizeof(single));
    return (double)single;
}

void kserve_put_bits(const struct datatype *type, uint64_t bits, char *at)
{
    for (size_t k = 0; k < type->size; k++)
        at[k] = (char)(bits >> 8 * k);
}

void kserve_put_real(const struct datatype *type, double value, char *at)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (type->size == 4) {
        float single = (float)value;
        uint32_t word;
        memcpy(&word, &single, sizeof(word));
        bits = word;
    }
    kserve_put_bits(type, bits, at);
}

/* ---- reading ---- */

/* A whole number from 0 up, else -1. With a number beyond int64 in the body, all of its numbers
 * come as reals (core/jsontext.h). */
static int64_t whole(const json_t *value)
{
    double real = json_is_real(value) ? json_real_value(value) : -1;
    if (json_is_integer(value))
        return json_integer_value(value) < 0 ? -1 : json_integer_value(value);
    return real >= 0 && real < 0x1p53 && real == floor(real) ? (int64_t)real : -1;
}

static struct result read_shape(const json_t *shape, struct tensor *t)
{
    t->rank = json_array_size(shape);
    t->count = 1;
    ENSURE(json_is_array(shape) && t->rank >= 1 && t->rank <= KSERVE_RANK_MAX, ERR_VALUE,
           "input '%.*s': expected a shape of 1 to %d dimensions", SLICE_ARG(t->name),
           KSERVE_RANK_MAX);
    for (size_t i = 0; i < t->rank; i++) {
        t->shape[i] = whole(json_array_get(shape, i));
        ENSURE(t->shape[i] >= 0, ERR_VALUE,
               "input '%.*s': dimension %zu of the shape is no whole number from 0 up",
               SLICE_ARG(t->name), i);
        ENSURE(t->shape[i] == 0 || t->count <= LIMIT_BODY_BYTES / (size_t)t->shape[i], ERR_VALUE,
               "input '%.*s': the shape has more values than any request", SLICE_ARG(t->name));
        t->count *= (size_t)t->shape[i];
    }
    return RESULT_OK;
}

static bool integer_fits(const struct datatype *type, json_int_t value)
{
    unsigned bits = 8 * (unsigned)type->size;
    if (type->kind == DATATYPE_UNSIGNED)
        return value >= 0 && (bits == 64 || value < INT64_C(1) << bits);
    return bits == 64 || (value >= -(INT64_C(1) << (bits - 1)) && value < INT64_C(1) << (bits - 1));
}

static bool read_integer(const struct datatype *type, const json_t *value, char *at)
{
    double real = json_number_value(value);
    if (json_is_integer(value) && integer_fits(type, json_integer_value(value))) {
        kserve_put_bits(type, (uint64_t)json_integer_value(value), at);
        return true;
    }
    if (!json_is_real(value) || real != floor(real) || fabs(real) >= 0x1p64)
        return false;
    bool large = type->kind == DATATYPE_UNSIGNED && type->size == 8 && real >= 0;
    if (!large && (fabs(real) >= 0x1p63 || !integer_fits(type, (json_int_t)real)))
        return false;
    kserve_put_bits(type, large ? (uint64_t)real : (uint64_t)(int64_t)real, at);
    return true;
}

static bool read_value(const struct datatype *type, const json_t *value, char *at)
{
    switch (type->kind) {
    case DATATYPE_BOOL:
        *at = (char)json_is_true(value);
        return json_is_boolean(value);
    case DATATYPE_UNSIGNED:
    case DATATYPE_SIGNED:
        return read_integer(type, value, at);
    case DATATYPE_FLOAT:
        kserve_put_real(type, json_number_value(value), at);
        return json_is_number(value) &&
               (type->size == 8 || isfinite((float)json_number_value(value)));
    case DATATYPE_HALF:
    case DATATYPE_BYTES:
        break;
    }
    return false;
}

struct values {
    struct tensor *tensor;
    struct text *bytes;
    size_t count;
};

/* Data may be flat or nested by the shape; only the order of the values counts. */
static struct result read_data(struct values *v, const json_t *data, int depth)
{
    struct tensor *t = v->tensor;
    if (json_is_array(data)) {
        ENSURE(depth < KSERVE_RANK_MAX + 1, ERR_VALUE, "input '%.*s': the data is nested too deep",
               SLICE_ARG(t->name));
        for (size_t i = 0; i < json_array_size(data); i++)
            TRY(read_data(v, json_array_get(data, i), depth + 1));
        return RESULT_OK;
    }
    char room[8];
    if (t->type->kind == DATATYPE_BYTES && json_is_string(data)) {
        struct slice text = jsontext_slice(data);
        kserve_put_bits(kserve_datatype(SLICE("UINT32")), text.len, room);
        text_add(v->bytes, slice_of(room, 4));
        text_add(v->bytes, text);
    } else {
        ENSURE(read_value(t->type, data, room), ERR_VALUE, "input '%.*s': value %zu is no %s",
               SLICE_ARG(t->name), v->count, t->type->name);
        text_add(v->bytes, slice_of(room, t->type->size));
    }
    v->count++;
    return RESULT_OK;
}

static struct result read_json_data(struct arena *arena, const json_t *data, struct tensor *t)
{
    struct text bytes = text_in(arena);
    struct values values = {t, &bytes, 0};
    ENSURE(t->type->kind != DATATYPE_HALF, ERR_VALUE, "input '%.*s': %s has to be binary data",
           SLICE_ARG(t->name), t->type->name);
    ENSURE(json_is_array(data), ERR_VALUE, "input '%.*s': expected data to be an array",
           SLICE_ARG(t->name));
    TRY(read_data(&values, data, 0));
    ENSURE(values.count == t->count, ERR_VALUE,
           "input '%.*s': the shape has %zu values, the data %zu", SLICE_ARG(t->name), t->count,
           values.count);
    t->bytes = text_slice(&bytes);
    return RESULT_OK;
}

/* Values of BYTES are each a length and so many bytes. */
static bool bytes_are_whole(struct slice bytes, size_t count)
{
    for (; count > 0 && bytes.len >= 4; count--) {
        struct tensor length = {.type = kserve_datatype(SLICE("UINT32")), .bytes = bytes};
        uint64_t len = kserve_bits(&length, 0);
        if (len > bytes.len - 4)
            return false;
        bytes = slice_from(bytes, 4 + len);
    }
    return count == 0 && bytes.len == 0;
}

static struct result take_binary(const json_t *size, struct slice *binary, struct tensor *t)
{
    int64_t len = whole(size);
    ENSURE(len >= 0 && (uint64_t)len <= binary->len, ERR_VALUE,
           "input '%.*s': binary_data_size is not within the %zu bytes that are left",
           SLICE_ARG(t->name), binary->len);
    t->bytes = slice_part(*binary, 0, (size_t)len);
    *binary = slice_from(*binary, (size_t)len);
    bool fits = t->type->size ? t->bytes.len == t->count * t->type->size
                              : bytes_are_whole(t->bytes, t->count);
    ENSURE(fits, ERR_VALUE, "input '%.*s': %zu bytes of binary data are not %zu values of %s",
           SLICE_ARG(t->name), t->bytes.len, t->count, t->type->name);
    return RESULT_OK;
}

static struct result read_input(struct arena *arena, const json_t *input, struct slice *binary,
                                struct tensor *t)
{
    const json_t *name = json_object_get(input, "name"), *type = json_object_get(input, "datatype"),
                 *size = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    ENSURE(json_is_string(name), ERR_VALUE, "every input has a name, a string");
    t->name = jsontext_slice(name);
    t->type = json_is_string(type) ? kserve_datatype(jsontext_slice(type)) : NULL;
    ENSURE(t->type, ERR_VALUE, "input '%.*s': expected a datatype such as FP32",
           SLICE_ARG(t->name));
    TRY(read_shape(json_object_get(input, "shape"), t));
    return size ? take_binary(size, binary, t)
                : read_json_data(arena, json_object_get(input, "data"), t);
}

struct result kserve_read(struct arena *arena, const json_t *inputs, struct slice *binary,
                          struct tensors *out)
{
    out->count = 0;
    ENSURE(json_is_array(inputs) && json_array_size(inputs) >= 1 &&
               json_array_size(inputs) <= KSERVE_TENSORS_MAX,
           ERR_VALUE, "expected inputs to be an array of 1 to %d tensors", KSERVE_TENSORS_MAX);
    for (; out->count < json_array_size(inputs); out->count++) {
        out->items[out->count] = (struct tensor){0};
        TRY(read_input(arena, json_array_get(inputs, out->count), binary, &out->items[out->count]));
    }
    ENSURE(binary->len == 0, ERR_VALUE, "%zu bytes of binary data belong to no input", binary->len);
    return RESULT_OK;
}

/* ---- writing ---- */

static void write_value(const struct tensor *t, size_t i, struct text *json)
{
    MUST(t->type->size > 0, "%s has no numbers", t->type->name);
    uint64_t bits = kserve_bits(t, i);
    unsigned shift = 64 - 8 * (unsigned)t->type->size;
    switch (t->type->kind) {
    case DATATYPE_BOOL:
        text_add_str(json, bits ? "true" : "false");
        break;
    case DATATYPE_UNSIGNED:
        text_printf(json, "%" PRIu64, bits);
        break;
    case DATATYPE_SIGNED:
        text_printf(json, "%" PRId64, (int64_t)(bits << shift) >> shift);
        break;
    default:
        text_printf(json, t->type->size == 4 ? "%.9g" : "%.17g", kserve_real(t, i));
    }
}

static struct result write_data(const struct tensor *t, struct text *json)
{
    struct slice rest = t->bytes;
    ENSURE(t->type->kind != DATATYPE_HALF, ERR_VALUE, "output '%.*s': %s has to be binary data",
           SLICE_ARG(t->name), t->type->name);
    text_add_str(json, ",\"data\":[");
    for (size_t i = 0; i < t->count; i++) {
        if (i)
            text_add_byte(json, ',');
        if (t->type->kind != DATATYPE_BYTES) {
            /* JSON has no words for them. */
            ENSURE(t->type->kind != DATATYPE_FLOAT || isfinite(kserve_real(t, i)), ERR_VALUE,
                   "output '%.*s': value %zu is not finite and has to be binary data",
                   SLICE_ARG(t->name), i);
            write_value(t, i, json);
            continue;
        }
        struct tensor length = {.type = kserve_datatype(SLICE("UINT32")), .bytes = rest};
        size_t len = kserve_bits(&length, 0);
        text_add_json(json, slice_part(rest, 4, len));
        rest = slice_from(rest, 4 + len);
    }
    text_add_byte(json, ']');
    return RESULT_OK;
}

struct result kserve_write(const struct tensor *t, struct text *json, struct text *binary)
{
    text_add_str(json, "{\"name\":");
    text_add_json(json, t->name);
    text_printf(json, ",\"datatype\":\"%s\",\"shape\":[", t->type->name);
    for (size_t i = 0; i < t->rank; i++)
        text_printf(json, "%s%" PRId64, i ? "," : "", t->shape[i]);
    text_add_byte(json, ']');
    if (binary) {
        text_printf(json, ",\"parameters\":{\"binary_data_size\":%zu}", t->bytes.len);
        text_add(binary, t->bytes);
    } else {
        TRY(write_data(t, json));
    }
    text_add_byte(json, '}');
    return RESULT_OK;
}
