"""What was published about EfficientNet's sizes: the paper's printed figures and the released coefficients.

Sources: Tan & Le 2019, arXiv:1905.11946v5, table 2 (``paper_params``; ``printed_macs`` in billions as
printed: the paper writes "FLOPS" and counts multiply-adds); the released code,
``tensorflow/tpu: models/official/efficientnet/efficientnet_builder.py`` (width, depth, resolution), and
for Lite ``efficientnet/lite/`` with the table of its README. B8 and L2 come from later papers (Xie et al.
2020), whose sizes were not printed with them.

``params`` and ``macs`` are exact: parameters as torchvision (B0–B7) and timm (B8, L2, Lite) report them,
MACs of all convolutions and linear layers with the released rounding.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """One released network; figures that were not printed are None."""

    name: str
    width: float
    depth: float
    resolution: int
    params: int
    macs: int
    paper_params: float | None = None
    printed_macs: str | None = None

    @property
    def paper_macs(self) -> float | None:
        """The printed figure as a number."""
        return None if self.printed_macs is None else 1e9 * float(self.printed_macs)

    @property
    def rounds_to_print(self) -> bool | None:
        """Whether the exact MACs, rounded to the digits that were printed, are what was printed."""
        if self.printed_macs is None:
            return None
        decimals = len(self.printed_macs.partition(".")[2])
        return f"{self.macs / 1e9:.{decimals}f}" == self.printed_macs


# name, width, depth, resolution, exact params and MACs; then as printed: params and MACs.
_B = (
    ("b0", 1.0, 1.0, 224, 5_288_548, 385_814_752, 5.3e6, "0.39"),
    ("b1", 1.0, 1.1, 240, 7_794_184, 686_802_832, 7.8e6, "0.70"),
    ("b2", 1.1, 1.2, 260, 9_109_994, 993_561_872, 9.2e6, "1.0"),
    ("b3", 1.2, 1.4, 300, 12_233_232, 1_827_141_392, 12e6, "1.8"),
    ("b4", 1.4, 1.8, 380, 19_341_616, 4_393_771_024, 19e6, "4.2"),
    ("b5", 1.6, 2.2, 456, 30_389_784, 10_266_384_752, 30e6, "9.9"),
    ("b6", 1.8, 2.6, 528, 43_040_704, 19_067_593_536, 43e6, "19"),
    ("b7", 2.0, 3.1, 600, 66_347_960, 37_745_884_192, 66e6, "37"),
    ("b8", 2.2, 3.6, 672, 87_413_142, 62_597_461_568),
    ("l2", 4.3, 5.3, 800, 480_309_308, 475_703_653_280),
)
_LITE = (
    ("lite0", 1.0, 1.0, 224, 4_652_008, 385_187_552, 4.7e6, "0.407"),
    ("lite1", 1.0, 1.1, 240, 5_416_680, 600_185_232, 5.4e6, "0.631"),
    ("lite2", 1.1, 1.2, 260, 6_092_072, 859_736_272, 6.1e6, "0.899"),
    ("lite3", 1.2, 1.4, 280, 8_197_096, 1_383_321_872, 8.2e6, "1.44"),
    ("lite4", 1.4, 1.8, 300, 13_006_568, 2_553_034_336, 13.0e6, "2.64"),
)

RELEASED_NETWORKS = tuple(Published(f"efficientnet_{row[0]}", *row[1:]) for row in _B)
"""B0–B8 and L2."""

LITE_NETWORKS = tuple(Published(f"efficientnet_{row[0]}", *row[1:]) for row in _LITE)
"""Lite0–Lite4: stem, head and the ends' repeats fixed while the rest scales."""
