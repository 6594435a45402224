/*
 * From libfyaml's events to nodes. What is open is kept on a stack, children of everything open on
 * a second one; a list or map takes its own from there when it ends. Workload: a suite of 2,000
 * cases is 100,000 events; 16 MiB of them must be refused or read, never exhaust the machine.
 *
 * libfyaml is given valid UTF-8 without control characters (see reader.c), because it takes a
 * wrong byte for the end of the text.
 */
#include "suite/events.h"

#include <libfyaml.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"
#include "suite/scalar.h"

/* A list or map that is open. */
struct frame {
    struct node node;   /* kind, place and has_template so far */
    size_t first_child; /* where its children begin on their stack */
    size_t anchor;      /* index of its anchor, or NO_ANCHOR */
    size_t weight;      /* nodes in it, aliases counted in full */
    unsigned height;    /* levels below it */
    bool flow;          /* opened by a bracket */
    bool has_key;       /* map: `key` waits for its value */
    struct slice key;
    struct place key_at;
};

#define NO_ANCHOR SIZE_MAX

struct anchor {
    struct slice name;
    const struct node *node; /* NULL until it is complete */
    size_t weight;
    unsigned height;
};

struct builder {
    struct arena *arena;
    const struct source *source;
    struct slice text;
    enum events_form form;
    struct diagnostics *d;
    struct fy_parser *parser;

    size_t line_start; /* of the line looked at last: events come almost in order */
    size_t searched;   /* no line ends between line_start and here */
    uint32_t line;
    struct place last; /* of the last event that had one */

    struct frame *frames;
    size_t depth, frame_capacity;
    struct node_entry *children;
    size_t child_count, child_capacity;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    size_t documents;
    const struct node *root;
};

/* -- Places ---------------------------------------------------------------------------------- */

static struct place place_at(struct builder *b, size_t offset)
{
    struct slice text = b->source->text;
    if (offset > text.len)
        offset = text.len;
    while (offset < b->line_start) {
        const char *feed = b->line_start > 1 ? memrchr(text.data, '\n', b->line_start - 1) : NULL;
        b->line_start = feed ? (size_t)(feed - text.data) + 1 : 0;
        b->line--;
    }
    /* A file may be one long line: what was searched once is not searched again. */
    if (b->searched < b->line_start || b->searched > offset)
        b->searched = b->line_start;
    for (;;) {
        ptrdiff_t feed = slice_find_byte(slice_part(text, b->searched, offset - b->searched), '\n');
        if (feed < 0)
            break;
        b->line_start = b->searched += (size_t)feed + 1;
        b->line++;
    }
    b->searched = offset;
    return (struct place){b->source, b->line, (uint32_t)(offset - b->line_start + 1)};
}

static size_t mark_offset(struct builder *b, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (!mark)
        return SIZE_MAX;
    return mark->input_pos < b->text.len ? mark->input_pos : b->text.len;
}

/* The place of an event; of the one before when it stands for something left out. */
static struct place event_place(struct builder *b, struct fy_event *event)
{
    size_t offset = mark_offset(b, event);
    if (offset == SIZE_MAX)
        return b->last;
    /* libfyaml's mark stands behind the quote or asterisk, people look at it. */
    bool behind = event->type == FYET_ALIAS;
    if (event->type == FYET_SCALAR) {
        enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
        behind = style == FYSS_DOUBLE_QUOTED || style == FYSS_SINGLE_QUOTED;
    }
    if (behind && offset > 0)
        offset--;
    return b->last = place_at(b, offset);
}

/* -- Values ---------------------------------------------------------------------------------- */

static struct slice token_text(struct fy_token *token)
{
    size_t len = 0;
    const char *data = token ? fy_token_get_text(token, &len) : NULL;
    return slice_of(data, data ? len : 0);
}

/* The text of a scalar, in the source when it stands there as it is, else copied. */
static struct slice scalar_text(struct builder *b, struct fy_event *event)
{
    struct slice text = token_text(event->scalar.value);
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    size_t offset = mark_offset(b, event);
    bool flow = style == FYSS_PLAIN || style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    if (flow && offset != SIZE_MAX) {
        struct slice there = slice_part(b->source->text, offset, text.len);
        if (slice_eq(text, there))
            return there;
    }
    return arena_copy(b->arena, text);
}

static bool holds_template(const struct builder *b, struct slice text)
{
    return b->form != EVENTS_OLDER && slice_find(text, SLICE("${")) >= 0;
}

