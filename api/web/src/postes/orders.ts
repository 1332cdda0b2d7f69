/** Orders to postes: which there are, and what became of the last ones. */
import { api, ask, type Poste, type Schemas } from "@/api/client";
import { attempt, tell } from "@/live/notices";
import type { About } from "@/live/remedies";
import { known, say } from "@/words";

export type Order = Schemas["OrderView"];
export const OPS = ["identify", "lock", "resync", "clean", "reboot", "shutdown", "wake"] as const;
export type Op = (typeof OPS)[number] | "message" | "update";
/** What somebody may lose by: it is asked twice. */
export const SEVERE: ReadonlySet<string> = new Set(["clean", "reboot", "shutdown", "hors_ligne"]);

const EVERY = "attend,a_envoyer,envoyee,faite,refusee,expiree,annulee";
const SHOWN = 10;
/** How long a poste may take to answer. */
const ANSWERS_MS = 30_000;

export function opWord(op: string): string {
  const word = `postes.op.${op}`;
  return known(word) ? say(word) : op;
}

function about(poste: Poste, body: Schemas["CommandBody"]): About {
  const later = { text: say("remedy.when_back"), act: () => order(poste, { ...body, quand: "retour" }) };
  return { poste: poste.slug, acts: { poste_hors_ligne: later } };
}

/** Order this; whether it was taken. */
export async function order(poste: Poste, body: Schemas["CommandBody"]): Promise<boolean> {
  const sent = await attempt(() => ask(api.POST("/api/postes/{poste}/commands", { params: { path: { poste: poste.slug } }, body })), about(poste, body));
  if (sent) tell(say(sent.attend ? "postes.waits" : "postes.sent", { op: opWord(body.op), poste: poste.nom }));
  return sent !== undefined;
}

/** Take back one that waits for its poste; whether it was. */
export async function withdraw(one: Order, poste: string): Promise<boolean> {
  const done = await attempt(async () => {
    await ask(api.DELETE("/api/commandes/{order_id}", { params: { path: { order_id: one.id } } }));
    return true;
  });
  if (done) tell(say("postes.withdrawn", { op: opWord(one.op), poste }));
  return done === true;
}

/** The last orders to a poste, the newest first. */
export async function lastOrders(slug: string): Promise<Order[]> {
  const query = { poste: slug, statut: EVERY, tri: "-created_at", limit: SHOWN };
  return (await ask(api.GET("/api/commandes", { params: { query } }))).resultats;
}

/** Whether its poste may still answer. */
export function isOpen(one: Order, now: number): boolean {
  return ["a_envoyer", "envoyee"].includes(one.statut) && now - Date.parse(one.created_at) < ANSWERS_MS;
}

/** Milliseconds from the order to the answer; null where there was none. */
export function latency(one: Order): number | null {
  return one.repondu_a ? Math.max(0, Date.parse(one.repondu_a) - Date.parse(one.created_at)) : null;
}
