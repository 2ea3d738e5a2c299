"""Every status and code of the house, once: the value is what the database stores, the name is what the API shows.

The values are stored for ever and must never be given a new meaning; a new member takes a new number. Which moves
between statuses are allowed is the business of `domain.machines`.
"""

from enum import IntEnum


class DebitStatus(IntEnum):
    """Where the buyer's money stands (振替ステータス)."""

    PENDING = 0  # 未振替: nothing instructed
    INSTRUCTED = 1  # 振替指示済み: in a batch, the bank has not answered. Not in the patent, but real (S01)
    SCHEDULED = 2  # 期日振替: the bank has accepted the due date; no money has moved (S16)
    UNKNOWN = 3  # 結果不明: sent and not answered in time; asked for, never sent again blindly (I09)
    DEBITED = 4  # 振替完了: the bank has moved the money
    FAILED = 5  # 振替不能: with the bank's reason
    CANCELLED = 6  # 取消: taken back before any money moved
    REVERSED = 7  # 振替取消: the bank has taken an executed debit back (S13)


class DeliveryStatus(IntEnum):
    """Where the goods stand (配送ステータス)."""

    PENDING = 0  # 未配送: the carrier has not been instructed
    INSTRUCTED = 1  # 配送指示済み
    UNKNOWN = 2  # 配送不明: instructed, and the carrier has been silent too long
    REJECTED = 3  # 配送拒否: the carrier will not take this instruction
    SHIPPED = 4  # 発送済み; shipped is not arrived (S62)
    IN_TRANSIT = 5  # 輸送中
    DELIVERED = 6  # 配達完了
    RETURNED = 7  # 返送: the goods are back at the seller
    LOST = 8  # 紛失
    STOPPED = 9  # 配送中止: will not be sent


class PayoutStatus(IntEnum):
    """Where the seller's money stands (清算ステータス)."""

    PENDING = 0  # 未清算
    INSTRUCTED = 1  # 清算指示済み
    UNKNOWN = 2  # 清算不明: sent, and neither booked nor refused in time (S60)
    PAID = 3  # 清算完了
    RETURNED = 4  # 資金返却: the seller's bank could not credit it (S59)
    WILL_NOT_SETTLE = 5  # 清算されない: the debit has finally failed, or was cancelled or refunded (S33)


class SweepStatus(IntEnum):
    """One 資金集中: from the site's account at a bank to its main account."""

    PREPARED = 0  # its parts are fixed, nothing has gone out
    SENT = 1  # 集中指示済み
    LEFT = 2  # 出金済み: the collecting account's statement shows it
    ARRIVED = 3  # 集中完了: the exact sum is in the main account; only now its batches are funded
    SHORT = 4  # 不足: less has arrived than left (S11)
    UNKNOWN = 5  # 結果不明
    VOID = 6  # 無効: refused or returned; its parts may be swept again


class BatchStatus(IntEnum):
    """How far a batch (a file to a bank, a call to a carrier) has gone out. Each step is committed before the next
    begins.
    """

    OPEN = 0  # 受付中: still takes lines
    SEALED = 1  # 締切済み: content, name, number and hash are fixed
    SENDING = 2  # 送信中: being uploaded under a temporary name; the bank has seen nothing
    RELEASING = 3  # 引渡中: the point of no return; whoever finds it looks before he acts
    SENT = 4  # 送信済み
    RECEIPTED = 5  # 受領済み: the bank has acknowledged the file
    ANSWERED = 6  # 結果受信: every line has its answer
    CLOSED = 7  # 完了: and the statement agrees
    REFUSED = 8  # 拒否: the bank did not take it, or did not execute it
    UNKNOWN = 9  # 結果不明: nobody can tell whether the bank has it


class Kind(IntEnum):
    """What an instruction asks the outside world to do (指示の種類)."""

    DEBIT = 1  # 振替. A direct debit-and-credit (決済) has the same code: one index forbids both at once (I04)
    DELIVERY = 2  # 配送
    PAYOUT = 3  # 清算
    REFUND = 4  # 返金
    FEE = 5  # 手数料送金: remittance of fees to the server operator
    SWEEP = 6  # 資金集中


class LineOutcome(IntEnum):
    """How a line (one instruction in a batch) ended. Written once, when it is known."""

    OPEN = 0  # 結果待ち
    DONE = 1  # 完了
    FAILED = 2  # 不能
    WITHDRAWN = 3  # 取下げ: the file was refused or not executed; the contract waits again
    RETURNED = 4  # 返却: done, and the money came back
    REVERSED = 5  # 取消: done, and taken back by the bank


class Currency(IntEnum):
    """ISO 4217, by its numeric code. Only yen are enabled (I20)."""

    JPY = 392  # 円: no decimals


class AccountType(IntEnum):
    """預金種目, by the banks' own digit."""

    ORDINARY = 1  # 普通
    CURRENT = 2  # 当座
    SAVINGS = 4  # 貯蓄: may be paid to, never debited (91 allows no 4)


class Mode(IntEnum):
    """Which way the money takes."""

    ESCROW = 0  # buyer -> the site's account at the buyer's bank -> main account -> seller
    DIRECT = 1  # 決済: buyer -> seller inside one bank, no operator account between [0044]


