/*
 * Bounded buffers: the ceiling holds to the byte, and a refusal leaves everything as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/memory.h"
#include "core/random.h"

static void the_ceiling_is_exact(void **state)
{
    (void)state;
    DEFER(buf_free)
    struct buf b = buf_limited(8);
    assert_true(result_ok(buf_append(&b, SLICE("12345678"))));
    assert_int_equal(buf_append_byte(&b, '9').code, ERR_TOO_LARGE);
    assert_int_equal(buf_printf(&b, "%d", 9).code, ERR_TOO_LARGE);
    assert_string_equal(error_last()->text, "more than 8 bytes");
    assert_true(result_ok(buf_append(&b, slice_of(NULL, 0))));
    assert_true(slice_is(buf_slice(&b), "12345678"));
}

static void a_refused_append_changes_nothing(void **state)
{
    (void)state;
    DEFER(buf_free)
    struct buf b = buf_limited(8);
    assert_true(result_ok(buf_append(&b, SLICE("abc"))));
    struct buf before = b;
    assert_int_equal(buf_append(&b, SLICE("defghi")).code, ERR_TOO_LARGE);
    assert_memory_equal(&b, &before, sizeof(b));
    assert_string_equal(b.data, "abc");
    assert_true(result_ok(buf_append(&b, SLICE("defgh"))));
}

static void a_hostile_length_does_not_overflow_the_check(void **state)
{
    (void)state;
    DEFER(buf_free)
    struct buf b = buf_limited(8);
    assert_true(result_ok(buf_append(&b, SLICE("abc"))));
    assert_int_equal(buf_append(&b, slice_of("", SIZE_MAX)).code, ERR_TOO_LARGE);
    assert_int_equal(buf_append(&b, slice_of("", SIZE_MAX - 3)).code, ERR_TOO_LARGE);
}

static void growth_never_takes_more_than_the_ceiling_needs(void **state)
{
    (void)state;
    DEFER(buf_free)
    struct buf b = buf_limited(1000);
    while (result_ok(buf_append(&b, SLICE("0123456789"))))
        assert_true(b.size <= 1001);
    assert_int_equal(b.len, 1000);
    assert_int_equal(b.size, 1001);
}

static void any_sequence_of_changes_is_that_of_a_plain_array(void **state)
{
    (void)state;
    enum { MAX = 300 };
    struct random r = random_seeded(3);
    DEFER(buf_free)
    struct buf b = buf_limited(MAX);
    char model[MAX], piece[100];
    size_t len = 0;
    for (int round = 0; round < 5000; round++) {
        size_t n = (size_t)random_between(&r, 0, sizeof(piece));
        switch (random_between(&r, 0, 9)) {
        case 0:
            buf_clear(&b);
            len = 0;
            break;
        case 1:
            buf_free(&b);
            len = 0;
            break;
        case 2:
        case 3:
            n = n < len ? n : len;
            buf_drop(&b, n);
            memmove(model, model + n, len - n);
            len -= n;
            break;
        default:
            for (size_t i = 0; i < n; i++)
                piece[i] = (char)random_between(&r, -128, 127);
            bool fits = len + n <= MAX;
            assert_int_equal(result_ok(buf_append(&b, slice_of(piece, n))), fits);
            if (fits) {
                memcpy(model + len, piece, n);
                len += n;
            }
        }
        assert_int_equal(b.len, len);
        assert_true(len == 0 || memcmp(b.data, model, len) == 0);
        assert_true(!b.data || b.data[len] == '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_is_exact),
        cmocka_unit_test(a_refused_append_changes_nothing),
        cmocka_unit_test(a_hostile_length_does_not_overflow_the_check),
        cmocka_unit_test(growth_never_takes_more_than_the_ceiling_needs),
        cmocka_unit_test(any_sequence_of_changes_is_that_of_a_plain_array),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