#define CORE_TAG "tag:yaml.org,2002:"

/* Apply the tag of a scalar; the value was resolved as a plain one. */
static void apply_tag(struct builder *b, struct slice tag, struct slice text, struct node *node)
{
    static const struct {
        const char *tag;
        enum node_kind kind;
    } core[] = {
        {CORE_TAG "null", NODE_NULL},
        {CORE_TAG "bool", NODE_BOOL},
        {CORE_TAG "int", NODE_INTEGER},
        {CORE_TAG "float", NODE_REAL},
    };
    if (slice_is(tag, CORE_TAG "str") || slice_is(tag, "!")) {
        node->kind = NODE_STRING;
        node->string = text;
        return;
    }
    for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++) {
        if (!slice_is(tag, core[i].tag))
            continue;
        if (core[i].kind == NODE_REAL && node->kind == NODE_INTEGER) {
            node->kind = NODE_REAL;
            node->real = (double)node->integer;
        }
        if (node->kind != core[i].kind)
            diagnose(b->d, node->at, "this is no %s, as its tag says",
                     node_kind_name(core[i].kind));
        return;
    }
    struct slice shown = text_shown(b->arena, tag, 80);
    diagnose(b->d, node->at, "the tag %.*s is not one of YAML's core schema", SLICE_ARG(shown));
}

static struct node scalar_node(struct builder *b, struct fy_event *event, struct place at)
{
    struct node node = {.kind = NODE_STRING, .at = at};
    struct slice text = scalar_text(b, event);
    bool plain = fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
    if (!plain && !event->scalar.tag)
        node.string = text;
    else if (!result_ok(scalar_resolve(text, &node)))
        diagnose_error(b->d, at);
    if (event->scalar.tag)
        apply_tag(b, token_text(event->scalar.tag), text, &node);
    node.has_template = node.kind == NODE_STRING && holds_template(b, node.string);
    return node;
}

/* -- The tree -------------------------------------------------------------------------------- */

static bool refuse(struct builder *b, struct place at, const char *text)
{
    diagnose(b->d, at, "%s", text);
    return false;
}

/* Put a finished node where it belongs; false when the suite has become too large. */
static bool add_node(struct builder *b, const struct node *node, size_t weight, unsigned height)
{
    if (b->depth == 0) {
        b->root = node;
        return true;
    }
    struct frame *top = &b->frames[b->depth - 1];
    struct node_entry child = {.value = node};
    if (top->node.kind == NODE_MAP) {
        child.key = top->key;
        child.key_at = top->key_at;
        top->has_key = false;
        top->node.has_template |= holds_template(b, top->key);
    }
    GROW(b->children, b->child_count, b->child_capacity);
    b->children[b->child_count++] = child;
    top->node.has_template |= node->has_template;
    top->weight += weight;
    if (top->height < height + 1)
        top->height = height + 1;
    if (b->depth + height > LIMIT_DEPTH)
        return refuse(b, node->at, "nested too deeply once its aliases are followed");
    if (top->weight > LIMIT_SUITE_NODES)
        return refuse(b, node->at, "the suite has too many values once its aliases are followed");
    return true;
}

static bool add_anchor(struct builder *b, struct fy_token *token, struct anchor anchor,
                       size_t *index)
{
    *index = NO_ANCHOR;
    if (!token)
        return true;
    if (b->anchor_count == LIMIT_SUITE_ANCHORS)
        return refuse(b, b->last, "too many anchors");
    GROW(b->anchors, b->anchor_count, b->anchor_capacity);
    anchor.name = arena_copy(b->arena, token_text(token));
    *index = b->anchor_count;
    b->anchors[b->anchor_count++] = anchor;
    return true;
}

static bool add_alias(struct builder *b, struct fy_event *event)
{
    struct place at = event_place(b, event);
    struct slice name = token_text(event->alias.anchor);
    for (size_t i = b->anchor_count; i-- > 0;) {
        const struct anchor *anchor = &b->anchors[i];
        if (!slice_eq(anchor->name, name))
            continue;
        if (!anchor->node)
            return refuse(b, at, "this alias stands inside what it stands for");
        return add_node(b, anchor->node, anchor->weight, anchor->height);
    }
    struct slice shown = text_shown(b->arena, name, 60);
    diagnose(b->d, at, "no anchor \"&%.*s\" before this alias", SLICE_ARG(shown));
    return false;
}

