"""What each rule of a site means, in words for whoever sets it."""

MEANINGS: dict[str, str] = {
    "longest_session_s": "Durée maximale d’une session, temps ajouté compris.",
    "sessions_per_day": "Nombre de sessions par personne et par jour.",
    "minutes_per_day": "Minutes par personne et par jour.",
    "minutes_per_week": "Minutes par personne et par semaine.",
    "minutes_per_day_by_category": "Minutes par jour selon la catégorie de la personne.",
    "code_lifetime_s": "Durée de validité d’un code qui n’a pas servi.",
    "grace_s": "Délai pour enregistrer son travail une fois le temps écoulé.",
    "longest_suspension_s": "Durée maximale d’une pause\u202f; au-delà, la session se termine.",
    "offline": "Quand le réseau est coupé\u202f: la session continue, ou s’arrête et son temps est gardé.",
    "offline_after_s": "Temps sans nouvelles d’un poste avant d’appliquer la règle de coupure.",
    "outage_credit_max_s": "Temps rendu au plus, automatiquement, après une panne.",
    "resume_after_reboot": "Après un redémarrage du poste\u202f: reprise avec le code, ou automatique.",
    "idle_s": "Temps sans activité avant de demander «\u202fêtes-vous là\u202f?\u202f»\u202f; 0\u202f: jamais.",
    "idle": "Quand personne ne répond\u202f: rien, un avertissement, ou la fin de la session.",
    "wrong_codes_alarm": "Nombre de codes faux, dans tout le lieu, qui donne l’alarme.",
    "wrong_codes_window_s": "Durée sur laquelle les codes faux sont comptés.",
    "queue_hold_s": "Temps pendant lequel un poste est gardé pour la personne appelée.",
}
