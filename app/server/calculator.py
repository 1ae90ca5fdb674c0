"""Arithmetic as text, worked out with limits: nothing but numbers, operators and a few functions is understood."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

LONGEST = 500
"""Characters of an expression."""
GREATEST = 10**300

Number: TypeAlias = int | float

_ONE: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "abs": abs, "round": round, "min": min, "max": max, "floor": math.floor, "ceil": math.ceil,
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2, "log10": math.log10,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "degrees": math.degrees, "radians": math.radians, "hypot": math.hypot, "gcd": math.gcd,
}  # fmt: skip


def calculate(expression: str) -> Number:
    """The value of an expression such as "2 * (3 + 4) ** 0.5". Raises ValueError saying what is wrong with it."""
    text = expression.strip().replace("^", "**").replace("×", "*").replace("÷", "/")
    if not text or len(text) > LONGEST:
        raise ValueError(f"an expression has 1 to {LONGEST} characters")
    try:
        return _checked(_value(ast.parse(text, mode="eval").body))
    except SyntaxError as error:
        raise ValueError("this is no arithmetic expression") from error
    except (ArithmeticError, TypeError) as error:
        raise ValueError(str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise ValueError("the expression is nested too deeply") from error


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _checked(number)
        case ast.BinOp(left, sign, right) if type(sign) in _TWO:
            return _checked(_TWO[type(sign)](_value(left), _value(right)))
        case ast.UnaryOp(sign, inner) if type(sign) in _ONE:
            return _ONE[type(sign)](_value(inner))
        case ast.Name(name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Call(ast.Name(name), given, []) if name in _FUNCTIONS:
            return _checked(_FUNCTIONS[name](*(_value(each) for each in given)))
    raise ValueError(f"not understood: {ast.unparse(node)[:40]}")


def _power(base: Number, exponent: Number) -> Number:
    """A power whose size is known before it is worked out. A negative base with a fraction has no real value."""
    if base and exponent * math.log10(abs(base)) > math.log10(GREATEST):
        raise ValueError("the result is too large")
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError("the result is no real number")  # noqa: TRY004 (the values are wrong, not their types)
    return result


def _checked(number: Number) -> Number:
    if not math.isfinite(number) or abs(number) > GREATEST:
        raise ValueError("the result is too large")
    return number


_TWO: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
