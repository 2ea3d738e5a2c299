"""Webhooks and mail, put together: the workers call, the API's schema says what is told; only here the two meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kessai.settings import HookSettings, SettingsError

if TYPE_CHECKING:
    from workers.hooks import Renderer


def renderer() -> Renderer:
    """Runs stored operations. Takes a moment: it loads the whole schema."""
    from api.webhooks.renderer import Renderer as Made

    return Made()


def hook_options(settings: HookSettings) -> dict[str, Any]:
    """What a worker's options say about hooks. Raises SettingsError for a mail server that cannot be meant."""
    from domain.hook_address import Where
    from workers.channels.mail import BadMailServer, MailServer

    mail = None
    if settings.smtp_url is not None:
        try:
            mail = MailServer.of_url(settings.smtp_url.reveal(), settings.mail_from or "")
        except BadMailServer as error:
            raise SettingsError(
                "SMTP_URL or KESSAI_MAIL_FROM cannot be used",
                why=str(error),
                do=("SMTP_URL=smtps://user:password@host:465 KESSAI_MAIL_FROM=kessai@host.example",),
                code="SETTING_INVALID",
            ) from error
    return {"renderer": renderer, "hooks": Where(allow_private=settings.allow_private, ports=settings.ports), "mail": mail}
