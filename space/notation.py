"""Block strings, the notation of timm's ``arch_def``: ``ir_r2_k3_s2_e6_c24_se0.25``, read and written.

A stage is one string, or several joined by ``+``; stages are separated by commas. What the strings leave
open (stem, head, default activation, how squeeze widths are found) follows after ``@`` where it differs
from EfficientNet-B0's::

    ds_r1_k3_s1_e1_c16,ir_r2_k3_s2_e6_c24@act=relu6,dropout=0.1

The first field is the kind: ``ds`` depthwise separable with a linear end (MBConv at expansion 1), ``dsa``
the same with an activation behind and no skip (MobileNetV1), ``ir`` MBConv, ``er`` fused MBConv, ``cn`` a
plain convolution. Then, in any order: ``r`` repeats, ``k`` kernel, ``s`` stride of the first, ``e``
expansion, ``c`` output channels, ``se`` squeeze ratio, ``nre`` ``nr6`` ``nhs`` ``nsw`` the activation,
``noskip``, and ``skip`` for a ``cn`` with a residual (EfficientNetV2's first stage).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from space.architecture import Architecture, Stage
from space.blocks import (
    Block,
    Conv,
    Dense,
    DepthwiseSeparable,
    Drop,
    FusedMBConv,
    GlobalPool,
    MBConv,
    SqueezeExcite,
)
from space.errors import InputError, UnknownNameError
from space.operations import check_activation

KINDS = ("ds", "dsa", "ir", "er", "cn")
_SUFFIXES = {"nre": "relu", "nr6": "relu6", "nhs": "hard_swish", "nsw": "silu"}
_SUFFIX_OF = {activation: suffix for suffix, activation in _SUFFIXES.items()}
_FIELD = re.compile(r"([a-z]+)([0-9]+(?:\.[0-9]+)*(?:e-[0-9]+)?)")
_REPEATABLE = (MBConv, FusedMBConv, DepthwiseSeparable, Conv)
_REQUIRED = {"ds": "rksc", "dsa": "rksc", "ir": "rksec", "er": "rksec", "cn": "rksc"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What block strings leave open, by default as in EfficientNet-B0.

    ``head`` 0 means no convolution before the pool, ``features`` 0 no linear layer between pool and
    logits; an empty ``se_act`` means ``act``, and ``hidden_divisor`` 0 means 8 where some expansion is a
    fraction, as in timm, and 1 otherwise.
    """

    stem: int = 32
    stem_stride: int = 2
    head: int = 1280
    features: int = 0
    act: str = "silu"
    dropout: float = 0.2
    se_act: str = ""
    se_of: str = "input"
    se_divisor: int = 1
    se_gate: str = "sigmoid"
    hidden_divisor: int = 0
    resolution: int = 224
    classes: int = 1000
    in_channels: int = 3

    def __post_init__(self) -> None:
        check_activation("act", self.act)

    def squeeze_excite(self, ratio: float) -> SqueezeExcite | None:
        if not ratio:
            return None
        return SqueezeExcite(ratio, self.se_of, self.se_divisor, self.se_act or self.act, self.se_gate)

    def settings(self) -> str:
        """The settings that differ from the defaults, as they stand behind ``@``."""
        return ",".join(
            f"{f.name}={_number(value)}"
            for f in fields(self)
            if (value := getattr(self, f.name)) != f.default
        )


def read(text: str | Sequence[Sequence[str]], *, name: str = "") -> Architecture:
    """The network that block strings describe: one text, or timm's list of lists of strings.

    Raises InputError naming the string and the field that cannot be used.
    """
    strings, settings = _split(text)
    frame = _read_frame(settings)
    if not frame.hidden_divisor:
        fractions = any(re.search(r"_e[0-9]+\.[0-9]*[1-9]", s) for stage in strings for s in stage)
        frame = replace(frame, hidden_divisor=8 if fractions else 1)
    head: list[Block] = [Conv(frame.head, 1, activation=frame.act)] if frame.head else []
    head.append(GlobalPool())
    if frame.features:
        head.append(Dense(frame.features, frame.act))
    if frame.dropout:
        head.append(Drop(frame.dropout))
    return Architecture(
        stem=(Conv(frame.stem, 3, frame.stem_stride, activation=frame.act),),
        stages=tuple(Stage(tuple(b for s in stage for b in _read_string(s, frame))) for stage in strings),
        head=(*head, Dense()),
        resolution=frame.resolution,
        classes=frame.classes,
        in_channels=frame.in_channels,
        name=name,
    )


def write(architecture: Architecture) -> str:
    """The network as block strings; ``read`` gives it back, with the same key.

    Raises InputError naming the first block that the notation cannot say.
    """
    frame = _frame_of(architecture)
    stages = ",".join("+".join(stage) for stage in arch_def(architecture))
    settings = frame.settings()
    text = f"{stages}@{settings}" if settings else stages
    if read(text).key != architecture.key:
        raise InputError.of(
            "block strings", "a network that they can say (without stochastic depth)", architecture.label
        )
    return text


