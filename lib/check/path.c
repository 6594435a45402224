/*
 * Selecting with a parsed JSONPath query. The segments form a pipeline: each node one segment
 * selects goes straight on to the next, which yields the order of the RFC without lists in between;
 * the way from the root to the node at hand stands on the C stack (it is as deep as the document),
 * and only what comes out at the end is copied to the arena. Made for many small documents (events,
 * responses) and a few large ones.
 */
#include "check/path_query.h"
#include "check/regex.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"

/* Frames of all filters inside one another; a frame takes some 300 bytes of stack. */
#define DEPTH_MOST (8 * LIMIT_DEPTH)

struct selection {
    const json_t *root;
    struct arena *arena;
    size_t visited;
    int depth;
};

/* A node on the way from the start of a query; `kept` is its copy in the arena, once needed. */
struct step {
    struct path_node node;
    struct step *parent;
    const struct path_node *kept;
};

/* What becomes of the nodes at the end of the pipeline. */
enum purpose { KEEP_ALL, COUNT, FIND_ONE };

struct outlet {
    enum purpose purpose;
    size_t count;
    const json_t *first; /* the first value that came out */
    bool done;           /* no more nodes are needed */
    const struct path_node **items;
    size_t capacity;
};

/* A value of a filter's comparison: JSON, or the result of length() or count(), or Nothing. */
struct value {
    const json_t *json;
    int64_t number; /* when there is no json: 0 or more, or NOTHING */
};
#define NOTHING (-1)

static struct result walk(struct selection *s, const struct path_segment *segment, struct step *at,
                          struct outlet *out);
static struct result holds(struct selection *s, const struct path_logical *logical,
                           const json_t *current, bool *out);
static struct result evaluate(struct selection *s, const struct path_operand *operand,
                              const json_t *current, struct value *out);

/* ---- nodes coming out ---- */

static const struct path_node *keep(struct arena *arena, struct step *at)
{
    if (!at->kept) {
        struct path_node *copy = ARENA_NEW(arena, struct path_node);
        *copy = at->node;
        copy->parent = at->parent ? keep(arena, at->parent) : NULL;
        at->kept = copy;
    }
    return at->kept;
}

static void emit(struct selection *s, struct step *at, struct outlet *out)
{
    if (out->count == 0)
        out->first = at->node.value;
    if (out->purpose == KEEP_ALL) {
        GROW(out->items, out->count, out->capacity);
        out->items[out->count] = keep(s->arena, at);
    }
    out->count++;
    out->done = out->purpose == FIND_ONE;
}

static struct result run(struct selection *s, const struct path_query *query, const json_t *current,
                         struct outlet *out)
{
    struct step start = {.node.value = query->relative ? current : s->root};
    return walk(s, query->segments, &start, out);
}

/* ---- functions and comparisons ---- */

static int64_t length_of(const json_t *json)
{
    if (json_is_string(json))
        return (int64_t)utf8_length(jsontext_slice(json));
    if (json_is_array(json))
        return (int64_t)json_array_size(json);
    if (json_is_object(json))
        return (int64_t)json_object_size(json);
    return NOTHING;
}

/* match() and search(): text and pattern must be strings and the pattern one, else it is false. */
static struct result match(struct selection *s, const struct path_call *call, const json_t *current,
                           bool *out)
{
    struct value text, pattern;
    unsigned flags = REGEX_IREGEXP | (call->function == FUNCTION_MATCH ? REGEX_WHOLE : 0);
    *out = false;
    TRY(evaluate(s, &call->arguments[0], current, &text));
    TRY(evaluate(s, &call->arguments[1], current, &pattern));
    if (!json_is_string(text.json) || !json_is_string(pattern.json))
        return RESULT_OK;
    struct result r =
        regex_matches(jsontext_slice(pattern.json), flags, jsontext_slice(text.json), out);
    return r.code == ERR_SYNTAX ? RESULT_OK : r;
}

/* length(), count() and value(): the functions that yield a value. */
static struct result call_value(struct selection *s, const struct path_call *call,
                                const json_t *current, struct value *out)
{
    const struct path_operand *argument = &call->arguments[0];
    struct outlet nodes = {.purpose = COUNT};
    *out = (struct value){.number = NOTHING};
    if (call->function == FUNCTION_LENGTH) {
        struct value value;
        TRY(evaluate(s, argument, current, &value));
        out->number = value.json ? length_of(value.json) : NOTHING;
        return RESULT_OK;
    }
    TRY(run(s, &argument->query, current, &nodes));
    if (call->function == FUNCTION_COUNT)
        out->number = (int64_t)nodes.count;
    else
        out->json = nodes.count == 1 ? nodes.first : NULL;
    return RESULT_OK;
}

