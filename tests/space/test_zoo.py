"""The zoo against public implementations, to the last digit.

``PUBLIC`` was counted on torchvision 0.28 and timm 1.0.31: parameters of the module as it is created (with
auxiliary heads where it has them), MACs as half of ``torch.utils.flop_counter``'s FLOPs of an inference pass at
the resolution the zoo names. ``PAPERS`` are networks that neither ships, from the sources beside them.
"""

from __future__ import annotations

import csv
import os
import pickle
import re
from pathlib import Path

import pytest

from space import zoo
from space.architecture import Architecture, Stage
from space.blocks import Auxiliary, Conv, Dense, Drop, GlobalPool, MBConv
from space.codec import from_json, to_json
from space.cost import costs
from space.errors import InputError, ShapeError, UnknownNameError
from space.scaling import smallest_resolution
from space.zoo.spaces import mnasnet, nas_bench_macro

# name: (params, MACs), then the public implementation.
PUBLIC: dict[str, tuple[int, int, str]] = {
    "alexnet": (61_100_840, 714_188_480, "torchvision alexnet"),
    "vgg11": (132_863_336, 7_609_090_048, "torchvision vgg11"),
    "vgg13": (133_047_848, 11_308_466_176, "torchvision vgg13"),
    "vgg16": (138_357_544, 15_470_264_320, "torchvision vgg16"),
    "vgg19": (143_667_240, 19_632_062_464, "torchvision vgg19"),
    "vgg11_bn": (132_868_840, 7_609_090_048, "torchvision vgg11_bn"),
    "vgg13_bn": (133_053_736, 11_308_466_176, "torchvision vgg13_bn"),
    "vgg16_bn": (138_365_992, 15_470_264_320, "torchvision vgg16_bn"),
    "vgg19_bn": (143_678_248, 19_632_062_464, "torchvision vgg19_bn"),
    "inception_v3": (27_161_264, 5_713_216_096, "torchvision inception_v3"),
    "resnet18": (11_689_512, 1_814_073_344, "torchvision resnet18"),
    "resnet34": (21_797_672, 3_663_761_408, "torchvision resnet34"),
    "resnet50": (25_557_032, 4_089_184_256, "torchvision resnet50"),
    "resnet101": (44_549_160, 7_801_405_440, "torchvision resnet101"),
    "resnet152": (60_192_808, 11_513_626_624, "torchvision resnet152"),
    "wide_resnet50_2": (68_883_240, 11_398_021_120, "torchvision wide_resnet50_2"),
    "resnext50_32x4d": (25_028_904, 4_230_479_872, "torchvision resnext50_32x4d"),
    "resnext101_32x8d": (88_791_336, 16_414_015_488, "torchvision resnext101_32x8d"),
    "resnext101_64x4d": (83_455_272, 15_460_270_080, "torchvision resnext101_64x4d"),
    "densenet121": (7_978_856, 2_834_161_664, "torchvision densenet121"),
    "densenet161": (28_681_000, 7_727_907_072, "torchvision densenet161"),
    "densenet169": (14_149_480, 3_359_843_328, "torchvision densenet169"),
    "densenet201": (20_013_928, 4_291_365_888, "torchvision densenet201"),
    "mobilenet_v2": (3_504_872, 300_774_272, "torchvision mobilenet_v2"),
    "mobilenet_v3_large": (5_483_032, 216_589_760, "torchvision mobilenet_v3_large"),
    "mobilenet_v3_small": (2_542_856, 56_510_400, "torchvision mobilenet_v3_small"),
    "efficientnet_b0": (5_288_548, 385_814_752, "torchvision efficientnet_b0"),
    "efficientnet_b1": (7_794_184, 686_802_832, "torchvision efficientnet_b1"),
    "efficientnet_b2": (9_109_994, 993_561_872, "torchvision efficientnet_b2"),
    "efficientnet_b3": (12_233_232, 1_827_141_392, "torchvision efficientnet_b3"),
    "efficientnet_b4": (19_341_616, 4_393_771_024, "torchvision efficientnet_b4"),
    "efficientnet_b5": (30_389_784, 10_266_384_752, "torchvision efficientnet_b5"),
    "efficientnet_b6": (43_040_704, 19_067_593_536, "torchvision efficientnet_b6"),
    "efficientnet_b7": (66_347_960, 37_745_884_192, "torchvision efficientnet_b7"),
    "efficientnetv2_s": (21_458_488, 8_365_617_152, "torchvision efficientnet_v2_s"),
    "googlenet_bn": (13_004_888, 1_498_376_192, "torchvision googlenet"),
    "mnasnet_b1": (4_383_312, 314_415_872, "torchvision mnasnet1_0"),
    "mnasnet_b1@width=0.5": (2_218_512, 104_455_968, "torchvision mnasnet0_5"),
    "mnasnet_b1@width=0.75": (3_170_208, 215_493_104, "torchvision mnasnet0_75"),
    "mnasnet_b1@width=1.3": (6_282_256, 526_362_432, "torchvision mnasnet1_3"),
    "preact_resnet18": (11_687_720, 1_814_073_344, "timm resnetv2_18"),
    "preact_resnet50": (25_549_352, 4_089_184_256, "timm resnetv2_50"),
    "preact_resnet101": (44_541_480, 7_801_405_440, "timm resnetv2_101"),
    "resnext101_32x4d": (44_177_704, 7_969_996_800, "timm resnext101_32x4d"),
    "se_resnet50": (28_088_024, 4_091_699_200, "timm seresnet50"),
    "se_resnext50_32x4d": (27_559_896, 4_232_994_816, "timm seresnext50_32x4d"),
    "mobilenet_v1": (4_231_976, 568_740_352, "timm mobilenetv1_100"),
    "mnasnet_a1": (3_887_038, 311_579_072, "timm semnasnet_100"),
    "efficientnet_b8": (87_413_142, 62_597_461_568, "timm efficientnet_b8"),
    "efficientnet_l2": (480_309_308, 475_703_653_280, "timm efficientnet_l2"),
    "efficientnet_lite0": (4_652_008, 385_187_552, "timm efficientnet_lite0"),
    "efficientnet_lite1": (5_416_680, 600_185_232, "timm efficientnet_lite1"),
    "efficientnet_lite2": (6_092_072, 859_736_272, "timm efficientnet_lite2"),
    "efficientnet_lite3": (8_197_096, 1_383_321_872, "timm efficientnet_lite3"),
    "efficientnet_lite4": (13_006_568, 2_553_034_336, "timm efficientnet_lite4"),
    "convnext_tiny": (28_589_128, 4_455_531_264, "timm convnext_tiny"),
    "convnext_small": (50_223_688, 8_683_712_256, "timm convnext_small"),
    "convnext_base": (88_591_464, 15_354_729_472, "timm convnext_base"),
    "convnext_large": (197_767_336, 34_361_433_600, "timm convnext_large"),
    "mobilenet_v2@width=1.4": (6_108_776, 582_195_824, "timm mobilenetv2_140"),
    "mobilenet_v2@width=0.5": (1_968_680, 97_131_840, "timm mobilenetv2_050"),
    "mobilenet_v1@width=1.25": (6_270_840, 879_516_800, "timm mobilenetv1_125"),
    "mobilenet_v3_large@width=0.75": (3_993_528, 154_560_624, "timm mobilenetv3_large_075"),
    "mnasnet_a1@width=0.75": (2_912_278, 223_448_480, "timm semnasnet_075"),
    "mobilenet_v3_small@width=0.75": (2_041_872, 43_399_344, "timm mobilenetv3_small_075"),
    "mobilenetv4_conv_small": (3_774_024, 186_005_568, "timm mobilenetv4_conv_small"),
    "mobilenetv4_conv_small@width=0.5": (2_238_952, 64_741_408, "timm mobilenetv4_conv_small_050"),
    "mobilenetv4_conv_small@width=0.35": (1_905_384, 47_723_040, "timm mobilenetv4_conv_small_035"),
    "mobilenetv4_conv_medium": (9_715_512, 1_080_244_224, "timm mobilenetv4_conv_medium"),
    "mobilenetv4_conv_large": (32_590_864, 6_376_220_672, "timm mobilenetv4_conv_large"),
    "efficientnet_es": (5_438_392, 1_788_731_008, "timm efficientnet_es"),
    "efficientnet_em": (6_899_496, 3_013_321_088, "timm efficientnet_em"),
    "efficientnet_el": (10_589_712, 7_936_082_848, "timm efficientnet_el"),
    "mobilenet_edgetpu_100": (4_091_432, 990_669_184, "timm mobilenet_edgetpu_100"),
    "mobilenet_edgetpu_v2_xs": (4_459_880, 688_214_528, "timm mobilenet_edgetpu_v2_xs"),
    "mobilenet_edgetpu_v2_s": (5_986_456, 1_198_002_688, "timm mobilenet_edgetpu_v2_s"),
    "mobilenet_edgetpu_v2_m": (8_462_888, 1_835_637_440, "timm mobilenet_edgetpu_v2_m"),
    "mobilenet_edgetpu_v2_l": (10_921_640, 2_530_786_432, "timm mobilenet_edgetpu_v2_l"),
}
# Sources: BVLC's alexnet and GoogLeNet models; for zfnet the count is written out below.
PAPERS = {"alexnet_2012": 60_965_224, "googlenet": 13_378_280, "zfnet": 107_627_624}
# Millions, as printed for timm's models: numbers put out by convolutions and linear layers.
ACTIVATIONS = {
    "b0": 6.75,
    "b1": 10.88,
    "b2": 13.83,
    "b3": 23.83,
    "b4": 49.49,
    "b5": 98.86,
    "b6": 167.39,
    "b7": 289.94,
}


