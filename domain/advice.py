"""What each code of the exceptions list means, and what a person does next (例外の対処). Nothing in the list has touched money.

One row for every code that is ever recorded; a test looks through the sources for them. `do` may name {number} (of the exception), {batch},
{bank}, {contract}, {file}, {kind} (`bank`, `carrier`) and {whom} (`bank 9991`, `carrier north`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

ASK = "ask {whom}; whatever it sends next is taken by itself"
KEPT = "kessai exceptions show {number} --file FILE    writes what came, for the bank to see"
CHECK = "kessai zengin check FILE    names every record, byte and field that is wrong in it"
VERIFY = "kessai verify    shows whether everything else still agrees"


@dataclass(frozen=True, slots=True)
class Advice:
    """What an exception is, in both languages, and the next steps in order."""

    means: str
    means_ja: str
    do: tuple[str, ...]


ADVICE: Mapping[str, Advice] = {
    # -- files that cannot be taken
    "MALFORMED": Advice(
        "What came is not what its name says. It is held whole.", "ファイルの形式が不正なため、全体を保留しました。", (KEPT, CHECK, ASK)
    ),
    "UNKNOWN_CODE": Advice(
        "A result has a code that the banks' format does not have. It is held whole.",
        "定義されていない振替結果コードがあるため、全体を保留しました。",
        (KEPT, ASK),
    ),
    "SEVERAL_BLOCKS": Advice("A file has several blocks where we expect one.", "ヘッダが複数あるファイルです。", (KEPT, CHECK, ASK)),
    "TOO_LARGE": Advice("A small message was sent at a size that none can have.", "電文が大きすぎます。", (KEPT, ASK)),
    "FILE_TOO_LARGE": Advice("A file was too large to be fetched.", "ファイルが大きすぎるため取得しません。", (ASK,)),
    "UNKNOWN_FILE": Advice(
        "A name that no file of ours explains.",
        "ファイル名から内容を判断できません。",
        (KEPT, "compare the name with docs/wire.md; a letter or a test of the bank's needs nothing more"),
    ),
    "NAME_REUSED": Advice(
        "Other bytes came under a name that was here before. The first stands.",
        "同じ名前で内容の異なるファイルが届きました。最初のものが有効です。",
        (KEPT, "ask {whom} which of the two it means; a corrected file needs a name of its own"),
    ),
    "NO_BALANCE": Advice("A statement does not say its balances.", "残高のない入出金明細です。", (KEPT, ASK)),
    "OTHER_HEADER": Advice(
        "The header names another consignor, date or account than it should.",
        "ヘッダの委託者コード・日付・口座が一致しません。",
        (KEPT, "compare the header with the batch above", ASK),
    ),
    "OTHER_DAY": Advice("A statement holds lines of another day.", "別の日の明細が含まれています。", (KEPT, ASK)),
    "UNKNOWN_BATCH": Advice(
        "An answer to a file that we have not sent to this bank.",
        "送信していないファイルに対する回答です。",
        (KEPT, "kessai batches --bank {bank}    shows what was sent there", ASK),
    ),
    "OTHER_BATCH": Advice(
        "A message of a bank speaks of another batch than the call or name that it came under.",
        "別のバッチに関する電文です。",
        (KEPT, "kessai batches --bank {bank}    shows what was sent there", ASK),
    ),
    "UNKNOWN_AT_BANK": Advice(
        "Asked after a batch, the bank says that it does not know it. It stays unknown and is not sent again by itself.",
        "銀行はこのバッチを受け付けていないと回答しました。自動では再送しません。",
        ("kessai batches --bank {bank}    shows what was sent and when", ASK),
    ),
    "UNKNOWN_ACCOUNT": Advice(
        "A statement of an account that is not ours.",
        "当方の口座ではない入出金明細です。",
        ("kessai site list    shows our accounts; kessai site account makes one known", KEPT),
    ),
    "SECOND_STATEMENT": Advice(
        "Another statement of the same account, day and number.", "同じ口座・日・番号の入出金明細が既にあります。", (KEPT, ASK)
    ),
    "SECOND_NOTICE": Advice(
        "Another incoming-credit notice of the same account, day and number.",
        "同じ口座・日・番号の振込入金通知が既にあります。",
        (KEPT, ASK),
    ),
    # -- results that do not fit
    "NOT_SENT": Advice("An answer to a file that has not gone out.", "未送信のファイルに対する回答です。", (KEPT, ASK)),
    "FILE_REFUSED": Advice(
        "The bank has refused a file. Its lines wait for the next one.",
        "銀行がファイルの受付を拒否しました。明細は次のファイルに入ります。",
        (
            "the reason above is the bank's",
            "kessai bank test {bank}    says what would fail now",
            "kessai bank show {bank}    limits, cut-offs, consignors",
        ),
    ),
    "UNKNOWN_LINES": Advice(
        "A result has lines that we did not send. It is held whole.", "依頼していない明細があるため、全体を保留しました。", (KEPT, ASK)
    ),
    "DOUBLED_LINES": Advice("A result has lines twice. It is held whole.", "重複した明細があるため、全体を保留しました。", (KEPT, ASK)),
    "OTHER_ATTEMPT": Advice(
        "A result answers another attempt than the one it was sent for.",
        "別の回の依頼に対する結果です。",
        ("kessai contract show {contract}    shows its attempts", KEPT, ASK),
    ),
    "OTHER_AMOUNT": Advice(
        "A result has other amounts than we sent. It is held whole.", "金額が依頼と異なるため、全体を保留しました。", (KEPT, ASK)
    ),
    "OTHER_ACCOUNT": Advice(
        "A result has other accounts than we sent. It is held whole.", "口座が依頼と異なるため、全体を保留しました。", (KEPT, ASK)
    ),
    "CONTRADICTED": Advice(
        "It says something else than what was said before. The first stands.",
        "以前の回答と矛盾しています。最初の回答が有効です。",
        (KEPT, "ask {whom} which is true, and compare with the statement of that day"),
    ),
    "IMPOSSIBLE": Advice(
        "A result does not fit where its contracts stand. It is held whole.",
        "契約の状態と合わない結果のため、全体を保留しました。",
        ("kessai contract show {contract}    shows where it stands and why", KEPT, ASK),
    ),
    "TOTALS": Advice(
        "Counts or yen are not those of the file we sent. It is held whole.",
        "件数または金額が依頼と一致しないため、全体を保留しました。",
        (KEPT, "if the bank gives the failed lines only: kessai bank set {bank} result_shape=failed_only", ASK),
    ),
    "TRAILER": Advice(
        "The trailer does not account for every line and yen. It is held whole.",
        "トレーラの件数・金額が明細と一致しないため、全体を保留しました。",
        (KEPT, CHECK, ASK),
    ),
    "DEBIT_REASON_OTHER": Advice(
        "The bank did not debit and gave no reason that has a name (9).",
        "振替結果コード 9（その他）で振替不能となりました。",
        ("kessai contract show {contract}    shows the account", "ask {whom} why: often a wrong character, type or branch"),
    ),
    # -- receipts and sending
    "OTHER_HASH": Advice(
        "The bank has other bytes under this name than we sent.",
        "銀行が受け付けたファイルの内容が当方のものと異なります。",
        ("stop the file at bank {bank} at once", VERIFY),
    ),
    "DUPLICATE": Advice(
        "The bank says that it had this name before. The first arrival stands.",
        "銀行は同じ名前のファイルを既に受け付けています。",
        ("kessai bank set {bank} deduplicates=yes only if the bank has promised it", ASK),
    ),
    "SEND_UNKNOWN": Advice(
        "Nobody can tell whether the file has reached the other side. It is never sent again by itself.",
        "ファイルが届いたか不明です。自動では再送しません。",
        (
            "ask whether {file} or batch {batch} is there",
            "kessai unknown    shows what is open",
            "a receipt, result or statement settles it by itself",
        ),
    ),
    "OUT_OF_REACH": Advice(
        "A bank or carrier cannot be reached, has no room, or breaks off, again and again. It is tried on; nothing is sent twice.",
        "接続できない状態、または送受信が途中で切れる状態が続いています。再試行を続けます。二重送信はありません。",
        (
            "the reason above says what fails: no connection, no directory, no room",
            "kessai {kind} test {bank}    says what would fail now",
            "kessai batches --unfinished    shows what waits; it goes by itself, and may come after its deadline",
        ),
    ),
    "LOGIN_REFUSED": Advice(
        "A bank or carrier does not let us in. Nothing is sent to it until it does.",
        "接続先でログインが拒否されました。解消するまで送受信できません。",
        (
            "ask {whom} whether our key or secret there was changed or blocked",
            "kessai {kind} set {bank} address.key_file=... (sftp) or its secret (http)    if we have another one now",
            "kessai {kind} test {bank}    says whether it lets us in; what waits then goes by itself",
        ),
    ),
    "HOST_KEY_CHANGED": Advice(
        "A server shows another key than the one agreed on: another machine, or somebody between. Nothing is sent to it or taken from it.",
        "接続先のホスト鍵が登録済みのものと異なるため、送受信を停止しています。",
        (
            "ask {whom} on another way (telephone, letter) for its new key; do not believe the one that the line shows",
            "kessai {kind} set {bank} address.known_host=...    only when it is theirs",
            "kessai {kind} test {bank}    says whether it is the one agreed on; what waits then goes by itself",
        ),
    ),
    "SPOOL_LOST": Advice(
        "The sealed bytes are lost, and made again they differ.",
        "封印済みファイルが失われ、再作成した内容が一致しません。",
        ("bring the spool back from its copy", "if a bank's framing or encoding was changed since: change it back"),
    ),
    "STUCK": Advice(
        "A step failed again and again; it is tried less and less often.",
        "処理が繰り返し失敗しています。",
        ("look into the workers' logs for the reason above", VERIFY),
    ),
    "APPROVAL_WANTED": Advice(
        "A sealed file waits until a person has approved its totals.",
        "封印済みファイルが承認を待っています。",
        ("kessai batch approve {batch} --by NAME --count N --amount YEN --sha256 HASH",),
    ),
    "BLOCK_FULL": Advice(
        "A file was full; the rest goes on the next debit date.",
        "ファイルの上限に達したため、残りは次の振替日になります。",
        ("kessai bank show {bank}    max_lines, max_yen, files_per_debit_date",),
    ),
    # -- contracts that wait
    "NO_MANDATE": Advice(
        "The buyer's consent was gone when the file was filled. Nothing was sent.",
        "預金口座振替依頼が有効でないため、振替依頼から外しました。",
        ("kessai mandate add    brings the consent; the contract then goes on by itself",),
    ),
    "LINE_TOO_LARGE": Advice(
        "A contract has more yen than the bank takes in one line. Nothing was sent.",
        "1 件あたりの上限を超えるため、依頼から外しました。",
        ("kessai bank set {bank} max_line_yen=...    if the bank agrees; the contract then goes on by itself",),
    ),
    # -- carriers
    "DELIVERY_SILENT": Advice(
        "A carrier has taken shipments and is silent about them.",
        "運送会社から連絡がありません。",
        ("ask the carrier; its next notice is taken by itself",),
    ),
    "LEFT_OUT": Advice(
        "Shipments hold text that the carrier's file cannot, and were left out of it. They are REJECTED; their money stays where it is.",
        "運送会社のデータに書けない文字があるため、出荷データから除外しました（配送は拒否）。代金はそのままです。",
        (
            "each is named above with the text that is wrong; kessai contract show {contract}    shows what is held for it",
            "let the site know: the goods have to go another way, or the contract has to be undone",
        ),
    ),
    "MISSING_LINES": Advice(
        "A carrier's result leaves out shipments that it was given. It is held whole.",
        "運送会社の発行済データに、依頼した荷物が不足しているため、全体を保留しました。",
        (KEPT, ASK),
    ),
    "STATUS_WORD": Advice(
        "A carrier's status file uses a word that is in no table. Those rows have moved nothing; the others count.",
        "運送会社の配送状況データに未登録の語があります。該当行は反映していません。",
        (
            "ask {whom} what the word means",
            "kessai carrier set CARRIER --word WORD=delivered    makes it known; the file is then read again by itself",
        ),
    ),
    "STATUS_ROWS": Advice(
        "Rows of a carrier's status file have no reference or date that can be meant. They have moved nothing; the others count.",
        "運送会社の配送状況データに、管理番号または日付が不正な行があります。該当行は反映していません。",
        (KEPT, ASK),
    ),
    "STOP_TOO_LATE": Advice(
        "The goods were to stay, and have left already. The delivery goes on as before.",
        "配送中止を依頼しましたが、既に出荷済みです。配送は継続します。",
        ("tell seller and buyer; a refusal at the door comes back as RETURNED", "kessai contract show {contract}    shows where it stands"),
    ),
    "STOP_UNKNOWN": Advice(
        "The carrier does not know the shipment that was to be stopped.",
        "配送中止を依頼した荷物を、運送会社が把握していません。",
        ("ask {whom} what it has under our reference", "kessai batches --kind delivery    shows what was sent there"),
    ),
    "STOP_NOT_OFFERED": Advice(
        "The goods are to stay, and this carrier takes no such request by file.",
        "配送中止の依頼をファイルで受け付けない運送会社です。電話で依頼してください。",
        (
            "call {whom} and name its tracking number: kessai contract show {contract}",
            "the delivery is STOPPED once the status file says 出荷中止; until then nothing has changed",
        ),
    ),
    "NOTICE": Advice(
        "A notice of a carrier does not fit where the contract stands.",
        "運送会社の通知が契約の状態と合いません。",
        ("kessai contract show {contract}    shows where it stands", "ask the carrier what has happened to the goods"),
    ),
    # -- money
    "DEBIT_NOT_ON_STATEMENT": Advice(
        "A debit file was not answered, and the statement of its day does not settle it.",
        "振替結果がなく、当日の入出金明細からも判断できません。",
        ("ask {whom} for the result of batch {batch}; it is taken by itself", "kessai unknown    shows what is open"),
    ),
    "LUMP_DIFFERS": Advice(
        "The bank booked another sum than its result says. The difference is in suspense.",
        "入金額が振替結果と一致しません。差額は仮勘定にあります。",
        ("compare the statement with the result of batch {batch}", ASK),
    ),
    "DOES_NOT_ADD_UP": Advice(
        "A statement's balances and lines do not add up. It is held whole.",
        "入出金明細の残高と明細が一致しないため、全体を保留しました。",
        (KEPT, CHECK, ASK),
    ),
    "STATEMENT_GAP": Advice(
        "A statement does not begin where the one before it ended.",
        "入出金明細の残高が前回とつながりません。",
        ("ask {whom} for the statement that is missing",),
    ),
    "UNMATCHED": Advice(
        "Money moved that nothing of ours explains. It is in suspense.",
        "説明のつかない入出金です。仮勘定にあります。",
        ("ask {whom} whose it is", VERIFY),
    ),
    "OVERDRAWN": Advice(
        "The bank took more than was free. Nobody is paid from the account until a person has looked.",
        "口座の残高が予約額を下回りました。確認まで清算を停止します。",
        ("ask {whom} what it took", "the site makes it good"),
    ),
    "PAYOUT_RETURNED": Advice(
        "A payout came back. It waits for another account of the seller.",
        "清算の振込が返却されました。",
        ("ask the seller for another account (kessai contract show {contract})",),
    ),
    "SWEEP_SHORT": Advice(
        "A sweep arrived short. The site bears it, and its payouts wait.",
        "資金集中の入金額が不足しています。",
        ("the site makes it good", VERIFY),
    ),
    "SWEEP_UNCOVERED": Advice(
        "An account holds less than was debited into it. The money waits for a sweep that is covered.",
        "口座の残高が資金集中の額に足りません。",
        ("look for a charge or a withdrawal in the account's statement", "it goes by itself when it is covered"),
    ),
}

_ANY = Advice("Something that a person should look at.", "確認が必要です。", (KEPT, VERIFY))


def advice_for(code: str) -> Advice:
    """What to say of a code; of one that an older or newer version has written, that somebody should look."""
    return ADVICE.get(code, _ANY)
