/*
 * One way to speak SQL: what is written comes back as it was, in either database; transactions are
 * whole; appended rows are there for the next query; failures name the database.
 */
#include "core/memory.h"
#include "core/text.h"
#include "fixture_store.h"
#include "record/database.h"

struct world {
    struct arena *arena;
    char *folder;
    const char *url;
    struct database *db;
};

static int set_up(void **state)
{
    struct world *w = NEW(struct world);
    w->arena = arena_new();
    w->folder = fixture_folder();
    w->url = fixture_store(w->arena, w->folder);
    assert_ok(database_open(w->url, &w->db));
    if (database_kind(w->db) == DATABASE_SQLITE)
        assert_ok(database_execute(w->db, "PRAGMA journal_mode = WAL"));
    assert_ok(database_execute(w->db, "CREATE TABLE thing (n BIGINT, r DOUBLE PRECISION, t TEXT);"
                                      "CREATE TABLE other (n BIGINT)"));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    database_close(w->db);
    fixture_remove(w->folder);
    arena_free(w->arena);
    mem_free(w);
    return 0;
}

static int64_t count(struct database *db)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;
    assert_ok(database_prepare(db, "SELECT count(*) FROM thing", &q));
    assert_ok(query_next(q, &row));
    assert_true(row);
    return query_integer(q, 0);
}

static void add(struct world *w, int64_t n, double r, struct slice t)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    assert_ok(database_prepare(w->db, "INSERT INTO thing (n, r, t) VALUES (?1, ?2, ?3)", &q));
    query_set_integer(q, 1, n);
    query_set_real(q, 2, r);
    query_set_text(q, 3, t);
    assert_ok(query_run(q));
}

static void assert_thing(struct query *q, int64_t n, double r, struct slice t)
{
    bool row;
    assert_ok(query_next(q, &row));
    assert_true(row);
    assert_true(query_integer(q, 0) == n);
    assert_memory_equal(&(double){query_real(q, 1)}, &r, sizeof(r));
    struct slice text = query_text(q, 2);
    if (!slice_eq(text, t))
        fail_msg("\"%.*s\" is not \"%.*s\"", SLICE_ARG(text), SLICE_ARG(t));
}

static void assert_no_row(struct query *q)
{
    bool row;
    assert_ok(query_next(q, &row));
    assert_false(row);
}

#define READ "SELECT n, r, t FROM thing ORDER BY n"

static void values_come_back_as_they_were(void **state)
{
    struct world *w = *state;
    add(w, INT64_MIN, 0.1, SLICE("tab\t newline\n backslash \\. quote ' ünï"));
    add(w, -1, -1e300, SLICE(""));
    add(w, INT64_MAX, 5e-324, SLICE("\\N"));
    DEFER(query_free_pointer)
    struct query *q = NULL;
    assert_ok(database_prepare(w->db, READ, &q));
    for (int twice = 0; twice < 2; twice++) {
        assert_thing(q, INT64_MIN, 0.1, SLICE("tab\t newline\n backslash \\. quote ' ünï"));
        assert_thing(q, -1, -1e300, SLICE(""));
        assert_thing(q, INT64_MAX, 5e-324, SLICE("\\N"));
        assert_no_row(q);
    }
}

static void appended_values_come_back_as_they_were(void **state)
{
    struct world *w = *state;
    struct append *a;
    assert_ok(database_append(w->db, "thing", "n, r, t", &a));
    assert_ok(database_begin(w->db, DATABASE_WRITE));
    append_integer(a, INT64_MIN);
    append_real(a, 0.1);
    append_text(a, SLICE("tab\t newline\n backslash \\. quote ' ünï"));
    assert_ok(append_row(a));
    append_integer(a, 2);
    append_null(a);
    append_text(a, SLICE(""));
    assert_ok(append_row(a));
    assert_int_equal(count(w->db), 2); /* at once */
    append_integer(a, 3);
    append_real(a, 1);
    append_null(a);
    assert_ok(append_row(a));
    assert_ok(database_commit(w->db));
    DEFER(query_free_pointer)
    struct query *q = NULL;
    assert_ok(database_prepare(w->db, READ, &q));
    assert_thing(q, INT64_MIN, 0.1, SLICE("tab\t newline\n backslash \\. quote ' ünï"));
    assert_thing(q, 2, 0, SLICE(""));
    assert_true(query_null(q, 1));
    assert_false(query_null(q, 2));
    assert_thing(q, 3, 1, SLICE(""));
    assert_true(query_null(q, 2));
    assert_no_row(q);
}

static void a_text_that_is_not_utf8_is_repaired(void **state)
{
    struct world *w = *state;
    struct append *a;
    add(w, 1, 0, SLICE("nul \0 half \xe2\x82"));
    assert_ok(database_append(w->db, "thing", "n, t", &a));
    assert_ok(database_begin(w->db, DATABASE_WRITE));
    append_integer(a, 2);
    append_text(a, SLICE("\xff"));
    assert_ok(append_row(a));
    assert_ok(database_commit(w->db));
    DEFER(query_free_pointer)
    struct query *q = NULL;
    assert_ok(database_prepare(w->db, READ, &q));
    assert_thing(q, 1, 0, SLICE("nul � half ��"));
    assert_thing(q, 2, 0, SLICE("�"));
}

