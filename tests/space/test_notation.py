"""Block strings: the zoo's networks there and back, published strings, and what cannot be said."""

from __future__ import annotations

import random
import re

import pytest

from space import notation, zoo
from space.architecture import Architecture
from space.blocks import Conv, FusedMBConv, MBConv, SqueezeExcite
from space.cost import costs
from space.errors import InputError
from space.zoo.spaces import mnasnet

MBCONV_FAMILY = [n for n in zoo.ZOO if n.startswith(("mobilenet", "mnasnet", "efficientnet"))]
B0 = (
    "ds_r1_k3_s1_e1_c16_se0.25,ir_r2_k3_s2_e6_c24_se0.25,ir_r2_k5_s2_e6_c40_se0.25,"
    "ir_r3_k3_s2_e6_c80_se0.25,ir_r3_k5_s1_e6_c112_se0.25,ir_r4_k5_s2_e6_c192_se0.25,"
    "ir_r1_k3_s1_e6_c320_se0.25"
)


@pytest.mark.parametrize("name", MBCONV_FAMILY)
def test_the_mbconv_family_comes_back_equal(name: str) -> None:
    architecture = zoo.architecture(name)
    assert notation.read(notation.write(architecture)) == architecture


@pytest.mark.parametrize(
    "settings", ["width=0.5", "width=1.4,classes=10", "depth=2,in_channels=1", "resolution=96"]
)
def test_scaled_networks_come_back_equal(settings: str) -> None:
    architecture = zoo.architecture(f"mobilenet_v3_small@{settings}")
    assert notation.read(notation.write(architecture)) == architecture


def test_random_networks_come_back_with_the_same_key() -> None:
    space, rng = mnasnet(None, 3, 1000), random.Random(0)
    for _ in range(50):
        architecture = space.decode(space.sample(rng))
        assert notation.read(notation.write(architecture)).key == architecture.key


def test_b0_is_written_as_it_is_published() -> None:
    assert notation.write(zoo.architecture("efficientnet_b0")) == B0
    assert costs(notation.read(B0)).params == 5_288_548


def test_timm_lists_are_read_and_written() -> None:
    lists = [stage.split("+") for stage in B0.split(",")]
    assert notation.read(lists) == notation.read(str(lists)) == notation.read(B0)
    assert notation.arch_def(notation.read(B0)) == lists


def test_fbnet_keeps_its_unit_expansions() -> None:
    """timm's fbnetc_100 has 5,572,200 parameters; its ``ir`` blocks expand at e1 too."""
    stages = (
        "ir_r1_k3_s1_e1_c16",
        "ir_r1_k3_s2_e6_c24+ir_r2_k3_s1_e1_c24",
        "ir_r1_k5_s2_e6_c32+ir_r1_k5_s1_e3_c32+ir_r1_k5_s1_e6_c32+ir_r1_k3_s1_e6_c32",
        "ir_r1_k5_s2_e6_c64+ir_r1_k5_s1_e3_c64+ir_r2_k5_s1_e6_c64",
        "ir_r3_k5_s1_e6_c112+ir_r1_k5_s1_e3_c112",
        "ir_r4_k5_s2_e6_c184",
        "ir_r1_k3_s1_e6_c352",
    )
    text = ",".join(stages) + "@stem=16,head=1984,act=relu"
    assert costs(notation.read(text)).params == 5_572_200
    assert notation.write(notation.read(text)) == text


