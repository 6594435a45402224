/*
 * The `execute` step: the LLM worker's wire (POST /execute, an SSE stream of started, token,
 * metrics and one of end and error). Tokens are joined into the text; the terminal event gives the
 * stop reason or the error. Readers of this wire meet two generations of it: the kind of an event
 * stands in the data's `type` or in the event line.
 */
#include "core/random.h"
#include "core/text.h"
#include "step/call.h"
#include "step/kinds.h"

static const struct field execute_fields[] = {
    {"job_id", &shape_text, .help = "Names the job; a UUID when left out."},
    {"prompt", &shape_any, .required = true, .help = "The prompt, 1 to 32768 characters."},
    {"max_tokens", &shape_any, .help = "At most so many tokens (1 to 2048)."},
    {"temperature", &shape_any, .help = "Sampling temperature, 0 to 2."},
    {"seed", &shape_any, .help = "Seed of the sampler."},
    {"top_p", &shape_any, .help = "Nucleus sampling, 0 to 1."},
    {"top_k", &shape_any, .help = "Sample among the k likeliest; 0 is off."},
    {"min_p", &shape_any, .help = "Least probability relative to the likeliest, 0 to 1."},
    {"repetition_penalty", &shape_any, .help = "0 to 2; 1 is off."},
    {"stop", &shape_any, .help = "Up to 4 stop sequences.", .example = "[\"}\"]"},
    {"extra", &shape_object,
     .help = "Further fields of the body, as they are: extensions of a worker."},
    {"headers", &shape_string_map, .help = "Request headers."},
    {"path", &shape_string, .help = "Where to send it. Default /execute."},
    {NULL},
};

static const struct shape execute_shape = {
    .name = "execute step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){execute_fields, NULL},
    .help = "Run a job on an LLM worker and read its event stream. Values are sent as they stand, "
            "right "
            "or wrong: what a worker says to a wrong one is worth a case.",
};

static bool execute_needs_url(const struct node *config)
{
    const struct node *path = node_get(config, "path");
    return !path || step_is_path(path);
}

static struct slice execute_title(struct arena *arena, const struct node *config)
{
    return slice_str(arena_printf(
        arena, "POST %.*s", SLICE_ARG(node_string(node_get(config, "path"), SLICE("/execute")))));
}

static struct slice build_body(struct step *step)
{
    static const char *const ours[] = {"headers", "path", "extra"};
    const struct node *config = step->config, *extra = node_get(config, "extra");
    json_t *body = json_copy(node_json(step->arena, config));
    jsontext_keep(step->arena, body);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        json_object_del(body, ours[i]);
    if (extra)
        json_object_update(body, node_json(step->arena, extra));
    if (!node_get(config, "job_id")) {
        char id[UUID_TEXT];
        json_object_set_new(body, "job_id", json_string(random_uuid(id)));
    }
    return jsontext_write(step->arena, body);
}

static void keep_end(struct step *step, const json_t *data)
{
    struct observation *o = step->observation;
    const json_t *reason = json_object_get(data, "stop_reason"),
                 *sequence = json_object_get(data, "stop_sequence_matched");
    if (json_is_string(reason)) {
        o->stop_reason = arena_copy(step->arena, jsontext_slice(reason));
        o->seen |= OBSERVED_STOP;
    }
    if (json_is_string(sequence))
        o->stop_sequence = arena_copy(step->arena, jsontext_slice(sequence));
}

/* An event that is no JSON object, and a token without a text, are called by no name of the wire:
   what expects the events of the wire must not pass over them. */
static bool is_malformed(const struct stream_event *event)
{
    return !json_is_object(event->json) ||
           (slice_is(event->name, "token") && !json_is_string(json_object_get(event->json, "t")));
}

static struct result execute_event(struct step *step, struct stream *stream,
                                   struct stream_event *event)
{
    const json_t *type = json_object_get(event->json, "type");
    if (json_is_string(type))
        event->name = arena_copy(step->arena, jsontext_slice(type));
    if (is_malformed(event))
        event->name = SLICE("malformed");
    if (slice_is(event->name, "token")) {
        const json_t *text = json_object_get(event->json, "t"),
                     *index = json_object_get(event->json, "i");
        TRY(stream_token(stream, jsontext_slice(text),
                         json_is_integer(index) ? json_integer_value(index) : -1, event->at));
    } else if (slice_is(event->name, "end")) {
        keep_end(step, event->json);
    } else if (slice_is(event->name, "error")) {
        step->observation->error = event->json;
        step->observation->seen |= event->json ? OBSERVED_ERROR : 0;
    }
    return RESULT_OK;
}

static bool has_terminal(const struct observation *o)
{
    for (size_t i = o->event_count; i > 0; i--)
        if (slice_is(o->events[i - 1].name, "end") || slice_is(o->events[i - 1].name, "error"))
            return true;
    return false;
}

/* An answer that is no stream is a refusal: its JSON is the error. */
static void keep_refusal(struct step *step)
{
    const char *fault;
    const json_t *body = observation_json(step->observation, &fault);
    if (body && step->observation->status >= 400) {
        step->observation->error = step->observation->body_json;
        step->observation->seen |= OBSERVED_ERROR;
    }
}

static void execute_done(struct step *step, const struct sse_notes *notes)
{
    if (!notes)
        keep_refusal(step);
    /* A stream that ended as it should and brought nothing has no tokens and an empty text: that
       was seen, and may be checked. */
    else if (has_terminal(step->observation))
        step->observation->seen |= OBSERVED_TEXT | OBSERVED_TOKENS;
}

static struct result execute_start(struct step *step)
{
    static const struct call_events events = {execute_event, execute_done};
    struct call_request request = {
        .method = "POST",
        .headers = node_get(step->config, "headers"),
        .content_type = "application/json",
        .body = build_body(step),
        .has_body = true,
    };
    TRY(step_url(step, node_string(node_get(step->config, "path"), SLICE("/execute")),
                 &request.url));
    return call_start(step, &request, &events);
}

const struct step_kind step_execute = {
    .name = "execute",
    .shape = &execute_shape,
    .yields = OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY | OBSERVED_EVENTS | OBSERVED_TEXT |
              OBSERVED_TOKENS | OBSERVED_STOP | OBSERVED_ERROR | OBSERVED_TIME |
              OBSERVED_STREAM_TIME | OBSERVED_MEMORY,
    .help = "Run a job on an LLM worker and read its event stream.",
    .example = "{ \"execute\": { \"prompt\": \"Write JSON\", \"max_tokens\": 100 }, \"expect\": { "
               "\"events\": \"started token* end\" } }",
    .needs_url = execute_needs_url,
    .title = execute_title,
    .start = execute_start,
    .cancel = call_cancel,
};
