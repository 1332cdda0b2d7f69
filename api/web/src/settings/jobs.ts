/** The jobs as they are now: read again while one runs or was asked for. */
import { onBeforeUnmount, onMounted, ref, shallowRef } from "vue";

import { api, ask, Refusal, type Schemas } from "@/api/client";
import { attempt, complain, tell } from "@/live/notices";
import { say } from "@/words";
import { readReasons } from "@/stats/reasons";
import { jobName } from "./outcomes";

export type JobView = Schemas["JobView"];

const SOON_MS = 1_500;
const LATER_MS = 30_000;
const PATIENCE_MS = 120_000;

export function useJobs() {
  const jobs = shallowRef<JobView[]>([]);
  const busy = ref(true);
  /** Which were asked for from here, and when: until their run is over. */
  const waiting = ref<Record<string, { since: string | null; at: number }>>({});
  let timer = 0;
  let gone = false;

  async function read(): Promise<void> {
    clearTimeout(timer);
    try {
      jobs.value = (await ask(api.GET("/api/jobs"))).resultats;
      settle();
    } catch (error) {
      complain(error);
    } finally {
      busy.value = false;
    }
    if (!gone) timer = window.setTimeout(() => void read(), Object.keys(waiting.value).length || jobs.value.some((one) => one.en_cours) ? SOON_MS : LATER_MS);
  }

  /** Those that were asked for and have ended are told. */
  function settle(): void {
    for (const job of jobs.value) {
      const asked = waiting.value[job.id];
      if (!asked) continue;
      const isOver = !job.en_cours && job.derniere?.fin && job.derniere.fin !== asked.since;
      if (isOver) sayHow(job);
      if (isOver || Date.now() - asked.at > PATIENCE_MS) delete waiting.value[job.id];
    }
  }

  function sayHow(job: JobView): void {
    if (job.derniere!.reussie) tell(say("settings.job_went_well", { job: jobName(job) }));
    else complain(new Refusal(409, String(job.derniere!.resultat?.motif ?? ""), say("settings.job_failed", { job: jobName(job) })));
  }

  async function run(job: JobView): Promise<void> {
    await attempt(async () => {
      await ask(api.POST("/api/jobs/{job}/run", { params: { path: { job: job.id } } }));
      waiting.value[job.id] = { since: job.derniere?.fin ?? null, at: Date.now() };
      await read();
    });
  }

  onMounted(() => {
    void readReasons().catch(complain);
    void read();
  });
  onBeforeUnmount(() => {
    gone = true;
    clearTimeout(timer);
  });
  return { jobs, busy, waiting, run };
}
