/*
 * Forms of uploads, after a line with their Content-Type: every part lies in the body.
 */
#include "multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size), type;
    struct multipart m;
    if (!slice_split(&input, '\n', &type) || !result_ok(multipart_read(type, input, &m)))
        return 0;
    MUST(m.count >= 1 && m.count <= MULTIPART_PARTS_MAX, "%zu parts", m.count);
    for (size_t i = 0; i < m.count; i++) {
        struct slice content = m.parts[i].content;
        MUST(m.parts[i].name.data && content.data >= input.data &&
                 content.data + content.len <= input.data + input.len,
             "part %zu of %zu bytes", i, content.len);
    }
    return 0;
}
