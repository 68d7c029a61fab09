/* See sample_values.h.  In: a sample's tensor.  Out: its bytes. */
#include "tests/sample_values.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- draws ----------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001B3u;
    return h;
}

static uint64_t seed_of(const Sample *s, const SampleTensor *t)
{
    char number[16];
    snprintf(number, sizeof number, " %d", t->number);
    uint64_t h = hash(0xCBF29CE484222325u, s->schema->name);
    return hash(hash(hash(h, " "), s->text), number);
}

static uint64_t draw(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static double unit(uint64_t seed, uint64_t i)
{
    return (double)(draw(seed, i) >> 11) * 0x1p-53;
}

/* ---- small floats ---------------------------------------------------------------------------- */

typedef struct SmallFloat {
    int  exponent_bits, mantissa_bits;
    bool has_inf; /* f8e4m3 has none: the largest exponent is a number, all ones are NaN */
} SmallFloat;

static SmallFloat small_float(DType dtype)
{
    switch (dtype) {
    case DT_F16:
        return (SmallFloat){5, 10, true};
    case DT_BF16:
        return (SmallFloat){8, 7, true};
    case DT_F8E4M3:
        return (SmallFloat){4, 3, false};
    default:
        return (SmallFloat){5, 2, true};
    }
}

/* To nearest, ties to even. */
static uint16_t encode_small(DType dtype, float value)
{
    SmallFloat f = small_float(dtype);
    int        bias = (1 << (f.exponent_bits - 1)) - 1;
    uint16_t   sign = (uint16_t)(signbit(value) ? 1u << (f.exponent_bits + f.mantissa_bits) : 0);
    uint16_t   all = (uint16_t)((1u << (f.exponent_bits + f.mantissa_bits)) - 1);
    uint16_t   inf = (uint16_t)(all & ~((1u << f.mantissa_bits) - 1));
    if (isnan(value) || (isinf(value) && !f.has_inf))
        return (uint16_t)(sign | (f.has_inf ? inf | 1u << (f.mantissa_bits - 1) : all));
    if (isinf(value))
        return sign | inf;
    int exponent;
    frexp(value, &exponent);
    exponent = value == 0 || exponent - 1 < 1 - bias ? 1 - bias : exponent - 1;
    /* steps of the last place from zero: numbers of one exponent follow those of the one before */
    double   steps = nearbyint(ldexp(fabs((double)value), f.mantissa_bits - exponent));
    uint32_t code = (uint32_t)steps + ((uint32_t)(exponent + bias - 1) << f.mantissa_bits);
    uint32_t most = f.has_inf ? inf : all;
    return (uint16_t)(sign | (code > most ? most : code));
}

static double decode_small(DType dtype, unsigned code)
{
    SmallFloat f = small_float(dtype);
    int        bias = (1 << (f.exponent_bits - 1)) - 1;
    unsigned   mantissa = code & ((1u << f.mantissa_bits) - 1);
    int        exponent = (int)(code >> f.mantissa_bits) & ((1 << f.exponent_bits) - 1);
    double     sign = code >> (f.exponent_bits + f.mantissa_bits) & 1 ? -1 : 1;
    bool       is_top = exponent == (1 << f.exponent_bits) - 1;
    if (is_top && f.has_inf)
        return mantissa ? NAN : sign * INFINITY;
    if (is_top && mantissa == (1u << f.mantissa_bits) - 1)
        return NAN;
    double value = exponent ? (double)(mantissa | 1u << f.mantissa_bits) : (double)mantissa;
    return sign * ldexp(value, (exponent ? exponent : 1) - bias - f.mantissa_bits);
}

/* ---- elements -------------------------------------------------------------------------------- */

static void store_float(DType dtype, void *out, size_t i, double value)
{
    float    single = (float)value;
    uint16_t code;
    switch (dtype) {
    case DT_F64:
    case DT_C128:
        ((double *)out)[i] = value;
        break;
    case DT_F32:
    case DT_C64:
        ((float *)out)[i] = single;
        break;
    case DT_F16:
    case DT_BF16:
        ((uint16_t *)out)[i] = encode_small(dtype, single);
        break;
    default:
        code = encode_small(dtype, single);
        ((uint8_t *)out)[i] = (uint8_t)code;
        break;
    }
}

static void store_int(DType dtype, void *out, size_t i, int64_t value)
{
    int size = dtype_size(dtype);
    if (dtype == DT_BOOL)
        value = value != 0;
    memcpy((char *)out + i * (size_t)size, &value, (size_t)size); /* little endian */
}

double sample_element(DType dtype, const void *data, size_t i, int part)
{
    switch (dtype) {
    case DT_BOOL:
    case DT_U8:
        return ((const uint8_t *)data)[i];
    case DT_I8:
        return ((const int8_t *)data)[i];
    case DT_I16:
        return ((const int16_t *)data)[i];
    case DT_U16:
        return ((const uint16_t *)data)[i];
    case DT_I32:
        return ((const int32_t *)data)[i];
    case DT_U32:
        return ((const uint32_t *)data)[i];
    case DT_I64:
        return (double)((const int64_t *)data)[i];
    case DT_U64:
        return (double)((const uint64_t *)data)[i];
    case DT_F32:
        return (double)((const float *)data)[i];
    case DT_F64:
        return ((const double *)data)[i];
    case DT_C64:
        return (double)((const float *)data)[2 * i + (size_t)part];
    case DT_C128:
        return ((const double *)data)[2 * i + (size_t)part];
    case DT_F16:
    case DT_BF16:
        return decode_small(dtype, ((const uint16_t *)data)[i]);
    default:
        return decode_small(dtype, ((const uint8_t *)data)[i]);
    }
}

/* ---- fills ----------------------------------------------------------------------------------- */

static double largest(DType dtype)
{
    switch (dtype) {
    case DT_F8E4M3:
        return 448;
    case DT_F8E5M2:
        return 57344;
    case DT_F16:
        return 65504;
    case DT_BF16:
        return 0x1.FEp127;
    case DT_F64:
    case DT_C128:
        return DBL_MAX;
    default:
        return (double)FLT_MAX;
    }
}

static double special_float(DType dtype, uint64_t i)
{
    const double table[] = {0,    -0.0, 1,   -1,   INFINITY, -INFINITY, NAN, 0.5,
                            -2.5, 2.5,  1.5, -0.5, 7,        -7,        0,   0};
    double       most = largest(dtype);
    i %= sizeof table / sizeof *table;
    return i == 14 ? most : i == 15 ? -most : table[i];
}

static int64_t special_int(DType dtype, uint64_t i)
{
    int           bits = dtype_size(dtype) * 8;
    int64_t       most = dtype_info(dtype)->is_signed ? INT64_MAX >> (64 - bits)
                         : bits == 64                 ? -1
                                                      : (int64_t)((uint64_t)1 << bits) - 1;
    int64_t       least = dtype_info(dtype)->is_signed ? -most - 1 : 0;
    const int64_t table[] = {0, 1, most, least, 2, 7, most - 1, least + 1};
    return table[i % 8];
}

static double float_of(const SampleTensor *t, uint64_t seed, uint64_t i)
{
    double low = t->has_range ? t->low : -3, high = t->has_range ? t->high : 3;
    if (t->fill == FILL_VALUES)
        return t->values[i % (uint64_t)t->n_values];
    if (t->fill == FILL_SPECIAL)
        return special_float(t->dtype, i);
    if (t->fill == FILL_DEFINITE) {
        uint64_t n = (uint64_t)t->sizes[t->rank - 1], r = i / n % n, c = i % n;
        uint64_t upper = i / (n * n) * n * n + (r < c ? r * n + c : c * n + r);
        return -1 + 2 * unit(seed, upper) + (r == c ? (double)(n + 1) : 0);
    }
    double span = high - low, part = span * unit(seed, i);
    return low + part;
}

static int64_t int_of(const SampleTensor *t, uint64_t seed, uint64_t i)
{
    bool    is_signed = dtype_info(t->dtype)->is_signed;
    int64_t low = t->has_range ? (int64_t)t->low : is_signed ? -5 : 0;
    int64_t high = t->has_range ? (int64_t)t->high : is_signed ? 5 : 9;
    if (t->fill == FILL_VALUES)
        return (int64_t)t->values[i % (uint64_t)t->n_values];
    if (t->dtype == DT_BOOL && !t->has_range)
        return (int64_t)(draw(seed, i) & 1);
    if (t->fill == FILL_SPECIAL)
        return special_int(t->dtype, i);
    return low + (int64_t)(draw(seed, i) % ((uint64_t)(high - low) + 1));
}

static void fill_distinct(const SampleTensor *t, uint64_t seed, size_t n, void *out)
{
    int64_t *p = malloc((n + 1) * sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = (int64_t)i;
    for (size_t i = n; i-- > 1;) {
        size_t  j = (size_t)(draw(seed, i) % (i + 1));
        int64_t at_i = p[i];
        p[i] = p[j];
        p[j] = at_i;
    }
    for (size_t i = 0; i < n; i++)
        if (dtype_is_float(t->dtype))
            store_float(t->dtype, out, i, (double)(p[i] - (int64_t)(n / 2)) / 4);
        else
            store_int(t->dtype, out, i, p[i]);
    free(p);
}

size_t sample_storage(const SampleTensor *t)
{
    size_t last = 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->sizes[i] == 0)
            return 0;
        last += (size_t)((t->sizes[i] - 1) * t->strides[i]);
    }
    return last + 1;
}

void sample_fill(const Sample *s, const SampleTensor *t, void *out)
{
    uint64_t seed = seed_of(s, t);
    bool     is_complex = dtype_info(t->dtype)->is_complex;
    size_t   n = sample_storage(t), parts = is_complex ? 2 * n : n;
    if (t->fill == FILL_DISTINCT && !is_complex) {
        fill_distinct(t, seed, n, out);
        return;
    }
    for (size_t i = 0; i < parts; i++)
        if (is_complex || dtype_is_float(t->dtype))
            store_float(t->dtype, out, i, float_of(t, seed, i));
        else
            store_int(t->dtype, out, i, int_of(t, seed, i));
}
