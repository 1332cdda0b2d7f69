/** What happens, as it happens: one WebSocket that comes back by itself and has then missed nothing (docs/live.md). */
import { readonly, ref } from "vue";

import { onRenewed, readAccount, renew } from "@/api/account";
import type { Poste, Session } from "@/api/client";
import { api, ask } from "@/api/client";
import { heardTime, now } from "./clock";

export interface Message {
  type: string;
  action?: string;
  site?: string;
  numero?: number;
  at?: string;
  session?: Session | null;
  poste?: Poste | null;
  details?: Record<string, unknown>;
  positions?: Record<string, number>;
  reason?: string;
  detail?: string;
}

type Listener = (message: Message) => void;

const BEAT_MS = 3_000;
const LOOK_MS = 1_000;
const SILENT_MS = 7_000;
const LONGEST_PAUSE_MS = 8_000;
const LOG_IN_AGAIN = 4401;

const state = ref<"connecting" | "live" | "lost">("connecting");
const heard = ref(now());
const listeners = new Set<Listener>();
const positions = new Map<string, number>();
let socket: WebSocket | null = null;
let tries = 0;
let wanted = false;
let beat = 0;
let beatSent = 0;
let retry = 0;

/** How the line is, and the server's time at which it was last heard. */
export const line = { state: readonly(state), heard: readonly(heard) };

/** Hear each message from now on; call what is returned to hear no more. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function start(): void {
  if (wanted) return;
  wanted = true;
  void connect();
}

export function stop(): void {
  wanted = false;
  positions.clear();
  state.value = "connecting";
  clearTimeout(retry);
  drop();
}

async function connect(): Promise<void> {
  clearTimeout(retry);
  if (!wanted || socket) return;
  try {
    const { ticket } = await ask(api.POST("/api/auth/ws_ticket"));
    if (!wanted || socket) return;
    socket = new WebSocket(address(ticket));
  } catch {
    lost();
    return;
  }
  const mine = socket;
  mine.onmessage = ({ data }) => mine === socket && hear(JSON.parse(data as string) as Message);
  mine.onclose = ({ code }) => mine === socket && closed(code);
  watch();
}

function address(ticket: string): string {
  const query = new URLSearchParams({ ticket });
  if (positions.size) query.set("apres", [...positions].map(([site, number]) => `${site}:${number}`).join(","));
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/sessions/?${query}`;
}

function hear(message: Message): void {
  if (message.type === "heartbeat") heardTime(message.at!, beatSent, Date.now());
  heard.value = now(); // after what may set the clock: it is compared to that
  if (message.type === "heartbeat") return;
  const began = message.type === "connection_established" && !positions.size;
  if (message.type === "connection_established") {
    for (const [site, number] of Object.entries(message.positions ?? {})) positions.set(site, number);
    tries = 0;
    state.value = "live";
    ping();
  }
  // Rights are no event that a line tells again: they may have changed while there was none.
  if (message.type === "rights" || message.type === "connection_established") void readAccount().catch(() => undefined);
  if (message.site && message.numero) positions.set(message.site, message.numero);
  for (const listener of listeners) listener(message);
  // What was read before the line was there may have changed since, and no one told.
  if (began) for (const listener of listeners) listener({ type: "reload" });
}

/** Notice a line on which nothing comes any more: no one closes it. */
function watch(): void {
  clearInterval(beat);
  let [last, at, asked] = [heard.value, Date.now(), Date.now()];
  beat = window.setInterval(() => {
    if (heard.value !== last) [last, at] = [heard.value, Date.now()];
    if (Date.now() - at > SILENT_MS) lost();
    else if (Date.now() - asked >= BEAT_MS) {
      asked = Date.now();
      ping();
    }
  }, LOOK_MS);
}

function ping(): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  beatSent = Date.now();
  socket.send('{"type":"heartbeat"}');
}

function closed(code: number): void {
  if (code === LOG_IN_AGAIN) void renew().catch(() => undefined);
  lost();
}

function lost(): void {
  drop();
  if (!wanted) return;
  state.value = "lost";
  const pause = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** tries++);
  retry = window.setTimeout(() => void connect(), pause * (0.5 + Math.random() / 2));
}

function drop(): void {
  clearInterval(beat);
  const old = socket;
  socket = null;
  old?.close();
}

onRenewed((token) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "auth", token }));
});
addEventListener("online", () => {
  tries = 0;
  if (wanted && !socket) void connect();
});
