/*
 * Event patterns: a recursive parser that emits the states of a Thompson automaton, and a
 * simulation that walks all states at once. Streams may have a million events and patterns a
 * handful of names.
 */
#include "check/sequence.h"

#include "core/limits.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"

enum state_kind { STATE_NAME, STATE_ANY, STATE_SPLIT, STATE_END };

/* A state leads to `next`, a split also to `other`. Indices, because the array grows. */
struct state {
    enum state_kind kind;
    struct slice name;
    size_t next, other;
};

struct sequence {
    struct state *states;
    size_t count, start;
};

/* Nodes of the parsed pattern, before states are made of them: a repetition needs several copies.
 */
enum piece_kind { PIECE_NAME, PIECE_ANY, PIECE_THEN, PIECE_EITHER, PIECE_REPEAT };

struct piece {
    enum piece_kind kind;
    struct slice name;
    const struct piece *left, *right;
    size_t least, most; /* SIZE_MAX: without end */
};

struct parser {
    struct arena *arena;
    struct slice text;
    size_t at, depth;
};

static struct result parse_either(struct parser *p, const struct piece **out);

static char peek(struct parser *p)
{
    return p->at < p->text.len ? p->text.data[p->at] : '\0';
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.len && strchr(" \t\r\n", p->text.data[p->at]))
        p->at++;
}

static bool name_byte(char c)
{
    return c && !strchr(" \t\r\n()|*+?{}", c);
}

static const struct piece *piece(struct parser *p, struct piece made)
{
    struct piece *kept = ARENA_NEW(p->arena, struct piece);
    *kept = made;
    return kept;
}

static struct result wrong(struct parser *p, const char *expected)
{
    char c = peek(p);
    if (!c)
        return error_set(ERR_SYNTAX, "expected %s at the end of the pattern", expected);
    return error_set(ERR_SYNTAX, "expected %s at character %zu of the pattern, got \"%c\"",
                     expected, p->at + 1, c);
}

static struct result parse_item(struct parser *p, const struct piece **out)
{
    if (peek(p) == '(') {
        ENSURE(++p->depth <= LIMIT_DEPTH, ERR_TOO_LARGE, "the pattern is nested deeper than %d",
               LIMIT_DEPTH);
        p->at++;
        TRY(parse_either(p, out));
        if (peek(p) != ')')
            return wrong(p, "\")\"");
        p->at++;
        p->depth--;
        return RESULT_OK;
    }
    size_t from = p->at;
    while (name_byte(peek(p)))
        p->at++;
    struct slice name = slice_part(p->text, from, p->at - from);
    if (name.len == 0)
        return wrong(p, "the name of an event, any or \"(\"");
    *out = piece(p, (struct piece){.kind = slice_is(name, "any") ? PIECE_ANY : PIECE_NAME,
                                   .name = arena_copy(p->arena, name)});
    return RESULT_OK;
}

static struct result parse_count(struct parser *p, size_t *out)
{
    size_t from = p->at;
    uint64_t value;
    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    if (p->at == from)
        return wrong(p, "a number of times");
    TRY(parse_unsigned(slice_part(p->text, from, p->at - from), SEQUENCE_STATES, &value));
    *out = (size_t)value;
    return RESULT_OK;
}

/* "{m}", "{m,}", "{m,n}" */
static struct result parse_braces(struct parser *p, struct piece *repeat)
{
    p->at++;
    TRY(parse_count(p, &repeat->least));
    repeat->most = repeat->least;
    if (peek(p) == ',') {
        p->at++;
        repeat->most = SIZE_MAX;
        if (peek(p) != '}')
            TRY(parse_count(p, &repeat->most));
    }
    if (peek(p) != '}')
        return wrong(p, "\"}\"");
    p->at++;
    ENSURE(repeat->most >= repeat->least && repeat->most > 0, ERR_SYNTAX,
           "{%zu,%zu} at character %zu of the pattern can never be", repeat->least, repeat->most,
           p->at);
    return RESULT_OK;
}

