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
    { path: "/plan", component: () => import("./pages/Plan.vue"), meta: { title: "plan.title" } },
    { path: "/mur", component: () => import("./pages/Mur.vue"), meta: { title: "plan.wall", bare: true } },
    { path: "/postes", component: () => import("./pages/Postes.vue"), meta: { title: "postes.title" } },
    { path: "/postes/:poste", component: () => import("./pages/Poste.vue"), meta: { title: "postes.title" } },
    { path: "/journal", component: () => import("./pages/Journal.vue"), meta: { title: "journal.title" } },
    { path: "/:rest(.*)*", component: () => import("./pages/NotFound.vue"), meta: { title: "frame.not_found" } },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});
