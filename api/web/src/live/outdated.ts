/** The server has a newer page than this tab: a part that was not opened yet is not there any more. */
import { readonly, ref } from "vue";

const seen = ref(false);
export const isOutdated = readonly(seen);

addEventListener("vite:preloadError", () => {
  seen.value = true;
});
