/*
 * Compiling a schema: from JSON to nodes. One walk over the parts that are subschemas (the keyword
 * table says which) finds resources and anchors; references are resolved afterwards, which may
 * bring in further documents or parts the walk did not reach, until none is left. Runs once per
 * schema of a suite; schemas have some hundred subschemas.
 */
#include "check/schema_metaschema.h"
#include "check/schema_node.h"
#include "check/schema_shape.h"
#include "check/uri.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"

/* A reference to be resolved once everything it might mean has been walked. */
struct pending {
    struct schema_keyword *keyword;
    const struct schema_node *node;
    struct pending *next;
};

/* A URI under which a resource was asked for, beside its own. */
struct alias {
    struct slice uri;
    struct schema_resource *resource;
    struct alias *next;
};

/* Which node an object was compiled to. */
struct place_of_node {
    const json_t *json;
    struct schema_node *node;
};

struct compiler {
    struct arena *arena;
    const struct schema_options *options;
    struct schema_resource *resources;
    struct alias *aliases;
    struct pending *pending;
    struct place_of_node *nodes; /* open addressing; a power of two of places */
    size_t node_count, node_places;
    int depth;
};

static struct result compile_node(struct compiler *c, const json_t *json,
                                  struct schema_resource *resource, struct slice location,
                                  const struct schema_node **out);

/* ---- which node an object became ---- */

static size_t hash_pointer(const void *pointer)
{
    return (size_t)(((uint64_t)(uintptr_t)pointer * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static struct place_of_node *node_place(struct compiler *c, const json_t *json)
{
    size_t i = hash_pointer(json) & (c->node_places - 1);
    while (c->nodes[i].json && c->nodes[i].json != json)
        i = (i + 1) & (c->node_places - 1);
    return &c->nodes[i];
}

static struct schema_node *node_of(struct compiler *c, const json_t *json)
{
    return c->node_places ? node_place(c, json)->node : NULL;
}

static void remember_node(struct compiler *c, const json_t *json, struct schema_node *node)
{
    if (c->node_count * 2 >= c->node_places) {
        struct place_of_node *old = c->nodes;
        size_t places = c->node_places;
        c->node_places = places ? places * 2 : 64;
        c->nodes = mem_zero(c->node_places * sizeof *c->nodes);
        for (size_t i = 0; i < places; i++)
            if (old[i].json)
                *node_place(c, old[i].json) = old[i];
        mem_free(old);
    }
    *node_place(c, json) = (struct place_of_node){json, node};
    c->node_count++;
}

/* ---- drafts and vocabularies ---- */

static const struct dialect {
    const char *uri;
    unsigned draft;
    enum schema_draft name;
} dialects[] = {
    {"https://json-schema.org/draft/2020-12/schema", D20, SCHEMA_2020_12},
    {"https://json-schema.org/draft/2019-09/schema", D19, SCHEMA_2019_09},
    {"http://json-schema.org/draft-07/schema", D07, SCHEMA_DRAFT_07},
    {"http://json-schema.org/draft-06/schema", D06, SCHEMA_DRAFT_06},
    {"http://json-schema.org/draft-04/schema", D04, SCHEMA_DRAFT_04},
};
#define DIALECT_COUNT (sizeof dialects / sizeof *dialects)

/* The last part of a vocabulary's URI, and what it brings. */
static const struct vocabulary {
    const char *name;
    unsigned bits;
    bool assert_formats;
} vocabularies[] = {
    {"core", IN_CORE, false},
    {"applicator", IN_APPLICATOR, false},
    {"unevaluated", IN_UNEVALUATED, false},
    {"validation", IN_VALIDATION, false},
    {"meta-data", 0, false},
    {"format-annotation", IN_FORMAT, false},
    {"format-assertion", IN_FORMAT, true},
    {"format", IN_FORMAT, false},
    {"content", 0, false},
};

static const struct vocabulary *vocabulary_named(struct slice uri)
{
    static const char *const bases[] = {"https://json-schema.org/draft/2020-12/vocab/",
                                        "https://json-schema.org/draft/2019-09/vocab/"};
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
        if (slice_starts(uri, slice_str(bases[b])))
            for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++)
                if (slice_is(slice_from(uri, strlen(bases[b])), vocabularies[i].name))
                    return &vocabularies[i];
    return NULL;
}

/* The JSON of a document that was handed in or is embedded; NULL when there is none. */
static struct result document_at(struct compiler *c, struct slice uri, const json_t **out)
{
    json_t *json = NULL;
    *out = NULL;
    for (size_t i = 0; i < c->options->document_count; i++) {
        const struct schema_document *d = &c->options->documents[i];
        if (slice_eq(uri_document(slice_str(d->uri)), uri)) {
            *out = d->root;
            return RESULT_OK;
        }
    }
    struct slice text = metaschema_text(uri);
    if (text.len)
        TRY(jsontext_read_in(c->arena, text, &json));
    *out = json;
    return RESULT_OK;
}

/* `$vocabulary` of a metaschema. */
static struct result read_vocabulary(const json_t *object, struct slice location,
                                     struct schema_resource *resource)
{
    json_t *members = (json_t *)(uintptr_t)object; /* iterating does not change it */
    resource->vocabularies = IN_CORE;
    resource->assert_formats = false;
    for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it)) {
        const struct vocabulary *v = vocabulary_named(slice_str(json_object_iter_key(it)));
        bool required = json_is_true(json_object_iter_value(it));
        ENSURE(v || !required, ERR_UNSUPPORTED, "%.*s/$schema: vocabulary %s is not known here",
               SLICE_ARG(location), json_object_iter_key(it));
        if (!v)
            continue;
        resource->vocabularies |= v->bits;
        resource->assert_formats = resource->assert_formats || v->assert_formats;
    }
    /* Before 2020-12, unevaluated… belonged to the applicators. */
    if (resource->draft == D19 && (resource->vocabularies & IN_APPLICATOR))
        resource->vocabularies |= IN_UNEVALUATED;
    return RESULT_OK;
}

