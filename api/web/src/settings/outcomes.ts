/** Jobs and what they did, as people read it. */
import { reasonName } from "@/stats/reasons";
import { known, language, say } from "@/words";
import { day } from "@/words/times";

export interface Job {
  id: string;
  titre: string;
  frequence: string;
}

export function jobName(job: Job): string {
  const word = `settings.job_${job.id}`;
  return known(word) ? say(word) : job.titre;
}

/** "tous les jours à 02:00", which the server says in French. */
export function often(job: Job): string {
  const at = /(\d\d:\d\d)$/.exec(job.frequence)?.[1];
  const minutes = /toutes les (\d+) minutes/.exec(job.frequence)?.[1];
  if (minutes) return say("settings.every_minutes", { minutes });
  return at ? say(job.frequence.startsWith("le 1er") ? "settings.monthly" : "settings.daily", { at }) : job.frequence;
}

/** What a run did, fact by fact; of one that failed, why. */
export function facts(outcome: Record<string, unknown> | null): [string, string][] {
  const { erreur, motif } = outcome ?? {};
  if (typeof erreur === "string" && typeof motif === "string") return [[fact("erreur"), language() === "fr" ? erreur : reasonName.value(motif)]];
  return Object.entries(outcome ?? {}).map(([name, value]) => [fact(name), written(name, value)]);
}

function fact(name: string): string {
  const word = `settings.fact_${name}`;
  return known(word) ? say(word) : name.replaceAll("_", " ");
}

function written(name: string, value: unknown): string {
  if (name === "octets" && typeof value === "number") return size(value);
  if (name === "jour" && typeof value === "string") return day(`${value}T12:00:00Z`, "UTC");
  if (typeof value === "boolean") return say(value ? "common.yes" : "common.no");
  if (typeof value === "number") return value.toLocaleString(language() === "fr" ? "fr-FR" : "en-GB");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** "1,4 Mo". */
export function size(bytes: number): string {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "settings.kb" as const] : bytes < 1e9 ? [bytes / 1e6, "settings.mb" as const] : [bytes / 1e9, "settings.gb" as const];
  return say(unit, { size: value.toLocaleString(language() === "fr" ? "fr-FR" : "en-GB", { maximumFractionDigits: 1 }) });
}
