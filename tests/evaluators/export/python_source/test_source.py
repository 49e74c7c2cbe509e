"""The generated file: the same numbers as the network that it was written from, as a person would write it."""

from __future__ import annotations

import ast
import random
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from evaluators.export.python_source import PythonSource, python_names, source_of
from evaluators.network import Network, build
from evaluators.trained.run_folder import Preprocessing
from space.architecture import Architecture
from space.blocks import BLOCKS, Block, MBConv
from space.spaces import SPACES, space
from space.zoo import architecture as known
from tests.evaluators.export.python_source.networks import NETWORKS, network


def _source(architecture: Architecture) -> PythonSource:
    channels = architecture.in_channels
    before = Preprocessing(
        resolution=architecture.resolution, mean=(0.4,) * channels, std=(0.2, 0.25, 0.3)[:channels]
    )
    classes = tuple(f"class {i}" for i in range(architecture.classes))
    return source_of(architecture, before, classes)


def _module(source: PythonSource, path: str = "model.py") -> ModuleType:
    module = ModuleType("model")
    module.__file__ = path
    exec(compile(source.text, path, "exec"), vars(module))
    return module


def _trained(architecture: Architecture) -> Network:
    """A network in evaluation mode, whose normalisations have seen something."""
    made = build(architecture, seed=0)
    generator = torch.Generator().manual_seed(1)
    for child in made.modules():
        if isinstance(child, nn.BatchNorm2d):
            assert child.running_mean is not None and child.running_var is not None
            child.running_mean.normal_(0.0, 0.1, generator=generator)
            child.running_var.uniform_(0.5, 1.5, generator=generator)
    return made.eval()


def _images(architecture: Architecture, count: int = 2) -> Tensor:
    size = architecture.resolution
    generator = torch.Generator().manual_seed(2)
    return torch.randn(count, architecture.in_channels, size, size, generator=generator)


def _blocks(blocks: tuple[Block, ...]) -> set[str]:
    """The names of all blocks, those in branches included."""
    inner = {name for block in blocks for chain in block.chains for name in _blocks(chain)}
    return inner | {type(block).__name__ for block in blocks}


def _same(architecture: Architecture) -> PythonSource:
    """The source of a network, whose logits are found to be the network's."""
    ours, source = _trained(architecture), _source(architecture)
    theirs = _module(source).Network().eval()
    state = ours.state_dict()
    theirs.load_state_dict({theirs_name: state[name] for name, theirs_name in source.names.items()})
    with torch.no_grad():
        wanted, came = (net(_images(architecture)) for net in (ours, theirs))
    assert (wanted - came).abs().max() <= 1e-5 * wanted.abs().max()
    return source


