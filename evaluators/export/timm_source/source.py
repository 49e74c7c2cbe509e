"""The file ``model_timm.py``, which registers a network of the MBConv family with timm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluators.export.python_source.layout import Call, Entry, laid_out
from evaluators.export.python_source.use import constants, prediction, quoted, title
from evaluators.export.timm_source.family import LARGEST_STRIDE, TimmNetwork, timm_network
from evaluators.export.timm_source.names import timm_names
from evaluators.trained.run_folder import Preprocessing
from space.architecture import Architecture
from space.blocks import SqueezeExcite

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = "model_timm.safetensors"


@dataclass(frozen=True)
class TimmSource:
    """``text`` is the file, ``model`` the name that it registers, ``block_string`` the stages in timm's notation.

    ``names`` leads from the weights' names in nascale's network to those in timm's.
    """

    text: str
    model: str
    block_string: str
    names: Mapping[str, str]

    def weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict of nascale's network as one of timm's.

        A linear layer between the pool and the logits is a convolution of 1×1 there.
        """
        renamed = {self.names[name]: tensor for name, tensor in state.items()}
        head = renamed.get("conv_head.weight")
        if head is not None and head.ndim == 2:
            renamed["conv_head.weight"] = head[:, :, None, None]
        return renamed


def timm_source_of(
    architecture: Architecture, classes: tuple[str, ...], preprocessing: Preprocessing
) -> TimmSource:
    """The file for a network of the MBConv family. Raises InputError (``--to timm``) for any other."""
    network = timm_network(architecture)
    model = _model_name(architecture)
    stages = tuple(Call("", tuple(map(quoted, stage)), brackets="[]") for stage in network.strings)
    head = [
        *_header(architecture, model),
        "",
        *_imports(network),
        "",
        constants(preprocessing, classes, WEIGHTS),
        *laid_out("BLOCKS = ", Call("", stages, open=True, brackets="[]")),
        *_record(architecture, network, model),
    ]
    stem = network.frame.stem_stride
    parts = [
        "\n".join(head),
        *([_STEM.format(base=_base(network), stride=stem).strip("\n")] if stem != 2 else []),
        "\n".join(_entry(network, model)),
        _LOAD.format(model=model).strip("\n"),
        *prediction(preprocessing, classes),
    ]
    names = dict(timm_names(architecture, efficient_head=network.efficient_head))
    text = "\n\n\n".join(parts) + "\n"
    return TimmSource(text, model, ",".join(map("+".join, network.strings)), names)


_STEM = '''
class SmallStem({base}):
    """{base} whose stem has stride {stride}."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.conv_stem.stride = ({stride}, {stride})
'''

_LOAD = '''
def load(path: str | Path = WEIGHTS) -> nn.Module:
    """The network with the weights of a safetensors file, ready to predict."""
    return timm.create_model("{model}", checkpoint_path=str(path)).eval()
'''


def _model_name(architecture: Architecture) -> str:
    """A name that timm does not have yet: the network's, and the first digits of its key."""
    name = re.sub(r"\W+", "_", architecture.name.partition("@")[0].lower()).strip("_")
    name = name if name[:1].isalpha() else f"mbconv_{name}".rstrip("_")
    return f"{name}_{architecture.key[:6]}"


def _base(network: TimmNetwork) -> str:
    return "MobileNetV3" if network.efficient_head else "EfficientNet"


def _header(architecture: Architecture, model: str) -> Iterator[str]:
    yield f'"""{title(architecture.label)} as a model of timm.'
    yield ""
    yield "Importing this file registers it:"
    yield f'``timm.create_model("{model}", checkpoint_path="{WEIGHTS}")``.'
    yield '"""'


def _imports(network: TimmNetwork) -> Iterator[str]:
    yield "from __future__ import annotations"
    yield ""
    if network.gate is not None:
        yield "from functools import partial"
    yield "from pathlib import Path"
    yield "from typing import Any"
    yield ""
    yield "import timm"
    yield "import torch"
    yield "import torch.nn.functional as F"
    yield "from timm.layers import get_act_layer"
    yield "from timm.models import build_model_with_cfg, generate_default_cfgs, register_model"
    if network.gate is not None:
        yield "from timm.models._efficientnet_blocks import SqueezeExcite"
    rounding = ", round_channels" if network.squeeze == "round_channels" else ""
    yield f"from timm.models._efficientnet_builder import decode_arch_def{rounding}"
    yield f"from timm.models.{_base(network).lower()} import {_base(network)}"
    yield "from torch import Tensor, nn"


def _record(architecture: Architecture, network: TimmNetwork, model: str) -> Iterator[str]:
    """What timm notes of a model: its input and its preprocessing."""
    side = -(-architecture.resolution // network.stride)
    entries = (
        f'"input_size": ({architecture.in_channels}, RESOLUTION, RESOLUTION)',
        f'"pool_size": ({side}, {side})',
        '"num_classes": len(CLASSES)',
        '"label_names": CLASSES',
        '"crop_pct": 1.0',
        '"interpolation": "bilinear"',
        '"mean": tuple(MEAN)',
        '"std": tuple(STD)',
        '"first_conv": "conv_stem"',
        '"classifier": "classifier"',
    )
    yield from laid_out("RECORD = ", Call("", entries, open=True, brackets="{}"))
    yield f'default_cfgs = generate_default_cfgs({{"{model}": RECORD}})'


def _entry(network: TimmNetwork, model: str) -> Iterator[str]:
    """The function that timm calls to make the model."""
    made = _base(network) if network.frame.stem_stride == 2 else "SmallStem"
    yield "@register_model"
    yield f"def {model}(pretrained: bool = False, **settings: Any) -> nn.Module:"
    yield '    """The network; ``settings`` are those of timm\'s models."""'
    yield from laid_out(
        "usual = ", Call("", tuple(_settings(network)), open=True, brackets="{}"), indent="    "
    )
    call = Call("build_model_with_cfg", (made, f'"{model}"', "pretrained", "**(usual | settings)"))
    yield from laid_out("return ", call, indent="    ")


def _settings(network: TimmNetwork) -> Iterator[Entry]:
    """The entries of the dictionary that the model's class is called with."""
    frame = network.frame
    yield Entry('"block_args"', "decode_arch_def(BLOCKS)")
    yield Entry('"stem_size"', str(frame.stem))
    yield Entry('"fix_stem"', "True")
    if frame.stem_kernel != 3:
        yield Entry('"stem_kernel_size"', str(frame.stem_kernel))
    yield Entry('"num_features"', str(frame.features or frame.pooled or frame.head))
    yield Entry('"round_chs_fn"', "int")
    yield Entry('"act_layer"', f'get_act_layer("{frame.act}")')
    if network.gate is not None:
        yield Entry('"se_layer"', _gate(network, network.gate))
    if network.efficient_head:
        yield Entry('"head_norm"', str(frame.pooled > 0))
        yield Entry('"se_from_exp"', str(network.gate is not None and network.gate.of == "gated"))
    elif network.output_stride > LARGEST_STRIDE:
        yield Entry('"output_stride"', str(network.output_stride))
    if frame.dropout:
        yield Entry('"drop_rate"', str(frame.dropout))


def _gate(network: TimmNetwork, gate: SqueezeExcite) -> Call:
    arguments = ["SqueezeExcite", f'force_act_layer=get_act_layer("{gate.activation}")']
    if gate.gate != "sigmoid":
        arguments.append(f'gate_layer="{gate.gate}"')
    if network.squeeze:
        arguments.append(f"rd_round_fn={network.squeeze}")
    return Call("partial", tuple(arguments))
