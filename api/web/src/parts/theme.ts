/** Light, dark, or as the system; remembered. High contrast follows the system by itself. */
import { ref, watchEffect } from "vue";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const look = ref<Theme>((localStorage.getItem("ppm-theme") as Theme | null) ?? "auto");

watchEffect(() => {
  localStorage.setItem("ppm-theme", look.value);
  if (look.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = look.value;
});
