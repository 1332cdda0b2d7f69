/** The server's clock, as this machine can tell it: the browser's may be off by hours. */
import { readonly, ref } from "vue";

const TICK_MS = 1000;
let offset = 0;
let doubt = Infinity;
const off = ref(0);
/** How far the browser's clock is from the server's, in seconds. */
export const clockOff = readonly(off);
const second = ref(Date.now());

/** What the server said its time was, in an answer that took from `sent` to `heard` (both ours). */
export function heardTime(server: string, sent: number, heard: number): void {
  const half = (heard - sent) / 2;
  doubt += 5; // a machine drifts: an old reading is worth less than a new one
  const said = Date.parse(server) - (sent + half);
  if (half > doubt && Math.abs(said - offset) < half + doubt) return;
  if (Math.abs(said - offset) > TICK_MS) second.value = Date.now() + said;
  offset = said;
  doubt = half;
  off.value = Math.round(said / 1000);
}

/** Milliseconds since 1970 by the server's clock. */
export function now(): number {
  return Date.now() + offset;
}

/** The same, as something to watch: it changes each second, at its beginning. */
export const clock = readonly(second);

function tick(): void {
  second.value = now();
  setTimeout(tick, TICK_MS - (now() % TICK_MS) + 5);
}
tick();
