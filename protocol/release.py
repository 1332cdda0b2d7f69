"""What a server says of a version of the agent, and what its key signs. It travels over HTTP, not MQTT."""

from typing import Annotated

from msgspec import Meta, Struct


class Release(Struct, frozen=True, kw_only=True):
    """One version: its wheel, the digest of that, and the Ed25519 signature (base64) of its `statement`."""

    version: Annotated[str, Meta(max_length=64, examples=["0.2.0"])]
    sha256: Annotated[
        str,
        Meta(
            pattern=r"^[0-9a-f]{64}$",
            examples=["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
        ),
    ]
    size: Annotated[int, Meta(ge=1, le=1 << 30)]
    file: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_.+-]{1,200}\.whl$", examples=["poste_public_manager-0.2.0-py3-none-any.whl"]
        ),
    ]
    signature: Annotated[str, Meta(max_length=100)]


class Releases(Struct, frozen=True):
    """All that a server has, by file name."""

    resultats: list[Release]


def statement(version: str, sha256: str) -> bytes:
    """The words that are signed. The version is among them, so that no signature serves for another one."""
    return f"poste-public-manager release\n{version}\n{sha256}\n".encode()
