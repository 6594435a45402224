/*
 * Plans for tests.
 */
#include "plan_test.h"

int planning_begin(void **state)
{
    struct planning *p = NEW(struct planning);
    p->arena = arena_new();
    p->d = diagnostics_in(p->arena);
    snprintf(p->folder, sizeof(p->folder), "/tmp/assay-plan-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    *state = p;
    return 0;
}

int planning_end(void **state)
{
    struct planning *p = *state;
    for (size_t i = 0; i < p->written_count; i++)
        unlink(p->written[i]);
    rmdir(p->folder);
    arena_free(p->arena);
    mem_free(p);
    return 0;
}

const char *planning_file(struct planning *p, const char *name, const char *text)
{
    const char *path = arena_printf(p->arena, "%s/%s", p->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_true(p->written_count < sizeof(p->written) / sizeof(p->written[0]));
    return p->written[p->written_count++] = path;
}

void planning_suite(struct planning *p, const char *name, const char *const *cases)
{
    struct text t = text_in(p->arena);
    text_printf(&t, "name: %s\nresources: {gpu: 2}\ncases:\n", name);
    for (size_t i = 0; cases[i]; i++)
        text_add_str(&t, cases[i]);
    assert_true(p->path_count < sizeof(p->paths) / sizeof(p->paths[0]));
    p->paths[p->path_count++] =
        planning_file(p, arena_printf(p->arena, "%s.yaml", name), text_str(&t));
    p->options.paths = p->paths;
    p->options.path_count = p->path_count;
}

static const char *printed(struct planning *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    diagnostics_print(&p->d, to, false);
    fclose(to);
    const char *copy = arena_string(p->arena, slice_of(text, size));
    free(text);
    return copy;
}

void planning_make(struct planning *p)
{
    if (!result_ok(plan_make(p->arena, &p->options, &p->d, &p->plan)))
        fail_msg("%s\n%s", error_last()->text, printed(p));
}

const char *planning_refused(struct planning *p)
{
    p->d = diagnostics_in(p->arena);
    assert_false(result_ok(plan_make(p->arena, &p->options, &p->d, &p->plan)));
    return p->d.count ? printed(p) : arena_printf(p->arena, "%s", error_last()->text);
}

const char *planning_ids(const struct planning *p)
{
    struct text t = text_in(p->arena);
    for (size_t i = 0; i < p->plan->case_count; i++)
        text_printf(&t, "%.*s\n", SLICE_ARG(p->plan->cases[i]->id));
    return text_str(&t);
}

const struct plan_case *planning_case(const struct planning *p, const char *id)
{
    for (size_t i = 0; i < p->plan->case_count; i++)
        if (slice_is(p->plan->cases[i]->id, id))
            return p->plan->cases[i];
    fail_msg("there is no case \"%s\" in the plan", id);
    return NULL;
}
