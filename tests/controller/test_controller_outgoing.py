"""A controller tells the outside of alerts as they begin, whichever program raised them."""

from fleet.database import alerts
from fleet.outgoing.settings import Outgoing
from tests.controller.conftest import Driven
from tests.support.outside import listener
from tests.support.rooms import Room
from tests.support.waiting import wait_until


def test_an_alert_leaves_at_once_while_the_site_is_driven(room: Room, driven: Driven) -> None:
    with listener() as hook:
        settings = Outgoing(webhooks=(hook.url,), webhook_secret="w" * 40)
        with driven.controller(outgoing=settings):
            with room.tx() as tx:
                alerts.begin(tx, alerts.DISK, "archives", details={"dossier": "archives", "libre": 3})
            wait_until(lambda: hook.events, 5, "the alert told")
    assert [one["genre"] for one in hook.events] == [alerts.DISK]
