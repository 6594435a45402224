/*
 * Texts and UTF-8: agreement with a plain reference, and that what people and parsers are shown is
 * safe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/jsontext.h"
#include "core/random.h"
#include "core/text.h"

/* The definition, read off the Unicode standard: decode by the bits, then judge the value. */
static size_t sequence_by_definition(const unsigned char *p, size_t len)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t lowest;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if ((p[0] & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        uint32_t value = p[0] & (unsigned char)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if (p[i] >> 6 != 2)
                return 0;
            value = value << 6 | (p[i] & 0x3fu);
        }
        bool scalar = value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
        return value >= forms[n - 1].lowest && scalar ? n : 0;
    }
    return 0;
}

static void every_boundary_of_utf8_agrees_with_the_definition(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                          0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
                                          0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};
    enum { N = sizeof(bytes) };
    size_t wrong = 0;
    for (size_t k = 0; k < (size_t)N * N * N * N; k++) {
        unsigned char p[4] = {bytes[k % N], bytes[k / N % N], bytes[k / N / N % N],
                              bytes[k / N / N / N]};
        for (size_t len = 1; len <= 4; len++)
            wrong +=
                utf8_sequence(slice_of((const char *)p, len)) != sequence_by_definition(p, len);
    }
    assert_int_equal(wrong, 0);
}

static void exactly_the_scalar_values_are_valid(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (uint32_t c = 0x80; c < 0x200000; c++) {
        unsigned char p[4];
        size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n - 1, rest = c; i > 0; i--, rest >>= 6)
            p[i] = (unsigned char)(0x80 | (rest & 0x3f));
        p[0] = (unsigned char)((0xf00u >> n & 0xffu) | c >> (6 * (n - 1)));
        bool scalar = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        wrong += utf8_sequence(slice_of((const char *)p, n)) != (scalar ? n : 0);
    }
    assert_int_equal(wrong, 0);
}

static void lengths_count_characters_and_each_wrong_byte(void **state)
{
    (void)state;
    assert_int_equal(utf8_length(SLICE("naïve — 東京 🚀")), 12);
    assert_int_equal(utf8_length(SLICE("a\xff\xe6\x9d"
                                       "b")),
                     5);
    assert_int_equal(utf8_length(slice_of(NULL, 0)), 0);
    assert_true(utf8_valid(SLICE("東京")));
    assert_false(utf8_valid(SLICE("東\xe4\xba")));
}

static struct slice random_bytes(struct random *r, char *out, size_t max)
{
    size_t len = (size_t)random_between(r, 0, (int64_t)max);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(random_between(r, 0, 3) ? random_between(r, 0, 127)
                                                : random_between(r, -128, -1));
    return slice_of(out, len);
}

static void any_bytes_make_a_json_string_that_reads_back(void **state)
{
    (void)state;
    struct random r = random_seeded(5);
    for (int round = 0; round < 3000; round++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        char bytes[40];
        struct slice s = random_bytes(&r, bytes, sizeof(bytes));
        struct text t = text_in(arena);
        text_add_json(&t, s);
        json_t *value;
        assert_true(result_ok(jsontext_read_in(arena, text_slice(&t), &value)));
        if (utf8_valid(s))
            assert_true(slice_eq(jsontext_slice(value), s));
        assert_int_equal(utf8_length(jsontext_slice(value)), utf8_length(s));
        assert_true(slice_eq(jsontext_slice(jsontext_string(arena, s)), jsontext_slice(value)));
    }
}

static void xml_has_no_markup_and_no_forbidden_character(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_add_xml(&t, SLICE("<a b=\"c\" d='e'>&\n\t"));
    assert_string_equal(text_str(&t), "&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;\n\t");
    t = text_in(arena);
    text_add_xml(&t, SLICE("\0\x1b\xff\xef\xbf\xbe\xef\xbf\xbd\xed\xa0\x80"));
    assert_int_equal(utf8_length(text_slice(&t)), 8);
    for (struct slice rest = text_slice(&t); rest.len; rest = slice_from(rest, 3))
        assert_true(slice_starts(rest, SLICE("\xef\xbf\xbd")));
}

static void shown_text_is_cut_at_a_character_and_says_what_is_missing(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice s = SLICE("a東京");
    assert_true(slice_eq(text_shown(arena, s, 7), s));
    assert_true(slice_is(text_shown(arena, s, 6), "a東… (3 more bytes)"));
    assert_true(slice_is(text_shown(arena, s, 4), "a東… (3 more bytes)"));
    assert_true(slice_is(text_shown(arena, s, 3), "a… (6 more bytes)"));
    assert_true(slice_is(text_shown(arena, s, 0), "… (7 more bytes)"));
    assert_int_equal(text_shown(arena, slice_of(NULL, 0), 0).len, 0);
}

static void shown_text_cannot_command_the_terminal(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_true(slice_is(text_shown(arena, SLICE("\x1b[2J\r\n\t\x7f\0"), 99),
                         "\\x1b[2J\\x0d\n\t\\x7f\\x00"));
    /* U+009B is CSI to a terminal in UTF-8. */
    assert_true(slice_is(text_shown(arena,
                                    SLICE("\xc2\x9b"
                                          "2J\xc2\xa0"),
                                    99),
                         "\\xc2\\x9b2J\xc2\xa0"));
    struct random r = random_seeded(6);
    for (int round = 0; round < 3000; round++) {
        char bytes[40];
        struct slice shown = text_shown(arena, random_bytes(&r, bytes, sizeof(bytes)),
                                        (size_t)random_between(&r, 0, 40));
        assert_true(utf8_valid(shown));
        for (size_t i = 0; i < shown.len; i++) {
            unsigned char c = (unsigned char)shown.data[i];
            assert_true(c >= 0x20 || c == '\n' || c == '\t');
            assert_int_not_equal(c, 0x7f);
        }
    }
}

static void a_text_grows_as_what_is_added(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    assert_string_equal(text_str(&t), "");
    for (int i = 0; i < 1000; i++)
        text_printf(&t, "%d,", i % 10);
    text_add_byte(&t, '.');
    assert_int_equal(t.len, 2001);
    assert_int_equal(strlen(text_str(&t)), 2001);
    assert_true(slice_ends(text_slice(&t), SLICE("8,9,.")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_boundary_of_utf8_agrees_with_the_definition),
        cmocka_unit_test(exactly_the_scalar_values_are_valid),
        cmocka_unit_test(lengths_count_characters_and_each_wrong_byte),
        cmocka_unit_test(any_bytes_make_a_json_string_that_reads_back),
        cmocka_unit_test(xml_has_no_markup_and_no_forbidden_character),
        cmocka_unit_test(shown_text_is_cut_at_a_character_and_says_what_is_missing),
        cmocka_unit_test(shown_text_cannot_command_the_terminal),
        cmocka_unit_test(a_text_grows_as_what_is_added),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
