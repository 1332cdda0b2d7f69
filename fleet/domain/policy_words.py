"""What each rule of a site means, in words for whoever sets it: in French and in English."""

MEANINGS: dict[str, tuple[str, str]] = {
    "longest_session_s": (
        "Durée maximale d’une session, temps ajouté compris.",
        "Longest session, with the time that is added.",
    ),
    "sessions_per_day": (
        "Nombre de sessions par personne et par jour.",
        "Sessions for each person and day.",
    ),
    "minutes_per_day": (
        "Minutes par personne et par jour.",
        "Minutes for each person and day.",
    ),
    "minutes_per_week": (
        "Minutes par personne et par semaine.",
        "Minutes for each person and week.",
    ),
    "minutes_per_day_by_category": (
        "Minutes par jour selon la catégorie de la personne.",
        "Minutes per day by the person’s category.",
    ),
    "code_lifetime_s": (
        "Durée de validité d’un code qui n’a pas servi.",
        "For how long a code that was not used is good.",
    ),
    "grace_s": (
        "Délai pour enregistrer son travail une fois le temps écoulé.",
        "Time to save one’s work once the time is up.",
    ),
    "longest_suspension_s": (
        "Durée maximale d’une pause\u202f; au-delà, la session se termine.",
        "Longest pause; after it the session ends.",
    ),
    "offline": (
        "Quand le réseau est coupé\u202f: la session continue, ou s’arrête et son temps est gardé.",
        "When the network is cut: the session goes on, or stops and its time is kept.",
    ),
    "offline_after_s": (
        "Temps sans nouvelles d’un poste avant d’appliquer la règle de coupure.",
        "Time without news of a computer before the rule for cuts holds.",
    ),
    "outage_credit_max_s": (
        "Temps rendu au plus, automatiquement, après une panne.",
        "Time given back at most, by itself, after an outage.",
    ),
    "resume_after_reboot": (
        "Après un redémarrage du poste\u202f: reprise avec le code, ou automatique.",
        "After the computer was restarted: go on with the code, or by itself.",
    ),
    "idle_s": (
        "Temps sans activité avant de demander «\u202fêtes-vous là\u202f?\u202f»\u202f; 0\u202f: jamais.",
        "Time without activity before it asks “are you there?”; 0: never.",
    ),
    "idle": (
        "Quand personne ne répond\u202f: rien, un avertissement, ou la fin de la session.",
        "When nobody answers: nothing, a warning, or the end of the session.",
    ),
    "wrong_codes_alarm": (
        "Nombre de codes faux, dans tout le lieu, qui donne l’alarme.",
        "How many wrong codes, in the whole place, raise the alarm.",
    ),
    "wrong_codes_window_s": (
        "Durée sur laquelle les codes faux sont comptés.",
        "Over how long wrong codes are counted.",
    ),
    "queue_hold_s": (
        "Temps pendant lequel un poste est gardé pour la personne appelée.",
        "For how long a computer is kept for the person who was called.",
    ),
}