/* What `$schema` says. A metaschema of the user's own is followed to the draft it builds on. */
static struct result read_dialect(struct compiler *c, struct slice schema_uri,
                                  struct slice location, struct schema_resource *resource)
{
    struct slice uri = uri_document(schema_uri);
    const json_t *vocabulary = NULL;
    for (int hops = 0; hops < LIMIT_INCLUDE_DEPTH; hops++) {
        for (size_t i = 0; i < DIALECT_COUNT; i++)
            if (slice_is(uri, dialects[i].uri)) {
                resource->draft = dialects[i].draft;
                resource->vocabularies = IN_ALL;
                resource->assert_formats = false;
                return vocabulary ? read_vocabulary(vocabulary, location, resource) : RESULT_OK;
            }
        const json_t *metaschema = NULL;
        TRY(document_at(c, uri, &metaschema));
        const json_t *above = json_object_get(metaschema, "$schema");
        if (!json_is_string(above))
            break;
        if (!vocabulary)
            vocabulary = json_object_get(metaschema, "$vocabulary");
        uri = uri_document(jsontext_slice(above));
    }
    return error_set(ERR_UNSUPPORTED,
                     "%.*s/$schema: '%.*s' is not known here; drafts 04, 06, 07, 2019-09 and "
                     "2020-12 are",
                     SLICE_ARG(location), SLICE_ARG(schema_uri));
}

/* ---- resources and anchors ---- */

static void add_anchor(struct compiler *c, struct schema_resource *resource, struct slice name,
                       bool dynamic, const struct schema_node *node)
{
    struct schema_anchor *anchor = ARENA_NEW(c->arena, struct schema_anchor);
    *anchor = (struct schema_anchor){name, dynamic, node, resource->anchors};
    resource->anchors = anchor;
}

static const struct schema_anchor *anchor_of(const struct schema_resource *resource,
                                             struct slice name)
{
    for (const struct schema_anchor *a = resource->anchors; a; a = a->next)
        if (slice_eq(a->name, name))
            return a;
    return NULL;
}

static struct schema_resource *resource_with_uri(struct compiler *c, struct slice uri)
{
    for (struct schema_resource *r = c->resources; r; r = r->next)
        if (slice_eq(r->uri, uri))
            return r;
    for (struct alias *a = c->aliases; a; a = a->next)
        if (slice_eq(a->uri, uri))
            return a->resource;
    return NULL;
}

static struct schema_resource *add_resource(struct compiler *c, const json_t *root,
                                            struct slice uri, struct slice location)
{
    struct schema_resource *resource = ARENA_NEW(c->arena, struct schema_resource);
    *resource = (struct schema_resource){
        .uri = uri, .location = location, .root = root, .next = c->resources};
    c->resources = resource;
    return resource;
}

static const json_t *string_member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? value : NULL;
}

/* The identifier of a schema, or NULL; until draft 07 one beside `$ref` does not count. */
static const json_t *identifier(const json_t *json, unsigned draft)
{
    if ((draft & UNTIL_D07) && string_member(json, "$ref"))
        return NULL;
    return string_member(json, draft == D04 ? "id" : "$id");
}

