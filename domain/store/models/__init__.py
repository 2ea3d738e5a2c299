"""The tables as Tortoise models: for look-ups and small writes by people's commands. Runs use the bulk statements beside this file.

Most home tables have composite keys, which Tortoise does not know: `pk` is only the column that it needs. Never `save()`, `delete()` or
`get(pk)` on them; always `.filter(home=..., ...)`. The real keys, checks and partitions stand in `migrations/first.sql`; a test compares.
"""

from __future__ import annotations

from tortoise.models import Model

from domain.store.models.contracts import (
    Batch,
    BatchFact,
    Contract,
    ContractNumber,
    ContractState,
    DeliveryRecord,
    Event,
    Line,
    Parked,
    Sweep,
    SweepPart,
    Work,
)
from domain.store.models.incoming import (
    Lease,
    ListedException,
    Outbox,
    Posting,
    Reply,
    ReplyBody,
    ReplyLine,
    Statement,
    StatementLine,
    Stream,
    StreamHead,
)
from domain.store.models.reference import (
    Account,
    Bank,
    BankPoll,
    BusinessClock,
    Carrier,
    FeeSchedule,
    Firm,
    IdHead,
    Mandate,
    OauthClient,
    OauthKey,
    Party,
    PartyAccount,
    Site,
)

ALL: tuple[type[Model], ...] = (
    BusinessClock,
    Carrier,
    Site,
    FeeSchedule,
    Bank,
    BankPoll,
    Firm,
    OauthClient,
    OauthKey,
    IdHead,
    Party,
    PartyAccount,
    Account,
    Mandate,
    ContractNumber,
    Contract,
    DeliveryRecord,
    ContractState,
    Event,
    Batch,
    Work,
    BatchFact,
    Parked,
    Line,
    Sweep,
    SweepPart,
    Posting,
    StreamHead,
    Stream,
    Reply,
    ReplyBody,
    ReplyLine,
    Statement,
    StatementLine,
    ListedException,
    Outbox,
    Lease,
)
