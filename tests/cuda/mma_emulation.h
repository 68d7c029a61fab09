/* Runs device code of emit_cuda/runtime on the CPU: each thread of a cluster is a fiber, barriers
 * and warp-wide instructions switch between them.  Copies by cp.async happen when their group is
 * waited for, so that a missing wait shows. */
#ifndef AOTC_MMA_EMULATION_H
#define AOTC_MMA_EMULATION_H

#include <functional>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <vector>

#define AOTC_EMULATE 1
#define __device__
#define __forceinline__ inline
#define __restrict__ __restrict

struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};
struct emu_dim {
    unsigned x, y, z;
};
static inline float2 make_float2(float x, float y)
{
    return {x, y};
}
static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}
static inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w)
{
    return {x, y, z, w};
}

static emu_dim threadIdx, blockIdx, blockDim, gridDim;

enum { EMU_SHARED = 227 * 1024 };

struct emu_barrier {
    int arrived = 0, generation = 0;
};
struct emu_warp {
    emu_barrier barrier;
    const void *rows[32];
    uint32_t    a[32][4], b[32][2];
};
struct emu_block {
    unsigned char        *shared;
    emu_barrier           barrier;
    std::vector<emu_warp> warps;
    unsigned              index;
};
struct emu_copy {
    void       *to;
    const void *from;
    int         bytes, valid;
};
struct emu_fiber {
    ucontext_t                         context;
    std::vector<char>                  stack;
    emu_block                         *block;
    unsigned                           thread;
    bool                               done = false;
    std::vector<emu_copy>              open;
    std::vector<std::vector<emu_copy>> groups;
};

static std::vector<emu_fiber> emu_fibers;
static std::vector<emu_block> emu_blocks; /* of the cluster at hand */
static emu_fiber             *emu_now;
static ucontext_t             emu_main;
static emu_barrier            emu_cluster;
static std::function<void()>  emu_kernel;

static inline void emu_yield()
{
    swapcontext(&emu_now->context, &emu_main);
}
static inline void emu_wait(emu_barrier &b, int count)
{
    const int generation = b.generation;
    if (++b.arrived == count) {
        b.arrived = 0;
        b.generation++;
        return;
    }
    while (b.generation == generation)
        emu_yield();
}
static inline void __syncthreads()
{
    emu_wait(emu_now->block->barrier, (int)blockDim.x);
}
static inline emu_warp &emu_my_warp()
{
    return emu_now->block->warps[emu_now->thread / 32];
}
static inline int emu_lane()
{
    return (int)(emu_now->thread % 32);
}
static inline void emu_warp_sync()
{
    emu_wait(emu_my_warp().barrier, 32);
}
static inline void aotc_cluster_sync()
{
    emu_wait(emu_cluster, (int)(blockDim.x * emu_blocks.size()));
}
#define aotc_shared (emu_now->block->shared)

static inline float4 aotc_cluster_load4(const float *own, int rank)
{
    const size_t at = (size_t)((const unsigned char *)own - emu_now->block->shared);
    float4       v;
    memcpy(&v, emu_blocks[(size_t)rank].shared + at, sizeof v);
    return v;
}

static inline void aotc_begin()
{
}

static inline float aotc_shuffle_xor(float v, int lanes)
{
    emu_warp &w = emu_my_warp();
    float     got;
    memcpy(&w.a[emu_lane()][0], &v, 4);
    emu_warp_sync();
    memcpy(&got, &w.a[emu_lane() ^ lanes][0], 4);
    emu_warp_sync();
    return got;
}

template <int BYTES> static inline void aotc_cp_async(void *to, const void *from, int valid)
{
    if ((uintptr_t)to % BYTES || (valid && (uintptr_t)from % BYTES))
        fprintf(stderr, "cp.async of %d bytes is not aligned\n", BYTES), abort();
    emu_now->open.push_back({to, from, BYTES, valid});
}
static inline void aotc_cp_commit()
{
    emu_now->groups.push_back(emu_now->open);
    emu_now->open.clear();
}
template <int N> static inline void aotc_cp_wait()
{
    while (emu_now->groups.size() > N) {
        for (const emu_copy &c : emu_now->groups[0]) {
            memset(c.to, 0, (size_t)c.bytes);
            memcpy(c.to, c.from, (size_t)c.valid);
        }
        emu_now->groups.erase(emu_now->groups.begin());
    }
}

