"""People's acts: made twice they change nothing more, and what must not change is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.store import administration, mandates
from domain.store.administration import Account, Bank, Carrier, Fees, NotThere, Party, Refused, Site
from domain.store.connection import reading
from domain.store.mandates import Consent, LineRefusal

MACHINE = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW = datetime(2000, 9, 20, 0, tzinfo=UTC)
BANK = Bank("9990", "C銀行", "ｼ-ｷﾞﾝｺｳ", "directory", {"path": "/srv/9990"})
OTHER = Bank("9991", "B銀行", "ﾋﾞ-ｷﾞﾝｺｳ", "directory", {"path": "/srv/9991"}, direct_debits=True)
CARRIER = Carrier("carrier", "運輸", "https://carrier.test", "whsec_" + "QUJD" * 12)
SITE = Site(130, 1, "130", "carrier")
MAIN = Account(130, "9990", "001", 1, "9130000", "ｻｲﾄ 130", "0000000130", collecting=True, main=True)
BUYER = Consent("9990", "001", 1, "9000001", "paper 1")


@pytest.fixture
async def market(store: None) -> int:
    """Two banks, a carrier, a site with its main account; the account's id."""
    for bank in (BANK, OTHER):
        await administration.create_bank(bank)
    await administration.create_carrier(CARRIER)
    await administration.create_site(SITE)
    return await administration.create_account(MAIN, machine_now=MACHINE)


async def count(sql: str) -> int:
    async with reading() as tx:
        return int(await tx.value(sql))


async def test_acts_may_be_repeated(market: int):
    await administration.create_bank(replace(BANK, name="新C銀行"))
    await administration.create_site(replace(SITE, sweep_days=5))
    assert await administration.create_account(MAIN, machine_now=MACHINE) == market
    banks = {bank["bank_code"]: bank for bank in await administration.list_banks()}
    assert (banks["9990"]["name"], banks["9990"]["address"]) == ("新C銀行", {"path": "/srv/9990"})
    (site,) = await administration.list_sites()
    assert site["sweep_days"] == 5
    assert [(entry["account_number"], entry["use"]) for entry in site["accounts"]] == [("*****00", "main and collecting")]


@pytest.mark.parametrize(
    "account, code",
    [
        (replace(MAIN, site_id=999), "NOT_FOUND"),
        (replace(MAIN, bank_code="9998"), "NOT_FOUND"),
        (replace(MAIN, account_number="913000"), "ACCOUNT"),
        (replace(MAIN, consignor_code="130"), "ACCOUNT"),
        (replace(MAIN, account_type=4), "ACCOUNT"),
        (replace(MAIN, account_number="9130009"), "ACCOUNT"),  # a second main account in the same days
        (replace(MAIN, bank_code="9991"), "ACCOUNT"),
        (replace(MAIN, account_number="9130009", main=False), "ACCOUNT"),  # a second collecting account at the bank
        (replace(MAIN, account_number="9000009", collecting=False, main=False, seller_code="A"), "DIRECT_NOT_POSSIBLE"),
        (replace(MAIN, bank_code="9991", collecting=False, main=False, seller_code="A"), "NOT_FOUND"),
    ],
)
async def test_accounts_that_are_refused(market: int, account: Account, code: str):
    with pytest.raises(Refused) as refused:
        await administration.create_account(account, machine_now=MACHINE)
    assert refused.value.code == code
    assert await count("select count(*) from account") == 1


@pytest.mark.parametrize(
    "change, code",
    [
        ({"account_number": "9130009"}, "CONSIGNOR_TAKEN"),  # the bank knows the first site under this code
        ({"consignor_code": "0000000140"}, "ACCOUNT_TAKEN"),
    ],
)
async def test_two_sites_share_nothing_at_a_bank(market: int, change: dict[str, Any], code: str):
    """Not in one home and not in two: consents and names of files are per consignor, statements per account."""
    for site_id, home in ((131, 1), (141, 2)):
        await administration.create_site(Site(site_id, home, "another", "carrier"))
        with pytest.raises(Refused) as refused:
            await administration.create_account(replace(MAIN, site_id=site_id, **change), machine_now=MACHINE)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "wrong", [{"buyer_fixed": -1}, {"seller_fixed": 10**10}, {"buyer_basis_points": 10_001}, {"seller_basis_points": -1}]
)
async def test_fees_that_are_none(market: int, wrong: dict[str, Any]):
    with pytest.raises(Refused) as refused:
        await administration.set_fees(Fees(130, date(2000, 10, 1), **wrong))
    assert refused.value.code == "FEES"
    assert await count("select count(*) from fee_schedule") == 0