def test_the_networks_below_hold_every_block() -> None:
    assert set().union(*(_blocks(made.blocks) for made in NETWORKS.values())) == set(BLOCKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_block_gives_the_same_logits(name: str) -> None:
    _same(NETWORKS[name])


@pytest.mark.parametrize("name", SPACES)
def test_random_networks_of_a_space_give_the_same_logits(name: str) -> None:
    rng, chosen = random.Random(7), space(name, resolution=32, bounds={"macs": 5e6})
    for _ in range(2):
        _same(chosen.decode(chosen.sample(rng)))


@pytest.mark.parametrize(
    "name", ["efficientnet_b0", "mobilenet_v3_small", "resnet18", "mobilenetv4_conv_small"]
)
def test_networks_of_the_zoo_give_the_same_logits(name: str) -> None:
    _same(known(f"{name}@resolution=32,classes=5"))


def test_what_training_alone_does_is_kept() -> None:
    """Dropout and stochastic depth stay in the file, for whoever trains on; the latter drops whole branches."""
    text = _source(network(MBConv(8, drop_path=0.5), MBConv(8))).text
    assert "nn.Dropout(0.2)" in text and "drop_path=0.5" in text
    drop = _module(_source(NETWORKS["convnext"])).DropPath(0.25).train()
    torch.manual_seed(0)
    kept = drop(torch.ones(4000, 2, 3, 3))
    assert all(len(image.unique()) == 1 for image in kept)
    assert kept.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert kept.mean() == pytest.approx(1.0, abs=0.05)


def test_blocks_that_are_alike_share_a_class() -> None:
    text = _source(known("resnet50")).text
    assert re.findall(r"^class (\w+)", text, re.MULTILINE) == ["ConvNormAct", "Bottleneck", "Network"]
    assert "*[Bottleneck(1024, 1024, width=256) for _ in range(5)]" in text
    assert "*[DenseLayer(64 + 32 * i, growth=32) for i in range(6)]" in _source(known("densenet121")).text


def test_no_class_argument_variable_or_import_is_unused() -> None:
    for made in NETWORKS.values():
        text = _source(made).text
        tree = ast.parse(text)
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
        for name in {*names} - {"__init__", "forward"}:
            assert len(re.findall(rf"\b{name}\b", text)) > 1, name
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            used = [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
            for argument in function.args.args:
                assert argument.arg == "self" or argument.arg in used, (function.name, argument.arg)


@pytest.mark.parametrize("command", [["check", "--select", "E4,E7,E9,E501,F,I,B"], ["format", "--diff"]])
def test_the_linter_and_the_formatter_have_nothing_to_say(command: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    for name, made in NETWORKS.items():
        (tmp_path / f"{name.replace(' ', '_')}.py").write_text(_source(made).text)
    for made in ("efficientnet_b0@drop_path=0.2", "inception_v3", "mobilenet_v3_large"):
        (tmp_path / f"{made.partition('@')[0]}.py").write_text(_source(known(made)).text)
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "100", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_file_says_nothing_of_what_made_it_and_is_the_same_every_time() -> None:
    text = _source(NETWORKS["branches"]).text
    assert "nascale" not in text and "evaluators" not in text
    assert text == _source(NETWORKS["branches"]).text


def test_any_name_of_a_network_or_a_class_makes_a_file() -> None:
    made = network(MBConv(8)).replace(name='a """ b\\x\nc', classes=3)
    classes = ('"', "back\\slash\n", "Ünïcödé '")
    before = Preprocessing(resolution=32, mean=(0.5,) * 3, std=(0.2,) * 3)
    assert tuple(_module(source_of(made, before, classes)).CLASSES) == classes
    spectral = network(MBConv(8), in_channels=5)
    text = source_of(spectral, Preprocessing(resolution=32, mean=(0.5,) * 5, std=(0.2,) * 5), classes).text
    assert "def main" not in text and "import sys" not in text


def test_the_names_are_those_of_the_weights() -> None:
    for made in NETWORKS.values():
        source = _source(made)
        assert set(source.names) == set(build(made.live(), seed=None).state_dict())
        assert len(set(source.names.values())) == len(source.names)
        assert python_names(made) == source.names


def test_shapes_stand_beside_the_layers_that_change_them() -> None:
    text = _source(known("efficientnet_b0")).text
    assert "ConvNormAct(3, 32, 3, stride=2),  # 32 × 112 × 112" in text
    assert "MBConv(192, 320),  # 320 × 7 × 7" in text
    assert '"""Images (3 × 224 × 224) → logits (1000)."""' in text


def test_the_file_and_its_weights_need_torch_alone(tmp_path: Path) -> None:
    """Run where every package but torch's own needs and the standard library is missing."""
    made = NETWORKS["inverted bottlenecks"]
    ours, source = _trained(made), _source(made)
    (tmp_path / "model.py").write_text(source.text)
    save_file(
        {source.names[k]: v for k, v in ours.state_dict().items()},
        tmp_path / "model.safetensors",
        metadata={"format": "pt"},
    )
    x = _images(made)
    with torch.no_grad():
        wanted = ours(x)
    torch.save((x, wanted), tmp_path / "wanted.pt")
    (tmp_path / "use.py").write_text(
        "import sys\n"
        "for name in ('numpy', 'safetensors', 'PIL', 'evaluators', 'space', 'nascale'):\n"
        "    sys.modules[name] = None\n"
        "import torch\n"
        "from model import load\n"
        "x, wanted = torch.load('wanted.pt')\n"
        "with torch.no_grad():\n"
        "    assert torch.allclose(load()(x), wanted, atol=1e-5), 'other logits'\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "use.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("shape", [(80, 61), (20, 33), (32, 32)])
def test_photos_are_prepared_as_in_the_other_formats(shape: tuple[int, int]) -> None:
    from evaluators.export.deployed import Deployed

    made = NETWORKS["residual"]
    before = Preprocessing(resolution=32, mean=(0.4, 0.5, 0.6), std=(0.2, 0.0, 0.3))
    pixels = torch.randint(0, 256, (2, *shape, 3), dtype=torch.uint8)
    came = _module(source_of(made, before, tuple("abcde"))).preprocess(pixels)
    wanted = Deployed(nn.Identity(), before).prepared(pixels)
    assert (came - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("shape", [(48, 40), (20, 33), (32, 32)])
def test_photos_are_cropped_resized_and_normalised(shape: tuple[int, int]) -> None:
    from PIL import Image

    made = NETWORKS["residual"]
    pixels = torch.randint(0, 256, (1, *shape, 3), dtype=torch.uint8)
    came = _module(_source(made)).preprocess(pixels)
    side = min(shape)
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    square = Image.fromarray(pixels[0, top : top + side, left : left + side].numpy())
    resized = torch.tensor(list(square.resize((32, 32), Image.Resampling.BILINEAR).tobytes()))
    wanted = (resized.view(32, 32, 3).permute(2, 0, 1) / 255 - 0.4) / torch.tensor([0.2, 0.25, 0.3]).view(
        3, 1, 1
    )
    # Pillow rounds to whole numbers once for each axis.
    assert (came[0] - wanted).abs().max() <= 1.1 / 255 / 0.2


def test_photos_are_named_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    made = network(MBConv(8), in_channels=1)
    source = _source(made)
    weights = {source.names[k]: v for k, v in _trained(made).state_dict().items()}
    save_file(weights, tmp_path / "model.safetensors")
    photo = tmp_path / "photo.png"
    Image.new("RGB", (50, 40), (90, 10, 200)).save(photo)
    _module(source, str(tmp_path / "model.py")).main([str(photo)])
    assert re.fullmatch(rf"{re.escape(str(photo))}: class [0-4] \(\d+\.\d%\)\n", capsys.readouterr().out)
