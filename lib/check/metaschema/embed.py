"""Writes the metaschemas given as arguments into one C file that defines metaschema_text().

Each becomes a row (URI, text) of a table; the URI is its own $id (id in draft-04).
"""
import json
import sys

output, inputs = sys.argv[1], sys.argv[2:]
rows = []
for path in inputs:
    with open(path, encoding='utf-8') as file:
        schema = json.load(file)
    uri = schema.get('$id', schema.get('id')).rstrip('#')
    text = json.dumps(schema, separators=(',', ':')).encode()
    chunks = [text[i:i + 80] for i in range(0, len(text), 80)]
    literal = '\n'.join('     "%s"' % c.decode().replace('\\', '\\\\').replace('"', '\\"') for c in chunks)
    rows.append('    {SLICE("%s"),\n     {\n%s,\n     %d}},\n' % (uri, literal, len(text)))

with open(output, 'w', encoding='utf-8') as file:
    file.write('''/* Made by embed.py from the metaschemas beside it. */
#include "check/schema_metaschema.h"

static const struct {
    struct slice uri, text;
} metaschemas[] = {
%s};

struct slice metaschema_text(struct slice uri)
{
    for (size_t i = 0; i < sizeof metaschemas / sizeof *metaschemas; i++)
        if (slice_eq(metaschemas[i].uri, uri))
            return metaschemas[i].text;
    return slice_of(NULL, 0);
}
''' % ''.join(rows))