/* The first of two equal keys, for each that is there twice. */
static int by_key(const void *left, const void *right)
{
    const struct node_entry *a = *(const struct node_entry *const *)left;
    const struct node_entry *b = *(const struct node_entry *const *)right;
    int order = slice_cmp(a->key, b->key);
    return order ? order : (a > b) - (a < b);
}

static void report_twin(struct builder *b, const struct node_entry *first,
                        const struct node_entry *second)
{
    struct slice key = text_shown(b->arena, second->key, 60);
    diagnose(b->d, second->key_at,
             "the key \"%.*s\" is in this map twice; first at line %u, column %u", SLICE_ARG(key),
             first->key_at.line, first->key_at.column);
}

/* Maps of a suite have a few keys; only a large one is worth sorting. */
static void refuse_twins(struct builder *b, const struct node_entry *entries, size_t count)
{
    if (count <= 16) {
        for (size_t i = 1; i < count; i++)
            for (size_t j = 0; j < i; j++)
                if (slice_eq(entries[i].key, entries[j].key)) {
                    report_twin(b, &entries[j], &entries[i]);
                    break;
                }
        return;
    }
    const struct node_entry **sorted = mem_alloc(count * sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = &entries[i];
    qsort(sorted, count, sizeof(*sorted), by_key);
    for (size_t i = 1; i < count; i++)
        if (slice_eq(sorted[i - 1]->key, sorted[i]->key))
            report_twin(b, sorted[i - 1], sorted[i]);
    mem_free(sorted);
}

static bool open_frame(struct builder *b, struct fy_event *event)
{
    bool map = event->type == FYET_MAPPING_START;
    struct fy_token *tag = map ? event->mapping_start.tag : event->sequence_start.tag;
    struct fy_token *anchor = map ? event->mapping_start.anchor : event->sequence_start.anchor;
    size_t offset = mark_offset(b, event);
    struct place at = event_place(b, event);
    if (b->depth == LIMIT_DEPTH) {
        diagnose(b->d, at, "nested deeper than %d levels", LIMIT_DEPTH);
        return false;
    }
    if (tag && !slice_is(token_text(tag), map ? CORE_TAG "map" : CORE_TAG "seq")) {
        struct slice shown = text_shown(b->arena, token_text(tag), 80);
        diagnose(b->d, at, "the tag %.*s is not one of YAML's core schema for a %s",
                 SLICE_ARG(shown), map ? "map" : "list");
    }
    size_t index;
    if (!add_anchor(b, anchor, (struct anchor){0}, &index))
        return false;
    GROW(b->frames, b->depth, b->frame_capacity);
    b->frames[b->depth++] = (struct frame){
        .node = {.kind = map ? NODE_MAP : NODE_LIST, .at = at},
        .first_child = b->child_count,
        .anchor = index,
        .weight = 1,
        .flow = offset < b->text.len && strchr("[{", b->text.data[offset]) && b->text.data[offset],
    };
    return true;
}

static bool close_frame(struct builder *b)
{
    MUST(b->frames && b->depth > 0, "an end at line %u without a beginning", b->line);
    struct frame frame = b->frames[--b->depth];
    const struct node_entry *children = b->children ? b->children + frame.first_child : NULL;
    size_t count = b->child_count - frame.first_child;
    frame.node.count = count;
    if (frame.node.kind == NODE_MAP) {
        struct node_entry *entries = ARENA_ARRAY(b->arena, struct node_entry, count);
        if (count)
            memcpy(entries, children, count * sizeof(*entries));
        refuse_twins(b, entries, count);
        frame.node.entries = entries;
    } else {
        const struct node **items = ARENA_ARRAY(b->arena, const struct node *, count);
        for (size_t i = 0; i < count; i++)
            items[i] = children[i].value;
        frame.node.items = items;
    }
    b->child_count = frame.first_child;
    const struct node *node = node_new(b->arena, frame.node);
    if (frame.anchor != NO_ANCHOR) {
        b->anchors[frame.anchor].node = node;
        b->anchors[frame.anchor].weight = frame.weight;
        b->anchors[frame.anchor].height = frame.height;
    }
    return add_node(b, node, frame.weight, frame.height);
}

static bool add_scalar(struct builder *b, struct fy_event *event)
{
    struct place at = event_place(b, event);
    const struct node *node = node_new(b->arena, scalar_node(b, event, at));
    size_t index;
    return add_anchor(b, event->scalar.anchor, (struct anchor){.node = node, .weight = 1},
                      &index) &&
           add_node(b, node, 1, 0);
}

/* In a map an event is a key or its value, by turns. */
static bool key_is_due(const struct builder *b)
{
    return b->depth && b->frames[b->depth - 1].node.kind == NODE_MAP &&
           !b->frames[b->depth - 1].has_key;
}

static bool add_key(struct builder *b, struct fy_event *event)
{
    struct frame *top = &b->frames[b->depth - 1];
    struct place at = event_place(b, event);
    if (event->type != FYET_SCALAR)
        return refuse(b, at, "a key must be a single word or text");
    top->key = scalar_text(b, event);
    top->key_at = at;
    top->has_key = true;
    if (slice_find_byte(top->key, '\0') >= 0)
        return refuse(b, at, "a key cannot hold the character U+0000");
    if (slice_is(top->key, "<<") && fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN)
        return refuse(b, at,
                      "merge keys (<<) are not part of YAML 1.2; repeat the keys, or put "
                      "them in \"defaults\"");
    return true;
}

static bool take_event(struct builder *b, struct fy_event *event)
{
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (b->documents++)
            return refuse(b, event_place(b, event), "a second document; a suite is a single one");
        return true;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return close_frame(b);
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        return key_is_due(b) ? add_key(b, event) : open_frame(b, event);
    case FYET_SCALAR:
        return key_is_due(b) ? add_key(b, event) : add_scalar(b, event);
    case FYET_ALIAS:
        return key_is_due(b) ? add_key(b, event) : add_alias(b, event);
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        break;
    }
    return true;
}

