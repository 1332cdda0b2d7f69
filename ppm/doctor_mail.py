"""What the doctor learns by talking to the mail server."""

from collections.abc import Iterator

from ppm import compose
from ppm import settings as table
from ppm.doctor import Finding
from ppm.setting_values import Settings


def greeted(settings: Settings) -> Iterator[Finding]:
    """It answers, its certificate is good, and it lets us in. Nothing is sent. Raises SettingError."""
    from fleet.outgoing import mail
    from fleet.outgoing.settings import NotDelivered

    server = compose.outgoing(settings).mail
    if server is None:
        return  # nothing leaves by mail here: that is no gap
    where = f"{server.host}:{server.port}"
    try:
        with mail.connected(server) as smtp:
            smtp.noop()
    except NotDelivered as error:
        remedy = f"start it, or set {table.SMTP_URL.name}, its password or {table.ALERT_CA_FILE.name} right"
        yield Finding("mail", "failed", f"{where}: {error}", remedy)
    else:
        yield Finding("mail", "ok", f"{where} answers")
