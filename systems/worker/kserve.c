/*
 * KServe v2: routes, models, inference.
 */
#include "kserve.h"

#include "core/parse.h"
#include "kserve_tensor.h"

struct v2_call {
    struct worker *worker;
    struct exchange *ex;
    struct arena *arena; /* until the request is answered */
};

static void reply(struct v2_call *call, unsigned status, struct slice json)
{
    exchange_reply(call->ex, status, SLICE("application/json"), json);
}

static void refuse(struct v2_call *call, unsigned status, const char *message)
{
    struct text t = text_in(call->arena);
    text_add_str(&t, "{\"error\":");
    text_add_json(&t, slice_str(message));
    text_add_byte(&t, '}');
    reply(call, status, text_slice(&t));
}

/* ---- models ---- */

struct port {
    const char *name, *shape;
};

struct model {
    const char *name;
    struct port inputs[2], outputs[2];
    size_t input_count, output_count;
    /* `in` are the model's inputs in its order. */
    struct result (*run)(struct arena *arena, const struct tensor *const *in, struct tensors *out);
};

static struct result run_identity(struct arena *arena, const struct tensor *const *in,
                                  struct tensors *out)
{
    (void)arena;
    out->items[0] = *in[0];
    return RESULT_OK;
}

static struct tensor result_like(struct arena *arena, const struct tensor *like)
{
    struct tensor t = *like;
    t.bytes = slice_of(arena_alloc(arena, like->bytes.len + 1), like->bytes.len);
    return t;
}

static void add_one(const struct tensor *a, const struct tensor *b, size_t i, bool subtract,
                    const struct tensor *out)
{
    char *at = (char *)(uintptr_t)out->bytes.data + i * out->type->size;
    if (out->type->kind == DATATYPE_FLOAT) {
        double y = kserve_real(b, i);
        kserve_put_real(out->type, kserve_real(a, i) + (subtract ? -y : y), at);
    } else { /* integers wrap around */
        uint64_t y = kserve_bits(b, i);
        kserve_put_bits(out->type, kserve_bits(a, i) + (subtract ? 0 - y : y), at);
    }
}

static struct result run_add_sub(struct arena *arena, const struct tensor *const *in,
                                 struct tensors *out)
{
    const struct tensor *a = in[0], *b = in[1];
    enum datatype_kind kind = a->type->kind;
    ENSURE(kind == DATATYPE_FLOAT || kind == DATATYPE_SIGNED || kind == DATATYPE_UNSIGNED,
           ERR_VALUE, "add_sub takes whole numbers, FP32 and FP64, got %s", a->type->name);
    ENSURE(a->type == b->type && a->rank == b->rank &&
               memcmp(a->shape, b->shape, a->rank * sizeof(a->shape[0])) == 0,
           ERR_VALUE, "INPUT0 and INPUT1 must have one datatype and shape");
    for (size_t k = 0; k < 2; k++) {
        out->items[k] = result_like(arena, a);
        for (size_t i = 0; i < a->count; i++)
            add_one(a, b, i, k == 1, &out->items[k]);
    }
    return RESULT_OK;
}

static struct result run_linear(struct arena *arena, const struct tensor *const *in,
                                struct tensors *out)
{
    const struct tensor *x = in[0];
    ENSURE(x->type->kind == DATATYPE_FLOAT && x->rank == 2 && x->shape[1] > 0, ERR_VALUE,
           "linear takes FP32 or FP64 of shape [batch, features]");
    size_t rows = (size_t)x->shape[0], columns = (size_t)x->shape[1];
    char *values = arena_alloc(arena, rows * x->type->size + 1);
    for (size_t row = 0; row < rows; row++) {
        double y = 0.5;
        for (size_t i = 0; i < columns; i++)
            y += (double)(i + 1) * kserve_real(x, row * columns + i);
        kserve_put_real(x->type, y, values + row * x->type->size);
    }
    out->items[0] = (struct tensor){.type = x->type,
                                    .rank = 2,
                                    .shape = {(int64_t)rows, 1},
                                    .count = rows,
                                    .bytes = slice_of(values, rows * x->type->size)};
    return RESULT_OK;
}

static const struct model models[] = {
    {"identity", {{"INPUT0", "-1"}}, {{"OUTPUT0", "-1"}}, 1, 1, run_identity},
    {"add_sub",
     {{"INPUT0", "-1"}, {"INPUT1", "-1"}},
     {{"OUTPUT0", "-1"}, {"OUTPUT1", "-1"}},
     2,
     2,
     run_add_sub},
    {"linear", {{"x", "-1,-1"}}, {{"y", "-1,1"}}, 1, 1, run_linear},
};

static const struct model *find_model(struct slice name)
{
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (slice_is(name, models[i].name))
            return &models[i];
    return NULL;
}

