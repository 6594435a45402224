/*
 * Answers of OpenAI's form. A token of a stream is a handful of appends to the turn's buffer; a
 * whole answer grows in a buffer of its own and leaves at the end.
 */
#include "openai_answer.h"

#include "core/memory.h"
#include "core/random.h"
#include "core/text.h"
#include "net/server.h"
#include "stub.h"

/* A text without max_tokens ends by itself after 16 to 63 tokens. */
#define NATURAL_MIN 16
#define NATURAL_SPREAD 48

/* 128 choices of 2048 tokens with 20 alternatives each would be 400 MiB of log probabilities. */
#define WHOLE_BYTES_MAX (512u << 20)

enum piece_kind { PIECE_TEXT, PIECE_CALL };

/* One generation's part of a choice. */
struct piece {
    enum piece_kind kind;
    bool first, last, scripted, natural;
    size_t choice;
    size_t call; /* PIECE_CALL: which */
};

/* The arrays of a completion's log probabilities; chat has the first only. */
enum { LIST_TOKENS, LIST_PROBABILITIES, LIST_TOP, LIST_OFFSETS, LIST_COUNT };

struct openai_answer {
    struct arena *arena;
    struct openai_request request;
    const struct engine *engine;
    uint32_t tokens_max;
    struct slice id;
    struct slice head;   /* of every chunk, up to the choices; or of the whole answer */
    struct slice prompt; /* for the engine, of this piece */
    size_t next_choice, next_call;
    struct piece piece;
    uint64_t prompt_tokens, tokens; /* tokens: of all choices */
    uint32_t choice_tokens;
    size_t choice_characters;
    const char *finish_reason; /* of the choice, when it is over */
    bool failed;
    struct openai_error error;
    struct buf whole;
    struct buf lists[LIST_COUNT];
};

/* The ceilings are beyond what a request can make us say. */
static void add(struct buf *out, struct slice bytes)
{
    struct result added = buf_append(out, bytes);
    MUST(result_ok(added), "%zu bytes more than %zu", bytes.len, out->max);
}

#define ADD(out, literal) add((out), SLICE(literal))

static void add_str(struct buf *out, const char *text)
{
    add(out, slice_str(text));
}

static void add_number(struct buf *out, unsigned long long number)
{
    char digits[24];
    add(out, slice_of(digits, (size_t)snprintf(digits, sizeof(digits), "%llu", number)));
}

/* ---- log probabilities, made up: the same for the same token at the same place ---- */

static double probability_of(struct slice token, size_t at)
{
    return -(double)((slice_hash(token) + at * 7919) % 2000) / 1000;
}

static void add_scored(struct buf *out, struct slice token, double probability)
{
    char number[32];
    ADD(out, "{\"token\":\"");
    frame_escaped(out, token);
    snprintf(number, sizeof(number), "\",\"logprob\":%.3f", probability);
    add_str(out, number);
    ADD(out, ",\"bytes\":[");
    for (size_t i = 0; i < token.len; i++) {
        if (i)
            ADD(out, ",");
        add_number(out, (unsigned char)token.data[i]);
    }
    ADD(out, "]");
}

/* The i-th likeliest token in this place: the one that came, then letters that it is not. */
static struct slice alternative(struct slice token, int64_t i)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    if (i == 0)
        return token;
    bool one = token.len == 1 && token.data[0] >= 'a' && token.data[0] < 'a' + i;
    return slice_of(letters + i - 1 + one, 1);
}

static void score_for_chat(struct openai_answer *a, struct slice token)
{
    struct buf *out = &a->lists[LIST_TOKENS];
    double probability = probability_of(token, a->choice_tokens);
    if (out->len)
        ADD(out, ",");
    add_scored(out, token, probability);
    ADD(out, ",\"top_logprobs\":[");
    for (int64_t i = 0; i < a->request.top_logprobs; i++) {
        if (i)
            ADD(out, ",");
        add_scored(out, alternative(token, i), probability - 0.5 * (double)i);
        ADD(out, "}");
    }
    ADD(out, "]}");
}

