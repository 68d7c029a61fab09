/* Limits of this machine, measured: what shares in aotc-bench refer to. */
#ifndef AOTC_AOTC_PEAK_H
#define AOTC_AOTC_PEAK_H

/* f32 fused multiply-adds of one core at the widest vectors that it has, in GFLOP/s (best of
 * several bursts). */
double peak_fma_gflops(void);
/* Reading memory that no cache holds, one thread, in GB/s. */
double peak_read_gbps(void);

#endif
