/*
 * Host names: what the official JSON Schema suite does not ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "check/hostname.h"
#include "core/result.h"

static void an_a_label_must_be_what_its_u_label_is_encoded_to(void **state)
{
    (void)state;
    assert_true(hostname_valid(SLICE("xn--bcher-kva.example")));
    assert_true(hostname_valid(SLICE("XN--BCHER-KVA.example")));
    assert_true(hostname_valid(SLICE("xn--4gbwdl.xn--wgbh1c")));
    assert_true(hostname_valid_international(SLICE("b\u00fccher.example")));
    assert_false(hostname_valid(SLICE("b\u00fccher.example")));
    assert_false(hostname_valid(SLICE("xn--abc-.example")));     /* nothing that needs it */
    assert_false(hostname_valid(SLICE("xn--bcher-kv.example"))); /* cut off */
    assert_false(hostname_valid(SLICE("xn--99999999.example"))); /* beyond Unicode */
    assert_false(hostname_valid(SLICE("ab--cd.example")));       /* reserved */
}

static void a_name_is_at_most_253_characters_on_the_wire(void **state)
{
    (void)state;
    char name[300];
    size_t len = 0;
    for (int i = 0; i < 4; i++)
        len += (size_t)snprintf(name + len, sizeof name - len, "%s%063d", i ? "." : "", 0);
    assert_int_equal(len, 255);
    assert_false(hostname_valid(slice_of(name, 255)));
    assert_true(hostname_valid(slice_of(name, 253)));
    assert_false(hostname_valid(slice_of(name, 64 * 3))); /* ends with a full stop */
    assert_true(hostname_valid(slice_of(name, 64 * 3 - 1)));
}

static void right_to_left_labels_keep_their_order(void **state)
{
    (void)state;
    assert_true(hostname_valid_international(SLICE("\u05d0\u05d1.example")));
    assert_true(hostname_valid_international(SLICE("\u05d01.example")));
    assert_false(hostname_valid_international(SLICE("1\u05d0.example")));
    assert_false(hostname_valid_international(SLICE("a\u05d0.example")));
    assert_false(hostname_valid_international(SLICE("\u05d0a.example")));
    assert_false(hostname_valid_international(SLICE("\u06281\u0661.example")));
    assert_false(hostname_valid_international(SLICE("\u05d0\u05d1.1a"))); /* a neighbour */
    assert_true(hostname_valid_international(SLICE("\u00e4\u00f6.1a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_a_label_must_be_what_its_u_label_is_encoded_to),
        cmocka_unit_test(a_name_is_at_most_253_characters_on_the_wire),
        cmocka_unit_test(right_to_left_labels_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
