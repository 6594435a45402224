/*
 * Every fault on the wire, byte for byte, and what clients make of it: our own reader of streams,
 * our harness, libcurl and Node's fetch. docs/faults.md has the tables this program prints with
 * --tables, and the test holds the page to them.
 *
 * What the wire must show is written as the chunks of the answer, separated by blanks, each of
 * frames: s started, 0 to 3 the tokens, e end, X an error; behind a token, - is "without the last
 * byte of its JSON" and ! "with a byte FF in its text". A dot is the last chunk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/harness.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"
#include "faults.h"
#include "net/http.h"
#include "net/sse.h"
#include "options.h"
#include "segments.h"
#include "stub.h"
#include "worker.h"

/* "echo:" and this seed cut the text into these four tokens. */
#define PROMPT "echo:a\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 bcd"
#define BODY "{\"job_id\":\"j\",\"prompt\":\"" PROMPT "\",\"max_tokens\":9}"
/* What a client waits for an answer that never ends. */
#define PATIENCE (1500 * NS_PER_MS)
#define ID "00000000-0000-4000-8000-000000000000"

static const char *page_path, *script_path;

enum ending { ENDS_FIN, ENDS_RST, ENDS_OPEN, ENDS_COMPLETE };

struct row {
    const char *fault;
    const char *chunks; /* NULL: `whole` is the body, with a length */
    enum ending ending; /* ENDS_COMPLETE: the connection stays open behind a whole answer */
    const char *path;   /* NULL: /execute */
    const char *head;   /* status line and what must stand in the head */
    int segments;       /* 0: not looked at; -1: as many as bytes; -2: as many as chunks and more */
    int length_off;     /* what Content-Length says more than the body has */
    int body_off;       /* what the body lacks */
    bool crlf, no_space, split;
};