/*
 * The resource `json` belongs to: the one around it, or a new one when it has an identifier of its
 * own. `around->root == json` means the root of a document, whose resource is there already.
 */
static struct result own_resource(struct compiler *c, const json_t *json, struct slice location,
                                  struct schema_resource *around, struct schema_resource **out)
{
    struct schema_resource dialect = *around;
    const json_t *schema = string_member(json, "$schema");
    bool document = around->root == json && !around->node;
    *out = around;
    if (schema && (document || identifier(json, around->draft) || identifier(json, D20)))
        TRY(read_dialect(c, jsontext_slice(schema), location, &dialect));
    const json_t *id = identifier(json, dialect.draft);
    struct slice base = id ? uri_document(jsontext_slice(id)) : slice_of(NULL, 0);
    if (base.len && !document)
        *out = add_resource(c, json, uri_resolve(c->arena, around->uri, base), location);
    else if (base.len)
        around->uri = uri_resolve(c->arena, around->uri, base);
    if (base.len || document) {
        (*out)->draft = dialect.draft;
        (*out)->vocabularies = dialect.vocabularies;
        (*out)->assert_formats = dialect.assert_formats;
    }
    return RESULT_OK;
}

static void add_anchors(struct compiler *c, const struct schema_node *node,
                        struct schema_resource *resource)
{
    const json_t *json = node->json;
    const json_t *id = identifier(json, resource->draft);
    const json_t *anchor = string_member(json, "$anchor");
    const json_t *dynamic = string_member(json, "$dynamicAnchor");
    if ((resource->draft & UNTIL_D07) && id && uri_fragment(jsontext_slice(id)).len)
        add_anchor(c, resource, uri_fragment(jsontext_slice(id)), false, node);
    if ((resource->draft & FROM_D19) && anchor)
        add_anchor(c, resource, jsontext_slice(anchor), false, node);
    if (resource->draft == D20 && dynamic)
        add_anchor(c, resource, jsontext_slice(dynamic), true, node);
    if (resource->draft == D19 && json_is_true(json_object_get(json, "$recursiveAnchor")))
        add_anchor(c, resource, SLICE(""), true, node);
}

/* ---- keywords ---- */

static struct slice child_location(struct compiler *c, struct slice at, struct slice name)
{
    struct text t = text_in(c->arena);
    text_add(&t, at);
    text_add_byte(&t, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '~')
            text_add_str(&t, "~0");
        else if (name.data[i] == '/')
            text_add_str(&t, "~1");
        else
            text_add_byte(&t, name.data[i]);
    }
    return text_slice(&t);
}

static struct slice element_location(struct compiler *c, struct slice at, size_t index)
{
    return slice_str(arena_printf(c->arena, "%.*s/%zu", SLICE_ARG(at), index));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The members of a map that are subschemas; of dependencies, others are NULL. */
static struct result compile_map(struct compiler *c, struct schema_keyword *k,
                                 struct schema_resource *resource, struct slice location)
{
    json_t *members = (json_t *)(uintptr_t)k->value; /* iterating does not change it */
    size_t n = 0;
    k->node_count = json_object_size(members);
    k->names = ARENA_ARRAY(c->arena, const char *, k->node_count);
    k->nodes = ARENA_ARRAY(c->arena, const struct schema_node *, k->node_count);
    for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it))
        k->names[n++] = json_object_iter_key(it);
    if (n)
        qsort(k->names, n, sizeof *k->names, by_name);
    for (size_t i = 0; i < n; i++) {
        const json_t *member = json_object_get(members, k->names[i]);
        if (!json_is_array(member))
            TRY(compile_node(c, member, resource,
                             child_location(c, location, slice_str(k->names[i])), &k->nodes[i]));
    }
    return RESULT_OK;
}

static struct result compile_list(struct compiler *c, struct schema_keyword *k,
                                  struct schema_resource *resource, struct slice location)
{
    bool list = json_is_array(k->value);
    k->node_count = list ? json_array_size(k->value) : 1;
    k->nodes = ARENA_ARRAY(c->arena, const struct schema_node *, k->node_count);
    if (!list)
        return compile_node(c, k->value, resource, location, &k->nodes[0]);
    for (size_t i = 0; i < k->node_count; i++)
        TRY(compile_node(c, json_array_get(k->value, i), resource, element_location(c, location, i),
                         &k->nodes[i]));
    return RESULT_OK;
}

