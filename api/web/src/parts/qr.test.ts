import { describe, expect, it } from "vitest";

import { qr } from "./qr";

// Each was read back by another program (jsQR) when this was written.
const PPM_2026 = [
  "#######...#.#.#######",
  "#.....#.#.#.#.#.....#",
  "#.###.#.#.##..#.###.#",
  "#.###.#.....#.#.###.#",
  "#.###.#.#####.#.###.#",
  "#.....#.###...#.....#",
  "#######.#.#.#.#######",
  "........#............",
  "##.#..##..###.###.##.",
  "...###.###.#....##...",
  "###.#.#....#.#....#.#",
  "....##.#....######.##",
  ".#..#.#...##..#.#.#.#",
  "........##...##...##.",
  "#######.#.###.#.#.##.",
  "#.....#..##...##.#.#.",
  "#.###.#.....###....#.",
  "#.###.#.##...##.#..##",
  "#.###.#..###.##.#.#.#",
  "#.....#.#..##..#.#...",
  "#######.##...#..#..#.",
];

describe("a QR code", () => {
  it("says what a reader reads", () => {
    expect(qr("PPM 2026").map((row) => row.map((dark) => (dark ? "#" : ".")).join(""))).toEqual(PPM_2026);
  });
  it.each([[17,21,228],[18,25,318],[134,41,848],[135,45,1048],[271,57,1690]])("of %d bytes is %d wide and has %d dark squares", (bytes, width, dark) => {
    const rows = qr("x".repeat(bytes));
    expect([rows.length, rows.flat().filter(Boolean).length]).toEqual([width, dark]);
  });
  it("has room for 271 bytes", () => expect(() => qr("x".repeat(272))).toThrow(RangeError));
});
