/*
 * Writing requests from what is to be asked.
 */
#include "load/stock.h"

#include "core/limits.h"
#include "core/text.h"
#include "load/words.h"

const char *const stock_order_names[STOCK_ORDER_COUNT + 1] = {
#define X(code, name, what) name,
    STOCK_ORDER_TABLE(X)
#undef X
};

/* What a request is written from: one question, or those of a conversation. */
struct asked {
    const struct input *row;       /* what else is known of it; NULL: nothing */
    const struct input *says;      /* whose messages it has; NULL: it is made up */
    const char *path;              /* … from this file */
    uint32_t tokens;               /* … of so many tokens; 0: the target's prompt */
    uint32_t turns;                /* questions at most */
    const struct slice *questions; /* of the rows that follow: messages or texts */
    uint32_t question_count;
};

struct writing {
    struct arena *arena;
    struct arena *scratch; /* of one request */
    const struct target *target;
    const struct stock_options *with;
    struct stock *stock;
    struct slice prefix; /* what stands in front of all, escaped; empty: nothing */
    struct form *form;   /* the last one that was written, for … */
    struct slice model;
    uint32_t max_tokens;
    uint32_t at; /* the row of the prompts that comes next */
};

/* Odd and unlike the increment by which seeds are spread (core/random.c). */
#define APART 0xd1342543de82ef95u

struct random stock_random(uint64_t seed, uint64_t number, struct slice name)
{
    return random_for(seed + number * APART, name);
}

/* ------------------------------------------------------------------ texts */

static struct slice escaped(struct arena *arena, struct slice text)
{
    struct text t = text_in(arena);
    text_add_json(&t, text);
    return slice_part(text_slice(&t), 1, t.len - 2);
}

static struct slice message(struct arena *arena, const char *role, struct slice text)
{
    return slice_str(
        arena_printf(arena, "{\"role\":\"%s\",\"content\":\"%.*s\"}", role, SLICE_ARG(text)));
}

static struct slice made_up(struct arena *arena, uint32_t tokens, struct random random)
{
    struct text t = text_in(arena);
    words_add(&t, tokens, &random);
    return text_slice(&t);
}

/* Equal blocks are equal texts; the last is as long as is left. */
static struct slice of_blocks(const struct writing *w, struct arena *arena, const struct input *row)
{
    struct text t = text_in(arena);
    uint32_t left = row->tokens;
    for (uint32_t i = 0; i < row->block_count && left > 0; i++) {
        bool last = i + 1 == row->block_count;
        uint32_t count = left < INPUT_BLOCK_TOKENS || last ? left : INPUT_BLOCK_TOKENS;
        struct random random = stock_random(w->with->seed, row->blocks[i], SLICE("block"));
        if (t.len)
            text_add_byte(&t, ' ');
        words_add(&t, count, &random);
        left -= count;
    }
    return text_slice(&t);
}

/* What is asked when nobody has written it: escaped. */
static struct slice question(struct writing *w, struct arena *arena, const struct asked *a,
                             uint64_t number, struct slice name)
{
    if (!a->tokens)
        return escaped(arena, slice_str(w->target->prompt));
    return made_up(arena, a->tokens, stock_random(w->with->seed, number, name));
}

static void write_prefix(struct writing *w)
{
    const struct stock_options *o = w->with;
    struct text t = text_in(w->arena);
    if (o->system)
        text_add(&t, escaped(w->arena, slice_str(o->system)));
    if (o->system && o->shared_prefix)
        text_add_str(&t, "\\n\\n");
    if (o->shared_prefix)
        text_add(&t, made_up(w->arena, o->shared_prefix,
                             stock_random(o->seed, 0, SLICE("shared prefix"))));
    w->prefix = text_slice(&t);
}

/* ------------------------------------------------------------------ bodies */

static struct result has_text(const struct asked *a, const struct input_message *m)
{
    if (m->text.data)
        return RESULT_OK;
    return error_set(ERR_VALUE,
                     "%s:%u: this API is asked a text, and a message here is more than that: use "
                     "--api chat, or leave the row out",
                     a->path, a->says->line);
}