static inline void emu_ldmatrix(uint32_t (&r)[4], const void *row, bool trans)
{
    emu_warp &w = emu_my_warp();
    const int lane = emu_lane();
    if ((uintptr_t)row % 16)
        fprintf(stderr, "ldmatrix: row is not aligned\n"), abort();
    w.rows[lane] = row;
    emu_warp_sync();
    for (int i = 0; i < 4; i++) {
        uint16_t v[2];
        for (int j = 0; j < 2; j++) {
            const int r0 = trans ? lane % 4 * 2 + j : lane / 4,
                      c0 = trans ? lane / 4 : lane % 4 * 2 + j;
            v[j] = ((const uint16_t *)w.rows[i * 8 + r0])[c0];
        }
        r[i] = v[0] | (uint32_t)v[1] << 16;
    }
    emu_warp_sync();
}
static inline void aotc_ldmatrix(uint32_t (&r)[4], const void *row)
{
    emu_ldmatrix(r, row, false);
}
static inline void aotc_ldmatrix_trans(uint32_t (&r)[4], const void *row)
{
    emu_ldmatrix(r, row, true);
}

static inline float emu_half(uint32_t pair, int high, int is_bf16)
{
    const uint32_t h = high ? pair >> 16 : pair & 0xffff;
    uint32_t       u = h << 16;
    float          f;
    if (!is_bf16) {
        const int e = (int)(h >> 10 & 31), m = (int)(h & 1023);
        f = e == 0 ? (float)m * 0x1p-24f
                   : (float)(1024 + m) *
                         (e < 25 ? 1.0f / (float)(1 << (25 - e)) : (float)(1 << (e - 25)));
        return h & 0x8000 ? -f : f;
    }
    memcpy(&f, &u, 4);
    return f;
}

template <int TYPE>
static inline void aotc_mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    emu_warp &w = emu_my_warp();
    const int lane = emu_lane();
    memcpy(w.a[lane], a, sizeof a);
    w.b[lane][0] = b0;
    w.b[lane][1] = b1;
    emu_warp_sync();
    for (int i = 0; i < 4; i++) {
        const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        for (int k = 0; k < 16; k++) {
            const uint32_t va = w.a[row % 8 * 4 + k % 8 / 2][row / 8 + k / 8 * 2];
            const uint32_t vb = w.b[column * 4 + k % 8 / 2][k / 8];
            d[i] += emu_half(va, k % 2, TYPE) * emu_half(vb, k % 2, TYPE);
        }
    }
    emu_warp_sync();
}

static void emu_start()
{
    emu_kernel();
    emu_now->done = true;
    emu_yield();
}

static void emu_run_cluster(unsigned first, unsigned blocks, unsigned threads)
{
    emu_blocks.assign(blocks, emu_block());
    emu_fibers.clear();
    emu_fibers.resize(blocks * threads);
    for (unsigned b = 0; b < blocks; b++) {
        emu_blocks[b].shared = (unsigned char *)aligned_alloc(1024, EMU_SHARED + 1024);
        memset(emu_blocks[b].shared, 0xff, EMU_SHARED);
        emu_blocks[b].warps.resize((threads + 31) / 32);
        emu_blocks[b].index = first + b;
        for (unsigned t = 0; t < threads; t++) {
            emu_fiber &f = emu_fibers[b * threads + t];
            f.block = &emu_blocks[b];
            f.thread = t;
            f.stack.resize(64 * 1024);
            getcontext(&f.context);
            f.context.uc_stack.ss_sp = f.stack.data();
            f.context.uc_stack.ss_size = f.stack.size();
            f.context.uc_link = NULL;
            makecontext(&f.context, emu_start, 0);
        }
    }
    for (bool alive = true; alive;) {
        alive = false;
        for (emu_fiber &f : emu_fibers) {
            if (f.done)
                continue;
            alive = true;
            emu_now = &f;
            threadIdx.x = f.thread;
            blockIdx.x = f.block->index;
            swapcontext(&emu_main, &f.context);
        }
    }
    for (emu_block &b : emu_blocks)
        free(b.shared);
}

static void emu_launch(unsigned grid, unsigned cluster, unsigned block,
                       std::function<void()> kernel)
{
    emu_kernel = kernel;
    blockDim = {block, 1, 1};
    gridDim = {grid, 1, 1};
    for (unsigned b = 0; b < grid; b += cluster)
        emu_run_cluster(b, cluster, block);
}
#endif
