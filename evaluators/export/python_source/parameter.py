"""One argument of a class's constructor: its name, type and default, and its value in every instance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from evaluators.export.python_source.operations import IDENTITY, REQUIRED

Values = tuple[Any, ...]
"""One value for each instance; None where the part is missing and any value would do."""

_ORDER = (
    "in",
    "out",
    "channels",
    "kernel",
    "stride",
    "padding",
    "factor",
    "groups",
    "bias",
    "function",
    "flag",
)
_TYPES = {
    "function": "type[nn.Module]",
    "flag": "bool",
    "bias": "bool",
    "drop_path": "float",
    "dropout": "float",
}
# The first of these that occurs is the default.
_USUAL: dict[str, Values] = {"kernel": (1, 3), "stride": (1,), "groups": (1,), "padding": (0,)}


@dataclass(eq=False)
class Parameter:
    """One argument of a class's constructor, with its value in every instance."""

    name: str
    role: str
    values: Values

    @property
    def default(self) -> Any:
        """The usual value; REQUIRED where each instance should say its own."""
        if self.role in ("in", "out") or (self.role == "channels" and 0 not in self.values):
            return REQUIRED
        if self.role == "channels":
            return 0
        if self.role == "drop_path":
            return 0.0
        for usual in _USUAL.get(self.role, ()):
            if usual in self.values:
                return usual
        return Counter(v for v in self.values if v != IDENTITY).most_common(1)[0][0]

    @property
    def rank(self) -> tuple[int, bool]:
        """Where it stands in the signature: what must be given first, channels in front."""
        place = _ORDER.index(self.role) if self.role in _ORDER else len(_ORDER)
        return (0 if self.default is REQUIRED else 1), place  # type: ignore[return-value]

    @property
    def type(self) -> str:
        if self.role in _TYPES:
            return _TYPES[self.role]
        if any(isinstance(value, tuple) for value in self.values):
            return "int | tuple[int, int]"
        return "float" if any(isinstance(value, float) for value in self.values) else "int"


def literal(value: Any) -> str:
    """A value as Python source; an activation is the name of its class."""
    return value if isinstance(value, str) else repr(value)
