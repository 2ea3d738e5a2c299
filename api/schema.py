"""The public schema, put together. `schema.graphql` in the project's root is its committed form; a test compares."""

from __future__ import annotations

import strawberry
from graphql import build_schema, lexicographic_sort_schema, print_schema
from strawberry.schema.config import StrawberryConfig

from api.claims import ClaimMutations
from api.documents import Schema
from api.live.wish import Subscription
from api.party import PartyMutations
from api.queries import Query
from api.register import RegistrationMutations
from api.scalars import SCALARS
from api.types.contract import Contract, ContractEvent
from api.types.settlement import Settlement, SettlementEvent
from api.webhooks.mutations import WebhookMutations
from api.webhooks.notifications import NotificationMutations
from api.webhooks.types import Webhook


@strawberry.type(description="What changes something. Refusals are answers: members of the result's union.")
class Mutation(RegistrationMutations, PartyMutations, ClaimMutations, WebhookMutations, NotificationMutations):
    """The rooms' mutations, put together."""


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Contract, ContractEvent, Settlement, SettlementEvent, Webhook],
    # Suggestions ("Did you mean ...") rebuild the schema for whoever has no right to read it.
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
)


def sdl() -> str:
    """The schema as text, sorted."""
    # Sorted here and not by Strawberry's `sort_schema`, which rebuilds the enums of the running schema without Python's members.
    return print_schema(lexicographic_sort_schema(build_schema(schema.as_str()))) + "\n"
