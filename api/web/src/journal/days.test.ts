import { expect, test, vi } from "vitest";

vi.mock("@/words", () => ({ language: () => "fr" }));
const { dayBegins, exact } = await import("./days");

test("a day begins where the place is, not where the browser is", () => {
  expect(dayBegins("2026-11-28", "Indian/Reunion")).toBe("2026-11-27T20:00:00.000Z");
  expect(dayBegins("2026-11-28", "Indian/Reunion", 1)).toBe("2026-11-28T20:00:00.000Z");
});

test("a day after the clocks changed begins at its own midnight", () => {
  expect(dayBegins("2026-03-29", "Europe/Paris")).toBe("2026-03-28T23:00:00.000Z");
  expect(dayBegins("2026-03-30", "Europe/Paris")).toBe("2026-03-29T22:00:00.000Z");
  expect(dayBegins("2026-10-26", "Europe/Paris")).toBe("2026-10-25T23:00:00.000Z");
});

test("an instant is said to the second, in the time of the place", () => {
  expect(exact("2026-11-28T10:05:09.900Z", "Indian/Reunion")).toBe("28 nov. 2026, 14:05:09");
});
