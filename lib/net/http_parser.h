/*
 * Between the files of the HTTP parser: http.c finds the blocks of lines and the bodies,
 * http_head.c reads the lines. Callers use net/http.h.
 */
#ifndef NET_HTTP_PARSER_H
#define NET_HTTP_PARSER_H

#include "net/http.h"

/* What a byte may stand in. */
enum http_byte {
    HTTP_BYTE_TOKEN = 1,  /* methods and header names: tchar */
    HTTP_BYTE_VALUE = 2,  /* header values, reasons, chunk extensions: no controls but TAB */
    HTTP_BYTE_TARGET = 4, /* request targets: visible ASCII without '#' */
    HTTP_BYTE_HOST = 8,   /* Host: a name or address and a port */
    HTTP_BYTE_HEX = 16,
};
extern const uint8_t http_bytes[256];

/* The length of the longest start of `s` made of bytes of `kind`. */
static inline size_t http_span(struct slice s, enum http_byte kind)
{
    size_t n = 0;
    while (n < s.len && (http_bytes[(unsigned char)s.data[n]] & kind))
        n++;
    return n;
}

/* The block being gathered or read, in messages; its lines count from 1. */
static inline const char *http_block(const struct http_parser *p)
{
    return p->state == HTTP_STATE_HEAD ? "head" : "trailer";
}

/* Record a failure, after which the parser takes nothing more. */
struct result http_fail(struct http_parser *p, enum error_code code, unsigned status,
                        const char *format, ...) PRINTF_LIKE(4, 5);

/* A block ends with the empty line. Fills p->head. */
struct result http_read_head(struct http_parser *p, struct slice block) MUST_USE;

/* The lines after the last chunk, with the empty line; `*trailers` is without it. */
struct result http_read_trailers(struct http_parser *p, struct slice block,
                                 struct slice *trailers) MUST_USE;

/* A chunk-size line with its line end. */
struct result http_read_chunk_line(struct http_parser *p, struct slice block,
                                   uint64_t *size) MUST_USE;

#endif
