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
    { path: "/:rest(.*)*", component: () => import("./pages/NotFound.vue"), meta: { title: "frame.not_found" } },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});
