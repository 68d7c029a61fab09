// What a device reaches, for the shares that aotc-bench prints.  scripts/make_loader_ptx makes aotc/device_peak_ptx.c of it.

// 8 independent chains a thread: 16 flops a turn each.
extern "C" __global__ void peak_fma(float *out, int turns)
{
    float a[8], m = 0.999f, b = 0.001f * threadIdx.x;
    for (int i = 0; i < 8; i++)
        a[i] = b + i;
    for (int t = 0; t < turns; t++)
#pragma unroll
        for (int i = 0; i < 8; i++)
            a[i] = fmaf(a[i], m, b);
    float sum = 0;
    for (int i = 0; i < 8; i++)
        sum += a[i];
    if (sum == 12345.0f)
        *out = sum;
}

// 8 independent products m16n8k16 a warp: 8 * 4096 flops a turn.
extern "C" __global__ void peak_mma(float *out, int turns)
{
    float    d[8][4] = {};
    unsigned a[4] = {threadIdx.x, 1, 2, 3}, b[2] = {4, 5};
    for (int t = 0; t < turns; t++)
#pragma unroll
        for (int i = 0; i < 8; i++)
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                         "{%0,%1,%2,%3};"
                         : "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3])
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    float sum = 0;
    for (int i = 0; i < 8; i++)
        sum += d[i][0] + d[i][1] + d[i][2] + d[i][3];
    if (sum == 12345.0f)
        *out = sum;
}

#ifdef WGMMA
// Products m64n256k16 of a warp group from shared memory: 8 * 524288 flops a turn.  sm_90a alone.
#define R8(x) "+f"(d[x]), "+f"(d[x + 1]), "+f"(d[x + 2]), "+f"(d[x + 3]), "+f"(d[x + 4]), "+f"(d[x + 5]), "+f"(d[x + 6]), "+f"(d[x + 7])
// clang-format off
#define REGISTERS \
    "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25," \
    "%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51," \
    "%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63,%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77," \
    "%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103," \
    "%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"
// clang-format on
#define WGMMA_ONCE "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" REGISTERS "}, %128, %129, 1, 1, 1, 0, 0;\n"
#define WGMMA_FOUR WGMMA_ONCE WGMMA_ONCE WGMMA_ONCE WGMMA_ONCE
extern "C" __global__ void __launch_bounds__(128) peak_wgmma(float *out, int turns)
{
    __shared__ __align__(1024) unsigned tiles[(64 + 256) * 16 / 2];
    float d[128];
    for (int i = threadIdx.x; i < (int)(sizeof tiles / 4); i += blockDim.x)
        tiles[i] = 0x3f803f80u + i % 7;
    for (int i = 0; i < 128; i++)
        d[i] = 0;
    __syncthreads();
    asm volatile("fence.proxy.async;" ::: "memory");
    // no swizzle: core matrices of 8 rows and 16 bytes, one after the other
    unsigned long long base = (unsigned)__cvta_generic_to_shared(tiles) >> 4;
    unsigned long long fields = 8ull << 16 | 16ull << 32;
    unsigned long long a = base | fields, b = (base + (64 * 16 * 2 >> 4)) | fields;
#pragma unroll 1
    for (int t = 0; t < turns; t++)
        asm volatile("wgmma.fence.sync.aligned;\n" WGMMA_FOUR WGMMA_FOUR
                     "wgmma.commit_group.sync.aligned;\n wgmma.wait_group.sync.aligned 0;\n"
                     : R8(0), R8(8), R8(16), R8(24), R8(32), R8(40), R8(48), R8(56), R8(64), R8(72), R8(80), R8(88), R8(96), R8(104),
                       R8(112), R8(120)
                     : "l"(a), "l"(b)
                     : "memory");
    float sum = 0;
    for (int i = 0; i < 128; i++)
        sum += d[i];
    if (sum == 12345.0f)
        *out = sum;
}
#endif
