/*
 * NVML, by the few of its functions that are needed. Their types are those of nvml.h: handles are
 * pointers, a process is described by the struct of version 2 of the calls (NVML 11 and later).
 */
#include "measure/gpu.h"

#include <dlfcn.h>

#include "core/memory.h"

#define LIBRARY "libnvidia-ml.so.1"
#define DEVICES_MAX 64
/* Of one device. */
#define PROCESSES_MAX 256
#define MEMORY_UNKNOWN UINT64_MAX /* NVML's word for it: a machine without permission, or WDDM */

struct nvml_process {
    unsigned pid;
    unsigned long long memory;
    unsigned instance, compute_instance;
};

struct nvml_utilization {
    unsigned gpu, memory;
};

struct nvml_device;

#define NVML_FUNCTIONS(X)                                                                          \
    X(init, "nvmlInit_v2", int, (void))                                                            \
    X(shutdown, "nvmlShutdown", int, (void))                                                       \
    X(error_string, "nvmlErrorString", const char *, (int code))                                   \
    X(device_count, "nvmlDeviceGetCount_v2", int, (unsigned *count))                               \
    X(device_at, "nvmlDeviceGetHandleByIndex_v2", int,                                             \
      (unsigned index, struct nvml_device **device))                                               \
    X(utilization, "nvmlDeviceGetUtilizationRates", int,                                           \
      (struct nvml_device * device, struct nvml_utilization * use))                                \
    X(processes, "nvmlDeviceGetComputeRunningProcesses_v3", int,                                   \
      (struct nvml_device * device, unsigned *count, struct nvml_process *list))

struct device {
    struct nvml_device *handle;
    int64_t use; /* percent; -1: unknown */
    struct nvml_process processes[PROCESSES_MAX];
    unsigned process_count;
};

struct gpu {
    void *library;
    struct {
#define X(field, symbol, type, arguments) type(*field) arguments;
        NVML_FUNCTIONS(X)
#undef X
    } nvml;
    struct device *devices;
    unsigned device_count;
};

static struct result load(struct gpu *g)
{
    g->library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    ENSURE(g->library, ERR_UNSUPPORTED, "%s is not there", LIBRARY);
    struct {
        const char *symbol;
        void **function;
    } wanted[] = {
#define X(field, symbol, type, arguments) {symbol, (void **)&g->nvml.field},
        NVML_FUNCTIONS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        *wanted[i].function = dlsym(g->library, wanted[i].symbol);
        ENSURE(*wanted[i].function, ERR_UNSUPPORTED, "%s has no %s", LIBRARY, wanted[i].symbol);
    }
    return RESULT_OK;
}

static struct result find_devices(struct gpu *g)
{
    int code = g->nvml.device_count(&g->device_count);
    ENSURE(code == 0, ERR_UNSUPPORTED, "NVML counts no devices: %s", g->nvml.error_string(code));
    ENSURE(g->device_count > 0, ERR_UNSUPPORTED, "NVML knows no device");
    if (g->device_count > DEVICES_MAX)
        g->device_count = DEVICES_MAX;
    g->devices = mem_zero(g->device_count * sizeof(*g->devices));
    for (unsigned i = 0; i < g->device_count; i++)
        if (g->nvml.device_at(i, &g->devices[i].handle) != 0)
            g->devices[i].handle = NULL;
    return RESULT_OK;
}

static struct result start(struct gpu *g)
{
    TRY(load(g));
    int code = g->nvml.init();
    ENSURE(code == 0, ERR_UNSUPPORTED, "NVML does not start: %s", g->nvml.error_string(code));
    struct result r = find_devices(g);
    if (!result_ok(r))
        (void)g->nvml.shutdown();
    return r;
}

static void free_gpu(struct gpu *g)
{
    if (g->library)
        (void)dlclose(g->library);
    mem_free(g->devices);
    mem_free(g);
}

struct result gpu_open(struct gpu **out)
{
    struct gpu *g = NEW(struct gpu);
    *out = NULL;
    struct result r = start(g);
    if (!result_ok(r)) {
        free_gpu(g);
        return r;
    }
    *out = g;
    return RESULT_OK;
}

void gpu_close(struct gpu *gpu)
{
    if (!gpu)
        return;
    (void)gpu->nvml.shutdown();
    free_gpu(gpu);
}

size_t gpu_devices(const struct gpu *gpu)
{
    return gpu->device_count;
}

void gpu_read(struct gpu *gpu)
{
    for (unsigned i = 0; i < gpu->device_count; i++) {
        struct device *d = &gpu->devices[i];
        struct nvml_utilization use = {0};
        d->use = d->handle && gpu->nvml.utilization(d->handle, &use) == 0 ? (int64_t)use.gpu : -1;
        d->process_count = PROCESSES_MAX;
        if (!d->handle || gpu->nvml.processes(d->handle, &d->process_count, d->processes) != 0)
            d->process_count = 0;
        if (d->process_count > PROCESSES_MAX)
            d->process_count = PROCESSES_MAX;
    }
}

void gpu_add_process(const struct gpu *gpu, pid_t pid, int64_t *memory, int64_t *use)
{
    for (unsigned i = 0; i < gpu->device_count; i++) {
        const struct device *d = &gpu->devices[i];
        for (unsigned k = 0; k < d->process_count; k++) {
            const struct nvml_process *p = &d->processes[k];
            if (p->pid != (unsigned)pid)
                continue;
            if (p->memory != MEMORY_UNKNOWN)
                *memory = (*memory < 0 ? 0 : *memory) + (int64_t)p->memory;
            *use = d->use > *use ? d->use : *use;
        }
    }
}