/* -- libfyaml's own faults ------------------------------------------------------------------- */

/* Words of libfyaml that say too little, as people would say them; the first that is found. */
static const struct {
    const char *theirs, *ours, *remedy;
} phrases[] = {
    {"invalid nested block mapping on the same line", "a second \": \" on one line",
     "put a value that holds \": \" in quotes"},
    {"invalid multiline plain key", "this text goes on in the next line, where a \": \" follows",
     "indent the next line like the keys it belongs to, or put the text in quotes"},
    {"could not find expected ':'", "expected \"key: value\"", "is a \":\" missing?"},
    {"without closing quote", "this string is never closed", NULL},
    {"hex escape", "this string has an escape without its hexadecimal digits",
     "a backslash itself is written \\\\"},
    {"UTF8 escape", "this string has half of a surrogate pair",
     "characters beyond U+FFFF are written as a pair, or simply as themselves"},
    {"invalid escape", "no escape of YAML", "a backslash itself is written \\\\"},
    {"did not find expected key", "expected a key, indented like those of its map", NULL},
    {"did not find expected '-'", "expected \"- \", indented like the items of its list", NULL},
    {"at the end of block sequence", "expected \"- \", as in the lines above", NULL},
    {"did not find expected node content", "a value is missing here", NULL},
    {"invalid indentation in mapping", "indented unlike the keys of its map", NULL},
    {"wrong indendation in sequence", "indented unlike the items of its list", NULL},
    {"invalid value after mapping", "this belongs to nothing above", "check its indentation"},
    {"missing comma in flow", "a comma is missing here", NULL},
    {"comma in the beginning", "a value is missing before this comma", NULL},
    {"extra comma", "a value is missing before this comma", NULL},
    {"mismatched flow mapping end", "a \"}\" that closes nothing", NULL},
    {"mismatched flow sequence end", "a \"]\" that closes nothing", NULL},
    {"extra closing", "a bracket that closes nothing", "put text that begins with it in quotes"},
    {"invalid trailing content", "nothing may follow the closing quote", NULL},
    {"block sequence on the same line as a mapping key", "a list begins on the line after its key",
     "or is written in brackets"},
    {"invalid alias detected", "\"*\" without the name of an anchor", "put the text in quotes"},
    {"invalid anchor detected", "\"&\" without a name", "put the text in quotes"},
    {"plain scalar cannot start with", "text cannot begin with this character", "put it in quotes"},
    {"invalid mapping key (not allowed", "a key cannot stand here", NULL},
    {"undefined tag prefix", "a tag that is not one of YAML's core schema", NULL},
    {"missing document start", "the value ended before this; nothing may follow it", NULL},
};

/* From libfyaml's line, where a lone CR ends one too, and column, in characters, to ours. */
static struct place fault_place(struct builder *b, int line, int column)
{
    struct slice text = b->source->text;
    size_t at = 0;
    while (line > 1 && at < text.len) {
        char c = text.data[at++];
        if (c == '\n' || (c == '\r' && !slice_starts(slice_from(text, at), SLICE("\n"))))
            line--;
    }
    for (; column > 1 && at < text.len && !strchr("\r\n", text.data[at]); column--) {
        size_t n = utf8_sequence(slice_from(text, at));
        at += n ? n : 1;
    }
    /* Its marks of strings stand behind the quote. */
    if (at > 0 && strchr("\"'", text.data[at - 1]))
        at--;
    return place_at(b, at);
}

