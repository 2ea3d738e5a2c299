"""Reference data, people and programs, parties and accounts. See the package for what these models are for."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model


class BusinessClock(Model):
    """One row; without sandbox it stays at offset 0 (settlement rule 8)."""

    id = fields.SmallIntField(primary_key=True, generated=False)
    standing_at = fields.DatetimeField(null=True)
    offset_us = fields.BigIntField()
    moves = fields.BigIntField()
    sandbox = fields.BooleanField()

    class Meta:
        table = "business_clock"


class Carrier(Model):
    """Table `carrier`."""

    carrier_id = fields.CharField(max_length=255, primary_key=True)
    name = fields.TextField()
    url = fields.TextField(null=True)
    secret = fields.TextField(null=True)
    calendar = fields.SmallIntField()
    ship_days = fields.SmallIntField()
    overdue_days = fields.SmallIntField()
    deduplicates = fields.BooleanField()
    connector = fields.TextField()
    address: fields.JSONField[Any] = fields.JSONField()
    billing_code = fields.TextField(null=True)
    status_words: fields.JSONField[Any] = fields.JSONField()

    class Meta:
        table = "carrier"


class CarrierPoll(Model):
    """When a carrier's out/ was last looked through."""

    carrier_id = fields.CharField(max_length=255, primary_key=True)
    machine_at = fields.DatetimeField()
    moves = fields.BigIntField()
    problem = fields.TextField(null=True)
    failures = fields.IntField()

    class Meta:
        table = "carrier_poll"


class Site(Model):
    """Table `site`."""

    site_id = fields.IntField(primary_key=True, generated=False)
    home = fields.SmallIntField()
    name = fields.TextField()
    carrier_id = fields.TextField(null=True)
    calendar = fields.SmallIntField()
    delivery_days = fields.SmallIntField()
    sweep_days = fields.SmallIntField()
    ship_before_acceptance = fields.BooleanField()
    shift_rule = fields.SmallIntField()
    debit_attempts = fields.SmallIntField()

    class Meta:
        table = "site"


class SiteRoute(Model):
    """One rule of a site: which carrier its goods go with."""

    site_id = fields.IntField(primary_key=True, generated=False)
    place = fields.IntField()
    postal_code = fields.TextField(null=True)
    prefecture = fields.TextField(null=True)
    goods = fields.TextField(null=True)
    carrier_id = fields.TextField()

    class Meta:
        table = "site_route"


class FeeSchedule(Model):
    """Table `fee_schedule`."""

    site_id = fields.IntField(primary_key=True, generated=False)
    from_on = fields.DateField()
    buyer_fixed = fields.BigIntField()
    buyer_basis_points = fields.IntField()
    seller_fixed = fields.BigIntField()
    seller_basis_points = fields.IntField()

    class Meta:
        table = "fee_schedule"


class Bank(Model):
    """Table `bank`."""

    bank_code = fields.CharField(max_length=4, primary_key=True)
    name = fields.TextField()
    kana = fields.TextField()
    connector = fields.TextField()
    format = fields.TextField()
    address: fields.JSONField[Any] = fields.JSONField()
    deduplicates = fields.BooleanField()
    calendar = fields.SmallIntField()
    shift_rule = fields.SmallIntField()
    debit_deadline = fields.TimeField()
    debit_lead_days = fields.SmallIntField()
    credit_deadline = fields.TimeField()
    credit_lead_days = fields.SmallIntField()
    seal_before_minutes = fields.SmallIntField()
    result_days = fields.SmallIntField()
    result_time = fields.TimeField()
    statement_time = fields.TimeField()
    overdue_days = fields.SmallIntField()
    files_per_debit_date = fields.SmallIntField()
    accepts_ahead_days = fields.SmallIntField()
    payout_days = fields.SmallIntField()
    direct_debits = fields.BooleanField()
    failed_only = fields.BooleanField()
    framing = fields.TextField()
    encoding = fields.TextField()
    tolerant = fields.BooleanField()
    max_lines = fields.IntField()
    max_yen = fields.BigIntField()
    max_line_yen = fields.BigIntField()
    scheduled_debits = fields.BooleanField()
    splits_fees = fields.BooleanField()
    recalls = fields.BooleanField()
    statements = fields.BooleanField()
    approves_totals = fields.BooleanField()

    class Meta:
        table = "bank"


