/** The square of a picture that is kept: moved, enlarged, never beyond the edge. Pure. */
export interface Crop {
  x: number;
  y: number;
  side: number;
}

export interface Size {
  width: number;
  height: number;
}

export const MOST_ZOOM = 5;

/** The largest square, in the middle: a bit higher where the picture is tall, as faces are. */
export function whole(of: Size): Crop {
  const side = Math.min(of.width, of.height);
  return { x: (of.width - side) / 2, y: (of.height - side) / 3, side };
}

/** The square moved by so much of itself. */
export function moved(crop: Crop, right: number, down: number, of: Size): Crop {
  return kept({ ...crop, x: crop.x + right * crop.side, y: crop.y + down * crop.side }, of);
}

/** The square at another zoom (1: as large as can be), around the same middle. */
export function zoomed(crop: Crop, zoom: number, of: Size): Crop {
  const side = Math.min(of.width, of.height) / Math.min(Math.max(zoom, 1), MOST_ZOOM);
  return kept({ x: crop.x + (crop.side - side) / 2, y: crop.y + (crop.side - side) / 2, side }, of);
}

function kept(crop: Crop, of: Size): Crop {
  const within = (at: number, length: number) => Math.min(Math.max(at, 0), length - crop.side);
  return { side: crop.side, x: within(crop.x, of.width), y: within(crop.y, of.height) };
}