class Release(IntEnum):
    """What must have happened to the goods before the seller is paid."""

    ON_SHIPMENT = 0  # 発送済み [0030]
    ON_DELIVERY = 1  # 配達完了
    UNCONDITIONAL = 2  # 発送にかかわらず清算 [0031]; money must be there all the same (S08)
    NONE = 3  # direct: nobody holds the money, so nothing releases it. The API shows null


class DeliveryTrigger(IntEnum):
    """When the goods may leave, if no due date says otherwise."""

    AFTER_DEBIT = 0  # 振替後 [0026]
    AFTER_SETTLEMENT = 1  # 清算後 [0046]


class DeliverWhen(IntEnum):
    """The delivery gate that follows from the terms (配送の条件). Computed at registration, stored with the
    contract.
    """

    AT_ONCE = 0  # 即時: a due date, and the site ships before the bank has accepted it (claim 9)
    ON_ACCEPTANCE = 1  # 期日振替の受付後: a due date, accepted by the bank
    ON_DEBITED = 2  # 振替完了後
    ON_SETTLED = 3  # 清算完了後


class Role(IntEnum):
    """As what somebody looks at one contract (S36: per contract, not per user)."""

    SITE = 0  # 電子マーケットサイト
    SELLER = 1  # 売主
    BUYER = 2  # 買主
    OPERATOR = 3  # 決済サーバー運営者


class DebitFailureReason(IntEnum):
    """振替結果コード: why the bank did not debit. 5, 6 and 7 are not defined by the banks."""

    SHORT_BALANCE = 1  # 資金不足: the only one that may be tried again (S57)
    NO_ACCOUNT = 2  # 取引なし
    STOPPED_BY_PAYER = 3  # 預金者の都合による振替停止
    NO_MANDATE = 4  # 預金口座振替依頼書なし
    STOPPED_BY_US = 8  # 委託者の都合による振替停止
    OTHER = 9  # その他


class EventKind(IntEnum):
    """What a contract's log says happened (出来事). 1 to 18 are the public core, the others came beside it."""

    REGISTERED = 1  # 契約登録
    DEBIT_INSTRUCTED = 2  # 振替指示
    DEBIT_SCHEDULED = 3  # 期日振替の受付
    DEBITED = 4  # 振替完了
    DEBIT_FAILED = 5  # 振替不能
    DEBIT_UNKNOWN = 6  # 振替結果不明
    DELIVERY_INSTRUCTED = 7  # 配送指示
    SHIPPED = 8  # 発送
    IN_TRANSIT = 9  # 輸送中
    DELIVERED = 10  # 配達完了
    RETURNED = 11  # 返送
    LOST = 12  # 紛失
    FUNDED = 13  # 資金集中完了: this contract's money is in the main account
    PAYOUT_INSTRUCTED = 14  # 清算指示
    PAID = 15  # 清算完了
    PAYOUT_RETURNED = 16  # 清算の資金返却
    WILL_NOT_SETTLE = 17  # 清算されないことが確定
    CANCELLED = 18  # 取消
    DEBIT_WITHDRAWN = 19  # 振替指示の取下げ: the file was refused or not executed; the debit is pending again
    DEBIT_REVERSED = 20  # 振替の取消
    DELIVERY_REJECTED = 21  # 配送拒否
    DELIVERY_UNKNOWN = 22  # 配送不明
    DELIVERY_STOPPED = 23  # 配送中止
    PAYOUT_WITHDRAWN = 24  # 清算指示の取下げ
    PAYOUT_UNKNOWN = 25  # 清算結果不明
    DELIVERY_ACCEPTED = 26  # 配送受付: the carrier answered after all; INSTRUCTED again
    DELIVERY_ATTEMPT_FAILED = 27  # 配達未了: the carrier was there and could not hand the goods over; nothing has moved


SELLER_ONLY_EVENTS: frozenset[EventKind] = frozenset(
    {
        EventKind.FUNDED,
        EventKind.PAYOUT_INSTRUCTED,
        EventKind.PAID,
        EventKind.PAYOUT_RETURNED,
        EventKind.WILL_NOT_SETTLE,
        EventKind.PAYOUT_WITHDRAWN,
        EventKind.PAYOUT_UNKNOWN,
    }
)
"""Events that a buyer never sees, in no list, count or stream: they tell how and when the seller is paid [0032]
(S39).
"""


class StopAnswer(IntEnum):
    """What a carrier says to the request to stop a shipment (配送中止依頼). Only its notice `cancelled` moves the delivery."""

    WAITS = 0  # 回答待ち: not asked yet, or not answered
    STOPPED = 1  # 中止: it stays; also our own decision, before any carrier had it
    TOO_LATE = 2  # 間に合わず: it has left
    UNKNOWN_THERE = 3  # 該当なし: the carrier knows no such shipment
    NOT_OFFERED = 4  # 対象外: it is given files, and takes no such request in them; a person calls it


class FilesPerDate(IntEnum):
    """How many debit files a bank takes for one debit date."""

    ONE = 1  # one file, at the last deadline for the date; a second counts as sent twice
    SEVERAL = 2  # one at each deadline, numbered


class CalendarKind(IntEnum):
    """Which days a bank or carrier works on (S24)."""

    BANK_DAYS = 0  # 銀行営業日
    EVERY_DAY = 1  # 毎日: the calendar of the patent's figures


class ShiftRule(IntEnum):
    """What becomes of a due date on a day on which the bank does not work (S22)."""

    REFUSE = 0  # 登録を断る
    NEXT = 1  # 翌営業日
    PREVIOUS = 2  # 前営業日
