"""A photo or a plan as it is kept: decoded and written anew, so that nothing of the file that was sent is left."""

import io
import struct

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from fleet.domain.errors import Invalid

LARGEST = 5_000_000
MOST_PIXELS = 30_000_000
SIDE, THUMBNAIL = 1024, 160
_SCAN, _MOST_SCANS = b"\xff\xda", 100
"""How a scan of a JPEG begins; each is a pass over all pixels, however few bytes it has. Cameras make ten at most."""
_FORMATS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
"""What is read, and how such a file ends: what goes on after that is another file in disguise."""
_HEADS = {"JPEG": JpegImageFile, "PNG": PngImageFile}


def cleaned(content: bytes) -> tuple[bytes, bytes]:
    """A photo and its thumbnail, as JPEG without metadata. Raises Invalid."""
    picture = decoded(content, "photo", SIDE)
    return written(picture), written(ImageOps.fit(picture, (THUMBNAIL, THUMBNAIL)))


def decoded(content: bytes, field: str, side: int) -> Image.Image:
    """The picture, upright and no larger than this. Raises Invalid for the field that it came in."""
    try:
        if len(content) > LARGEST:
            raise _Refused("au plus 5 Mo")
        return _decoded(content, side)
    except (OSError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError):
        raise Invalid(field, "valeur_invalide", regle="une image JPEG ou PNG") from None
    except ValueError as error:
        rule = str(error) if isinstance(error, _Refused) else "une image JPEG ou PNG"
        raise Invalid(field, "valeur_invalide", regle=rule) from None


class _Refused(ValueError):
    """The rule that a picture breaks."""


def _decoded(content: bytes, side: int) -> Image.Image:
    kind = next((name for name, end in _FORMATS.items() if content.endswith(end)), None)
    if kind is None:
        raise _Refused("une image JPEG ou PNG, entière et rien d’autre")
    if kind == "JPEG" and content.count(_SCAN) > _MOST_SCANS:
        raise _Refused("une image JPEG ordinaire")
    _check_size(content, kind)
    with Image.open(io.BytesIO(content), formats=[kind]) as opened:
        opened.draft("RGB", (side, side))
        opened.thumbnail((side, side))
        upright = ImageOps.exif_transpose(opened)
        if upright.mode in ("RGBA", "LA", "PA", "P"):
            paper = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(paper, upright.convert("RGBA"))
        return upright.convert("RGB")


def _check_size(content: bytes, kind: str) -> None:
    """Before a single pixel is made. `Image.open` has a limit of its own, which only warns, and is one for the whole
    process: this reads the head of the file without it."""
    with _HEADS[kind](io.BytesIO(content)) as head:
        width, height = head.size
    if width * height > MOST_PIXELS:
        raise _Refused("au plus 30 millions de pixels")


def written(picture: Image.Image) -> bytes:
    """As it is kept."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()
