/** Of which site a page is: the one that was chosen in the frame, once it is known. */
import { watch } from "vue";

import { board, site, sites, zone } from "./board";

/** The slug of the site that is looked at, as soon as it is known; none where the operator has no site. */
export function knownSite(): Promise<string | undefined> {
  return new Promise((done) => {
    const stop = watch(
      () => [site.value?.slug, board.loaded] as const,
      ([slug, loaded]) => {
        if (!slug && !loaded) return;
        queueMicrotask(() => stop());
        done(slug);
      },
      { immediate: true },
    );
  });
}

/** The zone of a site; of the one that is looked at when it is none of the operator's. */
export function zoneOf(slug: string | null | undefined): string {
  return sites.value.find((one) => one.slug === slug)?.zone ?? zone.value;
}

/** Do it when another site is looked at. */
export function onSite(work: () => void): void {
  watch(
    () => site.value?.slug,
    (now, before) => {
      if (before !== undefined && now !== before) work();
    },
  );
}
