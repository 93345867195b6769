"""A JMESPath expression as a mapping file writes it: at most `LONGEST` characters, of few functions.

It calls only `FUNCTIONS`, `join` and `[a, b]` once each: so the time it takes grows with what it is asked of and no
faster, whatever that is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from pydantic import BeforeValidator

LONGEST = 300
FUNCTIONS = frozenset((
    "contains", "ends_with", "join", "keys", "length", "max_by", "min_by", "not_null", "reverse", "sort_by",
    "starts_with", "to_number", "type",
))  # fmt: skip
ONCE = {"join": "join", "multi_select_list": "[a, b]", "multi_select_dict": "{a: b}"}


def _expression(text: object) -> ParsedResult:
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise ValueError(f"a JMESPath expression of 1 to {LONGEST} characters")
    try:
        found = jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"a JMESPath expression ({str(error).splitlines()[0][:100]})") from None
    except (RecursionError, ValueError):
        raise ValueError("a JMESPath expression without so many brackets or digits") from None
    seen: set[str] = set()
    for node in nodes(found.parsed):
        kind = node["value"] if node["type"] == "function_expression" else node["type"]
        if node["type"] == "function_expression":
            _check_call(kind, len(node["children"]))
        if kind in ("subexpression", "index_expression") and node["children"][0]["type"] == "not_expression":
            raise ValueError("a JMESPath expression with brackets behind `!`: !(a.b), for !a.b means (!a).b")
        if kind in seen and kind in ONCE:
            raise ValueError(f"a JMESPath expression with one {ONCE[kind]} at most")
        seen.add(kind)
    return found


def nodes(node: Any) -> Iterator[Any]:
    """Every node of a parsed expression."""
    if isinstance(node, dict) and "type" in node:
        yield node
        for child in node["children"]:
            yield from nodes(child)


def _check_call(name: str, arguments: int) -> None:
    if name not in FUNCTIONS:
        raise ValueError(f"a JMESPath expression that calls only {', '.join(sorted(FUNCTIONS))}")
    signature = Functions.FUNCTION_TABLE[name]["signature"]
    least = len(signature)
    if arguments < least or (arguments > least and not signature[-1].get("variadic")):
        raise ValueError(f"a JMESPath expression with {least} arguments of {name}")


Expression = Annotated[ParsedResult, BeforeValidator(_expression)]


def ask(expression: ParsedResult, of: Any) -> Any:
    """What an expression finds; None where there is nothing, or nothing that it could work on."""
    try:
        return expression.search(of)
    except (TypeError, ValueError, RecursionError):
        return None


def holds(expression: ParsedResult, of: Any) -> bool:
    """Whether what it finds is true in the sense of JMESPath: not null, false or empty."""
    found = ask(expression, of)
    return found is not None and found is not False and found not in ("", [], {})
