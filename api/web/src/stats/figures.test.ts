import { describe, expect, it } from "vitest";

import { byStep, growth, mean, type Figures } from "./figures";

const tally = (sessions: number, secondes: number, attente_moyenne: number) => ({ sessions, secondes, attente_moyenne });
const figures = {
  par_jour: { "2026-11-02": tally(1, 600, 30), "2026-11-03": tally(3, 1800, 90), "2026-12-01": tally(2, 100, 5), "2027-05-01": tally(9, 9, 9) },
} as unknown as Figures;

describe("steps of a period", () => {
  it("add up days, and weigh what they waited", () => {
    expect(byStep(figures, { from: "2026-11-01", to: "2026-12-31" }, "month")).toEqual([
      { first: "2026-11-01", ...tally(4, 2400, 75) },
      { first: "2026-12-01", ...tally(2, 100, 5) },
    ]);
  });
  it("have nothing of days that are not theirs, and are there where nothing was", () => {
    expect(byStep(figures, { from: "2026-11-03", to: "2026-11-05" }, "day").map((one) => one.sessions)).toEqual([3, 0, 0]);
  });
});

describe("figures", () => {
  it("grow from something only", () => {
    expect([growth(12, 10), growth(5, 10), growth(3, 0), growth(null, 2)]).toEqual([0.2, -0.5, null, null]);
  });
  it("have a mean of nothing", () => expect([mean(tally(0, 0, 0)), mean(tally(4, 2400, 0))]).toEqual([0, 600]));
});
