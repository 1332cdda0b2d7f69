/** How a poste looks: what a tile says. Pure. */
import type { Poste, Session } from "@/api/client";

export type Look =
  | "disponible" | "occupe" | "suspendue" | "bientot" | "grace" | "reserve" | "nettoyage" | "maintenance" | "hors_ligne"
  | "inconnu";

const SOON_S = 300;

/** What a poste looks like at an instant (ms). */
export function look(poste: Poste, session: Session | undefined, now: number): Look {
  if (poste.est_en_ligne === null && !session) return "inconnu";
  if (session?.statut === "suspendue") return "suspendue";
  if (session?.statut === "active") {
    const left = remaining(session, now);
    return left <= 0 ? "grace" : left <= SOON_S ? "bientot" : "occupe";
  }
  return poste.statut as Look;
}

/** Seconds left of a session at an instant (ms): from its deadline while it runs, saved while it is paused. */
export function remaining(session: Session, now: number): number {
  if (session.statut !== "active" || !session.fin_prevue) return session.temps_restant;
  return Math.max(0, (Date.parse(session.fin_prevue) - now) / 1000);
}

/** From 1 to 0: how much of the granted time is left. */
export function share(session: Session, now: number): number {
  return session.duree_totale ? Math.min(1, remaining(session, now) / session.duree_totale) : 0;
}

/** First name and initial: "Marie P."; the name is stored as "Prénom Nom". */
export function short(name: string): string {
  const [first, ...rest] = name.trim().split(/\s+/);
  return rest.length ? `${first} ${rest[0]![0]}.` : (first ?? "");
}

/** A code in two groups: "ABC 234". */
export function grouped(code: string): string {
  return `${code.slice(0, 3)} ${code.slice(3)}`;
}

const SPELLED: Record<string, string> = {
  A: "Anatole", B: "Berthe", C: "Célestin", D: "Désiré", E: "Eugène", F: "François", G: "Gaston", H: "Henri",
  J: "Joseph", K: "Kléber", L: "Louis", M: "Marcel", N: "Nicolas", P: "Pierre", Q: "Quintal", R: "Raoul",
  S: "Suzanne", T: "Thérèse", U: "Ursule", V: "Victor", W: "William", X: "Xavier", Y: "Yvonne", Z: "Zoé",
};

/** "A comme Anatole, 7, K comme Kléber": for a telephone or a loud room. */
export function spelled(code: string): string {
  return [...code].map((sign) => (SPELLED[sign] ? `${sign} comme ${SPELLED[sign]}` : sign)).join(", ");
}
