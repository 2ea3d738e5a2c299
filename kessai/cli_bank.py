"""Banks: how they are reached, their rules, and sellers' own consignor codes (direct mode)."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from kessai.cli_settings import as_shown, read_changes, rows_of, say_changed, say_found, show_settings, way
from kessai.opened import with_store
from kessai.screen import PLAIN, Common, print_json, show
from kessai.trouble import Trouble

app = App(
    name="bank",
    help="""Keep up banks and sellers' own consignor codes.

For example:

    kessai bank list
    kessai bank add 9994 E銀行 --kana ｲｰｷﾞﾝｺｳ --directory /srv/banks/9994
""",
)

FLAG = Annotated[bool, Parameter(negative="")]
ADDED = {  # what `bank add` says; said again it leaves the other settings, which are `bank set`'s, as they are
    "name", "kana", "connector", "format", "deduplicates", "calendar", "files_per_debit_date", "direct_debits", "debit_deadline", "debit_lead_days",
    "credit_deadline", "credit_lead_days", "result_time",
}  # fmt: skip


@app.command
def add(  # noqa: PLR0913 - each is an option of the command
    code: str,
    name: str,
    /,
    *,
    kana: str,
    directory: Path | None = None,
    sftp: str | None = None,
    key_file: Path | None = None,
    known_host: str | None = None,
    url: str | None = None,
    secret_file: Path | None = None,
    iso20022: FLAG = False,
    deduplicates: FLAG = False,
    every_day: FLAG = False,
    several_files: FLAG = False,
    direct_debits: FLAG = False,
    debit_deadline: str = "12:00",
    debit_lead_days: int = 4,
    credit_deadline: str = "12:00",
    credit_lead_days: int = 1,
    result_time: str = "12:00",
    common: Common = PLAIN,
) -> None:
    """Make a bank known, or change what was agreed with it.

    For example:

        kessai bank add 9994 E銀行 --kana ｲｰｷﾞﾝｺｳ --directory /srv/banks/9994
        kessai bank add 9995 F銀行 --kana ｴﾌｷﾞﾝｺｳ --sftp user@host:22 --key-file key --known-host "ssh-ed25519 AAAA..."
        kessai bank add 9996 G銀行 --kana ｼﾞ-ｷﾞﾝｺｳ --url https://bank.example/kessai --secret-file bank.secret

    Parameters
    ----------
    code
        Bank code, 4 digits.
    name
        Its name, as people read it.
    kana
        Its name in bank files, half-width kana.
    directory
        Where its `in` and `out` are, for a bank that is reached by a directory.
    sftp
        user@host:port, for a bank that is reached by SFTP.
    key_file
        The private key of that user.
    known_host
        The bank's host key; another one is refused.
    url
        Its API, for a bank that is called (docs/bank-api.md).
    secret_file
        A file with the secret that signs both ways, `whsec_` and base64.
    iso20022
        Its files are ISO 20022 messages; else Zengin records.
    deduplicates
        It answers a known name with the first receipt, so the same bytes may go again by themselves.
    every_day
        It works every day; else on bank days.
    several_files
        It takes several debit files for one date.
    direct_debits
        It can credit a seller's own account (direct mode).
    debit_deadline
        When a debit file must be there.
    debit_lead_days
        So many days before the debit date.
    credit_deadline
        When a file of credits must be there.
    credit_lead_days
        So many days before their date.
    result_time
        When results come, on the day after the debit.
    """
    from domain.bank_settings import MAX_CALL_LINES, SETTINGS
    from domain.money import MAX_BATCH_LINES
    from domain.statuses import CalendarKind, FilesPerDate
    from domain.store.administration import Bank, create_bank, list_banks

    connector, address = way(
        "bank", directory=directory, sftp=sftp, key_file=key_file, known_host=known_host, url=url, secret_file=secret_file
    )
    entry = Bank(
        code,
        name,
        kana,
        connector,
        address,
        format="json" if url is not None else "iso20022" if iso20022 else "zengin",
        max_lines=MAX_CALL_LINES if url is not None else MAX_BATCH_LINES,
        deduplicates=deduplicates,
        calendar=int(CalendarKind.EVERY_DAY if every_day else CalendarKind.BANK_DAYS),
        files_per_debit_date=int(FilesPerDate.SEVERAL if several_files else FilesPerDate.ONE),
        direct_debits=direct_debits,
        debit_deadline=_time(debit_deadline),
        debit_lead_days=debit_lead_days,
        credit_deadline=_time(credit_deadline),
        credit_lead_days=credit_lead_days,
        result_time=_time(result_time),
    )

    async def work() -> None:
        known = next((bank for bank in await list_banks() if bank["bank_code"] == code), None)
        kept = {} if known is None else {s.name: known[s.name] for s in SETTINGS if s.name not in ADDED}
        if url is not None and known is not None:
            kept["max_lines"] = min(known["max_lines"], MAX_CALL_LINES)
        await create_bank(replace(entry, **kept))

    with_store(work)
    if common.json:
        print_json({"bank": code})
    else:
        print(f"Bank {code} is known. Next: kessai site account SITE --bank {code} ...")


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Trouble(f"{text!r} is not a time of day", do=("write 12:00",), code="COMMAND") from None


@app.command
def consignor(  # noqa: PLR0913 - each is an option of the command
    site: int,
    seller: str,
    /,
    *,
    bank: str,
    branch: str,
    number: str,
    holder: str,
    code: str,
    current: FLAG = False,
    common: Common = PLAIN,
) -> None:
    """Name a seller's own account and consignor code at a bank, so that buyers there can pay directly (direct mode).

    For example:

        kessai bank consignor 130 A --bank 9990 --branch 001 --number 9000001 --holder Aｼﾔ --code 0000009001

    Parameters
    ----------
    site
        The site's number.
    seller
        The seller's party code at that site.
    bank
        Bank code, 4 digits; the bank must be able to (`--direct-debits`).
    branch
        Branch code, 3 digits.
    number
        Account number, 7 digits.
    holder
        Its holder, in kana.
    code
        The seller's consignor code there, 10 digits.
    current
        A current account (当座); else an ordinary one (普通).
    """
    from domain.store.administration import Account, create_account
    from kessai.opened import machine_now

    entry = Account(site, bank, branch, 2 if current else 1, number, holder, code, seller_code=seller)
    account_id = with_store(lambda: create_account(entry, machine_now=machine_now()))
    if common.json:
        print_json({"account_id": f"{account_id:018d}"})
    else:
        print(f"Seller {site}/{seller} can be paid directly at bank {bank}. Buyers there need a mandate: kessai mandate add")


@app.command(name="show")
def show_(code: str, /, *, common: Common = PLAIN) -> None:
    """Show everything that is set about a bank, with its meaning.

    For example:

        kessai bank show 9992
        kessai bank show 9992 --json

    Parameters
    ----------
    code
        Bank code, 4 digits.
    """
    from domain import bank_settings
    from domain.store.administration import NotThere, list_banks

    banks = {bank["bank_code"]: bank for bank in with_store(list_banks)}
    if code not in banks:
        raise NotThere("bank", code)
    bank = banks[code]
    rows = rows_of(bank_settings.SETTINGS, bank, bank_settings.shown_name)
    if common.json:
        print_json({"bank": code, "settings": rows, "problem": bank["problem"]})
        return
    show_settings(common, rows)
    if bank["problem"]:
        print(f"\nIt was not reached when we looked last: {bank['problem']}")


@app.command(name="set")
def set_(code: str, /, *changes: str, common: Common = PLAIN) -> None:
    """Change settings of a bank. They hold for what is sealed or read after it; nothing is changed if one of them cannot be.

    For example:

        kessai bank set 9992 result_shape=failed_only reader=tolerant
        kessai bank set 9992 debit_deadline=15:00 debit_lead_days=2 shift_rule=previous
        kessai bank set 9992 connector=directory address.path=/srv/banks/9992

    Parameters
    ----------
    code
        Bank code, 4 digits.
    changes
        name=value, as many as you like; `kessai bank show CODE` lists the names and what each may be.
    """
    from domain import bank_settings
    from domain.store.bank_changes import Changed, change_bank
    from kessai.opened import business_now, machine_now

    if not changes:
        raise Trouble("Say what to change: name=value", do=(f"kessai bank show {code}",), code="COMMAND")
    wanted = read_changes(changes, bank_settings.read_change, f"kessai bank show {code}")

    async def work() -> Changed:
        return await change_bank(code, wanted, now=await business_now(), machine_now=machine_now())

    changed = with_store(work)
    settings = bank_settings.SETTINGS
    shown = {
        bank_settings.shown_name(name): (as_shown(settings, name, before), as_shown(settings, name, after))
        for name, (before, after) in changed.settings.items()
    }
    if common.json:
        print_json({"bank": code, "changed": shown, "released": changed.released})
        return
    say_changed(shown)
    if changed.released:
        print(f"{changed.released} contracts that were too large for a line go with the next files.")


@app.command(name="test")
def look_over_(code: str, /, *, common: Common = PLAIN) -> int:
    """Look a bank over: connection, keys, names, calendar, consignors, files. Sends nothing, and says what would fail.

    Exit status 0 if nothing would fail, 1 if something would, 2 if there is no such bank or no world.

    For example:

        kessai bank test 9992
        kessai bank test 9992 --json

    Parameters
    ----------
    code
        Bank code, 4 digits.
    """
    from domain.store.administration import NotThere
    from kessai.bank_check import look_over
    from kessai.looking_over import Finding
    from kessai.opened import business_now

    async def work() -> list[Finding]:
        return await look_over(code, await business_now())

    try:
        found = with_store(work)
    except NotThere as error:
        raise Trouble(
            error.reason[:1].upper() + error.reason[1:], do=("kessai bank list", "kessai bank add CODE NAME ..."), code=error.code
        ) from None
    return say_found(common, "bank", code, found)


@app.command(name="list")
def list_(*, common: Common = PLAIN) -> None:
    """List the banks, their rules, and whether they can be reached.

    For example:

        kessai bank list
    """
    from domain.store.administration import list_banks

    found = with_store(list_banks)
    columns = (("bank", "bank_code"), ("name", "name"), ("by", "connector"), ("format", "format"), ("deduplicates", "deduplicates"))
    more = (("91 until", "debit_deadline"), ("days", "debit_lead_days"), ("21 until", "credit_deadline"), ("days ", "credit_lead_days"))
    show(common, found, (*columns, *more, ("problem", "problem")), empty="No banks. kessai up makes four.")
