"""What may go wrong outside, told apart by the only question that matters: has anything happened there?"""


class ChannelError(Exception):
    """Something outside did not do what we asked. The text names the place and the reason, no secret and no content."""

    code = "OUT_OF_REACH"  # under which it is listed for a person, when it lasts
    passes = True  # by itself, often; what does not is listed at once

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where, self.reason = where, reason


class Unavailable(ChannelError):
    """Nothing has happened there: no connection, no login, no room. It may be tried again as if for the first time."""

    def __init__(self, where: str, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(where, reason)
        self.retry_after = retry_after  # seconds, when the other side has named a time


class LoginRefused(Unavailable):
    """It does not let us in: a key or secret that it does not take (any more)."""

    code = "LOGIN_REFUSED"
    passes = False


class OtherHostKey(Unavailable):
    """Whoever answers there is not, by the key it shows, whom we agreed on."""

    code = "HOST_KEY_CHANGED"
    passes = False


class Unclear(ChannelError):
    """We cannot tell whether it happened: the answer got lost. Look before anything else."""


class Refused(ChannelError):
    """The other side, or the interface, says no, and will say so again: a name that exists, a name that leaves the directory."""
