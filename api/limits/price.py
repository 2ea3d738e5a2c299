"""What an operation costs: the number of values that its answer can have, lists multiplied, dear fields dearer.

One unit is about 10 microseconds of the server's processor. Prices belong to a document and are worked out once; what differs from request
to request are the sizes of pages that stand in variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from api.errors import ApiError, ErrorCode
from api.limits.shape import only_schema
from api.options import Limits
from api.paging import USUAL_PAGE

# What takes the database more than a row of a page that is read anyway.
DEAR = {
    ("Query", "contract"): 20,
    ("Query", "node"): 20,
    ("Query", "contracts"): 50,
    ("Query", "settlements"): 50,
    ("ContractConnection", "count"): 100,
    ("SettlementConnection", "count"): 100,
    ("SettlementConnection", "sums"): 100,
    ("Mutation", "registerContract"): 50,
    ("Mutation", "registerContracts"): 50,
    ("ContractEvent", "contract"): 20,
    ("Query", "webhooks"): 20,
    ("Query", "webhook"): 20,
    ("Query", "notifications"): 20,
    ("Webhook", "deliveries"): 50,
    **{
        ("Mutation", name): 50
        for name in (
            "registerWebhook",
            "changeWebhook",
            "disableWebhook",
            "enableWebhook",
            "rotateWebhookSecret",
            "deleteWebhook",
            "sendSampleEvent",
            "replayWebhook",
            "setNotifications",
            "confirmNotifications",
        )
    },
}
# Lists without `first`: how many there usually are. A registration is answered in slices of a hundred (api.batch).
USUALLY = {
    ("Contract", "goods"): 5,
    ("Contract", "viewerRoles"): 2,
    ("Progress", "steps"): 5,
    ("Viewer", "scopes"): 4,
    ("Query", "webhooks"): 3,
    ("WebhookDelivery", "attempts"): 2,
    ("SettlementConnection", "sums"): 8,
    ("ContractsRegistered", "results"): 100,
}
ELSE = 10
ROWS = frozenset({"edges", "nodes"})
INTROSPECTION = frozenset({"__schema", "__type"})
INTROSPECTED = 2  # values of an introspection for one unit: they come from memory, in a thread ...
BESIDE_DATA = 5  # ... but where data stand beside it, on the event loop and in one go: so many units for one value
HIGHEST = 10**12  # figures in answers end here; doubling fragments go on


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows a page asks for: a number in the document, or a variable with its default."""

    path: str
    number: int | None
    variable: str | None = None

    def rows(self, variables: Mapping[str, Any]) -> int | None:
        """The number, None where none is given."""
        if self.variable is None:
            return self.number
        value = variables.get(self.variable, self.number)
        return value if type(value) is int else None


@dataclass(slots=True, eq=False)
class _Field:
    """A field: its own price, how often it comes, what is below. `rows`: it stands for the rows of the page above it."""

    key: str
    price: int
    times: int
    below: _Selection | None
    page: Size | None
    rows: bool
    share: int