static struct result compile_keyword(struct compiler *c, struct schema_keyword *k,
                                     struct schema_node *node, struct schema_resource *resource)
{
    struct slice location = child_location(c, node->location, slice_str(k->kind->name));
    switch (k->kind->shape) {
    case SHAPE_REFERENCE: {
        struct pending *pending = ARENA_NEW(c->arena, struct pending);
        *pending = (struct pending){k, node, c->pending};
        c->pending = pending;
        return RESULT_OK;
    }
    case SHAPE_SCHEMA_MAP:
    case SHAPE_PATTERN_MAP:
    case SHAPE_DEPENDENCIES:
        return compile_map(c, k, resource, location);
    case SHAPE_SCHEMA:
    case SHAPE_SCHEMAS:
    case SHAPE_SCHEMA_OR_LIST:
        return compile_list(c, k, resource, location);
    default:
        return RESULT_OK;
    }
}

/* Does the keyword mean anything in this schema? */
static bool counts(const struct keyword_kind *kind, const struct schema_resource *resource,
                   bool reference_only)
{
    if (reference_only && kind->id != KEYWORD_REF && kind->id != KEYWORD_DEFINITIONS)
        return false;
    return (kind->drafts & resource->draft) && (kind->vocabulary & resource->vocabularies);
}

static struct result compile_keywords(struct compiler *c, struct schema_node *node,
                                      struct schema_resource *resource)
{
    bool reference_only = (resource->draft & UNTIL_D07) && string_member(node->json, "$ref");
    const struct schema_keyword **tail = &node->keywords;
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        const struct keyword_kind *kind = &keyword_kinds[i];
        const json_t *value = json_object_get(node->json, kind->name);
        if (!value || !counts(kind, resource, reference_only))
            continue;
        TRY(schema_shape_check(c->arena, kind, value, node->location));
        struct schema_keyword *k = ARENA_NEW(c->arena, struct schema_keyword);
        k->kind = kind;
        k->value = value;
        TRY(compile_keyword(c, k, node, resource));
        node->wants_marks = node->wants_marks || kind->id == KEYWORD_UNEVALUATED_ITEMS ||
                            kind->id == KEYWORD_UNEVALUATED_PROPERTIES;
        *tail = k;
        tail = &k->next;
    }
    return RESULT_OK;
}

static struct result compile_node(struct compiler *c, const json_t *json,
                                  struct schema_resource *resource, struct slice location,
                                  const struct schema_node **out)
{
    struct schema_node *node = json_is_object(json) ? node_of(c, json) : NULL;
    *out = node;
    if (node)
        return RESULT_OK;
    ENSURE(json_is_object(json) || json_is_boolean(json), ERR_VALUE,
           "%.*s: expected a schema (an object, true or false), got %s", SLICE_ARG(location),
           jsontext_type(json));
    ENSURE(c->depth < LIMIT_DEPTH, ERR_TOO_LARGE, "%.*s: nested deeper than %d levels",
           SLICE_ARG(location), LIMIT_DEPTH);
    *out = node = ARENA_NEW(c->arena, struct schema_node);
    *node = (struct schema_node){.json = json, .location = location, .resource = resource};
    if (json_is_boolean(json)) {
        if (resource->root == json)
            resource->node = node;
        return RESULT_OK;
    }
    TRY(own_resource(c, json, location, resource, &resource));
    node->resource = resource;
    if (resource->root == json)
        resource->node = node;
    remember_node(c, json, node);
    add_anchors(c, node, resource);
    c->depth++;
    TRY(compile_keywords(c, node, resource));
    c->depth--;
    return RESULT_OK;
}

static unsigned default_draft(const struct schema_options *options)
{
    for (size_t i = 0; i < DIALECT_COUNT; i++)
        if (dialects[i].name == options->draft)
            return dialects[i].draft;
    MUST(false, "unknown draft %d", (int)options->draft);
}

/* A whole document that was found at `uri`. */
static struct result compile_document(struct compiler *c, const json_t *root, struct slice uri,
                                      struct slice location, struct schema_resource **out)
{
    const struct schema_node *node = NULL;
    struct schema_resource *resource = add_resource(c, root, uri, location);
    struct alias *alias = ARENA_NEW(c->arena, struct alias);
    *alias = (struct alias){uri, resource, c->aliases};
    c->aliases = alias;
    resource->draft = default_draft(c->options);
    resource->vocabularies = IN_ALL;
    *out = resource;
    return compile_node(c, root, resource, location, &node);
}

/* ---- references ---- */

