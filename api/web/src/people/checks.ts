/** What is wrong with what is typed about a person, before the server is asked. Its own rules decide; these are kinder. Pure. */
import type { Word } from "@/words";

const REUNION = /^(?:\+?262|0)(?:262|263|692|693)\d{6}$/;
const E164 = /^\+[1-9]\d{6,14}$/;
const EMAIL = /^[^@\s<>"',;]{1,64}@[^@\s<>"',;.]+(\.[^@\s<>"',;.]+)+$/;

export interface Typed {
  nom: string;
  prenom: string;
  date_naissance: string;
  categorie: string;
  email: string;
  telephone: string;
  piece_identite_type: string;
  piece_vue: boolean;
  notes: string;
}

export const OPTIONAL = ["email", "telephone", "date_naissance", "piece_identite_type"] as const;

/** The sentence that says what is wrong with a field; none when it is well. `today`: at the site. */
export function wrong(field: keyof Typed, typed: Typed, today: string): Word | undefined {
  const said = typed[field];
  if (typeof said !== "string") return undefined;
  const text = said.trim();
  if (field === "nom" || field === "prenom") return text ? undefined : "people.wrong_name";
  if (!text) return undefined;
  if (field === "email") return EMAIL.test(text) ? undefined : "people.wrong_email";
  if (field === "telephone") return isTelephone(text) ? undefined : "people.wrong_telephone";
  if (field === "date_naissance") return ageOn(text, today) >= 0 && ageOn(text, today) <= 120 ? undefined : "people.wrong_birth";
  return undefined;
}

function isTelephone(text: string): boolean {
  const digits = text.replace(/[\s.\-()\u00a0\u202f]/g, "").replace(/^00/, "+");
  return REUNION.test(digits) || (E164.test(digits) && !digits.startsWith("+2620"));
}

/** Full years of somebody born on a date, on another; less than none for a date to come. */
export function ageOn(born: string, today: string): number {
  const [year = 0, ...rest] = born.split("-").map(Number);
  const [now = 0, ...then] = today.split("-").map(Number);
  const [month = 0, day = 0] = rest;
  const [m = 0, d = 0] = then;
  return now - year - (m < month || (m === month && d < day) ? 1 : 0);
}
