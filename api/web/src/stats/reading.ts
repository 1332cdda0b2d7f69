/** The figures of a period, from the server. */
import { api, ask } from "@/api/client";
import { daysLater, instantAt } from "@/words/local";
import type { Known } from "./figures";
import type { Period } from "./periods";

type Asked = { depuis: string; jusqu_a: string; site?: string };

export function asked(period: Period, zone: string, site: string | undefined): Asked {
  const bounds = { depuis: instantAt(period.from, "00:00", zone), jusqu_a: instantAt(daysLater(period.to, 1), "00:00", zone) };
  return site ? { ...bounds, site } : bounds;
}

/** Raises Refusal. */
export async function read(query: Asked): Promise<Known> {
  const [sessions, occupation, people] = await Promise.all([
    ask(api.GET("/api/sessions/stats", { params: { query } })),
    ask(api.GET("/api/sessions/occupation", { params: { query } })),
    ask(api.GET("/api/utilisateurs/stats", { params: { query } })),
  ]);
  return { sessions, occupation, people };
}
