/** The breakdowns of a period's figures, as the page and the report of a year show them. */
import { room, sites } from "@/desk/board";
import { say } from "@/words";
import { duration } from "@/words/times";
import type { Line } from "./Bars.vue";
import { mean, type Known, type Tally } from "./figures";
import { reasonName } from "./reasons";

export const columns = (): string[] => [say("stats.used"), say("stats.mean"), say("stats.wait")];

export function tallied(by: Record<string, Tally>, name: (key: string) => string): Line[] {
  return Object.entries(by).map(([key, tally]) => ({ name: name(key), amount: tally.sessions, more: [duration(tally.secondes), duration(mean(tally)), duration(tally.attente_moyenne)] }));
}

export const siteName = (slug: string): string => sites.value.find((one) => one.slug === slug)?.nom ?? slug;
export const posteName = (slug: string): string => room.value.find((one) => one.slug === slug)?.nom ?? (slug || say("stats.no_poste"));
export const categoryName = (key: string): string => key || say("stats.no_category");
export const endName = (code: string): string => (code ? reasonName.value(code) : say("stats.not_over"));

export function refusals(known: Known): Line[] {
  return Object.entries(known.sessions.refus).map(([code, amount]) => ({ name: reasonName.value(code), amount }));
}

export function lengthName(one: { de: number; a: number | null }): string {
  if (one.a === null) return say("stats.longer", { from: duration(one.de) });
  return one.de ? say("stats.between", { from: duration(one.de), to: duration(one.a) }) : say("stats.shorter", { to: duration(one.a) });
}