async def test_an_account_follows_another_by_dates(market: int):
    await administration.create_account(replace(MAIN, until_on=date(2000, 12, 31)), machine_now=MACHINE)
    later = replace(MAIN, account_number="9130009", from_on=date(2001, 1, 1))
    assert await administration.create_account(later, machine_now=MACHINE) != market


async def test_a_sellers_own_account_and_the_consent_to_it(market: int):
    await administration.create_party(Party(130, "A", "A社", "千代田区"), machine_now=MACHINE)
    own = Account(130, "9991", "101", 1, "9000001", "Aｼﾔ", "0000009001", seller_code="A")
    assert await administration.create_account(own, machine_now=MACHINE) == await administration.create_account(own, machine_now=MACHINE)
    with pytest.raises(Refused, match="another site or seller"):
        await administration.create_account(replace(own, seller_code=None), machine_now=MACHINE)
    direct = replace(BUYER, bank_code="9991", seller_code="A")
    assert (await mandates.add_mandates(130, [direct], now=NOW, machine_now=MACHINE)).added == 1
    assert (await mandates.list_mandates())[0]["seller_code"] == "A"


async def test_a_home_is_chosen_once(market: int):
    with pytest.raises(Refused) as refused:
        await administration.create_site(replace(SITE, home=2))
    assert refused.value.code == "HOME_FIXED"
    with pytest.raises(NotThere):
        await administration.create_site(replace(SITE, carrier_id="nobody"))


@pytest.mark.parametrize(
    "bank",
    [
        replace(BANK, connector="post"),
        replace(BANK, address={}),
        replace(BANK, connector="sftp", address={"host": "h"}),
        replace(BANK, bank_code="99"),
    ],
)
async def test_banks_that_are_refused(store: None, bank: Bank):
    with pytest.raises(Refused):
        await administration.create_bank(bank)
    assert await count("select count(*) from bank") == 0


async def test_fees_have_dates(market: int):
    await administration.set_fees(Fees(130, date(2000, 9, 1), buyer_fixed=100))
    await administration.set_fees(Fees(130, date(2000, 10, 1), seller_basis_points=250))
    await administration.set_fees(Fees(130, date(2000, 9, 1), buyer_fixed=110))
    (site,) = await administration.list_sites()
    assert [(fee["from_on"], fee["buyer_fixed"], fee["seller_basis_points"]) for fee in site["fees"]] == [
        (date(2000, 9, 1), 110, 0),
        (date(2000, 10, 1), 0, 250),
    ]


async def test_a_party_is_claimed_by_one_firm(market: int):
    await administration.create_party(Party(130, "A", "A社", "千代田区"), machine_now=MACHINE)
    first, second = [await administration.create_firm("A社", now=NOW, machine_now=MACHINE) for _ in range(2)]
    assert await administration.firms_named("A社") == [first, second]
    await administration.claim_party(first, 130, "A")
    await administration.claim_party(first, 130, "A")
    with pytest.raises(Refused) as refused:
        await administration.claim_party(second, 130, "A")
    assert refused.value.code == "PARTY_CLAIMED"
    with pytest.raises(NotThere):
        await administration.claim_party(first, 130, "Z")
    assert [firm["parties"] for firm in await administration.list_firms()] == [["130/A"], []]


