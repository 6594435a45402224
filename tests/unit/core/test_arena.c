/*
 * Arenas: pieces are aligned, zeroed and apart; large ones waste nothing; cleanups run in reverse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>

#include "core/arena.h"
#include "core/random.h"

static void pieces_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    enum { PIECES = 2000 };
    static unsigned char *pieces[PIECES];
    static size_t sizes[PIECES];
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct random r = random_seeded(4);
    for (int i = 0; i < PIECES; i++) {
        sizes[i] = (size_t)random_between(&r, 0, i % 100 == 0 ? 400000 : 300);
        pieces[i] = arena_alloc(arena, sizes[i]);
        /* Aligned for every type that such a piece could be made of. */
        for (size_t align = 1; align <= alignof(max_align_t); align *= 2)
            if (sizes[i] % align == 0)
                assert_int_equal((uintptr_t)pieces[i] % align, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], i & 0xff, sizes[i]);
    }
    for (int i = 0; i < PIECES; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], i & 0xff);
}

static void large_pieces_do_not_waste_the_block_being_filled(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    size_t large = 0;
    for (int i = 0; i < 20; i++) {
        arena_alloc(arena, 300000);
        arena_alloc(arena, 64);
        large += 300000;
    }
    assert_true(arena_size(arena) - large < 600000);
}

static void an_arena_begins_small(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_int_equal(arena_size(arena), 0);
    arena_alloc(arena, 10);
    assert_true(arena_size(arena) <= 4096);
}

static void copies_end_with_a_nul_that_does_not_count(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice copy = arena_copy(arena, SLICE("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.data, "a\0b", 4);
    assert_string_equal(arena_string(arena, slice_of(NULL, 0)), "");
    assert_string_equal(arena_printf(arena, "%s-%05d", "case", 42), "case-00042");
}

static char order[4];
static size_t calls;

static void note(void *object)
{
    order[calls++] = *(const char *)object;
}

static void cleanups_run_in_reverse(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    arena_defer(arena, note, &(char[]){'a'});
    arena_defer(arena, note, &(char[]){'b'});
    arena_defer(arena, note, &(char[]){'c'});
    arena_free(arena);
    assert_string_equal(order, "cba");
    arena_free(NULL);
}

static void an_array_grows_and_keeps_what_it_holds(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    size_t *items = NULL, *before = NULL, moves = 0;
    for (size_t count = 0; count < 1000; count++) {
        ARENA_GROW(arena, items, count);
        moves += items != before;
        before = items;
        items[count] = count * 7;
        for (size_t i = 0; i <= count; i++)
            assert_int_equal(items[i], i * 7);
    }
    assert_int_equal(moves, 7); /* for 16, 32, 64, …, 1024 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(large_pieces_do_not_waste_the_block_being_filled),
        cmocka_unit_test(an_arena_begins_small),
        cmocka_unit_test(copies_end_with_a_nul_that_does_not_count),
        cmocka_unit_test(cleanups_run_in_reverse),
        cmocka_unit_test(an_array_grows_and_keeps_what_it_holds),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
