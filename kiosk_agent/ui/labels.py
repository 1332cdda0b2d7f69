"""What the window writes beside the sentences of the agent, in French and English."""

from collections.abc import Mapping
from datetime import date, datetime

from kiosk_agent.words import NBSP, NNBSP, Language, duration

LABELS: Mapping[str, tuple[str, str]] = {
    "no_agent": ("Un instant, ce poste se prépare…", "One moment, this computer is getting ready…"),
    "closed": ("Fermé pour l’instant. Réouverture {when}.", "Closed for now. Opens again {when}."),
    "again_in": ("Nouvel essai possible dans {time}.", "You can try again in {time}."),
    "code": ("Votre code", "Your code"),
    "code_help": ("Six lettres ou chiffres, donnés à l’accueil", "Six letters or digits, given at the desk"),
    "start": ("Commencer", "Start"),
    "resume": ("Reprendre", "Go on"),
    "other_language": ("English", "Français"),
    "contrast": ("Contraste", "Contrast"),
    "large": ("Grand texte", "Large text"),
    "keypad": ("Clavier", "Keypad"),
    "info": ("Informations", "Information"),
    "back": ("Fermer", "Close"),
    "erase": ("Effacer", "Erase"),
    "hours": ("Horaires", "Opening hours"),
    "notice": ("À savoir", "Good to know"),
    "elsewhere": ("Tapez votre code sur l’autre écran.", "Type your code on the other screen."),
    "pill": ("Temps restant{nnbsp}: {time}. Ouvre le menu.", "Time left: {time}. Opens the menu."),
    "menu": ("Votre session", "Your session"),
    "smaller": ("Réduire le compteur", "Make the counter small"),
    "larger": ("Agrandir le compteur", "Make the counter large"),
    "save_now": ("C’est terminé{nnbsp}: enregistrez votre travail.", "Time is up: save your work."),
    "menu_key": ("Ouvrir ce menu{nnbsp}: Ctrl + Alt + T", "To open this menu: Ctrl + Alt + T"),
    "until": ("Jusqu’à {when}", "Until {when}"),
    "ask_time": ("Demander du temps", "Ask for time"),
    "asked": ("Demande envoyée à l’accueil", "Request sent to the desk"),
    "end": ("Terminer ma session", "End my session"),
    "end_sure": (
        "Terminer la session{nnbsp}? Ce que vous n’avez pas enregistré sera perdu.",
        "End the session? What you have not saved will be lost.",
    ),
    "end_yes": ("Oui, terminer", "Yes, end it"),
    "end_no": ("Non, continuer", "No, go on"),
    "from_desk": ("Message de l’accueil", "Message from the desk"),
    "read": ("J’ai lu", "I have read it"),
    "by_hand": ("Ouverture par un technicien", "Opening by a technician"),
    "by_hand_secret": ("Secret de ce poste", "Secret of this computer"),
    "by_hand_reason": (
        "Motif, pour le journal (ne nommez personne)",
        "Reason, for the journal (name nobody)",
    ),
    "by_hand_open": ("Ouvrir 15{nbsp}minutes", "Open for 15{nbsp}minutes"),
    "by_hand_asking": ("Vérification…", "Checking…"),
    "by_hand_incomplete": (
        "Il faut le secret et un motif de trois lettres au moins.",
        "The secret is needed, and a reason of three letters or more.",
    ),
    "by_hand_forbidden": (
        "Refusé{nnbsp}: ce n’est pas le secret de ce poste, ou il n’en a pas.",
        "Refused: this is not the secret of this computer, or it has none.",
    ),
    "by_hand_wait": (
        "Trop d’essais. Nouvel essai possible dans {time}.",
        "Too many tries. You can try again in {time}.",
    ),
    "by_hand_session_here": (
        "Refusé{nnbsp}: la session d’un visiteur est ici. Terminez-la d’abord.",
        "Refused: a visitor’s session is here. End it first.",
    ),
    "by_hand_cleaning": (
        "Refusé{nnbsp}: nettoyage en cours. Réessayez dans un instant.",
        "Refused: it is being cleaned. Try again in a moment.",
    ),
    "by_hand_failed": (
        "Le poste ne s’ouvre pas. Voyez le journal de son agent.",
        "The computer does not open. See the log of its agent.",
    ),
    "poste": ("Poste {poste}", "Computer {poste}"),
    "today": ("aujourd’hui à{nbsp}{time}", "today at{nbsp}{time}"),
    "tomorrow": ("demain à{nbsp}{time}", "tomorrow at{nbsp}{time}"),
    "some_day": ("{day} à{nbsp}{time}", "{day} at{nbsp}{time}"),
}
_DAYS = (
    ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)
_MONTHS = (
    (
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
        "novembre", "décembre",
    ),
    (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
)  # fmt: skip


def label(key: str, language: Language, **values: object) -> str:
    """The words of a key. `seconds` among the values becomes `{time}`, as people say it."""
    fr, en = LABELS[key]
    seconds = values.pop("seconds", None)
    if isinstance(seconds, int):
        values["time"] = duration(seconds, language)
    return (fr if language == "fr" else en).format(nnbsp=NNBSP, nbsp=NBSP, **values)


def day(of: date, language: Language) -> str:
    """`samedi 21 novembre`, `Saturday 21 November`."""
    english = language == "en"
    number = f"1{'' if english else 'er'}" if of.day == 1 else str(of.day)
    return f"{_DAYS[english][of.weekday()]} {number} {_MONTHS[english][of.month - 1]}"


def hour(at: datetime, language: Language) -> str:
    """`9 h`, `17 h 30`; `9:00`, `17:30`."""
    if language == "en":
        return f"{at.hour}:{at.minute:02d}"
    return f"{at.hour}{NBSP}h" + (f"{NBSP}{at.minute:02d}" if at.minute else "")


def hours(told: str, language: Language) -> str:
    """The hours of the week as the controller tells them, in French, a line for each day."""
    if language == "fr":
        return told
    english = dict(zip((*_DAYS[0], "fermé"), (*_DAYS[1], "closed"), strict=True))
    return "\n".join(
        " ".join(english.get(word, word) for word in line.split(" ")) for line in told.split("\n")
    )


def moment(at: datetime, now: datetime, language: Language) -> str:
    """A moment to come, as people say it from `now`."""
    days = (at.date() - now.date()).days
    key = {0: "today", 1: "tomorrow"}.get(days, "some_day")
    return label(key, language, day=day(at, language), time=hour(at, language))