static void add_ports(struct text *t, const char *member, const struct port *ports, size_t count)
{
    text_printf(t, ",\"%s\":[", member);
    for (size_t i = 0; i < count; i++)
        text_printf(t, "%s{\"name\":\"%s\",\"datatype\":\"FP32\",\"shape\":[%s]}", i ? "," : "",
                    ports[i].name, ports[i].shape);
    text_add_byte(t, ']');
}

static void show_model(struct v2_call *call, const struct model *model)
{
    struct text t = text_in(call->arena);
    text_printf(&t, "{\"name\":\"%s\",\"versions\":[\"1\"],\"platform\":\"assay\"", model->name);
    add_ports(&t, "inputs", model->inputs, model->input_count);
    add_ports(&t, "outputs", model->outputs, model->output_count);
    text_add_byte(&t, '}');
    reply(call, 200, text_slice(&t));
}

/* ---- inference ---- */

struct inference {
    const struct model *model;
    const json_t *body;
    struct tensors in, out;
    const struct tensor *ordered[2];
    bool wanted[2], binary[2]; /* of each output */
};

/* The JSON and the binary data behind it, which a header tells apart. */
static struct result split_body(struct v2_call *call, struct slice *json, struct slice *binary)
{
    struct slice length;
    uint64_t len = call->ex->body.len;
    if (http_header_find(call->ex->headers, SLICE("Inference-Header-Content-Length"), &length))
        ENSURE(result_ok(parse_unsigned(length, call->ex->body.len, &len)), ERR_VALUE,
               "Inference-Header-Content-Length is no length within the body");
    *json = slice_part(call->ex->body, 0, len);
    *binary = slice_from(call->ex->body, len);
    return RESULT_OK;
}

static struct result order_inputs(struct inference *run)
{
    const struct model *model = run->model;
    for (size_t i = 0; i < model->input_count; i++) {
        for (size_t k = 0; k < run->in.count && !run->ordered[i]; k++)
            if (slice_is(run->in.items[k].name, model->inputs[i].name))
                run->ordered[i] = &run->in.items[k];
        ENSURE(run->ordered[i], ERR_VALUE, "model '%s' needs the input '%s'", model->name,
               model->inputs[i].name);
    }
    ENSURE(run->in.count == model->input_count, ERR_VALUE,
           "model '%s' has %zu inputs, the request %zu", model->name, model->input_count,
           run->in.count);
    return RESULT_OK;
}