static struct result parse_repeated(struct parser *p, const struct piece **out)
{
    TRY(parse_item(p, out));
    for (;;) {
        struct piece repeat = {.kind = PIECE_REPEAT, .left = *out, .most = SIZE_MAX};
        switch (peek(p)) {
        case '*':
            p->at++;
            break;
        case '+':
            repeat.least = 1;
            p->at++;
            break;
        case '?':
            repeat.most = 1;
            p->at++;
            break;
        case '{':
            TRY(parse_braces(p, &repeat));
            break;
        default:
            return RESULT_OK;
        }
        *out = piece(p, repeat);
    }
}

static struct result parse_then(struct parser *p, const struct piece **out)
{
    skip_blanks(p);
    TRY(parse_repeated(p, out));
    for (;;) {
        const struct piece *next;
        skip_blanks(p);
        if (!name_byte(peek(p)) && peek(p) != '(')
            return RESULT_OK;
        TRY(parse_repeated(p, &next));
        *out = piece(p, (struct piece){.kind = PIECE_THEN, .left = *out, .right = next});
    }
}

static struct result parse_either(struct parser *p, const struct piece **out)
{
    TRY(parse_then(p, out));
    while (peek(p) == '|') {
        const struct piece *other;
        p->at++;
        TRY(parse_then(p, &other));
        *out = piece(p, (struct piece){.kind = PIECE_EITHER, .left = *out, .right = other});
    }
    return RESULT_OK;
}

/* --- States --- */

static struct result add_state(struct sequence *s, struct state state, size_t *index)
{
    ENSURE(s->count < SEQUENCE_STATES, ERR_TOO_LARGE,
           "the pattern repeats more than %u events; use + or *", SEQUENCE_STATES);
    s->states[s->count] = state;
    *index = s->count++;
    return RESULT_OK;
}

/* Make states for a piece that go on to `next`; `*entry` is where they begin. */
static struct result emit(struct sequence *s, const struct piece *p, size_t next, size_t *entry);

static struct result emit_repeat(struct sequence *s, const struct piece *p, size_t next,
                                 size_t *entry)
{
    size_t at = next, body;
    if (p->most == SIZE_MAX) {
        /* The loop's split is made first, so that its body can lead back to it. */
        TRY(add_state(s, (struct state){.kind = STATE_SPLIT, .other = next}, &at));
        TRY(emit(s, p->left, at, &body));
        s->states[at].next = body;
    } else {
        for (size_t i = p->least; i < p->most; i++) {
            TRY(emit(s, p->left, at, &body));
            TRY(add_state(s, (struct state){.kind = STATE_SPLIT, .next = body, .other = next},
                          &at));
        }
    }
    for (size_t i = 0; i < p->least; i++)
        TRY(emit(s, p->left, at, &at));
    *entry = at;
    return RESULT_OK;
}

static struct result emit(struct sequence *s, const struct piece *p, size_t next, size_t *entry)
{
    size_t left, right;
    switch (p->kind) {
    case PIECE_NAME:
        return add_state(s, (struct state){STATE_NAME, p->name, next, next}, entry);
    case PIECE_ANY:
        return add_state(s, (struct state){STATE_ANY, p->name, next, next}, entry);
    case PIECE_THEN:
        TRY(emit(s, p->right, next, &right));
        return emit(s, p->left, right, entry);
    case PIECE_EITHER:
        TRY(emit(s, p->left, next, &left));
        TRY(emit(s, p->right, next, &right));
        return add_state(s, (struct state){.kind = STATE_SPLIT, .next = left, .other = right},
                         entry);
    case PIECE_REPEAT:
        break;
    }
    return emit_repeat(s, p, next, entry);
}

struct result sequence_parse(struct arena *arena, struct slice pattern, struct sequence **out)
{
    struct parser p = {.arena = arena, .text = pattern};
    const struct piece *root;
    ENSURE(pattern.len <= SEQUENCE_BYTES, ERR_TOO_LARGE,
           "the pattern has %zu bytes and may have %u", pattern.len, SEQUENCE_BYTES);
    TRY(parse_either(&p, &root));
    if (p.at < pattern.len)
        return wrong(&p, "the name of an event");

