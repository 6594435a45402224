/*
 * Kept answers: what was kept comes back, and a file that somebody else wrote does no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/memory.h"
#include "step/answers.h"
#include "step/image.h"

struct fixture {
    struct arena *arena;
    char folder[64];
    struct answers *answers;
};

static int set_up(void **state)
{
    struct fixture *f = NEW(struct fixture);
    f->arena = arena_new();
    snprintf(f->folder, sizeof(f->folder), "/tmp/assay-answers-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->answers = answers_in(f->arena, arena_printf(f->arena, "%s/a/b", f->folder), CLOCK_NEVER);
    *state = f;
    return 0;
}

static int remove_one(const char *entry, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(entry);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    arena_free(f->arena);
    mem_free(f);
    return 0;
}

static const char *path(struct fixture *f, const char *name)
{
    return arena_printf(f->arena, "%s/a/b/%s.json", f->folder, name);
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
    FILE *file = fopen(name[0] == '/' ? name : path(f, name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void keep(struct fixture *f, const char *key, const char *body)
{
    const struct header headers[] = {
        {SLICE("Content-Type"), SLICE("text/event-stream")},
        {SLICE("Set-Cookie"), SLICE("session=1")},
    };
    struct answer answer = {200, headers, 2, slice_str(body)};
    answers_keep(f->answers, f->arena, key, &answer);
}

static void what_was_kept_comes_back(void **state)
{
    struct fixture *f = *state;
    struct answer out;
    assert_false(answers_find(f->answers, f->arena, "k", &out));
    keep(f, "k", "data: {\"a\": \"\\u00e4 ö\"}\n\n");
    assert_true(answers_find(f->answers, f->arena, "k", &out));
    assert_int_equal(out.status, 200);
    assert_int_equal(out.header_count, 1); /* cookies are about one exchange */
    assert_true(slice_is(out.headers[0].value, "text/event-stream"));
    assert_true(slice_is(out.body, "data: {\"a\": \"\\u00e4 ö\"}\n\n"));
    keep(f, "k", "another");
    assert_true(answers_find(f->answers, f->arena, "k", &out));
    assert_true(slice_is(out.body, "another"));
    assert_false(answers_find(f->answers, f->arena, "l", &out));
}

static void an_answer_that_is_no_text_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct answer out;
    keep(f, "k", "\xff\xfe");
    assert_false(answers_find(f->answers, f->arena, "k", &out));
}

static void an_old_answer_is_not_used(void **state)
{
    struct fixture *f = *state;
    struct answer out;
    keep(f, "k", "x");
    struct timespec past[2] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
    assert_int_equal(utimensat(AT_FDCWD, path(f, "k"), past, 0), 0);
    assert_true(answers_find(f->answers, f->arena, "k", &out));
    const char *folder = arena_printf(f->arena, "%s/a/b", f->folder);
    assert_false(answers_find(answers_in(f->arena, folder, 50 * NS_PER_S), f->arena, "k", &out));
    assert_true(answers_find(answers_in(f->arena, folder, 500 * NS_PER_S), f->arena, "k", &out));
}

static void damaged_files_links_and_devices_are_no_answers(void **state)
{
    struct fixture *f = *state;
    struct answer out;
    static const char *const damaged[] = {
        "",
        "{",
        "[]",
        "{\"status\": 200}",
        "{\"status\": \"200\", \"headers\": [], \"body\": \"\"}",
        "{\"status\": 200, \"headers\": [[\"a\"]], \"body\": \"\"}",
        "{\"status\": 200, \"headers\": [1], \"body\": \"\"}",
        "{\"status\": 200, \"headers\": {}, \"body\": \"\"}",
        "{\"status\": 200, \"headers\": [], \"body\": null}"};
    keep(f, "k", "x");
    for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
        write_file(f, "k", damaged[i]);
        assert_false(answers_find(f->answers, f->arena, "k", &out));
    }
    keep(f, "real", "x");
    assert_int_equal(symlink(path(f, "real"), path(f, "link")), 0);
    assert_false(answers_find(f->answers, f->arena, "link", &out));
    assert_int_equal(mkfifo(path(f, "pipe"), 0600), 0);
    assert_false(answers_find(f->answers, f->arena, "pipe", &out));
    assert_int_equal(mkdir(path(f, "folder"), 0700), 0);
    assert_false(answers_find(f->answers, f->arena, "folder", &out));
}

static void a_folder_that_cannot_be_made_ends_nothing(void **state)
{
    struct fixture *f = *state;
    struct answer out;
    write_file(f, arena_printf(f->arena, "%s/a", f->folder), "a file");
    keep(f, "k", "x");
    assert_false(answers_find(f->answers, f->arena, "k", &out));
}

/* ── images ── */

static void images_become_data_urls(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *url;
    } cases[] = {
        {"\x89PNG\r\n\x1a\n", 8, "data:image/png;base64,iVBORw0KGgo="},
        {"\x89PNG\r\n\x1a\n\0\xff", 10, "data:image/png;base64,iVBORw0KGgoA/w=="},
        {"\xff\xd8\xff\xe0xx", 6, "data:image/jpeg;base64,/9j/4Hh4"},
        {"GIF89a", 6, "data:image/gif;base64,R0lGODlh"},
        {"RIFF....WEBP", 12, "data:image/webp;base64,UklGRi4uLi5XRUJQ"},
        {"RIFF....WAVE", 12, NULL},
        {"GIF8", 4, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        FILE *file = fopen(arena_printf(f->arena, "%s/image", f->folder), "w");
        assert_int_equal(fwrite(cases[i].bytes, 1, cases[i].len, file), cases[i].len);
        fclose(file);
        struct slice url;
        struct result r = image_data_url(f->arena, slice_str(f->folder), SLICE("image"), &url);
        assert_int_equal(r.code, cases[i].url ? ERR_OK : ERR_VALUE);
        if (cases[i].url)
            assert_string_equal(arena_string(f->arena, url), cases[i].url);
    }
    struct slice url;
    assert_int_equal(image_data_url(f->arena, slice_str(f->folder), SLICE("no"), &url).code,
                     ERR_IO);
    assert_int_equal(image_data_url(f->arena, slice_str(f->folder), SLICE("."), &url).code, ERR_IO);
    assert_int_equal(image_data_url(f->arena, SLICE(""), SLICE("/dev/zero"), &url).code, ERR_IO);
    assert_int_equal(image_data_url(f->arena, SLICE(""), SLICE(""), &url).code, ERR_VALUE);
    assert_int_equal(image_data_url(f->arena, SLICE(""), SLICE("a\0b"), &url).code, ERR_VALUE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_kept_comes_back),
        TEST(an_answer_that_is_no_text_is_not_kept),
        TEST(an_old_answer_is_not_used),
        TEST(damaged_files_links_and_devices_are_no_answers),
        TEST(a_folder_that_cannot_be_made_ends_nothing),
        TEST(images_become_data_urls),
    };
    return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
