/** What the page tells of what was done or was not: seen in a corner, said by a screen reader, undone by a key. */
import { shallowReactive } from "vue";

import { Refusal } from "@/api/client";
import { say } from "@/words";
import { remedyFor, type About, type Remedy } from "./remedies";

export interface Notice {
  id: number;
  kind: "done" | "failed";
  text: string;
  reason?: string;
  undo?: () => unknown;
  remedy?: Remedy;
}

const SHOWN_MS = { done: 6_000, failed: 15_000 };
const UNDO_MS = 20_000;
export const notices = shallowReactive<Notice[]>([]);
let last = 0;

/** Say what was done, and how it is undone, if it can be; for as long as it can be. */
export function tell(text: string, undo?: () => unknown, shownMs = undo ? UNDO_MS : SHOWN_MS.done): void {
  put({ id: ++last, kind: "done", text, ...(undo && { undo }) }, shownMs);
}

/** Say why something was not done, and what can be done about it. */
export function complain(error: unknown, about: About = {}): void {
  const id = ++last;
  if (!(error instanceof Refusal)) {
    console.error(error);
    put({ id, kind: "failed", text: say("failed.unknown") });
  } else if (error.status === 0) put({ id, kind: "failed", text: say("failed.unreachable") });
  else if (error.status === 412) put({ id, kind: "failed", text: say("failed.newer") });
  else if (error.status !== 401) {
    const remedy = remedyFor(error.reason, about);
    put({ id, kind: "failed", text: error.message || say("failed.unknown"), reason: error.reason, ...(remedy && { remedy }) });
  }
}

/** Do it; a refusal is told, with what can be done about it, and nothing is thrown. What was made, if it was done. */
export async function attempt<T>(work: () => Promise<T>, about?: About): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    complain(error, about);
    return undefined;
  }
}

export function dismiss(notice: Notice): void {
  const at = notices.indexOf(notice);
  if (at >= 0) notices.splice(at, 1);
}

function put(notice: Notice, shownMs = SHOWN_MS.failed): void {
  while (notices.length > 3) notices.shift();
  notices.push(notice);
  setTimeout(() => dismiss(notice), shownMs);
}
