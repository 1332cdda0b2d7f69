import { describe, expect, it } from "vitest";

import { moved, whole, zoomed } from "./crop";

const WIDE = { width: 1280, height: 720 };

describe("the square of a photo", () => {
  it("is as large as it can be, in the middle", () => expect(whole(WIDE)).toEqual({ x: 280, y: 0, side: 720 }));
  it("is enlarged around its middle", () => expect(zoomed(whole(WIDE), 2, WIDE)).toEqual({ x: 460, y: 180, side: 360 }));
  it("stays within the picture", () => {
    expect(moved(whole(WIDE), 9, 9, WIDE)).toEqual({ x: 560, y: 0, side: 720 });
    expect(zoomed(moved(zoomed(whole(WIDE), 4, WIDE), -9, -9, WIDE), 1, WIDE)).toEqual({ x: 0, y: 0, side: 720 });
  });
  it("is never smaller than a fifth", () => expect(zoomed(whole(WIDE), 99, WIDE).side).toBe(144));
});
