"""Networks as models of timm: block strings and names held to what timm 1.0.31 builds, and logits where it is installed."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from evaluators.export.timm_source import TimmSource, timm_source_of
from evaluators.network import build
from evaluators.trained.run_folder import Preprocessing
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, MBConv, SqueezeExcite
from space.errors import InputError
from space.notation import read
from space.spaces import space
from space.zoo import architecture as known

# The weights in the state dict of timm's model of the same network at 1000 classes: how many, and a digest of lines
# such as "blocks.0.0.bn1.bias [32]" in order.
WEIGHTS = {
    "efficientnet_b0": (360, "f9541b220d8ac855"),
    "mobilenet_v1": (164, "392e90222c5c3bdd"),
    "mobilenet_v2": (314, "f1bce63ce87dc8e6"),
    "mobilenet_v3_small": (244, "b9cf09a73f1d1b9d"),
    "mobilenetv4_conv_small": (278, "591eabca994913d0"),
    "efficientnet_es": (296, "9f76b58eb908d6c8"),
    "efficientnetv2_s": (782, "cb6eb0238f1ed9f7"),
}
_STEM, _HEAD = Conv(8, 3, 2), (GlobalPool(), Dense())


def _source(architecture: Architecture) -> TimmSource:
    channels = architecture.in_channels
    before = Preprocessing(resolution=architecture.resolution, mean=(0.4,) * channels, std=(0.2,) * channels)
    return timm_source_of(architecture, tuple(map(str, range(architecture.classes))), before)


def _small(*blocks: MBConv | Conv, stem: Conv = _STEM) -> Architecture:
    return Architecture((stem,), (Stage(blocks),), _HEAD, resolution=32, classes=5)


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_have_the_names_and_shapes_of_timms_model(name: str) -> None:
    made = known(name)
    weights = _source(made).weights(build(made, seed=None).state_dict())
    lines = [f"{weight} {list(tensor.shape)}" for weight, tensor in sorted(weights.items())]
    digest = blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
    assert (len(lines), digest) == WEIGHTS[name]


def test_the_block_string_is_timms() -> None:
    assert _source(known("mobilenet_v3_small")).block_string == (
        "ds_r1_k3_s2_e1_c16_se0.25_nre,ir_r1_k3_s2_e4.5_c24_nre+ir_r1_k3_s1_e3.67_c24_nre,"
        "ir_r1_k5_s2_e4_c40_se0.25+ir_r2_k5_s1_e6_c40_se0.25,ir_r2_k5_s1_e3_c48_se0.25,"
        "ir_r3_k5_s2_e6_c96_se0.25,cn_r1_k1_s1_c576"
    )
    text = _source(known("mobilenet_v3_small")).text
    assert "from timm.models.mobilenetv3 import MobileNetV3" in text
    assert '["ir_r1_k3_s2_e4.5_c24_nre", "ir_r1_k3_s1_e3.67_c24_nre"],' in text


def test_a_stem_of_stride_1_is_a_class_of_its_own() -> None:
    text = _source(_small(MBConv(8), stem=Conv(8))).text
    assert "class SmallStem(EfficientNet):" in text and "stride = (1, 1)" in text
    assert "SmallStem" not in _source(_small(MBConv(8))).text


def test_models_do_not_take_the_names_that_timm_has() -> None:
    made = known("efficientnet_b0@classes=10")
    assert _source(made).model == f"efficientnet_b0_{made.key[:6]}"
    unnamed = _small(MBConv(8))
    assert _source(unnamed).model == f"mbconv_{unnamed.key[:6]}"


def test_stochastic_depth_is_left_to_timm() -> None:
    assert (
        _source(known("mnasnet_b1@drop_path=0.2")).block_string == _source(known("mnasnet_b1")).block_string
    )


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (known("resnet18"), "stem"),
        (known("densenet121"), "stem"),
        (_small(Conv(8, activation=None)), "a block that block strings can say"),
        (_small(MBConv(8), MBConv(16, stride=2)), "stride 2 in block 2 of a stage"),
        (_small(MBConv(12), MBConv(12, expansion=3)), "36 expanded channels, which timm rounds to 40"),
        (_small(MBConv(16, squeeze_excite=SqueezeExcite(of="gated"))), "share of the expanded channels"),
        (
            _small(MBConv(16, squeeze_excite=SqueezeExcite(divisor=32))),
            "widths of squeeze-and-excitation that timm rounds otherwise",
        ),
    ],
)
def test_networks_that_timm_does_not_build_are_refused(network: Architecture, why: str) -> None:
    with pytest.raises(InputError, match=f"--to timm: wanted a network of the MBConv family .*{why}"):
        _source(network)


def _timms(source: TimmSource, state: Mapping[str, Tensor], folder: Path) -> torch.nn.Module:
    """The network as timm makes it from the files."""
    module = ModuleType(source.model)
    module.__file__ = str(folder / "model_timm.py")
    sys.modules[source.model] = module
    exec(compile(source.text, module.__file__, "exec"), vars(module))
    weights = source.weights(state)
    save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model_timm.safetensors")
    made: torch.nn.Module = module.load()
    return made


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")
def test_timm_gives_the_same_logits(tmp_path: Path) -> None:
    chosen, rng = space("mbconv", resolution=32), random.Random(3)
    names = ("mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "mnasnet_a1", "mobilenetv4_conv_small")
    networks = [known(f"{name}@resolution=64,classes=7") for name in names]
    networks += [chosen.decode(chosen.sample(rng)) for _ in range(3)]
    networks += [read("er_r2_k3_s1_e4_c16_noskip,uir_r2_a3_k5_p3_s2_e3_c24_se0.25@head=0,resolution=32")]
    for made in networks:
        ours = build(made, seed=0).eval()
        x = torch.randn(2, made.in_channels, made.resolution, made.resolution)
        with torch.no_grad():
            wanted, came = ours(x), _timms(_source(made), ours.state_dict(), tmp_path)(x)
        assert (wanted - came).abs().max() <= 1e-4 * wanted.abs().max(), made.label