static void separate(const struct form *form, struct text *t, bool first)
{
    if (!first)
        text_add_str(t, form->messages ? "," : "\\n\\n");
}

static void add_one(const struct form *form, struct text *t, struct slice json, struct slice text)
{
    separate(form, t, t->len == 0);
    text_add(t, form->messages ? json : text);
}

/* The row's messages, the prefix in front of them: of a conversation, up to the first question. */
static struct result add_messages(const struct writing *w, const struct asked *a, struct text *t)
{
    const struct input *says = a->says;
    uint32_t i = 0;
    const struct input_message *first = &says->messages[0];
    bool system = !first->user && !first->assistant && first->text.data;
    if (w->prefix.len && system) { /* one system message, for templates that take only one */
        struct slice both = slice_str(arena_printf(w->scratch, "%.*s\\n\\n%.*s",
                                                   SLICE_ARG(w->prefix), SLICE_ARG(first->text)));
        add_one(w->form, t, message(w->scratch, "system", both), both);
        i = 1;
    } else if (w->prefix.len) {
        add_one(w->form, t, message(w->scratch, "system", w->prefix), w->prefix);
    }
    for (; i < says->message_count; i++) {
        const struct input_message *m = &says->messages[i];
        if (!w->form->messages)
            TRY(has_text(a, m));
        add_one(w->form, t, m->json, m->text);
        if (w->with->has_turns && m->user)
            break;
    }
    return RESULT_OK;
}

static void add_made_up(struct writing *w, const struct asked *a, uint64_t number, struct text *t)
{
    struct slice asks = a->row && a->row->block_count
                            ? of_blocks(w, w->scratch, a->row)
                            : question(w, w->scratch, a, number, SLICE("prompt"));
    if (w->prefix.len)
        add_one(w->form, t, message(w->scratch, "system", w->prefix), w->prefix);
    add_one(w->form, t, message(w->scratch, "user", asks), asks);
}

static void use_form(struct writing *w, struct slice model, uint32_t max_tokens)
{
    if (w->form && slice_eq(model, w->model) && max_tokens == w->max_tokens)
        return;
    w->form = ARENA_NEW(w->arena, struct form);
    *w->form = target_form(w->arena, w->target, model, max_tokens);
    w->model = model;
    w->max_tokens = max_tokens;
}

/* ------------------------------------------------------------------ conversations */

static void add_later(struct writing *w, struct stock_item *item, struct slice what)
{
    struct slice *later = (struct slice *)(uintptr_t)item->later;
    ARENA_GROW(w->arena, later, item->later_count);
    later[item->later_count++] = what;
    item->later = later;
}

/* Questions behind the first: the row's own, those of rows that follow, or made up. */
static struct result write_later(struct writing *w, const struct asked *a, uint64_t number,
                                 struct stock_item *item)
{
    bool first = true;
    for (uint32_t i = 0; a->says && i < a->says->message_count; i++) {
        const struct input_message *m = &a->says->messages[i];
        if (!m->user || item->later_count + 1 >= a->turns)
            continue;
        if (!first) {
            if (!w->form->messages)
                TRY(has_text(a, m));
            add_later(w, item, w->form->messages ? m->json : m->text);
        }
        first = false;
    }
    for (uint32_t i = 0; i < a->question_count && item->later_count + 1 < a->turns; i++)
        add_later(w, item, a->questions[i]);
    while (!a->says && item->later_count + 1 < a->turns) {
        struct slice name = slice_str(arena_printf(w->scratch, "turn %u", item->later_count));
        struct slice asks = question(w, w->arena, a, number, name);
        add_later(w, item, w->form->messages ? message(w->arena, "user", asks) : asks);
    }
    if (item->later_count + 1 > w->stock->turns)
        w->stock->turns = item->later_count + 1;
    return RESULT_OK;
}

/* ------------------------------------------------------------------ requests */

