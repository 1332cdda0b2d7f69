"""What a release is: a version, the digest of its wheel, and the signature of both by the site's own key."""

import base64
import binascii
import re

from protocol.release import Release, statement

_VERSION = re.compile(
    r"(\d{1,6}(?:\.\d{1,6}){0,5})(?:(a|b|rc)(\d{1,6}))?(?:\.post(\d{1,6}))?(?:\.dev(\d{1,6}))?"
)
_STAGES = {"a": 0, "b": 1, "rc": 2}
_FINAL = 3


class UpdateRefused(Exception):
    """The version is not installed; `reason` is the word for it on the wire."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


def check(release: Release, public_key: bytes) -> None:
    """Raises UpdateRefused for a release that the site's key did not sign."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signature = base64.b64decode(release.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            signature, statement(release.version, release.sha256)
        )
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise UpdateRefused("wrong_signature", type(error).__name__) from None


def order(version: str) -> tuple[object, ...]:
    """By which versions are compared, the usual way. Raises ValueError for what is no version of ours."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is no version such as 1.2.3, 1.2.3rc1, 1.2.3.post1 or 1.2.3.dev4")
    numbers, stage, number, post, dev = found.groups()
    whole = tuple(int(word) for word in numbers.split("."))
    while len(whole) > 1 and whole[-1] == 0:
        whole = whole[:-1]
    before_all = dev is not None and stage is None and post is None
    place = -1 if before_all else _FINAL if stage is None else _STAGES[stage]
    return whole, place, int(number or 0), int(post or -1), int(dev) if dev is not None else 1 << 30


def is_older(version: str, than: str) -> bool:
    """Whether this version came before the other; what runs from a folder and has none is before all."""
    try:
        return order(version) < order(than)
    except ValueError:
        return False
