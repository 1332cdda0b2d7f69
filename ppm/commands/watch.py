"""`ppm watch`."""

import asyncio
import json
import socket
from datetime import UTC, datetime

import aiomqtt
import click
from rich.console import Console
from rich.text import Text

from controller.link import BrokerAddress, tls_context
from ppm import addresses, compose, demo_facts, instants
from ppm import settings as table
from ppm import watch as traffic
from ppm.cli import CommandFailed
from ppm.setting_values import Settings
from ppm.watch import Seen
from protocol.version import MAJOR

_AGAIN_S = 1.0


@click.command()
@click.option("--site", help="Only this site.")
@click.option("--poste", help="Only this poste.")
@click.option("--all", "everything", is_flag=True, help="Heartbeats too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def watch(site: str | None, poste: str | None, everything: bool, as_json: bool) -> None:
    """The traffic on MQTT in plain words, live, until Ctrl-C. Codes and nonces are not shown.

    PPM_BROKER_URL names the broker and the observer's account; without it, a demo that runs here is watched.
    """
    settings = demo_facts.joined(Settings.load(), table.BROKER_URL)
    if not settings.is_set(table.BROKER_URL):
        raise CommandFailed("PPM_BROKER_URL is not set, and no demo runs here")
    if not as_json:
        click.echo(f"times are those of {settings[table.ZONE]}", err=True)
    address, root = addresses.for_services(settings), settings[table.MQTT_ROOT]
    printer = _Printer(everything, as_json, settings[table.ZONE])
    asyncio.run(compose.until_stopped(_follow(address, root, (site or "+", poste or "+"), printer)))


async def _follow(address: BrokerAddress, root: str, which: tuple[str, str], printer: "_Printer") -> None:
    """Print what comes, and connect again after a loss; a broker that is not there at first ends it."""
    heard = False
    while True:
        try:
            async with _client(address) as client:
                heard = True
                for topic in _topics(root, *which):
                    await client.subscribe(topic, qos=0)
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    printer.show(
                        traffic.read(str(message.topic), message.payload, message.retain, root, printer.zone)
                    )
        except aiomqtt.MqttError as error:
            if not heard:
                raise CommandFailed(f"{address.host}:{address.port}: {error}") from None
            click.echo(f"the broker is lost ({error}); trying again", err=True)
        await asyncio.sleep(_AGAIN_S)


def _client(address: BrokerAddress) -> aiomqtt.Client:
    return aiomqtt.Client(
        address.host,
        address.port,
        username=address.username,
        password=address.password,
        tls_context=tls_context(address) if address.tls else None,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )


def _topics(root: str, site: str, poste: str) -> list[str]:
    """What to subscribe to, without two that match the same message."""
    tree = f"{root}/v{MAJOR}"
    if (site, poste) == ("+", "+"):
        return [f"{tree}/#"]
    whole_site = [] if poste == "+" else [f"{tree}/{site}/_all/#"]
    return [f"{tree}/{site}/{poste}/#", *whole_site, f"{tree}/_controller/{site}/#"]


class _Printer:
    """Prints what is seen, for people or for programs."""

    def __init__(self, everything: bool, as_json: bool, zone: str) -> None:
        self._everything, self._as_json, self.zone = everything, as_json, zone
        self._console = Console(highlight=False, soft_wrap=True)

    def show(self, seen: Seen) -> None:
        """Print it, unless it is a heartbeat that nobody asked for."""
        if seen.is_heartbeat and not self._everything:
            return
        if self._as_json:
            click.echo(json.dumps(_line(seen), ensure_ascii=False))
            return
        at = instants.time_of_day(datetime.now(UTC), self.zone)
        arrow = "→" if "/up/" in seen.topic else "←"
        kept = " [kept]" if seen.retained else ""
        who = f"{seen.site}/{seen.who}"
        text = Text.assemble(
            (f"{at} ", "dim"), (f"{who:<20} ", "bold"), f"{arrow} ", seen.words, (kept, "dim")
        )
        self._console.print(text)


def _line(seen: Seen) -> dict[str, object]:
    return {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "topic": seen.topic,
        "site": seen.site,
        "poste": seen.who,
        "words": seen.words,
        "retained": seen.retained,
        "message": seen.fields,
    }
