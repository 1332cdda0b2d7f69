"""Pictures that come in forms, and how they are shown."""

from typing import Annotated, Any

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from fleet.domain.errors import Invalid
from fleet.usecases import pictures

_FORM = 10_000
"""What a form adds to the file in it."""
LARGEST = pictures.LARGEST + _FORM
HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
File = Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]


async def needs_a_file(request: Request[Any, Any, Any]) -> None:
    """Refuse a form without a file, at which Litestar would fail. Raises Invalid."""
    form = await request.form()
    if not any(isinstance(part, UploadFile) for part in form.values()):
        raise Invalid("data", "valeur_invalide", regle="un fichier JPEG ou PNG")
