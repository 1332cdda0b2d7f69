import { expect, test } from "vitest";

import { CELLS_OF_PICTURE, firstFree, sheetOf, snapped } from "./sheet";

test("without a picture the sheet holds all postes, and has room at its edges when it is edited", () => {
  expect(sheetOf([], null)).toEqual({ width: 4, height: 3 });
  expect(sheetOf([{ x: 5.5, y: 3 }], null)).toEqual({ width: 7, height: 4 });
  expect(sheetOf([{ x: 5, y: 3 }], null, 1)).toEqual({ width: 7, height: 5 });
});

test("a picture has the same cells whatever its size", () => {
  expect(sheetOf([], { largeur: 2048, hauteur: 1024 })).toEqual({ width: CELLS_OF_PICTURE, height: 8 });
  expect(sheetOf([], { largeur: 300, hauteur: 150 })).toEqual({ width: CELLS_OF_PICTURE, height: 8 });
});

test("nobody is placed outside the sheet, and everybody on a quarter of a cell", () => {
  expect(snapped({ x: -3, y: 99 }, { width: 4, height: 3 })).toEqual({ x: 0, y: 2 });
  expect(snapped({ x: 1.13, y: 0.6 }, { width: 4, height: 3 })).toEqual({ x: 1.25, y: 0.5 });
});

test("who is not placed yet comes to the first free cell", () => {
  expect(firstFree([{ x: 0, y: 0 }, { x: 1.5, y: 0 }], { width: 4, height: 3 })).toEqual({ x: 3, y: 0 });
  expect(firstFree([0, 1, 2, 3].map((x) => ({ x, y: 0 })), { width: 4, height: 3 })).toEqual({ x: 0, y: 1 });
});
