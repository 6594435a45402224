/*
 * The table of causes: names that programs can rely on, and the page that explains it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../record/fixture.h"
#include "core/arena.h"
#include "core/memory.h"
#include "report/cause.h"

static void names_are_words_and_differ(void **state)
{
    (void)state;
    for (enum cause_kind i = 0; i < CAUSE_KIND_COUNT; i++) {
        const char *name = cause_name(i);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(name));
        for (enum cause_kind j = 0; j < i; j++)
            assert_string_not_equal(name, cause_name(j));
    }
}

static void has_line(struct slice page, const char *line)
{
    if (slice_find(page, slice_str(line)) < 0)
        fail_msg("docs/failures.md lacks the line\n%s", line);
}

static void the_page_has_the_table(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    size_t len = 0;
    char *text = fixture_read(FAILURES_PAGE, &len);
    assert_non_null(text);
    struct slice page = slice_of(text, len);
    arena_defer(arena, mem_free, text);
    for (enum cause_kind i = 0; i < CAUSE_KIND_COUNT; i++)
        has_line(page, arena_printf(arena, "| `%s` | %s: %s | %s |", cause_name(i),
                                    severity_word(cause_severity(i)), cause_severity_reason(i),
                                    cause_remedy(i)));
    for (enum evidence i = 0; i < EVIDENCE_COUNT; i++)
        has_line(page, arena_printf(arena, "| %s | %s |", evidence_word(i), evidence_rule(i)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_words_and_differ),
        cmocka_unit_test(the_page_has_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