static struct result evaluate(struct selection *s, const struct path_operand *operand,
                              const json_t *current, struct value *out)
{
    struct outlet nodes = {.purpose = FIND_ONE};
    *out = (struct value){.number = NOTHING};
    switch (operand->kind) {
    case OPERAND_LITERAL:
        out->json = operand->literal;
        return RESULT_OK;
    case OPERAND_QUERY:
        TRY(run(s, &operand->query, current, &nodes));
        out->json = nodes.first;
        return RESULT_OK;
    case OPERAND_FUNCTION:
        break;
    }
    return call_value(s, operand->call, current, out);
}

static bool is_nothing(struct value v)
{
    return !v.json && v.number == NOTHING;
}

static bool is_number(struct value v)
{
    return v.json ? json_is_number(v.json) : v.number != NOTHING;
}

static bool is_integer(struct value v)
{
    return !v.json || json_is_integer(v.json);
}

static int64_t integer_of(struct value v)
{
    return v.json ? json_integer_value(v.json) : v.number;
}

static double number_of(struct value v)
{
    return v.json ? json_number_value(v.json) : (double)v.number;
}

static bool equal(struct value a, struct value b)
{
    if (is_number(a) && is_number(b))
        return is_integer(a) && is_integer(b)
                   ? integer_of(a) == integer_of(b)
                   : number_of(a) >= number_of(b) && number_of(a) <= number_of(b);
    if (a.json && b.json)
        return jsontext_equal(a.json, b.json);
    return is_nothing(a) && is_nothing(b);
}

/* Only numbers and strings have an order (2.3.5.2.2). UTF-8 sorts as its code points do. */
static bool less(struct value a, struct value b)
{
    if (is_number(a) && is_number(b))
        return is_integer(a) && is_integer(b) ? integer_of(a) < integer_of(b)
                                              : number_of(a) < number_of(b);
    if (json_is_string(a.json) && json_is_string(b.json))
        return slice_cmp(jsontext_slice(a.json), jsontext_slice(b.json)) < 0;
    return false;
}

static bool compare(enum path_comparison comparison, struct value a, struct value b)
{
    switch (comparison) {
    case COMPARE_EQUAL:
        return equal(a, b);
    case COMPARE_NOT_EQUAL:
        return !equal(a, b);
    case COMPARE_LESS_OR_EQUAL:
        return less(a, b) || equal(a, b);
    case COMPARE_GREATER_OR_EQUAL:
        return less(b, a) || equal(a, b);
    case COMPARE_LESS:
        return less(a, b);
    case COMPARE_GREATER:
        break;
    }
    return less(b, a);
}

static struct result test(struct selection *s, const struct path_operand *operand,
                          const json_t *current, bool *out)
{
    struct outlet nodes = {.purpose = FIND_ONE};
    if (operand->kind == OPERAND_FUNCTION)
        return match(s, operand->call, current, out);
    TRY(run(s, &operand->query, current, &nodes));
    *out = nodes.count > 0;
    return RESULT_OK;
}

static struct result holds(struct selection *s, const struct path_logical *logical,
                           const json_t *current, bool *out)
{
    struct value left, right;
    for (;; logical = logical->right) {
        switch (logical->kind) {
        case LOGICAL_OR:
            TRY(holds(s, logical->left, current, out));
            if (*out)
                return RESULT_OK;
            continue;
        case LOGICAL_AND:
            TRY(holds(s, logical->left, current, out));
            if (!*out)
                return RESULT_OK;
            continue;
        case LOGICAL_NOT:
            TRY(holds(s, logical->left, current, out));
            *out = !*out;
            return RESULT_OK;
        case LOGICAL_TEST:
            return test(s, &logical->operands[0], current, out);
        case LOGICAL_COMPARISON:
            TRY(evaluate(s, &logical->operands[0], current, &left));
            TRY(evaluate(s, &logical->operands[1], current, &right));
            *out = compare(logical->comparison, left, right);
            return RESULT_OK;
        }
    }
}

/* ---- selectors ---- */

/* A child goes on to the next segment. */
static struct result enter(struct selection *s, const struct path_segment *segment,
                           struct step *parent, struct path_node child, struct outlet *out)
{
    struct step step = {.node = child, .parent = parent};
    return walk(s, segment->next, &step, out);
}

static struct path_node member_node(const char *name, const json_t *value)
{
    return (struct path_node){.value = value, .name = slice_str(name)};
}

