"""How each exported file is used: short programs that run beside the files, for the card."""

from __future__ import annotations

from collections.abc import Collection

from evaluators.export.subject import Subject
from evaluators.images.preparing import SMALLEST_STD

_OPEN = """import json

import numpy as np
from PIL import Image, ImageOps

classes = json.load(open("classes.json", encoding="utf-8"))
picture = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("{mode}")
photos = np.asarray(picture)[None{last}]  # uint8 (1, height, width, {channels})
"""
_SHOW = "print(classes[label[0]], probabilities[0].max())\n"
_TORCH = """
import torch

model = torch.export.load("model.pt2").module()
probabilities, label = model(torch.from_numpy(photos.copy()))
"""
_ONNX = """
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
probabilities, label = session.run(["probabilities", "label"], {{"images": photos}})
"""
_PYTHON = """
import torch

import model

probabilities, label = model.predict(model.load(), torch.from_numpy(photos.copy()))
"""
_TIMM = """
import torch

import model_timm

probabilities, label = model_timm.predict(model_timm.load(), torch.from_numpy(photos.copy()))
"""
_TENSORS = """
# What the network takes: the largest centred square, resized, 0 to 1, normalised.
size, mean, std = {resolution}, {mean}, {std}
square = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
x = np.asarray(square, np.float32).reshape(size, size, {channels}) / 255
photos = ((x - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)
"""


def programs(subject: Subject, written: Collection[str]) -> dict[str, str]:
    """A program for each format in ``written`` that can be run, by what it is for."""
    before = subject.run.preprocessing
    one = before.channels == 1
    start = _OPEN.format(
        mode="L" if one else "RGB", last=", ..., None" if one else "", channels=before.channels
    )
    given = start
    if subject.takes == "float":
        given += _TENSORS.format(
            resolution=before.resolution,
            channels=before.channels,
            mean=list(before.mean),
            std=[max(SMALLEST_STD, value) for value in before.std],
        )
    known = {
        "python": ("PyTorch, as a Python file to read and change", start + _PYTHON),
        "torch": ("PyTorch, as a torch.export program", given + _TORCH),
        "onnx": ("onnxruntime", given + _ONNX.format(file="model.onnx")),
        "timm": ("timm, which has the network as a model then", start + _TIMM),
        "int8": ("onnxruntime, in 8 bits", given + _ONNX.format(file="model_int8.onnx")),
    }
    return {title: text + _SHOW for name, (title, text) in known.items() if name in written}