static void score_for_completion(struct openai_answer *a, struct slice token)
{
    char number[32];
    double probability = probability_of(token, a->choice_tokens);
    for (size_t i = 0; a->lists[LIST_TOKENS].len && i < LIST_COUNT; i++)
        ADD(&a->lists[i], ",");
    ADD(&a->lists[LIST_TOKENS], "\"");
    frame_escaped(&a->lists[LIST_TOKENS], token);
    ADD(&a->lists[LIST_TOKENS], "\"");
    snprintf(number, sizeof(number), "%.3f", probability);
    add_str(&a->lists[LIST_PROBABILITIES], number);
    add_number(&a->lists[LIST_OFFSETS], a->choice_characters);
    struct buf *top = &a->lists[LIST_TOP];
    ADD(top, "{");
    for (int64_t i = 0; i < a->request.top_logprobs; i++) {
        add_str(top, i ? ",\"" : "\"");
        frame_escaped(top, alternative(token, i));
        snprintf(number, sizeof(number), "\":%.3f", probability - 0.5 * (double)i);
        add_str(top, number);
    }
    ADD(top, "}");
}

static void score(struct openai_answer *a, struct slice token)
{
    if (!a->request.logprobs || a->piece.kind != PIECE_TEXT)
        return;
    if (a->request.form == OPENAI_CHAT)
        score_for_chat(a, token);
    else
        score_for_completion(a, token);
}

/* Write what was gathered as the value of "logprobs", and forget it. */
static void add_logprobs(struct openai_answer *a, struct buf *out)
{
    static const char *const names[] = {"{\"tokens\":[", "],\"token_logprobs\":[",
                                        "],\"top_logprobs\":[", "],\"text_offset\":["};
    bool chat = a->request.form == OPENAI_CHAT;
    ADD(out, ",\"logprobs\":");
    bool none = a->request.stream && a->lists[LIST_TOKENS].len == 0;
    if (!a->request.logprobs || a->piece.kind != PIECE_TEXT || none) {
        ADD(out, "null");
        return;
    }
    for (size_t i = 0; i < (chat ? 1 : LIST_COUNT); i++) {
        add_str(out, chat ? "{\"content\":[" : names[i]);
        add(out, buf_slice(&a->lists[i]));
        buf_clear(&a->lists[i]);
    }
    add_str(out, chat ? "],\"refusal\":null}" : "]}");
}

/* ---- chunks ---- */

static void begin_chunk(struct openai_answer *a, struct buf *out)
{
    add(out, a->head);
    ADD(out, "{\"index\":");
    add_number(out, a->piece.choice);
    add_str(out, a->request.form == OPENAI_CHAT ? ",\"delta\":{" : ",\"text\":\"");
}

static void end_chunk(struct openai_answer *a, struct buf *out, const char *finish_reason)
{
    add_str(out, a->request.form == OPENAI_CHAT ? "}" : "\"");
    add_logprobs(a, out);
    ADD(out, ",\"finish_reason\":");
    if (finish_reason) {
        ADD(out, "\"");
        add_str(out, finish_reason);
        ADD(out, "\"}]");
    } else {
        ADD(out, "null}]");
    }
    if (a->request.include_usage)
        ADD(out, ",\"usage\":null");
    ADD(out, "}\n\n");
}

static void add_usage(const struct openai_answer *a, struct buf *out)
{
    ADD(out, "\"usage\":{\"prompt_tokens\":");
    add_number(out, a->prompt_tokens);
    ADD(out, ",\"completion_tokens\":");
    add_number(out, a->tokens);
    ADD(out, ",\"total_tokens\":");
    add_number(out, a->prompt_tokens + a->tokens);
    ADD(out, "}");
}

