/*
 * ECMA-262 and I-Regexp patterns for PCRE2, in one pass over the pattern without a tree: only
 * escapes, classes, the dot and what follows a quantifier differ between the dialects. Patterns are
 * short and each is translated once per thread, so clarity goes before speed.
 */
#include "check/regex_dialect.h"

struct translator {
    struct regex_translation *to;
    struct slice s;
    size_t at;
    bool in_class;
    bool quantifiable; /* the last thing written can be repeated */
};

#define ECMA_SPACE                                                                                 \
    "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"           \
    "\\x{205f}\\x{3000}\\x{feff}"
#define ECMA_NOT_SPACE                                                                             \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"               \
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"                 \
    "\\x{3001}-\\x{d7ff}\\x{e000}-\\x{fefe}\\x{ff00}-\\x{10ffff}"
#define ECMA_DOT "[^\\n\\r\\x{2028}\\x{2029}]"
#define IREGEXP_DOT "[^\\n\\r]"

/* General categories by the long names and aliases of the Unicode Character Database; PCRE2 knows
 * only the short ones. */
static const struct category {
    const char *name, *abbreviation;
} categories[] = {
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Unassigned", "Cn"},
    {"Private_Use", "Co"},
    {"Surrogate", "Cs"},
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"LC", "L&"},
    {"Lowercase_Letter", "Ll"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Titlecase_Letter", "Lt"},
    {"Uppercase_Letter", "Lu"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Nonspacing_Mark", "Mn"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Close_Punctuation", "Pe"},
    {"Final_Punctuation", "Pf"},
    {"Initial_Punctuation", "Pi"},
    {"Other_Punctuation", "Po"},
    {"Open_Punctuation", "Ps"},
    {"Symbol", "S"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Math_Symbol", "Sm"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Space_Separator", "Zs"},
};

