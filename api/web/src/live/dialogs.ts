/** The dialogs that are open, the newest last: all else is out of reach meanwhile, what is told to people too. */
import { computed, shallowReactive } from "vue";

export const dialogs = shallowReactive<HTMLElement[]>([]);
/** Where something stands that is to be seen, heard and clicked now. */
export const reachable = computed(() => dialogs.at(-1) ?? document.body);

/** Close them all, as Escape would. */
export function leaveDialogs(): void {
  for (const dialog of [...dialogs].reverse()) dialog.dispatchEvent(new Event("cancel", { cancelable: true }));
}
