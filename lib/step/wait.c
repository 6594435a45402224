/*
 * The `wait` step: let time pass, by an absolute deadline. For what has no condition to wait for;
 * where there is one, `until` with `every` and `within` is quicker and surer.
 */
#include "core/memory.h"
#include "step/kinds.h"

struct wait_state {
    uv_timer_t timer;
    struct step *step;
    int64_t deadline;
};

static struct slice wait_title(struct arena *arena, const struct node *config)
{
    return node_text(arena, config);
}

static void on_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void on_timer(uv_timer_t *timer);

/* libuv's timers have whole milliseconds and a clock that is read once a turn: come back until the
 * deadline has really passed. */
static void arm(struct wait_state *state)
{
    int64_t left = state->deadline - clock_now();
    uint64_t ms = left > 0 ? (uint64_t)((left + NS_PER_MS - 1) / NS_PER_MS) : 0;
    uv_update_time(state->timer.loop);
    uv_timer_start(&state->timer, on_timer, ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct wait_state *state = timer->data;
    if (clock_now() < state->deadline) {
        arm(state);
        return;
    }
    struct step *step = state->step;
    uv_close((uv_handle_t *)timer, on_closed);
    step_finish(step, RESULT_OK);
}

static struct result wait_start(struct step *step)
{
    struct wait_state *state = NEW(struct wait_state);
    state->step = step;
    step->state = state;
    step->observation->started = clock_now();
    step->observation->seen |= OBSERVED_TIME;
    state->deadline = step->observation->started + node_duration(step->config, 0);
    uv_timer_init(step->loop, &state->timer);
    state->timer.data = state;
    arm(state);
    return RESULT_OK;
}

static void wait_cancel(struct step *step)
{
    struct wait_state *state = step->state;
    uv_close((uv_handle_t *)&state->timer, on_closed);
}

const struct step_kind step_wait = {
    .name = "wait",
    .shape = &shape_duration,
    .yields = OBSERVED_TIME,
    .help = "Let time pass.",
    .example = "{ \"wait\": \"250ms\" }",
    .title = wait_title,
    .start = wait_start,
    .cancel = wait_cancel,
};