    DEFER(mem_free_pointer)
    struct state *states = mem_alloc(SEQUENCE_STATES * sizeof(*states));
    struct sequence s = {.states = states};
    size_t end;
    TRY(add_state(&s, (struct state){.kind = STATE_END}, &end));
    TRY(emit(&s, root, end, &s.start));
    s.states = ARENA_ARRAY(arena, struct state, s.count);
    memcpy(s.states, states, s.count * sizeof(*states));
    *out = ARENA_NEW(arena, struct sequence);
    **out = s;
    return RESULT_OK;
}

/* --- Matching --- */

/* A set of states, each once: `stamp[i] == now` says that state i is in it. */
struct state_set {
    size_t *items, count;
};

struct simulation {
    const struct sequence *sequence;
    size_t *stamp, now;
    size_t *pending; /* splits still to be followed */
};

/* Add a state and all that splits lead to. A loop, not recursion: patterns may be long. */
static void add_closure(struct simulation *sim, struct state_set *set, size_t state)
{
    size_t waiting = 0;
    sim->pending[waiting++] = state;
    while (waiting) {
        size_t i = sim->pending[--waiting];
        const struct state *s = &sim->sequence->states[i];
        if (sim->stamp[i] == sim->now)
            continue;
        sim->stamp[i] = sim->now;
        if (s->kind == STATE_SPLIT) {
            sim->pending[waiting++] = s->other;
            sim->pending[waiting++] = s->next;
        } else {
            set->items[set->count++] = i;
        }
    }
}

static bool accepts(const struct state *s, struct slice name)
{
    return s->kind == STATE_ANY || (s->kind == STATE_NAME && slice_eq(s->name, name));
}

/* "token or end": what the states in the set wait for, each once. */
static struct slice expectations(const struct sequence *s, const struct state_set *set,
                                 struct arena *arena)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < set->count; i++) {
        const struct state *state = &s->states[set->items[i]];
        bool again = false;
        for (size_t j = 0; j < i && !again; j++) {
            const struct state *earlier = &s->states[set->items[j]];
            again = earlier->kind == state->kind && slice_eq(earlier->name, state->name);
        }
        if (again || t.len > LIMIT_SHOWN_BYTES)
            continue;
        text_add_str(&t, t.len ? " or " : "");
        if (state->kind == STATE_NAME)
            text_add(&t, state->name);
        else
            text_add_str(&t, state->kind == STATE_ANY ? "any event" : "the end of the stream");
    }
    return text_slice(&t);
}

static bool holds_end(const struct sequence *s, const struct state_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (s->states[set->items[i]].kind == STATE_END)
            return true;
    return false;
}

struct sequence_report sequence_match(const struct sequence *sequence, struct arena *arena,
                                      struct slice (*name_of)(const void *names, size_t i),
                                      const void *names, size_t count)
{
    size_t n = sequence->count;
    struct simulation sim = {
        .sequence = sequence,
        .stamp = ARENA_ARRAY(arena, size_t, n),
        .now = 1,
        .pending = ARENA_ARRAY(arena, size_t, 2 * n + 2),
    };
    struct state_set current = {ARENA_ARRAY(arena, size_t, n), 0};
    struct state_set next = {ARENA_ARRAY(arena, size_t, n), 0};

    add_closure(&sim, &current, sequence->start);
    for (size_t i = 0; i < count; i++) {
        struct slice name = name_of(names, i);
        next.count = 0;
        sim.now++;
        for (size_t j = 0; j < current.count; j++)
            if (accepts(&sequence->states[current.items[j]], name))
                add_closure(&sim, &next, sequence->states[current.items[j]].next);
        if (next.count == 0)
            return (struct sequence_report){false, i, expectations(sequence, &current, arena)};
        struct state_set swap = current;
        current = next;
        next = swap;
    }
    if (holds_end(sequence, &current))
        return (struct sequence_report){.fits = true, .at = count};
    return (struct sequence_report){false, count, expectations(sequence, &current, arena)};
}
