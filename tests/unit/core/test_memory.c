/*
 * Allocation: whichever allocation fails, ours or a library's, the program ends cleanly and says
 * so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <uv.h>

#include "child.h"
#include "core/buf.h"
#include "core/jsontext.h"
#include "core/memory.h"
#include "core/text.h"

/* A little of everything that allocates: buffers, arenas, jansson, libuv. */
static void use_memory(void *context)
{
    (void)context;
    mem_install();
    DEFER(buf_free)
    struct buf b = buf_limited(10000);
    for (int i = 0; i < 100; i++)
        result_ignore(buf_append(&b, SLICE("0123456789")));
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    json_t *value = NULL;
    result_ignore(jsontext_read_in(arena, SLICE("{\"a\":[1,2.5,\"b\",{\"c\":null}]}"), &value));
    jsontext_write_pretty(arena, value);
    struct text t = text_in(arena);
    for (int i = 0; i < 100; i++)
        text_printf(&t, "%d", i);
    uv_loop_t loop;
    if (uv_loop_init(&loop) == 0)
        uv_loop_close(&loop);
    char *copy = mem_string("copy");
    mem_free(copy);
}

static void whichever_allocation_fails_the_end_is_clean(void **state)
{
    (void)state;
    int failed = 0;
    for (;;) {
        char which[16];
        snprintf(which, sizeof(which), "%d", failed + 1);
        setenv("ASSAY_FAIL_ALLOCATION", which, 1);
        struct child child = in_child(use_memory, NULL);
        if (child_exited_with(&child, 0))
            break;
        assert_true(child_exited_with(&child, 3));
        assert_non_null(strstr(child.errors, "assay: out of memory ("));
        assert_int_equal(strcspn(child.errors, "\n") + 1, child.len);
        assert_true(++failed < 1000);
    }
    unsetenv("ASSAY_FAIL_ALLOCATION");
    assert_true(failed > 20);
}

static void nothing_can_be_asked_for_and_is_not_null(void **state)
{
    (void)state;
    void *none = mem_alloc(0), *zero = mem_zero(0);
    none = mem_resize(none, 0);
    assert_non_null(none);
    assert_non_null(zero);
    mem_free(none);
    mem_free(zero);
    mem_free(NULL);
}

static void an_array_grows_one_by_one(void **state)
{
    (void)state;
    int *array = NULL;
    size_t count = 0, capacity = 0, grown = 0;
    while (count < 1000) {
        size_t before = capacity;
        GROW(array, count, capacity);
        grown += capacity != before;
        array[count] = (int)count;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(array[i], i);
    assert_int_equal(grown, 8); /* 8, 16, … 1024 */
    mem_free(array);
}

static void a_deferred_free_frees_what_the_variable_holds_at_the_end(void **state)
{
    (void)state;
    DEFER(mem_free_pointer)
    char *text = mem_string("one");
    mem_free(text);
    text = mem_string("two"); /* a leak here would be reported by the sanitizer */
    assert_string_equal(text, "two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whichever_allocation_fails_the_end_is_clean),
        cmocka_unit_test(nothing_can_be_asked_for_and_is_not_null),
        cmocka_unit_test(an_array_grows_one_by_one),
        cmocka_unit_test(a_deferred_free_frees_what_the_variable_holds_at_the_end),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
