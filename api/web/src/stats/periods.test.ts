import { describe, expect, it } from "vitest";

import { around, before, beside, days, length, stepOf, steps, unitOf, until, weekday } from "./periods";

const TODAY = "2026-11-28"; // a Saturday

describe("a period", () => {
  it("is the week, month or year that a day is of", () => {
    expect(around("semaine", TODAY)).toEqual({ from: "2026-11-23", to: "2026-11-29" });
    expect(around("mois", "2024-02-10")).toEqual({ from: "2024-02-01", to: "2024-02-29" });
    expect(around("annee", TODAY)).toEqual({ from: "2026-01-01", to: "2026-12-31" });
  });
  it("has neighbours, over the end of a year too", () => {
    expect(beside("mois", "2026-01-31", -1)).toBe("2025-12-31");
    expect(beside("semaine", "2026-12-31", 1)).toBe("2027-01-04");
  });
  it("ends today while it is not over", () => {
    expect(until(around("mois", TODAY), TODAY)).toEqual({ from: "2026-11-01", to: TODAY });
    expect(until(around("mois", "2026-10-05"), TODAY).to).toBe("2026-10-31");
  });
  it("has its days", () => {
    expect(length(around("annee", "2024-06-01"))).toBe(366);
    expect(days({ from: "2026-11-28", to: "2026-12-01" })).toEqual(["2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01"]);
    expect(days({ from: "2026-11-28", to: "2026-11-27" })).toEqual([]);
    expect([weekday("2026-11-23"), weekday("2026-11-29")]).toEqual([0, 6]);
  });
});

describe("the period before", () => {
  it("is whole where this one is over, however long its month is", () => {
    expect(before("mois", around("mois", "2026-03-10"))).toEqual({ from: "2026-02-01", to: "2026-02-28" });
    expect(before("annee", around("annee", "2026-03-10"))).toEqual({ from: "2025-01-01", to: "2025-12-31" });
    expect(before("semaine", around("semaine", TODAY))).toEqual({ from: "2026-11-16", to: "2026-11-22" });
  });
  it("is as long where this one is not over", () => {
    expect(before("mois", { from: "2026-11-01", to: TODAY })).toEqual({ from: "2026-10-01", to: "2026-10-28" });
    expect(before("mois", { from: "2026-03-01", to: "2026-03-30" })).toEqual({ from: "2026-02-01", to: "2026-02-28" });
  });
  it("is just before one that was chosen", () => {
    expect(before("libre", { from: "2026-11-10", to: "2026-11-12" })).toEqual({ from: "2026-11-07", to: "2026-11-09" });
  });
});

describe("steps", () => {
  it("are days, weeks or months by how long it is", () => {
    expect(unitOf(around("mois", TODAY))).toBe("day");
    expect(unitOf({ from: "2026-01-01", to: "2026-04-30" })).toBe("week");
    expect(unitOf(around("annee", TODAY))).toBe("month");
    expect(steps(around("annee", TODAY), "month")).toHaveLength(12);
  });
  it("begin with the period", () => {
    const period = { from: "2026-11-26", to: "2026-12-08" };
    expect(steps(period, "week")).toEqual(["2026-11-26", "2026-11-30", "2026-12-07"]);
    expect(stepOf("2026-11-28", "month", period)).toBe("2026-11-26");
  });
});
