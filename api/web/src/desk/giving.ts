/** The dialog that gives a code: it can be opened from anywhere. */
import { readonly, shallowRef } from "vue";

import type { Session, Ticket, Utilisateur } from "@/api/client";

/** For a poste or a person that was chosen, a ticket that was called, or a code that was given before. */
export interface Asked {
  poste?: string | undefined;
  person?: Utilisateur;
  ticket?: Ticket;
  given?: { session: Session; code: string };
}

const asked = shallowRef<Asked | null>(null);

export const giving = {
  asked: readonly(asked) as Readonly<typeof asked>,
  open(what: Asked): void {
    asked.value = what;
  },
  close(): void {
    asked.value = null;
  },
};
