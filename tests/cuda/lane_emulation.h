/* What device code beside the tensor-core instructions needs on the CPU: shuffles, votes, atomics,
 * numbers as bits.  Blocks run one after the other unless a launch makes one cluster of them, so
 * `__shared__` variables may be static. */
#ifndef AOTC_LANE_EMULATION_H
#define AOTC_LANE_EMULATION_H

#include "mma_emulation.h"

#include <math.h>

#include "../../abi/aotc_model.h"

#define __shared__ static
#define __noinline__
#define __align__(n) __attribute__((aligned(n)))

struct alignas(8) uint2 {
    uint32_t x, y;
};

template <class T> static inline T emu_from_lane(T x, int lane)
{
    emu_warp &w = emu_my_warp();
    T         y;
    static_assert(sizeof x <= sizeof w.a[0], "a lane gives 16 bytes");
    memcpy(w.a[emu_lane()], &x, sizeof x);
    emu_warp_sync();
    memcpy(&y, w.a[lane], sizeof y);
    emu_warp_sync();
    return y;
}
template <class T> static inline T __shfl_xor_sync(uint32_t, T x, int lanes)
{
    return emu_from_lane(x, emu_lane() ^ lanes);
}
template <class T> static inline T __shfl_up_sync(uint32_t, T x, unsigned lanes)
{
    return emu_from_lane(x, emu_lane() >= (int)lanes ? emu_lane() - (int)lanes : emu_lane());
}
template <class T> static inline T __shfl_sync(uint32_t, T x, int lane, int width = 32)
{
    return emu_from_lane(x, emu_lane() / width * width + lane % width);
}
static inline uint32_t __ballot_sync(uint32_t, bool x)
{
    emu_warp &w = emu_my_warp();
    uint32_t  bits = 0;
    w.a[emu_lane()][0] = x;
    emu_warp_sync();
    for (int i = 0; i < 32; i++)
        bits |= w.a[i][0] << i;
    emu_warp_sync();
    return bits;
}
static inline void __syncwarp(uint32_t = 0xffffffffu)
{
    emu_warp_sync();
}
static inline void __threadfence()
{
}
static inline void __threadfence_system()
{
}
static inline void __nanosleep(unsigned)
{
    emu_yield();
}
static inline int __popc(uint32_t x)
{
    return __builtin_popcount(x);
}
template <class T> static inline T __ldcg(const T *p)
{
    return *p;
}
template <class T> static inline T atomicAdd(T *p, T x)
{
    const T old = *p;
    *p += x;
    return old;
}
template <class T> static inline T atomicCAS(T *p, T seen, T x)
{
    const T old = *p;
    if (old == seen)
        *p = x;
    return old;
}
static inline uint32_t __float_as_uint(float x)
{
    uint32_t u;
    memcpy(&u, &x, 4);
    return u;
}
static inline float __uint_as_float(uint32_t u)
{
    float x;
    memcpy(&x, &u, 4);
    return x;
}
static inline int64_t __double_as_longlong(double x)
{
    int64_t u;
    memcpy(&u, &x, 8);
    return u;
}
#endif
