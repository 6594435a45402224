/*
 * A server that goes away while rows are sent to it: that is told, once, and nobody waits for ever.
 * The library that stands in for libpq (fake_libpq.c) is the argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <string.h>

#include "record/database.h"

static const char *library;

static void a_copy_that_cannot_be_sent_fails_and_ends(void **state)
{
    (void)state;
    struct database *db = NULL;
    struct append *rows = NULL;
    void *loaded = dlopen(library, RTLD_NOW);
    assert_non_null(loaded);
    assert_true(result_ok(database_open("postgresql://somebody@nowhere/db", &db)));
    assert_true(result_ok(database_append(db, "t", "x", &rows)));
    assert_true(result_ok(database_begin(db, DATABASE_WRITE)));
    append_integer(rows, 1);
    assert_true(result_ok(append_row(rows)));
    struct result kept = database_commit(db);
    assert_int_equal(kept.code, ERR_STORE);
    assert_non_null(strstr(error_last()->text, "the server went away"));
    assert_non_null(strstr(error_last()->text, "connection is lost"));
    database_rollback(db);
    database_close(db);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_that_cannot_be_sent_fails_and_ends),
    };
    library = argc > 1 ? argv[1] : "";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
