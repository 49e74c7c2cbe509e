"""What the classes of the file are called and said to be."""

from __future__ import annotations

from space.blocks import Basic, Block, Bottleneck

FLAGS = {"add": "skip", "se": "squeeze_excite"}
"""The parameter that says whether a block has a part, where no other does."""

_DESCRIPTIONS = {
    "ActConvNorm": "A non-linearity, a convolution and batch normalisation.",
    "BasicBlock": "Two 3×3 convolutions beside a shortcut (He et al. 2016).",
    "Bottleneck": "1×1, 3×3 and 1×1 convolutions beside a shortcut (He et al. 2016).",
    "Cell": "A graph of nodes that sum operations on the nodes before them (Dong & Yang 2020).",
    "CellReduction": "Two 3×3 convolutions beside a shortcut; halves the map (Dong & Yang 2020).",
    "ConvAct": "A convolution and a non-linearity.",
    "ConvNeXtBlock": "Depthwise convolution and a two-layer perceptron beside a shortcut (Liu et al. 2022).",
    "ConvNormAct": "Convolution, batch normalisation and a non-linearity.",
    "DenseLayer": "Adds new channels to those that come in (Huang et al. 2017).",
    "DepthwiseSeparable": "A depthwise and a 1×1 convolution (Howard et al. 2017).",
    "FusedMBConv": "MBConv whose first two convolutions are one (Tan & Le 2021).",
    "Inception": "Branches side by side, concatenated (Szegedy et al. 2014).",
    "MBConv": "Inverted bottleneck: expand, depthwise convolution, project (Sandler et al. 2018).",
    "Shortcut": "Averages over 2×2, then changes the number of channels.",
    "SqueezeExcite": "Weighs the channels by what the whole map holds (Hu et al. 2018).",
    "Transition": "Fewer channels and half the size between dense blocks (Huang et al. 2017).",
    "UniversalBottleneck": "Inverted bottleneck with up to three depthwise convolutions (Qin et al. 2024).",
}


def description(kind: str, block: Block | None) -> str:
    """The docstring of a class whose first instance is ``block``."""
    text = _DESCRIPTIONS.get(kind, f"{kind}.")
    if isinstance(block, Basic | Bottleneck) and block.pre_activation:
        return f"Pre-activated: {text[:1].lower()}{text[1:]}"
    return text
