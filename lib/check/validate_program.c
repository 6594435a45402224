/*
 * Validators of one's own: a program reads {"text", "params"} as JSON on its standard input and
 * answers {"valid": true or false, "error": "…"} on its standard output. What it says beside that
 * (debug_info, suggestions, …) is kept as the verdict's detail. A program that fails, or answers
 * anything else, is an error and not a failed validation.
 */
#include "check/validator.h"
#include "core/text.h"

#define PROGRAM_TIMEOUT (30 * NS_PER_S)

const struct field program_params[] = {
    {"command", &shape_arguments, true,
     "The program and its arguments; it runs in the suite's folder.",
     "[\"python3\", \"polite.py\"]"},
    {"params", &shape_any, false, "Handed to it as they are.", NULL},
    {"timeout", &shape_duration, false, "How long it may take. Default 30s.", NULL},
    {NULL},
};

static struct question *ask(const struct validation *v)
{
    struct arena *arena = v->out->arena;
    struct question *q = question_about(v->o, v->item);
    const struct node *params = validation_param(v, "params");
    if (q)
        return q;
    json_t *input = jsontext_keep(arena, json_object());
    json_object_set(input, "text", jsontext_string(arena, v->text));
    json_object_set(input, "params", params ? node_json(arena, params) : json_null());
    q = question_new(v->o, v->item, "exec");
    q->times = 1;
    q->timeout = node_duration(validation_param(v, "timeout"), PROGRAM_TIMEOUT);
    q->config = jsontext_keep(arena, json_object());
    json_object_set(q->config, "command", node_json(arena, validation_param(v, "command")));
    json_object_set(q->config, "stdin", jsontext_string(arena, jsontext_write(arena, input)));
    return q;
}

static void judge(const struct validation *v, const struct question_answer *a)
{
    struct arena *arena = v->out->arena;
    const struct observation *o = a->observation;
    json_t *reply = NULL;
    if (!o || !result_ok(a->result)) {
        validation_not_possible(v, "the program of %s could not be run: %s", v->check, a->error);
        return;
    }
    if (o->exit_code != 0) {
        validation_not_possible(v, "the program of %s ended with %s %d: %.*s", v->check,
                                o->signal ? "signal" : "exit status",
                                o->signal ? o->signal : o->exit_code,
                                SLICE_ARG(text_shown(arena, slice_trim(o->standard_error), 500)));
        return;
    }
    if (!(o->seen & OBSERVED_OUTPUT) ||
        !result_ok(jsontext_read_in(arena, o->standard_output, &reply)) ||
        !json_is_boolean(json_object_get(reply, "valid"))) {
        validation_not_possible(v,
                                "the program of %s did not answer {\"valid\": true or false}: "
                                "\"%.*s\"",
                                v->check, SLICE_ARG(text_shown(arena, o->standard_output, 200)));
        return;
    }
    const json_t *error = json_object_get(reply, "error");
    struct slice why = json_is_string(error) ? jsontext_slice(error) : SLICE("it did not say why");
    struct verdict *verdict =
        json_is_true(json_object_get(reply, "valid"))
            ? validation_passes(v)
            : validation_fails(v, "accepted by the program", SLICE("not accepted"),
                               arena_printf(arena, "the program does not accept the answer: %.*s",
                                            SLICE_ARG(text_shown(arena, why, 1000))));
    if (json_object_size(reply) > 1)
        verdict->detail = jsontext_write(arena, reply);
}

void validate_program(const struct validation *v)
{
    const struct question *q = ask(v);
    if (q->asked && q->answer_count)
        judge(v, q->answers);
    else
        validation_not_possible(v, "%s was not run: programs are run in `expect`, not in `until`",
                                v->check);
}