@dataclass(slots=True, eq=False)
class _Selection:
    """A selection set or a fragment; a fragment is one object, wherever it is spread."""

    fields: list[_Field] = field(default_factory=list)
    parts: list[_Selection] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation costs, and the path of fields that costs most."""

    total: int
    dearest: str


@dataclass(frozen=True, slots=True)
class _Sum:
    """What a selection costs once, and for each row of the page that it belongs to."""

    once: int
    each: int


class Priced:
    """One operation with its prices."""

    def __init__(self, root: _Selection, sizes: list[Size], usual: int) -> None:
        self._root, self._sizes, self._usual = root, sizes, usual
        self._variables = sorted({size.variable for size in sizes if size.variable is not None})
        self._known: dict[tuple[Any, ...], Cost] = {}

    def check(self, variables: Mapping[str, Any], limits: Limits) -> Cost:
        """What it costs with these variables. Raises PAGE_TOO_LARGE, TOO_COSTLY."""
        for size in self._sizes:
            rows = size.rows(variables)
            if rows is not None and rows > limits.page:
                raise page_too_large(size.path, rows, limits.page)
        cost = self._cost(variables)
        if cost.total > limits.cost:
            raise too_costly(cost, limits.cost)
        return cost

    def _cost(self, variables: Mapping[str, Any]) -> Cost:
        given = tuple(value if type(value := variables.get(name)) is int else name in variables for name in self._variables)
        known = self._known.get(given)
        if known is None:
            if len(self._known) >= 64:
                self._known.clear()
            known = self._known[given] = _Sums(variables, self._usual).cost(self._root)
        return known


class _Sums:
    """One addition, each selection once."""

    def __init__(self, variables: Mapping[str, Any], usual: int) -> None:
        self._variables, self._usual = variables, usual
        self._known: dict[int, _Sum] = {}

    def cost(self, root: _Selection) -> Cost:
        summed = self._selection(root)
        return Cost(min(summed.once + summed.each, HIGHEST), ".".join(self._dearest(root)))

    def _selection(self, chosen: _Selection) -> _Sum:
        known = self._known.get(id(chosen))
        if known is None:
            once = each = 0
            for one in chosen.fields:
                if one.rows:
                    each += self._field(one)
                else:
                    once += self._field(one)
            for part in chosen.parts:
                inner = self._selection(part)
                once, each = once + inner.once, each + inner.each
            known = self._known[id(chosen)] = _Sum(once, each)
        return known

    def _field(self, one: _Field) -> int:
        below = 0
        if one.below is not None:
            inner = self._selection(one.below)
            below = inner.once + inner.each * self._rows(one)
        total = one.price + one.times * (1 + below)
        return -(-total // one.share)

    def _rows(self, one: _Field) -> int:
        if one.page is None:
            return 1
        rows = one.page.rows(self._variables)
        return self._usual if rows is None else max(rows, 0)

    def _dearest(self, chosen: _Selection) -> list[str]:
        """Down the path on which the most is spent."""
        path: list[str] = []
        going: _Selection | None = chosen
        while going is not None:
            best: tuple[int, _Field] | None = None
            waiting, seen = [going], {id(going)}
            while waiting:
                part = waiting.pop()
                for one in part.fields:
                    price = self._field(one)
                    if best is None or price > best[0]:
                        best = (price, one)
                waiting += [more for more in part.parts if id(more) not in seen and not seen.add(id(more))]  # type: ignore[func-returns-value]
            if best is None:
                break
            path.append(best[1].key)
            going = best[1].below
        return path


class Prices:
    """The prices of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._usual = schema, min(USUAL_PAGE, limits.page)
        self._introspected = _introspection_sizes(schema)

    def of(self, document: DocumentNode, operation: OperationDefinitionNode) -> Priced:
        """The prices of an operation of a valid document."""
        compiler = _Compiler(self._schema, self._introspected, document, operation, alone=only_schema(document, operation))
        root = self._schema.get_root_type(operation.operation)
        return Priced(compiler.selection(root, operation.selection_set, ()), compiler.sizes, self._usual)


