"""The shape of a document: how deep, and with how many aliases. Measured before validation, each fragment once.

Libraries walk a fragment anew at each spread, so that twenty fragments that each spread the next one twice take them a million steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from api.errors import ApiError, ErrorCode
from api.options import Limits

# `ofType` unwraps lists and non-nulls in introspection; every tool asks for it many levels deep, and it never leads anywhere else.
UNCOUNTED = frozenset({"ofType"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What one selection amounts to with all its fragments written out.

    Attributes:
        depth: Levels of fields.
        nesting: Levels of any kind, fragments among them: what recursion has to go through.
        aliases: Fields under another name.
    """

    depth: int = 0
    nesting: int = 0
    aliases: int = 0

    def beside(self, other: Shape) -> Shape:
        """Both in one selection."""
        return Shape(max(self.depth, other.depth), max(self.nesting, other.nesting), self.aliases + other.aliases)


class _Measure:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        self._known: dict[str, Shape] = {}

    def selection(self, chosen: SelectionSetNode) -> Shape:
        found = Shape()
        for node in chosen.selections:
            if isinstance(node, FieldNode):
                inner = self.selection(node.selection_set) if node.selection_set else Shape()
                deeper = 0 if node.name.value in UNCOUNTED else 1
                renamed = node.alias is not None and node.alias.value != node.name.value
                found = found.beside(Shape(inner.depth + deeper, inner.nesting + 1, inner.aliases + renamed))
            elif isinstance(node, InlineFragmentNode):
                inner = self.selection(node.selection_set)
                found = found.beside(Shape(inner.depth, inner.nesting + 1, inner.aliases))
            elif isinstance(node, FragmentSpreadNode):
                found = found.beside(self._fragment(node.name.value))
        return found

    def _fragment(self, name: str) -> Shape:
        known = self._known.get(name)
        if known is None:
            definition = self._fragments.get(name)
            if definition is None:
                return Shape()  # there is none: validation says so
            self._known[name] = Shape()  # a fragment that spreads itself: validation says that, too
            inner = self.selection(definition.selection_set)
            known = self._known[name] = Shape(inner.depth, inner.nesting + 1, inner.aliases)
        return known


def measure(document: DocumentNode) -> Shape:
    """The largest of each, over the operations of a document. Raises RecursionError for what nobody could walk through."""
    measured = _Measure(document)
    found = Shape()
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            one = measured.selection(node.selection_set)
            found = Shape(max(found.depth, one.depth), max(found.nesting, one.nesting), max(found.aliases, one.aliases))
    return found


def check_shape(document: DocumentNode, limits: Limits) -> None:
    """Raises TOO_DEEP, TOO_MANY_ALIASES, TOO_MANY_TOKENS (here: operations)."""
    operations = sum(isinstance(node, OperationDefinitionNode) for node in document.definitions)
    if operations > limits.operations:
        raise ApiError(
            ErrorCode.TOO_MANY_TOKENS,
            f"A document has at most {limits.operations} operations; this one has {operations}.",
            japanese=f"1 つの文書に書ける操作は {limits.operations} 個までです（{operations} 個ありました）。",
            limit=limits.operations,
        )
    try:
        shape = measure(document)
    except RecursionError:
        raise too_deep(limits.depth) from None
    if shape.depth > limits.depth or shape.nesting > limits.nesting:
        raise too_deep(limits.depth, shape.depth)
    if shape.aliases > limits.aliases:
        raise ApiError(
            ErrorCode.TOO_MANY_ALIASES,
            f"At most {limits.aliases} aliases, fragments written out; this has {min(shape.aliases, 10**9):,}.",
            japanese=f"別名（alias）はフラグメントを展開して {limits.aliases} 個までです。",
            limit=limits.aliases,
        )


def too_deep(limit: int, depth: int | None = None) -> ApiError:
    """TOO_DEEP, with the numbers."""
    here = "" if depth is None else f"; this one has {depth}"
    return ApiError(
        ErrorCode.TOO_DEEP,
        f"An operation has at most {limit} levels of fields, and four times as many with its fragments{here}.",
        japanese=f"操作の深さは {limit} 段までです（フラグメントを含めてその 4 倍まで）。",
        limit=limit,
    )


def only_schema(document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    """Whether a query asks for nothing but the schema: no data, no rights, no clock."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    waiting, seen = [operation.selection_set], set()
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    return False
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
    return operation.operation is OperationType.QUERY