static struct path_node element_node(const json_t *array, size_t index)
{
    return (struct path_node){.value = json_array_get(array, index), .index = index};
}

/* What to do with each child of a node. */
typedef struct result child_visitor(struct selection *s, const struct path_segment *segment,
                                    const struct path_selector *selector, struct step *parent,
                                    struct path_node child, struct outlet *out);

static struct result each_child(struct selection *s, const struct path_segment *segment,
                                const struct path_selector *selector, struct step *at,
                                child_visitor *visit, struct outlet *out)
{
    const json_t *json = at->node.value;
    size_t n = json_array_size(json); /* 0 when it is no array */
    for (size_t i = 0; i < n && !out->done; i++)
        TRY(visit(s, segment, selector, at, element_node(json, i), out));
    if (!json_is_object(json))
        return RESULT_OK;
    json_t *object = (json_t *)(uintptr_t)json; /* iterating does not change it */
    for (void *it = json_object_iter(object); it && !out->done;
         it = json_object_iter_next(object, it))
        TRY(visit(s, segment, selector, at,
                  member_node(json_object_iter_key(it), json_object_iter_value(it)), out));
    return RESULT_OK;
}

static struct result visit_any(struct selection *s, const struct path_segment *segment,
                               const struct path_selector *selector, struct step *parent,
                               struct path_node child, struct outlet *out)
{
    (void)selector;
    return enter(s, segment, parent, child, out);
}

