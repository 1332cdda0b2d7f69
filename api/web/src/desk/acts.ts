/** What the desk does to sessions and postes: each is told, shown at once, and undone where it can be. */
import { api, ask, type Demande, type Poste, type Session, type Ticket } from "@/api/client";
import { attempt, tell } from "@/live/notices";
import type { About } from "@/live/remedies";
import { say } from "@/words";
import { duration } from "@/words/times";
import { board, see, sessionOf, site } from "./board";
import { giving } from "./giving";
import { short } from "./looks";

type Wanted = "disponible" | "maintenance" | "hors_ligne";
/** How one asks for what is wanted of a poste. */
const ASKED: Record<string, Wanted> = { en_service: "disponible", maintenance: "maintenance", hors_ligne: "hors_ligne" };
type Id = { params: { path: { session_id: number } } };
/** An ending can be undone for a minute, says the server. */
const UNDO_END_MS = 58_000;
/** Why an ending cannot be undone. */
const GONE = ["trop_tard", "rien_a_reprendre", "fin_definitive"];
const of = (session: Session): Id => ({ params: { path: { session_id: session.id } } });

/** What a refusal of something done to a session is about. */
function on(session: Session, acts?: About["acts"]): About {
  return { session: session.id, person: session.utilisateur ?? undefined, poste: session.poste ?? undefined, site: session.site, ...(acts && { acts }) };
}

/** How the desk calls whose session it is. */
export function who(session: Session): string {
  return session.utilisateur_nom ? short(session.utilisateur_nom) : say("session.anonymous");
}

export async function addTime(session: Session, seconds: number, quiet = false): Promise<void> {
  await attempt(async () => {
    const changed = await ask(api.POST("/api/sessions/{session_id}/add_time", { ...of(session), body: { seconds } }));
    see(changed);
    const named = { duration: duration(Math.abs(seconds)), who: who(session) };
    if (quiet) tell(say("done.undone"));
    else tell(say(seconds < 0 ? "done.removed" : "done.added", named), () => addTime(changed, -seconds, true));
  }, on(session));
}

export async function pause(session: Session): Promise<void> {
  await attempt(async () => {
    const changed = await ask(api.POST("/api/sessions/{session_id}/suspend", of(session)));
    see(changed);
    tell(say("done.paused", { who: who(session) }), () => resume(changed));
  }, on(session));
}

export async function resume(session: Session): Promise<void> {
  await attempt(async () => {
    const changed = await ask(api.POST("/api/sessions/{session_id}/resume", of(session)));
    see(changed);
    tell(say("done.resumed", { who: who(session) }), () => pause(changed));
  }, on(session));
}

export function pauseOrResume(session: Session): Promise<void> {
  return session.statut === "suspendue" ? resume(session) : pause(session);
}

/** End a session; one whose code was not typed yet is cancelled. */
export async function end(session: Session): Promise<void> {
  await attempt(async () => {
    if (session.statut === "en_attente") {
      await ask(api.DELETE("/api/sessions/{session_id}", of(session)));
      see({ ...session, statut: "terminee", version: session.version + 1 });
      tell(say("done.cancelled"));
      return;
    }
    see(await ask(api.POST("/api/sessions/{session_id}/terminate", of(session))));
    tell(say("done.ended", { who: who(session) }), () => undoEnd(session), UNDO_END_MS);
  }, on(session));
}

export async function undoEnd(session: Session): Promise<void> {
  await attempt(async () => {
    see(await ask(api.POST("/api/sessions/{session_id}/undo", of(session))));
    tell(say("done.undone"));
  }, on(session, Object.fromEntries(GONE.map((reason) => [reason, { text: say("board.new"), act: () => giving.open({ poste: session.poste ?? undefined }) }]))));
}

export async function transfer(session: Session, poste: Poste): Promise<void> {
  await attempt(async () => {
    see(await ask(api.POST("/api/sessions/{session_id}/transfer", { ...of(session), body: { poste: poste.slug } })));
    tell(say("done.transferred", { who: who(session), poste: poste.nom }));
  }, on(session));
}

/** Two sessions change places. */
export async function swap(session: Session, other: Session): Promise<void> {
  await attempt(async () => {
    see(await ask(api.POST("/api/sessions/{session_id}/swap", { ...of(session), body: { session: other.id } })));
    tell(say("done.swapped", { who: who(session), other: who(other) }));
  }, on(session));
}

export async function reprint(session: Session): Promise<void> {
  await attempt(async () => {
    const { code_acces } = await ask(api.POST("/api/sessions/{session_id}/reprint", of(session)));
    giving.open({ given: { session, code: code_acces } });
  });
}

export async function message(poste: Poste, texte: string): Promise<void> {
  await attempt(async () => {
    await ask(api.POST("/api/postes/{poste}/commands", { params: { path: { poste: poste.slug } }, body: { op: "message", texte } }));
    tell(say("done.message", { who: poste.nom }));
  }, { poste: poste.slug });
}