/* A line at `at` or the two after it that is indented with a tab: then that is what is wrong. */
static bool find_tab(struct place *at)
{
    for (uint32_t line = at->line; line < at->line + 3; line++) {
        struct slice text = source_line(at->source, line);
        for (size_t i = 0; i < text.len && strchr(" \t", text.data[i]); i++) {
            if (text.data[i] == '\t') {
                *at = (struct place){at->source, line, (uint32_t)i + 1};
                return true;
            }
        }
    }
    return false;
}

/* The first error; warnings are collected too. */
static const struct fy_diag_error *first_error(struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *error;
    while ((error = fy_diag_errors_iterate(diag, &iterator)))
        if (error->type == FYET_ERROR && error->msg)
            return error;
    return NULL;
}

static void report_fault(struct builder *b, struct fy_diag *diag)
{
    const struct fy_diag_error *error = first_error(diag);
    if (!error) {
        diagnose(b->d, b->last, "the text cannot be read from here on");
        return;
    }
    struct place at = fault_place(b, error->line, error->column);
    const struct frame *top = b->depth ? &b->frames[b->depth - 1] : NULL;
    if (!(top && top->flow) && find_tab(&at)) {
        diagnose(b->d, at, "a tab in the indentation")->hint = "YAML indents with spaces only";
        return;
    }
    char opener = top && top->node.kind == NODE_MAP ? '{' : '[';
    if (top && top->flow && strstr(error->msg, "without a closing")) {
        diagnose(b->d, top->node.at, "this \"%c\" is never closed", opener);
        return;
    }
    const char *ours = error->msg, *remedy = NULL;
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (strstr(error->msg, phrases[i].theirs)) {
            ours = phrases[i].ours;
            remedy = phrases[i].remedy;
            break;
        }
    }
    if (!remedy && top && top->flow && top->node.at.line < at.line)
        remedy = arena_printf(b->arena, "or is the \"%c\" of line %u never closed?", opener,
                              top->node.at.line);
    diagnose(b->d, at, "%s", ours)->hint = remedy;
}

/* -- All together ---------------------------------------------------------------------------- */

static void take_all(struct builder *b, struct fy_diag *diag)
{
    bool ok = true;
    struct fy_event *event;
    while (ok && (event = fy_parser_parse(b->parser))) {
        ok = take_event(b, event);
        fy_parser_event_free(b->parser, event);
    }
    if (ok && fy_parser_get_stream_error(b->parser))
        report_fault(b, diag);
    else if (ok && !b->root)
        diagnose(b->d, place_at(b, 0), "there is nothing in this file");
}

const struct node *events_read(struct arena *arena, const struct source *source, struct slice text,
                               enum events_form form, struct diagnostics *d)
{
    size_t before = d->count;
    struct builder b = {
        .arena = arena, .source = source, .text = text, .form = form, .d = d, .line = 1};
    b.last = place_at(&b, 0);

    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    MUST(diag, "libfyaml gave no diagnostics");
    fy_diag_set_collect_errors(diag, true);
    /* The depth is limited above, libfyaml's own limit is lower than the one we promise. A closing
       bracket at the start of a line is not YAML to the letter, but everybody else reads it. */
    const struct fy_parse_cfg config = {
        .flags = FYPCF_COLLECT_DIAG | FYPCF_DISABLE_DEPTH_LIMIT | FYPCF_DEFAULT_VERSION_1_2 |
                 FYPCF_SLOPPY_FLOW_INDENTATION |
                 (form == EVENTS_YAML ? FYPCF_JSON_NONE : FYPCF_JSON_FORCE),
        .diag = diag,
    };
    b.parser = fy_parser_create(&config);
    MUST(b.parser, "libfyaml gave no parser");
    if (fy_parser_set_string(b.parser, text.data, text.len) == 0)
        take_all(&b, diag);
    else
        diagnose(d, b.last, "the text cannot be read");

    fy_parser_destroy(b.parser);
    fy_diag_destroy(diag);
    mem_free(b.frames);
    mem_free(b.children);
    mem_free(b.anchors);
    return d->count == before ? b.root : NULL;
}
