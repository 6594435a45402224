/*
 * The revision of work trees in every form that git gives them, made by hand: no git is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/jsontext.h"
#include "measure/machine.h"

#define OBJECT "0123456789abcdef0123456789abcdef01234567"
#define OTHER "fedcba9876543210fedcba9876543210fedcba98"

struct tree {
    struct arena *arena;
    char folder[32];
};

static int begin(void **state)
{
    static struct tree tree;
    tree = (struct tree){.arena = arena_new(), .folder = "/tmp/assay-machine-XXXXXX"};
    assert_non_null(mkdtemp(tree.folder));
    *state = &tree;
    return 0;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int end(void **state)
{
    struct tree *t = *state;
    nftw(t->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(t->arena);
    return 0;
}

/* A file below the folder; its folders are made. */
static void put(struct tree *t, const char *path, const char *text)
{
    char *whole = arena_alloc(t->arena, 300);
    snprintf(whole, 300, "%s/%s", t->folder, path);
    for (char *slash = whole + strlen(t->folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct slice revision(struct tree *t, const char *below)
{
    return machine_revision(t->arena, arena_printf(t->arena, "%s/%s", t->folder, below));
}

static void a_branch_is_read_from_below(void **state)
{
    struct tree *t = *state;
    put(t, ".git/HEAD", "ref: refs/heads/main\n");
    put(t, ".git/refs/heads/main", OBJECT "\n");
    put(t, "deep/down/x", "");
    assert_true(slice_is(revision(t, "deep/down"), OBJECT));
}

static void a_packed_branch_is_found(void **state)
{
    struct tree *t = *state;
    put(t, ".git/HEAD", "ref: refs/heads/main\n");
    put(t, ".git/packed-refs",
        "# pack-refs with: peeled fully-peeled sorted\n" OTHER " refs/heads/main2\n" OBJECT
        " refs/heads/main\n^" OTHER "\n");
    assert_true(slice_is(revision(t, ""), OBJECT));
}

static void a_detached_head_is_a_revision(void **state)
{
    struct tree *t = *state;
    put(t, ".git/HEAD", OBJECT "\n");
    assert_true(slice_is(revision(t, ""), OBJECT));
}

static void a_work_tree_of_its_own_shares_the_refs(void **state)
{
    struct tree *t = *state;
    put(t, "main/.git/HEAD", OTHER "\n");
    put(t, "main/.git/packed-refs", OBJECT " refs/heads/side\n");
    put(t, "main/.git/worktrees/side/HEAD", "ref: refs/heads/side\n");
    put(t, "main/.git/worktrees/side/commondir", "../..\n");
    put(t, "side/.git", arena_printf(t->arena, "gitdir: %s/main/.git/worktrees/side\n", t->folder));
    assert_true(slice_is(revision(t, "side"), OBJECT));
}

static void what_is_no_revision_is_left_out(void **state)
{
    struct tree *t = *state;
    static const char *const heads[] = {"",
                                        "ref: refs/heads/unborn\n",
                                        "ref: refs/../../secret\n",
                                        "ref: /etc/passwd\n",
                                        "0123\n",
                                        "0123456789ABCDEF0123456789abcdef01234567\n"};
    put(t, "secret", OBJECT);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        put(t, ".git/HEAD", heads[i]);
        assert_int_equal(revision(t, "").len, 0);
    }
    put(t, "broken/.git", "gitdir: /nowhere/at/all\n");
    assert_int_equal(revision(t, "broken").len, 0);
    assert_int_equal(machine_revision(t->arena, "/nowhere/at/all").len, 0);
}

static void the_machine_is_json(void **state)
{
    struct tree *t = *state;
    json_t *machine = NULL;
    put(t, ".git/HEAD", OBJECT "\n");
    struct slice text = machine_json(t->arena, t->folder);
    assert_true(result_ok(jsontext_read_in(t->arena, text, &machine)));
    assert_true(json_integer_value(json_object_get(machine, "cores")) >= 1);
    assert_true(json_integer_value(json_object_get(machine, "memory")) > 1 << 20);
    assert_true(json_is_string(json_object_get(machine, "kernel")));
    assert_string_equal(json_string_value(json_object_get(machine, "revision")), OBJECT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_branch_is_read_from_below),     TEST(a_packed_branch_is_found),
        TEST(a_detached_head_is_a_revision),   TEST(a_work_tree_of_its_own_shares_the_refs),
        TEST(what_is_no_revision_is_left_out), TEST(the_machine_is_json),
    };
    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
