"""What a registration is checked against: the schema, the limits, trusted documents, and where hooks may go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLSchema, OperationType

from api.context import Context
from api.documents import Documents, Faulty, Prepared
from api.errors import ApiError, ErrorCode, HttpRefusal
from api.live.operations import Asked, Refused, wish_of
from api.masking import entries
from api.options import Limits
from api.trusted import HASH, Trusted
from domain.hook_address import Where, problem_of
from domain.problems import InputProblem, ProblemCode
from domain.store.hooks import Content

LONGEST_VARIABLES = 10_000  # characters of their JSON
SHOWN = 5  # of the mistakes in a document
THROUGH = frozenset({ErrorCode.INSUFFICIENT_SCOPE.value, ErrorCode.UNAVAILABLE.value, ErrorCode.INTERNAL.value})


@dataclass(frozen=True, slots=True)
class Desk:
    """One per process. `mails`: whether this server can send mail."""

    core: GraphQLSchema
    documents: Documents
    trusted: Trusted
    limits: Limits
    where: Where
    mails: bool

    def address_problems(self, url: str) -> list[InputProblem]:
        """What is wrong with an address, as far as its text tells; each connection is looked at again."""
        found = problem_of(url, self.where)
        if found is None:
            return []
        return [InputProblem(ProblemCode.ADDRESS_NOT_ALLOWED, found.english, found.japanese, ("url",))]

    async def content_of(self, context: Context, document: str, variables: object) -> Content | list[InputProblem]:
        """What a stored operation means for this caller, or what is wrong with it.

        It runs as on a socket: `after` in it says from where on the webhook is told. Raises ApiError INSUFFICIENT_SCOPE.
        """
        if not isinstance(variables, dict | None):
            return [_document("Variables are a JSON object.", "variables は JSON オブジェクトで指定してください。", "variables")]
        given: dict[str, Any] = variables or {}
        if len(json.dumps(given)) > LONGEST_VARIABLES:
            return [_document(f"Variables have at most {LONGEST_VARIABLES} characters.", "variables が長すぎます。", "variables")]
        try:
            named = HASH.match(document.lower()) is not None
            text = self.trusted.text(None, document, None) if named else self.trusted.text(document, None, None)
        except HttpRefusal as refused:
            return [_document(refused.message, refused.japanese or refused.message)]
        prepared = self._prepared(context, text, given)
        if not isinstance(prepared, Prepared):
            return prepared
        inner = replace(context, prepared=prepared, loaders={}, answer=None, cost=None)
        try:
            wish = await wish_of(self.core, Asked(text, None, given), inner, prepared)
        except Refused as refusal:
            return _refusals(refusal)
        start = wish.start
        return Content(
            document=text,
            variables=given,
            language=context.language,
            settlements=wish.settlements,
            contract_id=wish.contract_id,
            only_site=wish.site_id,
            homes=wish.scope.homes,
            spots=start.spots,
        )

    def _prepared(self, context: Context, text: str, variables: Mapping[str, Any]) -> Prepared | list[InputProblem]:
        found = self.documents.prepare(text)
        if isinstance(found, Faulty):
            told = entries(found.errors[:SHOWN], context.request_id, fallback=found.code)
            return [_document(one["message"], one["message"]) for one in told]
        operations = list(found.operations.values())
        if len(operations) != 1 or operations[0].operation is not OperationType.SUBSCRIPTION:
            return [
                _document(
                    "A webhook's document has one operation, and that is a subscription.",
                    "文書には subscription を 1 つだけ書いてください。",
                )
            ]
        try:
            found.price(operations[0]).check(variables, self.limits)
        except ApiError as error:
            return [_document(error.message, error.japanese or error.message)]
        return found


def _document(english: str, japanese: str, where: str = "document") -> InputProblem:
    return InputProblem(ProblemCode.DOCUMENT_NOT_POSSIBLE, english, japanese, (where,))


def _refusals(refusal: Refused) -> list[InputProblem]:
    """Why the operation would not begin on a socket. What is no matter of the document is raised."""
    problems = []
    for one in refusal.errors:
        more = dict(one["extensions"])
        code = more.pop("code")
        if code in THROUGH:
            more.pop("requestId", None)
            raise ApiError(ErrorCode(code), one["message"], **more)
        missing = code == ErrorCode.NOT_FOUND.value
        problems.append(
            InputProblem(
                ProblemCode.NOT_FOUND if missing else ProblemCode.DOCUMENT_NOT_POSSIBLE, one["message"], one["message"], ("variables",)
            )
        )
    return problems
