/*
 * GPU memory and use of processes, from NVML when the machine has it: the library is loaded when
 * first asked and there is nothing to build against. Not for threads to share.
 */
#ifndef MEASURE_GPU_H
#define MEASURE_GPU_H

#include <sys/types.h>

#include "core/result.h"

struct gpu;

/* ERR_UNSUPPORTED says why there is none: no library, no driver, no device. */
struct result gpu_open(struct gpu **out) MUST_USE;
void gpu_close(struct gpu *gpu); /* NULL is allowed */

/* How many devices. */
size_t gpu_devices(const struct gpu *gpu);

/* Look at all devices: what the two below tell is of this moment. */
void gpu_read(struct gpu *gpu);

/* Add what a process holds: bytes, and the use of the busiest device it is on in percent. Both stay
   as they are when it is on none. */
void gpu_add_process(const struct gpu *gpu, pid_t pid, int64_t *memory, int64_t *use);

#endif
