"""Contracts through the API, as a site or firm would: register, look one up, list them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from kessai.asking import Api
from kessai.opened import places
from kessai.persons import Person, person
from kessai.screen import PLAIN, Common, console, instant, print_json, table, yen
from kessai.trouble import Trouble
from kessai.world_data import example_contract

app = App(
    name="contract",
    help="""Register contracts and look at them, through the API.

For example:

    kessai contract register --example
    kessai contract show 130/4112
""",
)

REGISTER = """
mutation ($input: RegisterContractInput!) {
  registerContract(input: $input) {
    __typename
    ... on ContractRegistered { alreadyRegistered nextSealingAt debitOn contract { id contractId number site { siteId
    } } }
    ... on ContractConflict { existing { contractId } differing }
    ... on ContractRefused { problems { code message path } }
    ... on Problem { code message path }
  }
}"""

CONTRACT = """
query ($by: ContractKeyInput!) {
  contract(by: $by) {
    id contractId number amount currency registeredAt dueOn viewerRoles site { siteId name }
    seller { name } buyer { name } goods { name model quantity }
    debit { status debitedOn failure { message retryOn } } delivery { status shippedOn } payout { status expectedOn
    settledOn }
    progress { steps { step plannedOn forecastOn actualOn slipDays slipCause } warning { code message } }
  }
}"""

CONTRACTS = """
query ($first: Int, $filter: ContractFilter) {
  contracts(first: $first, filter: $filter, orderBy: { field: REGISTERED_AT, direction: DESC }) {
    count { value exact }
    edges { node { contractId number amount registeredAt site { siteId } seller { name } buyer { name }
      debit { status debitedOn } delivery { status } payout { status } } }
  }
}"""


class RefusedContract(Trouble):
    """The API refused it, for reasons of the contract."""

    exit_status = 3


@app.command
def register(
    file: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    example: Annotated[bool, Parameter(negative="")] = False,
    who: Annotated[str, Parameter(name="--as")] = "site",
    common: Common = PLAIN,
) -> None:
    """Register one contract for a site: an example, or a JSON file with a RegisterContractInput (`-` reads standard
    input).

    For example:

        kessai contract register --example
        kessai contract register contract.json --as 320
        kessai contract register --example --json | jq .contract.contractId

    Parameters
    ----------
    file
        JSON of one RegisterContractInput.

    Example:
        Register a made-up contract from B社 to D社, whose bank has D社's consent.
    who
        Which site: `site` (130) or its number.
    """
    if example == (file is not None):
        raise Trouble("Name a file or say --example", do=("kessai contract register --example",), code="COMMAND")
    content = _example() if file is None else _read(file)
    answer = _ask(person(places(), who), REGISTER, {"input": content})["registerContract"]
    if "problems" in answer or "differing" in answer:
        if common.json:
            print_json(answer)
        _refuse(answer)
    if common.json:
        print_json(answer)
        return
    contract = answer["contract"]
    name = f"{contract['site']['siteId']}/{contract['number']}"
    print(f"{name} {'was registered before' if answer['alreadyRegistered'] else 'registered'}: {contract['contractId']}")
    if answer["debitOn"]:
        print(f"  debit on {answer['debitOn']}; its file is sealed {instant(answer['nextSealingAt'])}")
    print(f"  next: kessai sandbox clock +1d, then kessai contract show {name}")


def _example() -> dict[str, object]:
    import secrets

    return example_contract(f"X{secrets.token_hex(4).upper()}")


def _read(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Trouble(f"{file} cannot be read as JSON", why=str(error)[:200], code="COMMAND") from error


def _refuse(answer: Mapping[str, Any]) -> None:
    if "differing" in answer:
        paths = [".".join(path) for path in answer["differing"]]
        raise RefusedContract(
            "This number is taken by a contract with other content",
            why=f"{answer['existing']['contractId']} differs in {', '.join(paths)}",
            do=("give it another number",),
            code=answer["code"],
        )
    reasons = [f"{'.'.join(problem['path']) or 'contract'}: {problem['message']} [{problem['code']}]" for problem in answer["problems"]]
    raise RefusedContract("The contract is refused; nothing was stored", why="; ".join(reasons), code=answer["code"])


@app.command
def show(which: str, /, *, who: Annotated[str | None, Parameter(name="--as")] = None, common: Common = PLAIN) -> None:
    """Show one contract and its progress.

    For example:

        kessai contract show 130/4102
        kessai contract show 130/4102 --as F社

    Parameters
    ----------
    which
        Site and number (130/4102), or a contract ID.
    who
        As whom one looks (default: its site).
    """
    site, _, number = which.partition("/")
    by: dict[str, Any] = {"number": {"siteId": site, "number": number}} if number else {"contractId": which}
    asker = person(places(), who or (site if number else "site"))
    contract = _ask(asker, CONTRACT, {"by": by})["contract"]
    if contract is None:
        raise RefusedContract(f"{which} is not there, or not for {asker.name} to see", do=("kessai contract list",), code="NOT_FOUND")
    if common.json:
        print_json(contract)
        return
    screen = console()
    goods = ", ".join(" ".join(filter(None, [line["name"], line["model"], f"x{line['quantity']}"])) for line in contract["goods"])
    screen.print(f"{contract['site']['siteId']}/{contract['number']}  {contract['contractId']}  {yen(contract['amount'])} 円")
    screen.print(f"{contract['seller']['name']} -> {contract['buyer']['name']}  {goods}")
    states = [("振替", contract["debit"]["status"]), ("配送", contract["delivery"]["status"])]
    states += [("清算", contract["payout"]["status"])] if contract["payout"] else []
    screen.print("  ".join(f"{name} {status}" for name, status in states))
    rows = [
        [step["step"], step["plannedOn"], step["actualOn"] or "", step["forecastOn"] or "", step["slipDays"] or "", step["slipCause"] or ""]
        for step in contract["progress"]["steps"]
    ]
    screen.print(table(["step", "planned", "actual", "forecast", "slip", "cause"], rows, right=("slip",)))
    if contract["progress"]["warning"]:
        screen.print(f"! {contract['progress']['warning']['message']}")


@app.command(name="list")
def list_(
    *,
    who: Annotated[str, Parameter(name="--as")] = "site",
    debit: str | None = None,
    first: int = 50,
    common: Common = PLAIN,
) -> None:
    """List contracts, newest first, as a site or firm sees them.

    For example:

        kessai contract list
        kessai contract list --as B社 --debit FAILED

    Parameters
    ----------
    who
        As whom one looks: a site's number or a firm's name.
    debit
        Only with this debit status: PENDING, INSTRUCTED, SCHEDULED, DEBITED, FAILED, UNKNOWN ...
    first
        At most so many (up to 200).
    """
    wish = {"first": first, "filter": {"debitStatus": [debit.upper()]} if debit else None}
    found = _ask(person(places(), who), CONTRACTS, wish)["contracts"]
    nodes = [edge["node"] for edge in found["edges"]]
    if common.json:
        print_json({"count": found["count"], "contracts": nodes})
        return
    if not nodes:
        print("No contracts. Register one: kessai contract register --example")
        return
    rows = [
        [
            f"{node['site']['siteId']}/{node['number']}",
            node["contractId"],
            instant(node["registeredAt"]),
            f"{node['seller']['name']} -> {node['buyer']['name']}",
            yen(node["amount"]),
            node["debit"]["status"],
            node["delivery"]["status"],
            node["payout"]["status"] if node["payout"] else "",
        ]
        for node in nodes
    ]
    headings = ["contract", "id", "registered", "seller -> buyer", "yen", "debit", "delivery", "payout"]
    console().print(table(headings, rows, right=("yen",)))
    if found["count"]["value"] > len(nodes) or not found["count"]["exact"]:
        print(f"{len(nodes)} of {found['count']['value']}{'' if found['count']['exact'] else '+'}")


def _ask(asker: Person, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with Api(asker.api) as api:
            token, _ = await api.token(asker.client)
            return await api.graphql(token, document, variables)

    return asyncio.run(run())
