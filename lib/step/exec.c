/*
 * The `exec` step: run a program, give it input, see its exit and what it wrote. It runs below a
 * keeper (service/keeper.h), so nothing it starts survives the step; what it left behind is counted
 * and makes the case *leaky*.
 */
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"
#include "service/process.h"
#include "step/kinds.h"

struct exec_state {
    struct process *process; /* NULL once freed */
    struct step *step;       /* NULL after cancel: only the end is waited for */
};

static void check_exec(const struct node *config, struct diagnostics *d)
{
    if ((node_get(config, "command") != NULL) == (node_get(config, "shell") != NULL))
        diagnose(d, config->at, "an exec step has exactly one of command and shell")->hint =
            "\"command\": [\"program\", \"argument\"] runs it as it stands; \"shell\": \"a | b\" "
            "runs /bin/sh -c";
}

static const struct field exec_fields[] = {
    {"command", &shape_arguments, .help = "The program and its arguments, without a shell.",
     .example = "[\"sort\", \"-n\"]"},
    {"shell", &shape_string, .help = "A line for /bin/sh -c."},
    {"stdin", &shape_text,
     .help = "Written to its standard input. Without it, the input is empty."},
    {"env", &shape_string_map, .help = "Environment variables, on top of the inherited ones."},
    {"cwd", &shape_string, .help = "Where it runs. Default: the folder of the suite."},
    {NULL},
};

static const struct shape exec_shape = {
    .name = "exec step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){exec_fields, NULL},
    .help = "Run a program and see its exit and output.",
    .check = check_exec,
};

static struct slice exec_title(struct arena *arena, const struct node *config)
{
    const struct node *command = node_get(config, "command");
    struct text t = text_in(arena);
    if (!command)
        return node_string(node_get(config, "shell"), SLICE(""));
    for (size_t i = 0; i < command->count; i++) {
        if (i > 0)
            text_add_byte(&t, ' ');
        text_add(&t, node_text(arena, command->items[i]));
    }
    return text_slice(&t);
}

static void show_output(struct step *step, struct process *process, const char *how)
{
    struct text shown = text_in(step->arena);
    text_printf(&shown, "%s\n", how);
    text_add(&shown, text_shown(step->arena, process_output(process, PROCESS_STDOUT),
                                LIMIT_EVIDENCE_BYTES / 2));
    text_add(&shown, text_shown(step->arena, process_output(process, PROCESS_STDERR),
                                LIMIT_EVIDENCE_BYTES / 2));
    step->observation->response_shown = text_slice(&shown);
}

static struct slice kept_output(struct step *step, struct process *process,
                                enum process_stream stream)
{
    return arena_copy(step->arena, process_output(process, stream));
}

static void on_exit_of(void *context, const struct process_end *end)
{
    struct exec_state *state = context;
    struct step *step = state->step;
    struct process *process = state->process;
    if (!step) {
        /* Cancelled: the step is gone and so is its arena; this state was the last of it. */
        process_free(process);
        mem_free(state);
        return;
    }
    struct observation *o = step->observation;
    o->ended = end->ended;
    o->exit_code = end->fate == PROCESS_EXITED ? end->code : -1;
    o->signal = end->fate == PROCESS_EXITED ? 0 : end->code;
    o->memory_peak = end->max_resident;
    o->standard_output = kept_output(step, process, PROCESS_STDOUT);
    o->standard_error = kept_output(step, process, PROCESS_STDERR);
    /* A part of the output proves nothing about the whole. */
    bool whole = process_output_total(process, PROCESS_STDOUT) == o->standard_output.len &&
                 process_output_total(process, PROCESS_STDERR) == o->standard_error.len;
    o->seen |= OBSERVED_EXIT | OBSERVED_TIME | (whole ? OBSERVED_OUTPUT : 0) |
               (end->max_resident ? OBSERVED_MEMORY : 0);
    step->leaky = end->stragglers > 0;

    char text[PROCESS_END_TEXT];
    const char *cut =
        whole ? ""
              : arena_printf(step->arena,
                             "; it wrote more than the %u MiB that are kept, so that its output "
                             "cannot be checked: let it write to a file",
                             LIMIT_OUTPUT_BYTES >> 20);
    show_output(step, process,
                arena_printf(step->arena, "the program %s%s", process_end_text(text, end), cut));
    bool lost = end->fate == PROCESS_LOST; /* `end` goes with the process */
    process_free(process);
    mem_free(state);
    step_finish(step,
                lost ? error_set(ERR_DIED, "the program and its keeper were killed from outside")
                     : RESULT_OK);
}

