"""A photo as it is kept: decoded and written anew, so that nothing of the file that was sent is left in it."""

import io
import struct

from PIL import Image, ImageOps

from fleet.domain.errors import Invalid

LARGEST = 5_000_000
MOST_PIXELS = 30_000_000
SIDE, THUMBNAIL = 1024, 160
_FORMATS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
"""What is read, and how such a file ends: what goes on after that is another file in disguise."""


def cleaned(content: bytes) -> tuple[bytes, bytes]:
    """The picture and its thumbnail, as JPEG without metadata. Raises Invalid."""
    if len(content) > LARGEST:
        raise _refused("au plus 5 Mo")
    try:
        picture = _decoded(content)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError):
        raise _refused("une image JPEG ou PNG") from None
    thumbnail = ImageOps.fit(picture, (THUMBNAIL, THUMBNAIL))
    return _written(picture), _written(thumbnail)


def _decoded(content: bytes) -> Image.Image:
    kind = next((name for name, end in _FORMATS.items() if content.endswith(end)), None)
    if kind is None:
        raise _refused("une image JPEG ou PNG, entière et rien d’autre")
    _check_size(content, kind)
    with Image.open(io.BytesIO(content), formats=[kind]) as opened:
        opened.draft("RGB", (SIDE, SIDE))
        opened.thumbnail((SIDE, SIDE))
        upright = ImageOps.exif_transpose(opened)
        if upright.mode in ("RGBA", "LA", "PA", "P"):
            paper = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(paper, upright.convert("RGBA"))
        return upright.convert("RGB")


def _check_size(content: bytes, kind: str) -> None:
    """Before a single pixel is made. What Pillow itself says of large pictures is only a warning."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as opened:
            width, height = opened.size
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    if width * height > MOST_PIXELS:
        raise _refused("au plus 30 millions de pixels")


def _written(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def _refused(rule: str) -> Invalid:
    return Invalid("photo", "valeur_invalide", regle=rule)
