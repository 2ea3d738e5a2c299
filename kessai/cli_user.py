"""People who sign in: users of firms, and operators."""

from __future__ import annotations

import secrets
import sys

from cyclopts import App

from kessai.opened import with_store
from kessai.screen import PLAIN, Common, print_json, show
from kessai.trouble import Trouble

app = App(
    name="user",
    help="""Keep up people who sign in.

For example:

    kessai user add b-sha --firm 000100000000000018
    kessai user list
""",
)


@app.command
def add(
    name: str,
    /,
    *,
    firm: int | None = None,
    operator: bool = False,
    subject: str | None = None,
    password_stdin: bool = False,
    common: Common = PLAIN,
) -> None:
    """Make a user of a firm, or an operator. The password is made here and shown once, or read from standard input.

    For example:

        kessai user add b-sha --firm 000100000000000018
        kessai user add op-1 --operator --password-stdin < secret.txt
        kessai user add c-sha --firm 000100000000000026 --subject 5f1c-at-the-issuer

    Parameters
    ----------
    name
        The user ID: letters a-z, digits, dots, hyphens, underlines, @.
    firm
        The firm's number in `kessai firm list`.
    operator
        An operator, of no firm.
    subject
        `sub` at the external OpenID issuer; then there is no password here.
    password_stdin
        Read the password from the first line of standard input.
    """
    from domain.store import people
    from kessai.clockwork import machine_now

    if (firm is None) is not operator:
        raise Trouble("A user is of a firm or an operator", do=("--firm NUMBER", "or --operator"), code="COMMAND")
    hashed, shown = (None, None) if subject is not None else _password(name, given=password_stdin)
    user_id = with_store(lambda: people.create(name, firm_id=firm, password_hash=hashed, subject=subject, machine_now=machine_now()))
    _tell(common, name, user_id, shown)


@app.command
def password(name: str, /, *, password_stdin: bool = False, common: Common = PLAIN) -> None:
    """Give a user another password. Whoever is signed in is signed out, and all tokens end.

    For example:

        kessai user password b-sha

    Parameters
    ----------
    name
        The user ID.
    password_stdin
        Read the password from the first line of standard input.
    """
    from domain.store import people
    from kessai.clockwork import machine_now

    hashed, shown = _password(name, given=password_stdin)
    assert hashed is not None
    with_store(lambda: people.set_password(name, hashed, machine_now=machine_now()))
    _tell(common, name, None, shown)


@app.command
def stop(name: str, /, *, common: Common = PLAIN) -> None:
    """Stop a user for good: no sign-in, and tokens are refused within seconds.

    For example:

        kessai user stop b-sha

    Parameters
    ----------
    name
        The user ID.
    """
    from domain.store import people
    from kessai.clockwork import machine_now

    stopped = with_store(lambda: people.stop(name, machine_now=machine_now()))
    if common.json:
        print_json({"user": name, "stopped": stopped})
    else:
        print(f"{name} is stopped." if stopped else f"{name} was stopped before.")


@app.command(name="list")
def list_users(*, common: Common = PLAIN) -> None:
    """List the users and their firms, without passwords.

    For example:

        kessai user list
    """
    from domain.store import people

    columns = (("user", "name"), ("firm", "firm"), ("operator", "operator"), ("external", "external"), ("stopped", "stopped_at"))
    show(common, with_store(people.listed), columns, empty="No users.")


def _password(name: str, *, given: bool) -> tuple[str | None, str | None]:
    """The hash to keep, and the password if it was made here."""
    from api.passwords import HASHER
    from domain.store.people import check_password, normal_name

    made = None if given else secrets.token_urlsafe(12)
    chosen = made or sys.stdin.readline().rstrip("\r\n")
    check_password(chosen, normal_name(name))
    return HASHER.hash(chosen), made


def _tell(common: Common, name: str, user_id: int | None, shown: str | None) -> None:
    if common.json:
        print_json(
            {"user": name} | ({} if user_id is None else {"user_id": f"{user_id:018d}"}) | ({} if shown is None else {"password": shown})
        )
    else:
        print(f"user      {name}" + ("" if shown is None else f"\npassword  {shown}    (shown once)"))