@pytest.mark.parametrize("name", PUBLIC)
def test_params_and_macs_of_public_implementations(name: str) -> None:
    params, macs, _ = PUBLIC[name]
    found = costs(zoo.architecture(name))
    assert (found.params + found.auxiliary_params, found.macs) == (params, macs)


@pytest.mark.parametrize("name", PAPERS)
def test_params_of_networks_that_only_papers_hold(name: str) -> None:
    found = costs(zoo.architecture(name))
    assert found.params + found.auxiliary_params == PAPERS[name]


def test_zfnet_by_hand() -> None:
    convolutions = (3 * 49 + 1) * 96 + (96 * 25 + 1) * 256 + (256 * 9 + 1) * 512
    convolutions += (512 * 9 + 1) * 1024 + (1024 * 9 + 1) * 512
    linear = (512 * 6 * 6 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    assert PAPERS["zfnet"] == convolutions + linear


def test_every_network_has_a_golden_number() -> None:
    assert set(zoo.ZOO) <= set(PUBLIC) | set(PAPERS)


def test_the_shared_reference_to_the_last_digit() -> None:
    shared = Path(os.environ.get("NASCALE_SHARED") or Path(__file__).parents[3] / "shared")
    path = shared / "reference" / "zoo-costs.csv"
    if not path.exists():
        pytest.skip("zoo-costs.csv is not there: set NASCALE_SHARED to the folder that holds reference/")
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            architecture = zoo.architecture(row["name"])
            found = costs(architecture)
            assert architecture.resolution == int(row["resolution"])
            assert found.params == int(row["params"]), row["name"]
            assert not row["macs"] or found.macs == int(row["macs"]), row["name"]


@pytest.mark.parametrize("member", ACTIVATIONS)
def test_activations_of_the_efficientnets(member: str) -> None:
    found = costs(zoo.architecture(f"efficientnet_{member}")).activations
    assert found / 1e6 == pytest.approx(ACTIVATIONS[member], abs=0.005)


@pytest.mark.parametrize("name", zoo.ZOO)
def test_networks_travel_as_json_and_as_pickles(name: str) -> None:
    architecture = zoo.architecture(name)
    assert architecture.name == name
    for back in (from_json(to_json(architecture)), pickle.loads(pickle.dumps(architecture))):
        assert back == architecture
        assert back.key == architecture.key


def test_keys_are_distinct() -> None:
    keys = {zoo.architecture(name).key for name in zoo.ZOO}
    assert len(keys) == len(zoo.ZOO)


def test_settings_by_text_and_by_call_are_the_same() -> None:
    by_text = zoo.architecture("mobilenet_v2@width=1.4,resolution=192,classes=10")
    assert by_text == zoo.mobilenet_v2(width=1.4, resolution=192, classes=10)
    assert by_text.name == "mobilenet_v2@width=1.4,resolution=192,classes=10"
    for network in (by_text, zoo.resnet18(width=1 / 3, classes=2_000_000), zoo.resnet18(depth=2)):
        assert zoo.architecture(network.name) == network


def test_depth_and_width_of_any_network() -> None:
    base, wide, deep = (costs(zoo.architecture(f"resnet50{s}")) for s in ("", "@width=2", "@depth=2"))
    assert wide.macs > 3.5 * base.macs
    assert deep.macs > 1.8 * base.macs
    assert zoo.architecture("efficientnet_b0@width=1.1,depth=1.2,resolution=260").stages == (
        zoo.architecture("efficientnet_b2").stages
    )


def test_stochastic_depth_rises_to_its_rate() -> None:
    stages = zoo.architecture("efficientnet_b0@drop_path=0.16").stages
    rates = [b.drop_path for stage in stages for b in stage.blocks if isinstance(b, MBConv)]
    assert rates == pytest.approx([0.01 * i for i in range(1, 17)])
    assert costs(zoo.architecture("efficientnet_b0@drop_path=0.16")).params == 5_288_548


def test_dropout_of_the_larger_efficientnets() -> None:
    assert Drop(0.5) in zoo.architecture("efficientnet_b7").head


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mobilnet_v2", "nearest: mobilenet_v2"),
        ("resnet50@wdth=2", "nearest: width"),
        ("resnet50@width=two", "resnet50@width: wanted a number, got 'two'"),
        ("resnet50@resolution=1.5", "resnet50@resolution: wanted a whole number"),
        ("resnet50@width=0", "width: wanted a positive multiplier"),
        ("resnet50@width=nan", "width: wanted a positive multiplier"),
        ("resnet50@", "resnet50@: wanted settings such as"),
        ("resnet50@width", "resnet50@: wanted settings such as"),
        ("resnet50@width=2,width=3", "each setting once"),
        ("vgg16@drop_path=0.2", "drop_path: wanted a network with residual blocks"),
    ],
)
def test_bad_texts_say_what_was_wanted(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        zoo.architecture(text)


def test_a_resolution_that_is_too_small_names_the_layer_and_the_smallest() -> None:
    with pytest.raises(ShapeError, match=r"layer stages\.1\.3\.pool.*smallest that works is 63"):
        zoo.architecture("alexnet@resolution=40")
    assert zoo.architecture("alexnet@resolution=63").resolution == 63


def test_inference_does_not_depend_on_the_auxiliary_classifier() -> None:
    """At 224 px Inception v3's 5×5 does not fit its 3×3 map. Counted on torchvision 0.28, without the side head."""
    small = zoo.architecture("inception_v3@resolution=224")
    found = costs(small)
    assert (found.params, found.auxiliary_params, found.macs) == (23_834_568, 0, 2_837_921_120)
    assert re.search(
        r"resolution 224 .*layer stages\.1\.5\.auxiliary\.2\.conv.*training is 299", small.training_misfit
    )
    assert zoo.architecture("inception_v3").training_misfit == ""
    assert from_json(to_json(small)) == small


def test_a_classifier_that_fits_no_image_is_refused() -> None:
    side = Auxiliary((Conv(8, groups=3), GlobalPool(), Dense()))
    with pytest.raises(ShapeError, match=r"layer stages\.0\.1\.auxiliary\.0\.conv: groups=3"):
        Architecture((Conv(16),), (Stage((Conv(16), side)),), (GlobalPool(), Dense()), 32, 10)


def test_families_stop_where_training_does() -> None:
    assert smallest_resolution(zoo.architecture("inception_v3")) == 299
    assert smallest_resolution(zoo.architecture("googlenet")) == 79


def test_an_absent_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = zoo.resnet51


def macro(text: str) -> Architecture:
    """The network of NAS-Bench-Macro that the table writes as eight digits."""
    return nas_bench_macro(None, 3, 10).decode({f"op{i}": int(digit) for i, digit in enumerate(text)})


def test_first_identities_of_nas_bench_macro_still_halve_the_map() -> None:
    identity = macro("00000000")
    assert [len(stage.blocks) for stage in identity.stages] == [1, 1, 1]
    assert (costs(identity).params, costs(identity).macs) == (387_882, 7_713_280)


def test_order_of_identities_is_a_relabelling() -> None:
    assert macro("00000001").key == macro("00000010").key


def test_the_mnasnet_space_holds_b0_without_its_activations() -> None:
    """Depths, kernels and squeeze ratios of B0 give its parameters, apart from the classifier's dropout."""
    space = mnasnet(None, 3, 1000)
    rows = ((1, 3, 1), (6, 3, 2), (6, 5, 2), (6, 3, 3), (6, 5, 3), (6, 5, 4), (6, 3, 1))
    decisions = {
        f"block{i}_{key}": value
        for i, (e, k, n) in enumerate(rows)
        for key, value in (("e", e), ("k", k), ("l", n), ("se", True))
    }
    found = costs(space.decode(decisions))
    assert (found.params, found.macs) == (5_288_548, 385_814_752)
    assert space.size == 3**7 * 2**14 * 3**6 * 4


def test_unknown_network_is_a_lookup_error() -> None:
    with pytest.raises(UnknownNameError):
        zoo.architecture("transformer")
