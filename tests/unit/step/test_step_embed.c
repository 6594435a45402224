/*
 * The `embed` step: what it asks, and vectors, as numbers or as base64, as one tensor. What is no
 * list of vectors of one length is no tensor, so that a check of it sees no data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"
#include "served.h"
#include "step/kinds.h"

#define CONFIG "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}"
#define JSON "Content-Type: application/json\r\n"
#define VECTOR(embedding) "{\"object\":\"embedding\",\"index\":0,\"embedding\":" embedding "}"
#define LIST(vectors) "{\"object\":\"list\",\"data\":[" vectors "]}"

static struct served *embed(const char *config, unsigned status, const char *body)
{
    struct arena *arena = arena_new();
    struct served *served =
        served_step(&step_embed, config, served_answer(arena, status, JSON, slice_str(body)));
    arena_free(arena);
    return served;
}

static void the_request_is_openais(void **state)
{
    (void)state;
    struct served *s = embed("{\"model\":\"m\",\"input\":[\"a\",\"\xc3\xa9\"],\"dimensions\":2,"
                             "\"encoding_format\":\"base64\",\"api_key\":\"k\","
                             "\"headers\":{\"X-One\":\"1\"},\"extra\":{\"user\":\"u\"}}",
                             200, LIST(VECTOR("[1]")));
    json_t *body = NULL;
    assert_true(result_ok(s->result));
    assert_true(slice_starts(s->head, SLICE("POST /v1/embeddings HTTP/1.1\r\n")));
    assert_true(slice_find(s->head, SLICE("Authorization: Bearer k\r\n")) > 0);
    assert_true(slice_find(s->head, SLICE("X-One: 1\r\n")) > 0);
    assert_true(slice_find(s->head, SLICE("Content-Type: application/json\r\n")) > 0);
    assert_true(result_ok(jsontext_read_in(s->arena, s->body, &body)));
    json_t *expected =
        json_pack("{s:s,s:[s,s],s:i,s:s,s:s}", "model", "m", "input", "a", "\xc3\xa9", "dimensions",
                  2, "encoding_format", "base64", "user", "u");
    assert_true(json_equal(body, expected));
    json_decref(expected);
    served_free(s);
}

static void vectors_are_one_tensor_of_texts_by_dimensions(void **state)
{
    (void)state;
    static const double expected[] = {1, -0.5, 3, 4, 5e-3, 6};
    struct served *s = embed(CONFIG, 200, LIST(VECTOR("[1,-0.5,3]") "," VECTOR("[4,0.005,6.0]")));
    const struct tensor *t = served_tensor(s);
    assert_true(slice_is(t->name, "embeddings"));
    assert_true(slice_is(t->dtype, "FP32"));
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[0], 2);
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(t->count, 6);
    assert_memory_equal(t->values, expected, sizeof(expected));
    served_free(s);
}

static void vectors_in_base64_are_the_same(void **state)
{
    (void)state;
    /* 1, -2 and 0.5, 3 as little-endian floats; with and without padding */
    struct served *s =
        embed(CONFIG, 200, LIST(VECTOR("\"AACAPwAAAMA=\"") "," VECTOR("\"AAAAPwAAQEA\"")));
    static const double expected[] = {1, -2, 0.5, 3};
    const struct tensor *t = served_tensor(s);
    assert_int_equal(t->shape[0], 2);
    assert_int_equal(t->shape[1], 2);
    assert_memory_equal(t->values, expected, sizeof(expected));
    served_free(s);
}

static void what_is_no_list_of_vectors_is_no_tensor(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",
        "[]",
        "no JSON",
        "",
        LIST(""),
        LIST("1"),
        LIST(VECTOR("[]")),
        LIST(VECTOR("null")),
        LIST(VECTOR("[1,\"2\"]")),
        LIST(VECTOR("[1,2]") "," VECTOR("[1]")),
        LIST(VECTOR("[1]") "," VECTOR("[1,2]")),
        LIST(VECTOR("[1,2]") "," VECTOR("\"AACAPw==\"")),
        LIST(VECTOR("\"AACAPw==\"") "," VECTOR("\"AACAP!==\"")),
        LIST(VECTOR("\"AACA\"")),     /* three bytes are no float */
        LIST(VECTOR("\"AACAPwA=\"")), /* nor are five */
        LIST(VECTOR("\"AACA PwAA\"")),
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct served *s = embed(CONFIG, 200, bodies[i]);
        assert_true(result_ok(s->result));
        if (s->observation.tensor_count || s->observation.seen & OBSERVED_TENSORS)
            fail_msg("a tensor of %s", bodies[i]);
        assert_true(s->observation.seen & OBSERVED_BODY);
        served_free(s);
    }
}

/* One long vector and many that are none: as a tensor, eight terabytes. */
static void an_answer_of_megabytes_took_terabytes(void **state)
{
    (void)state;
    enum { MANY = 1000000 };
    struct arena *arena = arena_new();
    struct text body = text_in(arena);
    text_add_str(&body, "{\"data\":[{\"embedding\":[1");
    for (size_t i = 1; i < MANY; i++)
        text_add_str(&body, ",1");
    text_add_str(&body, "]}");
    for (size_t i = 1; i < MANY; i++)
        text_add_str(&body, ",1");
    text_add_str(&body, "]}");
    struct served *s = embed(CONFIG, 200, text_str(&body));
    assert_true(result_ok(s->result));
    assert_true(s->observation.seen & OBSERVED_BODY);
    assert_int_equal(s->observation.tensor_count, 0);
    served_free(s);
    arena_free(arena);
}

static void a_refusal_is_seen_as_an_error_without_a_tensor(void **state)
{
    (void)state;
    struct served *s = embed(CONFIG, 404, "{\"error\":{\"code\":\"model_not_found\"}}");
    assert_true(result_ok(s->result));
    assert_int_equal(s->observation.status, 404);
    assert_true(s->observation.seen & OBSERVED_ERROR);
    assert_false(s->observation.seen & OBSERVED_TENSORS);
    assert_string_equal(json_string_value(json_object_get(s->observation.error, "code")),
                        "model_not_found");
    served_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_openais),
        cmocka_unit_test(vectors_are_one_tensor_of_texts_by_dimensions),
        cmocka_unit_test(vectors_in_base64_are_the_same),
        cmocka_unit_test(what_is_no_list_of_vectors_is_no_tensor),
        cmocka_unit_test(an_answer_of_megabytes_took_terabytes),
        cmocka_unit_test(a_refusal_is_seen_as_an_error_without_a_tensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
