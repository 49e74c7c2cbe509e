"""Block strings, the notation of timm's ``arch_def``: ``ir_r2_k3_s2_e6_c24_se0.25``, read and written.

A stage is one string, or several joined by ``+``; stages are separated by commas. What the strings leave
open (stem, head, default activation, how squeeze widths are found) follows after ``@`` where it differs
from EfficientNet-B0's::

    ds_r1_k3_s1_e1_c16,ir_r2_k3_s2_e6_c24@act=relu6,dropout=0.1

The first field is the kind: ``ds`` depthwise separable with a linear end (MBConv at expansion 1), ``dsa``
the same with an activation behind and no skip (MobileNetV1), ``ir`` MBConv, ``er`` fused MBConv, ``cn`` a
plain convolution, ``uir`` the universal inverted bottleneck of MobileNetV4. Then, in any order: ``r`` repeats,
``k`` kernel, ``s`` stride of the first, ``e`` expansion, ``c`` output channels, ``se`` squeeze ratio, ``gs`` channels of
a group, ``nre`` ``nr6`` ``nhs`` ``nsw`` the activation, ``noskip``, and ``skip`` for a ``cn`` with a residual
(EfficientNetV2's first stage). A ``uir`` has two more kernels, ``a`` and ``p``, and 0 leaves one of the three out. An
``er`` may name the channels that it expands with ``fc``.

Mixed kernels, conditional convolutions, space to depth, attention and the activation mish, which timm's strings can
also hold, are refused by name.
"""

from __future__ import annotations

from space.notation.frame import Frame
from space.notation.reading import KINDS, read
from space.notation.writing import arch_def, write

__all__ = ["KINDS", "Frame", "arch_def", "read", "write"]
