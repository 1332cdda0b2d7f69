/** The room as it is now: read once, then kept current by what happens. One for the whole page. */
import { computed, reactive, ref, shallowReactive, watch } from "vue";

import type { Alerte, Demande, Poste, Session, Site, Ticket } from "@/api/client";
import { api, ask } from "@/api/client";
import { account } from "@/api/account";
import { clock } from "@/live/clock";
import { listen, type Message } from "@/live/feed";
import { complain } from "@/live/notices";

const MOST = 200;
const SETTLE_MS = 150;
const HIDDEN_MS = 200;
const RUNNING = ["active", "suspendue"];

export const sites = ref<Site[]>([]);
/** The slug of the site that is looked at; it is remembered. */
export const chosen = ref(localStorage.getItem("ppm-site") ?? "");
export const site = computed(() => sites.value.find((one) => one.slug === chosen.value) ?? sites.value[0]);
export const zone = computed(() => site.value?.zone ?? "Indian/Reunion");

const postes = shallowReactive(new Map<number, Poste>());
const sessions = shallowReactive(new Map<number, Session>());
export const board = reactive({
  loaded: false,
  tickets: [] as Ticket[],
  demandes: [] as Demande[],
  alertes: [] as Alerte[],
});

/** The postes of the site, in the order of the room: by the plan, then by name. */
export const room = computed(() =>
  [...postes.values()].sort(
    (a, b) => (a.plan_y ?? 1e9) - (b.plan_y ?? 1e9) || (a.plan_x ?? 1e9) - (b.plan_x ?? 1e9) || people.compare(a.nom, b.nom),
  ),
);
const people = new Intl.Collator("fr", { numeric: true });

export const running = computed(() => [...sessions.values()].filter((one) => RUNNING.includes(one.statut)));
export const waiting = computed(() => [...sessions.values()].filter((one) => one.statut === "en_attente"));
const byPoste = computed(() => new Map(running.value.map((one) => [one.poste, one])));
const promised = computed(() => new Map(waiting.value.map((one) => [one.poste, one])));

export function at(poste: Poste): Session | undefined {
  return byPoste.value.get(poste.slug);
}

/** The session whose code opens this poste and has not been typed yet. */
export function expected(poste: Poste): Session | undefined {
  return promised.value.get(poste.slug);
}

export function sessionOf(id: number): Session | undefined {
  return sessions.get(id);
}

/** What an action answered is shown at once, not only when the news of it comes. */
export function see(session: Session): void {
  if (session.site !== site.value?.slug) return;
  const kept = sessions.get(session.id);
  if (kept && kept.version > session.version) return;
  if (RUNNING.includes(session.statut) || session.statut === "en_attente") sessions.set(session.id, session);
  else sessions.delete(session.id);
}

let pending: Message[] | null = null;
let turn = 0;

/** Read all of the site. */
export async function load(): Promise<void> {
  const mine = ++turn;
  pending = [];
  await readSites();
  const slug = site.value?.slug;
  if (!slug) {
    board.loaded = true;
    return;
  }
  const query = { site: slug, limit: MOST };
  const [all, live, given] = await Promise.all([
    pages((offset) => ask(api.GET("/api/postes", { params: { query: { ...query, offset } } }))),
    pages((offset) => ask(api.GET("/api/sessions/actives", { params: { query: { ...query, offset } } }))),
    pages((offset) => ask(api.GET("/api/sessions", { params: { query: { ...query, offset, statut: "en_attente" } } }))),
    readQueue(), readDemandes(), readAlertes(),
  ]);
  if (mine !== turn) return;
  replace(postes, all);
  replace(sessions, [...live, ...given]);
  const missed = pending ?? [];
  pending = null;
  board.loaded = true;
  for (const message of missed) apply(message);
}

async function pages<T>(read: (offset: number) => Promise<{ total: number; resultats: T[] }>): Promise<T[]> {
  const first = await read(0);
  const found = [...first.resultats];
  while (found.length < first.total) {
    const next = (await read(found.length)).resultats;
    if (!next.length) break;
    found.push(...next);
  }
  return found;
}

function replace<T extends { id: number }>(map: Map<number, T>, found: T[]): void {
  const ids = new Set(found.map((one) => one.id));
  for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
  for (const one of found) map.set(one.id, one);
}

async function readSites(): Promise<void> {
  sites.value = (await ask(api.GET("/api/sites", { params: { query: { limit: MOST } } }))).resultats;
}

async function readQueue(): Promise<void> {
  board.tickets = (await ask(api.GET("/api/attente", { params: { query: { site: site.value!.slug, limit: MOST } } }))).resultats;
}

async function readDemandes(): Promise<void> {
  board.demandes = (await ask(api.GET("/api/demandes", { params: { query: { site: site.value!.slug, statut: "ouverte", limit: MOST } } }))).resultats;
}

async function readAlertes(): Promise<void> {
  const asked = api.GET("/api/alertes", { params: { query: { en_cours: true, limit: 50 } } });
  board.alertes = (await ask(asked)).resultats.filter((one) => !one.site || one.site === site.value!.slug);
}

const settle = new Map<() => Promise<void>, number>();
function soon(read: () => Promise<void>): void {
  clearTimeout(settle.get(read));
  settle.set(read, window.setTimeout(() => void read().catch(() => undefined), SETTLE_MS));
}

/** A burst is drawn once: what comes within a frame is taken together. A page in the background has no frames. */
const inbox: Message[] = [];
function hear(message: Message): void {
  inbox.push(message);
  if (inbox.length > 1) return;
  const timer = window.setTimeout(take, HIDDEN_MS);
  requestAnimationFrame(take);
  function take(): void {
    clearTimeout(timer);
    for (const one of inbox.splice(0)) sort(one);
  }
}

function sort(message: Message): void {
  if (["reload", "rights", "room_update"].includes(message.type)) soon(load);
  else if (pending) pending.push(message);
  else apply(message);
}

function apply(message: Message): void {
  if (!account.value || !site.value) return;
  if (message.session) see(message.session);
  if (message.poste && message.poste.site === site.value.slug) postes.set(message.poste.id, message.poste);
  if (message.site && message.site !== site.value.slug) return;
  if (message.type === "queue_update") soon(readQueue);
  if (["demande_temps", "refus_temps", "ajout_temps", "fermeture"].includes(message.action ?? "")) soon(readDemandes);
  if (message.type === "error") soon(readAlertes);
}

listen(hear);
// That a place opens or closes is no event: time alone does it.
watch(clock, (now) => {
  const turn = site.value?.ouvert ? site.value.fermeture : site.value?.prochaine_ouverture;
  if (turn && now > Date.parse(turn)) soon(readSites);
});
watch(chosen, (slug) => localStorage.setItem("ppm-site", slug));
watch(
  () => site.value?.id,
  (id, before) => {
    if (id === undefined || before === undefined) return;
    board.loaded = false;
    void load().catch(complain);
  },
);
