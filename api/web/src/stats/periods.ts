/** Periods of local days, both ends included, as figures are asked for. Pure. */
import { daysLater } from "@/words/local";

export const KINDS = ["semaine", "mois", "annee", "libre"] as const;
export type Kind = (typeof KINDS)[number];
export interface Period {
  from: string;
  to: string;
}
export type Unit = "day" | "week" | "month";

const DAY_MS = 86_400_000;
const date = (day: string) => new Date(`${day}T00:00:00Z`);
const written = (year: number, month: number, day: number) => new Date(Date.UTC(year, month, day)).toISOString().slice(0, 10);

/** The week, month or year that a day is of. */
export function around(kind: Exclude<Kind, "libre">, day: string): Period {
  const [year, month] = [date(day).getUTCFullYear(), date(day).getUTCMonth()];
  if (kind === "annee") return { from: `${year}-01-01`, to: `${year}-12-31` };
  if (kind === "mois") return { from: written(year, month, 1), to: written(year, month + 1, 0) };
  const monday = daysLater(day, -weekday(day));
  return { from: monday, to: daysLater(monday, 6) };
}

/** A day of the period before, or (1) after: to go back and forth. */
export function beside(kind: Exclude<Kind, "libre">, day: string, by: -1 | 1): string {
  const { from, to } = around(kind, day);
  return by < 0 ? daysLater(from, -1) : daysLater(to, 1);
}

/** What a period is compared with: as many days of the one before. What is not over yet ends today. */
export function before(kind: Kind, period: Period): Period {
  const long = length(period);
  if (kind === "libre") return { from: daysLater(period.from, -long), to: daysLater(period.from, -1) };
  const whole = around(kind, daysLater(period.from, -1));
  const isWhole = period.to === around(kind, period.from).to;
  const to = daysLater(whole.from, long - 1);
  return { from: whole.from, to: isWhole || to > whole.to ? whole.to : to };
}

/** As much of a period as is over, or is today. */
export function until(period: Period, today: string): Period {
  return period.to > today && period.from <= today ? { from: period.from, to: today } : period;
}

/** How many days it has. */
export function length(period: Period): number {
  return Math.round((date(period.to).getTime() - date(period.from).getTime()) / DAY_MS) + 1;
}

export function days(period: Period): string[] {
  return Array.from({ length: Math.max(0, length(period)) }, (_, number) => daysLater(period.from, number));
}

/** Monday = 0. */
export function weekday(day: string): number {
  return (date(day).getUTCDay() + 6) % 7;
}

/** In what steps a period is shown, so that no chart has more than some sixty. */
export function unitOf(period: Period): Unit {
  const long = length(period);
  return long <= 62 ? "day" : long <= 190 ? "week" : "month";
}

/** The first day of the step that a day is of, within the period. */
export function stepOf(day: string, unit: Unit, period: Period): string {
  if (unit === "day") return day;
  const first = around(unit === "week" ? "semaine" : "mois", day).from;
  return first < period.from ? period.from : first;
}

export function steps(period: Period, unit: Unit): string[] {
  return [...new Set(days(period).map((day) => stepOf(day, unit, period)))];
}
