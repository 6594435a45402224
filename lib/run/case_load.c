/*
 * A request is what the case's step would send, and its answer what the step would make of the
 * bytes that came (step/call.h, struct call_wire): nothing about a kind of step is known here but
 * how its answers are read on the way.
 */
#include "run/case_load.h"

#include "check/check.h"
#include "check/question.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/text.h"
#include "net/http.h"
#include "run/given.h"
#include "run/scope.h"
#include "step/call.h"
#include "step/kinds.h"
#include "step/models.h"

/* Of a case with generated values, so many examples are asked at most. */
#define EXAMPLES_MOST 1000

struct item {
    const struct plan_case *pc;
    const struct node *node;     /* its step, filled … */
    const struct node *config;   /* … and the value of its kind's key */
    const struct node *settings; /* of models, filled */
    struct slice base_url;
    struct models *models;
};

struct case_load {
    struct arena *arena;
    struct stock stock;
    struct item *items; /* one for each of the stock */
};

struct case_load *case_load_new(void)
{
    struct case_load *load = NEW(struct case_load);
    load->arena = arena_new();
    return load;
}

void case_load_free(struct case_load *load)
{
    if (!load)
        return;
    arena_free(load->arena);
    mem_free(load);
}

void case_load_free_pointer(struct case_load **load)
{
    case_load_free(*load);
}

/* ── which cases ── */

/* How answers of a kind of step are read while the load goes on. */
static bool api_of(const struct step_kind *kind, enum target_api *api)
{
    const struct {
        const struct step_kind *kind;
        enum target_api api;
    } apis[] = {{&step_http, TARGET_HTTP},   {&step_execute, TARGET_EXECUTE},
                {&step_chat, TARGET_CHAT},   {&step_complete, TARGET_COMPLETE},
                {&step_embed, TARGET_EMBED}, {&step_infer, TARGET_INFER}};
    for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
        if (apis[i].kind != kind)
            continue;
        *api = apis[i].api;
        return true;
    }
    return false;
}

const char *case_load_unfit(struct arena *arena, const struct plan_case *pc)
{
    enum target_api api = TARGET_HTTP;
    if (pc->skip)
        return arena_printf(arena, "it is skipped: %s", pc->skip);
    if (pc->step_count != 1)
        return arena_printf(arena, "it has %zu steps", pc->step_count);
    const struct plan_step *step = &pc->steps[0];
    const struct node *expect = node_get(step->node, "expect"),
                      *status = node_get(expect, "status");
    if (!api_of(step->kind, &api))
        return arena_printf(arena, "a step %s is no request", step->kind->name);
    if (pc->need_count)
        return "it needs another case";
    if (node_get(step->node, "until"))
        return "it waits for something (until)";
    if (step->during_count)
        return "other steps run during it";
    if (node_boolean(node_get(node_get(step->node, step->kind->name), "follow"), false))
        return "it follows redirects";
    if (questions_expected(expect, false))
        return "its checks ask a judge or a program";
    if (node_get(expect, "memory"))
        return "its check memory is only for `assay run`";
    if (status && status->kind == NODE_INTEGER && status->integer >= 300)
        return arena_printf(arena, "it expects status %lld, which is an error to a load",
                            (long long)status->integer);
    return NULL;
}

/* ── requests ── */

struct writing {
    struct case_load *load;
    const struct target *target;
    struct buf buf;
};

static void never(struct step *step, struct result result)
{
    (void)step;
    (void)result;
}

static struct step step_of(const struct item *item, struct arena *arena, struct call_wire *wire)
{
    struct observation *o = ARENA_NEW(arena, struct observation);
    o->arena = arena;
    return (struct step){
        .kind = item->pc->steps[0].kind,
        .config = item->config,
        .arena = arena,
        .observation = o,
        .base_url = item->base_url,
        .folder = slice_str(item->pc->suite->folder),
        .finished = never,
        .models = item->models,
        .model_settings = item->settings,
        .tries = 1,
        .timed = true, /* no kept answers */
        .wire = wire,
    };
}

/* The path and query of a URL at the target. */
static struct result path_of(const struct writing *w, const struct item *item, struct slice url,
                             struct slice *path)
{
    ptrdiff_t scheme = slice_find(url, SLICE("://"));
    struct slice rest = slice_from(url, scheme < 0 ? 0 : (size_t)scheme + 3);
    struct slice where = slice_str(w->target->where);
    bool here =
        slice_starts(rest, where) && (rest.len == where.len || strchr("/?#", rest.data[where.len]));
    if (!here)
        return error_at(ERR_USAGE, item->pc->at,
                        "the case goes to %.*s and the load to %s: one load is of one service",
                        SLICE_ARG(url), w->target->where);
    *path = slice_from(rest, where.len);
    ptrdiff_t fragment = slice_find_byte(*path, '#');
    if (fragment >= 0)
        path->len = (size_t)fragment;
    if (path->len == 0)
        *path = SLICE("/");
    return RESULT_OK;
}

