"""Operations, parsed and validated once. Strawberry's own caches key on rule classes and are easily made useless."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, OperationDefinitionNode, parse, specified_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from api.errors import ApiError, ErrorCode
from api.limits.price import Priced, Prices
from api.limits.shape import check_shape, only_schema
from api.options import Limits

if TYPE_CHECKING:
    from api.context import Context


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A document that is good, with its operations by name."""

    text: str
    document: DocumentNode
    operations: dict[str | None, OperationDefinitionNode]
    priced: dict[str | None, Priced]
    fixed: dict[str | None, bool]

    def is_fixed(self, operation: OperationDefinitionNode) -> bool:
        """Whether an operation asks for nothing but the schema: no data, no rights, no clock."""
        return self.fixed[operation.name.value if operation.name else None]

    def price(self, operation: OperationDefinitionNode) -> Priced:
        """What one of its operations costs."""
        return self.priced[operation.name.value if operation.name else None]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises OPERATION_RESOLUTION_FAILURE when the name leaves it open or names none."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = self.operations.get(name)
        if found is None or (name is None and len(self.operations) > 1):
            raise ApiError(
                ErrorCode.OPERATION_RESOLUTION_FAILURE,
                "The document has several operations: say which in `operationName`."
                if name is None
                else f"The document has no operation named {name[:80]!r}.",
                japanese="文書に操作が複数あります。`operationName` で指定してください。"
                if name is None
                else f"{name[:80]!r} という名前の操作はありません。",
            )
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Faulty:
    """A document that does not parse or does not fit the schema, with what is said about it."""

    code: ErrorCode
    errors: tuple[GraphQLError, ...]


AT_ONCE = 2_000  # characters that are judged where they are asked for
THREADS = 2
LONGER = re.compile(r"Syntax Error: (Document|Source) contains more than (\d+) (tokens|comments|code points)\. ")


class Documents:
    """The operations that one process has seen, the latest ones kept."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits = schema, limits
        self._prices = Prices(schema, limits)
        self._known: OrderedDict[str, Prepared | Faulty] = OrderedDict()
        self._judging = asyncio.Semaphore(THREADS)

    async def prepared(self, text: str) -> Prepared | Faulty:
        """As `prepare`; a long operation that is new is judged in a thread, few at a time, so that nobody waits for it."""
        if len(text) <= AT_ONCE or text in self._known:
            return self.prepare(text)
        async with self._judging:
            return self._known.get(text) or self._remember(text, await asyncio.to_thread(self._make, text))

    def prepare(self, text: str) -> Prepared | Faulty:
        """Parses and validates, or remembers having done so."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        return self._remember(text, self._make(text))

    def _remember(self, text: str, made: Prepared | Faulty) -> Prepared | Faulty:
        if len(text) <= self._limits.document_chars:
            self._known[text] = made
            if len(self._known) > self._limits.documents:
                self._known.popitem(last=False)
        return made

    def _make(self, text: str) -> Prepared | Faulty:
        limits = self._limits
        try:
            document = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments, max_source_length=limits.document)
            check_shape(document, limits)
        except GraphQLSyntaxError as error:
            if longer := LONGER.match(error.message):
                return Faulty(ErrorCode.TOO_MANY_TOKENS, (_too_long(int(longer[2]), longer[3]),))
            return Faulty(ErrorCode.GRAPHQL_PARSE_FAILED, (error,))
        except ApiError as error:
            return Faulty(error.code, (error,))
        errors = validate_document(self._schema, document, tuple(specified_rules))
        if errors:
            return Faulty(ErrorCode.GRAPHQL_VALIDATION_FAILED, tuple(errors))
        operations = {
            node.name.value if node.name else None: node for node in document.definitions if isinstance(node, OperationDefinitionNode)
        }
        priced = {name: self._prices.of(document, node) for name, node in operations.items()}
        fixed = {name: only_schema(document, node) for name, node in operations.items()}
        return Prepared(text, document, operations, priced, fixed)


def _too_long(limit: int, of: str) -> ApiError:
    """TOO_MANY_TOKENS, with the number."""
    words = {"tokens": "トークン", "comments": "コメント", "code points": "文字"}
    return ApiError(
        ErrorCode.TOO_MANY_TOKENS,
        f"An operation has at most {limit:,} {of.replace('code points', 'characters')}.",
        japanese=f"操作に書ける{words[of]}は {limit:,} までです。",
        limit=limit,
    )


class AsPrepared(SchemaExtension):
    """Hands the prepared document of the request to Strawberry, which then neither parses nor validates again."""

    def on_parse(self) -> Iterator[None]:
        """Gives the document."""
        context: Context = self.execution_context.context
        if context.prepared is not None:
            self.execution_context.graphql_document = context.prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Says that it is valid."""
        context: Context = self.execution_context.context
        if context.prepared is not None:
            self.execution_context.pre_execution_errors = []
        yield


class Schema(strawberry.Schema):
    """Strawberry's schema with prepared documents, and without its habit of logging each error with a traceback."""

    def get_extensions(self, sync: bool = False) -> list[SchemaExtension]:  # noqa: FBT001, FBT002
        """Those that were given, and ours."""
        return [AsPrepared(), *super().get_extensions(sync)]

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Nothing: `api.masking` writes one line for what nobody planned for, without variables."""
