"""The sentences that a poste says by itself, in French and English.

French typography: a narrow no-break space before : ; ! ? and a no-break space between a number and its unit.
"""

from collections.abc import Mapping
from typing import Literal

Language = Literal["fr", "en"]
Fault = Literal["", "certificate", "expired", "own_expired", "denied"]
"""What a technician has to mend before the broker lets the poste in."""
OF_FAULTS: Mapping[Fault, str] = {
    "": "no_network",
    "certificate": "bad_certificate",
    "expired": "certificate_expired",
    "own_expired": "own_certificate_expired",
    "denied": "not_let_in",
}
"""The sentence of each."""
NNBSP = "\u202f"
NBSP = "\u00a0"

CATALOGUE: Mapping[str, tuple[str, str]] = {
    "welcome": ("Tapez votre code.", "Type your code."),
    "no_network": (
        "Pas de réseau pour l’instant. Ce poste réessaie et ouvrira dès son retour.",
        "No network for now. This computer keeps trying and will open as soon as it is back.",
    ),
    "bad_certificate": (
        "Ce poste ne peut pas joindre le serveur en sécurité. Prévenez l’accueil.",
        "This computer cannot reach the server safely. Please tell the desk.",
    ),
    "certificate_expired": (
        "Le certificat du serveur est périmé, ou l’horloge de ce poste est fausse. Prévenez l’accueil.",
        "The server’s certificate has expired, or this computer’s clock is wrong. Please tell the desk.",
    ),
    "own_certificate_expired": (
        "Le certificat de ce poste est périmé, ou son horloge est fausse. Prévenez l’accueil.",
        "This computer’s certificate has expired, or its clock is wrong. Please tell the desk.",
    ),
    "not_let_in": (
        "Le serveur ne reconnaît pas ce poste. Prévenez l’accueil.",
        "The server does not know this computer. Please tell the desk.",
    ),
    "no_controller": (
        "L’accueil n’est pas joignable pour l’instant. Patientez ou demandez de l’aide.",
        "The desk cannot be reached for now. Please wait or ask for help.",
    ),
    "checking": ("Vérification du code…", "Checking the code…"),
    "trying": (
        "Pas de réseau pour l’instant. Nouvel essai en cours…",
        "No network for now. Trying again…",
    ),
    "no_answer_start": (
        "Pas de réponse de l’accueil. Retapez votre code dans un moment ou demandez de l’aide.",
        "No answer from the desk. Type your code again in a moment, or ask for help.",
    ),
    "no_answer_extend": (
        "Pas de réponse de l’accueil. Demandez sur place.",
        "No answer from the desk. Please ask there.",
    ),
    "code_too_long": (
        "Un code a 6 caractères. Vérifiez et retapez-le.",
        "A code has 6 characters. Please check and type it again.",
    ),
    "wait": (
        "Trop d’essais. Vous pourrez réessayer dans {time}.",
        "Too many tries. You can try again in {time}.",
    ),
    "storage": (
        "Ce poste ne peut pas s’ouvrir. Prévenez l’accueil.",
        "This computer cannot open. Please tell the desk.",
    ),
    "opened": (
        "Bonjour{nnbsp}! Vous avez {time}. Pour terminer ou demander du temps{nnbsp}: Ctrl + Alt + T.",
        "Hello! You have {time}. To end or to ask for time: Ctrl + Alt + T.",
    ),
    "suspended": (
        "Session en pause, encore {time}. Tapez votre code pour reprendre.",
        "Session paused, {time} left. Type your code to go on.",
    ),
    "still_there": (
        "Êtes-vous là{nnbsp}? Touchez le clavier ou la souris.",
        "Are you there? Touch the keyboard or the mouse.",
    ),
    "still_there_ends": (
        "Êtes-vous là{nnbsp}? Touchez le clavier ou la souris. Sinon la session se termine dans {time}.",
        "Are you there? Touch the keyboard or the mouse. If not, the session ends in {time}.",
    ),
    "ended_idle": (
        "Session terminée{nnbsp}: personne n’a touché ce poste. L’accueil peut vous aider.",
        "Session ended: nobody touched this computer. The desk can help you.",
    ),
    "offline_goes_on": (
        "Réseau coupé{nnbsp}: votre session continue jusqu’à sa fin.",
        "Network lost: your session goes on until its end.",
    ),
    "offline_will_pause": (
        "Réseau coupé{nnbsp}: s’il ne revient pas, votre session se met en pause et votre temps est gardé.",
        "Network lost: if it stays so, your session is paused and your time is kept.",
    ),
    "offline_suspended": (
        "Réseau coupé{nnbsp}: votre session est en pause, votre temps est gardé.",
        "Network lost: your session is paused and your time is kept.",
    ),
    "maintenance": (
        "Poste en maintenance. Choisissez-en un autre.",
        "Under maintenance. Please take another computer.",
    ),
    "by_hand": (
        "Ouvert par un technicien, sans l’accueil.",
        "Opened by a technician, without the desk.",
    ),
    "locks_in": ("Verrouillage dans {time}.", "Locks in {time}."),
    "cleaning": ("Nettoyage en cours. Un instant…", "Cleaning up. One moment…"),
    "left": ("Encore {time}.", "{time} left."),
    "warning": (
        "Encore {time}. Pensez à enregistrer votre travail.",
        "{time} left. Remember to save your work.",
    ),
    "grace": (
        "C’est terminé{nnbsp}: enregistrez votre travail. Le poste se verrouille dans {time}.",
        "Time is up: save your work. This computer locks in {time}.",
    ),
    "time_added": ("Votre temps est prolongé de {time}.", "Your time was extended by {time}."),
    "time_taken": ("Votre temps est réduit de {time}.", "Your time was shortened by {time}."),
    "asking_time": (
        "Votre demande part à l’accueil…",
        "Your request is on its way to the desk…",
    ),
    "asked_already": (
        "L’accueil a déjà votre demande. Un instant…",
        "The desk has your request already. One moment…",
    ),
    "identify": ("Poste {poste}", "Computer {poste}"),
    "confirm_end": ("Terminer la session{nnbsp}?", "End the session?"),
}


def say(key: str, language: Language = "fr", **values: object) -> str:
    """The sentence of a key. `seconds` among the values becomes `{time}`, as people say it."""
    fr, en = CATALOGUE[key]
    seconds = values.get("seconds")
    time = duration(seconds, language) if isinstance(seconds, int) else ""
    return (fr if language == "fr" else en).format(time=time, nnbsp=NNBSP, **values)


def duration(seconds: int, language: Language = "fr") -> str:
    """A duration as people say it: `45 s`, `12 min`, `1 min 30`, `1 h 05`."""
    if seconds < 60:
        return f"{seconds}{NBSP}s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        tail = f"{NBSP}{rest:02d}" if rest and minutes < 10 else ""
        return f"{minutes}{NBSP}min{tail}"
    hours, minutes = divmod(minutes, 60)
    unit = f"{NBSP}h{NBSP}" if language == "fr" else f"{NBSP}h "
    return f"{hours}{unit}{minutes:02d}"


def clock_face(remaining_ms: int) -> str:
    """What a countdown shows: mm:ss, or h:mm:ss from an hour on. It reaches 00:00 at the deadline."""
    seconds = -(-max(0, remaining_ms) // 1000)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"
