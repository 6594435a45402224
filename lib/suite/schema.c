/*
 * Shapes as JSON Schema, draft 2020-12, for editors and for people who generate suites. A string
 * with a template may stand where a number, a duration or a word is expected, so each of those is
 * written as "this, or a template".
 */
#include "core/memory.h"
#include "core/text.h"
#include "suite/shape.h"

#define TEMPLATE "template"

struct writer {
    struct arena *arena;
    const struct shape **named; /* those with a place in $defs, in order of their first use */
    size_t count, capacity;
    bool template_used;
};

static json_t *schema_of(struct writer *w, const struct shape *shape);

static json_t *string(const char *s)
{
    return json_string(s);
}

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

/* "http step" → "http-step": a name that needs no escaping in a reference. */
static const char *slug(struct arena *arena, const char *name)
{
    struct slice s = arena_copy(arena, slice_str(name));
    struct text t = text_in(arena);
    for (size_t i = 0; i < s.len; i++)
        text_add_byte(&t, s.data[i] == ' ' ? '-' : s.data[i]);
    return text_str(&t);
}

static json_t *reference(struct writer *w, const char *name)
{
    return json_pack("{s:o}", "$ref",
                     string(arena_printf(w->arena, "#/$defs/%s", slug(w->arena, name))));
}

static json_t *named_reference(struct writer *w, const struct shape *shape)
{
    size_t i = 0;
    while (i < w->count && w->named[i] != shape) {
        MUST(strcmp(w->named[i]->name, shape->name) != 0, "two shapes are called \"%s\"",
             shape->name);
        i++;
    }
    if (i == w->count) {
        GROW(w->named, w->count, w->capacity);
        w->named[w->count++] = shape;
    }
    return reference(w, shape->name);
}

static json_t *number(double value)
{
    return value >= -1e15 && value <= 1e15 && (double)(int64_t)value >= value &&
                   (double)(int64_t)value <= value
               ? json_integer((json_int_t)value)
               : json_real(value);
}

/* Bounds under the names that the kind gives them. */
static json_t *with_bounds(json_t *schema, const struct shape *shape, const char *least,
                           const char *most)
{
    bool none = !(shape->min < 0 || shape->min > 0 || shape->max < 0 || shape->max > 0);
    if (none)
        return schema;
    json_object_set_new(schema, least, number(shape->min));
    if (shape->max >= shape->min && shape->max < 1e300)
        json_object_set_new(schema, most, number(shape->max));
    return schema;
}

static json_t *object_schema(struct writer *w, const struct shape *shape)
{
    json_t *properties = json_object(), *required = json_array();
    for (const struct field *const *table = shape->fields; *table; table++) {
        for (const struct field *f = *table; f->name; f++) {
            json_t *property = schema_of(w, f->shape);
            if (f->help)
                json_object_set_new(property, "description", string(f->help));
            if (f->example) {
                json_t *example;
                struct result r = jsontext_read(slice_str(f->example), &example);
                MUST(result_ok(r), "the example of \"%s\": %s", f->name, error_last()->text);
                json_object_set_new(property, "examples", json_pack("[o]", example));
            }
            json_object_set_new(properties, f->name, property);
            if (f->required)
                json_array_append_new(required, string(f->name));
        }
    }
    json_t *schema = typed("object");
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required))
        json_object_set_new(schema, "required", json_incref(required));
    json_decref(required);
    json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}

static json_t *either_schema(struct writer *w, const struct shape *shape)
{
    json_t *any = json_array();
    for (size_t i = 0; shape->either[i]; i++)
        json_array_append_new(any, schema_of(w, shape->either[i]));
    return json_pack("{s:o}", "anyOf", any);
}

static json_t *word_schema(const struct shape *shape)
{
    json_t *words = json_array();
    for (size_t i = 0; shape->words[i]; i++)
        json_array_append_new(words, string(shape->words[i]));
    return json_pack("{s:o}", "enum", words);
}

