"""Figures 8 and 9 of the patent, asked of the API as the firm that may see them, and shown as tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.table import Table

from kessai.asking import Api
from kessai.credentials import Client
from kessai.screen import table, yen

STEPS = {
    "ACCEPTED": "受付",
    "DEBITED": "振替",
    "DELIVERY_INSTRUCTED": "配送指示",
    "SHIPPED": "発送",
    "SETTLED": "清算",
}

PROGRESS = """
query ($by: ContractKeyInput!) {
  contract(by: $by) {
    number amount site { siteId } seller { name } buyer { name } viewerRoles payout { status }
    debit { status debitedOn failure { reason } } delivery { status shippedOn }
    progress { steps { step plannedOn forecastOn actualOn slipDays slipCause } warning { code message } }
  }
}"""

SETTLEMENTS = """
query {
  settlements(first: 200) {
    count { value exact }
    edges { node { siteId number debitedOn settledOn settledAmount expectedAmount expectedOn currency status } }
  }
}"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with a program of his own, and a token while it lasts."""

    api: Api
    name: str
    client: Client

    async def ask(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """An answer, in Japanese where there are words."""
        token, _ = await self.api.token(self.client)
        return await self.api.graphql(token, document, variables, language="ja")

    async def contract(self, number: str) -> dict[str, Any] | None:
        """Figure 8's answer for a contract (site/number)."""
        site, _, of_site = number.partition("/")
        answer = await self.ask(PROGRESS, {"by": {"number": {"siteId": site, "number": of_site}}})
        found: dict[str, Any] | None = answer["contract"]
        return found

    async def settlements(self) -> list[dict[str, Any]]:
        """Figure 9's answer: the rows in their order."""
        answer = await self.ask(SETTLEMENTS)
        return [edge["node"] for edge in answer["settlements"]["edges"]]


def short_date(text: str | None) -> str:
    """As the figures write dates: 00-09-24."""
    return "" if text is None else date.fromisoformat(text).strftime("%y-%m-%d")


def figure_8(contract: dict[str, Any], who: str) -> Table:
    """The progress of one contract: planned and actual dates, and why a step slips."""
    rows = [
        [
            STEPS[step["step"]],
            short_date(step["plannedOn"]),
            short_date(step["actualOn"]) or "未" + STEPS[step["step"]],
            short_date(step["forecastOn"]) if step["actualOn"] is None else "",
            f"+{step['slipDays']}" if step["slipDays"] > 0 else step["slipDays"] or "",
            step["slipCause"] or "",
        ]
        for step in contract["progress"]["steps"]
    ]
    title = f"{who} から見た {contract['site']['siteId']}/{contract['number']} の進捗 (figure 8)"
    return table(["段階", "予定日", "実行日", "見込み", "遅れ", "理由"], rows, title=title, right=("遅れ",))


def figure_9(settlements: list[dict[str, Any]], who: str) -> Table:
    """A seller's settlements over all sites; the amount stays empty until it is settled."""
    rows = [
        [
            f"{row['siteId']}/{row['number']}",
            short_date(row["debitedOn"]),
            short_date(row["settledOn"]) or "未清算",
            yen(row["settledAmount"]),
        ]
        for row in settlements
    ]
    return table(
        ["site/number", "振替実行日", "清算完了日", "金額（円）"], rows, title=f"{who} の清算状況 (figure 9)", right=("金額（円）",)
    )
