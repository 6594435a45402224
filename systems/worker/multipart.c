/*
 * Forms of parts. Every line ends with CRLF; a boundary counts only at the beginning of a line.
 */
#include "multipart.h"

#define BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */

/* The value of a parameter in `key="value"; …`; data NULL when there is none. */
static struct slice parameter(struct slice list, struct slice key)
{
    while (list.len) {
        ptrdiff_t equals = slice_find_byte(list, '=');
        if (equals < 0)
            break;
        struct slice name = slice_part(list, 0, (size_t)equals), value;
        ptrdiff_t semicolon;
        while ((semicolon = slice_find_byte(name, ';')) >= 0)
            name = slice_from(name, (size_t)semicolon + 1);
        list = slice_from(list, (size_t)equals + 1);
        char closing = slice_starts(list, SLICE("\"")) ? '"' : ';';
        if (closing == '"')
            list = slice_from(list, 1);
        ptrdiff_t end = slice_find_byte(list, closing);
        if (end < 0 && closing == '"')
            break;
        value = slice_part(list, 0, end < 0 ? list.len : (size_t)end);
        list = slice_from(list, value.len + (end >= 0));
        if (slice_eq_nocase(slice_trim(name), key))
            return closing == '"' ? value : slice_trim(value);
    }
    return (struct slice){NULL, 0};
}

/* Cut off a line; false when none ends. */
static bool take_line(struct slice *rest, struct slice *line)
{
    ptrdiff_t end = slice_find(*rest, SLICE("\r\n"));
    if (end < 0)
        return false;
    *line = slice_part(*rest, 0, (size_t)end);
    *rest = slice_from(*rest, (size_t)end + 2);
    return true;
}

static struct result read_headers(struct slice *rest, struct part *part)
{
    struct slice line, named = SLICE("Content-Disposition:");
    while (true) {
        ENSURE(take_line(rest, &line), ERR_SYNTAX, "a part of the form ends within its headers");
        if (line.len == 0)
            break;
        if (!slice_eq_nocase(slice_part(line, 0, named.len), named))
            continue;
        struct slice value = slice_from(line, named.len);
        part->name = parameter(value, SLICE("name"));
        part->filename = parameter(value, SLICE("filename"));
    }
    ENSURE(part->name.data, ERR_SYNTAX, "a part of the form has no name");
    return RESULT_OK;
}

/* The content up to the next "CRLF--boundary", which is cut off too. */
static struct result read_content(struct slice *rest, struct slice boundary, struct part *part)
{
    size_t from = 0;
    while (true) {
        ptrdiff_t at = slice_find(slice_from(*rest, from), SLICE("\r\n--"));
        ENSURE(at >= 0, ERR_SYNTAX, "the form ends within a part");
        size_t end = from + (size_t)at;
        if (slice_starts(slice_from(*rest, end + 4), boundary)) {
            part->content = slice_part(*rest, 0, end);
            *rest = slice_from(*rest, end + 4 + boundary.len);
            return RESULT_OK;
        }
        from = end + 2;
    }
}

struct result multipart_read(struct slice content_type, struct slice body, struct multipart *out)
{
    struct slice boundary = parameter(content_type, SLICE("boundary")), rest = body, line;
    struct slice type = SLICE("multipart/form-data");
    out->count = 0;
    ENSURE(slice_eq_nocase(slice_part(content_type, 0, type.len), type), ERR_SYNTAX,
           "expected Content-Type: multipart/form-data");
    ENSURE(boundary.len >= 1 && boundary.len <= BOUNDARY_MAX, ERR_SYNTAX,
           "expected a boundary of 1 to %d characters", BOUNDARY_MAX);
    ENSURE(take_line(&rest, &line) && slice_starts(line, SLICE("--")) &&
               slice_eq(slice_from(line, 2), boundary),
           ERR_SYNTAX, "the form does not begin with its boundary");
    while (true) {
        ENSURE(out->count < MULTIPART_PARTS_MAX, ERR_TOO_LARGE, "the form has more than %d parts",
               MULTIPART_PARTS_MAX);
        struct part *part = &out->parts[out->count];
        *part = (struct part){0};
        TRY(read_headers(&rest, part));
        TRY(read_content(&rest, boundary, part));
        out->count++;
        if (slice_starts(rest, SLICE("--")))
            return RESULT_OK;
        ENSURE(slice_starts(rest, SLICE("\r\n")), ERR_SYNTAX,
               "a boundary of the form is followed by something else than a line's end");
        rest = slice_from(rest, 2);
    }
}

struct slice multipart_field(const struct multipart *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (slice_is(m->parts[i].name, name))
            return m->parts[i].content;
    return (struct slice){NULL, 0};
}
