/** Keys of the page. A key is for the page only where nobody types, and no dialog is open unless it is the dialog's. */
import { onBeforeUnmount, onMounted } from "vue";

type Keys = Record<string, (event: KeyboardEvent) => void>;

const SEQUENCE_MS = 1_200;
const layers: Keys[] = [];
let before = "";
let beforeAt = 0;

/** Keys that work while this component is there. `g a` is one after the other. */
export function useKeys(keys: Keys): void {
  onMounted(() => layers.push(keys));
  onBeforeUnmount(() => void layers.splice(layers.indexOf(keys), 1));
}

/** Both the key and its Shift: what is printed on the key counts, so + needs no Shift where = lies under it. */
export function named(event: KeyboardEvent): string {
  if (event.key === "+" || event.key === "=" || event.code === "NumpadAdd") return event.shiftKey ? "Shift +" : "+";
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const key = named(event);
  const pair = Date.now() - beforeAt < SEQUENCE_MS ? `${before} ${key}` : "";
  [before, beforeAt] = [key, Date.now()];
  for (const keys of [...layers].reverse()) {
    const act = keys[pair] ?? keys[key];
    if (!act) continue;
    event.preventDefault();
    act(event);
    return;
  }
});

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}
