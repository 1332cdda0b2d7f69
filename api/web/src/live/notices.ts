/** What the page tells of what was done or was not: seen in a corner, said by a screen reader, undone by a key. */
import { shallowReactive } from "vue";

import { Refusal } from "@/api/client";
import { say } from "@/words";

export interface Notice {
  id: number;
  kind: "done" | "failed";
  text: string;
  reason?: string;
  undo?: () => unknown;
}

const SHOWN_MS = { done: 6_000, failed: 15_000 };
const UNDO_MS = 20_000;
export const notices = shallowReactive<Notice[]>([]);
let last = 0;

export function tell(text: string, undo?: () => unknown): void {
  put({ id: ++last, kind: "done", text, ...(undo && { undo }) });
}

/** Say why something was not done. */
export function complain(error: unknown): void {
  const id = ++last;
  if (!(error instanceof Refusal)) {
    console.error(error);
    put({ id, kind: "failed", text: say("failed.unknown") });
  } else if (error.status === 0) put({ id, kind: "failed", text: say("failed.unreachable") });
  else if (error.status === 412) put({ id, kind: "failed", text: say("failed.newer") });
  else if (error.status !== 401) put({ id, kind: "failed", text: error.message || say("failed.unknown"), reason: error.reason });
}

/** Do it; a refusal is told, and nothing is thrown. Whether it was done. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    complain(error);
    return undefined;
  }
}

export function dismiss(notice: Notice): void {
  const at = notices.indexOf(notice);
  if (at >= 0) notices.splice(at, 1);
}

function put(notice: Notice): void {
  while (notices.length > 3) notices.shift();
  notices.push(notice);
  setTimeout(() => dismiss(notice), notice.undo ? UNDO_MS : SHOWN_MS[notice.kind]);
}
