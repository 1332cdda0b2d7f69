/** Days and instants of a place, whatever zone the browser is in. Pure. */
import { language } from "@/words";

const DAY_MS = 86_400_000;

/** The instant at which a day ("2026-11-28") of a place begins, or the day so many after it. */
export function dayBegins(day: string, zone: string, after = 0): string {
  const wanted = Date.parse(`${day}T00:00:00Z`) + after * DAY_MS;
  const near = wanted - ahead(wanted, zone);
  return new Date(wanted - ahead(near, zone)).toISOString();
}

/** By how much the clocks of a place are ahead of UTC, in milliseconds. */
function ahead(instant: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(instant);
  const [year, month, day, hour, minute, second] = ["year", "month", "day", "hour", "minute", "second"].map((type) =>
    Number(parts.find((one) => one.type === type)?.value),
  ) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

/** "28 nov. 2026, 14:05:09": to the second, for what is looked up. */
export function exact(instant: string, zone: string): string {
  const day = { day: "numeric", month: "short", year: "numeric", timeZone: zone } as const;
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone } as const;
  const where = language() === "fr" ? "fr-FR" : "en-GB";
  const at = new Date(instant);
  return `${at.toLocaleDateString(where, day)}, ${at.toLocaleTimeString(where, time)}`;
}
