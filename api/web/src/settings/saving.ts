/** A form that is saved: what is wrong is told at its fields, the rest in the corner of the page. */
import { reactive } from "vue";

import { api, askTagged, Refusal, type Schemas, type Site } from "@/api/client";
import { sites } from "@/desk/board";
import { complain, tell } from "@/live/notices";
import { say } from "@/words";

export interface Saving {
  busy: boolean;
  wrong: Record<string, string>;
  /** Do it, and say so. Whether it was done. */
  run: (work: () => Promise<string | void>) => Promise<boolean>;
}

/** `newer`: what to do when somebody else was quicker, beside saying so. */
export function useSaving(newer?: () => unknown): Saving {
  const saving = reactive({
    busy: false,
    wrong: {} as Record<string, string>,
    async run(work: () => Promise<string | void>): Promise<boolean> {
      if (saving.busy) return false;
      saving.busy = true;
      saving.wrong = {};
      try {
        tell((await work()) || say("done.saved"));
        return true;
      } catch (error) {
        if (error instanceof Refusal && Object.keys(error.fields).length) {
          saving.wrong = error.fields;
          tellFields(error);
        } else complain(error);
        if (error instanceof Refusal && error.status === 412) newer?.();
        return false;
      } finally {
        saving.busy = false;
      }
    },
  });
  return saving;
}

/** Beside the fields, so that one that is out of sight is not missed. */
function tellFields(error: Refusal): void {
  complain(new Refusal(error.status, error.reason, error.message || Object.values(error.fields)[0]!));
}

export type Edited = Schemas["EditedSite"];
export interface Kept<T> {
  it: T;
  tag: string;
}

/** Change a site as it was seen; the rest of the page knows it from then on. Raises Refusal. */
export async function saveSite(seen: Kept<Site>, body: Schemas["SiteEdit"]): Promise<Kept<Edited>> {
  const params = { path: { site: seen.it.slug }, header: { "If-Match": seen.tag } };
  const saved = await askTagged(api.PUT("/api/sites/{site}", { params, body }));
  knowSite(saved.it);
  return saved;
}

export function knowSite(site: Site): void {
  const others = sites.value.filter((one) => one.id !== site.id);
  sites.value = [...others, site].sort((one, other) => one.nom.localeCompare(other.nom));
}
