/** Figures of a period, put together for what is shown of them. Pure. */
import type { Schemas } from "@/api/client";
import { stepOf, steps, type Period, type Unit } from "./periods";

export type Tally = Schemas["Tally"];
export type Figures = Schemas["SessionStats"];
export type Occupation = Schemas["Occupation"];
export type Slot = Schemas["Slot"];

/** What is shown of a period at a site, or at all of them. */
export interface Known {
  sessions: Figures;
  occupation: Occupation;
  people: Schemas["UtilisateurStats"];
}

/** One step of a period: a day, a week or a month. */
export interface Step extends Tally {
  first: string;
}

export function byStep(figures: Figures, period: Period, unit: Unit): Step[] {
  const found = new Map(steps(period, unit).map((first) => [first, { first, sessions: 0, secondes: 0, attente_moyenne: 0 }]));
  for (const [day, tally] of Object.entries(figures.par_jour)) {
    const step = found.get(stepOf(day, unit, period));
    if (step) add(step, tally);
  }
  return [...found.values()];
}

function add(step: Step, tally: Tally): void {
  const waited = step.attente_moyenne * step.sessions + tally.attente_moyenne * tally.sessions;
  step.sessions += tally.sessions;
  step.secondes += tally.secondes;
  step.attente_moyenne = step.sessions ? Math.round(waited / step.sessions) : 0;
}

export function mean(tally: Tally): number {
  return tally.sessions ? tally.secondes / tally.sessions : 0;
}

export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

/** By how much it grew, as a part of what it was; null where it was nothing. */
export function growth(now: number | null, was: number | null): number | null {
  return now === null || !was ? null : (now - was) / was;
}
