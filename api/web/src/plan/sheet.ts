/**
 * The sheet that postes are placed on, in cells: a poste stands in the cell whose corner is its place. Without a picture
 * they are columns and rows; a picture is sixteen cells wide, whatever its size. Pure.
 */
export interface Spot {
  x: number;
  y: number;
}
export interface Sheet {
  width: number;
  height: number;
}

export const CELLS_OF_PICTURE = 16;
export const STEP = 0.25;
const LEAST: Sheet = { width: 4, height: 3 };

/** As large as it must be. `room`: cells to spare at the edges, to go on to. */
export function sheetOf(spots: Spot[], picture: { largeur: number; hauteur: number } | null, room = 0): Sheet {
  if (picture) return { width: CELLS_OF_PICTURE, height: (CELLS_OF_PICTURE * picture.hauteur) / picture.largeur };
  const most = (values: number[]) => Math.ceil(Math.max(0, ...values)) + 1 + room;
  return { width: Math.max(LEAST.width, most(spots.map((one) => one.x))), height: Math.max(LEAST.height, most(spots.map((one) => one.y))) };
}

/** The nearest place of the sheet that a poste may stand at. */
export function snapped(spot: Spot, sheet: Sheet): Spot {
  return { x: within(spot.x, sheet.width), y: within(spot.y, sheet.height) };
}

function within(value: number, size: number): number {
  const last = Math.max(0, Math.floor((size - 1) / STEP) * STEP);
  return Math.min(last, Math.max(0, Math.round(value / STEP) * STEP));
}

/** The first cell that nobody stands in, row by row. */
export function firstFree(taken: Spot[], sheet: Sheet): Spot {
  for (let y = 0; ; y += 1)
    for (let x = 0; x + 1 <= sheet.width; x += 1)
      if (!taken.some((one) => Math.abs(one.x - x) < 1 && Math.abs(one.y - y) < 1)) return { x, y };
}
