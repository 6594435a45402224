/*
 * Histograms as HdrHistogram writes them, so that its log processors and plotters read ours: the
 * log (format version 1.3: HistogramLogReader.java and HistogramLogWriter.java of
 * github.com/HdrHistogram/HdrHistogram, hdr_histogram_log.c of HdrHistogram_c) and within it the
 * compressed V2 encoding (AbstractHistogram.java, ZigZagEncoding.java), as base64.
 *
 * Our steps are those of an HdrHistogram of two significant digits that begins at 1 ns, index for
 * index, so that nothing is rounded on the way.
 */
#ifndef LOAD_HDR_H
#define LOAD_HDR_H

#include "core/text.h"
#include "load/timeline.h"

/* Base64 of zlib of the V2 encoding. */
void hdr_encode(struct text *t, const struct histogram *h);

/*
 * The timeline as a log: of each row an interval of latency, and tagged ones of ttft and itl where
 * there are any. All intervals together are the run's own histograms; the warm-up is in none.
 */
void hdr_log(struct text *t, const struct timeline *timeline);

#endif
