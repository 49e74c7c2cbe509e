"""Python expressions laid out in lines of at most ``WIDTH`` characters, broken as ruff's formatter breaks them."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 100
_STEP = "    "


@dataclass(frozen=True)
class Call:
    """``function(arguments)``; ``open`` puts every argument on a line of its own, whatever the length.

    ``comments`` holds one comment for each argument, empty where there is none.
    """

    function: str
    arguments: tuple[Expression, ...] = ()
    open: bool = False
    comments: tuple[str, ...] = ()
    brackets: str = "()"


@dataclass(frozen=True)
class Choice:
    """``then if condition else otherwise``."""

    condition: str
    then: Expression
    otherwise: str


@dataclass(frozen=True)
class Comprehension:
    """``element loop`` inside brackets, such as ``Block() for _ in range(3)``."""

    element: Expression
    loop: str


@dataclass(frozen=True)
class Entry:
    """``key: value`` of a dictionary."""

    key: str
    value: Expression


Expression = str | Call | Choice | Comprehension | Entry


def text(expression: Expression) -> str:
    """The expression on one line."""
    match expression:
        case Call(function, arguments, _, _, brackets):
            return f"{function}{brackets[0]}{', '.join(map(text, arguments))}{brackets[1]}"
        case Choice(condition, then, otherwise):
            return f"{text(then)} if {condition} else {otherwise}"
        case Comprehension(element, loop):
            return f"{text(element)} {loop}"
        case Entry(key, value):
            return f"{key}: {text(value)}"
    return expression


def laid_out(before: str, expression: Expression, after: str = "", indent: str = "") -> list[str]:
    """The lines of ``before`` + expression + ``after``, all behind ``indent``."""
    line = f"{indent}{before}{text(expression)}{after}"
    if not _opened(expression) and len(line) <= WIDTH:
        return [line]
    match expression:
        case Call(function, arguments, opened, comments, brackets) if arguments:
            inner = indent + _STEP
            body = f"{inner}{', '.join(map(text, arguments))}"
            head = f"{indent}{before}{function}{brackets[0]}"
            if not opened and not any(map(_opened, arguments)) and len(body) <= WIDTH:
                return [head, body, f"{indent}{brackets[1]}{after}"]
            rows: list[str] = []
            if isinstance(arguments[0], Comprehension):
                rows = [*laid_out("", arguments[0].element, "", inner), f"{inner}{arguments[0].loop}"]
                return [head, *rows, f"{indent}{brackets[1]}{after}"]
            for index, argument in enumerate(arguments):
                rows += _commented(
                    laid_out("", argument, ",", inner), comments[index] if comments else "", inner
                )
            return [head, *rows, f"{indent}{brackets[1]}{after}"]
        case Entry(key, value):
            return laid_out(f"{before}{key}: ", value, after, indent)
        case Choice(condition, then, otherwise):
            inner = indent + _STEP
            whole = f"{inner}{text(expression)}"
            if len(whole) <= WIDTH:
                return [f"{indent}{before}(", whole, f"{indent}){after}"]
            rows = [*laid_out("", then, "", inner), f"{inner}if {condition}", f"{inner}else {otherwise}"]
            return [f"{indent}{before}(", *rows, f"{indent}){after}"]
    return [line]


def _opened(expression: Expression) -> bool:
    return isinstance(expression, Call) and (expression.open or any(map(_opened, expression.arguments)))


def _commented(lines: list[str], comment: str, indent: str) -> list[str]:
    """``lines`` with a comment behind the last of them, or above where there is no room."""
    if not comment:
        return lines
    if len(lines) == 1 and len(lines[0]) + 4 + len(comment) <= WIDTH:
        return [f"{lines[0]}  # {comment}"]
    return [f"{indent}# {comment}", *lines]
