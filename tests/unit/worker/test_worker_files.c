/*
 * Forms, files and batches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "batches.h"
#include "multipart.h"

#define TYPE SLICE("multipart/form-data; boundary=b")

static void a_form_gives_its_parts(void **state)
{
    (void)state;
    struct multipart m;
    struct slice body = SLICE("--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch"
                              "\r\n--b\r\ncontent-disposition: form-data; filename=\"a;b.txt\"; "
                              "name=file\r\nContent-Type: text/plain\r\n\r\n\r\n--\r\n--c\r\n"
                              "\r\n--b--\r\n");
    assert_true(result_ok(multipart_read(TYPE, body, &m)));
    assert_int_equal(m.count, 2);
    assert_true(slice_is(multipart_field(&m, "purpose"), "batch"));
    assert_true(slice_is(m.parts[1].name, "file"));
    assert_true(slice_is(m.parts[1].filename, "a;b.txt"));
    assert_true(slice_is(m.parts[1].content, "\r\n--\r\n--c\r\n"));
    assert_null(multipart_field(&m, "other").data);
}

static void a_form_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct multipart m;
    struct slice body =
        SLICE("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--");
    assert_true(result_ok(multipart_read(TYPE, body, &m)));
    for (size_t len = 0; len < body.len; len++)
        assert_false(result_ok(multipart_read(TYPE, slice_part(body, 0, len), &m)));
    assert_false(result_ok(multipart_read(SLICE("multipart/form-data"), body, &m)));
    assert_false(result_ok(multipart_read(SLICE("text/plain; boundary=b"), body, &m)));
}

static void files_have_a_ceiling(void **state)
{
    (void)state;
    struct files files = {0};
    size_t half = FILES_BYTES_MAX / 2;
    char *bytes = test_calloc(half, 1);
    struct file *file = files_add(&files, SLICE("n"), SLICE("p"), slice_of(bytes, half));
    assert_non_null(file);
    assert_null(files_add(&files, SLICE("n"), SLICE("p"), slice_of(bytes, half)));
    assert_ptr_equal(files_find(&files, slice_str(file->id)), file);
    files_remove(&files, file);
    assert_int_equal(files.bytes, 0);
    assert_non_null(files_add(&files, SLICE("n"), SLICE("p"), slice_of(bytes, half)));
    files_free(&files);
    test_free(bytes);
}

/* ---- batches ---- */

static struct slice run(void *context, struct arena *arena, struct slice url, struct slice body,
                        unsigned *status)
{
    (void)context;
    (void)arena;
    (void)url;
    *status = slice_is(body, "{}") ? 200 : 400;
    return SLICE("{\"said\":1}");
}
static const struct batch_runner runner = {NULL, run};

#define LINE(id, body)                                                                             \
    "{\"custom_id\":\"" id "\",\"method\":\"POST\",\"url\":\"/u\",\"body\":" body "}\n"

static struct batch *batch_of(struct slice input)
{
    return batch_new(SLICE("/u"), SLICE("file-1"), input, SLICE("null"));
}

static void a_batch_answers_its_lines_a_few_at_each_look(void **state)
{
    (void)state;
    struct files files = {0};
    struct batch *b = batch_of(SLICE(LINE("a", "{}") "\n" LINE("b", "{\"x\":1}") LINE("c", "{}")));
    assert_int_equal(b->status, BATCH_VALIDATING);
    batch_advance(b, &files, &runner, 2, b->created);
    assert_int_equal(b->status, BATCH_IN_PROGRESS);
    batch_advance(b, &files, &runner, 2, b->created);
    assert_int_equal(b->status, BATCH_IN_PROGRESS);
    assert_int_equal(b->completed + b->failed, 2);
    batch_advance(b, &files, &runner, 2, b->created);
    assert_int_equal(b->status, BATCH_COMPLETED);
    assert_int_equal(b->completed, 2);
    assert_int_equal(b->failed, 1);
    const struct file *output = files_find(&files, slice_str(b->output_file));
    const struct file *errors = files_find(&files, slice_str(b->error_file));
    assert_non_null(output);
    assert_non_null(errors);
    assert_true(slice_find(output->content, SLICE("\"custom_id\":\"c\"")) > 0);
    assert_true(slice_find(errors->content, SLICE("\"custom_id\":\"b\"")) > 0);
    assert_false(batch_cancel(b, b->created));
    batch_free(b);
    files_free(&files);
}

