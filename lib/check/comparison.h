/*
 * One comparison: a value, an operator and its operand. Inside lib/check only; the operators are
 * written as one function each in comparison.c and stand in one table, below.
 */
#ifndef CHECK_COMPARISON_H
#define CHECK_COMPARISON_H

#include "check/operators.h"

struct operator;

struct comparison {
    struct matching *m;
    const struct operator* operator;
    const struct node *operand;
    const struct node *map; /* where rel and abs stand; NULL for literals and short forms */
    const json_t *actual;   /* NULL only for operators that see absence */
    const char *where;
};

/* How an operand is put into words. */
enum operand_form {
    FORM_VALUE,
    FORM_MATCHER,
    FORM_FLAG,   /* true or false: the phrase or its negation */
    FORM_HIDDEN, /* too long to say */
};

/*
 * X(name, shape of the operand, form, phrase, symbol, help, example)
 *
 * The phrase goes between the place and the operand in a sentence ("expected $.n to be at least
 * 3"), the symbol before the operand in short texts ("≥ 3").
 */
#define OPERATORS(X)                                                                               \
    X(eq, shape_any, FORM_VALUE, "to equal", "=", "Equals, whole: objects and arrays too.",        \
      "{\"eq\": {\"a\": 1}}")                                                                      \
    X(ne, shape_any, FORM_VALUE, "to differ from", "≠", "Is there and does not equal.",            \
      "{\"ne\": \"failed\"}")                                                                      \
    X(lt, ordered_operand, FORM_VALUE, "to be less than", "<",                                     \
      "Less than: a number, a duration or a size; a text by byte order.", "{\"lt\": \"500ms\"}")   \
    X(le, ordered_operand, FORM_VALUE, "to be at most", "≤", "At most.", "{\"le\": 100}")          \
    X(gt, ordered_operand, FORM_VALUE, "to be more than", ">", "More than.", "{\"gt\": 0}")        \
    X(ge, ordered_operand, FORM_VALUE, "to be at least", "≥", "At least.", "{\"ge\": 0.8}")        \
    X(near, shape_nested_numbers, FORM_VALUE, "to be near", "≈",                                   \
      "Within `abs` + `rel` × |expected| of a number, or element by element of a list; without "   \
      "both, `rel` is 1e-6.",                                                                      \
      "{\"near\": 1.0, \"rel\": 1e-3}")                                                            \
    X(matches, pattern, FORM_VALUE, "to match", "matches",                                         \
      "A regular expression (PCRE2) is found in the text.", "{\"matches\": \"^http\"}")            \
    X(contains, shape_any, FORM_VALUE, "to contain", "contains",                                   \
      "The text contains this text, or the array has this element.", "{\"contains\": \"ready\"}")  \
    X(not_contains, shape_any, FORM_VALUE, "not to contain", "without",                            \
      "The text or array, which must not be empty, is without it.",                                \
      "{\"not_contains\": \"error\"}")                                                             \
    X(starts, shape_string, FORM_VALUE, "to start with", "starts with",                            \
      "The text starts with this.", "{\"starts\": \"data:\"}")                                     \
    X(ends, shape_string, FORM_VALUE, "to end with", "ends with", "The text ends with this.",      \
      "{\"ends\": \"}\"}")                                                                         \
    X(in, literals, FORM_VALUE, "to be one of", "one of", "Equals one of these.",                  \
      "{\"in\": [200, 201]}")                                                                      \
    X(type, types, FORM_VALUE, "to be of type", "of type",                                         \
      "The JSON type, or one of several; 1.0 is an integer.", "{\"type\": \"string\"}")            \
    X(length, shape_number_matcher, FORM_MATCHER, "to have a length", "length",                    \
      "The number of characters, elements or members.", "{\"length\": {\"ge\": 1}}")               \
    X(empty, shape_bool, FORM_FLAG, "to be empty", "empty",                                        \
      "Holds nothing (true) or something (false).", "{\"empty\": false}")                          \
    X(exists, shape_bool, FORM_FLAG, "to exist", "exists",                                         \
      "There is such a value, even null (true), or none (false).", "{\"exists\": false}")          \
    X(each, shape_matcher, FORM_MATCHER, "to have only elements", "each",                          \
      "Every element fits, and there is at least one.", "{\"each\": {\"type\": \"number\"}}")      \
    X(any, shape_matcher, FORM_MATCHER, "to have an element", "any", "At least one element fits.", \
      "{\"any\": {\"starts\": \"a\"}}")                                                            \
    X(unordered, matchers, FORM_VALUE, "to have in any order", "in any order",                     \
      "Exactly these elements, literals or matchers, in any order.",                               \
      "{\"unordered\": [1, {\"gt\": 5}]}")                                                         \
    X(schema, json_schema, FORM_HIDDEN, "to fit the schema", "schema",                             \
      "Fits a JSON Schema (draft 2020-12).",                                                       \
      "{\"schema\": {\"type\": \"object\", \"required\": [\"id\"]}}")                              \
    X(not, shape_matcher, FORM_MATCHER, "not", "not",                                              \
      "The matcher can be applied and does not hold.", "{\"not\": {\"contains\": \"sorry\"}}")

struct operator
{
    const char *name;
    enum outcome (*compare)(const struct comparison *c);
    enum operand_form form;
    const char *phrase, *symbol;
};

#define X(name, shape, form, phrase, symbol, help, example)                                        \
    enum outcome compare_##name(const struct comparison *c);
OPERATORS(X)
#undef X

/* "to be at least 3", or brief: "≥ 3". */
struct slice operator_described(struct arena *arena, const struct operator* o,
                                const struct node *operand, enum match_unit unit, bool brief);

/* A value as it stands in sentences; NULL is "(no data)". */
struct slice comparison_shown(struct arena *arena, const json_t *value, enum match_unit unit);

#endif