/* The id of a call is as made up as the rest, and the same for the same request. */
static void add_call_opening(const struct openai_answer *a, struct buf *out)
{
    const struct openai_call *call = &a->request.calls[a->piece.call];
    char id[48];
    snprintf(id, sizeof(id), "\"id\":\"call_%016llx%zu%zu\"",
             (unsigned long long)(slice_hash(call->name) ^ slice_hash(a->request.prompts[0])),
             a->piece.choice, a->piece.call);
    add_str(out, id);
    ADD(out, ",\"type\":\"function\",\"function\":{\"name\":\"");
    frame_escaped(out, call->name);
    ADD(out, "\",\"arguments\":\"");
}

static void add_call_index(const struct openai_answer *a, struct buf *out)
{
    ADD(out, "\"tool_calls\":[{\"index\":");
    add_number(out, a->piece.call);
    ADD(out, ",");
}

/* What a stream says before the first token of a piece. */
static void open_streamed(struct openai_answer *a, struct buf *out)
{
    bool chat = a->request.form == OPENAI_CHAT;
    if (chat && a->piece.first) {
        begin_chunk(a, out);
        add_str(out, a->piece.kind == PIECE_CALL
                         ? "\"role\":\"assistant\",\"content\":null,\"refusal\":null"
                         : "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
        end_chunk(a, out, NULL);
    }
    if (a->piece.kind == PIECE_CALL) {
        begin_chunk(a, out);
        add_call_index(a, out);
        add_call_opening(a, out);
        ADD(out, "\"}}]");
        end_chunk(a, out, NULL);
    } else if (a->request.echo) {
        begin_chunk(a, out);
        frame_escaped(out, a->prompt);
        end_chunk(a, out, NULL);
    }
}

static void open_whole(struct openai_answer *a)
{
    struct buf *out = &a->whole;
    bool chat = a->request.form == OPENAI_CHAT;
    if (out->len == 0)
        add(out, a->head);
    if (a->piece.first) {
        add_str(out, a->piece.choice ? ",{\"index\":" : "{\"index\":");
        add_number(out, a->piece.choice);
        add_str(out, chat ? ",\"message\":{\"role\":\"assistant\",\"refusal\":null," : ",");
    }
    if (a->piece.kind == PIECE_CALL) {
        add_str(out, a->piece.first ? "\"content\":null,\"tool_calls\":[{" : ",{");
        add_call_opening(a, out);
    } else {
        add_str(out, chat ? "\"content\":\"" : "\"text\":\"");
        if (a->request.echo)
            frame_escaped(out, a->prompt);
    }
}

/* ---- the events of a generation ---- */

static void on_token(void *context, struct buf *out, struct slice text, uint32_t index)
{
    struct openai_answer *a = context;
    (void)index;
    score(a, text);
    a->tokens++;
    a->choice_tokens++;
    a->choice_characters += a->request.logprobs ? utf8_length(text) : 0;
    if (!a->request.stream) {
        frame_escaped(&a->whole, text);
        return;
    }
    begin_chunk(a, out);
    if (a->piece.kind == PIECE_CALL) {
        add_call_index(a, out);
        ADD(out, "\"function\":{\"arguments\":\"");
        frame_escaped(out, text);
        ADD(out, "\"}}]");
    } else if (a->request.form == OPENAI_CHAT) {
        ADD(out, "\"content\":\"");
        frame_escaped(out, text);
        ADD(out, "\"");
    } else {
        frame_escaped(out, text);
    }
    end_chunk(a, out, NULL);
}

static void on_error(void *context, struct buf *out, const char *code, struct slice message)
{
    struct openai_answer *a = context;
    a->failed = true;
    a->error = (struct openai_error){.status = 500,
                                     .message = arena_string(a->arena, message),
                                     .type = "server_error",
                                     .code = code};
    if (!a->request.stream)
        return;
    ADD(out, "data: ");
    add(out, openai_error_json(a->arena, &a->error));
    ADD(out, "\n\n");
}

static void close_choice(struct openai_answer *a, struct buf *out)
{
    bool chat = a->request.form == OPENAI_CHAT;
    if (a->request.stream) {
        begin_chunk(a, out);
        end_chunk(a, out, a->finish_reason);
        return;
    }
    out = &a->whole;
    if (a->piece.kind == PIECE_CALL)
        ADD(out, "]}");
    else
        add_str(out, chat ? "}" : "");
    add_logprobs(a, out);
    ADD(out, ",\"finish_reason\":\"");
    add_str(out, a->finish_reason);
    ADD(out, "\"}");
}

static void on_end(void *context, struct buf *out, const struct end_event *end)
{
    struct openai_answer *a = context;
    bool cut = end->reason == REASON_MAX_TOKENS && !a->piece.natural;
    if (end->reason == REASON_CANCELLED) {
        on_error(a, out, "cancelled", SLICE("The request was cancelled."));
        return;
    }
    if (!a->request.stream)
        add_str(&a->whole, a->piece.kind == PIECE_CALL ? "\"}}" : "\"");
    if (!cut && !a->piece.last)
        return;
    a->finish_reason = cut ? "length" : a->piece.kind == PIECE_CALL ? "tool_calls" : "stop";
    close_choice(a, out);
}

/* ---- the order of pieces ---- */

static bool advance(struct openai_answer *a)
{
    const struct openai_request *r = &a->request;
    if (a->finish_reason) {
        a->finish_reason = NULL;
        a->next_choice++;
        a->next_call = 0;
    }
    if (a->failed || a->next_choice == r->prompt_count * (size_t)r->n)
        return false;
    bool calls = r->call_count > 0;
    a->piece = (struct piece){
        .kind = calls ? PIECE_CALL : PIECE_TEXT,
        .choice = a->next_choice,
        .call = a->next_call,
        .first = a->next_call == 0,
        .last = !calls || a->next_call + 1 == r->call_count,
        .scripted = calls || r->json.data,
    };
    if (a->piece.first)
        a->choice_tokens = 0;
    a->next_call++;
    return true;
}

/* As the text itself, the same for every seed when it is greedy. */
static uint32_t natural_length(const struct openai_answer *a, uint64_t seed)
{
    if (a->request.temperature <= 0)
        seed = 0;
    return NATURAL_MIN + (uint32_t)((slice_hash(a->prompt) ^ seed * 31) % NATURAL_SPREAD);
}

bool openai_answer_next(struct openai_answer *a, struct generation_options *options,
                        struct buf *out)
{
    static const struct frames frames = {on_token, on_end, on_error};
    const struct openai_request *r = &a->request;
    if (!advance(a))
        return false;
    uint64_t seed = (uint64_t)r->seed + a->piece.choice % (size_t)r->n;
    uint32_t limit = r->max_tokens ? (uint32_t)r->max_tokens : a->tokens_max;
    a->prompt = r->prompts[a->piece.choice / (size_t)r->n];
    a->choice_characters = r->echo ? utf8_length(a->prompt) : 0;
    if (a->request.stream)
        open_streamed(a, out);
    else
        open_whole(a);
    a->piece.natural =
        !r->max_tokens && !a->piece.scripted && !slice_starts(a->prompt, SLICE("echo:"));
    struct slice said = a->prompt;
    if (a->piece.scripted)
        said = slice_str(arena_printf(a->arena, "echo:%.*s",
                                      SLICE_ARG(r->json.data && !r->call_count
                                                    ? r->json
                                                    : r->calls[a->piece.call].arguments)));
    options->engine = a->piece.scripted ? &stub_engine : a->engine;
    options->request = (struct engine_request){.prompt = said,
                                               .seed = seed,
                                               .temperature = (float)r->temperature,
                                               .top_p = (float)r->top_p,
                                               .repetition_penalty = 1};
    uint32_t left = limit > a->choice_tokens ? limit - a->choice_tokens : 1;
    options->max_tokens = a->piece.natural ? natural_length(a, seed) : left;
    if (options->max_tokens > left)
        options->max_tokens = left;
    options->stop = r->stop;
    options->stop_count = a->piece.kind == PIECE_CALL ? 0 : r->stop_count;
    options->frames = &frames;
    options->frames_context = a;
    return true;
}

/* ---- beginning and end ---- */

static struct slice write_head(struct openai_answer *a, struct slice model)
{
    static const char *const objects[2][2] = {
        [OPENAI_CHAT] = {"chat.completion", "chat.completion.chunk"},
        [OPENAI_COMPLETION] = {"text_completion", "text_completion"}};
    struct text t = text_in(a->arena);
    text_printf(&t, "%s{\"id\":\"%.*s\",\"object\":\"%s\",\"created\":%lld,\"model\":",
                a->request.stream ? "data: " : "", SLICE_ARG(a->id),
                objects[a->request.form][a->request.stream], (long long)(clock_wall() / NS_PER_S));
    text_add_json(&t, model);
    text_add_str(&t, ",\"system_fingerprint\":\"fp_assay\",\"choices\":[");
    return text_slice(&t);
}

struct openai_answer *openai_answer_new(struct arena *arena, const struct openai_request *request,
                                        const struct openai_model *model,
                                        const struct engine *engine)
{
    struct openai_answer *a = NEW(struct openai_answer);
    char id[UUID_TEXT];
    *a = (struct openai_answer){.arena = arena,
                                .request = *request,
                                .engine = engine,
                                .tokens_max = model->tokens_max,
                                .whole = buf_limited(WHOLE_BYTES_MAX)};
    a->id = slice_str(arena_printf(
        arena, "%s-%s", request->form == OPENAI_CHAT ? "chatcmpl" : "cmpl", random_uuid(id)));
    a->head = write_head(a, model->name);
    for (size_t i = 0; i < LIST_COUNT; i++)
        a->lists[i] = buf_limited(WHOLE_BYTES_MAX);
    for (size_t i = 0; i < request->prompt_count; i++)
        a->prompt_tokens += engine->prompt_tokens(request->prompts[i]);
    return a;
}

void openai_answer_free(struct openai_answer *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < LIST_COUNT; i++)
        buf_free(&a->lists[i]);
    buf_free(&a->whole);
    arena_free(a->arena);
    mem_free(a);
}

