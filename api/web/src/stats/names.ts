/** How days and their steps are called in a chart or a heading. */
import { language } from "@/words";
import { daysLater, firstOf } from "@/words/local";
import type { Unit } from "./periods";

/** "lun. 28 nov.", "sem. du 28 nov.", "novembre". */
export function stepName(day: string, unit: Unit, week: (day: string) => string): string {
  if (unit === "month") return said(day, { month: "long" });
  return unit === "week" ? week(said(day, { day: "numeric", month: "short" })) : said(day, { weekday: "short", day: "numeric", month: "short" });
}

/** "du 1 au 28 novembre 2026" needs both ends: "1er novembre 2026". */
export function longDay(day: string): string {
  return said(day, { day: "numeric", month: "long", year: "numeric" });
}

export function monthName(day: string): string {
  return said(day, { month: "long", year: "numeric" });
}

/** "lundi", or "lun." */
export function weekdayName(number: number, width: "long" | "short" = "long"): string {
  return said(daysLater("2026-11-02", number), { weekday: width }); // a Monday
}

function said(day: string, options: Intl.DateTimeFormatOptions): string {
  const written = (locale: string) => new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
  return language() === "fr" ? firstOf(written("fr-FR")) : written("en-GB");
}
