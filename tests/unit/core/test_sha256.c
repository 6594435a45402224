/*
 * SHA-256 against the vectors of its standard, and every length around the ends of blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/sha256.h"

static void the_vectors_of_the_standard_come_out(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char hex[SHA256_HEX];
        assert_string_equal(sha256_hex(slice_str(cases[i].text), hex), cases[i].digest);
    }
}

/* A chain over all lengths from 0 to 200: the value is Python's hashlib's. */
static void every_length_around_the_ends_of_blocks_is_right(void **state)
{
    (void)state;
    char text[200], hex[SHA256_HEX] = "";
    memset(text, 'a', sizeof(text));
    for (size_t len = 0; len <= sizeof(text); len++) {
        char joined[SHA256_HEX + sizeof(text)];
        size_t before = strlen(hex);
        memcpy(joined, hex, before);
        memcpy(joined + before, text, len);
        sha256_hex(slice_of(joined, before + len), hex);
    }
    assert_string_equal(hex, "f556642dd0a93450ce75b8c863d29b6585f602ffccb708f4a206aa7f82407ab6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_standard_come_out),
        cmocka_unit_test(every_length_around_the_ends_of_blocks_is_right),
    };
    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