static bool flag(const json_t *object, const char *name, bool otherwise)
{
    const json_t *value = json_object_get(json_object_get(object, "parameters"), name);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static struct result read_outputs(struct inference *run)
{
    const json_t *outputs = json_object_get(run->body, "outputs");
    bool all_binary = flag(run->body, "binary_data_output", false);
    const struct model *model = run->model;
    ENSURE(!outputs || json_is_array(outputs), ERR_VALUE, "expected outputs to be an array");
    for (size_t i = 0; i < model->output_count; i++) {
        run->wanted[i] = json_array_size(outputs) == 0;
        run->binary[i] = all_binary;
    }
    for (size_t k = 0; k < json_array_size(outputs); k++) {
        const json_t *output = json_array_get(outputs, k), *name = json_object_get(output, "name");
        size_t i = 0;
        while (i < model->output_count &&
               !(json_is_string(name) && slice_is(jsontext_slice(name), model->outputs[i].name)))
            i++;
        ENSURE(i < model->output_count, ERR_VALUE, "model '%s' has no output of the name asked for",
               model->name);
        run->wanted[i] = true;
        run->binary[i] = flag(output, "binary_data", all_binary);
    }
    return RESULT_OK;
}

static struct result write_answer(struct v2_call *call, struct inference *run, struct text *json,
                                  struct text *binary)
{
    const json_t *id = json_object_get(run->body, "id");
    text_printf(json, "{\"model_name\":\"%s\",\"model_version\":\"1\"", run->model->name);
    if (id) {
        ENSURE(json_is_string(id), ERR_VALUE, "expected id to be a string");
        text_add_str(json, ",\"id\":");
        text_add_json(json, jsontext_slice(id));
    }
    text_add_str(json, ",\"outputs\":[");
    bool first = true;
    for (size_t i = 0; i < run->model->output_count; i++) {
        if (!run->wanted[i])
            continue;
        run->out.items[i].name = slice_str(run->model->outputs[i].name);
        text_add_str(json, first ? "" : ",");
        first = false;
        TRY(kserve_write(&run->out.items[i], json, run->binary[i] ? binary : NULL));
    }
    text_add_str(json, "]}");
    (void)call;
    return RESULT_OK;
}

static struct result infer(struct v2_call *call, const struct model *model, struct text *json,
                           struct text *binary)
{
    struct inference run = {.model = model};
    struct slice text, tail;
    json_t *body;
    TRY(split_body(call, &text, &tail));
    TRY(jsontext_read_in(call->arena, text, &body));
    ENSURE(json_is_object(body), ERR_VALUE, "expected an object, got %s", jsontext_type(body));
    run.body = body;
    TRY(kserve_read(call->arena, json_object_get(body, "inputs"), &tail, &run.in));
    TRY(order_inputs(&run));
    TRY(read_outputs(&run));
    TRY(model->run(call->arena, run.ordered, &run.out));
    return write_answer(call, &run, json, binary);
}

static void answer_inference(struct v2_call *call, const struct model *model)
{
    struct text json = text_in(call->arena), binary = text_in(call->arena);
    if (!result_ok(infer(call, model, &json, &binary))) {
        refuse(call, 400, error_last()->text);
        return;
    }
    if (binary.len == 0) {
        reply(call, 200, text_slice(&json));
        return;
    }
    const char *length = arena_printf(call->arena, "%zu", json.len);
    struct result added =
        exchange_header(call->ex, SLICE("Inference-Header-Content-Length"), slice_str(length));
    MUST(result_ok(added), "a header of ours");
    text_add(&json, text_slice(&binary));
    exchange_reply(call->ex, 200, SLICE("application/octet-stream"), text_slice(&json));
}

/* ---- routes ---- */

static bool require_method(struct v2_call *call, const char *method)
{
    struct slice got = slice_is(call->ex->method, "HEAD") ? SLICE("GET") : call->ex->method;
    if (slice_is(got, method))
        return true;
    refuse(call, 405, arena_printf(call->arena, "this path takes %s only", method));
    return false;
}

static void show_server(struct v2_call *call)
{
    reply(call, 200,
          SLICE("{\"name\":\"assay-worker\",\"version\":\"1\","
                "\"extensions\":[\"binary_tensor_data\"]}"));
}

static void show_health(struct v2_call *call, const char *word, bool well)
{
    reply(call, well ? 200 : 503,
          slice_str(arena_printf(call->arena, "{\"%s\":%s}", word, well ? "true" : "false")));
}

/* NAME[/versions/1][/ready|/infer] */
static void model_request(struct v2_call *call, struct slice rest)
{
    struct slice name = {0}, part = {0};
    slice_split(&rest, '/', &name);
    const struct model *model = find_model(name);
    struct slice shown = text_shown(call->arena, name, 200);
    if (!model) {
        refuse(call, 404,
               arena_printf(call->arena,
                            "unknown model '%.*s'; there are identity, add_sub, linear",
                            SLICE_ARG(shown)));
        return;
    }
    bool more = slice_split(&rest, '/', &part);
    if (more && slice_is(part, "versions")) {
        if (!slice_split(&rest, '/', &part) || !slice_is(part, "1")) {
            refuse(call, 404,
                   arena_printf(call->arena, "model '%s' has version 1 only", model->name));
            return;
        }
        more = slice_split(&rest, '/', &part);
    }
    bool last = rest.len == 0;
    if (!more) {
        if (require_method(call, "GET"))
            show_model(call, model);
    } else if (last && slice_is(part, "ready")) {
        if (require_method(call, "GET"))
            reply(call, 200,
                  slice_str(
                      arena_printf(call->arena, "{\"name\":\"%s\",\"ready\":true}", model->name)));
    } else if (last && slice_is(part, "infer")) {
        if (require_method(call, "POST"))
            answer_inference(call, model);
    } else {
        refuse(call, 404, "there is nothing here");
    }
}

static void dispatch(struct v2_call *call)
{
    struct slice path = call->ex->path;
    const struct worker *w = call->worker;
    if (slice_is(path, "/v2") || slice_is(path, "/v2/")) {
        if (require_method(call, "GET"))
            show_server(call);
    } else if (slice_is(path, "/v2/health/live")) {
        if (require_method(call, "GET"))
            show_health(call, "live", true);
    } else if (slice_is(path, "/v2/health/ready")) {
        if (require_method(call, "GET"))
            show_health(call, "ready", !worker_draining(w) && !w->starting);
    } else if (worker_draining(w)) {
        refuse(call, 503, "the server is shutting down");
    } else if (slice_starts(path, SLICE("/v2/models/"))) {
        model_request(call, slice_from(path, strlen("/v2/models/")));
    } else {
        refuse(call, 404, "there is nothing here");
    }
}

void kserve_request(struct worker *w, struct exchange *ex)
{
    struct v2_call call = {.worker = w, .ex = ex, .arena = arena_new()};
    dispatch(&call);
    arena_free(call.arena);
}
