"""The same for Prometheus: numbers, sites and kinds; nobody's name and no poste's."""

import hmac
from collections.abc import Callable, Iterator, Mapping

from litestar import Response, Router, get
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.auth import PUBLIC, address, authenticated, bearer
from api.calls import Call
from fleet.domain.actor import SYSTEM
from fleet.usecases import system
from fleet.usecases.system import SiteState, SystemView

_MEDIA_TYPE = "text/plain; version=0.0.4"
"""The charset is said by Litestar."""
_OF_SITES: dict[str, tuple[str, Callable[[SiteState], float]]] = {
    "ppm_site_driven": ("Whether a controller drives the site.", lambda one: int(one.pilote)),
    "ppm_lease_term": ("The term of the site's lease.", lambda one: one.terme or 0),
    "ppm_outbox_unsent": ("Postes whose state the broker has not acknowledged.", lambda one: one.a_envoyer),
    "ppm_outbox_unapplied": ("Postes that have not applied their state.", lambda one: one.a_appliquer),
    "ppm_commands_waiting": ("Commands that wait to be sent.", lambda one: one.commandes_en_attente),
    "ppm_postes": ("Postes.", lambda one: one.postes),
    "ppm_postes_online": ("Postes that are there.", lambda one: one.postes_en_ligne),
    "ppm_postes_unknown": (
        "Postes of which nobody knows: the broker is lost.",
        lambda one: one.postes_inconnus,
    ),
}


class _Deployment(Collector):
    def __init__(self, seen: SystemView) -> None:
        self._seen = seen

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (meaning, value) in _OF_SITES.items():
            yield _family(name, meaning, "site", {one.site: value(one) for one in self._seen.sites})
        yield _sessions(self._seen.sites)
        yield _family("ppm_alerts", "Alerts that last.", "kind", self._seen.alertes)
        good = {job: at.timestamp() for job, at in self._seen.taches_reussies.items()}
        yield _family("ppm_job_success_timestamp_seconds", "When a job last went well.", "job", good)
        yield GaugeMetricFamily("ppm_jobs_waiting", "Runs that wait or go on.", self._seen.taches_en_attente)
        current = int(self._seen.schema == self._seen.schema_attendu)
        yield GaugeMetricFamily(
            "ppm_schema_current", "Whether the database has this version's schema.", current
        )


def _family(name: str, meaning: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


def _sessions(sites: list[SiteState]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("ppm_sessions", "Sessions that are not over.", labels=["site", "statut"])
    for one in sites:
        for statut, count in one.sessions.items():
            family.add_metric([one.site, statut], count)
    return family


@get(
    "/",
    media_type=_MEDIA_TYPE,
    opt={PUBLIC: True},
    security=[{"bearer": []}],
    summary="Mesures pour Prometheus",
)
async def read(request: Call) -> Response[bytes]:
    """With the token of PPM_METRICS_TOKEN, or an operator's."""
    shared = request.shared
    token, expected = bearer(request.scope), shared.settings.metrics_token
    if expected is None or token is None or not hmac.compare_digest(token.encode(), expected.encode()):
        actor, _ = await authenticated(shared, token, address(request.scope))
    else:
        actor = SYSTEM
    seen = await shared.work.run(lambda: system.state(shared.fleet, actor))
    registry = CollectorRegistry()
    registry.register(_Deployment(seen))
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), media_type=_MEDIA_TYPE)


router = Router("/metrics", route_handlers=[read], tags=["system"])
