/** Every sentence of the page comes from here: French first, English with the same keys or the types refuse it. */
import { createI18n, useI18n } from "vue-i18n";

import { en } from "./en";
import { fr } from "./fr";

type Texts<T> = { [K in keyof T]: T[K] extends string ? string : Texts<T[K]> };
export type Catalogue = Texts<typeof fr>;
type Paths<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Paths<T[K]>}` }[keyof T & string];
/** The name of a sentence. */
export type Word = Paths<typeof fr>;

export const LANGUAGES = ["fr", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

export const words = createI18n({ legacy: false, locale: remembered(), fallbackLocale: "fr", messages: { fr, en } });
document.documentElement.lang = words.global.locale.value;

/** A sentence, with what it names. A number picks its form: singular | plural. */
export function say(word: Word, named: Record<string, unknown> & { n?: number } = {}): string {
  return named.n === undefined ? words.global.t(word, named) : words.global.t(word, named, named.n);
}

/** Whether there is a sentence of this name: codes of the server may be newer than the page. */
export function known(word: string): word is Word {
  return words.global.te(word, "fr");
}

export function useWords(): { say: typeof say } {
  useI18n(); // a component that says something is drawn again when the language changes
  return { say };
}

export function speak(language: Language): void {
  words.global.locale.value = language;
  document.documentElement.lang = language;
  localStorage.setItem("ppm-language", language);
}

export function language(): Language {
  return words.global.locale.value as Language;
}

function remembered(): Language {
  return localStorage.getItem("ppm-language") === "en" ? "en" : "fr";
}
