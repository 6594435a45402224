/*
 * JSON as text. What stands last in the text tells whether a comma is due: nothing behind an
 * opening bracket, one behind anything else. A string cannot be mistaken for a bracket, for it ends
 * with its quote.
 */
#include "record/json_out.h"

static void begin(struct text *t, const char *name)
{
    char last = t->len ? t->data[t->len - 1] : '\0';
    if (last && last != '{' && last != '[' && last != '\n')
        text_add_byte(t, ',');
    if (name) {
        text_add_json(t, slice_str(name));
        text_add_byte(t, ':');
    }
}

void json_open(struct text *t, const char *name, char bracket)
{
    begin(t, name);
    text_add_byte(t, bracket);
}

void json_close(struct text *t, char bracket)
{
    text_add_byte(t, bracket);
}

void json_text(struct text *t, const char *name, struct slice value)
{
    begin(t, name);
    text_add_json(t, value);
}

void json_text_if(struct text *t, const char *name, struct slice value)
{
    if (value.len)
        json_text(t, name, value);
}

void json_integer_of(struct text *t, const char *name, int64_t value)
{
    begin(t, name);
    text_printf(t, "%lld", (long long)value);
}

void json_unsigned_of(struct text *t, const char *name, uint64_t value)
{
    begin(t, name);
    const char *quote = value > 1ull << 53 ? "\"" : "";
    text_printf(t, "%s%llu%s", quote, (unsigned long long)value, quote);
}

void json_boolean_of(struct text *t, const char *name, bool value)
{
    begin(t, name);
    text_add_str(t, value ? "true" : "false");
}
