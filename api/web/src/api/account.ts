/**
 * Who is logged in. A tab keeps its access token, ten minutes long, over a reload: a refresh token is good once, and a
 * page that is reloaded while its answer is on its way would lose the login. The refresh token is a cookie that no
 * script can read.
 */
import { computed, shallowRef } from "vue";

import { alone } from "./alone";
import type { Schemas } from "./client";
import { language } from "@/words";

type Pair = Schemas["TokenPair"];
type Me = Schemas["OperateurView"];
type Held = { access: string; until: number };

const EARLY_MS = 60_000;
/** Somebody logged in here once: there may be a cookie, which no script sees. */
const TRACE = "ppm-logged-in";
const KEPT = "ppm-access";
const held = shallowRef<Held | null>(null);
const me = shallowRef<Me | null>(null);
const lapsed = shallowRef(false);
const others = new BroadcastChannel("ppm");
let renewing: Promise<boolean> | null = null;
let timer = 0;

export const account = computed(() => me.value);
export const isAdministrateur = computed(() => me.value?.role === "administrateur");
export const mayChange = computed(() => me.value !== null && me.value.role !== "lecteur");

/** The login is over though nobody logged out: the page stays, and asks to log in again. */
export const isOver = computed(() => lapsed.value);

const arrivals: (() => void)[] = [];
/** Be told that somebody is let in, before it is read who: what does not depend on that need not wait for it. */
export function onArrived(hear: () => void): void {
  arrivals.push(hear);
}

const renewals: ((token: string) => void)[] = [];
/** Have each new access token told to what is open for long. */
export function onRenewed(hear: (token: string) => void): void {
  renewals.push(hear);
}

export function access(): string | null {
  return held.value?.access ?? null;
}

/** Log in. The response of the server when it refused, null when it let in. */
export async function logIn(login: string, password: string, totp: string | null): Promise<Response | null> {
  const answer = await post("/api/auth/login/", { login, password, totp });
  if (!answer.ok) return answer;
  await enter((await answer.json()) as Pair);
  return null;
}

export async function logOut(): Promise<void> {
  await post("/api/auth/logout/").catch(() => undefined);
  leave();
  others.postMessage({ left: true });
}

/** Be who this browser was before, if there is a login; false when one must log in. */
export async function comeBack(): Promise<boolean> {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Held | null;
  if (kept && kept.until > Date.now() + EARLY_MS) {
    take(kept);
    if (await readAccount()) return true;
  }
  return renew();
}

/** A new access token by the cookie; false when one must log in again. Tabs take turns: each token is good once. */
export async function renew(): Promise<boolean> {
  if (!localStorage.getItem(TRACE)) return false;
  renewing ??= alone("ppm-renew", renewed).finally(() => (renewing = null));
  return renewing;
}

/** Read again who one is: rights may have changed. */
export async function readAccount(): Promise<boolean> {
  const answer = await fetch("/api/auth/me/", { headers: { Authorization: `Bearer ${access()}` } });
  if (answer.ok) me.value = (await answer.json()) as Me;
  return answer.ok;
}

async function renewed(): Promise<boolean> {
  const before = held.value;
  await new Promise((done) => setTimeout(done)); // what another tab said while this one waited is heard first
  if (held.value !== before && held.value && held.value.until > Date.now() + EARLY_MS) return me.value !== null;
  const answer = await post("/api/token/refresh/");
  if (answer.ok) {
    await enter((await answer.json()) as Pair);
    return true;
  }
  if (answer.status < 500 && answer.status !== 429) lapse();
  return false;
}

async function enter(pair: Pair): Promise<void> {
  take({ access: pair.access, until: Date.now() + pair.expires_in * 1000 });
  others.postMessage({ held: held.value });
  lapsed.value = false;
  localStorage.setItem(TRACE, "1");
  if (me.value?.id !== pair.operateur || me.value.role !== pair.role) await readAccount();
}

function take(token: Held): void {
  held.value = token;
  sessionStorage.setItem(KEPT, JSON.stringify(token));
  for (const hear of renewals) hear(token.access);
  if (me.value === null) for (const hear of arrivals) hear();
  clearTimeout(timer);
  timer = window.setTimeout(() => void renew().catch(() => undefined), Math.max(5_000, token.until - Date.now() - EARLY_MS));
}

function lapse(): void {
  sessionStorage.removeItem(KEPT);
  held.value = null;
  lapsed.value = me.value !== null;
  if (!lapsed.value) localStorage.removeItem(TRACE);
  clearTimeout(timer);
}

function leave(): void {
  localStorage.removeItem(TRACE);
  sessionStorage.removeItem(KEPT);
  lapsed.value = false;
  held.value = null;
  me.value = null;
  clearTimeout(timer);
}

function post(path: string, body?: unknown): Promise<Response> {
  const headers = { "Accept-Language": language(), ...(body !== undefined && { "Content-Type": "application/json" }) };
  return fetch(path, { method: "POST", headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

others.onmessage = ({ data }: MessageEvent<{ held?: Held; left?: true }>) => {
  if (data.left) leave();
  else if (data.held && me.value) take(data.held);
};
