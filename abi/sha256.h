/* SHA-256 (FIPS 180-4), shared by the writer and the loader of packages; no state but the caller's.
 */
#ifndef AOTC_SHA256_H
#define AOTC_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct aotc_sha256 {
    uint32_t h[8];
    uint64_t total;
    uint8_t  block[64];
} aotc_sha256;

static inline uint32_t aotc_sha256_rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static inline void aotc_sha256_block(uint32_t *h, const uint8_t *p)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a =
            aotc_sha256_rotate(w[i - 15], 7) ^ aotc_sha256_rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b =
            aotc_sha256_rotate(w[i - 2], 17) ^ aotc_sha256_rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    for (int i = 0; i < 8; i++)
        s[i] = h[i];
    for (int i = 0; i < 64; i++) {
        uint32_t e = aotc_sha256_rotate(s[4], 6) ^ aotc_sha256_rotate(s[4], 11) ^
                     aotc_sha256_rotate(s[4], 25);
        uint32_t t1 = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        uint32_t a = aotc_sha256_rotate(s[0], 2) ^ aotc_sha256_rotate(s[0], 13) ^
                     aotc_sha256_rotate(s[0], 22);
        uint32_t t2 = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        for (int j = 7; j > 0; j--)
            s[j] = s[j - 1];
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

static inline void aotc_sha256_start(aotc_sha256 *c)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int i = 0; i < 8; i++)
        c->h[i] = start[i];
    c->total = 0;
}

static inline void aotc_sha256_add(aotc_sha256 *c, const void *data, size_t n)
{
    const uint8_t *p = (const uint8_t *)data;
    size_t         have = (size_t)(c->total & 63);
    c->total += n;
    while (n) {
        if (!have && n >= 64) {
            aotc_sha256_block(c->h, p);
            p += 64;
            n -= 64;
            continue;
        }
        c->block[have++] = *p++;
        n--;
        if (have == 64) {
            aotc_sha256_block(c->h, c->block);
            have = 0;
        }
    }
}

static inline void aotc_sha256_end(aotc_sha256 *c, uint8_t out[32])
{
    uint64_t bits = c->total * 8;
    uint8_t  one = 0x80, zero = 0, length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    aotc_sha256_add(c, &one, 1);
    while ((c->total & 63) != 56)
        aotc_sha256_add(c, &zero, 1);
    aotc_sha256_add(c, length, 8);
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(c->h[i / 4] >> (24 - 8 * (i % 4)));
}

static inline void aotc_sha256_of(const void *data, size_t n, uint8_t out[32])
{
    aotc_sha256 c;
    aotc_sha256_start(&c);
    aotc_sha256_add(&c, data, n);
    aotc_sha256_end(&c, out);
}

#endif