class BankPoll(Model):
    """When a bank's out/ was last looked through."""

    bank_code = fields.CharField(max_length=4, primary_key=True)
    machine_at = fields.DatetimeField()
    moves = fields.BigIntField()
    problem = fields.TextField(null=True)
    failures = fields.IntField()

    class Meta:
        table = "bank_poll"


class Firm(Model):
    """Table `firm`."""

    firm_id = fields.BigIntField(primary_key=True, generated=False)
    name = fields.TextField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "firm"


class Person(Model):
    """Who signs in [0032]: of one firm, or an operator."""

    user_id = fields.BigIntField(primary_key=True, generated=False)
    name = fields.TextField()
    firm_id = fields.BigIntField(null=True)
    operator = fields.BooleanField()
    password_hash = fields.TextField(null=True)
    subject = fields.TextField(null=True)
    machine_at = fields.DatetimeField()
    stopped_at = fields.DatetimeField(null=True)

    class Meta:
        table = "person"


class OauthClient(Model):
    """Programs: of a site, of a firm, or a frontend through which people come."""

    client_id = fields.CharField(max_length=255, primary_key=True)
    name = fields.TextField()
    secret_hash = fields.BinaryField(null=True)
    public_jwks: fields.JSONField[Any] = fields.JSONField(null=True)
    site_id = fields.IntField(null=True)
    firm_id = fields.BigIntField(null=True)
    scopes: Any = ArrayField(element_type="text")
    redirect_uris: Any = ArrayField(element_type="text")
    external = fields.BooleanField()
    machine_at = fields.DatetimeField()
    stopped_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_client"


class OauthKey(Model):
    """Signing keys of access tokens: the newest that may sign does, all that are not retired verify."""

    kid = fields.CharField(max_length=255, primary_key=True)
    private_jwk: fields.JSONField[Any] = fields.JSONField()
    machine_at = fields.DatetimeField()
    signs_from = fields.DatetimeField(null=True)
    retired_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_key"


class BrowserSession(Model):
    """Somebody who is signed in on the pages."""

    session_hash = fields.CharField(max_length=255, primary_key=True)
    user_id = fields.BigIntField()
    machine_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "browser_session"


class Consent(Model):
    """What a person lets a frontend do."""

    user_id = fields.BigIntField()
    client_id = fields.CharField(max_length=255, primary_key=True)
    scopes: Any = ArrayField(element_type="text")
    machine_at = fields.DatetimeField()

    class Meta:
        table = "consent"


class OauthFamily(Model):
    """One consent's tokens: they end together."""

    family_id = fields.CharField(max_length=255, primary_key=True)
    client_id = fields.TextField()
    user_id = fields.BigIntField()
    machine_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_family"


class OauthCode(Model):
    """Authorization codes: one minute, one try."""

    code_hash = fields.CharField(max_length=255, primary_key=True)
    family_id = fields.TextField()
    redirect_uri = fields.TextField()
    scope = fields.TextField()
    challenge = fields.TextField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_code"


class OauthRefresh(Model):
    """Refresh tokens: each is used once, a second use ends the family."""

    token_hash = fields.CharField(max_length=255, primary_key=True)
    family_id = fields.TextField()
    scope = fields.TextField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_refresh"


class OauthRevocation(Model):
    """Whose access tokens are refused until the last of them has expired: token:, family:, user:."""

    subject = fields.CharField(max_length=255, primary_key=True)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "oauth_revocation"