static json_t *or_template(struct writer *w, json_t *schema)
{
    w->template_used = true;
    return json_pack("{s:[o,o]}", "anyOf", schema, reference(w, TEMPLATE));
}

/* A template is a string already, unless the string must be short or a regular expression. */
static json_t *string_schema(struct writer *w, const struct shape *shape)
{
    json_t *schema = with_bounds(typed("string"), shape, "minLength", "maxLength");
    if (shape == &shape_regex)
        json_object_set_new(schema, "format", string("regex"));
    bool strict = shape == &shape_regex || json_object_get(schema, "maxLength");
    return strict ? or_template(w, schema) : schema;
}

/* A shape written out where it stands, whether it has a name or not. */
static json_t *written_out(struct writer *w, const struct shape *shape)
{
    switch (shape->kind) {
    case SHAPE_BOOL:
        return or_template(w, typed("boolean"));
    case SHAPE_INTEGER:
        return or_template(w, with_bounds(typed("integer"), shape, "minimum", "maximum"));
    case SHAPE_NUMBER:
        return or_template(w, with_bounds(typed("number"), shape, "minimum", "maximum"));
    case SHAPE_STRING:
        return string_schema(w, shape);
    case SHAPE_WORD:
        return or_template(w, word_schema(shape));
    case SHAPE_DURATION:
        return or_template(w, json_pack("{s:s,s:s}", "type", "string", "pattern",
                                        "^(0|([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+)$"));
    case SHAPE_SIZE:
        return or_template(w, json_pack("{s:[{s:s,s:i},{s:s,s:s}]}", "anyOf", "type", "integer",
                                        "minimum", 0, "type", "string", "pattern",
                                        "^[0-9]+(\\.[0-9]+)?(B|KB|MB|GB|KiB|MiB|GiB)?$"));
    case SHAPE_LIST: {
        json_t *list = with_bounds(typed("array"), shape, "minItems", "maxItems");
        json_object_set_new(list, "items", schema_of(w, shape->of));
        return list;
    }
    case SHAPE_MAP: {
        json_t *map = with_bounds(typed("object"), shape, "minProperties", "maxProperties");
        json_object_set_new(map, "additionalProperties", schema_of(w, shape->of));
        return map;
    }
    case SHAPE_OBJECT:
        return object_schema(w, shape);
    case SHAPE_EITHER:
        return either_schema(w, shape);
    case SHAPE_ANY:
        break;
    }
    return json_object();
}

static json_t *described(struct writer *w, const struct shape *shape)
{
    json_t *schema = written_out(w, shape);
    if (shape->help)
        json_object_set_new(schema, "description", string(shape->help));
    return schema;
}

static json_t *schema_of(struct writer *w, const struct shape *shape)
{
    return shape->name ? named_reference(w, shape) : described(w, shape);
}

json_t *shape_schema(struct arena *arena, const struct shape *shape, const char *title)
{
    struct writer w = {.arena = arena};
    json_t *schema = json_pack("{s:s,s:s}", "$schema",
                               "https://json-schema.org/draft/2020-12/schema", "title", title);
    json_t *root = schema_of(&w, shape), *definitions = json_object();
    json_object_update(schema, root);
    json_decref(root);
    /* Writing one out may name others: the list grows while it is walked. */
    for (size_t i = 0; i < w.count; i++)
        json_object_set_new(definitions, slug(arena, w.named[i]->name), described(&w, w.named[i]));
    if (w.template_used)
        json_object_set_new(definitions, TEMPLATE,
                            json_pack("{s:s,s:s,s:s}", "type", "string", "pattern", "\\$\\{.+\\}",
                                      "description",
                                      "A text with ${…}: its value is put in when the case runs."));
    if (json_object_size(definitions))
        json_object_set(schema, "$defs", definitions);
    json_decref(definitions);
    mem_free(w.named);
    return jsontext_keep(arena, schema);
}