def test_suffixes_and_defaults() -> None:
    architecture = notation.read(
        "ir_r2_k5_s2_e4_c24_se0.25_nre_noskip,cn_r1_k3_s1_c24_skip,er_r1_k3_s1_e4_c32_nr6"
    )
    first, second = architecture.stages[0].blocks
    se = SqueezeExcite(0.25, activation="silu")
    assert first == MBConv(24, 5, 4, 2, se, skip=False, activation="relu")
    assert second == MBConv(24, 5, 4, 1, se, skip=False, activation="relu")
    assert architecture.stages[1].blocks == (FusedMBConv(24, 3, 1, activation="silu"),)
    assert architecture.stages[2].blocks == (FusedMBConv(32, 3, 4, activation="relu6"),)
    assert architecture.stem == (Conv(32, 3, 2, activation="silu"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "xx_r1_k3_s1_e6_c16",
            "block 'xx_r1_k3_s1_e6_c16': kind: wanted one of ds, dsa, ir, er, cn, uir, got 'xx'",
        ),
        ("ir_r2_k3_s2", "wanted the fields r, k, s, e, c"),
        ("ir_r1_k3.5_s1_e6_c16", "mixed kernels (k3.5) are not supported"),
        ("ir_r1_k4_s1_e6_c16", "wanted an odd positive kernel, got 4"),
        ("ir_r0_k3_s1_e6_c16", "r: wanted a positive whole number, got 0"),
        ("ir_r1_k3_s1_e0_c16", "wanted a positive factor"),
        ("ir_r1_k3_s1_e6_c16_cc4", "conditional convolution (cc4) is not supported"),
        ("ir_r1_k3_s1_e6_c16_p3", "projection with a kernel other than 1x1 (p3) is not supported"),
        ("ir_r1_k3.5.7_s1_e6_c16", "mixed kernels (k3.5.7) are not supported"),
        ("ir_r1_k3_a1.1_p1.1_s1_e6_c16", "mixed kernels (a1.1) are not supported"),
        ("ir_r1_k3_s1_e6_c16_d1", "space to depth (d1) is not supported"),
        ("ir_r1_k3_s1_e6_c16_nmi", "the activation mish (nmi) is not supported"),
        ("mqa_r1_k3_h4_s1_v2_d64_c160", "multi-query attention (mqa) is not supported"),
        ("mha_r1_k3_h4_s1_d64_c160", "multi-head attention (mha) is not supported"),
        (
            "ir_r1_k3_s1_e6_c16_x2",
            "wanted r, k, s, e, c, se, a, p, gs, fc, nre, nr6, nhs, nsw, skip or noskip",
        ),
        ("ir_r1_k3_s1_e6_c16_fc24", "no forced input channels in ir, only in er"),
        ("ir_r1_k3_s1_e6_c16_gs5", "layer stages.0.0.depthwise: groups of 5 do not divide 192 channels"),
        ("cn_r1_k3_s1_c16_gs5", "gs: wanted a divisor of the 32 channels that come in, got 5"),
        ("uir_r1_a3_s1_e4_c32", "wanted the fields r, k, s, e, c"),
        ("uir_r1_a2_k3_s1_e4_c32", "start_kernel: wanted an odd positive kernel, got 2"),
        ("uir_r1_a0_k0_s2_e4_c32", "stride: wanted 1 in a block without a depthwise convolution, got 2"),
        ("ir_r1_k0_s1_e6_c16", "k: wanted a positive whole number, got 0"),
        ("ir_r1000000_k3_s1_e6_c16", "r: wanted at most 1000 repeats, got 1000000"),
        ("ds_r1_k3_s1_e6_c16", "e: wanted 1 for ds, got 6"),
        ("cn_r1_k3_s1_c16_se0.25", "no squeeze-and-excitation in cn"),
        ("ir_r1_k3_s1_e6_c16@heads=3", "nearest: head"),
        ("ir_r1_k3_s1_e6_c16@head=many", "blocks @head: wanted a number"),
        ("ir_r1_k3_s1_e6_c16@act=swoosh", "act: wanted one of relu"),
        ("", "wanted block strings such as"),
        ("[1, 2]", "wanted block strings such as"),
        ("[[", "wanted a list of lists"),
    ],
)
def test_bad_strings_say_what_was_wanted(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        notation.read(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["mqa", "mha", "uib", "conv", "ira"])
def test_no_other_block_is_offered_for_one_that_there_is_not(kind: str) -> None:
    with pytest.raises(InputError) as caught:
        notation.read(f"{kind}_r1_k3_s1_e6_c16")
    assert "nearest" not in str(caught.value)


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "densenet121", "efficientnet_b0@drop_path=0.2"])
def test_what_cannot_be_said_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        notation.write(zoo.architecture(name))


def test_one_squeeze_setting_serves_the_whole_network() -> None:
    architecture: Architecture = zoo.architecture("efficientnet_b0")
    first = architecture.stages[0].blocks[0]
    assert isinstance(first, MBConv)
    odd = MBConv(24, squeeze_excite=SqueezeExcite(0.25, of="gated"), activation="silu")
    stages = (architecture.stages[0], type(architecture.stages[0])((odd,)), *architecture.stages[2:])
    with pytest.raises(InputError, match="network that they can say"):
        notation.write(architecture.replace(stages=stages))
