/** The kinds of lines of the journal: each action is of one, which has its colour and its picture. Pure. */
import type * as icons from "@/parts/icons";

export type Kind = "session" | "temps" | "poste" | "personne" | "attente" | "acces" | "reglage" | "donnees" | "refus" | "autre";
interface Looks {
  icon: keyof typeof icons;
  colour: string;
  actions: readonly string[];
}

export const KINDS: Record<Kind, Looks> = {
  session: {
    icon: "sessions",
    colour: "occupe",
    actions: [
      "generation_code", "demarrage_session", "suspension_session", "reprise_session", "fermeture", "expiration", "annulation_fin",
      "modification_session", "transfert_session", "reimpression_code", "generation_lot", "annulation_lot", "fin_au_poste", "inactivite",
      "avertissement",
    ],
  },
  temps: { icon: "time", colour: "bientot", actions: ["ajout_temps", "demande_temps", "refus_temps", "credit_panne"] },
  poste: {
    icon: "postes",
    colour: "disponible",
    actions: [
      "connexion_poste", "deconnexion_poste", "changement_statut_poste", "commande_poste", "nettoyage_poste", "creation_poste",
      "modification_poste", "suppression_poste", "cle_poste", "enrolement_poste", "deverrouillage_manuel",
    ],
  },
  personne: {
    icon: "utilisateurs",
    colour: "reserve",
    actions: ["creation_utilisateur", "modification_utilisateur", "suppression_utilisateur", "revocation_consentement"],
  },
  attente: {
    icon: "ticket",
    colour: "nettoyage",
    actions: ["file_attente", "reservation", "annulation_reservation", "reservation_hors_horaires", "reservation_manquee"],
  },
  acces: {
    icon: "compte",
    colour: "maintenance",
    actions: [
      "connexion_operateur", "deconnexion_operateur", "creation_operateur", "modification_operateur", "revocation_jetons", "totp_active",
      "totp_desactive",
    ],
  },
  reglage: {
    icon: "reglages",
    colour: "hors_ligne",
    actions: ["creation_site", "modification_site", "modification_plan", "lancement_tache", "acquittement_alerte"],
  },
  donnees: { icon: "data", colour: "suspendue", actions: ["export", "purge", "requisition", "sauvegarde", "restauration"] },
  refus: { icon: "alarme", colour: "alarme", actions: ["erreur", "refus", "echec_code"] },
  autre: { icon: "journal", colour: "quiet", actions: [] },
};

const OF = new Map(Object.entries(KINDS).flatMap(([kind, { actions }]) => actions.map((one) => [one, kind as Kind] as const)));

export function kindOf(action: string): Kind {
  return OF.get(action) ?? "autre";
}
