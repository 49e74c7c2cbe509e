"""Row filters as people type them: ``macs < 5e6 and accuracy > 0.9``.

The text is read by a small parser of its own and never evaluated as code. A filter is comparisons joined
by ``and``, ``or``, ``not`` and parentheses. One comparison has a column on its left and, on its right, a
number (with K, M or G), quoted text (a time where the column holds times), ``true``, ``false``, ``missing`` or
another column; ``in (…)`` lists several values. Comparisons may be chained: ``0.8 < accuracy <= 0.9``. A missing value satisfies no
comparison but ``== missing``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.columns import column_name
from space.errors import InputError, quoted

Mask = NDArray[np.bool_]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?(?P<suffix>[KMGkmg]\b)?(?![\w.]))
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<column>`[^`]+`)
    | (?P<word>[A-Za-z_][\w.\-]*)
    | (?P<sign><=|>=|==|!=|<|>|=)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_SCALE = {"K": 1e3, "M": 1e6, "G": 1e9}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_WANTED = "comparisons such as \"macs < 5e6 and status == 'ok'\""
_DEEPEST = 50
_LONGEST = 10_000
_MISSING = object()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of a comparison: a column, or a constant."""

    column: str | None
    value: Any


def where(frame: pd.DataFrame, expression: str, argument: str = "--where") -> pd.DataFrame:
    """The rows of ``frame`` that satisfy ``expression``, in their order.

    Raises InputError where it is not a comparison of columns, UnknownNameError (listing the columns) for
    an unknown one.
    """
    selected = frame.loc[mask(frame, expression, argument)].reset_index(drop=True)
    selected.attrs = dict(frame.attrs)
    return selected


def mask(frame: pd.DataFrame, expression: str, argument: str = "--where") -> Mask:
    """Which rows of ``frame`` satisfy ``expression``; see ``where``."""
    parser = _Parser(frame, expression, argument)
    result = parser.either()
    parser.end()
    return result