export async function messageAll(texte: string): Promise<void> {
  await attempt(async () => {
    const there = site.value!;
    const told = await ask(api.POST("/api/sites/{site}/message", { params: { path: { site: there.slug } }, body: { texte } }));
    tell(say("done.many", { done: told.resultats.filter((one) => one.fait).length, n: told.resultats.length }));
  });
}

/** Grant what was asked for, or another time. */
export async function accept(demande: Demande): Promise<void> {
  await attempt(async () => {
    await ask(api.POST("/api/demandes/{request_id}/accept", { params: { path: { request_id: demande.id } }, body: {} }));
    forget(demande);
    const session = sessionOf(demande.session);
    tell(say("done.added", { duration: duration(demande.secondes), who: session ? who(session) : (demande.poste ?? "") }));
  });
}

export async function refuse(demande: Demande): Promise<void> {
  await attempt(async () => {
    await ask(api.POST("/api/demandes/{request_id}/refuse", { params: { path: { request_id: demande.id } } }));
    forget(demande);
    tell(say("done.refused"));
  });
}

function forget(demande: Demande): void {
  board.demandes = board.demandes.filter((one) => one.id !== demande.id);
}

export async function queue(prenom: string, duree: number): Promise<boolean> {
  const ticket = await attempt(() => ask(api.POST("/api/attente", { body: { site: site.value!.slug, duree, prenom } })));
  if (!ticket) return false;
  board.tickets = [...board.tickets.filter((one) => one.id !== ticket.id), ticket];
  tell(say("done.queued", { who: prenom || say("session.anonymous"), numero: ticket.numero }), () => leaveQueue(ticket));
  return true;
}

export async function leaveQueue(ticket: Ticket): Promise<void> {
  await attempt(async () => {
    await ask(api.POST("/api/attente/{ticket_id}/give_up", { params: { path: { ticket_id: ticket.id } } }));
    board.tickets = board.tickets.filter((one) => one.id !== ticket.id);
    tell(say("done.left_queue"));
  });
}

export async function skip(ticket: Ticket): Promise<void> {
  await attempt(() => ask(api.POST("/api/attente/{ticket_id}/skip", { params: { path: { ticket_id: ticket.id } } })));
}

/** Who was called is here: their code. */
export async function serve(ticket: Ticket): Promise<void> {
  await attempt(async () => {
    const { code_acces, ...session } = await ask(api.POST("/api/attente/{ticket_id}/serve", { params: { path: { ticket_id: ticket.id } } }));
    board.tickets = board.tickets.filter((one) => one.id !== ticket.id);
    see(session);
    giving.open({ given: { session, code: code_acces } });
  });
}

/** What is wanted of a poste: disponible, maintenance or hors_ligne. */
export async function want(poste: Poste, statut: Wanted, quiet = false): Promise<void> {
  const before = ASKED[poste.statut_voulu];
  await attempt(async () => {
    await ask(api.PUT("/api/postes/{poste}/status", { params: { path: { poste: poste.slug } }, body: { statut } }));
    if (quiet) tell(say("done.undone"));
    else tell(say("done.wanted", { who: poste.nom, state: say(`state.${statut}`) }), before && (() => want(poste, before, true)));
  }, { poste: poste.slug });
}

export async function takeCare(id: number): Promise<void> {
  await attempt(async () => {
    await ask(api.POST("/api/alertes/{alert_id}/acquitter", { params: { path: { alert_id: id } } }));
    board.alertes = board.alertes.map((one) => (one.id === id ? { ...one, acquittee_a: new Date().toISOString() } : one));
  });
}

type OnMany = "terminate" | "suspend" | "resume" | "add_time";
const BACK = { suspend: "resume", resume: "suspend", add_time: "add_time" } as const;

/** Many sessions at once: each has its own outcome, and those that refused say why. Undone for those that did not. */
export async function many(sessions: Session[], action: OnMany, seconds?: number, quiet = false): Promise<void> {
  await attempt(async () => {
    const body = { action, sessions: sessions.map((one) => one.id), ...(seconds !== undefined && { seconds }) };
    const { resultats } = await ask(api.POST("/api/sessions/bulk", { body }));
    const failed = resultats.filter((one) => !one.fait);
    const why = failed[0]?.motif_texte;
    const told = quiet && !failed.length ? say("done.undone") : say("done.many", { done: resultats.length - failed.length, n: resultats.length }) + (why ? ` — ${why}` : "");
    const done = sessions.filter((one) => resultats.some((result) => result.fait && result.id === one.id));
    const back = action === "terminate" ? undefined : BACK[action];
    const undo = back && done.length && !quiet ? () => many(done, back, seconds && -seconds, true) : undefined;
    tell(told, undo);
  });
}
