/** The pages that the frame leads to, their keys after `g`, and who sees them. */
import type * as icons from "./icons";
import type { Word } from "@/words";

interface PageLink {
  path: string;
  title: Word;
  icon: keyof typeof icons;
  key?: string;
  role?: string;
}

export const PAGES: PageLink[] = [
  { path: "/", title: "pages.accueil", icon: "accueil", key: "a" },
  { path: "/utilisateurs", title: "pages.utilisateurs", icon: "utilisateurs", key: "u" },
  { path: "/sessions", title: "pages.sessions", icon: "sessions", key: "s" },
  { path: "/plan", title: "pages.plan", icon: "plan" },
  { path: "/postes", title: "pages.postes", icon: "postes", key: "p" },
  { path: "/journal", title: "pages.journal", icon: "journal", key: "j" },
  { path: "/statistiques", title: "pages.statistiques", icon: "statistiques", key: "t" },
  { path: "/reglages", title: "pages.reglages", icon: "reglages", key: "r" },
];
