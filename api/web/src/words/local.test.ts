import { describe, expect, it } from "vitest";

import { between, dateOf, daysLater, firstOf, instantAt, timeOf } from "./local";

describe("a date and an hour of a place", () => {
  it("are an instant in UTC", () => {
    expect(instantAt("2026-11-28", "09:00", "Indian/Reunion")).toBe("2026-11-28T05:00:00.000Z");
    expect(instantAt("2026-07-14", "00:00", "Europe/Paris")).toBe("2026-07-13T22:00:00.000Z");
    expect(instantAt("2026-03-29", "12:00", "Europe/Paris")).toBe("2026-03-29T10:00:00.000Z");
  });
  it("come back from the instant", () => {
    expect([dateOf("2026-11-28T21:30:00Z", "Indian/Reunion"), timeOf("2026-11-28T21:30:00Z", "Indian/Reunion")]).toEqual(["2026-11-29", "01:30"]);
  });
  it("bound a period with both its days", () => {
    expect(between("2026-11-27", "2026-11-28", "Indian/Reunion")).toEqual({ depuis: "2026-11-26T20:00:00.000Z", jusqu_a: "2026-11-28T20:00:00.000Z" });
    expect(between("", "", "Indian/Reunion")).toEqual({});
    const change = { depuis: "2026-03-28T23:00:00.000Z", jusqu_a: "2026-03-29T22:00:00.000Z" }; // the clocks go forward
    expect(between("2026-03-29", "2026-03-29", "Europe/Paris")).toEqual(change);
  });
  it("go over the end of a month", () => expect(daysLater("2026-11-28", 4)).toBe("2026-12-02"));
  it("say the first of a month as French does", () => {
    expect([firstOf("1 décembre 2026"), firstOf("mar. 1 déc."), firstOf("11 déc. 2026"), firstOf("1 h 30")]).toEqual([
      "1er décembre 2026", "mar. 1er déc.", "11 déc. 2026", "1 h 30",
    ]);
  });
});
