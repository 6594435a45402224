/*
 * From byte offsets to lines and columns and back. Used only when something is reported.
 */
#include "core/place.h"

struct slice source_line(const struct source *source, uint32_t line)
{
    struct slice rest = source->text, text = {0};
    for (uint32_t i = 0; i < line; i++)
        if (!slice_split(&rest, '\n', &text))
            return slice_of("", 0);
    if (text.len && text.data[text.len - 1] == '\r')
        text.len--;
    return text;
}

struct place source_place(const struct source *source, size_t offset)
{
    struct place place = {source, 1, 1};
    for (size_t i = 0; i < offset && i < source->text.len; i++) {
        if (source->text.data[i] == '\n') {
            place.line++;
            place.column = 1;
        } else {
            place.column++;
        }
    }
    return place;
}