bool openai_answer_streams(const struct openai_answer *a)
{
    return a->request.stream;
}

struct slice openai_answer_id(const struct openai_answer *a)
{
    return a->id;
}

uint64_t openai_answer_prompt_tokens(const struct openai_answer *a)
{
    return a->prompt_tokens;
}

struct slice openai_answer_whole(struct openai_answer *a, unsigned *status)
{
    *status = a->failed ? a->error.status : 200;
    if (a->failed)
        return openai_error_json(a->arena, &a->error);
    ADD(&a->whole, "],");
    add_usage(a, &a->whole);
    ADD(&a->whole, "}");
    return buf_slice(&a->whole);
}

void openai_answer_finish(struct openai_answer *a, struct exchange *ex, struct buf *out)
{
    if (!a->request.stream) {
        unsigned status;
        struct slice body = openai_answer_whole(a, &status);
        exchange_reply(ex, status, SLICE("application/json"), body);
        return;
    }
    if (!a->failed && a->request.include_usage) {
        add(out, a->head);
        ADD(out, "],");
        add_usage(a, out);
        ADD(out, "}\n\n");
    }
    if (!a->failed)
        ADD(out, "data: [DONE]\n\n");
    if (out->len)
        exchange_write(ex, buf_slice(out));
    buf_clear(out);
    exchange_end(ex);
}
