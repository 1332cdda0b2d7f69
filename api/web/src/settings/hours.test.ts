import { describe, expect, it } from "vitest";

import { except, kept, monthLater, runs, said, weeksOf, whole, wrong } from "./hours";

describe("the intervals of a day", () => {
  it("begin before they end, and leave each other alone", () => {
    expect(wrong([["09:00", "12:30"], ["13:30", "24:00"]])).toBe("");
    expect(wrong([])).toBe("");
    expect(wrong([["12:00", "09:00"]])).toBe("order");
    expect(wrong([["", "09:00"]])).toBe("order");
    expect(wrong([["13:00", "18:00"], ["09:00", "13:30"]])).toBe("overlap");
  });
  it("are said in order", () => expect(said([["13:30", "18:00"], ["09:00", "12:30"]])).toBe("9:00–12:30, 13:30–18:00"));
});

describe("a week", () => {
  it("says each day, closed ones too: without any it would be always open", () => {
    expect(kept(whole({}))).toEqual({ "0": [], "1": [], "2": [], "3": [], "4": [], "5": [], "6": [] });
    expect(kept(whole({ "2": [["09:00", "12:00"]] }))["2"]).toEqual([["09:00", "12:00"]]);
  });
});

describe("days unlike the others", () => {
  it("are set and taken back together", () => {
    const closed = except({ "2026-12-24": [["09:00", "12:00"]] }, "2026-12-25", "2026-12-27", []);
    expect(Object.keys(closed)).toHaveLength(4);
    expect(runs(closed, "2026-12-01")).toEqual([
      { from: "2026-12-24", to: "2026-12-24", spans: [["09:00", "12:00"]] },
      { from: "2026-12-25", to: "2026-12-27", spans: [] },
    ]);
    expect(runs(except(closed, "2026-12-26", "2026-12-26", null), "2026-12-25")).toHaveLength(2);
  });
});

describe("a month", () => {
  it("has whole weeks from Mondays", () => {
    const weeks = weeksOf("2026-11");
    expect(weeks[0]![0]).toBe("2026-10-26");
    expect(weeks.at(-1)).toContain("2026-11-30");
    expect(weeks.every((week) => week.length === 7)).toBe(true);
    expect(weeksOf("2026-02")).toHaveLength(5);
  });
  it("has neighbours", () => expect([monthLater("2026-12", 1), monthLater("2026-01", -1)]).toEqual(["2027-01", "2025-12"]));
});