static struct result write_wire(struct writing *w, const struct item *item,
                                const struct call_wire *wire)
{
    struct slice path = {0};
    bool has_host = false;
    TRY(path_of(w, item, wire->request.url, &path));
    buf_clear(&w->buf);
    TRY(http_write_request(&w->buf, slice_str(wire->request.method), path));
    for (size_t i = 0; i < wire->header_count; i++) {
        has_host = has_host || slice_eq_nocase(wire->headers[i].name, SLICE("host"));
        TRY(http_write_header(&w->buf, wire->headers[i].name, wire->headers[i].value));
    }
    if (!has_host)
        TRY(http_write_header(&w->buf, SLICE("Host"), slice_str(w->target->where)));
    if (wire->request.has_body)
        TRY(http_write_length(&w->buf, wire->request.body.len));
    TRY(http_write_head_end(&w->buf));
    return buf_append(&w->buf, wire->request.body);
}

static bool asks_for_stream(struct arena *arena, struct slice body)
{
    json_t *json = NULL;
    return result_ok(jsontext_read_in(arena, body, &json)) &&
           json_is_true(json_object_get(json, "stream"));
}

/* Where a body has a job's number that the step made up, of which every request needs another: the
 * last digits of its UUID, as many as TARGET_SERIAL. 0: nowhere. */
static size_t serial_in(const struct item *item, struct slice body)
{
    const struct slice key = SLICE("\"job_id\":\"");
    bool made_up = item->pc->steps[0].kind == &step_execute && !node_get(item->config, "job_id");
    ptrdiff_t at = made_up ? slice_find(body, key) : -1;
    _Static_assert(TARGET_SERIAL < UUID_TEXT - 1, "a UUID has room for it");
    return at < 0 ? 0 : (size_t)at + key.len + UUID_TEXT - 1 - TARGET_SERIAL;
}

/* How the answers of an item are read; items that are read alike share it. */
static const struct target *reading(struct writing *w, const struct item *item,
                                    const struct call_wire *wire)
{
    struct arena *arena = w->load->arena;
    struct target like = *w->target;
    bool known = api_of(item->pc->steps[0].kind, &like.api);
    MUST(known, "a step %s", item->pc->steps[0].kind->name);
    like.stream =
        like.api == TARGET_EXECUTE || ((like.api == TARGET_CHAT || like.api == TARGET_COMPLETE) &&
                                       asks_for_stream(arena, wire->request.body));
    like.head = strcmp(wire->request.method, "HEAD") == 0;
    like.serial_at = serial_in(item, wire->request.body);
    w->load->stock.serials = w->load->stock.serials || like.serial_at;
    for (uint32_t i = 0; i < w->load->stock.count; i++) {
        const struct target *other = w->load->stock.items[i].target;
        if (other->api == like.api && other->stream == like.stream && other->head == like.head &&
            other->serial_at == like.serial_at)
            return other;
    }
    struct target *own = ARENA_NEW(arena, struct target);
    *own = like;
    return own;
}

static struct result write_item(struct writing *w, const struct item *item)
{
    struct case_load *load = w->load;
    struct call_wire wire = {0};
    struct step *step = ARENA_NEW(load->arena, struct step);
    struct stock_item one = {0};
    *step = step_of(item, load->arena, &wire);
    TRY(step->kind->start(step));
    TRY(write_wire(w, item, &wire));
    one.wire = arena_copy(load->arena, buf_slice(&w->buf));
    one.body_at = w->buf.len - wire.request.body.len;
    one.target = reading(w, item, &wire);
    ARENA_GROW(load->arena, load->stock.items, load->stock.count);
    ARENA_GROW(load->arena, load->items, load->stock.count);
    load->items[load->stock.count] = *item;
    load->stock.items[load->stock.count++] = one;
    load->stock.bytes += one.wire.len;
    if (one.wire.len > load->stock.longest)
        load->stock.longest = one.wire.len;
    ENSURE(load->stock.bytes <= LIMIT_LOAD_WRITTEN_BYTES && load->stock.count <= LIMIT_LOAD_INPUTS,
           ERR_TOO_LARGE, "the requests of these cases take too much memory: choose some of them");
    return RESULT_OK;
}

/* One example of a case, or all there is of it. */
static struct result write_example(struct writing *w, const struct case_load_source *source,
                                   struct models *models, const json_t *values)
{
    struct arena *arena = w->load->arena;
    struct plan_case no_services = *source->pc;
    no_services.service_count = 0; /* what they say is filled in already */
    struct scope scope = scope_new(arena, &no_services, NULL, 1, 0, values);
    struct item item = {
        .pc = source->pc, .base_url = source->base_url, .models = models, .node = source->node};
    const struct step_kind *kind = source->pc->steps[0].kind;
    TRY(scope_fill(&scope, source->node, &item.node));
    item.config = shape_convert(arena, kind->shape, node_get(item.node, kind->name));
    struct diagnostics d = diagnostics_in(arena);
    shape_check(kind->shape, item.config, &d);
    TRY(diagnostics_result(&d));
    TRY(scope_fill(&scope, source->pc->suite->models, &item.settings));
    return write_item(w, &item);
}

