/** Opening hours as they are edited: a week, and days that are unlike it. Pure. */
import { daysLater } from "@/words/local";

export type Span = [string, string];
export type Hours = Record<string, Span[]>;

/** What is wrong with the intervals of a day; nothing where they can be. */
export function wrong(spans: Span[]): "" | "order" | "overlap" {
  if (spans.some(([opens, closes]) => !opens || !closes || opens >= closes)) return "order";
  const sorted = [...spans].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.some(([opens], index) => index > 0 && opens < sorted[index - 1]![1]) ? "overlap" : "";
}

/** Every day of the week with its intervals: said or closed. */
export function whole(week: Hours): Span[][] {
  return Array.from({ length: 7 }, (_, day) => (week[String(day)] ?? []).map(([opens, closes]): Span => [opens, closes]));
}

/** As the server keeps it: each day is said, or a week without hours would mean always open. */
export function kept(week: Span[][]): Hours {
  return Object.fromEntries(week.map((spans, day) => [String(day), sorted(spans)]));
}

export function sorted(spans: Span[]): Span[] {
  return [...spans].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** "9:00–12:30, 13:30–18:00". */
export function said(spans: Span[]): string {
  return sorted(spans).map((span) => span.map((clock) => clock.replace(/^0/, "")).join("–")).join(", ");
}

/** Exceptions with these days, both ends included, made this; none: as in any week. */
export function except(exceptions: Hours, from: string, to: string, spans: Span[] | null): Hours {
  const made = { ...exceptions };
  for (let day = from; day <= to; day = daysLater(day, 1)) {
    if (spans) made[day] = sorted(spans);
    else delete made[day];
  }
  return made;
}

export interface Run {
  from: string;
  to: string;
  spans: Span[];
}

/** Exceptions from a day on, neighbours that are the same as one. */
export function runs(exceptions: Hours, since: string): Run[] {
  const found: Run[] = [];
  for (const day of Object.keys(exceptions).sort()) {
    if (day < since) continue;
    const spans = exceptions[day]!;
    const last = found.at(-1);
    if (last && daysLater(last.to, 1) === day && said(last.spans) === said(spans)) last.to = day;
    else found.push({ from: day, to: day, spans });
  }
  return found;
}

/** The weeks that a month touches, from Mondays; the days of other months too. */
export function weeksOf(month: string): string[][] {
  const first = `${month}-01`;
  let monday = daysLater(first, -((new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7));
  const weeks: string[][] = [];
  do {
    weeks.push(Array.from({ length: 7 }, (_, number) => daysLater(monday, number)));
    monday = daysLater(monday, 7);
  } while (monday.startsWith(month));
  return weeks;
}

/** "2026-12" and 1 give "2027-01". */
export function monthLater(month: string, by: number): string {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}
