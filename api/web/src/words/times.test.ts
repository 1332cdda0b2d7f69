import { describe, expect, it, vi } from "vitest";

vi.mock("./index", () => ({ language: () => "fr", say: (word: string) => word }));
const { day, duration, exact } = await import("./times");

describe("an instant is said in the time of the place", () => {
  it("to the second where it is looked up", () => expect(exact("2026-11-28T10:05:09.900Z", "Indian/Reunion")).toBe("28 nov. 2026, 14:05:09"));
  it("with the first of a month as French says it", () => expect(day("2026-11-30T21:00:00Z", "Indian/Reunion")).toBe("1er déc. 2026"));
});

it("a duration is short", () => expect([40, 720, 3600, 5400, -900].map(duration)).toEqual(["40\u00a0s", "12\u00a0min", "1\u00a0h", "1\u00a0h\u00a030", "−15\u00a0min"]));