class _Compiler:
    def __init__(
        self,
        schema: GraphQLSchema,
        introspected: Mapping[tuple[str, str], int],
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        alone: bool,
    ) -> None:
        self._schema, self._introspected, self._alone = schema, introspected, alone
        self._fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        self._defaults = {
            one.variable.name.value: int(one.default_value.value)
            for one in operation.variable_definitions or ()
            if isinstance(one.default_value, IntValueNode)
        }
        self._known: dict[str, _Selection] = {}
        self.sizes: list[Size] = []

    def selection(self, type_: Any, chosen: SelectionSetNode, path: tuple[str, ...]) -> _Selection:
        found = _Selection()
        self._into(found, type_, chosen, path)
        return found

    def _into(self, found: _Selection, type_: Any, chosen: SelectionSetNode, path: tuple[str, ...]) -> None:
        for node in chosen.selections:
            if isinstance(node, FieldNode):
                found.fields.append(self._field(type_, node, path))
            elif isinstance(node, InlineFragmentNode):
                narrowed = self._schema.type_map[node.type_condition.name.value] if node.type_condition else type_
                self._into(found, narrowed, node.selection_set, path)
            elif isinstance(node, FragmentSpreadNode):
                found.parts.append(self._fragment(node.name.value, path))

    def _fragment(self, name: str, path: tuple[str, ...]) -> _Selection:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = _Selection()
            definition = self._fragments[name]
            self._into(known, self._schema.type_map[definition.type_condition.name.value], definition.selection_set, path)
        return known

    def _field(self, type_: Any, node: FieldNode, path: tuple[str, ...]) -> _Field:
        name = node.name.value
        key = node.alias.value if node.alias else name
        definition = self._schema.get_field(type_, name) if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else None
        if definition is None:  # __typename of a union
            return _Field(key, 0, 1, None, None, rows=False, share=1)
        named = get_named_type(definition.type)
        here = (*path, key)
        rows = name in ROWS and type_.name.endswith("Connection")
        return _Field(
            key=key,
            price=DEAR.get((type_.name, name), 0),
            times=self._times(type_.name, name, definition.type, rows=rows),
            below=self.selection(named, node.selection_set, here) if node.selection_set else None,
            page=self._size(node, here) if named.name.endswith("Connection") else None,
            rows=rows,
            share=INTROSPECTED if name in INTROSPECTION and self._alone else 1,
        )

    def _times(self, type_name: str, name: str, type_: Any, *, rows: bool) -> int:
        if name in INTROSPECTION and not self._alone:
            return BESIDE_DATA
        return 1 if rows or not _is_list(type_) else self._usually(type_name, name)

    def _usually(self, type_name: str, name: str) -> int:
        return self._introspected.get((type_name, name)) or USUALLY.get((type_name, name), ELSE)

    def _size(self, node: FieldNode, path: tuple[str, ...]) -> Size:
        found = Size(".".join(path), None)
        for argument in node.arguments or ():
            if argument.name.value not in {"first", "last"}:
                continue
            value = argument.value
            if isinstance(value, IntValueNode):
                found = Size(found.path, int(value.value))
            elif isinstance(value, VariableNode):
                variable = value.name.value
                found = Size(found.path, self._defaults.get(variable), variable)
            else:
                continue
            self.sizes.append(found)
        return found


def _is_list(type_: Any) -> bool:
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    return isinstance(type_, GraphQLList)


def _introspection_sizes(schema: GraphQLSchema) -> dict[tuple[str, str], int]:
    """How long the lists of an introspection are, in the mean where there are many of a kind."""
    types: list[Any] = list(schema.type_map.values())

    def mean(counts: Iterable[int]) -> int:
        found = [count for count in counts if count]
        return -(-sum(found) // max(len(found), 1)) or 1

    def length(value: Any, name: str) -> int:
        found = getattr(value, name, None)
        return len(found) if found else 0

    fields = [one for type_ in types if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) for one in type_.fields.values()]
    return {
        ("__Schema", "types"): len(types),
        ("__Schema", "directives"): len(schema.directives),
        ("__Type", "fields"): mean(
            length(type_, "fields") for type_ in types if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        ),
        ("__Type", "inputFields"): 4,
        ("__Type", "interfaces"): 1,
        ("__Type", "possibleTypes"): mean(len(schema.get_possible_types(one)) for one in types if isinstance(one, GraphQLInterfaceType)),
        ("__Type", "enumValues"): 4,
        ("__Field", "args"): mean(length(one, "args") for one in fields),
        ("__Directive", "args"): 2,
        ("__Directive", "locations"): 4,
    }


def page_too_large(path: str, rows: int, limit: int) -> ApiError:
    """PAGE_TOO_LARGE, with place and numbers."""
    return ApiError(
        ErrorCode.PAGE_TOO_LARGE,
        f"At most {limit} rows at a time; `{path}` asked for {rows}.",
        japanese=f"1 ページは {limit} 行までです（`{path}` は {rows} 行を求めています）。",
        limit=limit,
        field=path,
    )


def too_costly(cost: Cost, limit: int) -> ApiError:
    """TOO_COSTLY, with the numbers and the path on which the most is spent."""
    return ApiError(
        ErrorCode.TOO_COSTLY,
        f"This costs {cost.total:,} and at most {limit:,} is allowed; the dearest part is `{cost.dearest}`.",
        japanese=f"この操作の費用は {cost.total:,} で、上限は {limit:,} です。最も高い部分は `{cost.dearest}` です。",
        cost=cost.total,
        limit=limit,
        dearest=cost.dearest,
    )
