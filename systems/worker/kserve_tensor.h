/*
 * Tensors of the Open Inference Protocol (KServe v2), in both forms they travel in: JSON, and
 * binary data behind the JSON. Here they are always bytes, row by row, little-endian, which is the
 * binary form: so nothing is lost of a 64-bit integer, and a tensor of FP16 passes through.
 */
#ifndef WORKER_KSERVE_TENSOR_H
#define WORKER_KSERVE_TENSOR_H

#include "core/jsontext.h"
#include "core/text.h"

#define KSERVE_RANK_MAX 8
#define KSERVE_TENSORS_MAX 16

enum datatype_kind {
    DATATYPE_BOOL,
    DATATYPE_UNSIGNED,
    DATATYPE_SIGNED,
    DATATYPE_FLOAT,
    DATATYPE_HALF,  /* FP16 and BF16: binary only */
    DATATYPE_BYTES, /* each value with its length in 4 bytes before it */
};

struct datatype {
    const char *name;
    enum datatype_kind kind;
    size_t size; /* bytes of one value; 0 for BYTES */
};

struct tensor {
    struct slice name;
    const struct datatype *type;
    size_t rank;
    int64_t shape[KSERVE_RANK_MAX];
    size_t count;
    struct slice bytes;
};

/* A request or an answer. */
struct tensors {
    size_t count;
    struct tensor items[KSERVE_TENSORS_MAX];
};

/* NULL when there is none of that name. */
const struct datatype *kserve_datatype(struct slice name);

/*
 * Read the "inputs" of a request; binary data is taken from the front of `*binary`, which must be
 * used up. ERR_VALUE says what is wrong. Slices live in the arena or where they came from.
 */
struct result kserve_read(struct arena *arena, const json_t *inputs, struct slice *binary,
                          struct tensors *out) MUST_USE;

/* Append the tensor as an element of "outputs"; with `binary` its data goes there instead.
 * ERR_VALUE for half floats as JSON. */
struct result kserve_write(const struct tensor *tensor, struct text *json,
                           struct text *binary) MUST_USE;

/* One number of a tensor that is not BYTES or half floats; reals go through float or double. */
double kserve_real(const struct tensor *tensor, size_t i);
uint64_t kserve_bits(const struct tensor *tensor, size_t i);
void kserve_put_bits(const struct datatype *type, uint64_t bits, char *at);
void kserve_put_real(const struct datatype *type, double value, char *at);

#endif