static struct result write_item(struct writing *w, const struct asked *a, uint64_t number,
                                struct buf *b, struct stock_item *item)
{
    const struct stock_options *o = w->with;
    uint32_t max_tokens = a->row ? a->row->max_tokens : 0;
    if (!max_tokens && a->says)
        max_tokens = a->says->max_tokens;
    if (!max_tokens && o->has_output_tokens) {
        struct random random = stock_random(o->seed, number, SLICE("output"));
        max_tokens = (uint32_t)distribution_draw(&o->output_tokens, &random);
    }
    use_form(w, a->says ? a->says->model : SLICE(""), max_tokens);
    struct text what = text_in(w->scratch), body = text_in(w->scratch);
    if (a->says)
        TRY(add_messages(w, a, &what));
    else
        add_made_up(w, a, number, &what);
    text_add(&body, w->form->before);
    text_add(&body, text_slice(&what));
    text_add(&body, w->form->after);
    buf_clear(b);
    TRY(target_request(w->target, text_slice(&body), b));
    item->wire = arena_copy(w->arena, buf_slice(b));
    item->body_at = b->len - body.len;
    item->form = w->form;
    if (b->len > w->stock->longest)
        w->stock->longest = b->len;
    w->stock->bytes += b->len;
    ENSURE(w->stock->bytes <= LIMIT_LOAD_WRITTEN_BYTES, ERR_TOO_LARGE,
           "the requests of this run take more than %u MiB: give fewer or shorter prompts (%s)",
           LIMIT_LOAD_WRITTEN_BYTES >> 20, o->trace ? "--duration" : "--distinct");
    return o->has_turns ? write_later(w, a, number, item) : RESULT_OK;
}

static uint32_t questions_of(const struct input *row)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < row->message_count; i++)
        count += row->messages[i].user;
    return count;
}

/* Rows that ask one thing each make the turns that are missing of a conversation. */
static struct result take_followers(struct writing *w, struct asked *a)
{
    const struct inputs *prompts = w->with->prompts;
    bool messages = target_form(w->scratch, w->target, SLICE(""), 0).messages;
    struct slice *all = NULL;
    while (a->question_count + 1 < a->turns && w->at < prompts->count &&
           questions_of(&prompts->items[w->at]) == 1) {
        const struct input *row = &prompts->items[w->at++];
        const struct input_message *m = row->messages;
        while (!m->user)
            m++;
        if (!messages)
            TRY(has_text(&(struct asked){.says = row, .path = prompts->path}, m));
        ARENA_GROW(w->scratch, all, a->question_count);
        all[a->question_count++] = messages ? m->json : m->text;
    }
    a->questions = all;
    return RESULT_OK;
}

/* A prompt of the file: the next, or with a trace any. */
static struct result take_prompt(struct writing *w, struct asked *a, uint32_t number)
{
    const struct inputs *prompts = w->with->prompts;
    bool next = !w->with->trace;
    const struct input *row = &prompts->items[next ? w->at : number % prompts->count];
    w->at += next;
    if (!row->message_count) {
        if (!a->row)
            a->row = row;
        a->tokens = row->tokens;
        return RESULT_OK;
    }
    a->says = row;
    a->path = prompts->path;
    return next && questions_of(row) == 1 ? take_followers(w, a) : RESULT_OK;
}

static struct result write_next(struct writing *w, uint32_t number, struct buf *b)
{
    const struct stock_options *o = w->with;
    struct asked a = {.turns = 1};
    struct random random = stock_random(o->seed, number, SLICE("turns"));
    if (o->has_turns)
        a.turns = (uint32_t)distribution_draw(&o->turns, &random);
    if (o->trace) {
        a.row = &o->trace->items[number];
        a.tokens = a.row->tokens;
        a.path = o->trace->path;
        if (a.row->message_count)
            a.says = a.row;
    }
    random = stock_random(o->seed, number, SLICE("prompt tokens"));
    if (!a.says && !a.tokens && o->prompts)
        TRY(take_prompt(w, &a, number));
    else if (!a.says && !a.tokens && o->has_prompt_tokens)
        a.tokens = (uint32_t)distribution_draw(&o->prompt_tokens, &random);
    ARENA_GROW(w->arena, w->stock->items, w->stock->count);
    return write_item(w, &a, number, b, &w->stock->items[w->stock->count++]);
}