/* Programs are given texts that end at the first zero byte: one inside would cut it in silence. */
static struct result check_texts(const char *what, const struct node *texts)
{
    for (size_t i = 0; texts && i < texts->count; i++) {
        const struct node *text =
            texts->kind == NODE_MAP ? texts->entries[i].value : texts->items[i];
        ENSURE(text->kind != NODE_STRING || slice_find_byte(text->string, '\0') < 0, ERR_VALUE,
               "%s %zu of the program holds a zero byte, which cannot be given to one", what,
               i + 1);
    }
    return RESULT_OK;
}

static const char *const *argv_of(struct step *step)
{
    const struct node *command = node_get(step->config, "command");
    size_t count = command ? command->count : 3;
    const char **argv = ARENA_ARRAY(step->arena, const char *, count + 1);
    for (size_t i = 0; command && i < count; i++)
        argv[i] = arena_string(step->arena, node_text(step->arena, command->items[i]));
    if (!command) {
        argv[0] = "/bin/sh";
        argv[1] = "-c";
        argv[2] =
            arena_string(step->arena, node_string(node_get(step->config, "shell"), SLICE("")));
    }
    return argv;
}

static const char *const *environment_of(struct step *step)
{
    const struct node *env = node_get(step->config, "env");
    size_t count = env ? env->count : 0;
    const char **list = ARENA_ARRAY(step->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        list[i] = arena_printf(step->arena, "%.*s=%.*s", SLICE_ARG(env->entries[i].key),
                               SLICE_ARG(node_text(step->arena, env->entries[i].value)));
    return list;
}

static struct result exec_start(struct step *step)
{
    const struct node *cwd = node_get(step->config, "cwd");
    TRY(check_texts("argument", node_get(step->config, "command")));
    TRY(check_texts("variable", node_get(step->config, "env")));
    struct slice folder = cwd ? node_string(cwd, SLICE("")) : step->folder;
    struct process_options options = {
        .argv = argv_of(step),
        .environment = environment_of(step),
        .cwd = folder.len ? arena_string(step->arena, folder) : NULL,
        .input = node_string(node_get(step->config, "stdin"), SLICE("")),
        .keep = LIMIT_OUTPUT_BYTES,
    };
    struct exec_state *state = NEW(struct exec_state);
    state->step = step;
    step->state = state;
    step->observation->started = clock_now();
    step->observation->request_shown = exec_title(step->arena, step->config);
    struct process_events events = {.context = state, .on_exit = on_exit_of};
    struct result result = process_start(step->loop, &options, events, &state->process);
    if (!result_ok(result))
        mem_free(state);
    return result;
}

static void exec_cancel(struct step *step)
{
    struct exec_state *state = step->state;
    show_output(step, state->process, "the program was still running; so far it wrote:");
    state->step = NULL;
    process_stop(state->process, SIGKILL, 0);
}

const struct step_kind step_exec = {
    .name = "exec",
    .shape = &exec_shape,
    .yields = OBSERVED_EXIT | OBSERVED_OUTPUT | OBSERVED_TIME | OBSERVED_MEMORY,
    .help = "Run a program and see its exit and output.",
    .example = "{ \"exec\": { \"command\": [\"sort\", \"-n\"], \"stdin\": \"2\\n1\\n\" }, "
               "\"expect\": { \"exit\": 0, \"stdout\": \"1\\n2\\n\" } }",
    .title = exec_title,
    .start = exec_start,
    .cancel = exec_cancel,
};
