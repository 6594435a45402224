/*
 * JSON Schema against the official test suite: every draft we speak, required and optional tests.
 * What is excluded is named below with its reason; an exclusion that passes after all is a failure
 * too, so the list cannot grow stale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>

#include "check/schema.h"
#include "core/memory.h"
#include "test_data.h"

#define CONTENT "draft7/optional/content.json"
#define CONTENT_REASON "contentMediaType and contentEncoding are annotations here"

static struct exclusion {
    const char *file, *group, *test, *reason;
    bool used;
} exclusions[] = {
    {CONTENT, "validation of string-encoded content based on media type",
     "an invalid JSON document", CONTENT_REASON, false},
    {CONTENT, "validation of binary string-encoding",
     "an invalid base64 string (% is not a valid character)", CONTENT_REASON, false},
    {CONTENT, "validation of binary-encoded media type documents",
     "a validly-encoded invalid JSON document", CONTENT_REASON, false},
    {CONTENT, "validation of binary-encoded media type documents",
     "an invalid base64 string that is valid JSON", CONTENT_REASON, false},
};

struct suite {
    struct arena *arena;
    struct schema_document *documents;
    size_t document_count, document_capacity;
};

struct tally {
    size_t passed, excluded, failed;
};

/* ---- files ---- */

/* Call `visit` for every .json file below tests/data/<folder>, by name. */
static void each_file(struct arena *arena, const char *folder,
                      void (*visit)(const char *name, void *context), void *context)
{
    struct dirent **entries = NULL;
    int count = scandir(arena_printf(arena, TEST_DATA "/%s", folder), &entries, NULL, alphasort);
    MUST(count >= 0, "cannot read %s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = arena_printf(arena, "%s/%s", folder, entries[i]->d_name);
        if (slice_ends(slice_str(name), SLICE(".json")))
            visit(name, context);
        else if (entries[i]->d_name[0] != '.')
            each_file(arena, name, visit, context);
        free(entries[i]);
    }
    free(entries);
}

#define REMOTES "json-schema/remotes"

static void add_document(const char *name, void *context)
{
    struct suite *suite = context;
    GROW(suite->documents, suite->document_count, suite->document_capacity);
    suite->documents[suite->document_count++] = (struct schema_document){
        .uri = arena_printf(suite->arena, "http://localhost:1234%s", name + strlen(REMOTES)),
        .root = test_data_json(suite->arena, name),
    };
}

/* ---- one test ---- */

static const struct exclusion *excluded(const char *file, const char *group, const char *test,
                                        bool passed)
{
    for (size_t i = 0; i < sizeof exclusions / sizeof *exclusions; i++) {
        struct exclusion *x = &exclusions[i];
        if (strcmp(x->file, file) != 0 || strcmp(x->group, group) != 0 ||
            strcmp(x->test, test) != 0)
            continue;
        x->used = true;
        if (passed)
            print_message("# excluded but passes: %s: %s: %s\n", file, group, test);
        return x;
    }
    return NULL;
}

struct suite_run {
    const struct suite *suite;
    struct schema_options options;
    struct tally tally;
};

/* `schema` is NULL when it did not compile. */
static void run_one(struct suite_run *run, const struct schema *schema, const char *file,
                    const char *group, const json_t *test)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const char *name = json_string_value(json_object_get(test, "description"));
    bool expected = json_is_true(json_object_get(test, "valid"));
    struct schema_report report = {0};
    struct result r = {ERR_VALUE};
    if (schema)
        r = schema_validate(schema, json_object_get(test, "data"), 5, arena, &report);
    bool passed = result_ok(r) && report.valid == expected && (report.valid || report.count > 0);
    if (excluded(file, group, name, passed)) {
        run->tally.excluded++;
        run->tally.failed += passed;
    } else if (passed) {
        run->tally.passed++;
    } else {
        run->tally.failed++;
        const char *got = !result_ok(r)  ? error_last()->text
                          : report.count ? report.faults[0].text.data
                                         : "it was valid";
        print_message("# %s: %s: %s: expected %s: %s\n", file, group, name,
                      expected ? "valid" : "invalid", got);
    }
}

