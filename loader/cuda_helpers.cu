// The loader's own device code.  scripts/make_loader_ptx makes loader/cuda_ptx.c of it; the build needs no nvcc.

struct CopyArgs {
    unsigned char       *to;
    const unsigned char *from;
    long long            numel;
    int                  rank, item_bytes;
    int                  unit, reserved; // bytes moved at once: item_bytes, or a part of it that addresses allow
    long long            sizes[64], to_strides[64], from_strides[64]; // bytes
};

template <typename T> __device__ void move(unsigned char *to, const unsigned char *from)
{
    *(T *)to = *(const T *)from;
}

// Between two tensors of the same sizes, any strides.
extern "C" __global__ void aotc_copy_strided(const CopyArgs a)
{
    long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < a.numel; i += step) {
        long long            rest = i;
        unsigned char       *to = a.to;
        const unsigned char *from = a.from;
        for (int d = a.rank - 1; d >= 0; d--) {
            long long q = rest / a.sizes[d], k = rest - q * a.sizes[d];
            rest = q;
            to += k * a.to_strides[d];
            from += k * a.from_strides[d];
        }
        for (int at = 0; at < a.item_bytes; at += a.unit)
            switch (a.unit) {
            case 8:
                move<unsigned long long>(to + at, from + at);
                break;
            case 4:
                move<unsigned>(to + at, from + at);
                break;
            case 2:
                move<unsigned short>(to + at, from + at);
                break;
            default:
                move<unsigned char>(to + at, from + at);
            }
    }
}

// {seed, offset} of random operators.
extern "C" __global__ void aotc_rng_set(unsigned long long *rng, unsigned long long seed, unsigned long long offset)
{
    rng[0] = seed;
    rng[1] = offset;
}

extern "C" __global__ void aotc_rng_next(unsigned long long *rng)
{
    rng[1]++;
}

#ifdef CONDITIONS
// A module of its own: older drivers cannot link it.
extern "C" __device__ void cudaGraphSetConditional(unsigned long long handle, unsigned value);

extern "C" __global__ void aotc_condition(unsigned long long handle, const unsigned char *flag, unsigned unless)
{
    cudaGraphSetConditional(handle, (*flag != 0) != (unless != 0));
}
#endif
