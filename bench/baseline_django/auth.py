"""Who calls, by our tokens; the rights of an operator are remembered for as long as ours are."""

import jwt
from django.conf import settings
from django.core.cache import cache
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission

from bench.baseline_django.models import Operateur

RIGHTS_S = 5


class Bearer(BaseAuthentication):
    def authenticate(self, request):
        words = get_authorization_header(request).split()
        if len(words) != 2 or words[0].lower() != b"bearer":
            return None
        try:
            claims = jwt.decode(
                words[1],
                settings.JWT_SECRET,
                algorithms=["HS256"],
                audience="ppm-api",
                issuer="poste-public-manager",
                options={"require": ["exp", "iat", "sub", "iss", "aud", "gen"]},
            )
        except jwt.PyJWTError:
            raise AuthenticationFailed from None
        who = known(int(claims["sub"]))
        if who is None or who.generation != claims["gen"]:
            raise AuthenticationFailed
        return who, claims

    def authenticate_header(self, request):
        return "Bearer"


def known(operateur_id):
    key = f"operateur-{operateur_id}"
    who = cache.get(key)
    if who is None:
        who = Operateur.objects.filter(pk=operateur_id, actif=True).first()
        if who is not None:
            who.site_ids = (
                None if who.role == "administrateur" else set(who.sites.values_list("pk", flat=True))
            )
            cache.set(key, who, RIGHTS_S)
    return who


class ByRole(BasePermission):
    def has_permission(self, request, view):
        if request.user is None:
            return False
        return request.method in SAFE_METHODS or request.user.role in ("administrateur", "operateur")