static char peek(const struct translator *t, size_t ahead)
{
    return t->at + ahead < t->s.len ? t->s.data[t->at + ahead] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void put(struct translator *t, const char *s)
{
    text_add_str(&t->to->text, s);
}

static void put_code_point(struct translator *t, uint32_t c)
{
    text_printf(&t->to->text, "\\x{%x}", c);
}

/* `digits` hexadecimal digits `from` bytes ahead. */
static bool hex_ahead(const struct translator *t, size_t from, size_t digits, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = peek(t, from + i);
        char lower = (char)(c | 0x20);
        if (is_digit(c))
            *out = *out * 16 + (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *out = *out * 16 + (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* \uXXXX, a \uXXXX\uXXXX pair of surrogates, or \u{X…}; at the backslash. */
static struct result unicode_escape(struct translator *t)
{
    uint32_t c = 0, low = 0;
    if (peek(t, 2) == '{') {
        size_t digits = 0;
        while (digits < 8 && peek(t, 3 + digits) != '}' && t->at + 3 + digits < t->s.len)
            digits++;
        ENSURE(digits > 0 && hex_ahead(t, 3, digits, &c) && peek(t, 3 + digits) == '}' &&
                   c <= 0x10ffff,
               ERR_SYNTAX, "expected a code point of at most 10ffff after \\u{");
        t->at += digits + 4;
    } else {
        ENSURE(hex_ahead(t, 2, 4, &c), ERR_SYNTAX, "expected four hexadecimal digits after \\u");
        t->at += 6;
        bool pair = c >= 0xd800 && c <= 0xdbff && peek(t, 0) == '\\' && peek(t, 1) == 'u' &&
                    hex_ahead(t, 2, 4, &low) && low >= 0xdc00 && low <= 0xdfff;
        if (pair) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            t->at += 6;
        }
    }
    ENSURE(c < 0xd800 || c > 0xdfff, ERR_SYNTAX, "a lone surrogate matches nothing in UTF-8");
    put_code_point(t, c);
    return RESULT_OK;
}

/* \p{…} or \P{…}; at the backslash. */
static struct result property_escape(struct translator *t)
{
    struct slice rest = slice_from(t->s, t->at + 2);
    ptrdiff_t close = slice_find_byte(rest, '}');
    ENSURE(peek(t, 2) == '{' && close > 1, ERR_SYNTAX, "expected {a property} after \\%c",
           peek(t, 1));
    struct slice name = slice_of(rest.data + 1, (size_t)close - 1);
    ENSURE(name.data[0] != '^', ERR_SYNTAX, "expected a property, got ^; \\P{…} negates");
    static const char *const prefixes[] = {"General_Category=", "gc="};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (slice_starts(name, slice_str(prefixes[i])))
            name = slice_from(name, strlen(prefixes[i]));
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (slice_is(name, categories[i].name))
            name = slice_str(categories[i].abbreviation);
    text_printf(&t->to->text, "\\%c{%.*s}", peek(t, 1), SLICE_ARG(name));
    t->at += 2 + (size_t)close + 1;
    return RESULT_OK;
}

/* \k<name>: the same in PCRE2. At the backslash. */
static struct result named_reference(struct translator *t)
{
    struct slice rest = slice_from(t->s, t->at);
    ptrdiff_t close = slice_find_byte(rest, '>');
    ENSURE(!t->in_class && peek(t, 2) == '<' && close > 3, ERR_SYNTAX,
           "expected <the name of a group> after \\k");
    text_add(&t->to->text, slice_of(rest.data, (size_t)close + 1));
    t->at += (size_t)close + 1;
    return RESULT_OK;
}

/* \0, or \1 and up outside classes. At the backslash. */
static struct result number_escape(struct translator *t)
{
    if (peek(t, 1) == '0') {
        ENSURE(!is_digit(peek(t, 2)), ERR_SYNTAX, "octal escapes are not allowed; write \\xNN");
        put_code_point(t, 0);
        t->at += 2;
        return RESULT_OK;
    }
    ENSURE(!t->in_class, ERR_SYNTAX, "a back reference cannot stand in a class");
    size_t digits = 0;
    while (is_digit(peek(t, 1 + digits)))
        digits++;
    text_printf(&t->to->text, "\\g{%.*s}", (int)digits, t->s.data + t->at + 1);
    t->at += 1 + digits;
    return RESULT_OK;
}

/* An escape that is a letter; at the backslash. */
static struct result letter_escape(struct translator *t)
{
    char c = peek(t, 1);
    uint32_t code = 0;
    switch (c) {
    case 'u':
        return unicode_escape(t);
    case 'p':
    case 'P':
        return property_escape(t);
    case 'k':
        return named_reference(t);
    case 'x':
        ENSURE(hex_ahead(t, 2, 2, &code), ERR_SYNTAX, "expected two hexadecimal digits after \\x");
        put_code_point(t, code);
        t->at += 4;
        return RESULT_OK;
    case 'c':
        ENSURE(is_letter(peek(t, 2)), ERR_SYNTAX, "expected a letter after \\c");
        put_code_point(t, (uint32_t)peek(t, 2) & 0x1f);
        t->at += 3;
        return RESULT_OK;
    case 's':
        put(t, t->in_class ? ECMA_SPACE : "[" ECMA_SPACE "]");
        break;
    case 'S':
        put(t, t->in_class ? ECMA_NOT_SPACE : "[^" ECMA_SPACE "]");
        break;
    case 'v':
        put(t, "\\x{b}");
        break;
    case 'b':
        put(t, t->in_class ? "\\x{8}" : "\\b");
        t->quantifiable = t->in_class;
        break;
    case 'B':
        ENSURE(!t->in_class, ERR_SYNTAX, "\\B cannot stand in a class");
        put(t, "\\B");
        t->quantifiable = false;
        break;
    default:
        ENSURE(strchr("dDwWfnrt", c), ERR_SYNTAX, "\\%c is not an escape in this dialect", c);
        text_add(&t->to->text, slice_of(t->s.data + t->at, 2));
        break;
    }
    t->at += 2;
    return RESULT_OK;
}

static struct result escape(struct translator *t)
{
    char c = peek(t, 1);
    ENSURE(t->at + 1 < t->s.len, ERR_SYNTAX, "expected something after the backslash");
    t->quantifiable = true;
    if (is_letter(c))
        return letter_escape(t);
    if (is_digit(c))
        return number_escape(t);
    ENSURE((unsigned char)c < 0x80, ERR_SYNTAX, "this character needs no backslash");
    /* Any other character stands for itself. The u flag allows that for fewer of them, but \- and
     * \_ are too common in the field to refuse. */
    put_code_point(t, (unsigned char)c);
    t->at += 2;
    return RESULT_OK;
}

/* One character of a class, or the end of it. */
static struct result in_class(struct translator *t)
{
    char c = peek(t, 0);
    if (c == '\\')
        return escape(t);
    if (c == '[')
        put(t, "\\["); /* else PCRE2 would look for [:alpha:] */
    else
        text_add_byte(&t->to->text, c);
    if (c == ']') {
        t->in_class = false;
        t->quantifiable = true;
    }
    t->at++;
    return RESULT_OK;
}

/* "(": of what may follow "(?", only what ECMA-262 has. */
static struct result open_group(struct translator *t)
{
    static const char *const openings[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<"};
    struct slice rest = slice_from(t->s, t->at);
    size_t len = 1;
    t->quantifiable = false;
    if (peek(t, 1) == '?') {
        for (size_t i = 0; len == 1 && i < sizeof openings / sizeof *openings; i++)
            if (slice_starts(rest, slice_str(openings[i])))
                len = strlen(openings[i]);
        ENSURE(len > 1, ERR_SYNTAX, "(?%c is not a group in this dialect", peek(t, 2));
    }
    text_add(&t->to->text, slice_of(rest.data, len));
    t->at += len;
    return RESULT_OK;
}

/* The length of {n}, {n,} or {n,m} here, else 0. */
static size_t braces_ahead(const struct translator *t)
{
    size_t i = 1;
    while (is_digit(peek(t, i)))
        i++;
    if (i == 1)
        return 0;
    if (peek(t, i) == ',')
        i++;
    while (is_digit(peek(t, i)))
        i++;
    return peek(t, i) == '}' ? i + 1 : 0;
}

/* A quantifier of `len` bytes, with the ? that makes it lazy. */
static struct result quantifier(struct translator *t, size_t len)
{
    ENSURE(t->quantifiable, ERR_SYNTAX, "there is nothing to repeat");
    if (peek(t, len) == '?')
        len++;
    text_add(&t->to->text, slice_of(t->s.data + t->at, len));
    t->at += len;
    t->quantifiable = false; /* so a++, possessive in PCRE2, is refused */
    return RESULT_OK;
}

static struct result outside_class(struct translator *t)
{
    char c = peek(t, 0);
    switch (c) {
    case '\\':
        return escape(t);
    case '(':
        return open_group(t);
    case '*':
    case '+':
    case '?':
        return quantifier(t, 1);
    case '{':
        if (braces_ahead(t))
            return quantifier(t, braces_ahead(t));
        put(t, "\\{");
        t->quantifiable = true;
        break;
    case '[':
        t->in_class = true;
        put(t, peek(t, 1) == '^' ? "[^" : "[");
        t->at += peek(t, 1) == '^';
        break;
    case '.':
        put(t, t->to->dot_iregexp ? IREGEXP_DOT : ECMA_DOT);
        t->quantifiable = true;
        break;
    default:
        text_add_byte(&t->to->text, c);
        t->quantifiable = c != '|' && c != '^' && c != '$';
        break;
    }
    t->at++;
    return RESULT_OK;
}

struct result regex_translate(struct regex_translation *translation, size_t *fault_at)
{
    struct translator t = {.to = translation, .s = translation->from};
    struct arena *arena = translation->text.arena;
    translation->out_at = ARENA_ARRAY(arena, size_t, t.s.len + 1);
    while (t.at < t.s.len) {
        size_t start = *fault_at = t.at;
        size_t length_before = translation->text.len;
        TRY(t.in_class ? in_class(&t) : outside_class(&t));
        for (size_t i = start; i < t.at; i++)
            translation->out_at[i] = length_before;
    }
    *fault_at = t.s.len;
    translation->out_at[t.s.len] = translation->text.len;
    ENSURE(!t.in_class, ERR_SYNTAX, "expected ] to end the class");
    return RESULT_OK;
}

size_t regex_origin(const struct regex_translation *translation, size_t out)
{
    size_t origin = 0;
    for (size_t i = 1; i <= translation->from.len; i++)
        if (translation->out_at[i] <= out && translation->out_at[i] > translation->out_at[origin])
            origin = i;
    return origin;
}
