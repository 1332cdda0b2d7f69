/** The lines of the journal as the address asks for them, by a cursor that new lines do not move. */
import { computed, onBeforeUnmount, ref, shallowRef, watch } from "vue";
import { useRoute, useRouter } from "vue-router";

import { api, ask, type Schemas } from "@/api/client";
import { zone } from "@/desk/board";
import { listen } from "@/live/feed";
import { complain } from "@/live/notices";
import { between } from "@/words/local";
import { KINDS, type Kind } from "./kinds";

export type Line = Schemas["LogView"];
type Said = Record<string, string>;

const ROWS = 50;
const MOST_NEW = 200;
const SOON_MS = 700;
const SELDOM_MS = 3_000;
const LOOK_MS = 15_000;
const WAIT_MS = 250;

export function useLines() {
  const route = useRoute();
  const router = useRouter();
  const path = route.path;
  const lines = shallowRef<Line[]>([]);
  const fresh = shallowRef<Line[]>([]);
  const next = ref<number | null>(null);
  const busy = ref(true);
  let turn = 0;
  let looked = 0;

  const asked = computed<Said>(() => Object.fromEntries(Object.entries(route.query).map(([name, value]) => [name, String(value ?? "")])));
  const isNewest = computed(() => !asked.value.avant);

  async function read(): Promise<void> {
    const mine = ++turn;
    busy.value = true;
    try {
      const { avant } = asked.value;
      const found = await ask(api.GET("/api/logs", { params: { query: { ...query(asked.value), limit: ROWS, ...(avant && { avant: Number(avant) }) } } }));
      if (mine !== turn) return;
      lines.value = found.resultats;
      next.value = found.suivant;
      fresh.value = [];
    } catch (error) {
      if (mine === turn) complain(error);
    } finally {
      if (mine === turn) busy.value = false;
    }
  }

  /** What was written since: it is told, and shown when somebody wants it, so that nothing moves under the eyes. */
  async function look(): Promise<void> {
    if (!isNewest.value || busy.value || document.hidden) return;
    looked = Date.now();
    const mine = turn;
    const apres = Math.max(1, lines.value[0]?.id ?? 0);
    const found = await ask(api.GET("/api/logs", { params: { query: { ...query(asked.value), apres, limit: MOST_NEW } } })).catch(() => null);
    if (found && mine === turn) fresh.value = found.resultats;
  }

  function show(): void {
    lines.value = [...fresh.value, ...lines.value];
    fresh.value = [];
  }

  let timer = 0;
  let changes: Said = {};
  /** Change filters; the newest lines are shown again. With `soon`, when typing has stopped: or with the next change. */
  function set(changed: Said, soon = false): void {
    clearTimeout(timer);
    changes = { ...changes, ...changed };
    if (soon) timer = window.setTimeout(go, WAIT_MS);
    else go();
  }

  function go(): void {
    const { avant: _avant, ...rest } = route.query;
    const said = Object.entries(changes).map(([name, value]) => [name, value || undefined]);
    changes = {};
    void router.replace({ query: { ...rest, ...Object.fromEntries(said) } });
  }

  function older(): void {
    if (next.value) void router.push({ query: { ...route.query, avant: String(next.value) } });
  }

  let soon = 0;
  const hearNoMore = listen(() => {
    soon ||= window.setTimeout(() => {
      soon = 0;
      void look();
    }, Math.max(SOON_MS, looked + SELDOM_MS - Date.now()));
  });
  // What belongs to no site, and some of what does, is told to no page: logins, exports, backups.
  const looking = window.setInterval(() => void look(), LOOK_MS);
  onBeforeUnmount(() => {
    clearTimeout(soon);
    clearTimeout(timer);
    clearInterval(looking);
    hearNoMore();
  });

  watch(asked, () => route.path === path && void read(), { immediate: true });
  return { asked, lines, fresh, next, busy, isNewest, set, older, show };
}

/** What the words of the address mean to the API. */
export function query(said: Said) {
  const kind = said.genre as Kind | undefined;
  const action = said.action || (kind && KINDS[kind]?.actions.join(",")) || undefined;
  return {
    ...(said.site && { site: said.site }),
    ...(action && { action }),
    ...(said.poste && { poste: said.poste }),
    ...(said.operateur && { operateur: said.operateur }),
    ...(Number(said.session) > 0 && { session: Number(said.session) }),
    ...(Number(said.utilisateur) > 0 && { utilisateur: Number(said.utilisateur) }),
    ...(said.recherche && { recherche: said.recherche }),
    ...between(said.du ?? "", said.au ?? "", zone.value),
  };
}
