/** The parts of the settings, and the lowest role that sees each. */
import type * as icons from "@/parts/icons";
import type { Word } from "@/words";

interface Part {
  path: string;
  title: Word;
  icon: keyof typeof icons;
  least: "lecteur" | "operateur" | "administrateur";
}

const ROLES = ["lecteur", "operateur", "administrateur"];
export const PARTS: Part[] = [
  { path: "/reglages/sites", title: "settings.sites", icon: "site", least: "lecteur" },
  { path: "/reglages/alertes", title: "settings.alerts", icon: "alarme", least: "lecteur" },
  { path: "/reglages/rapports", title: "settings.reports", icon: "journal", least: "lecteur" },
  { path: "/reglages/taches", title: "settings.jobs", icon: "time", least: "lecteur" },
  { path: "/reglages/systeme", title: "settings.system", icon: "live", least: "operateur" },
  { path: "/reglages/operateurs", title: "settings.operateurs", icon: "utilisateurs", least: "administrateur" },
  { path: "/reglages/sauvegardes", title: "settings.backups", icon: "backup", least: "administrateur" },
  { path: "/reglages/requisitions", title: "settings.requisitions", icon: "requisition", least: "administrateur" },
];

export function sees(role: string | undefined, least: string): boolean {
  return ROLES.indexOf(role ?? "") >= ROLES.indexOf(least);
}