class OauthAssertion(Model):
    """Private_key_jwt: each assertion is good once."""

    client_id = fields.TextField()
    jti_hash = fields.CharField(max_length=255, primary_key=True)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "oauth_assertion"


class Throttle(Model):
    """Tries to sign in, by name, address and both; the key is a hash."""

    key = fields.CharField(max_length=255, primary_key=True)
    tries = fields.IntField()
    since = fields.DatetimeField()

    class Meta:
        table = "throttle"


class IdHead(Model):
    """Table `id_head`."""

    home = fields.SmallIntField(primary_key=True, generated=False)
    next = fields.BigIntField()

    class Meta:
        table = "id_head"


class Party(Model):
    """Table `party`."""

    home = fields.SmallIntField()
    party_id = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField()
    code = fields.TextField()
    name = fields.TextField()
    postal_code = fields.TextField(null=True)
    address = fields.TextField()
    firm_id = fields.BigIntField(null=True)

    class Meta:
        table = "party"


class Invitation(Model):
    """Opens one party to one firm, once (records)."""

    token_hash = fields.CharField(max_length=255, primary_key=True)
    home = fields.SmallIntField()
    party_id = fields.BigIntField()
    site_id = fields.IntField()
    machine_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    accepted_at = fields.DatetimeField(null=True)
    firm_id = fields.BigIntField(null=True)
    user_id = fields.BigIntField(null=True)
    withdrawn_at = fields.DatetimeField(null=True)

    class Meta:
        table = "invitation"


class ClaimRelease(Model):
    """A claim that two operators let go: one asks, another agrees (I18)."""

    home = fields.SmallIntField()
    release_id = fields.BigIntField(primary_key=True, generated=False)
    party_id = fields.BigIntField()
    firm_id = fields.BigIntField()
    asked_by = fields.BigIntField()
    machine_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    approved_by = fields.BigIntField(null=True)
    approved_at = fields.DatetimeField(null=True)
    withdrawn_at = fields.DatetimeField(null=True)

    class Meta:
        table = "claim_release"


class PartyAccount(Model):
    """An account as a contract named it; rows are never changed."""

    home = fields.SmallIntField()
    party_account_id = fields.BigIntField(primary_key=True, generated=False)
    party_id = fields.BigIntField()
    bank_code = fields.CharField(max_length=4)
    branch_code = fields.CharField(max_length=3)
    account_type = fields.SmallIntField()
    account_number = fields.CharField(max_length=7)
    holder = fields.TextField()

    class Meta:
        table = "party_account"


class Account(Model):
    """An account that we debit into or pay from."""

    home = fields.SmallIntField()
    account_id = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField()
    party_id = fields.BigIntField(null=True)
    bank_code = fields.CharField(max_length=4)
    branch_code = fields.CharField(max_length=3)
    account_type = fields.SmallIntField()
    account_number = fields.CharField(max_length=7)
    holder = fields.TextField()
    consignor_code = fields.CharField(max_length=10)
    collecting = fields.BooleanField()
    main = fields.BooleanField()
    from_on = fields.DateField()
    until_on = fields.DateField(null=True)
    booked = fields.BigIntField()
    reserved = fields.BigIntField()
    overdraft_break = fields.DatetimeField(null=True)

    class Meta:
        table = "account"


class Mandate(Model):
    """A buyer's consent per (account, consignor) [0018]."""

    home = fields.SmallIntField()
    mandate_id = fields.BigIntField(primary_key=True, generated=False)
    account_id = fields.BigIntField()
    bank_code = fields.CharField(max_length=4)
    branch_code = fields.CharField(max_length=3)
    account_type = fields.SmallIntField()
    account_number = fields.CharField(max_length=7)
    status = fields.SmallIntField()
    limit_amount = fields.BigIntField(null=True)
    evidence = fields.TextField()
    since_at = fields.DatetimeField()
    stopped_at = fields.DatetimeField(null=True)
    stopped_because = fields.TextField(null=True)

    class Meta:
        table = "mandate"
