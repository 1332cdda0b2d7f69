/** A list of the API as a page shows it: filters, order and page are in the address, so that they can be kept and sent. */
import { computed, ref, shallowRef, watch } from "vue";
import { useRoute, useRouter } from "vue-router";

import { complain } from "@/live/notices";

export const ROWS = 50;
type Page<T> = { total: number; resultats: T[] };
/** What is asked of the list; what is empty is not asked. */
export type Asked = Record<string, string>;

const WAIT_MS = 250;

/** Read a list by what the address says (`defaults` where it says nothing), and again whenever that changes. */
export function useList<T>(defaults: Asked, read: (asked: Asked & { limit: number; offset: number }) => Promise<Page<T>>) {
  const route = useRoute();
  const router = useRouter();
  const path = route.path;
  const rows = shallowRef<T[]>([]);
  const total = ref(0);
  const busy = ref(true);
  let turn = 0;
  let timer = 0;

  const asked = computed<Asked>(() => {
    const said = Object.fromEntries(Object.entries(route.query).map(([name, value]) => [name, String(value ?? "")]));
    return { ...defaults, ...said };
  });
  const page = computed(() => Math.max(1, Number(asked.value.page) || 1));
  const pages = computed(() => Math.max(1, Math.ceil(total.value / ROWS)));

  /** Read it again; `quiet`: without saying so, for what changed by itself. */
  async function reload(quiet = false): Promise<void> {
    const mine = ++turn;
    const { page: _page, ...filters } = asked.value;
    const given = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ""));
    if (!quiet) busy.value = true;
    try {
      const found = await read({ ...given, limit: ROWS, offset: (page.value - 1) * ROWS } as Asked & { limit: number; offset: number });
      if (mine !== turn) return;
      rows.value = found.resultats;
      total.value = found.total;
    } catch (error) {
      if (mine === turn) complain(error);
    } finally {
      if (mine === turn) busy.value = false;
    }
  }

  let changes: Asked = {};
  /** Change a filter; the first page is shown again. With `soon`, when typing has stopped: or with the next change. */
  function set(name: string, value: string, soon = false): void {
    clearTimeout(timer);
    changes[name] = value;
    if (soon) timer = window.setTimeout(go, WAIT_MS);
    else go();
  }

  function go(): void {
    const { page: _page, ...rest } = route.query;
    const said = Object.entries(changes).map(([name, value]) => [name, value === (defaults[name] ?? "") ? undefined : value]);
    changes = {};
    void router.replace({ query: { ...rest, ...Object.fromEntries(said) } });
  }

  function turnTo(number: number): void {
    void router.push({ query: { ...route.query, page: number > 1 ? String(number) : undefined } });
  }

  watch(asked, () => route.path === path && void reload(), { immediate: true });
  return { asked, rows, total, busy, page, pages, reload, set, turnTo };
}
