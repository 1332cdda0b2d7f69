import { describe, expect, it } from "vitest";

import { csv } from "./files";

describe("a table as CSV", () => {
  it("opens in a spreadsheet in French", () => {
    expect(csv({ head: ["Jour", "Sessions"], rows: [["lundi", 3], ["mardi", 1.5], ["mercredi", null]] })).toBe("\ufeffJour;Sessions\r\nlundi;3\r\nmardi;1,5\r\nmercredi;\r\n");
  });
  it("keeps what would be a formula, or would break a line, as text", () => {
    expect(csv({ head: ["=1+1", 'a "b"; c'], rows: [] })).toBe("\ufeff'=1+1;\"a \"\"b\"\"; c\"\r\n");
  });
});
