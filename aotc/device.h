/* CUDA for the small programs: a stream, tensors on the device, what the device reaches. */
#ifndef AOTC_AOTC_DEVICE_H
#define AOTC_AOTC_DEVICE_H

#include "loader/cuda_driver.h"

typedef struct Device {
    const CudaDriver *driver;
    CuDevice          device;
    CuContext         context;
    CuStream          stream;
    CuAddress         memory[1024]; /* of uploaded tensors */
    int               n_memory;
} Device;

typedef struct DevicePeak {
    double copy_gbps;  /* device to device, bytes read and written */
    double fma_gflops; /* f32 */
    double mma_gflops; /* bf16 on tensor cores: wgmma where there is, else mma.sync */
} DevicePeak;

extern const char device_peak_ptx[], device_peak_sm90a_ptx[];

/* All give false and the driver's text in `message` when something fails. */
bool device_open(Device *d, int ordinal, char *message, size_t n);
/* The tensor's values into memory of the device, with the same strides. */
bool device_upload(Device *d, DLTensor *x, char *message, size_t n);
bool device_peak(Device *d, DevicePeak *out, char *message, size_t n);
void device_close(Device *d);

#endif
