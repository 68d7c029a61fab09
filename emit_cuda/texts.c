/* The fixed device texts: one row each, in the order in which a file has them. */
#include "emit_cuda/cuda_internal.h"

#include <assert.h>
#include <string.h>

#ifndef AOTC_SOURCE_DIR
#define AOTC_SOURCE_DIR "."
#endif
#define RUNTIME AOTC_SOURCE_DIR "/emit_cuda/runtime/"

EMIT_RUNTIME_TEXT(cuda_text_prelude, RUNTIME "prelude.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_math, RUNTIME "math.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_launch, RUNTIME "launch.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_epilogue, RUNTIME "epilogue.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_mma, RUNTIME "mma.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_gemm, RUNTIME "gemm.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_wgmma, RUNTIME "wgmma.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_gemm_sm90, RUNTIME "gemm_sm90.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_conv, RUNTIME "conv.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_conv_sm90, RUNTIME "conv_sm90.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_simt, RUNTIME "simt.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_depthwise, RUNTIME "depthwise.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_attention, RUNTIME "attention.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_attention_sm90, RUNTIME "attention_sm90.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_attention_plain, RUNTIME "attention_plain.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_scan, RUNTIME "scan.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_sort, RUNTIME "sort.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_select, RUNTIME "select.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_rnn, RUNTIME "rnn.cu.inc");
EMIT_RUNTIME_TEXT(cuda_text_lanes, RUNTIME "lanes.cu.inc");
extern const char emit_text_model_abi[], emit_text_element[]; /* emit_c.c */
extern const char runtime_special[], runtime_orthogonal[], runtime_random[], runtime_fft[],
    runtime_linalg[], runtime_linalg_factor[], runtime_linalg_qr[], runtime_linalg_exp[],
    runtime_linalg_ldl[], runtime_spectral[], runtime_spectral_eigh[], runtime_spectral_svd[],
    runtime_spectral_schur[], runtime_spectral_eig[]; /* templates.c */

/* At the top of every file. */
static const char *const head[] = {emit_text_model_abi, cuda_text_prelude, emit_text_element,
                                   cuda_text_math, cuda_text_launch};

/* Where a function needs them. */
static const CudaText texts[] = {
    {"epilogue", NULL, cuda_text_epilogue},
    {"mma", "epilogue", cuda_text_mma},
    {"gemm", "mma", cuda_text_gemm},
    {"wgmma", "mma", cuda_text_wgmma},
    {"gemm_sm90", "gemm", cuda_text_gemm_sm90},
    {"conv", "gemm", cuda_text_conv},
    {"conv_sm90", "conv", cuda_text_conv_sm90},
    {"simt", "conv", cuda_text_simt},
    {"depthwise", "conv", cuda_text_depthwise},
    {"attention", "mma", cuda_text_attention},
    {"attention_sm90", "attention", cuda_text_attention_sm90},
    {"attention_plain", "attention", cuda_text_attention_plain},
    {"scan", NULL, cuda_text_scan},
    {"sort", "mma", cuda_text_sort},
    {"select", NULL, cuda_text_select},
    {"rnn", "mma", cuda_text_rnn},
    /* Scalar functions that few models use: the same text as on the CPU. */
    {"special", NULL, runtime_special},
    {"orthogonal", NULL, runtime_orthogonal},
    {"random", NULL, runtime_random},
    {"fft", NULL, runtime_fft},
    {"lanes", NULL, cuda_text_lanes},
    {"linalg", "lanes", runtime_linalg},
    {"linalg_factor", "linalg", runtime_linalg_factor},
    {"linalg_qr", "linalg_factor", runtime_linalg_qr},
    {"linalg_exp", "linalg", runtime_linalg_exp},
    {"linalg_ldl", "linalg", runtime_linalg_ldl},
    {"spectral", "linalg", runtime_spectral},
    {"spectral_eigh", "spectral", runtime_spectral_eigh},
    {"spectral_svd", "spectral", runtime_spectral_svd},
    {"spectral_schur", "spectral", runtime_spectral_schur},
    {"spectral_eig", "spectral_schur", runtime_spectral_eig},
    {NULL, NULL, NULL}, /* the end */
};

void cuda_put_head(Text *out)
{
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        text_printf(out, "%s\n", head[i]);
}

int cuda_n_texts(void)
{
    return (int)(sizeof texts / sizeof *texts) - 1;
}

const CudaText *cuda_text_at(int index)
{
    return &texts[index];
}

const CudaText *cuda_text(const char *name)
{
    for (int i = 0; i < cuda_n_texts(); i++)
        if (!strcmp(texts[i].name, name))
            return &texts[i];
    assert(!"no such text");
    return &texts[0];
}
