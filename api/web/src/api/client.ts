/** The API as the page calls it: typed by its OpenAPI document, logged in, safe to ask twice. */
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";
import { access, renew } from "./account";
import { language } from "@/words";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Poste = Schemas["PosteView"];
export type Session = Schemas["SessionView"];
export type Site = Schemas["SiteView"];
export type Ticket = Schemas["TicketView"];
export type Demande = Schemas["RequestView"];
export type Alerte = Schemas["AlertView"];
export type Utilisateur = Schemas["UtilisateurView"];
export type Lot = Schemas["BatchView"];
export type Reservation = Schemas["BookingView"];

const TRIES_S = [0.5, 1.5];

/** Why something was not done, in the words of the server; `status` 0: it was not reached. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    detail: string,
    readonly field: string | null = null,
    readonly fields: Record<string, string> = {},
  ) {
    super(detail);
  }
}

export const api = createClient<paths>({ baseUrl: "", fetch: loggedIn });

type Call<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

/** The answer to a call. Throws Refusal. */
export async function ask<T>(call: Call<T>): Promise<T> {
  let answered;
  try {
    answered = await call;
  } catch {
    throw new Refusal(0, "serveur_injoignable", "");
  }
  if (answered.response.ok) return answered.data as T;
  throw refusal(answered.response.status, answered.error);
}

/** The same with its ETag: a save that sends it as If-Match changes only what was seen. Throws Refusal. */
export async function askTagged<T>(call: Call<T>): Promise<{ it: T; tag: string }> {
  let tag = "";
  const it = await ask(call.then((answered) => ((tag = answered.response.headers.get("etag") ?? ""), answered)));
  return { it, tag };
}

export function refusal(status: number, error: unknown): Refusal {
  const problem = (typeof error === "object" && error ? error : {}) as Partial<Problem>;
  const fields = Object.fromEntries((problem.errors ?? []).map((one) => [one.field, one.detail]));
  const detail = problem.detail ?? problem.title ?? "";
  if (problem.field) fields[problem.field] ??= detail;
  return new Refusal(status, problem.reason ?? "erreur_interne", detail, problem.field ?? null, fields);
}

/** A file of the API, as a Blob with its name. Throws Refusal. */
export async function file(path: string): Promise<{ blob: Blob; name: string }> {
  const answer = await loggedIn(new Request(path));
  if (!answer.ok) throw refusal(answer.status, await answer.json().catch(() => null));
  const named = /filename\*?=(?:UTF-8'')?"?([^";]+)/.exec(answer.headers.get("content-disposition") ?? "");
  return { blob: await answer.blob(), name: decodeURIComponent(named?.[1] ?? "fichier") };
}

/** Give a file of the API to the browser's downloads. Throws Refusal. */
export async function download(path: string): Promise<void> {
  const { blob, name } = await file(path);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function loggedIn(request: Request): Promise<Response> {
  if (request.method === "POST" && !request.headers.has("Idempotency-Key"))
    request.headers.set("Idempotency-Key", key());
  request.headers.set("Accept-Language", language());
  const again = request.clone();
  const answer = await patient(request);
  if (answer.status !== 401 || !(await renew())) return answer;
  return patient(again);
}

/** Reads and keyed POSTs are asked again when the answer was lost: done once, whatever arrived. */
async function patient(request: Request): Promise<Response> {
  for (const pause of request.method === "GET" || request.method === "POST" ? TRIES_S : []) {
    try {
      return await sent(request.clone());
    } catch (error) {
      if (request.signal.aborted) throw error;
      await new Promise((done) => setTimeout(done, pause * 1000));
    }
  }
  return sent(request);
}

function sent(request: Request): Promise<Response> {
  const token = access();
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  return fetch(request);
}

/** Good where there is no TLS too, unlike crypto.randomUUID. */
export function key(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
