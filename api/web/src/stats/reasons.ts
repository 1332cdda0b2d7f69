/** What the reason codes of the server mean, in a few words: read once. */
import { computed, ref } from "vue";

import { api, ask } from "@/api/client";
import { language } from "@/words";

const read = ref(new Map<string, { fr: string; en: string }>());
let reading: Promise<void> | null = null;

/** Raises Refusal. */
export function readReasons(): Promise<void> {
  reading ??= ask(api.GET("/api/motifs")).then(
    ({ resultats }) => void (read.value = new Map(resultats.map((one) => [one.code, one]))),
    (error: unknown) => {
      reading = null;
      throw error;
    },
  );
  return reading;
}

export const reasonName = computed(() => {
  const spoken = language();
  return (code: string) => read.value.get(code)?.[spoken] ?? code.replaceAll("_", " ");
});
