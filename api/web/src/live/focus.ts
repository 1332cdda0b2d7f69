/**
 * The focus is never lost: when what has it goes away, it goes to what stands beside, as somebody who has no mouse
 * expects. What is only busy for a moment gets it back. Where something else takes it by itself, that stays so.
 */
const CAN = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex]";
const KEPT = 8;
const before: HTMLElement[] = [];

interface Place {
  after: Element | null;
  ahead: Element | null;
  within: Element | null;
}

export function keepFocus(): void {
  addEventListener("focusin", ({ target }) => {
    if (!(target instanceof HTMLElement)) return;
    before.unshift(target);
    before.length = Math.min(before.length, KEPT);
  });
  new MutationObserver((changes) => {
    const last = before[0];
    if (!last || document.activeElement !== document.body) return;
    const gone = last.isConnected ? null : changes.find((one) => [...one.removedNodes].some((node) => node.contains(last)));
    const place = !gone ? null : { after: element(gone.nextSibling, "nextSibling"), ahead: element(gone.previousSibling, "previousSibling"), within: gone.target as Element };
    if (place || last.isConnected) setTimeout(() => giveBack(last, place));
  }).observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
}

function giveBack(last: HTMLElement, place: Place | null): void {
  if (document.activeElement !== document.body || before[0] !== last) return;
  const wanted = last.isConnected ? (last.matches(CAN) ? last : undefined) : (place && beside(place)) ?? before.find(isThere) ?? document.getElementById("main");
  wanted?.focus({ preventScroll: true });
}

/** In a list the next line, or the one before; elsewhere what took the place, or the first thing of what is around. */
function beside({ after, ahead, within }: Place): HTMLElement | undefined {
  const around = within?.isConnected ? within.closest("dialog, li, tr, form, section, ul, ol, tbody") : null;
  return [after, ahead, around].map((one) => one && inside(one)).find((one) => one) ?? undefined;
}

function inside(one: Element): HTMLElement | undefined {
  if (!one.isConnected) return undefined;
  return [one, ...one.querySelectorAll(CAN)].find((each): each is HTMLElement => each instanceof HTMLElement && each.matches(CAN) && isThere(each));
}

function isThere(one: HTMLElement): boolean {
  return one.isConnected && one.matches(CAN) && one.checkVisibility() && (!document.querySelector("dialog[open]") || one.closest("dialog") !== null);
}

function element(node: Node | null, way: "nextSibling" | "previousSibling"): Element | null {
  while (node && !(node instanceof Element)) node = node[way];
  return node;
}