def arch_def(architecture: Architecture) -> list[list[str]]:
    """The stages alone, as timm takes them: a list of strings for each stage."""
    frame = _frame_of(architecture)
    written = []
    for index, stage in enumerate(architecture.stages):
        strings = []
        for block, repeats in _runs(stage.blocks):
            strings.append(_write_block(block, repeats, frame, f"stages.{index}"))
        written.append(strings)
    return written


def _split(text: str | Sequence[Sequence[str]]) -> tuple[list[list[str]], str]:
    """(strings of each stage, settings)."""
    settings = ""
    stages: object = text
    if isinstance(text, str):
        body, _, settings = text.strip().partition("@")
        if body.lstrip().startswith("["):
            try:
                stages = ast.literal_eval(body)
            except (ValueError, SyntaxError):
                raise InputError.of("blocks", "a list of lists of block strings", body) from None
        else:
            stages = [stage.split("+") for stage in body.split(",")]
    whole = isinstance(stages, Sequence) and bool(stages)
    if not whole or not all(
        isinstance(stage, Sequence) and not isinstance(stage, str) and stage and all(map(_is_text, stage))
        for stage in stages  # type: ignore[attr-defined]
    ):
        raise InputError.of("blocks", "block strings such as ds_r1_k3_s1_e1_c16,ir_r2_k3_s2_e6_c24", text)
    return [[string.strip() for string in stage] for stage in stages], settings  # type: ignore[attr-defined]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _read_frame(settings: str) -> Frame:
    kinds: dict[str, type] = {f.name: type(getattr(Frame(), f.name)) for f in fields(Frame)}
    values: dict[str, object] = {}
    for item in filter(None, settings.split(",")):
        key, equals, value = item.strip().partition("=")
        if not equals:
            raise InputError.of("blocks @", "settings such as act=relu6,head=1280", settings)
        if key not in kinds:
            raise UnknownNameError("blocks @", key, kinds)
        try:
            values[key] = kinds[key](value)
        except ValueError:
            raise InputError.of(f"blocks @{key}", "a number", value) from None
    return Frame(**values)  # type: ignore[arg-type]


def _read_string(text: str, frame: Frame) -> tuple[Block, ...]:
    """The blocks of one string: the first with its stride, the repeats without."""
    kind, *options = text.split("_")
    if kind not in KINDS:
        raise UnknownNameError(f"block {text!r}: kind", kind, KINDS)
    numbers: dict[str, float] = {}
    activation, skip = frame.act, None
    for option in options:
        match = _FIELD.fullmatch(option)
        if option in _SUFFIXES:
            activation = _SUFFIXES[option]
        elif option in ("skip", "noskip"):
            skip = option == "skip"
        elif match is None or match[1] not in ("r", "k", "s", "e", "c", "se", "a", "p"):
            raise InputError.of(
                f"block {text!r}", "r, k, s, e, c, se, nre, nr6, nhs, nsw, skip or noskip", option
            )
        else:
            numbers[match[1]] = _parse_number(match[2], option, text)
    for key in _REQUIRED[kind]:
        if key not in numbers:
            raise InputError.of(f"block {text!r}", f"the fields {', '.join(_REQUIRED[kind])}", text)
    if numbers.pop("a", 1) != 1 or numbers.pop("p", 1) != 1:
        raise InputError.of(f"block {text!r}", "1x1 expansion and projection (a1, p1)", text)
    try:
        repeats = _whole(numbers["r"], "r")
        first = _make_block(kind, numbers, activation, skip, frame)
        rest = replace(first, stride=1)  # type: ignore[call-arg]
    except InputError as error:
        raise InputError(f"block {text!r}: {error}") from None
    return (first, *(rest,) * (repeats - 1))


def _parse_number(digits: str, option: str, text: str) -> float:
    try:
        value = float(digits)
    except ValueError:
        raise InputError.of(
            f"block {text!r}", "one number for each field (no mixed kernels)", option
        ) from None
    return int(value) if value == int(value) else value


def _whole(value: float, field: str) -> int:
    if not isinstance(value, int) or value < 1:
        wanted = "one whole number (no mixed kernels)" if field == "k" else "a positive whole number"
        raise InputError.of(field, wanted, value)
    return value


def _make_block(
    kind: str, numbers: dict[str, float], activation: str, skip: bool | None, frame: Frame
) -> Block:
    channels, kernel, stride = (_whole(numbers[f], f) for f in "cks")
    expansion = numbers.get("e", 1)
    if kind in ("ds", "dsa", "cn") and expansion != 1:
        raise InputError.of("e", f"1 for {kind}", expansion)
    se = frame.squeeze_excite(numbers.get("se", 0))
    if kind == "cn":
        if se is not None:
            raise InputError.of("se", "no squeeze-and-excitation in cn", numbers["se"])
        if skip:
            return FusedMBConv(channels, kernel, 1, stride, activation=activation)
        return Conv(channels, kernel, stride, activation=activation)
    if kind == "dsa":
        return DepthwiseSeparable(
            channels, kernel, stride, se, activation=activation, project_activation=activation
        )
    cls = FusedMBConv if kind == "er" else MBConv
    return cls(
        channels,
        kernel,
        expansion,
        stride,
        se,
        skip is not False,
        activation,
        hidden_divisor=frame.hidden_divisor,
        always_expand=kind != "ds" and expansion == 1,  # as timm's ir and er do
    )


