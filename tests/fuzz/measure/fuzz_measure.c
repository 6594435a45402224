/*
 * The texts that measuring reads: those of /proc, with names that other programs chose, and those
 * of git. The first byte says which: 's' a stat, 'l' lines, 't' a schedstat, else packed refs.
 */
#include "measure/machine.h"
#include "measure/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proc_stat stat = {0};
    int64_t a = 0, b = 0;
    if (size == 0)
        return 0;
    struct slice text = slice_of((const char *)data + 1, size - 1);
    if (data[0] == 's') {
        if (proc_parse_stat(text, &stat))
            MUST(stat.rss >= 0 && stat.threads >= 0 && stat.reaped >= 0, "a negative figure");
    } else if (data[0] == 'l') {
        if (proc_parse_line(text, SLICE("Pss:"), &a))
            MUST(a >= 0, "a negative figure");
    } else if (data[0] == 't') {
        if (proc_parse_schedstat(text, &a, &b))
            MUST(a >= 0 && b >= 0, "a negative time");
    } else {
        struct slice object = machine_packed_ref(text, SLICE("refs/heads/main"));
        MUST(object.len == 0 || object.len == 40 || object.len == 64, "%zu digits", object.len);
    }
    return 0;
}