static void run_file(const char *name, void *context)
{
    struct suite_run *run = context;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const char *file = name + strlen("json-schema/tests/");
    const json_t *groups = test_data_json(arena, name);
    struct schema_options options = run->options;
    options.documents = run->suite->documents;
    options.document_count = run->suite->document_count;
    options.assert_formats = strstr(file, "/optional/format/") != NULL;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        const char *description = json_string_value(json_object_get(group, "description"));
        const json_t *tests = json_object_get(group, "tests");
        struct schema *schema = NULL;
        struct result r =
            schema_compile(arena, json_object_get(group, "schema"), &options, &schema);
        if (!result_ok(r))
            print_message("# %s: %s: %s\n", file, description, error_last()->text);
        for (size_t t = 0; t < json_array_size(tests); t++)
            run_one(run, schema, file, description, json_array_get(tests, t));
    }
}

static void run_required(const char *name, void *context)
{
    if (!strstr(name, "/optional/"))
        run_file(name, context);
}

static void run_optional(const char *name, void *context)
{
    if (strstr(name, "/optional/"))
        run_file(name, context);
}

static void run_draft(const char *folder, enum schema_draft draft, size_t required, size_t optional)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct suite suite = {.arena = arena};
    each_file(arena, REMOTES, add_document, &suite);
    assert_true(suite.document_count > 20);
    const char *path = arena_printf(arena, "json-schema/tests/%s", folder);
    struct suite_run must = {.suite = &suite, .options.draft = draft};
    struct suite_run may = must;
    each_file(arena, path, run_required, &must);
    each_file(arena, path, run_optional, &may);
    mem_free(suite.documents);
    print_message("# %s: required %zu passed, %zu failed, %zu excluded; optional %zu passed, %zu "
                  "failed, %zu excluded\n",
                  folder, must.tally.passed, must.tally.failed, must.tally.excluded,
                  may.tally.passed, may.tally.failed, may.tally.excluded);
    assert_int_equal(must.tally.failed + may.tally.failed, 0);
    /* None got lost on the way. */
    assert_int_equal(must.tally.passed + must.tally.excluded, required);
    assert_int_equal(may.tally.passed + may.tally.excluded, optional);
}

static void draft_2020_12_of_the_official_suite_passes(void **state)
{
    (void)state;
    run_draft("draft2020-12", SCHEMA_2020_12, 1257, 649);
}

static void draft_2019_09_of_the_official_suite_passes(void **state)
{
    (void)state;
    run_draft("draft2019-09", SCHEMA_2019_09, 1227, 637);
}

static void draft_07_of_the_official_suite_passes(void **state)
{
    (void)state;
    run_draft("draft7", SCHEMA_DRAFT_07, 913, 552);
}

static void draft_06_of_the_official_suite_passes(void **state)
{
    (void)state;
    run_draft("draft6", SCHEMA_DRAFT_06, 829, 320);
}

static void draft_04_of_the_official_suite_passes(void **state)
{
    (void)state;
    run_draft("draft4", SCHEMA_DRAFT_04, 610, 253);
}

static void every_exclusion_names_a_test_there_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exclusions / sizeof *exclusions; i++)
        if (!exclusions[i].used)
            fail_msg("no such test: %s: %s: %s", exclusions[i].file, exclusions[i].group,
                     exclusions[i].test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draft_2020_12_of_the_official_suite_passes),
        cmocka_unit_test(draft_2019_09_of_the_official_suite_passes),
        cmocka_unit_test(draft_07_of_the_official_suite_passes),
        cmocka_unit_test(draft_06_of_the_official_suite_passes),
        cmocka_unit_test(draft_04_of_the_official_suite_passes),
        cmocka_unit_test(every_exclusion_names_a_test_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
