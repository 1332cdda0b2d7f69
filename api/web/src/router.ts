/** The pages and their addresses. The desk comes with the page; the others when they are first opened. */
import { createRouter, createWebHistory } from "vue-router";

import Accueil from "./pages/Accueil.vue";
import type { Word } from "./words";

declare module "vue-router" {
  interface RouteMeta {
    title?: Word;
    bare?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", component: Accueil, meta: { title: "pages.accueil" } },
    { path: "/utilisateurs", component: () => import("./pages/Utilisateurs.vue"), meta: { title: "pages.utilisateurs" } },
    { path: "/utilisateurs/nouveau", component: () => import("./pages/NouvelUtilisateur.vue"), meta: { title: "people.new" } },
    { path: "/utilisateurs/:id(\\d+)", component: () => import("./pages/Utilisateur.vue"), meta: { title: "people.one" } },
    { path: "/sessions", component: () => import("./pages/Sessions.vue"), meta: { title: "pages.sessions" } },
    { path: "/sessions/lots", component: () => import("./pages/Lots.vue"), meta: { title: "sessions.batches" } },
    { path: "/sessions/reservations", component: () => import("./pages/Reservations.vue"), meta: { title: "sessions.bookings" } },
    { path: "/sessions/:id(\\d+)", component: () => import("./pages/Session.vue"), meta: { title: "sessions.one" } },
    { path: "/plan", component: () => import("./pages/Plan.vue"), meta: { title: "plan.title" } },
    { path: "/mur", component: () => import("./pages/Mur.vue"), meta: { title: "plan.wall", bare: true } },
    { path: "/postes", component: () => import("./pages/Postes.vue"), meta: { title: "postes.title" } },
    { path: "/postes/:poste", component: () => import("./pages/Poste.vue"), meta: { title: "postes.title" } },
    { path: "/journal", component: () => import("./pages/Journal.vue"), meta: { title: "journal.title" } },
    { path: "/statistiques", component: () => import("./pages/Statistiques.vue"), meta: { title: "pages.statistiques" } },
    { path: "/statistiques/rapport", component: () => import("./pages/RapportAnnuel.vue"), meta: { title: "stats.report" } },
    {
      path: "/reglages",
      component: () => import("./pages/Reglages.vue"),
      meta: { title: "pages.reglages" },
      redirect: "/reglages/sites",
      children: [
        { path: "sites", component: () => import("./settings/Sites.vue"), meta: { title: "settings.sites" } },
        { path: "sites/:slug/:tab(horaires|regles|personnes|textes)?", component: () => import("./settings/SitePage.vue"), meta: { title: "settings.sites" } },
        { path: "operateurs", component: () => import("./settings/Operateurs.vue"), meta: { title: "settings.operateurs" } },
        { path: "taches", component: () => import("./settings/Jobs.vue"), meta: { title: "settings.jobs" } },
        { path: "sauvegardes", component: () => import("./settings/Backups.vue"), meta: { title: "settings.backups" } },
        { path: "rapports", component: () => import("./settings/Reports.vue"), meta: { title: "settings.reports" } },
        { path: "requisitions", component: () => import("./settings/Requisitions.vue"), meta: { title: "settings.requisitions" } },
        { path: "alertes", component: () => import("./settings/Alerts.vue"), meta: { title: "settings.alerts" } },
        { path: "systeme", component: () => import("./settings/System.vue"), meta: { title: "settings.system" } },
      ],
    },
    { path: "/compte", component: () => import("./pages/Compte.vue"), meta: { title: "pages.compte" } },
    { path: "/:rest(.*)*", component: () => import("./pages/NotFound.vue"), meta: { title: "frame.not_found" } },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});