static void a_batch_with_a_wrong_line_fails_and_says_which(void **state)
{
    (void)state;
    static const struct {
        struct slice input;
        const char *says;
    } cases[] = {
        {SLICE(LINE("a", "{}") "{\n"), "\"invalid_json_line\""},
        {SLICE(LINE("a", "{}") LINE("a", "{}")), "\"duplicate_custom_id\""},
        {SLICE(LINE("a", "{}") LINE("b", "1")), "\"missing_required_parameter\""},
        {SLICE(LINE("a", "{}") "{\"custom_id\":\"b\",\"method\":\"GET\"}"), "\"invalid_method\""},
        {SLICE(LINE("a", "{}") "{\"custom_id\":\"b\",\"method\":\"POST\",\"url\":\"/v\"}"),
         "\"mismatched_url\""},
        {SLICE("\n \n"), "\"empty_file\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct files files = {0};
        struct batch *b = batch_of(cases[i].input);
        batch_advance(b, &files, &runner, 9, b->created);
        assert_int_equal(b->status, BATCH_FAILED);
        assert_non_null(strstr(b->fault, cases[i].says));
        assert_non_null(strstr(b->fault, i == 5 ? "\"line\":0" : "\"line\":2"));
        batch_free(b);
        files_free(&files);
    }
}

static void a_batch_can_be_cancelled_and_expires(void **state)
{
    (void)state;
    struct files files = {0};
    struct batch *b = batch_of(SLICE(LINE("a", "{}") LINE("b", "{}")));
    batch_advance(b, &files, &runner, 1, b->created);
    batch_advance(b, &files, &runner, 1, b->created);
    assert_true(batch_cancel(b, b->created));
    assert_int_equal(b->status, BATCH_CANCELLING);
    batch_advance(b, &files, &runner, 1, b->created);
    assert_int_equal(b->status, BATCH_CANCELLED);
    assert_non_null(files_find(&files, slice_str(b->output_file))); /* what was answered is kept */
    batch_free(b);

    b = batch_of(SLICE(LINE("a", "{}")));
    batch_advance(b, &files, &runner, 1, b->created + BATCH_WINDOW_S);
    assert_int_equal(b->status, BATCH_EXPIRED);
    batch_free(b);
    files_free(&files);
}

static void a_batch_whose_answers_find_no_room_has_failed_and_says_so(void **state)
{
    (void)state;
    struct files files = {.bytes = FILES_BYTES_MAX};
    struct batch *b = batch_of(SLICE(LINE("a", "{}")));
    batch_advance(b, &files, &runner, 1, b->created);
    batch_advance(b, &files, &runner, 1, b->created);
    assert_int_equal(b->status, BATCH_FAILED);
    assert_non_null(strstr(b->fault, "\"no_room\""));
    assert_string_equal(b->output_file, "");
    batch_free(b);
    files_free(&files);
}

static void the_oldest_batch_that_is_over_makes_room_for_a_new_one(void **state)
{
    (void)state;
    struct files files = {0};
    struct batches all = {0};
    char second[sizeof(all.first->id)] = "";
    for (int i = 0; i < BATCHES_MAX; i++) {
        struct batch *b = batch_of(SLICE(LINE("a", "{}")));
        if (i == 1 || i == 50) { /* the first is under way */
            batch_advance(b, &files, &runner, 1, b->created);
            batch_advance(b, &files, &runner, 1, b->created);
            assert_true(batch_over(b));
        }
        if (i == 1)
            memcpy(second, b->id, sizeof(second));
        assert_true(batches_add(&all, b));
    }
    for (int i = 0; i < 2; i++) {
        assert_true(batches_add(&all, batch_of(SLICE(LINE("a", "{}")))));
        assert_int_equal(all.count, BATCHES_MAX);
        for (const struct batch *b = all.first; b; b = b->next)
            assert_string_not_equal(b->id, second);
    }
    struct batch *more = batch_of(SLICE(LINE("a", "{}")));
    assert_false(batches_add(&all, more)); /* all are under way */
    batch_free(more);
    batches_free(&all);
    files_free(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_gives_its_parts),
        cmocka_unit_test(a_form_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(files_have_a_ceiling),
        cmocka_unit_test(a_batch_answers_its_lines_a_few_at_each_look),
        cmocka_unit_test(a_batch_with_a_wrong_line_fails_and_says_which),
        cmocka_unit_test(a_batch_can_be_cancelled_and_expires),
        cmocka_unit_test(a_batch_whose_answers_find_no_room_has_failed_and_says_so),
        cmocka_unit_test(the_oldest_batch_that_is_over_makes_room_for_a_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
