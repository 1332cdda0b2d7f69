"""What is asked of people only where a site says why: everything else about them is off."""

from collections.abc import Collection, Mapping
from typing import Any

from fleet.domain.errors import Invalid

OPTIONAL = ("email", "telephone", "date_naissance", "piece_identite_type", "photo")
RESTS_ON_CONSENT = ("email", "telephone", "photo")
"""What is forgotten at once when somebody takes the consent back."""
LONGEST_REASON = 500


def justified(typed: Mapping[str, str]) -> dict[str, str]:
    """Which fields a site uses, each with its reason. Raises Invalid."""
    for name, reason in typed.items():
        if name not in OPTIONAL:
            raise Invalid(f"champs.{name}", "valeur_invalide", regle=" | ".join(OPTIONAL))
        if not reason.strip() or len(reason) > LONGEST_REASON or "\x00" in reason:
            raise Invalid(f"champs.{name}", "valeur_invalide", regle=f"de 1 à {LONGEST_REASON} caractères")
    return {name: reason.strip() for name, reason in typed.items()}


def require(used: Collection[str], given: Mapping[str, Any]) -> None:
    """Raise Invalid for something about a person that the site has no reason to know."""
    for name in OPTIONAL:
        if given.get(name) is not None and name not in used:
            raise Invalid(name, "champ_non_justifie")
