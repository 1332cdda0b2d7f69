/** The categories that are in use: of the people, and of the rules of the site. Free words, but the same ones. */
import { computed, ref } from "vue";

import { api, ask } from "@/api/client";
import { site } from "@/desk/board";

const used = ref<string[]>([]);

export const categories = computed(() => {
  const ruled = Object.keys((site.value?.politique.minutes_per_day_by_category as Record<string, number> | undefined) ?? {});
  return [...new Set([...used.value, ...ruled])].filter(Boolean).sort((a, b) => a.localeCompare(b, "fr"));
});

export async function readCategories(): Promise<void> {
  const found = await ask(api.GET("/api/utilisateurs/stats")).catch(() => null);
  if (found) used.value = Object.keys(found.par_categorie);
}
