"""`registerContracts` with its input as a variable: ten thousand contracts without holding up anybody else.

GraphQL's own way spends 430 us of the event loop on each item to coerce it and as much again to answer. Here the variable is taken out of
the request before coercion, decoded and checked in short slices (`api.registrar`), and the answer is written straight from the results
where the selection is plain. Any other selection runs through the schema, slice by slice, over the same results.

What is taken: an operation whose only root field is `registerContracts`, with `input: $variable`, or `input: {contracts: $variable}` with
`onProblem` beside it. All else goes the ordinary way, with the same answers and a lower limit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    EnumValueNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeNode,
    VariableNode,
    get_named_type,
    get_variable_values,
    is_leaf_type,
)

from api.context import Context
from api.documents import Prepared
from api.results import ContractConflict, ContractRefused, ContractRegistered, ContractsRefused, ContractsRegistered, Named
from api.scalars import DATE, DATE_TIME
from api.turns import Turns
from domain.store.registering import OnProblem

FIELD = "registerContracts"
SLICE = 100  # results that go through the schema at once when the selection is not plain

Getter = Callable[[Any], Any]
Writer = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How to take the contracts out of an operation's variables, and how to answer.

    Attributes:
        variable: The variable that holds the contracts.
        whole: The variable is the whole input, and not only its list.
        on_problem: The value written in the operation, or the variable that has it (only if not `whole`).
        key: The response key of the field.
        writers: By type of the answer; None: the selection is not plain.
    """

    variable: str
    whole: bool
    on_problem: OnProblem | VariableNode | None
    key: str
    writers: Mapping[type, Writer] | None


@dataclass(frozen=True, slots=True)
class Taken:
    """The contracts of a request, and the variables without them."""

    contracts: Sequence[Any]
    on_problem: OnProblem
    variables: dict[str, Any]


class NotPlain(Exception):
    """The selection has something that is only known when it runs."""


def plan_of(schema: GraphQLSchema, prepared: Prepared, operation: OperationDefinitionNode) -> Plan | None:
    """The plan for an operation, or None when it goes the ordinary way."""
    if operation.operation is not OperationType.MUTATION or operation.directives:
        return None
    selections = operation.selection_set.selections
    if len(selections) != 1 or not isinstance(field := selections[0], FieldNode):
        return None
    if field.name.value != FIELD or field.directives or field.selection_set is None:
        return None
    value = next((argument.value for argument in field.arguments or () if argument.name.value == "input"), None)
    whole, on_problem = True, None
    if isinstance(value, ObjectValueNode):
        parts = {part.name.value: part.value for part in value.fields}
        whole, value = False, parts.pop("contracts", None)
        chosen = parts.pop("onProblem", None)
        if parts or not (chosen is None or isinstance(chosen, EnumValueNode | VariableNode)):
            return None
        on_problem = OnProblem[chosen.value] if isinstance(chosen, EnumValueNode) else chosen
    if not isinstance(value, VariableNode):
        return None
    key = field.alias.value if field.alias else FIELD
    try:
        writers = _Compiler(schema, prepared).writers(field.selection_set)
    except NotPlain:
        writers = None
    return Plan(value.name.value, whole, on_problem, key, writers)