async def test_a_secret_is_shown_once_and_stopped_for_good(market: int):
    client_id, secret = await administration.create_client("backend", site_id=130, machine_now=MACHINE)
    assert await administration.client_works(client_id, secret)
    assert not await administration.client_works(client_id, secret + "x")
    async with reading() as tx:
        stored = await tx.row("select * from oauth_client")
    assert stored is not None
    assert secret not in repr(dict(stored))
    assert await administration.stop_client(client_id, machine_now=MACHINE) is True
    assert await administration.stop_client(client_id, machine_now=MACHINE) is False
    assert not await administration.client_works(client_id, secret)
    with pytest.raises(NotThere):
        await administration.stop_client("nobody", machine_now=MACHINE)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"site_id": 130, "firm_id": 1},
        {"site_id": 999},
        {"firm_id": 999},
        {"site_id": 130, "scopes": ("everything",)},
        {"firm_id": 999, "scopes": ("contracts:write",)},
    ],
)
async def test_clients_that_are_refused(market: int, wish: dict[str, object]):
    with pytest.raises(Refused):
        await administration.create_client("x", machine_now=MACHINE, **wish)  # type: ignore[arg-type]
    assert await count("select count(*) from oauth_client") == 0


async def test_consents_begin_end_and_begin_anew(market: int):
    assert (await mandates.add_mandates(130, [BUYER, BUYER], now=NOW, machine_now=MACHINE)).added == 1
    again = await mandates.add_mandates(130, [BUYER], now=NOW, machine_now=MACHINE)
    assert (again.added, again.unchanged) == (0, 1)
    stop = ("9990", "001", 1, "9000001")
    assert await mandates.stop_mandates(130, *stop, because="withdrawn", now=NOW) == 1
    assert [(row["status"], row["stopped_because"]) for row in await mandates.list_mandates(site_id=130)] == [("STOPPED", "withdrawn")]
    assert (await mandates.add_mandates(130, [replace(BUYER, evidence="paper 2")], now=NOW, machine_now=MACHINE)).added == 1
    (row,) = await mandates.list_mandates(status=mandates.ACTIVE)
    assert (row["account_number"], row["evidence"], row["stopped_at"]) == ("*****01", "paper 2", None)
    with pytest.raises(NotThere):
        await mandates.stop_mandates(130, "9990", "001", 1, "9999999", because="", now=NOW)


@pytest.mark.parametrize(
    "consent, field",
    [
        (replace(BUYER, bank_code="999"), "bank_code"),
        (replace(BUYER, bank_code="9991"), "bank_code"),  # the site has no account there
        (replace(BUYER, branch_code="0a1"), "branch_code"),
        (replace(BUYER, account_number="12345678"), "account_number"),
        (replace(BUYER, account_type=4), "account_type"),  # 91 allows no savings account
        (replace(BUYER, bank_code="9900"), "bank_code"),
        (replace(BUYER, limit=0), "limit"),
        (replace(BUYER, limit=10_000_000_000), "limit"),
        (replace(BUYER, evidence=""), "evidence"),
        (replace(BUYER, seller_code="A"), "seller_code"),
    ],
)
async def test_each_bad_consent_says_why_and_the_good_ones_stay(market: int, consent: Consent, field: str):
    taken = await mandates.add_mandates(130, [consent, BUYER], now=NOW, machine_now=MACHINE)
    assert taken.added == 1
    assert [(refusal.line, refusal.field) for refusal in taken.refused] == [(1, field)]


def test_a_csv_is_read_line_by_line():
    good, refused = mandates.read_csv(
        "\ufeffbank_code,branch_code,account_type,account_number,evidence,limit\n"
        '9990,001,普通,9000001,"paper, 1","50,000"\n'
        "\n"
        "9990,001,4,9000002,paper,\n"
        "9990,001,2,9000003,paper,much\n"
        "9990,001,current,9000004,paper,,,\n"
        "9990,001,2,9000005,paper,\n"
    )
    assert [(line, consent.account_number, consent.account_type, consent.limit) for line, consent in good] == [
        (2, "9000001", 1, 50_000),
        (7, "9000005", 2, None),
    ]
    assert [(refusal.line, refusal.field) for refusal in refused] == [(4, "account_type"), (5, "limit"), (6, "")]
    assert all(isinstance(refusal, LineRefusal) for refusal in refused)


@pytest.mark.parametrize("heading", ["", "bank_code,branch_code", "bank_code,branch_code,account_type,account_number,evidence,name"])
def test_a_csv_without_its_heading_is_refused(heading: str):
    with pytest.raises(Refused) as refused:
        mandates.read_csv(heading + "\n9990,001,1,9000001,paper\n")
    assert refused.value.code == "CSV_HEADING"