#define WHOLE "s 0 1 2 3 e ."
#define BUNDLED "s01 23e ."
static const struct row rows[] = {
    {"status,code=429,retry_after=3", NULL, ENDS_COMPLETE, NULL,
     "HTTP/1.1 429 Too Many Requests\r\n|Retry-After: 3\r\n", 0, 0, 0, 0, 0, 0},
    {"silent", "", ENDS_OPEN, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"silent,ms=20", WHOLE, ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"error,at=2", "s 0 1 X .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"reset,at=2", "s 0 1", ENDS_RST, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"close,at=2", "s 0 1", ENDS_FIN, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"exit,at=2,code=9", "s 0 1", ENDS_FIN, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"stall,at=2", "s 0 1", ENDS_OPEN, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"stall,at=2,ms=20", WHOLE, ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"truncate,bytes=3", "s01 23e", ENDS_FIN, NULL, NULL, 0, 3, 3, 0, 0, 0},
    {"truncate,bytes=3", NULL, ENDS_FIN, "/health", NULL, 0, 3, 3, 0, 0, 0},
    {"overlong,bytes=3", "s01 23e", ENDS_FIN, NULL, NULL, 0, -3, 0, 0, 0, 0},
    {"malformed,at=2", "s 0 1 2- 3 e .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"malformed", NULL, ENDS_COMPLETE, "/health", NULL, 0, 0, 1, 0, 0, 0},
    {"swap,at=2", "s 0 1 3 2 e .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"duplicate,at=2", "s 0 1 2 2 3 e .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"duplicate,event=end", "s 0 1 2 3 e e .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"drop,at=2", "s 0 1 3 e .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"drop,event=started", "0 1 2 3 e .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"drop,event=end", "s 0 1 2 3 .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"invalid_utf8,at=2", "s 0 1 2! 3 e .", ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"split_utf8", WHOLE, ENDS_COMPLETE, NULL, NULL, -2, 0, 0, 0, 0, 1},
    {"crlf", WHOLE, ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 1, 0, 0},
    {"no_space", WHOLE, ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 1, 0},
    {"crlf;no_space", WHOLE, ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 1, 1, 0},
    {"bundle,tokens=3", BUNDLED, ENDS_COMPLETE, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"segments,bytes=1", WHOLE, ENDS_FIN, NULL, NULL, -1, 0, 0, 0, 0, 0},
    {"one_segment", WHOLE, ENDS_COMPLETE, NULL, NULL, 1, 0, 0, 0, 0, 0},
    {"loris,bytes=64,ms=1", WHOLE, ENDS_FIN, NULL, NULL, 0, 0, 0, 0, 0, 0},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- the worker ---- */

static pid_t worker_pid;
static uint16_t worker_port;

static void start_worker(bool no_faults)
{
    struct options options;
    char *argv[] = {(char[]){"assay-worker"}, (char[]){"--stub-mode"}, (char[]){"--port=0"},
                    (char[]){"--no-faults"}};
    int out[2];
    char line[128];
    assert_true(result_ok(options_read(&options, no_faults ? 4 : 3, argv)));
    fflush(NULL);
    assert_int_equal(pipe(out), 0);
    worker_pid = fork();
    assert_true(worker_pid >= 0);
    if (worker_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        _exit(worker_run(&options, &stub_engine));
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    assert_non_null(fgets(line, sizeof(line), lines));
    worker_port = (uint16_t)strtoul(strrchr(line, ':') + 1, NULL, 10); /* our own text */
    fclose(lines);
}

static int end_worker(void)
{
    int status;
    kill(worker_pid, SIGTERM);
    assert_int_equal(waitpid(worker_pid, &status, 0), worker_pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- what comes over the wire ---- */

struct wire {
    struct buf bytes;
    enum ending ending;
    unsigned segments; /* with data */
};

static int connect_to_worker(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(worker_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int send_request(const struct row *row)
{
    int fd = connect_to_worker();
    struct buf b = buf_limited(4096);
    const char *body = row->path ? "" : BODY;
    assert_true(
        result_ok(buf_printf(&b,
                             "%s %s HTTP/1.1\r\nHost: w\r\nContent-Type: application/json\r\n"
                             "X-Correlation-ID: " ID "\r\nX-Assay-Metrics-Interval-Ms: 0\r\n"
                             "X-Assay-Fault: %s\r\nContent-Length: %zu\r\n\r\n%s",
                             row->path ? "GET" : "POST", row->path ? row->path : "/execute",
                             row->fault, strlen(body), body)));
    assert_int_equal(write(fd, b.data, b.len), b.len);
    buf_free(&b);
    return fd;
}

/* The parser of the tool decides whether the answer is complete. */
static bool complete(struct slice input)
{
    struct http_parser parser;
    struct http_event event;
    bool done = false;
    http_init(&parser, HTTP_RESPONSE);
    do {
        if (!result_ok(http_next(&parser, &input, &event)))
            break;
        done = event.kind == HTTP_END;
    } while (event.kind != HTTP_NEED_MORE && !done);
    http_free(&parser);
    return done;
}

/* Read until the connection ends, or, where it stays open, until nothing more is expected. */
static struct wire read_wire(int fd, const struct row *row, size_t expected)
{
    struct wire w = {.bytes = buf_limited(1 << 20), .ending = ENDS_OPEN};
    char room[4096];
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        bool enough = row->ending == ENDS_OPEN && w.bytes.len >= expected;
        if (row->ending == ENDS_COMPLETE && complete(buf_slice(&w.bytes))) {
            w.ending = ENDS_COMPLETE;
            break;
        }
        if (poll(&p, 1, enough ? 60 : 20000) == 0)
            break;
        ssize_t n = read(fd, room, sizeof(room));
        if (n <= 0) {
            w.ending = n == 0 ? ENDS_FIN : ENDS_RST;
            break;
        }
        assert_true(result_ok(buf_append(&w.bytes, slice_of(room, (size_t)n))));
    }
    w.segments = segments_received(fd);
    return w;
}

/* ---- what should come ---- */

#define TIME "2026-00-00T00:00:00.000Z"

static void add_frame(struct text *t, char letter)
{
    static const char *const texts[] = {"a\xc3\xa9 ", "\xe6\xbc\xa2", "\xe5\xad\x97 bc", "d"};
    if (letter == 's')
        text_add_str(t, "event: started\ndata: {\"type\":\"started\",\"job_id\":\"j\",\"model\":"
                        "\"stub\",\"started_at\":\"" TIME "\"}\n\n");
    else if (letter == 'e')
        text_add_str(t, "event: end\ndata: {\"type\":\"end\",\"tokens_out\":4,"
                        "\"decode_time_ms\":0,\"stop_reason\":\"EOS\"}\n\n");
    else if (letter == 'X')
        text_add_str(t, "event: error\ndata: {\"type\":\"error\",\"code\":\"INFERENCE_FAILED\","
                        "\"message\":\"a fault was asked for\"}\n\n");
    else
        text_printf(t, "event: token\ndata: {\"type\":\"token\",\"t\":\"%s\",\"i\":%d}\n\n",
                    texts[letter - '0'], letter - '0');
}

/* One chunk's text from its letters. */
static struct slice chunk_text(struct arena *arena, const struct row *row, struct slice letters)
{
    struct text plain = text_in(arena), t = text_in(arena);
    for (size_t i = 0; i < letters.len; i++) {
        struct text frame = text_in(arena);
        bool mark = i + 1 < letters.len && strchr("-!", letters.data[i + 1]);
        add_frame(&frame, letters.data[i]);
        struct slice s = text_slice(&frame);
        ptrdiff_t at = slice_find(s, SLICE("\"t\":\"")) + 5;
        if (mark && letters.data[++i] == '-') {
            text_add(&plain, slice_part(s, 0, s.len - 3));
            text_add_str(&plain, "\n\n");
        } else if (mark) {
            text_add(&plain, slice_part(s, 0, (size_t)at));
            text_add_str(&plain, "\xff");
            text_add(&plain, slice_from(s, (size_t)at));
        } else {
            text_add(&plain, s);
        }
    }
    for (size_t i = 0; i < plain.len; i++) {
        if (row->crlf && plain.data[i] == '\n')
            text_add_byte(&t, '\r');
        bool after_name = i >= 5 && plain.data[i - 1] == ':' &&
                          (memcmp(&plain.data[i - 5], "vent", 4) == 0 ||
                           memcmp(&plain.data[i - 5], "data", 4) == 0);
        if (!(row->no_space && plain.data[i] == ' ' && after_name))
            text_add_byte(&t, plain.data[i]);
    }
    return text_slice(&t);
}

static void add_chunk(struct text *t, struct slice s)
{
    text_printf(t, "%zx\r\n", s.len);
    text_add(t, s);
    text_add_str(t, "\r\n");
}

static void add_body(struct arena *arena, const struct row *row, struct text *t)
{
    struct slice rest = slice_str(row->chunks), letters;
    while (rest.len && slice_split(&rest, ' ', &letters)) {
        if (slice_is(letters, ".")) {
            text_add_str(t, "0\r\n\r\n");
            continue;
        }
        struct slice s = chunk_text(arena, row, letters);
        if (row->length_off) {
            text_add(t, s);
            continue;
        }
        for (size_t i = 0; row->split && i < s.len; i++)
            if ((unsigned char)s.data[i] >= 0xc0) {
                add_chunk(t, slice_part(s, 0, i + 1));
                s = slice_from(s, i + 1);
                i = 0;
            }
        add_chunk(t, s);
    }
}

/* The whole answer to /execute as it must come. */
static struct slice expected_wire(struct arena *arena, const struct row *row)
{
    struct text body = text_in(arena), t = text_in(arena);
    if (!*row->chunks)
        return SLICE("");
    add_body(arena, row, &body);
    text_add_str(&t, "HTTP/1.1 200 OK\r\nX-Correlation-ID: " ID "\r\nCache-Control: no-cache\r\n"
                     "Content-Type: text/event-stream\r\n");
    if (row->length_off)
        text_printf(&t, "Content-Length: %d\r\n\r\n",
                    (int)body.len + row->length_off - row->body_off);
    else
        text_add_str(&t, "Transfer-Encoding: chunked\r\n\r\n");
    text_add(&t, slice_of(text_str(&body), body.len - (size_t)row->body_off));
    return text_slice(&t);
}

/* Make the two things that differ from run to run the same. */
static void mask(struct buf *b)
{
    static const struct slice at = {"_at\":\"", 6}, ms = {"decode_time_ms\":", 16};
    ptrdiff_t i = slice_find(buf_slice(b), at);
    if (i >= 0)
        for (size_t k = 0; k < sizeof(TIME) - 1; k++)
            if ((size_t)i + at.len + k < b->len &&
                strchr("123456789", b->data[(size_t)i + at.len + k]))
                b->data[(size_t)i + at.len + k] = TIME[k];
    for (size_t k = 0; i >= 0 && k < 4; k++)
        b->data[(size_t)i + at.len + k] = TIME[k];
    i = slice_find(buf_slice(b), ms);
    for (size_t k = (size_t)i + ms.len; i >= 0 && k < b->len && b->data[k] != ','; k++)
        b->data[k] = '0';
}

static void check_head(const struct row *row, const struct wire *w)
{
    struct slice rest = slice_str(row->head), part;
    while (rest.len && slice_split(&rest, '|', &part))
        assert_true(slice_find(buf_slice(&w->bytes), part) >= 0);
}

static void check_length(const struct row *row, const struct wire *w)
{
    const char *length = strstr(w->bytes.data, "Content-Length: ");
    const char *body = strstr(w->bytes.data, "\r\n\r\n");
    assert_non_null(length);
    assert_non_null(body);
    int told = (int)strtol(length + 16, NULL, 10); /* our own text */
    assert_int_equal(told,
                     (int)(w->bytes.len - (size_t)(body + 4 - w->bytes.data)) + row->length_off);
    if (row->body_off)
        assert_true(w->bytes.data[w->bytes.len - 1] != '}');
}

static void check_row(const struct row *row)
{
    struct arena *arena = arena_new();
    start_worker(false);
    struct slice expected = row->chunks ? expected_wire(arena, row) : SLICE("");
    int fd = send_request(row);
    struct wire w = read_wire(fd, row, expected.len);
    mask(&w.bytes);
    if (row->chunks && !slice_eq(expected, buf_slice(&w.bytes)))
        fail_msg("%s: expected\n%.*s\ngot\n%.*s", row->fault, SLICE_ARG(expected),
                 SLICE_ARG(buf_slice(&w.bytes)));
    if (!row->chunks) {
        check_head(row, &w);
        check_length(row, &w);
    }
    if (w.ending != row->ending)
        fail_msg("%s: ending %d, expected %d", row->fault, (int)w.ending, (int)row->ending);
    if (row->segments == 1)
        assert_int_equal(w.segments, 1);
    if (row->segments == -1)
        assert_int_equal(w.segments, w.bytes.len);
    if (row->segments == -2)
        assert_true(w.segments >= 4);
    close(fd);
    buf_free(&w.bytes);
    arena_free(arena);
    bool exits = slice_starts(slice_str(row->fault), SLICE("exit"));
    assert_int_equal(end_worker(), exits ? 9 : 0);
}

static void every_fault_is_on_the_wire_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        check_row(&rows[i]);
}

static void every_fault_of_the_table_has_a_row_here(void **state)
{
    (void)state;
    for (size_t fault = 0; fault < FAULT_COUNT; fault++) {
        bool found = fault_rows[fault].openai_only; /* they have a test of their own */
        for (size_t i = 0; i < ROWS && !found; i++)
            found = slice_starts(slice_str(rows[i].fault), slice_str(fault_rows[fault].name));
        if (!found)
            fail_msg("no row for %s", fault_rows[fault].name);
    }
}

/* ---- the ways to ask ---- */

static void expect_answer(const char *request, const char *part)
{
    struct row row = {.fault = "", .ending = ENDS_COMPLETE};
    int fd = connect_to_worker();
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    struct wire w = read_wire(fd, &row, 0);
    if (!w.bytes.data || !strstr(w.bytes.data, part))
        fail_msg("expected %s in %s", part, w.bytes.data ? w.bytes.data : "nothing");
    buf_free(&w.bytes);
    close(fd);
}

#define GET(target, header) "GET " target " HTTP/1.1\r\nHost: w\r\n" header "\r\n"

static void a_fault_is_asked_for_in_the_query_a_header_or_the_body(void **state)
{
    (void)state;
    start_worker(false);
    expect_answer(GET("/health?x=1&fault=status%2Ccode=418", ""), "HTTP/1.1 418 ");
    expect_answer(GET("/health", "X-Assay-Fault: status,code=500\r\n"), "HTTP/1.1 500 ");
    expect_answer("POST /execute HTTP/1.1\r\nHost: w\r\nContent-Type: application/json\r\n"
                  "Content-Length: 39\r\n\r\n{\"assay_fault\":\"status , code = 501\"  }",
                  "HTTP/1.1 501 ");
    expect_answer(GET("/health?fault=stal", ""), "did you mean stall?");
    expect_answer(GET("/health?fault=reset,ms=1", ""), "the fault reset has no parameter");
    expect_answer(GET("/health?fault=reset,at=-1", ""), "at is a whole number from 0 to 1000000");
    expect_answer(GET("/health?fault=drop,event=x", ""), "event is one of started, token");
    expect_answer(GET("/health?fault=usage", ""), "needs a stream of the OpenAI form");
    assert_int_equal(end_worker(), 0);
}

static void without_faults_they_are_refused(void **state)
{
    (void)state;
    start_worker(true);
    expect_answer(GET("/health?fault=exit", ""), "FAULTS_OFF");
    expect_answer(GET("/health", ""), "HTTP/1.1 200 OK");
    assert_int_equal(end_worker(), 0);
}

/* ---- streams of the OpenAI form ---- */

/* The chunks of a stream, one letter each: r role, R nothing but the role, t text, u usage, e end,
 * X error, d [DONE], - what is no JSON. */
static void read_chunks(const char *answer, char *letters, size_t size)
{
    size_t n = 0;
    struct slice rest = slice_str(answer), line;
    while (slice_split(&rest, '\n', &line) && n + 1 < size) {
#define HAS(text) (slice_find(line, SLICE(text)) >= 0)
        if (!slice_starts(line, SLICE("data: ")))
            continue;
        letters[n++] = HAS("[DONE]")                                ? 'd'
                       : !slice_ends(slice_trim(line), SLICE("}"))  ? '-'
                       : HAS("{\"error\"")                          ? 'X'
                       : HAS("\"choices\":[],\"usage\":{")          ? 'u'
                       : HAS("\"finish_reason\":\"stop\"")          ? 'e'
                       : HAS("\"delta\":{\"role\":\"assistant\"},") ? 'R'
                       : HAS("\"role\":\"assistant\"")              ? 'r'
                                                                    : 't';
    }
    letters[n] = '\0';
}

static void streams_of_the_openai_form_have_the_same_faults(void **state)
{
    (void)state;
    static const char body[] = "{\"model\":\"stub\",\"stream\":true,\"messages\":"
                               "[{\"role\":\"user\",\"content\":\"echo:ab cd\"}]}";
    static const char *const cases[][2] = {
        {"crlf", "rtted"},
        {"role_only", "rtRted"},
        {"usage", "rtuted"},
        {"error", "rtX"},
        {"malformed", "rt-ed"},
        {"duplicate", "rttted"},
        {"drop,event=started", "tted"},
        {"drop,event=end", "rttd"},
        {"drop,event=done", "rtte"},
        {"duplicate,event=done", "rttedd"},
        {"swap,at=0", "rtted"},
        {"truncate,bytes=30", "rtt-"},
    };
    start_worker(false);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct row row = {.ending = ENDS_FIN};
        char letters[64];
        struct buf request = buf_limited(4096);
        assert_true(result_ok(buf_printf(
            &request,
            "POST /v1/chat/completions?fault=%s HTTP/1.1\r\nHost: w\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            cases[i][0], strlen(body), body)));
        int fd = connect_to_worker();
        assert_int_equal(write(fd, request.data, request.len), request.len);
        struct wire w = read_wire(fd, &row, 0);
        read_chunks(w.bytes.data, letters, sizeof(letters));
        if (strcmp(letters, cases[i][1]) != 0)
            fail_msg("%s: expected %s, got %s", cases[i][0], cases[i][1], letters);
        buf_free(&w.bytes);
        buf_free(&request);
        close(fd);
    }
    assert_int_equal(end_worker(), 0);
}

/* ---- what clients make of it ---- */

/* Our own reader: the parsers that functional steps and the load generator use. */
static const char *own_reader(struct arena *arena, const struct row *row)
{
    int fd = send_request(row);
    struct wire w = read_wire(fd, row, row->ending == ENDS_OPEN && !*row->chunks ? 0 : 300);
    close(fd);
    struct http_parser parser;
    struct sse_decoder decoder;
    struct http_event event = {0};
    struct sse_event sse;
    struct slice input = buf_slice(&w.bytes);
    const char *outcome = NULL;
    unsigned status = 0;
    bool got;
    http_init(&parser, HTTP_RESPONSE);
    sse_init(&decoder);
    do {
        if (!result_ok(http_next(&parser, &input, &event))) {
            outcome = error_last()->text;
            break;
        }
        if (event.kind == HTTP_HEAD)
            status = event.head->status;
        for (struct slice body = event.kind == HTTP_BODY ? event.bytes : SLICE(""); body.len;)
            assert_true(result_ok(sse_next(&decoder, &body, &sse, &got)));
    } while (event.kind != HTTP_NEED_MORE && event.kind != HTTP_END);
    if (event.kind == HTTP_END && input.len)
        outcome = "complete, and bytes behind the answer";
    else if (event.kind == HTTP_END)
        outcome = "complete";
    else if (!outcome && w.ending == ENDS_OPEN)
        outcome = "nothing comes any more";
    else if (!outcome && w.ending == ENDS_RST)
        outcome = "the connection was reset";
    else if (!outcome && !result_ok(http_end_of_input(&parser, &event)))
        outcome = error_last()->text;
    const char *notes = arena_printf(arena, "%s%s", decoder.notes.invalid_utf8 ? ", not UTF-8" : "",
                                     decoder.notes.crlf       ? ", CRLF"
                                     : decoder.notes.no_space ? ", no space"
                                                              : "");
    const char *told = status == 200 && !row->path
                           ? arena_printf(arena, "%u, %s, %u events%s", status, outcome,
                                          (unsigned)decoder.notes.events, notes)
                       : status ? arena_printf(arena, "%u, %s", status, outcome)
                                : arena_printf(arena, "no status, %s", outcome);
    http_free(&parser);
    sse_free(&decoder);
    buf_free(&w.bytes);
    return told;
}

/* Which asserts fail, by name, for a test that goes on. */
struct failures {
    struct text names;
    const char *of;
};

static void note_failure(void *context, const char *file, int line, const char *text)
{
    struct failures *failures = context;
    (void)file, (void)line, (void)text;
    text_printf(&failures->names, "%s%s", failures->names.len ? ", " : "", failures->of);
}

static const char *failing_asserts(struct arena *arena, const struct assay_events *events)
{
    struct failures failures = {.names = text_in(arena)};
    assay_set_failure_hook(note_failure, &failures);
    failures.of = "order";
    assay_assert_order(events);
    failures.of = "terminal";
    assay_assert_terminal(events);
    failures.of = "tokens_contiguous";
    assay_assert_tokens_contiguous(events);
    failures.of = "utf8";
    assay_assert_utf8(events);
    failures.of = "completed";
    assay_assert_completed(events);
    assay_set_failure_hook(NULL, NULL);
    return text_str(&failures.names);
}

/* The harness: what assay_execute returns, and the asserts that fail on what it collected. */
static const char *harness_reader(struct arena *arena, const struct row *row)
{
    const char *fault = arena_printf(arena, "X-Assay-Fault: %s", row->fault);
    const char *url = arena_printf(arena, "http://127.0.0.1:%u", worker_port);
    const char *const headers[] = {fault, "X-Assay-Metrics-Interval-Ms: 0", NULL};
    struct assay_request request = assay_request("j", PROMPT, 9);
    request.headers = headers;
    request.timeout_ns = PATIENCE;
    ASSAY_WORKER_CLEANUP struct assay_worker *worker =
        assay_worker_start(&(struct assay_worker_options){.url = url});
    assert_non_null(worker);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    if (row->path)
        (void)assay_fetch(worker, "GET", arena_printf(arena, "%s?fault=%s", row->path, row->fault),
                          NULL, &response);
    else
        (void)assay_execute(worker, &request, &response);
    const char *error = assay_error_name(response->error);
    const char *status =
        response->status ? arena_printf(arena, "%d", response->status) : "no status";
    if (row->path || response->status != 200)
        return arena_printf(arena, "%s, %s", status, error);
    const char *failing = failing_asserts(arena, response->events);
    return arena_printf(arena, "%s, %s, %zu events%s%s", status, error, response->events->count,
                        *failing ? "; asserts that fail: " : "", failing);
}

/* The first line a program prints. */
static const char *line_of(struct arena *arena, const char *command)
{
    char line[256] = "";
    fflush(NULL);
    FILE *out = popen(command, "r"); // NOLINT(cert-env33-c): a command of the test
    assert_non_null(out);
    if (!fgets(line, sizeof(line), out))
        line[0] = '\0';
    pclose(out);
    return arena_string(arena, slice_trim(slice_str(line)));
}

static const char *shell_body(const struct row *row)
{
    return row->path ? "" : BODY;
}

/* curl's own words are not the same in every version; its numbers are. */
static const char *curl_reader(struct arena *arena, const struct row *row)
{
    const char *told = line_of(
        arena, arena_printf(arena,
                            "curl -s -m 1.5 -o /dev/null -w '%%{http_code} %%{exitcode}\\n' "
                            "-H 'X-Assay-Metrics-Interval-Ms: 0' -H 'X-Assay-Fault: %s' "
                            "-H 'Content-Type: application/json' %s%s%s http://127.0.0.1:%u%s",
                            row->fault, row->path ? "" : "-d '", shell_body(row),
                            row->path ? "" : "'", worker_port, row->path ? row->path : "/execute"));
    static const struct {
        const char *code, *words;
    } codes[] = {{"0", "complete"},
                 {"18", "CURLE_PARTIAL_FILE (18)"},
                 {"28", "timeout (28)"},
                 {"52", "CURLE_GOT_NOTHING (52)"},
                 {"56", "CURLE_RECV_ERROR (56)"}};
    struct slice rest = slice_str(told), status;
    slice_split(&rest, ' ', &status);
    const char *words = NULL;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (slice_is(rest, codes[i].code))
            words = codes[i].words;
    return arena_printf(arena, "%s, %s",
                        slice_is(status, "000") ? "no status" : arena_string(arena, status),
                        words ? words : arena_string(arena, rest));
}

static const char *node_reader(struct arena *arena, const struct row *row)
{
    return line_of(arena, arena_printf(arena, "node %s http://127.0.0.1:%u%s '%s' '%s' 2>/dev/null",
                                       script_path, worker_port, row->path ? row->path : "/execute",
                                       shell_body(row), row->fault));
}

static bool have(const char *program)
{
    char command[64];
    snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
    return system(command) == 0; // NOLINT(cert-env33-c): a fixed command of the test
}

static bool node_is_20(void)
{
    static const char command[] =
        "node -e 'process.exit(parseInt(process.versions.node) === 20 ? 0 : 1)'";
    return system(command) == 0; // NOLINT(cert-env33-c): a fixed command of the test
}

static const char *cell(struct arena *arena, const struct row *row,
                        const char *(*reader)(struct arena *, const struct row *))
{
    start_worker(false);
    const char *told = reader(arena, row);
    end_worker();
    return told;
}

static const char matrix_head[] =
    "| fault | our reader | our harness | libcurl | Node's fetch |\n|---|---|---|---|---|\n";

static const char *matrix_line(struct arena *arena, const struct row *row)
{
    return arena_printf(arena, "| `%s`%s%s%s | %s | %s | %s | %s |\n", row->fault,
                        row->path ? " on `" : "", row->path ? row->path : "", row->path ? "`" : "",
                        cell(arena, row, own_reader), cell(arena, row, harness_reader),
                        cell(arena, row, curl_reader), cell(arena, row, node_reader));
}

static void the_harness_notices_every_fault_but_those_that_break_nothing(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].path)
            continue; /* assay_fetch judges no body */
        const char *told = cell(arena, &rows[i], harness_reader);
        bool whole = rows[i].chunks &&
                     (strcmp(rows[i].chunks, WHOLE) == 0 || strcmp(rows[i].chunks, BUNDLED) == 0);
        if ((strcmp(told, "200, OK, 6 events") == 0) != whole)
            fail_msg("%s: %s", rows[i].fault, told);
    }
    arena_free(arena);
}

static const char *read_page(struct arena *arena)
{
    static char page[256 << 10];
    FILE *f = fopen(page_path, "r");
    assert_non_null(f);
    size_t n = fread(page, 1, sizeof(page) - 1, f);
    fclose(f);
    return arena_string(arena, slice_of(page, n));
}

static void the_page_has_the_table_of_faults(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_non_null(strstr(read_page(arena), faults_page(arena)));
    arena_free(arena);
}

static void the_page_says_what_clients_make_of_each(void **state)
{
    (void)state;
    /* The page has what Node 20 says; other versions have other words. */
    if (!have("node") || !have("curl") || !node_is_20())
        skip();
    struct arena *arena = arena_new();
    const char *page = read_page(arena);
    assert_non_null(strstr(page, matrix_head));
    for (size_t i = 0; i < ROWS; i++) {
        const char *line = matrix_line(arena, &rows[i]);
        if (!strstr(page, line))
            fail_msg("docs/faults.md does not have the line\n%s", line);
    }
    arena_free(arena);
}

static int print_tables(void)
{
    struct arena *arena = arena_new();
    printf("%s\n%s", faults_page(arena), matrix_head);
    for (size_t i = 0; i < ROWS; i++)
        fputs(matrix_line(arena, &rows[i]), stdout);
    arena_free(arena);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_on_the_wire_byte_for_byte),
        cmocka_unit_test(every_fault_of_the_table_has_a_row_here),
        cmocka_unit_test(a_fault_is_asked_for_in_the_query_a_header_or_the_body),
        cmocka_unit_test(streams_of_the_openai_form_have_the_same_faults),
        cmocka_unit_test(without_faults_they_are_refused),
        cmocka_unit_test(the_harness_notices_every_fault_but_those_that_break_nothing),
        cmocka_unit_test(the_page_has_the_table_of_faults),
        cmocka_unit_test(the_page_says_what_clients_make_of_each),
    };
    mem_install();
    signal(SIGPIPE, SIG_IGN);
    alarm(110); /* a test that hangs is a failure */
    if (argc < 3) {
        fprintf(stderr, "usage: test_faults PAGE FETCH.MJS [--tables]\n");
        return 2;
    }
    page_path = argv[1];
    script_path = argv[2];
    if (argc > 3 && slice_is(slice_str(argv[3]), "--tables"))
        return print_tables();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
