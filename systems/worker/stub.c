/*
 * The stub engine. A sequence is its random generator and two slices (about 80 bytes), so ten
 * thousand at a time cost nothing; only echo keeps its text.
 */
#include "stub.h"

#include "core/memory.h"
#include "core/random.h"

/* The weights of the model it stands for: Qwen2.5-0.5B-Instruct, Q4_K_M. */
#define WEIGHTS_BYTES 397807936u

#define ECHO_PREFIX SLICE("echo:")
#define ECHO_TOKEN_MAX 6

/* Words begin with the blank that byte-level tokenizers keep with them. */
static const char *const words[] = {
    " the",
    " model",
    " answers",
    " with",
    " tokens",
    " and",
    " a",
    " stream",
    " that",
    " never",
    " lies",
    " every",
    " word",
    " counts",
    " naïve",
    " café",
    " über",
    " señor",
    " façade",
    " Ærøskøbing",
    " zażółć",
    " λόγος",
    " και",
    " ψυχή",
    " слово",
    " язык",
    " поток",
    " ключ",
    " שלום",
    " عالم",
    " سلام",
    " नमस्ते",
    " भाषा",
    " ภาษา",
    " 안녕",
    " 세계",
    "日本",
    "言葉",
    "模型",
    "你好",
    "世界",
    "カタカナ",
    " ∑",
    " ∞",
    " €5",
    " ½",
    " “quote”",
    " C:\\tmp",
    " \"said\"",
    " {",
    " }",
    "\n",
    "\t",
    " 42",
    " 3.14",
    " 👍",
    " 🚀",
    " 🇩🇰",
    " 👩‍👩‍👧",
    " 👋🏽",
    " e\u0301",
    " 𝔘𝔫𝔦",
    " 𠜎",
};
static const char *const marks[] = {",", ".", ";", ":", "!", "?", "…", "。", "、", " —"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct stub {
    struct random random;
    struct slice rest; /* of the token before: its second half, to come next */
    struct slice echo; /* what is left to echo */
    bool echoing, begun;
    char text[]; /* echo: the answer */
};

static uint64_t prompt_tokens(struct slice prompt)
{
    return (prompt.len + 3) / 4;
}

static struct result start(const struct engine_request *request, void **sequence)
{
    bool echoing = slice_starts(request->prompt, ECHO_PREFIX);
    struct slice text = echoing ? slice_from(request->prompt, ECHO_PREFIX.len) : SLICE("");
    bool greedy = request->temperature <= 0;
    struct stub *stub = mem_alloc(sizeof(*stub) + text.len);
    *stub = (struct stub){
        .random = random_for(greedy ? 0 : request->seed, request->prompt),
        .echoing = echoing,
    };
    if (text.len)
        memcpy(stub->text, text.data, text.len);
    stub->echo = slice_of(stub->text, text.len);
    *sequence = stub;
    return RESULT_OK;
}

static struct slice one_of(const char *const *texts, size_t count, uint32_t random)
{
    /* The high bits of a product choose without the bias worth caring for here. */
    return slice_str(texts[((uint64_t)random * count) >> 32]);
}

/* Cut the token inside one of its characters, and keep the second half for the next call. */
static struct slice cut_inside(struct stub *stub, struct slice token, uint32_t random)
{
    size_t at = 1 + random % (token.len - 1);
    for (size_t tried = 0; tried < token.len; tried++, at = at % (token.len - 1) + 1) {
        if (((unsigned char)token.data[at] & 0xc0) == 0x80) {
            stub->rest = slice_from(token, at);
            return slice_part(token, 0, at);
        }
    }
    return token; /* ASCII */
}

static enum engine_step next(void *sequence, struct slice *token)
{
    struct stub *stub = sequence;
    if (stub->rest.len) {
        *token = stub->rest;
        stub->rest = SLICE("");
        return ENGINE_TOKEN;
    }
    uint64_t random = random_next(&stub->random);
    uint32_t choice = (uint32_t)(random >> 32), dice = (uint32_t)random & 0xffff;
    if (stub->echoing) {
        if (stub->echo.len == 0)
            return ENGINE_EOS;
        *token = slice_part(stub->echo, 0, 1 + dice % ECHO_TOKEN_MAX);
        stub->echo = slice_from(stub->echo, token->len);
        return ENGINE_TOKEN;
    }
    bool mark = stub->begun && dice % 8 == 0;
    *token = mark ? one_of(marks, COUNT(marks), choice) : one_of(words, COUNT(words), choice);
    if (!stub->begun && token->data[0] == ' ')
        *token = slice_from(*token, 1);
    stub->begun = true;
    if ((dice >> 8) % 4 == 0 && token->len > 1)
        *token = cut_inside(stub, *token, choice);
    return ENGINE_TOKEN;
}

const struct engine stub_engine = {
    .name = "stub",
    .weights_bytes = WEIGHTS_BYTES,
    .prompt_tokens = prompt_tokens,
    .start = start,
    .next = next,
    .free = mem_free,
};
