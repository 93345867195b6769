"""Which labels the result of an expression has, so that one that is not there can be told from one that is."""

from __future__ import annotations

from collections.abc import Mapping

import promql_parser as promql

Labels = frozenset[str]
Known = Mapping[str, Labels]
"""Series name -> labels."""
BARE = frozenset({"absent", "scalar", "time", "vector"})
"""Functions whose result has no labels, whatever they are given."""


class Mistake(Exception):
    """A name or label that does not exist."""


def labels_of(expr: str, known: Known) -> Labels:
    """Labels of an expression's result; raises `ValueError` if it is no PromQL, `Mistake` if it names what is not."""
    return _labels(promql.parse(expr), known)


def _labels(expr: promql.Expr, known: Known) -> Labels:
    match expr:
        case promql.NumberLiteral() | promql.StringLiteral():
            return frozenset()
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return _labels(expr.expr, known)
        case promql.MatrixSelector():
            return _labels(expr.vector_selector, known)
        case promql.VectorSelector():
            return _selected(expr, known)
        case promql.Call():
            found = frozenset().union(*(_labels(argument, known) for argument in expr.args))
            if expr.func.name in BARE:
                return frozenset()
            return found - {"le"} if expr.func.name == "histogram_quantile" else found
        case promql.AggregateExpr():
            return _aggregated(expr, known)
        case promql.BinaryExpr():
            return _combined(expr, known)
    raise AssertionError(f"not covered: {type(expr).__name__}")


def _selected(expr: promql.VectorSelector, known: Known) -> Labels:
    if expr.name not in known:
        raise Mistake(f"no series is called {expr.name}")
    labels = known[expr.name]
    for matcher in expr.matchers.matchers:
        if matcher.name not in labels:
            raise Mistake(f"{expr.name} has no label {matcher.name}; it has {_listed(labels)}")
    return labels


def _aggregated(expr: promql.AggregateExpr, known: Known) -> Labels:
    inner = _labels(expr.expr, known)
    if expr.modifier is None:
        return inner if str(expr.op) in ("topk", "bottomk") else frozenset()
    named = frozenset(expr.modifier.labels)
    if missing := named - inner:
        raise Mistake(f"{expr.op} by {_listed(missing)}: the operand has {_listed(inner)}")
    return named if expr.modifier.type == promql.AggModifierType.By else inner - named


def _combined(expr: promql.BinaryExpr, known: Known) -> Labels:
    left, right = _labels(expr.lhs, known), _labels(expr.rhs, known)
    if _number(expr.lhs) or _number(expr.rhs):
        return left | right
    matching = expr.modifier.matching if expr.modifier else None
    named = frozenset(matching.labels) if matching else frozenset()
    on = named if matching and matching.type == promql.LabelModifierType.Include else (left | right) - named
    if missing := on - (left & right):
        raise Mistake(f"{expr.op} on {_listed(missing)}: the operands have {_listed(left)} and {_listed(right)}")
    if str(expr.op) in ("and", "or", "unless"):
        return left | right if str(expr.op) == "or" else left
    card = expr.modifier.card if expr.modifier else promql.VectorMatchCardinality.OneToOne
    if card == promql.VectorMatchCardinality.OneToOne:
        return on
    return left if card == promql.VectorMatchCardinality.ManyToOne else right


def _number(expr: promql.Expr) -> bool:
    match expr:
        case promql.ParenExpr() | promql.UnaryExpr():
            return _number(expr.expr)
        case promql.BinaryExpr():
            return _number(expr.lhs) and _number(expr.rhs)
        case promql.Call():
            return str(expr.func.name) in ("time", "scalar")
    return isinstance(expr, promql.NumberLiteral)


def _listed(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels)) or "none"
