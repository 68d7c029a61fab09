"""Trains the example's network on scikit-learn's handwritten digits and writes digits.pt2 and test_images.bin.

    pip install torch==2.13.0 scikit-learn numpy
    python train.py            # about a minute on one core; writes beside this file

The network: two convolutions with batch norm, a global average, one linear layer; input f32[batch, 1, 8, 8] with pixels in
0..1, output ten scores.  The batch is dynamic.  test_images.bin: int32 count, then for each image 64 float32 pixels and
an int32 label, little endian; none of them was trained on.
"""
import pathlib
import struct

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = pathlib.Path(__file__).parent


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 48, 3, padding=1, stride=2), nn.BatchNorm2d(48), nn.ReLU(),
            nn.Conv2d(48, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU())
        self.scores = nn.Linear(48 * 16, 10)

    def forward(self, image):
        return self.scores(self.features(image).flatten(1))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = load_digits()
    images = torch.tensor(data.images / 16.0, dtype=torch.float32)[:, None]
    labels = torch.tensor(data.target)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1))
    test, train = order[:360], order[360:]
    net = Digits()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    epochs = 25
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * (len(train) // 64 + 1))
    for epoch in range(epochs):
        net.train()
        for batch in train[torch.randperm(len(train))].split(64):
            shifted = torch.roll(images[batch], shifts=tuple(torch.randint(-1, 2, (2,)).tolist()), dims=(2, 3))
            loss = nn.functional.cross_entropy(net(shifted), labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(images[test]).argmax(1) == labels[test]).float().mean().item()
        print(f"test accuracy {accuracy:.4f} on {len(test)} images, {sum(p.numel() for p in net.parameters())} parameters")
        batch = torch.export.Dim("batch", min=1, max=4096)
        program = torch.export.export(net, (images[test[:2]],), dynamic_shapes=({0: batch},))
    torch.export.save(program, HERE / "digits.pt2")
    with open(HERE / "test_images.bin", "wb") as f:
        f.write(struct.pack("<i", len(test)))
        for i in test.tolist():
            f.write(np.asarray(images[i], "<f4").tobytes() + struct.pack("<i", int(labels[i])))


if __name__ == "__main__":
    main()