/* So many that are all different; a file ends when its rows are used up. */
static uint32_t how_many(const struct stock_options *o)
{
    if (o->trace)
        return o->trace_count;
    if (o->prompts)
        return o->prompts->count;
    bool vary = o->has_prompt_tokens || (o->has_output_tokens && o->output_tokens.kind) ||
                (o->has_turns && o->turns.kind);
    return !vary ? 1 : o->distinct ? o->distinct : STOCK_DISTINCT;
}

static struct result write_all(struct writing *w)
{
    DEFER(buf_free)
    struct buf b = buf_limited(LIMIT_LOAD_REQUEST_BYTES);
    uint32_t count = how_many(w->with);
    for (uint32_t i = 0; i < count; i++) {
        if (w->with->prompts && !w->with->trace && w->at >= count)
            break;
        w->scratch = arena_new();
        struct result r = write_next(w, i, &b);
        arena_free(w->scratch);
        TRY(r);
    }
    return RESULT_OK;
}

static void shuffle(struct arena *arena, struct stock *stock)
{
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, stock->count);
    struct random random = random_for(stock->seed, SLICE("order"));
    for (uint32_t i = 0; i < stock->count; i++) { /* Fisher and Yates, from the front */
        uint32_t k = (uint32_t)random_between(&random, 0, i);
        order[i] = order[k];
        order[k] = i;
    }
    stock->shuffled = order;
}

static struct result check(const struct target *target, const struct stock_options *o)
{
    bool plain = !o->system && !o->shared_prefix && !o->prompts && !o->has_prompt_tokens &&
                 !o->has_output_tokens && !o->has_turns;
    ENSURE(!target->as_given || plain, ERR_USAGE,
           "prompts (--prompts, --prompt-tokens, --output-tokens, --system, --shared-prefix, "
           "--turns) need an API that is asked something: give --api (chat, complete, execute, "
           "embed, infer), "
           "and no --body");
    bool talks = target->api == TARGET_CHAT || target->api == TARGET_COMPLETE ||
                 target->api == TARGET_EXECUTE;
    ENSURE(!o->has_turns || talks, ERR_USAGE,
           "--turns: only chat, complete and execute answer with a text that a next turn goes on "
           "from");
    return RESULT_OK;
}

struct result stock_build(struct arena *arena, const struct target *target,
                          const struct stock_options *options, struct stock *out)
{
    struct writing w = {.arena = arena, .target = target, .with = options, .stock = out};
    *out = (struct stock){.target = target,
                          .order = options->trace ? STOCK_FILE : options->order,
                          .seed = options->seed,
                          .serials = target->serial_at > 0,
                          .turns = 1};
    TRY(check(target, options));
    if (target->as_given) {
        out->items = ARENA_NEW(arena, struct stock_item);
        out->items[0] = (struct stock_item){.wire = target->request, .body_at = target->body_at};
        out->count = 1;
        out->bytes = out->longest = target->request.len;
        return RESULT_OK;
    }
    write_prefix(&w);
    TRY(write_all(&w));
    if (out->order == STOCK_SHUFFLED)
        shuffle(arena, out);
    return RESULT_OK;
}

uint32_t stock_item(const struct stock *stock, uint64_t number)
{
    struct random random;
    switch (stock->order) {
    case STOCK_SHUFFLED:
        return stock->shuffled[number % stock->count];
    case STOCK_RANDOM:
        random = stock_random(stock->seed, number, SLICE("order"));
        return (uint32_t)random_between(&random, 0, (int64_t)stock->count - 1);
    case STOCK_FILE:
    default:
        return (uint32_t)(number % stock->count);
    }
}
