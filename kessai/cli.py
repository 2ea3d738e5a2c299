"""The command `kessai`: what there is, and how every command begins and ends.

Exit status 0 = done, 1 = it broke, 2 = yours to mend, 3 = refused by a rule. A traceback only with --debug.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group

from kessai import __version__
from kessai.screen import print_trouble
from kessai.trouble import Trouble

TRY = Group("Try it", sort_key=1)
MAKE = Group("Make it happen", sort_key=2)
RUN = Group("Run it", sort_key=3)
LOOK = Group("Look after it", sort_key=4)

OVERVIEW = """\
The settlement server. 決済サーバー
  Try it         demo · up · status · token
  Make it happen sandbox clock | banks · contract register | show | list
  Run it         api · worker · scheduler · migrate · doctor
  Look after it  verify · reconcile · export · exceptions · batches · batch · unknown · schema · site · bank · mandate · client · user · firm · key · zengin
                 carrier · delivery · hooks
Start with `kessai up`. Every command takes --json; `kessai COMMAND --help` has examples."""

# Where each command is; it is loaded when it is asked for, so that help and errors come at once.
COMMANDS = (
    ("demo", "kessai.demo:demo", TRY, "Play the nine contracts of the patent's figures on a moved clock, and compare every cell."),
    ("up", "kessai.cli_up:up", TRY, "Start everything on this machine, with sandbox banks, carrier and sites."),
    ("status", "kessai.cli_up:status", TRY, "Say whether it runs here, where, and what time it is in it."),
    ("token", "kessai.cli_up:token", TRY, "Print an access token for a site or firm."),
    ("sandbox", "kessai.cli_sandbox:app", MAKE, "Move the sandbox's clock, and look at its banks."),
    ("contract", "kessai.cli_contract:app", MAKE, "Register contracts and look at them, through the API."),
    ("api", "kessai.cli_run:api", RUN, "Serve GraphQL, OAuth and hooks."),
    ("worker", "kessai.cli_run:worker", RUN, "Work on messages: seal, send, fetch, read and apply."),
    ("scheduler", "kessai.cli_run:scheduler", RUN, "Find what is due and ring for the workers."),
    ("migrate", "kessai.cli_run:migrate", RUN, "Bring the database up to this version."),
    ("doctor", "kessai.cli_run:doctor", RUN, "Look whether everything that Kessai needs is here."),
    ("verify", "kessai.cli_watch:verify", LOOK, "Compare ledger, states, events and instructions with each other."),
    ("reconcile", "kessai.cli_reconcile:reconcile", LOOK, "Compare our accounts with the banks' statements (照合)."),
    ("export", "kessai.cli_export:export", LOOK, "Write settlements into a file (CSV or JSON lines)."),
    ("exceptions", "kessai.cli_exceptions:app", LOOK, "List what does not match and needs a person (例外), and explain one."),
    ("batches", "kessai.cli_watch:batches", LOOK, "List batches and how far each has gone."),
    ("batch", "kessai.cli_batch:app", LOOK, "Approve the totals of a file before it goes."),
    ("unknown", "kessai.cli_watch:unknown", LOOK, "List what was sent and not answered in time (結果不明)."),
    ("schema", "kessai.cli_run:schema", LOOK, "Print the GraphQL schema."),
    ("site", "kessai.cli_site:app", LOOK, "Keep up market sites, their accounts and their fees."),
    ("delivery", "kessai.cli_delivery:app", LOOK, "Ask carriers to stop shipments (配送中止依頼)."),
    ("bank", "kessai.cli_bank:app", LOOK, "Keep up banks and sellers' own consignor codes."),
    ("carrier", "kessai.cli_carrier:app", LOOK, "Keep up carriers (運送会社) and their own words."),
    ("mandate", "kessai.cli_mandate:app", LOOK, "Keep up buyers' consents to be debited."),
    ("client", "kessai.cli_client:app", LOOK, "Keep up programs that may ask for tokens."),
    ("user", "kessai.cli_user:app", LOOK, "Keep up people who sign in."),
    ("key", "kessai.cli_client:key_app", LOOK, "Keep up the keys that sign access tokens."),
    ("zengin", "kessai.cli_zengin:app", LOOK, "Look into bank files (全銀), and see how a name will be written."),
    ("hooks", "kessai.cli_hooks:app", LOOK, "Look after webhooks and mail."),
    ("firm", "kessai.cli_client:firm_app", LOOK, "Keep up firms and the parties they hold."),
)


def make_app(given: Sequence[str]) -> App:
    """The commands. One that is asked for tells about itself; the others show the line above."""
    app = App(
        name="kessai",
        help="The settlement server. 決済サーバー",
        version=__version__,
        help_format="markdown",
        help_on_error=False,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, where, group, line in COMMANDS:
        if name in given[:1]:
            app.command(where, name=name, group=group)
        else:
            app.command(where, name=name, group=group, help=line)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; answers the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever reads us over a pipe waits for a line of a command that stays (up, watch)
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug, as_json = "--debug" in given, "--json" in given
    if not given:
        print(OVERVIEW)
        return 0
    try:
        answer = make_app(given)(given, print_error=False, exit_on_error=False)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `kessai ... | head`
        sys.stderr.close()
        return 0
    except CycloptsError as error:
        print_trouble(Trouble(_sentence(error), do=("kessai --help",), code="COMMAND"), as_json=as_json)
        return 2
    except Exception as error:
        if debug:
            raise
        trouble = explain(error)
        print_trouble(trouble, as_json=as_json)
        return trouble.exit_status
    return answer if isinstance(answer, int) else 0


def _sentence(error: CycloptsError) -> str:
    return " ".join(str(error).split()).removesuffix(".")


class Broken(Trouble):
    """Nobody has planned for this. Code BROKEN."""

    exit_status = 1


class RefusedByRule(Trouble):
    """A rule forbids it."""

    exit_status = 3


def explain(error: Exception) -> Trouble:
    """What a person can do about an error, whatever raised it."""
    if isinstance(error, Trouble):
        return error
    module = type(error).__module__
    if module.startswith("domain."):  # only then is the store loaded at all
        from domain.store.administration import Refused
        from domain.store.clock import ClockBackwardsError, NotASandboxError
        from domain.store.connection import StoreUnavailable

        if isinstance(error, StoreUnavailable):
            return Trouble(
                "The database does not answer",
                why=str(error),
                do=("start it", "or check DATABASE_URL"),
                code="DATABASE_URL",
            )
        if isinstance(error, Refused):
            return RefusedByRule(error.reason[:1].upper() + error.reason[1:], code=error.code)
        if isinstance(error, (ClockBackwardsError, NotASandboxError)):
            code = "CLOCK_BACKWARDS" if isinstance(error, ClockBackwardsError) else "NOT_A_SANDBOX"
            return RefusedByRule(str(error)[:1].upper() + str(error)[1:], code=code)
    from kessai.logs import masked

    return Broken(
        f"It broke: {type(error).__name__}", why=masked(str(error))[:300], do=("the same command with --debug shows where",), code="BROKEN"
    )