static void a_transaction_is_whole_or_nothing(void **state)
{
    struct world *w = *state;
    struct append *a;
    assert_ok(database_append(w->db, "thing", "n", &a));
    assert_ok(database_begin(w->db, DATABASE_WRITE));
    add(w, 1, 0, SLICE(""));
    append_integer(a, 2);
    assert_ok(append_row(a));
    database_rollback(w->db);
    assert_int_equal(count(w->db), 0);
    assert_ok(database_begin(w->db, DATABASE_WRITE));
    add(w, 1, 0, SLICE(""));
    append_integer(a, 2);
    assert_ok(append_row(a));
    assert_ok(database_commit(w->db));
    assert_int_equal(count(w->db), 2);
}

static void a_reader_sees_one_moment(void **state)
{
    struct world *w = *state;
    struct database *reader;
    assert_ok(database_open(w->url, &reader));
    add(w, 1, 0, SLICE(""));
    assert_ok(database_begin(reader, DATABASE_READ));
    assert_int_equal(count(reader), 1);
    add(w, 2, 0, SLICE(""));
    assert_int_equal(count(reader), 1);
    assert_ok(database_commit(reader));
    assert_int_equal(count(reader), 2);
    database_close(reader);
}

static void scans_are_read_side_by_side_and_left_when_enough_was_seen(void **state)
{
    struct world *w = *state;
    enum { ROWS = 5000 }; /* more than are fetched at once */
    struct append *a, *b;
    bool row;
    assert_ok(database_append(w->db, "thing", "n", &a));
    assert_ok(database_append(w->db, "other", "n", &b));
    assert_ok(database_begin(w->db, DATABASE_WRITE));
    for (int64_t i = 0; i < ROWS; i++) {
        append_integer(a, i);
        assert_ok(append_row(a));
        append_integer(b, i * 2);
        assert_ok(append_row(b));
    }
    assert_ok(database_commit(w->db));
    assert_ok(database_begin(w->db, DATABASE_READ));
    struct query *x, *y;
    assert_ok(database_scan(w->db, "SELECT n FROM thing WHERE n >= ?1 ORDER BY n", &x));
    assert_ok(database_scan(w->db, "SELECT n FROM other ORDER BY n", &y));
    for (int twice = 0; twice < 2; twice++) {
        query_set_integer(x, 1, 10);
        for (int64_t i = 10; i < ROWS; i++) {
            assert_ok(query_next(x, &row));
            assert_true(row && query_integer(x, 0) == i);
            assert_ok(query_next(y, &row));
            assert_true(row && query_integer(y, 0) == (i - 10) * 2);
        }
        assert_no_row(x);
        query_reset(y);
    }
    assert_ok(database_commit(w->db));
}

static void what_fails_names_the_database_and_can_be_tried_again(void **state)
{
    struct world *w = *state;
    struct query *q = NULL;
    bool row;
    struct result r = database_prepare(w->db, "SELECT * FROM nothing", &q);
    if (result_ok(r)) /* a server is asked when the query is run */
        r = query_next(q, &row);
    assert_int_equal(r.code, ERR_STORE);
    assert_non_null(strstr(error_last()->text, database_name(w->db)));
    assert_non_null(strstr(error_last()->text, "nothing"));
    assert_int_equal(database_execute(w->db, "SELECT FROM WHERE").code, ERR_STORE);
    assert_int_equal(count(w->db), 0);
}

#ifdef STORE_POSTGRESQL
static void an_end_after_a_connection_was_lost_in_leaving_a_scan_crashed(void **state)
{
    struct world *w = *state;
    struct database *other = NULL;
    struct query *scan = NULL;
    bool row;
    add(w, 1, 0, SLICE(""));
    assert_ok(database_begin(w->db, DATABASE_READ));
    assert_ok(database_scan(w->db, "SELECT n FROM thing", &scan));
    assert_ok(query_next(scan, &row));
    char end[80], there[80];
    long long pid = fixture_number(w->db, "SELECT pg_backend_pid()");
    snprintf(end, sizeof(end), "SELECT pg_terminate_backend(%lld)", pid);
    snprintf(there, sizeof(there), "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld", pid);
    assert_ok(database_open(w->url, &other));
    assert_ok(database_execute(other, end));
    while (fixture_number(other, there) > 0)
        continue;
    query_reset(scan); /* says nothing */
    assert_int_equal(database_commit(w->db).code, ERR_STORE);
    assert_non_null(strstr(error_last()->text, database_name(w->db)));
    database_close(other);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_were),
        TEST(appended_values_come_back_as_they_were),
        TEST(a_text_that_is_not_utf8_is_repaired),
        TEST(a_transaction_is_whole_or_nothing),
        TEST(a_reader_sees_one_moment),
        TEST(scans_are_read_side_by_side_and_left_when_enough_was_seen),
        TEST(what_fails_names_the_database_and_can_be_tried_again),
#ifdef STORE_POSTGRESQL
        TEST(an_end_after_a_connection_was_lost_in_leaving_a_scan_crashed),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
