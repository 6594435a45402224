/*
 * Results: the detail of the last failure, the vocabulary on results, and invariants that print
 * values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "child.h"
#include "core/memory.h"
#include "core/result.h"

static void the_last_failure_has_code_place_and_sentence(void **state)
{
    (void)state;
    struct source source = {"a.json", SLICE("{}")};
    struct result r = error_at(ERR_SUITE, source_place(&source, 1), "no key %s", "cases");
    assert_int_equal(r.code, ERR_SUITE);
    assert_ptr_equal(error_last()->place.source, &source);
    assert_int_equal(error_last()->place.column, 2);
    assert_string_equal(error_last()->text, "no key cases");
    r = error_set(ERR_IO, "cannot read");
    assert_null(error_last()->place.source);
    assert_int_equal(error_last()->code, r.code);
}

static void context_stands_before_and_may_repeat_the_old_text(void **state)
{
    (void)state;
    struct result r = error_context(error_set(ERR_IO, "no such file"), "reading %s", "x.json");
    assert_int_equal(r.code, ERR_IO);
    assert_string_equal(error_last()->text, "reading x.json: no such file");
    result_ignore(error_set(ERR_STORE, "again: %s", error_last()->text));
    assert_string_equal(error_last()->text, "again: reading x.json: no such file");
}

static void a_sentence_too_long_is_cut_and_ended(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    result_ignore(error_set(ERR_VALUE, "%s", text));
    assert_int_equal(strlen(error_last()->text), sizeof(error_last()->text) - 1);
    result_ignore(error_context((struct result){ERR_VALUE}, "%s", text));
    assert_int_equal(strlen(error_last()->text), sizeof(error_last()->text) - 1);
}

static void *fail_elsewhere(void *unused)
{
    (void)unused;
    result_ignore(error_set(ERR_TIMEOUT, "elsewhere"));
    return NULL;
}

static void each_thread_has_its_own_last_failure(void **state)
{
    (void)state;
    result_ignore(error_set(ERR_IO, "here"));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(error_last()->text, "here");
}

static void every_code_has_its_row(void **state)
{
    (void)state;
    assert_string_equal(error_name(ERR_OK), "ok");
    assert_int_equal(error_exit_status(ERR_OK), 0);
    assert_int_equal(error_exit_status(ERR_SUITE), 2);
    assert_int_equal(error_exit_status(ERR_DIED), 3);
    assert_int_equal(error_exit_status(ERR_CANCELLED), 130);
    assert_true(error_retryable(ERR_CONNECT));
    assert_false(error_retryable(ERR_PROTOCOL));
    for (enum error_code code = ERR_OK; code <= ERR_UNSUPPORTED; code++)
        assert_true(strlen(error_name(code)) > 0 && strlen(error_text(code)) > 0);
}

static int cleaned;

static void clean(char **thing)
{
    cleaned += *thing != NULL;
    mem_free(*thing);
}

static struct result make(char **out, bool fail, struct result before)
{
    DEFER(clean)
    char *thing = mem_string("thing");
    TRY(before);
    ENSURE(!fail, ERR_VALUE, "told to fail");
    *out = take(&thing);
    return RESULT_OK;
}

static void what_is_not_taken_is_cleaned_up(void **state)
{
    (void)state;
    char *thing = NULL;
    assert_int_equal(make(&thing, false, (struct result){ERR_IO}).code, ERR_IO);
    assert_int_equal(cleaned, 1);
    assert_int_equal(make(&thing, true, RESULT_OK).code, ERR_VALUE);
    assert_int_equal(cleaned, 2);
    assert_null(thing);
    assert_true(result_ok(make(&thing, false, RESULT_OK)));
    assert_int_equal(cleaned, 2);
    assert_string_equal(thing, "thing");
    mem_free(thing);
}

static void break_an_invariant(void *context)
{
    const int *value = context;
    MUST(*value < 3, "value %d", *value);
}

struct thing {
    unsigned magic;
};

static void pass_a_wrong_object(void *context)
{
    struct thing *thing = context;
    MAGIC_CHECK(thing, 0xfeedu);
}

static void a_broken_invariant_prints_its_values_and_aborts(void **state)
{
    (void)state;
    int fine = 2, wrong = 7;
    struct child child = in_child(break_an_invariant, &fine);
    assert_true(child_exited_with(&child, 0));
    child = in_child(break_an_invariant, &wrong);
    assert_true(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT);
    assert_non_null(strstr(child.errors, "*value < 3: value 7\n"));
    assert_non_null(strstr(child.errors, "test_result.c:"));
}

static void a_pointer_to_the_wrong_thing_is_noticed(void **state)
{
    (void)state;
    struct thing right = {0xfeed}, wrong = {0xbad};
    struct child child = in_child(pass_a_wrong_object, &right);
    assert_true(child_exited_with(&child, 0));
    child = in_child(pass_a_wrong_object, &wrong);
    assert_non_null(strstr(child.errors, "magic of thing is 0xbad"));
    child = in_child(pass_a_wrong_object, NULL);
    assert_true(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_failure_has_code_place_and_sentence),
        cmocka_unit_test(context_stands_before_and_may_repeat_the_old_text),
        cmocka_unit_test(a_sentence_too_long_is_cut_and_ended),
        cmocka_unit_test(each_thread_has_its_own_last_failure),
        cmocka_unit_test(every_code_has_its_row),
        cmocka_unit_test(what_is_not_taken_is_cleaned_up),
        cmocka_unit_test(a_broken_invariant_prints_its_values_and_aborts),
        cmocka_unit_test(a_pointer_to_the_wrong_thing_is_noticed),
    };
    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
