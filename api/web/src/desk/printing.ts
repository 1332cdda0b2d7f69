/** Tickets on paper: 58 or 80 mm from a receipt printer, or a sheet of A4. The width is remembered. */
import { ref, watch } from "vue";

import type { Session } from "@/api/client";

export const WIDTHS = ["58", "80", "a4"] as const;
export type Width = (typeof WIDTHS)[number];

/** What a ticket says of its session, beside the code. */
export type OnPaper = Pick<Session, "id" | "poste_nom" | "duree_totale" | "code_expire_a">;

export const width = ref<Width>((localStorage.getItem("ppm-paper") as Width | null) ?? "80");
watch(width, (chosen) => localStorage.setItem("ppm-paper", chosen));

/** Print what stands in `.paper-sheet`, and nothing else of the page. */
export function print(): void {
  document.body.classList.add("prints-part");
  window.print();
  document.body.classList.remove("prints-part");
}
