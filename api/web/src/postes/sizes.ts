/** Sizes and quick times as people read them. Pure, but for the language. */
import { language } from "@/words";

const STEP = 1024;
const UNITS = { fr: ["o", "Ko", "Mo", "Go", "To"], en: ["B", "KB", "MB", "GB", "TB"] } as const;

/** "3,8 Go". */
export function size(bytes: number): string {
  const units = UNITS[language()];
  let value = bytes;
  let at = 0;
  while (value >= STEP && at < units.length - 1) [value, at] = [value / STEP, at + 1];
  return `${number(value, value < 10 && at > 0 ? 1 : 0)}\u00a0${units[at]}`;
}

/** "45 ms", "1,2 s". */
export function quick(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}\u00a0ms` : `${number(ms / 1000, 1)}\u00a0s`;
}

export function number(value: number, digits = 0): string {
  return value.toLocaleString(language() === "fr" ? "fr-FR" : "en-GB", { maximumFractionDigits: digits });
}
