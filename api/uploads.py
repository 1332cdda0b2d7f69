"""Pictures that come in forms, and how they are shown."""

from typing import Annotated, Any

from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from fleet.domain.errors import Invalid
from fleet.usecases import pictures

_FORM = 10_000
"""What a form adds to the file in it."""
LARGEST = pictures.LARGEST + _FORM
HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
File = Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]


_FIELD = "data"


async def needs_a_file(request: Request[Any, Any, Any]) -> None:
    """Refuse a form that is not one file, at which Litestar would fail. Raises Invalid."""
    try:
        form = await request.form()
    except UnicodeDecodeError:  # a part that has no name of a file is text, and this one is none
        form = FormMultiDict()
    if [type(part) for part in form.getall(_FIELD, [])] != [UploadFile]:
        raise Invalid(_FIELD, "valeur_invalide", regle="un fichier JPEG ou PNG")
    other = next((name for name in form if name != _FIELD), None)
    if other is not None:
        raise Invalid(other, "champ_inconnu", champ=other)
