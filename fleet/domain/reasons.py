"""Why things are refused and why they end: each code with its sentence, French first.

The catalogue of what visitors and operators read from the rules. Short, polite, no blame.
"""

from collections.abc import Mapping

from fleet.domain.blanks import SPOKEN, Language, spoken

REASONS: dict[str, tuple[str, str]] = {
    # codes, at the poste
    "code_inconnu": (
        "Ce code n’existe pas. Vérifiez-le, ou demandez de l’aide à l’accueil.",
        "This code does not exist. Check it, or ask at the desk.",
    ),
    "code_deja_utilise": (
        "Ce code a déjà servi. Demandez-en un autre à l’accueil.",
        "This code has been used. Ask for another one at the desk.",
    ),
    "code_perime": (
        "Ce code n’est plus valable. Demandez-en un autre à l’accueil.",
        "This code is too old. Ask for another one at the desk.",
    ),
    "code_autre_poste": (
        "Ce code est prévu pour un autre poste\u202f: {poste}.",
        "This code is meant for another computer: {poste}.",
    ),
    "code_autre_site": (
        "Ce code a été donné dans un autre lieu. Demandez-en un à l’accueil.",
        "This code comes from another place. Ask for one at the desk.",
    ),
    "code_suspendu": (
        "Cette session est en pause. Demandez à l’accueil de la reprendre.",
        "This session is paused. Ask the desk to resume it.",
    ),
    "trop_d_essais": (
        "Trop d’essais. Réessayez dans {retry_after_s}\u00a0s, ou demandez à l’accueil.",
        "Too many tries. Try again in {retry_after_s} s, or ask at the desk.",
    ),
    # postes
    "poste_occupe": ("Ce poste est déjà occupé.", "This computer is already in use."),
    "poste_en_maintenance": (
        "Ce poste est en maintenance. Choisissez-en un autre.",
        "This computer is under maintenance. Choose another one.",
    ),
    "poste_hors_service": ("Ce poste est hors service.", "This computer is out of service."),
    "poste_hors_ligne": (
        "Ce poste ne répond pas\u202f: il est éteint ou débranché.",
        "This computer does not answer: it is off or unplugged.",
    ),
    "poste_allume": ("Ce poste est déjà allumé.", "This computer is already on."),
    "sans_adresse_mac": (
        "L’adresse MAC de ce poste n’est pas connue\u202f: il ne peut pas être réveillé.",
        "The MAC address of this computer is not known: it cannot be woken.",
    ),
    "trop_de_commandes": (
        "Trop de commandes attendent déjà ce poste ({limite}).",
        "Too many commands wait for this computer already ({limite}).",
    ),
    "commande_partie": (
        "Cette commande est déjà partie, ou finie.",
        "This command has left already, or is over.",
    ),
    # machines that become postes
    "enrolement_refuse": (
        "Ce jeton n’ouvre rien. Demandez-en un autre à la personne qui enrôle ce poste.",
        "This token opens nothing. Ask whoever enrols this computer for another one.",
    ),
    "enrolement_inconnu": ("Ce jeton n’existe pas.", "This token does not exist."),
    "enrolement_utilise": (
        "Ce jeton a déjà servi, à une autre machine ou avec un autre mot de passe.",
        "This token was used already, by another machine or with another password.",
    ),
    "enrolement_perime": ("Ce jeton n’est plus valable.", "This token is too old."),
    "enrolement_retire": ("Ce jeton a été retiré.", "This token was withdrawn."),
    "enrolement_non_prevu": (
        "Ce serveur ne sait pas quoi dire à une machine\u202f: le courtier des postes n’est pas réglé.",
        "This server does not know what to tell a machine: the broker of the postes is not set.",
    ),
    "identite_refusee": (
        "Ce poste n’est pas connu par ce mot de passe.",
        "This computer is not known by this password.",
    ),
    "poste_en_nettoyage": (
        "Ce poste est en cours de nettoyage. Réessayez dans un instant.",
        "This computer is being cleaned. Try again in a moment.",
    ),
    "deja_sur_ce_poste": (
        "Cette session est déjà sur ce poste.",
        "This session is already at this computer.",
    ),
    "meme_session": ("Il faut deux sessions différentes.", "Two different sessions are needed."),
    "autre_site": (
        "Ces sessions ne sont pas dans le même lieu.",
        "These sessions are not at the same place.",
    ),
    "poste_deja_reserve": ("Ce poste est déjà réservé.", "This computer is already reserved."),
    "statut_derive": (
        "Le statut «\u202f{statut}\u202f» se constate, il ne se choisit pas.",
        "The status “{statut}” is observed, it cannot be set.",
    ),
    "poste_utilise": (
        "Ce poste a des sessions\u202f: mettez-le hors service plutôt que de le supprimer.",
        "This computer has sessions: take it out of service rather than delete it.",
    ),
    # visitors and quotas
    "utilisateur_deja_en_session": (
        "Cette personne a déjà une session en cours.",
        "This person already has a session.",
    ),
    "quota_sessions_jour": (
        "Le nombre de sessions par jour est atteint ({limite}).",
        "The number of sessions per day is reached ({limite}).",
    ),
    "quota_minutes_jour": (
        "Le temps autorisé par jour est atteint ({limite}\u00a0min).",
        "The time allowed per day is reached ({limite} min).",
    ),
    "quota_minutes_semaine": (
        "Le temps autorisé par semaine est atteint ({limite}\u00a0min).",
        "The time allowed per week is reached ({limite} min).",
    ),
    "duree_maximale": (
        "Une session dure au plus {limite}\u00a0min.",
        "A session lasts at most {limite} min.",
    ),
    "consentement_absent": (
        "Cette personne n’a pas donné son accord, ou l’a retiré.",
        "This person has not given consent, or has withdrawn it.",
    ),
    "utilisateur_utilise": (
        "Cette personne a des sessions\u202f: effacez ses données plutôt que la fiche.",
        "This person has sessions: erase their data rather than the record.",
    ),
    # hours
    "ferme": ("C’est fermé. Réouverture\u202f: {ouverture}.", "We are closed. Next opening: {ouverture}."),
    "apres_fermeture": (
        "Cela dépasserait l’heure de fermeture ({fermeture}).",
        "That would go past closing time ({fermeture}).",
    ),
    # the life of a session
    "transition_interdite": (
        "Impossible\u202f: la session est {statut}.",
        "Not possible: the session {statut}.",
    ),
    "temps_insuffisant": (
        "On ne peut pas retirer plus que le temps restant.",
        "No more can be taken away than the time left.",
    ),
    "duree_invalide": (
        "La durée doit être comprise entre {minimum} et {maximum}.",
        "The duration must be between {minimum} and {maximum}.",
    ),
    "sans_poste": ("Cette session n’a pas encore de poste.", "This session has no computer yet."),
    "session_inconnue": ("Cette session n’est plus en cours.", "This session is over."),
    "deja_repondu": ("Cette demande a déjà sa réponse.", "This request has been answered."),
    "code_sature": (
        "Aucun code libre n’a été trouvé. Réessayez.",
        "No free code was found. Try again.",
    ),
    # endings (motif_fin) and what a desired state tells
    "duree_ecoulee": ("Le temps est écoulé.", "The time is over."),
    "code_non_utilise": ("Le code n’a pas été utilisé à temps.", "The code was not used in time."),
    "fin_operateur": ("La session a été terminée à l’accueil.", "The desk ended the session."),
    "fin_visiteur": ("Vous avez terminé votre session.", "You ended your session."),
    "fin_inactivite": (
        "La session a pris fin\u202f: plus personne ne semblait là.",
        "The session has ended: nobody seemed to be there.",
    ),
    "fin_nettoyage": (
        "Le poste finissait déjà la session.",
        "The computer was already ending the session.",
    ),
    "annulation": ("La session a été annulée.", "The session was cancelled."),
    "suspension_operateur": ("La session a été mise en pause à l’accueil.", "The desk paused the session."),
    "suspension_trop_longue": (
        "La pause a duré plus longtemps que permis.",
        "The pause was longer than allowed.",
    ),
    "export_trop_grand": (
        "Plus de {limite} lignes\u202f: demandez une période plus courte, ou un seul lieu.",
        "More than {limite} rows: ask for a shorter period, or one place.",
    ),
    "deux_personnes": (
        "Il faut deux personnes\u202f: un autre administrateur approuve. Créez d’abord son compte s’il n’en a pas.",
        "It takes two: another administrateur approves. If there is none, first make an account for one.",
    ),
    "requisition_compte_change": (
        "Quelqu’un a créé ou modifié ce compte depuis la demande. Demandez de nouveau, puis approuvez avec lui.",
        "Somebody made or changed this account since the request. Ask again, then approve with it.",
    ),
    "requisition_decidee": (
        "Cette réquisition est déjà décidée\u202f: {statut}.",
        "This requisition is decided already: {statut}.",
    ),
    "requisition_expiree": (
        "Cette réquisition n’est plus valable. Demandez-la de nouveau.",
        "This requisition is over. Ask for it again.",
    ),
    "requisition_sans_accord": (
        "Cette réquisition n’est pas approuvée.",
        "This requisition is not approved.",
    ),
    "requisition_d_autres": (
        "Seules les deux personnes qui l’ont demandée et approuvée prennent ce fichier.",
        "Only the two who asked for it and approved it take this file.",
    ),
    "champ_non_justifie": (
        "Ce lieu ne dit pas pourquoi il demanderait cette donnée : elle n’est pas enregistrée.",
        "This place does not say why it would ask for this: it is not kept.",
    ),
    "consentement_retire": (
        "La personne a retiré son consentement.",
        "The person has taken the consent back.",
    ),
    "effacement_session_ouverte": (
        "Cette personne a une session en cours ou en pause\u202f: terminez-la d’abord.",
        "This person has a session that runs or is paused: end it first.",
    ),
    "effacement_non_inscrit": (
        "L’effacement ne peut pas être inscrit à côté des sauvegardes\u202f: rien n’a été effacé.",
        "The erasure cannot be written down beside the backups: nothing was erased.",
    ),
    "hors_de_portee": (
        "Demandé par quelqu’un qui n’y a pas accès.",
        "Asked for by somebody who has no access to it.",
    ),
    "effacement": (
        "Les données de la personne ont été effacées.",
        "The data of the person have been erased.",
    ),
    # jobs and backups
    "sauvegarde_sans_dossier": (
        "Aucun dossier n’est réglé pour les sauvegardes (PPM_BACKUP_DIR)\u202f: rien n’est sauvegardé.",
        "PPM_BACKUP_DIR is not set: nothing is backed up.",
    ),
    "sauvegarde_sans_liste": (
        "La liste des personnes oubliées ne peut pas être écrite à côté des sauvegardes\u202f: rien n’est sauvegardé.",
        "The list of who was forgotten cannot be written beside the backups: there is no backup without it.",
    ),
    "copie_impossible": (
        "La base de données n’a pas pu être copiée. Réponse de {outil}\u202f: {dit}",
        "The database could not be copied. {outil} says: {dit}",
    ),
    "outil_absent": (
        "{outil} n’est pas sur le serveur\u202f: installez postgresql-client.",
        "{outil} is missing: install postgresql-client.",
    ),
    "sauvegarde_illisible": ("Ce fichier n’est pas une sauvegarde.", "This file is not a backup."),
    "sauvegarde_abimee": (
        "Cette sauvegarde est abîmée\u202f: sa base n’est pas celle qu’elle annonce.",
        "This backup is damaged: its database is not what it says.",
    ),
    "sauvegarde_chiffree": (
        "Cette sauvegarde est chiffrée\u202f: il faut PPM_BACKUP_SECRET.",
        "This backup is encrypted: PPM_BACKUP_SECRET is needed.",
    ),
    "sauvegarde_autre_secret": (
        "PPM_BACKUP_SECRET n’est pas le secret de cette sauvegarde, ou le fichier a été modifié ou coupé.",
        "PPM_BACKUP_SECRET is not the secret of this backup, or the file was altered or cut.",
    ),
    "sauvegarde_autre_base": (
        "Cette sauvegarde est celle d’une base {base}, ce que n’est pas PPM_DATABASE_URL.",
        "This backup is of {base}, PPM_DATABASE_URL is not.",
    ),
    "sauvegarde_trop_recente": (
        "Cette sauvegarde demande une version plus récente\u202f: son schéma en est à {revision}.",
        "This backup needs a newer version: its schema is at {revision}.",
    ),
    "controleur_en_marche": (
        "Un contrôleur pilote un lieu de cette base\u202f: arrêtez d’abord tous les contrôleurs.",
        "A controller drives a site of this database: stop all controllers first.",
    ),
    "archive_perdue": (
        "Des fichiers d’archive du journal manquent ou sont abîmés\u202f: {fichiers}. Leurs lignes restent en base.",
        "Archive files of the audit trail are missing or damaged: {fichiers}. Their rows stay in the database.",
    ),
    "journal_rompu": (
        "Le journal ne se suit plus ({chaine}, ligne {numero})\u202f: il n’est pas archivé au-delà.",
        "The audit trail does not hold ({chaine}, row {numero}): it is not archived beyond.",
    ),
    "tache_systeme": ("Le système a refusé\u202f: {dit}", "The system said no: {dit}"),
    "tache_en_erreur": (
        "Une erreur s’est produite ({genre}). Elle est notée dans les fichiers de suivi du serveur.",
        "Something went wrong ({genre}). It is in the logs of the server.",
    ),
    "tache_interrompue": (
        "La tâche a été interrompue avant la fin.",
        "The job was cut short.",
    ),
    "alerte_courtier": (
        "Le lien avec les postes est coupé : le courtier MQTT ne répond pas.",
        "The link to the computers is cut: the MQTT broker does not answer.",
    ),
    "alerte_poste_silencieux": (
        "Le poste {poste} ne donne plus signe de vie alors que le lieu est ouvert.",
        "The computer {poste} gives no sign of life while the place is open.",
    ),
    "alerte_codes": (
        "Beaucoup de codes faux dans ce lieu\u202f: {essais} en {minutes}\u00a0min. Quelqu’un devine peut-être.",
        "Many wrong codes at this place: {essais} in {minutes} min. Somebody may be guessing.",
    ),
    "alerte_disque": (
        "Il ne reste que {libre} % du disque ({dossier}).",
        "Only {libre} % of the disk is left ({dossier}).",
    ),
    "alerte_sauvegarde": (
        "La sauvegarde n’a pas pu être faite.",
        "The backup could not be made.",
    ),
    "alerte_tache": (
        "La tâche planifiée {tache} a échoué.",
        "The scheduled job {tache} has failed.",
    ),
    "alerte_reservations": (
        "Le lieu sera fermé pendant des réservations déjà prises : {nombre}. Prévenez les personnes.",
        "The place will be closed during bookings already made: {nombre}. Tell the people.",
    ),
    "alerte_envoi": (
        "Les alertes ne partent plus vers {cible} : {erreur}.",
        "Alerts no longer get through to {cible}: {erreur}.",
    ),
    "alerte_restes": (
        "Le nettoyage du poste {poste} a laissé des restes\u202f: personne ne s’y assoit avant qu’on l’ait regardé.",
        "The clean-up of the computer {poste} left something behind: nobody sits down there before it was looked at.",
    ),
    "alerte_identite": (
        "Deux machines disent être le poste {poste}\u202f: son disque a été copié, ou son mot de passe est connu.",
        "Two machines say that they are the computer {poste}: its disk was copied, or its password is known.",
    ),
    "restauration": (
        "Le serveur a été rétabli à partir d’une sauvegarde. Demandez de l’aide à l’accueil.",
        "The server was restored from a backup. Ask for help at the desk.",
    ),
    "redemarrage": (
        "Le poste a redémarré\u202f: votre temps est gardé. Retapez votre code.",
        "The computer restarted: your time is kept. Type your code again.",
    ),
    "coupure_reseau": (
        "Le réseau est coupé\u202f: votre temps est gardé.",
        "The network is down: your time is kept.",
    ),
    "retour_reseau": ("Le réseau est revenu.", "The network is back."),
    "demarrage_non_confirme": (
        "Le poste ne s’est pas ouvert\u202f: votre temps est gardé.",
        "The computer did not open: your time is kept.",
    ),
    "fermeture": (
        "La session s’arrête à l’heure de fermeture.",
        "The session stops at closing time.",
    ),
    "maintenance": ("Le poste passe en maintenance.", "The computer goes under maintenance."),
    "restes_apres_nettoyage": (
        "Le nettoyage a laissé des restes\u202f: le poste attend un technicien.",
        "The clean-up left something behind: the computer awaits a technician.",
    ),
    "politique": ("Les règles du lieu ont changé.", "The rules of this place have changed."),
    "demarrage": ("Bonne session\u202f!", "Enjoy your session!"),
    "temps_ajoute": ("Du temps a été ajouté.", "Time was added."),
    "temps_retire": ("Du temps a été retiré.", "Time was taken away."),
    "reserve_bientot": (
        "Ce poste est réservé {debut}. Choisissez-en un autre.",
        "This computer is booked {debut}. Choose another one.",
    ),
    "apres_reservation": (
        "Ce poste est réservé {debut}\u202f: le temps ne peut pas aller plus loin.",
        "This computer is booked {debut}: time cannot go further.",
    ),
    "reservation_chevauche": (
        "Ce poste est déjà réservé à ce moment.",
        "This computer is already booked at that time.",
    ),
    "reservation_ferme": (
        "Le lieu n’est pas ouvert pendant toute cette réservation.",
        "The place is not open during all of this booking.",
    ),
    "reservation_passee": ("Cette réservation n’est plus en cours.", "This booking is over."),
    "reservation_trop_tot": (
        "C’est trop tôt pour cette réservation.",
        "It is too early for this booking.",
    ),
    "attente_passee": ("Ce ticket n’attend plus.", "This ticket does not wait any more."),
    "attente_pas_appelee": (
        "Ce ticket n’a pas encore été appelé.",
        "This ticket has not been called yet.",
    ),
    "deja_en_file": ("Cette personne attend déjà.", "This person is already waiting."),
    "aucun_poste_libre": ("Aucun poste n’est libre.", "No computer is free."),
    "file_vide": ("Personne n’attend.", "Nobody is waiting."),
    "fin_definitive": (
        "Cette fin ne s’annule pas\u202f: le temps ou le code était épuisé.",
        "This ending cannot be undone: the time or the code had run out.",
    ),
    "trop_tard": (
        "Une fin s’annule dans la minute. Créez une nouvelle session.",
        "An ending can be undone within a minute. Create a new session.",
    ),
    "rien_a_reprendre": ("Il ne restait plus de temps.", "There was no time left."),
    "fin_annulee": (
        "La session est reprise. Le poste a été nettoyé\u202f: retapez votre code.",
        "The session goes on. The computer was cleaned: type your code again.",
    ),
    "panne_creditee": (
        "Le temps de la panne vous est rendu.",
        "The time of the outage is given back to you.",
    ),
    "transfert": (
        "La session continue sur un autre poste.",
        "The session goes on at another computer.",
    ),
    "transfert_ici": ("Votre session continue sur ce poste.", "Your session goes on at this computer."),
    "reprise": ("La session reprend.", "The session resumes."),
    "remise_en_service": ("Le poste est remis en service.", "The computer is back in service."),
    # requests from the poste
    "temps_refuse": ("L’accueil ne peut pas ajouter de temps.", "The desk cannot add time."),
    "demande_transmise": (
        "Votre demande est transmise à l’accueil.",
        "Your request was passed on to the desk.",
    ),
    "message_illisible": (
        "Le poste a envoyé un message illisible.",
        "The computer sent an unreadable message.",
    ),
    "message_ancien": ("Cette demande est trop ancienne.", "This request is too old."),
    # API and people
    "introuvable": ("Introuvable\u202f: {thing}.", "Not found: {thing}."),
    "role_insuffisant": ("Votre rôle ne le permet pas.", "Your role does not allow it."),
    "reserve_au_poste": (
        "C’est au poste lui-même de le dire, avec sa propre clé.",
        "Only the computer itself may say this, with its own credential.",
    ),
    "reserve_aux_operateurs": (
        "La clé d’un poste ne permet pas cela.",
        "The credential of a computer does not allow this.",
    ),
    "trop_d_essais_operateur": (
        "Trop d’essais manqués. Réessayez dans {attente}.",
        "Too many failed tries. Try again in {attente}.",
    ),
    "identifiants_refuses": ("Identifiant ou mot de passe refusé.", "Wrong login or password."),
    "totp_demande": (
        "Tapez le code à six chiffres de votre application.",
        "Type the six-digit code of your app.",
    ),
    "totp_refuse": (
        "Ce code est faux, périmé ou déjà utilisé. Attendez le suivant.",
        "This code is wrong, too old or used. Wait for the next one.",
    ),
    "totp_deja_actif": (
        "La double authentification est déjà active.",
        "Two-factor authentication is already on.",
    ),
    "totp_inactif": (
        "La double authentification n’est pas active.",
        "Two-factor authentication is not on.",
    ),
    "mot_de_passe_refuse": ("Ce n’est pas votre mot de passe.", "This is not your password."),
    "dernier_administrateur": (
        "C’est le dernier administrateur actif\u202f: nommez-en un autre d’abord.",
        "This is the last active administrator: appoint another one first.",
    ),
    "origine_refusee": (
        "Cette demande vient d’une autre page que les nôtres.",
        "This request comes from a page that is not ours.",
    ),
    "jeton_refuse": ("Connexion expirée ou refusée. Reconnectez-vous.", "Session expired. Log in again."),
    "deja_pris": ("Cette valeur est déjà prise\u202f: {valeur}.", "This value is already taken: {valeur}."),
    "valeur_invalide": ("Valeur refusée. Attendu\u202f: {regle}.", "Invalid value. Expected: {regle}."),
    "modifie_entre_temps": (
        "Quelqu’un d’autre a modifié cette fiche. Relisez-la.",
        "Somebody else changed this record. Read it again.",
    ),
    "version_ancienne": (
        "Cette fiche a changé depuis que vous l’avez lue. Relisez-la.",
        "This record has changed since you read it. Read it again.",
    ),
    "cle_deja_utilisee": (
        "Cette clé d’idempotence a déjà servi pour une autre demande.",
        "This idempotency key was used for another request.",
    ),
    "cle_invalide": (
        "Une clé d’idempotence a de 1 à 255 caractères visibles.",
        "An idempotency key has 1 to 255 visible characters.",
    ),
    "demande_en_cours": (
        "La même demande est déjà en cours. Réessayez dans {retry_after_s}\u00a0s.",
        "The same request is being done. Try again in {retry_after_s} s.",
    ),
    "demande_deja_faite": (
        "Cette demande a déjà été prise, mais sa réponse n’est plus là. Relisez avant de recommencer.",
        "This request was taken, but its answer is gone. Look before you repeat it.",
    ),
    "trop_de_demandes": (
        "Trop de demandes. Réessayez dans {retry_after_s}\u00a0s.",
        "Too many requests. Try again in {retry_after_s} s.",
    ),
    "trop_lent": (
        "Cette page ne lit pas assez vite ce qui lui est dit.",
        "This page does not read fast enough what it is told.",
    ),
    "trop_de_pages": (
        "Trop de pages sont ouvertes avec ce compte. Fermez-en.",
        "Too many pages are open with this account. Close some.",
    ),
    "adresse_refusee": (
        "Cette demande ne vient pas de l’adresse du poste.",
        "This request does not come from the computer's address.",
    ),
    "champ_inconnu": ("Champ inconnu\u202f: {champ}.", "Unknown field: {champ}."),
    "parametre_inconnu": (
        "Paramètre inconnu\u202f: {champ}. Ceux de cette adresse\u202f: {connus}.",
        "Unknown parameter: {champ}. Those of this address: {connus}.",
    ),
    "champ_obligatoire": ("Champ obligatoire\u202f: {champ}.", "Missing field: {champ}."),
    "corps_illisible": ("Le corps de la demande n’est pas du JSON lisible.", "The body is no readable JSON."),
    "demande_invalide": (
        "Cette demande n’est pas comprise. Attendu\u202f: {regle}.",
        "This request is not understood. Expected: {regle}.",
    ),
    "methode_refusee": ("Cette adresse ne répond pas à cette méthode.", "Method not allowed here."),
    "trop_grand": ("Le corps de la demande est trop grand.", "The body is too large."),
    "erreur_interne": (
        "Une erreur s’est produite. Elle est notée\u202f; réessayez ou prévenez le support.",
        "Something went wrong. It has been noted; try again or tell support.",
    ),
    "service_indisponible": (
        "Le service ne répond pas pour l’instant. Réessayez.",
        "The service does not answer for now. Try again.",
    ),
}


class _Blanks(dict[str, object]):
    """What fills the blanks: a detail of that name, or of that name in the language of the sentence."""

    def __init__(self, details: Mapping[str, object], language: Language) -> None:
        super().__init__(details)
        self._language = language

    def __missing__(self, key: str) -> object:
        return self.get(f"{key}_{self._language}", "?")


def sentence(
    reason: str, language: Language | None = None, details: Mapping[str, object] | None = None
) -> str:
    """The sentence of a reason, its blanks filled; in the language of whoever is answered, if none is named.

    An unknown reason is its own sentence.
    """
    language = language or SPOKEN.get()
    pair = REASONS.get(reason)
    if pair is None:
        return reason
    said = {name: spoken(name, value, language) for name, value in (details or {}).items()}
    return pair[0 if language == "fr" else 1].format_map(_Blanks(said, language))