static struct result visit_filtered(struct selection *s, const struct path_segment *segment,
                                    const struct path_selector *selector, struct step *parent,
                                    struct path_node child, struct outlet *out)
{
    bool chosen = false;
    ENSURE(++s->visited <= LIMIT_PATH_NODES, ERR_TOO_LARGE,
           "a JSONPath query visited more than %u nodes", LIMIT_PATH_NODES);
    TRY(holds(s, selector->filter, child.value, &chosen));
    return chosen ? enter(s, segment, parent, child, out) : RESULT_OK;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* slice-selector: the semantics of 2.3.4.2.2. */
static struct result select_slice(struct selection *s, const struct path_segment *segment,
                                  const struct path_slice *slice, struct step *at,
                                  struct outlet *out)
{
    const json_t *array = at->node.value;
    int64_t n = (int64_t)json_array_size(array);
    int64_t step = slice->step;
    if (step == 0 || n == 0)
        return RESULT_OK;
    int64_t start = slice->has_start ? slice->start : step > 0 ? 0 : n - 1;
    int64_t end = slice->has_end ? slice->end : step > 0 ? n : -n - 1;
    start = start < 0 ? start + n : start;
    end = end < 0 ? end + n : end;
    if (step > 0) {
        end = clamp(end, 0, n);
        for (int64_t i = clamp(start, 0, n); i < end && !out->done; i += step)
            TRY(enter(s, segment, at, element_node(array, (size_t)i), out));
    } else {
        end = clamp(end, -1, n - 1);
        for (int64_t i = clamp(start, -1, n - 1); i > end && !out->done; i += step)
            TRY(enter(s, segment, at, element_node(array, (size_t)i), out));
    }
    return RESULT_OK;
}

static struct result apply(struct selection *s, const struct path_segment *segment,
                           const struct path_selector *selector, struct step *at,
                           struct outlet *out)
{
    const json_t *json = at->node.value;
    switch (selector->kind) {
    case SELECTOR_NAME: {
        /* jansson's names hold no NUL, so a name with one is nobody's. */
        const char *name = selector->name.data;
        const json_t *value =
            strlen(name) == selector->name.len ? json_object_get(json, name) : NULL;
        struct path_node child = {.value = value, .name = selector->name};
        return value ? enter(s, segment, at, child, out) : RESULT_OK;
    }
    case SELECTOR_INDEX: {
        int64_t n = (int64_t)json_array_size(json);
        int64_t i = selector->index < 0 ? selector->index + n : selector->index;
        return i >= 0 && i < n ? enter(s, segment, at, element_node(json, (size_t)i), out)
                               : RESULT_OK;
    }
    case SELECTOR_SLICE:
        return select_slice(s, segment, &selector->slice, at, out);
    case SELECTOR_WILDCARD:
        return each_child(s, segment, selector, at, visit_any, out);
    case SELECTOR_FILTER:
        break;
    }
    return each_child(s, segment, selector, at, visit_filtered, out);
}

/* ---- segments ---- */

static struct result walk_descendant(struct selection *s, const struct path_segment *segment,
                                     struct step *at, struct outlet *out);

static struct result visit_descendant(struct selection *s, const struct path_segment *segment,
                                      const struct path_selector *selector, struct step *parent,
                                      struct path_node child, struct outlet *out)
{
    (void)selector;
    struct step step = {.node = child, .parent = parent};
    return walk_descendant(s, segment, &step, out);
}

static struct result descend(struct selection *s)
{
    ENSURE(++s->visited <= LIMIT_PATH_NODES, ERR_TOO_LARGE,
           "a JSONPath query visited more than %u nodes", LIMIT_PATH_NODES);
    ENSURE(++s->depth <= DEPTH_MOST, ERR_TOO_LARGE,
           "a JSONPath query nests filters and nodes more than %d levels deep", DEPTH_MOST);
    return RESULT_OK;
}

static struct result walk_descendant(struct selection *s, const struct path_segment *segment,
                                     struct step *at, struct outlet *out)
{
    TRY(descend(s));
    for (const struct path_selector *x = segment->selectors; x && !out->done; x = x->next)
        TRY(apply(s, segment, x, at, out));
    if (!out->done)
        TRY(each_child(s, segment, NULL, at, visit_descendant, out));
    s->depth--;
    return RESULT_OK;
}

/* Send a node through the segments from `segment` on. */
static struct result walk(struct selection *s, const struct path_segment *segment, struct step *at,
                          struct outlet *out)
{
    TRY(descend(s));
    if (!segment)
        emit(s, at, out);
    else if (segment->descendant)
        TRY(walk_descendant(s, segment, at, out));
    else
        for (const struct path_selector *x = segment->selectors; x && !out->done; x = x->next)
            TRY(apply(s, segment, x, at, out));
    s->depth--;
    return RESULT_OK;
}

struct result path_select(const struct path *path, const json_t *root, struct arena *arena,
                          struct path_nodes *out)
{
    struct selection s = {.root = root, .arena = arena};
    struct outlet nodes = {.purpose = KEEP_ALL};
    *out = (struct path_nodes){0};
    struct result r = run(&s, &path->query, root, &nodes);
    if (result_ok(r)) {
        out->count = nodes.count;
        out->items = ARENA_ARRAY(arena, const struct path_node *, nodes.count);
        if (nodes.count)
            memcpy(out->items, nodes.items, nodes.count * sizeof *nodes.items);
    }
    mem_free(nodes.items);
    return r;
}

bool path_singular(const struct path *path)
{
    return path->query.singular;
}

struct slice path_text(const struct path *path)
{
    return path->text;
}

/* ---- where a node is ---- */

static void add_normalized_name(struct text *t, struct slice name)
{
    static const char controls[] = "\b\t\n\f\r", letters[] = "btnfr";
    text_add_str(t, "['");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        const char *control = c ? strchr(controls, c) : NULL;
        if (c == '\'' || c == '\\')
            text_add(t, slice_of((char[]){'\\', c}, 2));
        else if (control)
            text_add(t, slice_of((char[]){'\\', letters[control - controls]}, 2));
        else if ((unsigned char)c < 0x20)
            text_printf(t, "\\u%04x", (unsigned)c);
        else
            text_add_byte(t, c);
    }
    text_add_str(t, "']");
}

static void add_pointer_name(struct text *t, struct slice name)
{
    text_add_byte(t, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '~')
            text_add_str(t, "~0");
        else if (name.data[i] == '/')
            text_add_str(t, "~1");
        else
            text_add_byte(t, name.data[i]);
    }
}

static void add_normalized_step(struct text *t, const struct path_node *node)
{
    if (node->name.data)
        add_normalized_name(t, node->name);
    else
        text_printf(t, "[%zu]", node->index);
}

static void add_pointer_step(struct text *t, const struct path_node *node)
{
    if (node->name.data)
        add_pointer_name(t, node->name);
    else
        text_printf(t, "/%zu", node->index);
}

static void add_steps(struct text *t, const struct path_node *node,
                      void (*add_step)(struct text *t, const struct path_node *node))
{
    if (!node->parent)
        return;
    add_steps(t, node->parent, add_step);
    add_step(t, node);
}

struct slice path_normalized(struct arena *arena, const struct path_node *node)
{
    struct text t = text_in(arena);
    text_add_byte(&t, '$');
    add_steps(&t, node, add_normalized_step);
    return text_slice(&t);
}

struct slice path_pointer(struct arena *arena, const struct path_node *node)
{
    struct text t = text_in(arena);
    add_steps(&t, node, add_pointer_step);
    return text_slice(&t);
}
