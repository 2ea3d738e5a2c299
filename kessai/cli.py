"""The command `kessai`: what there is, and how every command begins and ends.

Exit status 0 = done, 1 = it broke, 2 = yours to mend, 3 = refused by a rule. A traceback only with --debug.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group

from kessai import __version__
from kessai.screen import console, print_trouble
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
  Look after it  verify · exceptions · batches · unknown · schema · site · bank · mandate · client · firm
Start with `kessai up`. Every command takes --json; `kessai COMMAND --help` has examples."""

app = App(
    name="kessai",
    help="The settlement server. 決済サーバー",
    version=__version__,
    help_format="markdown",
    help_on_error=False,
    result_action="return_value",
)


@app.default
def overview() -> None:
    """Show what there is."""
    print(OVERVIEW)


app.command("kessai.demo:demo", name="demo", group=TRY)
app.command("kessai.cli_up:up", name="up", group=TRY)
app.command("kessai.cli_up:status", name="status", group=TRY)
app.command("kessai.cli_up:token", name="token", group=TRY)
app.command("kessai.cli_sandbox:app", name="sandbox", group=MAKE)
app.command("kessai.cli_contract:app", name="contract", group=MAKE)
app.command("kessai.cli_run:api", name="api", group=RUN)
app.command("kessai.cli_run:worker", name="worker", group=RUN)
app.command("kessai.cli_run:scheduler", name="scheduler", group=RUN)
app.command("kessai.cli_run:migrate", name="migrate", group=RUN)
app.command("kessai.cli_run:doctor", name="doctor", group=RUN)
app.command("kessai.cli_watch:verify", name="verify", group=LOOK)
app.command("kessai.cli_watch:exceptions", name="exceptions", group=LOOK)
app.command("kessai.cli_watch:batches", name="batches", group=LOOK)
app.command("kessai.cli_watch:unknown", name="unknown", group=LOOK)
app.command("kessai.cli_run:schema", name="schema", group=LOOK)
app.command("kessai.cli_site:app", name="site", group=LOOK)
app.command("kessai.cli_bank:app", name="bank", group=LOOK)
app.command("kessai.cli_mandate:app", name="mandate", group=LOOK)
app.command("kessai.cli_client:app", name="client", group=LOOK)
app.command("kessai.cli_client:firm_app", name="firm", group=LOOK)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; answers the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug, as_json = "--debug" in given, "--json" in given
    try:
        answer = app(given, print_error=False, exit_on_error=False)
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


if __name__ == "__main__":
    console()
    sys.exit(main())
