"""A line of the audit trail, chained as ours are: ours can be verified with these among them."""

import hashlib
import json
import secrets

from django.utils import timezone

from bench.baseline_django.models import Chaine, Log


def record(request, action, session, metadata):
    """Append to the chain of the session's site; the head stays locked until the commit."""
    now, salt, personal = timezone.now(), secrets.token_bytes(16), {"ip": request.META["REMOTE_ADDR"]}
    head, _ = Chaine.objects.select_for_update().get_or_create(
        chain=session.site_id, defaults={"numero": 0, "hash": bytes(32)}
    )
    line = Log(
        site_id=session.site_id,
        numero=head.numero + 1,
        action=action,
        operateur_id=request.user.pk,
        session_id=session.pk,
        poste_id=session.poste_id,
        utilisateur_id=session.utilisateur_id,
        metadata=metadata,
        personal=personal,
        salt=salt,
        commitment=hashlib.sha256(salt + encoded(personal)).digest(),
        created_at=now,
        previous_hash=bytes(head.hash),
    )
    line.hash = hashlib.sha256(line.previous_hash + said(line)).digest()
    line.save(force_insert=True)
    head.numero, head.hash = line.numero, line.hash
    head.save(update_fields=["numero", "hash"])


def said(line):
    return encoded(
        [
            line.site_id,
            line.numero,
            line.action,
            line.operateur_id,
            line.session_id,
            line.poste_id,
            line.utilisateur_id,
            line.details,
            line.metadata,
            line.commitment.hex(),
            line.created_at.isoformat(timespec="microseconds"),
        ]
    )


def encoded(what):
    return json.dumps(what, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
