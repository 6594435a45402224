/*
 * Resolution of URI references: the examples of RFC 3986, section 5.4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/uri.h"

struct example {
    const char *reference, *target;
};

static void resolves(const char *base, const struct example *examples, size_t count)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < count; i++) {
        struct slice got = uri_resolve(arena, slice_str(base), slice_str(examples[i].reference));
        if (!slice_is(got, examples[i].target))
            fail_msg("%s gave %.*s, not %s", examples[i].reference, SLICE_ARG(got),
                     examples[i].target);
    }
}

static void the_rfcs_normal_examples_resolve(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
    };
    resolves("http://a/b/c/d;p?q", examples, sizeof examples / sizeof *examples);
}

static void the_rfcs_abnormal_examples_resolve(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"http:g", "http:g"},
    };
    resolves("http://a/b/c/d;p?q", examples, sizeof examples / sizeof *examples);
}

static void urns_and_bare_names_are_bases_too(void **state)
{
    (void)state;
    static const struct example of_urn[] = {{"#/a", "urn:uuid:1-2#/a"}, {"urn:x:y", "urn:x:y"}};
    static const struct example of_name[] = {{"#a", "s.json#a"}, {"t.json", "t.json"}};
    static const struct example of_nothing[] = {{"#a", "#a"}, {"../t.json", "../t.json"}};
    static const struct example of_host[] = {{"t", "http://a/t"}};
    resolves("urn:uuid:1-2", of_urn, 2);
    resolves("s.json", of_name, 2);
    resolves("", of_nothing, 2);
    resolves("http://a", of_host, 1);
}

static void a_fragment_is_cut_off_and_decoded(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice uri = SLICE("http://a/b#/x%25y%zz%4");
    assert_true(slice_is(uri_document(uri), "http://a/b"));
    assert_true(slice_is(uri_decode(arena, uri_fragment(uri)), "/x%y%zz%4"));
    assert_true(slice_is(uri_fragment(SLICE("http://a")), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfcs_normal_examples_resolve),
        cmocka_unit_test(the_rfcs_abnormal_examples_resolve),
        cmocka_unit_test(urns_and_bare_names_are_bases_too),
        cmocka_unit_test(a_fragment_is_cut_off_and_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
