"""Why a connection that is encrypted was not made, where the certificates tell.

It looks at the clock on the wall, as OpenSSL does for the server's: what comes of it is a sentence at the lock.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from kiosk_agent.broker import Tls
from kiosk_agent.words import Fault

_NOT_YET, _OVER = 9, 10
"""OpenSSL's numbers for a certificate whose time has not come, and for one whose time is over."""


def fault_of(error: Exception, tls: Tls | None) -> Fault:
    """What somebody has to mend when this came of connecting."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "expired" if error.verify_code in (_NOT_YET, _OVER) else "certificate"
    if isinstance(error, ssl.SSLError):
        return fault_of_closed(tls) or "certificate"
    return ""


def fault_of_closed(tls: Tls | None) -> Fault:
    """The same for a door that was shut in our face: TLS 1.3 tells of our own certificate after it let us in."""
    own = tls.certificate if tls is not None else None
    return "own_expired" if own is not None and not _is_in_time(own) else ""


def _is_in_time(file: Path) -> bool:
    """One that cannot be read is not blamed: what it is told of is its time."""
    from cryptography import x509  # here: a poste without a certificate of its own does without

    try:
        own = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return True
    return own.not_valid_before_utc <= datetime.now(UTC) <= own.not_valid_after_utc