def take(schema: GraphQLSchema, plan: Plan, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Taken | None:
    """Takes the contracts out of the variables. None: they are not there in a form that we know; the ordinary way says what is wrong.

    Raises:
        VariableFaults: With the library's own words, when the other variables or the shape around the contracts are wrong.
    """
    given = variables.get(plan.variable)
    if plan.whole:
        if not isinstance(given, dict):
            return None
        contracts = given.get("contracts")
        emptied: Any = {**given, "contracts": []}
    else:
        contracts, emptied = given, []
    if contracts is None:
        return None
    rest = {**variables, plan.variable: emptied}
    if not isinstance(contracts, list):
        contracts = [contracts]  # GraphQL takes one item for a list of one
    checked = get_variable_values(schema, operation.variable_definitions or (), rest)
    if isinstance(checked, list):
        raise VariableFaults(checked)
    chosen: Any = plan.on_problem
    if plan.whole:
        chosen = emptied.get("onProblem")
    elif isinstance(chosen, VariableNode):
        value = checked.coerced.get(chosen.name.value)
        chosen = value.value if isinstance(value, OnProblem) else value
    if not isinstance(chosen, OnProblem):
        chosen = OnProblem.REGISTER_OTHERS if chosen is None else OnProblem[str(chosen)]
    return Taken(contracts, chosen, rest)


class VariableFaults(Exception):
    """What the library says against the variables around the contracts."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


def named_type(node: TypeNode) -> str:
    """The name inside `[Name!]!`."""
    while isinstance(node, NonNullTypeNode | ListTypeNode):
        node = node.type
    assert isinstance(node, NamedTypeNode)
    return node.name.value


# ── writing plain answers ────────────────────────────────────────────────────────────────────────────────────────────
_PYTHON: dict[str, type] = {
    "ContractsRegistered": ContractsRegistered,
    "ContractsRefused": ContractsRefused,
    "ContractRegistered": ContractRegistered,
    "ContractConflict": ContractConflict,
    "ContractRefused": ContractRefused,
}
_NAMED = frozenset({"__typename", *(field.name for field in dataclasses.fields(Named)), "contractId"})


class _Compiler:
    """Turns a selection into functions from results to what JSON says of them."""

    def __init__(self, schema: GraphQLSchema, prepared: Prepared) -> None:
        self._schema = schema
        self._fragments = {node.name.value: node for node in prepared.document.definitions if isinstance(node, FragmentDefinitionNode)}

    def writers(self, selection: SelectionSetNode) -> dict[type, Writer]:
        """A writer for each member of the result union."""
        return {_PYTHON[name]: self._object(self._type(name), [selection]) for name in ("ContractsRegistered", "ContractsRefused")}

    def _type(self, name: str) -> GraphQLObjectType:
        found = self._schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    def _object(self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode]) -> Writer:
        parts = [(key, *self._field(type_, nodes)) for key, nodes in self._collect(type_, selections).items()]

        def write(value: Any) -> dict[str, Any]:
            return {key: convert(get(value)) for key, get, convert in parts}

        return write

    def _field(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> tuple[Getter, Writer]:
        name = nodes[0].name.value
        if any(node.name.value != name or node.arguments or node.directives for node in nodes):
            raise NotPlain
        if name == "__typename":
            return (lambda _: type_.name), _as_it_is
        if type_.name == "Contract" and name not in _NAMED:
            raise NotPlain  # needs to be loaded
        field = type_.fields[name]
        named = get_named_type(field.type)
        attribute = _snake(name)

        def get(value: Any) -> Any:
            return getattr(value, attribute)

        if is_leaf_type(named):
            return get, _leaf(named)
        selections = [node.selection_set for node in nodes if node.selection_set]
        if name == "results":
            by_type = {
                _PYTHON[member]: self._object(self._type(member), selections)
                for member in ("ContractRegistered", "ContractConflict", "ContractRefused")
            }
            return get, lambda results: [by_type[type(result)](result) for result in results]
        if not isinstance(named, GraphQLObjectType):
            raise NotPlain
        one = self._object(named, selections)
        if name == "problems":
            return get, lambda problems: [one(problem) for problem in problems]
        return get, one

    def _collect(self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields that apply to a type, by response key, in the order of the specification."""
        found: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection in selections:
            self._gather(type_, selection, found, visited)
        return found

    def _gather(self, type_: GraphQLObjectType, selection: SelectionSetNode, found: dict[str, list[FieldNode]], visited: set[str]) -> None:
        for node in selection.selections:
            if node.directives:
                raise NotPlain
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(type_, node.type_condition.name.value):
                    self._gather(type_, node.selection_set, found, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if fragment.directives:
                    raise NotPlain
                if self._applies(type_, fragment.type_condition.name.value):
                    self._gather(type_, fragment.selection_set, found, visited)

    def _applies(self, type_: GraphQLObjectType, condition: str) -> bool:
        if condition == type_.name:
            return True
        wider: Any = self._schema.type_map[condition]
        return not isinstance(wider, GraphQLObjectType) and self._schema.is_sub_type(wider, type_)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _as_it_is(value: Any) -> Any:
    return value


def _leaf(type_: Any) -> Writer:
    if isinstance(type_, GraphQLEnumType):
        return lambda value: None if value is None else value.name
    write = {"Date": DATE.serialize, "DateTime": DATE_TIME.serialize}.get(type_.name)
    if write is None:
        return _as_it_is
    return lambda value: None if value is None else write(value)


async def written(plan: Plan, answer: ContractsRegistered | ContractsRefused) -> bytes:
    """The answer's JSON, put together in short slices."""
    assert plan.writers is not None
    write = plan.writers[type(answer)]
    if isinstance(answer, ContractsRefused):
        return orjson.dumps({"data": {plan.key: write(answer)}})
    turns = Turns.begin()
    around: dict[str, Any] = write(dataclasses.replace(answer, results=[]))
    lists = [key for key, value in around.items() if isinstance(value, list)]
    pieces: dict[str, list[bytes]] = {key: [] for key in lists}
    for start in range(0, len(answer.results), SLICE) if lists else ():
        part: dict[str, Any] = write(dataclasses.replace(answer, results=answer.results[start : start + SLICE]))
        for key in lists:
            pieces[key].append(orjson.dumps(part[key])[1:-1])
        await turns.pause()
    for key in lists:
        around[key] = orjson.Fragment(b"[" + b",".join(pieces[key]) + b"]")
    return orjson.dumps({"data": {plan.key: around}})


# ── answers through the schema, in slices ────────────────────────────────────────────────────────────────────────────
Execute = Callable[[Context, dict[str, Any]], Any]


async def through_schema(
    plan: Plan,
    answer: ContractsRegistered | ContractsRefused | BaseException,
    context: Context,
    variables: dict[str, Any],
    execute: Execute,
) -> ExecutionResult:
    """Runs the operation over results that are there already, a slice at a time, and puts the lists together."""
    total = len(answer.results) if isinstance(answer, ContractsRegistered) else 0
    whole: ExecutionResult | None = None
    for start in range(0, max(total, 1), SLICE):
        part: Any = answer
        if isinstance(answer, ContractsRegistered):
            part = dataclasses.replace(answer, results=answer.results[start : start + SLICE])
        turn = dataclasses.replace(context, answer=part, loaders={})
        result = await execute(turn, variables)
        errors = [_moved(error, start) for error in result.errors or ()]
        if whole is None:
            whole = ExecutionResult(data=result.data, errors=errors or None)
            continue
        whole.errors = [*(whole.errors or ()), *errors] or None
        into, more = (whole.data or {}).get(plan.key), (result.data or {}).get(plan.key)
        if into is None or more is None:  # something failed that may not be null: the field is null as a whole
            whole.data = {plan.key: None}
            return whole
        for key, value in more.items():
            if isinstance(value, list):
                into[key].extend(value)
    assert whole is not None
    return whole


def _moved(error: GraphQLError, start: int) -> GraphQLError:
    """The error with the place that it has in the whole list: [field, results, index, ...]."""
    path = list(error.path or ())
    if len(path) > 2 and isinstance(path[2], int):
        path[2] += start
        return GraphQLError(error.message, error.nodes, error.source, error.positions, path, error.original_error, error.extensions)
    return error
