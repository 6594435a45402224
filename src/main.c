/*
 * The command `assay`: find the command, read its options, run it. What it does is in the library.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "options.h"

static bool wants_color(const struct invocation *in, int fd)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    if (in->color && strcmp(in->color, "auto") != 0)
        return strcmp(in->color, "always") == 0;
    return isatty(fd) && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
}

static void set_streams(struct invocation *in)
{
    struct winsize size;
    const char *term = getenv("TERM");
    in->streams = (struct assay_streams){.out = stdout, .err = stderr};
    in->streams.out_color = wants_color(in, STDOUT_FILENO);
    in->streams.err_color = wants_color(in, STDERR_FILENO);
    in->streams.live = isatty(STDOUT_FILENO) && !(term && strcmp(term, "dumb") == 0);
    if (in->streams.live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        in->streams.columns = size.ws_col;
}

static bool no_stray_word(const struct invocation *in)
{
    if (*in->command->words || !in->words.count)
        return true;
    fprintf(stderr, "assay %s: expected no arguments, got \"%s\"\n", in->command->name,
            in->words.items[0]);
    return false;
}

static bool read_shard(struct invocation *in)
{
    struct slice rest = slice_str(in->shard), part;
    uint64_t k, n;
    if (!in->shard)
        return true;
    if (slice_split(&rest, '/', &part) && result_ok(parse_unsigned(part, 100000, &k)) &&
        result_ok(parse_unsigned(rest, 100000, &n)) && k >= 1 && k <= n) {
        in->selection.shard = (uint32_t)k;
        in->selection.shards = (uint32_t)n;
        return true;
    }
    fprintf(stderr, "assay %s: --shard %s: expected K/N with 1 ≤ K ≤ N, such as 2/5\n",
            in->command->name, in->shard);
    return false;
}

static bool read_seed(struct invocation *in)
{
    if (!in->seed)
        return true;
    in->selection.has_seed = true;
    if (result_ok(parse_unsigned(slice_str(in->seed), (1ull << 53) - 1, &in->selection.seed)))
        return true;
    fprintf(stderr, "assay %s: --seed: %s\n", in->command->name, error_last()->text);
    return false;
}

int main(int argc, char **argv)
{
    int status = assay_init(stderr);
    if (status)
        return status;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    const struct command *command = command_find(name);
    if (!command)
        return command_unknown("assay", name);

    struct invocation in = {.arena = arena, .command = command};
    bool read = options_read(command, argc > 2 ? argc - 2 : 0, argv + 2, &in, stderr);
    set_streams(&in);
    if (in.help) {
        help_print(command, stdout, in.streams.out_color,
                   in.streams.columns ? in.streams.columns : 80);
        return 0;
    }
    if (!read || !no_stray_word(&in) || !read_shard(&in) || !read_seed(&in))
        return 2;
    in.selection.suites = in.words;
    in.selection.timeout_ns = in.timeout_ns;
    in.typed = (struct assay_strings){(const char *const *)argv + 1, (size_t)argc - 1};
    status = command->run(&in);
    /* A full disk or a closed pipe must not look like success. */
    if (fflush(stdout) != 0 && status == 0)
        status = 3;
    return status;
}
