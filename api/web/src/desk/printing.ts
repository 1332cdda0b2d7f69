/** Tickets on paper: 58 or 80 mm from a receipt printer, or a sheet of A4. The width is remembered. */
import { ref, watch } from "vue";

export const WIDTHS = ["58", "80", "a4"] as const;
export type Width = (typeof WIDTHS)[number];

export const width = ref<Width>((localStorage.getItem("ppm-paper") as Width | null) ?? "80");
watch(width, (chosen) => localStorage.setItem("ppm-paper", chosen));

/** Print what stands in `.paper-sheet`, and nothing else of the page. */
export function print(): void {
  document.body.classList.add("prints-part");
  window.print();
  document.body.classList.remove("prints-part");
}
