/** What whoever was refused can do about it: an act that the caller offers, or the page of what stands in the way. */
import { isAdministrateur } from "@/api/account";
import { say, type Word } from "@/words";

export interface Remedy {
  text: string;
  /** Where to go; */
  to?: string;
  /** or what to do. */
  act?: () => unknown;
}

/** What was refused is about these; `acts` go before their pages. */
export interface About {
  session?: number | undefined;
  person?: number | undefined;
  poste?: string | undefined;
  site?: string | undefined;
  acts?: Record<string, Remedy>;
}

const OF_THE_PERSON = ["utilisateur_deja_en_session", "quota_sessions_jour", "quota_minutes_jour", "quota_minutes_semaine", "consentement_absent", "deja_en_file"];
const OF_THE_SESSION = ["transition_interdite", "session_inconnue", "temps_insuffisant", "fin_definitive", "rien_a_reprendre", "trop_tard", "deja_repondu", "sans_poste"];
const OF_THE_HOURS = ["ferme", "apres_fermeture", "reservation_ferme"];
const OF_THE_RULES = ["duree_maximale", "duree_invalide"];
/** Why a poste cannot be had. */
export const OF_THE_POSTE = ["poste_occupe", "poste_en_maintenance", "poste_hors_service", "poste_hors_ligne", "poste_en_nettoyage", "poste_deja_reserve", "reserve_bientot", "apres_reservation", "reservation_chevauche"];

export function remedyFor(reason: string, about: About): Remedy | undefined {
  const { session, person, poste, site } = about;
  const page = (word: Word, to: string): Remedy => ({ text: say(word), to });
  if (about.acts?.[reason]) return about.acts[reason];
  if (person && OF_THE_PERSON.includes(reason)) return page("remedy.person", `/utilisateurs/${person}`);
  if (session && OF_THE_SESSION.includes(reason)) return page("act.see_session", `/sessions/${session}`);
  if (poste && OF_THE_POSTE.includes(reason)) return page("act.see_poste", `/postes/${poste}`);
  if (!site || !isAdministrateur.value) return undefined;
  if (OF_THE_HOURS.includes(reason)) return page("remedy.hours", `/reglages/sites/${site}/horaires`);
  if (OF_THE_RULES.includes(reason)) return page("remedy.rules", `/reglages/sites/${site}/regles`);
  return undefined;
}
