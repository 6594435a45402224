/*
 * The table of step kinds, and what all kinds share.
 */
#include "step/kinds.h"

const struct step_kind *const step_kinds[] = {
    &step_http,  &step_execute, &step_chat, &step_complete, &step_embed,
    &step_infer, &step_exec,    &step_wait, &step_load,     NULL};

const struct step_kind *step_kind_of(const struct node *step)
{
    for (size_t i = 0; step_kinds[i]; i++)
        if (node_get(step, step_kinds[i]->name))
            return step_kinds[i];
    return NULL;
}

void step_finish(struct step *step, struct result result)
{
    struct observation *o = step->observation;
    if (o->ended == 0)
        o->ended = clock_now();
    step->finished(step, result);
}

void step_progress(struct step *step)
{
    if (step->progressed)
        step->progressed(step);
}

bool step_is_path(const struct node *target)
{
    return target && target->kind == NODE_STRING &&
           (slice_starts(target->string, SLICE("/")) || slice_starts(target->string, SLICE("?")));
}

struct result step_url(struct step *step, struct slice target, struct slice *url)
{
    bool full = slice_starts(target, SLICE("http://")) || slice_starts(target, SLICE("https://"));
    ENSURE(slice_find_byte(target, '\0') < 0, ERR_VALUE,
           "\"%.*s\" holds a zero byte, which no URL can", SLICE_ARG(target));
    if (full) {
        *url = target;
        return RESULT_OK;
    }
    ENSURE(target.len && (target.data[0] == '/' || target.data[0] == '?'), ERR_SUITE,
           "\"%.*s\" is neither a path (\"/…\") nor a full URL (\"http://…\")", SLICE_ARG(target));
    ENSURE(step->base_url.len, ERR_SUITE,
           "\"%.*s\" is a path, and the step has no service with a url to put before it",
           SLICE_ARG(target));
    struct slice base = step->base_url;
    if (slice_ends(base, SLICE("/")) && target.data[0] == '/')
        base.len--;
    *url = slice_str(arena_printf(step->arena, "%.*s%.*s", SLICE_ARG(base), SLICE_ARG(target)));
    return RESULT_OK;
}
