"""Whether timm can build a network, and what its classes are told for it.

timm rounds the widths inside of blocks itself. Where it would come to others than the network has, the network is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from space.architecture import Architecture, Stage
from space.blocks import Block, BlockString, ResidualLayer, SqueezeExcite
from space.errors import InputError
from space.notation import Frame, arch_def, write
from space.notation.writing import frame_of
from space.operations import Conv2d
from space.rounding import round_channels
from space.segment import Segment

LARGEST_STRIDE = 32
"""timm's MobileNetV3 turns larger strides into dilation."""
SQUEEZES: dict[str, Callable[[float], int]] = {"": round, "int": int, "round_channels": round_channels}
"""How timm can be told to round the width of a squeeze: the function's name, empty for its own rule."""


@dataclass(frozen=True)
class TimmNetwork:
    """What timm's classes are told.

    ``strings`` has the block strings of each stage; ``squeeze`` is one of ``SQUEEZES``. ``gate`` is the network's
    squeeze-and-excitation, None where it has none. ``stride`` is that of the whole network.
    """

    strings: tuple[tuple[str, ...], ...]
    frame: Frame
    gate: SqueezeExcite | None
    squeeze: str
    stride: int

    @property
    def output_stride(self) -> int:
        """The stride as timm counts it, to whom every stem has stride 2."""
        return 2 * self.stride // self.frame.stem_stride

    @property
    def efficient_head(self) -> bool:
        """Whether a layer stands behind the pool, as in MobileNetV3 and V4."""
        return bool(self.frame.features or self.frame.pooled)


def timm_network(architecture: Architecture) -> TimmNetwork:
    """The network as timm has it. Raises InputError (``--to timm``) where it has not."""
    try:
        still = _without_drop_path(architecture)
        write(still)  # says what the strings cannot
        frame, strings = frame_of(still), arch_def(still)
    except InputError as error:
        raise _refused(architecture, str(error)) from None
    placed = list(_placed(architecture))
    for index, string, segment in placed:
        _check(architecture, index, string, segment)
    stride = frame.stem_stride
    for _, string, _ in placed:
        stride *= string.stride
    gate = next((s.squeeze_excite for _, s, _ in placed if s.squeeze_excite is not None), None)
    network = TimmNetwork(
        tuple(map(tuple, strings)), frame, gate, _squeeze(architecture, frame, placed), stride
    )
    if not network.efficient_head:
        return network
    if frame.features and frame.pooled:
        raise _refused(architecture, "two layers between the pool and the logits")
    if frame.stem_kernel != 3 or network.output_stride > LARGEST_STRIDE:
        raise _refused(architecture, "such a head behind another stem or a larger stride than MobileNetV3's")
    last = ((f"cn_r1_k1_s1_c{frame.head}",),) if frame.head else ()
    return TimmNetwork((*network.strings, *last), frame, gate, network.squeeze, stride)


def _refused(architecture: Architecture, came: str) -> InputError:
    return InputError(
        f"--to timm: wanted a network of the MBConv family as timm builds it, got {architecture.label} ({came})"
    )


def _without_drop_path(architecture: Architecture) -> Architecture:
    """The network without stochastic depth, which timm has as a setting of the whole network."""

    def still(block: Block) -> Block:
        return block.changed(drop_path=0.0) if isinstance(block, ResidualLayer) else block

    stages = tuple(Stage(tuple(map(still, stage.blocks))) for stage in architecture.stages)
    return architecture.replace(stages=stages)


def _placed(architecture: Architecture) -> Iterator[tuple[int, BlockString, Segment]]:
    """(index in its stage, block string, segment) of the blocks of all stages."""
    channels = architecture.in_channels
    for path, block, segment in architecture.segments():
        if path.startswith("stages."):
            string = block.to_string(channels)
            assert string is not None
            yield int(path.rsplit(".", 1)[1]), string, segment
        channels = segment.shape[0]


def _check(architecture: Architecture, index: int, string: BlockString, segment: Segment) -> None:
    """Raises InputError for a block that timm would build otherwise."""
    convs = _convs(segment)
    if string.stride > 2 or (index > 0 and string.stride > 1):
        raise _refused(architecture, f"stride {string.stride} in block {index + 1} of a stage")
    if string.kind not in ("ir", "er", "uir"):
        return
    expand = convs.get("expand.conv")
    if expand is None:
        raise _refused(architecture, f"{string.kind} without a convolution that expands")
    entering = string.expand_from or expand.in_channels
    wanted = round_channels(entering * string.expansion)
    if expand.out_channels != wanted:
        raise _refused(
            architecture, f"{expand.out_channels} expanded channels, which timm rounds to {wanted}"
        )


def _squeeze(architecture: Architecture, frame: Frame, placed: list[tuple[int, BlockString, Segment]]) -> str:
    """The rounding that gives every squeeze its width."""
    efficient = bool(frame.features or frame.pooled)
    wanted: list[tuple[float, int]] = []
    for _, string, segment in placed:
        if (gate := string.squeeze_excite) is None:
            continue
        reduce = _convs(segment)["se.reduce"]
        if gate.of == "gated" and not efficient and string.expansion != 1:
            raise _refused(architecture, "squeezes that are a share of the expanded channels")
        ratio = gate.ratio if gate.of == "gated" else gate.ratio / string.expansion
        wanted.append((reduce.in_channels * ratio, reduce.out_channels))
    for name, rounded in SQUEEZES.items():
        if all(rounded(exact) == width for exact, width in wanted):
            return name
    raise _refused(architecture, "widths of squeeze-and-excitation that timm rounds otherwise")


def _convs(segment: Segment) -> dict[str, Conv2d]:
    return {node.path: node.op for node in segment.graph.nodes if isinstance(node.op, Conv2d)}
