"""The network itself: its stem, stages and head as ``nn.Sequential``, with the shapes of what they put out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evaluators.export.python_source.classes import Classes
from evaluators.export.python_source.layout import Call, Comprehension, Expression, laid_out
from evaluators.export.python_source.operations import Argument
from evaluators.export.python_source.parameter import literal
from evaluators.export.python_source.scopes import Chain, Leaf, Scope
from evaluators.export.python_source.writer import arguments_text
from space.operations import Activation, Shape

_FEW = 2
"""So many equal modules in a row are still written one by one."""


def children_lines(children: Mapping[str, Chain], classes: Classes, entry: Shape, indent: str) -> list[str]:
    """The statements of the constructor that make ``children``, for images of shape ``entry``."""
    lines: list[str] = []
    for name, chain in children.items():
        expression, entry = _sequential(chain, classes, entry)
        lines += laid_out(f"self.{name} = ", expression, indent=indent)
    return lines


def shape_text(shape: Shape) -> str:
    return " × ".join(map(str, shape))


def _sequential(chain: Chain, classes: Classes, entry: Shape) -> tuple[Call, Shape]:
    """(the chain as an expression, the shape behind it); a comment says each shape that is new."""
    rows: list[Expression] = []
    comments: list[str] = []
    for run in _runs(chain, classes):
        if isinstance(run, Chain):
            expression, entry = _sequential(run, classes, entry)
            rows.append(expression)
            comments.append("")
            continue
        rows.append(run.expression)
        comments.append("" if run.shape == entry else shape_text(run.shape))
        entry = run.shape
    return Call("nn.Sequential", tuple(rows), open=True, comments=tuple(comments)), entry


@dataclass(frozen=True)
class _Run:
    """One module, or several that differ by equal steps in whole numbers."""

    expression: Expression
    shape: Shape


def _runs(chain: Chain, classes: Classes) -> Iterator[_Run | Chain]:
    items = list(chain.items)
    start = 0
    while start < len(items):
        first = items[start]
        if isinstance(first, Chain):
            yield first
            start += 1
            continue
        made = [classes.call(first)]
        end = start + 1
        while end < len(items) and isinstance(first, Scope):
            module = items[end]
            if not isinstance(module, Scope):
                break
            call = classes.call(module)
            if call[0] != made[0][0] or not _continues([arguments for _, arguments in made], call[1]):
                break
            made.append(call)
            end += 1
        if end - start > _FEW:
            yield _Run(_repeated(made[0][0], [arguments for _, arguments in made]), items[end - 1].shape)
            start = end
        else:
            yield _Run(_call(first, *made[0]), first.shape)
            start += 1


def _continues(before: Sequence[tuple[Argument, ...]], arguments: tuple[Argument, ...]) -> bool:
    """Whether ``arguments`` go on as the rows ``before`` do: equal, or larger by the same step."""
    for place, argument in enumerate(arguments):
        last, first = before[-1][place].value, before[0][place].value
        if argument.value == last == first:
            continue
        numbers = (argument.value, last, first)
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
            return False
        if len(before) > 1 and argument.value - last != before[1][place].value - first:
            return False
    return True


def _repeated(function: str, rows: Sequence[tuple[Argument, ...]]) -> Expression:
    """``*[DenseLayer(64 + 32 * i, growth=32) for i in range(6)]``."""
    index = "_"
    written = []
    for place, argument in enumerate(rows[0]):
        step = 0 if rows[1][place].value == argument.value else rows[1][place].value - argument.value
        if step:
            index = "i"
            times = "i" if abs(step) == 1 else f"{abs(step)} * i"
            written.append((argument, f"{argument.value} {'+' if step > 0 else '-'} {times}"))
        else:
            written.append((argument, literal(argument.value)))
    call = Call(function, arguments_text(written))
    return Call("*", (Comprehension(call, f"for {index} in range({len(rows)})"),), brackets="[]")


def _call(module: Leaf | Scope, function: str, arguments: tuple[Argument, ...]) -> Expression:
    if isinstance(module, Leaf) and isinstance(module.op, Activation):
        return Call(literal(arguments[0].value))
    return Call(function, arguments_text([(a, literal(a.value)) for a in arguments]))
