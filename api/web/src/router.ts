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
    { path: "/:rest(.*)*", component: () => import("./pages/NotFound.vue"), meta: { title: "frame.not_found" } },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});
