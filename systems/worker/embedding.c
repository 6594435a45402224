/*
 * Embeddings by feature hashing: every word adds to a few places that its hash says. A text of
 * 32768 characters costs less than a millisecond whatever the dimensions.
 */
#include "embedding.h"

#include <ctype.h>
#include <math.h>

#include "core/random.h"
#include "core/text.h"

/* Places a word adds to. */
#define PLACES 16

static void add_word(struct slice word, float *vector, uint32_t dimensions)
{
    char lower[64];
    size_t len = word.len < sizeof(lower) ? word.len : sizeof(lower);
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)tolower((unsigned char)word.data[i]);
    struct random random = random_for(0, slice_of(lower, len));
    for (int i = 0; i < PLACES; i++) {
        size_t place = random_next(&random) % dimensions;
        vector[place] += (float)(random_unit(&random) * 2 - 1);
    }
}

static void normalize(float *vector, uint32_t dimensions)
{
    double sum = 0;
    for (uint32_t i = 0; i < dimensions; i++)
        sum += (double)vector[i] * (double)vector[i];
    if (sum <= 0) { /* words that cancel out exactly, or none */
        vector[0] = 1;
        return;
    }
    for (uint32_t i = 0; i < dimensions; i++)
        vector[i] = (float)((double)vector[i] / sqrt(sum));
}

void embedding_of(struct slice text, float *vector, uint32_t dimensions)
{
    size_t start = 0;
    for (uint32_t i = 0; i < dimensions; i++)
        vector[i] = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && !isspace((unsigned char)text.data[i]) &&
            !ispunct((unsigned char)text.data[i]))
            continue;
        if (i > start)
            add_word(slice_part(text, start, i - start), vector, dimensions);
        start = i + 1;
    }
    normalize(vector, dimensions);
}

/* RFC 4648, section 4, of the floats in little-endian order. */
static void add_base64(struct text *t, const float *vector, uint32_t dimensions)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = (size_t)dimensions * 4;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = 0;
        for (size_t k = i; k < i + 3; k++) {
            uint32_t bits = 0;
            if (k < len)
                memcpy(&bits, &vector[k / 4], sizeof(bits));
            group = group << 8 | (bits >> 8 * (k % 4) & 0xff);
        }
        for (size_t k = 0; k < 4; k++)
            text_add_byte(t, i + k > len ? '=' : digits[group >> (18 - 6 * k) & 63]);
    }
}

static void add_numbers(struct text *t, const float *vector, uint32_t dimensions)
{
    for (uint32_t i = 0; i < dimensions; i++)
        text_printf(t, "%s%.9g", i ? "," : "", (double)vector[i]);
}

struct slice embedding_answer(struct arena *arena, const struct openai_inputs *inputs,
                              const struct openai_model *model, const struct engine *engine)
{
    struct text t = text_in(arena);
    float *vector = ARENA_ARRAY(arena, float, inputs->dimensions);
    uint64_t tokens = 0;
    text_add_str(&t, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < inputs->count; i++) {
        text_printf(&t, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "",
                    i);
        embedding_of(inputs->texts[i], vector, inputs->dimensions);
        tokens += engine->prompt_tokens(inputs->texts[i]);
        text_add_byte(&t, inputs->base64 ? '"' : '[');
        if (inputs->base64)
            add_base64(&t, vector, inputs->dimensions);
        else
            add_numbers(&t, vector, inputs->dimensions);
        text_add_str(&t, inputs->base64 ? "\"}" : "]}");
    }
    text_add_str(&t, "],\"model\":");
    text_add_json(&t, model->name);
    text_printf(&t, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}",
                (unsigned long long)tokens, (unsigned long long)tokens);
    return text_slice(&t);
}