static struct result write_case(struct writing *w, const struct case_load_source *source,
                                uint64_t seed)
{
    const struct plan_case *pc = source->pc;
    struct arena *arena = w->load->arena;
    struct models_options options = {.settings = pc->suite->models, .cache = MODELS_CACHE_OFF};
    struct models *models = models_new(arena, &options);
    uint32_t count = pc->examples < EXAMPLES_MOST ? pc->examples : EXAMPLES_MOST;
    if (!pc->given)
        return write_example(w, source, models, NULL);
    for (uint32_t i = 0; i < count; i++)
        TRY(write_example(w, source, models, given_example(arena, pc->given, seed, i)));
    return RESULT_OK;
}

struct result case_load_write(struct case_load *load, const struct target *target,
                              const struct case_load_source *sources, size_t count, uint64_t seed)
{
    struct writing w = {load, target, buf_limited(LIMIT_LOAD_REQUEST_BYTES)};
    struct result result = RESULT_OK;
    load->stock = (struct stock){.target = target, .order = STOCK_FILE, .seed = seed, .turns = 1};
    for (size_t i = 0; i < count && result_ok(result); i++) {
        result = write_case(&w, &sources[i], seed);
        if (!result_ok(result) && !error_last()->place.source) {
            const char *why = arena_string(load->arena, slice_str(error_last()->text));
            result = error_at(result.code, sources[i].pc->at, "%s", why);
        }
    }
    buf_free(&w.buf);
    return result;
}

const struct stock *case_load_stock(const struct case_load *load)
{
    return &load->stock;
}

/* ── checks ── */

static struct call_answer answer_of(struct arena *arena, const struct inspected *kept)
{
    struct slice lines = buf_slice(&kept->head), body = buf_slice(&kept->body);
    struct header *headers = ARENA_ARRAY(arena, struct header, LIMIT_HTTP_HEADERS);
    struct call_piece *pieces = ARENA_ARRAY(arena, struct call_piece, kept->piece_count + 1);
    struct http_header header;
    size_t count = 0;
    while (count < LIMIT_HTTP_HEADERS && http_header_next(&lines, &header))
        headers[count++] = (struct header){header.name, header.value};
    for (uint32_t i = 0; i < kept->piece_count; i++) {
        pieces[i] =
            (struct call_piece){slice_part(body, 0, kept->pieces[i].len), kept->pieces[i].at};
        body = slice_from(body, kept->pieces[i].len);
    }
    return (struct call_answer){.status = kept->status,
                                .headers = headers,
                                .header_count = count,
                                .intended = kept->intended,
                                .sent = kept->sent,
                                .connected = kept->connected,
                                .first_byte = kept->first_byte,
                                .ended = kept->end,
                                .pieces = pieces,
                                .piece_count = kept->piece_count};
}

/* How a step with an answer ended. */
struct ending {
    bool over;
    struct result result;
    const char *text;
};

static void on_finished(struct step *step, struct result result)
{
    struct ending *ending = step->owner;
    ending->over = true;
    ending->result = result;
    if (!result_ok(result))
        ending->text = arena_string(step->arena, slice_str(error_last()->text));
}

/* "ID: CHECK: what", as much of it as there is room for. */
static bool tell(const struct item *item, const char *check, const char *what,
                 char why[INSPECT_WHY])
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_add(&t, text_shown(arena, item->pc->id, INSPECT_WHY / 3));
    text_printf(&t, ": %s%s%s", check, *check ? ": " : "", what);
    struct slice shown = text_shown(arena, text_slice(&t), INSPECT_WHY - 8);
    size_t len = shown.len < INSPECT_WHY - 1 ? shown.len : INSPECT_WHY - 1;
    memcpy(why, shown.data, len);
    why[len] = '\0';
    return false;
}

static bool check_answer(void *context, const struct inspected *kept, char why[INSPECT_WHY])
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct case_load *load = context;
    const struct item *item = &load->items[kept->item];
    const struct node *expect = node_get(item->node, "expect");
    struct call_answer answer = answer_of(arena, kept);
    struct call_wire wire = {.answer = &answer};
    struct step step = step_of(item, arena, &wire);
    struct ending ending = {0};
    step.owner = &ending;
    step.finished = on_finished;
    if (kept->cut)
        return tell(item, "", "the answer was too long to be looked into", why);
    struct result result = step.kind->start(&step);
    if (!result_ok(result))
        return tell(item, "", error_last()->text, why);
    if (ending.over && !result_ok(ending.result))
        return tell(item, "", ending.text, why);
    struct verdicts verdicts = verdicts_in(arena);
    if (expect)
        check_run(step.observation, expect, &verdicts);
    for (const struct verdict *v = verdicts.first; v; v = v->next)
        if (!v->passed)
            return tell(item, v->check, v->message ? v->message : "", why);
    return true;
}

struct inspection case_load_inspection(struct case_load *load, double share)
{
    return (struct inspection){.share = share, .check = check_answer, .context = load};
}