static struct result find_resource(struct compiler *c, struct slice uri, struct slice location,
                                   struct schema_resource **out)
{
    const json_t *root = NULL;
    *out = resource_with_uri(c, uri);
    if (*out)
        return RESULT_OK;
    TRY(document_at(c, uri, &root));
    ENSURE(root, ERR_NOT_FOUND,
           "%.*s: the document '%.*s' was not handed in, and none is ever fetched",
           SLICE_ARG(location), SLICE_ARG(uri));
    const char *prefix = arena_printf(c->arena, "%.*s#", SLICE_ARG(uri));
    return compile_document(c, root, arena_copy(c->arena, uri), slice_str(prefix), out);
}

/* One token of a JSON Pointer, decoded. */
static const char *pointer_token(struct arena *arena, struct slice token)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < token.len; i++) {
        bool escape = token.data[i] == '~' && i + 1 < token.len;
        if (escape)
            i++;
        text_add_byte(&t, !escape ? token.data[i] : token.data[i] == '1' ? '/' : '~');
    }
    return text_str(&t);
}

static const json_t *pointer_step(const json_t *json, const char *token)
{
    size_t index = 0;
    if (!json_is_array(json))
        return json_object_get(json, token);
    for (const char *digit = token; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || index > json_array_size(json))
            return NULL;
        index = index * 10 + (size_t)(*digit - '0');
    }
    return *token ? json_array_get(json, index) : NULL;
}

/* The subschema at a JSON Pointer within a resource, compiled now if it was not a known place. */
static struct result follow_pointer(struct compiler *c, struct schema_resource *resource,
                                    struct slice pointer, struct slice location,
                                    const struct schema_node **out)
{
    const json_t *json = resource->root;
    struct slice rest = slice_from(pointer, 1), token;
    struct slice at = resource->location;
    bool more = true;
    while (more) {
        ptrdiff_t slash = slice_find_byte(rest, '/');
        token = slash < 0 ? rest : slice_part(rest, 0, (size_t)slash);
        more = slash >= 0;
        if (more)
            rest = slice_from(rest, (size_t)slash + 1);
        const char *name = pointer_token(c->arena, token);
        json = pointer_step(json, name);
        ENSURE(json, ERR_VALUE, "%.*s: nothing is at '%.*s' of %.*s", SLICE_ARG(location),
               SLICE_ARG(pointer), SLICE_ARG(resource->location));
        at = child_location(c, at, slice_str(name));
        const struct schema_node *known = json_is_object(json) ? node_of(c, json) : NULL;
        if (known && known->resource->root == json)
            resource = (struct schema_resource *)(uintptr_t)known->resource;
    }
    return compile_node(c, json, resource, at, out);
}

static struct result resolve(struct compiler *c, const struct pending *p)
{
    struct schema_keyword *k = p->keyword;
    struct slice reference = jsontext_slice(k->value);
    struct slice location = child_location(c, p->node->location, slice_str(k->kind->name));
    struct slice uri = uri_resolve(c->arena, p->node->resource->uri, reference);
    struct slice fragment = uri_decode(c->arena, uri_fragment(uri));
    struct schema_resource *resource = NULL;
    const struct schema_anchor *anchor = NULL;
    TRY(find_resource(c, uri_document(uri), location, &resource));
    if (fragment.len && *fragment.data == '/')
        return follow_pointer(c, resource, fragment, location, &k->target);
    anchor = anchor_of(resource, fragment);
    ENSURE(anchor || fragment.len == 0, ERR_VALUE, "%.*s: there is no anchor '%.*s' in %.*s",
           SLICE_ARG(location), SLICE_ARG(fragment), SLICE_ARG(resource->location));
    k->target = anchor ? anchor->node : resource->node;
    if (anchor && anchor->dynamic && k->kind->id != KEYWORD_REF)
        k->dynamic = anchor->name;
    return RESULT_OK;
}

static void compiler_free(struct compiler *c)
{
    mem_free(c->nodes);
}

struct result schema_compile(struct arena *arena, const json_t *root,
                             const struct schema_options *options, struct schema **out)
{
    static const struct schema_options usual = {0};
    DEFER(compiler_free)
    struct compiler c = {.arena = arena, .options = options ? options : &usual};
    struct schema_resource *resource = NULL;
    struct slice uri = uri_document(slice_str(c.options->uri ? c.options->uri : ""));
    TRY(compile_document(&c, root, arena_copy(arena, uri), SLICE("#"), &resource));
    while (c.pending) {
        struct pending *p = c.pending;
        c.pending = p->next;
        TRY(resolve(&c, p));
    }
    for (struct schema_resource *r = c.resources; r; r = r->next)
        r->assert_formats = r->assert_formats || c.options->assert_formats;
    struct schema *schema = ARENA_NEW(arena, struct schema);
    schema->root = resource->node;
    *out = schema;
    return RESULT_OK;
}