def _frame_of(architecture: Architecture) -> Frame:
    """The frame of ``architecture``. Raises InputError where its stem or head is of another form."""
    stem = architecture.stem[0] if architecture.stem else None
    if len(architecture.stem) != 1 or not isinstance(stem, Conv) or stem.activation is None:
        raise _unsayable("stem", "one 3x3 convolution", architecture)
    rest = list(architecture.head)
    found: dict[str, object] = {"head": 0, "dropout": 0.0}
    if rest and isinstance(rest[0], Conv):
        found["head"] = rest[0].out_channels
        del rest[0]
    if rest[:1] != [GlobalPool()] or rest[-1] != Dense():
        raise _unsayable("head", "a pool and a linear layer", architecture)
    for block in rest[1:-1]:
        if isinstance(block, Dense) and block.features is not None:
            found["features"] = block.features
        elif isinstance(block, Drop):
            found["dropout"] = block.rate
        else:
            raise _unsayable("head", "a pool and linear layers", architecture)
    blocks = [block for stage in architecture.stages for block in stage.blocks]
    for block in blocks:
        se = getattr(block, "squeeze_excite", None)
        if se is not None:
            # One setting serves the whole network; write() compares the result with what was meant.
            same = se.activation == stem.activation
            found["se_act"] = "" if same else se.activation
            found |= {"se_of": se.of, "se_divisor": se.divisor, "se_gate": se.gate}
            break
    inverted = [b for b in blocks if isinstance(b, (MBConv, FusedMBConv))]
    usual = 8 if any(b.expansion != int(b.expansion) for b in inverted) else 1
    used = next((b.hidden_divisor for b in inverted), usual)
    return Frame(
        stem=stem.out_channels,
        stem_stride=stem.stride,
        act=stem.activation,
        hidden_divisor=0 if used == usual else used,
        resolution=architecture.resolution,
        classes=architecture.classes,
        in_channels=architecture.in_channels,
        **found,  # type: ignore[arg-type]
    )


def _runs(blocks: tuple[Block, ...]) -> Iterable[tuple[Block, int]]:
    """(first block, how many): a block and the blocks behind it that are the same without its stride."""
    index = 0
    while index < len(blocks):
        first = blocks[index]
        rest = replace(first, stride=1) if isinstance(first, _REPEATABLE) else first
        end = index + 1
        while end < len(blocks) and blocks[end] == rest:
            end += 1
        yield first, end - index
        index = end


def _write_block(block: Block, repeats: int, frame: Frame, path: str) -> str:
    kind, expansion, suffixes = _kind(block, path)
    assert isinstance(block, _REPEATABLE)
    if not isinstance(block.kernel, int):
        raise InputError.of(path, "a square kernel", block.kernel)
    text = f"{kind}_r{repeats}_k{block.kernel}_s{block.stride}"
    if kind != "cn":
        text += f"_e{_number(expansion)}"
    text += f"_c{block.out_channels}"
    se = getattr(block, "squeeze_excite", None)
    if se is not None:
        text += f"_se{_number(se.ratio)}"
    if block.activation != frame.act:
        if block.activation not in _SUFFIX_OF:
            raise InputError.of(path, f"an activation among {', '.join(_SUFFIX_OF)}", block.activation)
        text += f"_{_SUFFIX_OF[block.activation]}"
    return text + suffixes


def _kind(block: Block, path: str) -> tuple[str, float, str]:
    """(kind, expansion, what follows) of a block."""
    match block:
        case MBConv():
            plain = block.expansion == 1 and not block.always_expand
            return "ds" if plain else "ir", block.expansion, "" if block.skip else "_noskip"
        case FusedMBConv(expansion=1, always_expand=False, skip=True):
            return "cn", 1, "_skip"
        case FusedMBConv():
            return "er", block.expansion, "" if block.skip else "_noskip"
        case DepthwiseSeparable(project_activation=None):
            return "ds", 1, "" if block.skip else "_noskip"
        case DepthwiseSeparable():
            return "dsa", 1, ""
        case Conv(norm=True):
            return "cn", 1, ""
    raise InputError.of(path, "blocks of the MBConv family", type(block).__name__)


def _unsayable(where: str, wanted: str, architecture: Architecture) -> InputError:
    return InputError.of(f"block strings: {where}", wanted, architecture.label)


def _number(value: object) -> str:
    """6.0 → ``6``, 0.25 → ``0.25``."""
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