class _Parser:
    """Recursive descent over the tokens; each rule returns the mask of the rows that satisfy it."""

    def __init__(self, frame: pd.DataFrame, expression: str, argument: str) -> None:
        self.frame, self.expression, self.argument = frame, expression, argument
        if len(expression) > _LONGEST:
            raise InputError.of(
                argument, f"a filter of at most {_LONGEST} letters", f"{len(expression)} letters"
            )
        self.tokens = self._tokens()
        self.place = 0
        self.depth = 0

    def _tokens(self) -> list[_Token]:
        tokens: list[_Token] = []
        position, text = 0, self.expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.refusal(text[position:].strip()[:20])
            position = match.end()
            kind = str(match.lastgroup if match.lastgroup != "suffix" else "number")
            source = match[kind]
            tokens.append(_Token(kind, self._value(kind, source, match["suffix"]), source))
        return tokens

    @staticmethod
    def _value(kind: str, source: str, suffix: str | None) -> Any:
        if kind == "number":
            return float(source.rstrip("KMGkmg")) * (_SCALE[suffix.upper()] if suffix else 1.0)
        return source[1:-1] if kind in ("text", "column") else source

    def refusal(self, at: str) -> InputError:
        place = f"stopped at {at!r}" if at else "it ends too early"
        return InputError(f"{self.argument}: wanted {_WANTED}, got {quoted(self.expression)} ({place})")

    def end(self) -> None:
        if self.place < len(self.tokens):
            raise self.refusal(self.tokens[self.place].source)

    def _peek(self) -> _Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _next(self) -> _Token:
        token = self._peek()
        if token is None:
            raise self.refusal("")
        self.place += 1
        return token

    def _take(self, *sources: str) -> bool:
        token = self._peek()
        if token is not None and token.kind in ("word", "mark") and token.source.lower() in sources:
            self.place += 1
            return True
        return False

    def either(self) -> Mask:
        result = self.both()
        while self._take("or"):
            result = result | self.both()
        return result

    def both(self) -> Mask:
        result = self.negation()
        while self._take("and"):
            result = result & self.negation()
        return result

    def negation(self) -> Mask:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.refusal("more than 50 levels of parentheses")
        try:
            if self._take("not"):
                return ~self.negation()
            if self._take("("):
                result = self.either()
                if not self._take(")"):
                    token = self._peek()
                    raise self.refusal(token.source if token else "")
                return result
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> Mask:
        """``a < b < c``, ``column in (…)`` or ``column not in (…)``."""
        left = self.operand()
        if self._take("in"):
            return self._among(left)
        if self._take("not"):
            if not self._take("in"):
                raise self.refusal("not")
            return ~self._among(left) & self._present(left)
        result: Mask | None = None
        while (token := self._peek()) is not None and token.kind == "sign":
            self._next()
            right = self.operand()
            link = self._compare(left, "==" if token.source == "=" else token.source, right)
            result = link if result is None else result & link
            left = right
        if result is None:
            token = self._peek()
            raise self.refusal(token.source if token else "")
        return result

    def operand(self) -> _Operand:
        token = self._next()
        if token.kind in ("number", "text"):
            return _Operand(None, token.value)
        if token.kind not in ("word", "column"):
            raise self.refusal(token.source)
        constant = {"true": True, "false": False, "missing": _MISSING}.get(str(token.value).lower())
        if token.kind == "word" and constant is not None:
            return _Operand(None, constant)
        after = self._peek()
        if token.kind == "word" and after is not None and after.source == "(":
            raise self.refusal(f"{token.source}(")
        return _Operand(column_name(self.frame, token.value, self.argument), None)

    def _among(self, left: _Operand) -> Mask:
        if not self._take("("):
            token = self._peek()
            raise self.refusal(token.source if token else "")
        result = np.zeros(len(self.frame), dtype=bool)
        while True:
            result |= self._compare(left, "==", self.operand())
            if self._take(")"):
                return result
            if not self._take(","):
                token = self._peek()
                raise self.refusal(token.source if token else "")

    def _present(self, operand: _Operand) -> Mask:
        if operand.column is None:
            return np.ones(len(self.frame), dtype=bool)
        return self.frame[operand.column].notna().to_numpy(dtype=bool)

    def _compare(self, left: _Operand, sign: str, right: _Operand) -> Mask:
        if left.column is None and right.column is None:
            raise InputError.of(self.argument, "a column on one side of every comparison", self.expression)
        if _MISSING in (left.value, right.value):
            if sign not in ("==", "!="):
                raise InputError.of(self.argument, "== missing or != missing", self.expression)
            present = self._present(left if left.column else right)
            return present if sign == "!=" else ~present
        one, other = self._values(left), self._values(right)
        one, other = self._as_time(one, other), self._as_time(other, one)
        self._check_kinds(left, one, sign, right, other)
        result = np.zeros(len(self.frame), dtype=bool)
        known = self._present(left) & self._present(right)
        a = one[known] if left.column else one
        b = other[known] if right.column else other
        result[known] = _COMPARISONS[sign](a, b)
        return result

    def _values(self, operand: _Operand) -> Any:
        """A column as an array of floats, times, or Python objects; a constant as itself."""
        if operand.column is None:
            return operand.value
        column = self.frame[operand.column]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            return column.to_numpy(dtype="datetime64[us]")
        if pd.api.types.is_bool_dtype(column.dtype):
            return column.fillna(False).to_numpy(dtype=bool)
        if pd.api.types.is_numeric_dtype(column.dtype):
            return column.to_numpy(dtype="float64", na_value=np.nan)
        return column.astype(object).to_numpy()

    def _as_time(self, value: Any, beside: Any) -> Any:
        """Text beside a column of times is a time: ``started > '2026-03-01'``, in UTC where no zone is given."""
        if not isinstance(value, str) or _kind(beside) != "time":
            return value
        try:
            moment = pd.Timestamp(value)
        except ValueError:
            raise InputError.of(self.argument, "a time such as '2026-03-01 12:30'", value) from None
        return (moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")).to_datetime64()

    def _check_kinds(self, left: _Operand, one: Any, sign: str, right: _Operand, other: Any) -> None:
        a, b = _kind(one), _kind(other)
        if a != b:
            named, kind, came = (left, a, b) if left.column else (right, b, a)
            raise InputError(
                f"{self.argument}: wanted {_article(kind)} to compare {named.column} with, got {_article(came)}"
                f" in {quoted(self.expression)}"
            )
        if a in ("text", "truth") and sign not in ("==", "!="):
            named = left if left.column else right
            raise InputError(
                f"{self.argument}: wanted == or != for {named.column}, which holds {_PLURALS[a]}, got {sign!r}"
            )


_PLURALS = {"text": "text", "truth": "true or false"}


def _article(kind: str) -> str:
    return {"text": "quoted text", "truth": "true or false", "number": "a number", "time": "a time"}[kind]


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return {"b": "truth", "f": "number", "M": "time"}.get(value.dtype.kind, "text")
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, np.datetime64):
        return "time"
    return "number" if isinstance(value, float) else "text"
