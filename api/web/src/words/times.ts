/** Instants and durations as people say them. Pure, but for the language. */
import { language, say } from "./index";
import { firstOf } from "./local";

/** "12 min", "1 h", "1 h 30": for plans and long times. */
export function duration(seconds: number): string {
  const minutes = Math.round(Math.abs(seconds) / 60);
  const sign = seconds < 0 ? "−" : "";
  if (Math.abs(seconds) < 60) return `${sign}${Math.round(Math.abs(seconds))}\u00a0s`;
  const [hours, left] = [Math.floor(minutes / 60), minutes % 60];
  if (!hours) return `${sign}${left}\u00a0min`;
  return `${sign}${hours}\u00a0h${left ? `\u00a0${String(left).padStart(2, "0")}` : ""}`;
}

/** What ticks: "1 h 12" before the last ten minutes, then "9:59". */
export function countdown(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  if (left >= 600) return duration(Math.floor(left / 60) * 60);
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** "17 h 30" in French, "5:30 pm" in English, by the hours of the place. */
export function hour(instant: string | number, zone: string): string {
  const parts = format({ hour: "2-digit", minute: "2-digit" }, zone).formatToParts(new Date(instant));
  if (language() === "en") return parts.map((part) => part.value).join("");
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return `${Number(part("hour"))}\u00a0h\u00a0${part("minute")}`;
}

/** "28 nov. 2026". */
export function day(instant: string | number, zone: string): string {
  const said = format({ day: "numeric", month: "short", year: "numeric" }, zone).format(new Date(instant));
  return language() === "fr" ? firstOf(said) : said;
}

/** "28 nov. 2026, 14:05:09": to the second, for what is looked up. */
export function exact(instant: string, zone: string): string {
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  return `${day(instant, zone)}, ${format(time, zone).format(new Date(instant))}`;
}

/** The hour where it is of today, the day too where it is not. */
export function moment(instant: string, zone: string, now: number): string {
  const [then, today] = [day(instant, zone), day(now, zone)];
  return then === today ? hour(instant, zone) : `${then}, ${hour(instant, zone)}`;
}

/** "depuis 12 min". */
export function since(instant: string, now: number): string {
  return say("time.since", { duration: duration(Math.max(0, (now - Date.parse(instant)) / 1000)) });
}

const formats = new Map<string, Intl.DateTimeFormat>();
function format(options: Intl.DateTimeFormatOptions, zone: string): Intl.DateTimeFormat {
  const key = `${language()}|${zone}|${JSON.stringify(options)}`;
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(language() === "fr" ? "fr-FR" : "en-GB", { ...options, timeZone: zone })));
  return made;
}
