/** A QR code (bytes, the lowest correction, versions 1 to 10: 271 bytes) as rows of dark and light. Pure. ISO/IEC 18004. */
const CORRECTION = [0, 7, 10, 15, 20, 26, 18, 20, 24, 30, 18]; // bytes of each block, by version
const BLOCKS = [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4];
const MASKS: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0, (_x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];
const bit = (value: number, at: number) => ((value >>> at) & 1) === 1;

/** Raises RangeError for what does not fit. */
export function qr(text: string): boolean[][] {
  const bytes = [...new TextEncoder().encode(text)];
  const version = CORRECTION.findIndex((_, one) => one > 0 && bytes.length * 8 + 4 + countBits(one) <= room(one) * 8);
  if (version < 1) throw new RangeError("too long for a QR code");
  const sheet = new Sheet(version);
  sheet.fill(corrected(packed(bytes, version), version));
  return sheet.best();
}

const countBits = (version: number) => (version < 10 ? 8 : 16);

/** How many bytes there are in all. */
function whole(version: number): number {
  let modules = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const marks = Math.floor(version / 7) + 2;
    modules -= (25 * marks - 10) * marks - 55 + (version >= 7 ? 36 : 0);
  }
  return Math.floor(modules / 8);
}

const room = (version: number) => whole(version) - CORRECTION[version]! * BLOCKS[version]!;

function packed(bytes: number[], version: number): number[] {
  const bits: boolean[] = [];
  const put = (value: number, length: number) => {
    for (let at = length - 1; at >= 0; at--) bits.push(bit(value, at));
  };
  put(0b0100, 4);
  put(bytes.length, countBits(version));
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, room(version) * 8 - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const made = Array.from({ length: bits.length / 8 }, (_, byte) => bits.slice(byte * 8, byte * 8 + 8).reduce((value, one) => value * 2 + Number(one), 0));
  for (let pad = 0xec; made.length < room(version); pad ^= 0xec ^ 0x11) made.push(pad);
  return made;
}

/** With the bytes that correct, blocks woven into each other. */
function corrected(data: number[], version: number): number[] {
  const [many, extra, all] = [BLOCKS[version]!, CORRECTION[version]!, whole(version)];
  const [short, length] = [many - (all % many), Math.floor(all / many) - extra];
  const divisor = generator(extra);
  let from = 0;
  const blocks = Array.from({ length: many }, (_, number) => {
    const mine = data.slice(from, (from += length + (number < short ? 0 : 1)));
    return { mine, rest: remainder(mine, divisor) };
  });
  const woven: number[] = [];
  for (let at = 0; at <= length; at++) for (const { mine } of blocks) if (at < mine.length) woven.push(mine[at]!);
  for (let at = 0; at < extra; at++) for (const { rest } of blocks) woven.push(rest[at]!);
  return woven;
}

/** In the field of 256 numbers that QR codes use. */
function times(one: number, other: number): number {
  let product = 0;
  for (let at = 7; at >= 0; at--) product = ((product << 1) ^ ((product >>> 7) * 0x11d)) ^ (bit(other, at) ? one : 0);
  return product;
}

function generator(degree: number): number[] {
  const made = [...Array<number>(degree - 1).fill(0), 1];
  for (let step = 0, root = 1; step < degree; step++, root = times(root, 2))
    for (let at = 0; at < degree; at++) made[at] = times(made[at]!, root) ^ (made[at + 1] ?? 0);
  return made;
}

function remainder(data: number[], divisor: number[]): number[] {
  const rest = Array<number>(divisor.length).fill(0);
  for (const byte of data) {
    const factor = byte ^ rest.shift()!;
    rest.push(0);
    divisor.forEach((one, at) => (rest[at]! ^= times(one, factor)));
  }
  return rest;
}

/** The square: what is drawn in every code, then the data, then the mask that leaves the fewest large areas. */
class Sheet {
  readonly size: number;
  private readonly dark: boolean[][];
  private readonly fixed: boolean[][];

  constructor(private readonly version: number) {
    this.size = version * 4 + 17;
    const empty = () => Array.from({ length: this.size }, () => Array<boolean>(this.size).fill(false));
    [this.dark, this.fixed] = [empty(), empty()];
    for (let at = 0; at < this.size; at++) {
      this.set(6, at, at % 2 === 0);
      this.set(at, 6, at % 2 === 0);
    }
    for (const [x, y] of [[3, 3], [this.size - 4, 3], [3, this.size - 4]] as const) this.square(x, y, 4, (far) => far !== 2 && far !== 4);
    this.marks();
    this.format(0);
    if (version >= 7) this.number();
  }

  private set(x: number, y: number, dark: boolean): void {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return;
    this.dark[y]![x] = dark;
    this.fixed[y]![x] = true;
  }

  private square(x: number, y: number, reach: number, isDark: (far: number) => boolean): void {
    for (let dy = -reach; dy <= reach; dy++) for (let dx = -reach; dx <= reach; dx++) this.set(x + dx, y + dy, isDark(Math.max(Math.abs(dx), Math.abs(dy))));
  }

  private marks(): void {
    if (this.version < 2) return;
    const many = Math.floor(this.version / 7) + 2;
    const step = Math.ceil((this.version * 4 + 4) / (many * 2 - 2)) * 2;
    const at = [6, ...Array.from({ length: many - 1 }, (_, number) => this.size - 7 - step * (many - 2 - number))];
    const [first, last] = [6, this.size - 7];
    for (const x of at) for (const y of at) if (!((x === first && (y === first || y === last)) || (x === last && y === first))) this.square(x, y, 2, (far) => far !== 1);
  }

  private format(mask: number): void {
    const said = (0b01 << 3) | mask;
    let rest = said;
    for (let step = 0; step < 10; step++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
    const bits = ((said << 10) | rest) ^ 0x5412;
    const [one, other] = [[0, 1, 2, 3, 4, 5, 7, 8], [7, 5, 4, 3, 2, 1, 0]];
    one.forEach((y, at) => this.set(8, y, bit(bits, at)));
    other.forEach((x, at) => this.set(x, 8, bit(bits, at + 8)));
    for (let at = 0; at < 8; at++) this.set(this.size - 1 - at, 8, bit(bits, at));
    for (let at = 8; at < 15; at++) this.set(8, this.size - 15 + at, bit(bits, at));
    this.set(8, this.size - 8, true);
  }

  private number(): void {
    let rest = this.version;
    for (let step = 0; step < 12; step++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
    const bits = (this.version << 12) | rest;
    for (let at = 0; at < 18; at++) {
      const [near, far] = [Math.floor(at / 3), this.size - 11 + (at % 3)];
      this.set(near, far, bit(bits, at));
      this.set(far, near, bit(bits, at));
    }
  }

  /** Two columns at a time from the right, up and down in turn. */
  fill(data: number[]): void {
    let at = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step++)
        for (const x of [right, right - 1]) {
          const y = ((right + 1) & 2) === 0 ? this.size - 1 - step : step;
          if (this.fixed[y]![x] || at >= data.length * 8) continue;
          this.dark[y]![x] = bit(data[at >>> 3]!, 7 - (at & 7));
          at++;
        }
    }
  }

  best(): boolean[][] {
    const made = MASKS.map((mask, number) => {
      this.format(number);
      return this.dark.map((row, y) => row.map((dark, x) => dark !== (!this.fixed[y]![x] && mask(x, y))));
    });
    return made.reduce((best, one) => (plainness(one) < plainness(best) ? one : best));
  }
}

/** How much of a code looks alike: runs of five and more, squares of four. */
function plainness(rows: boolean[][]): number {
  let found = 0;
  for (let y = 0; y < rows.length; y++)
    for (let x = 0; x < rows.length; x++) {
      const here = rows[y]![x];
      if (here === rows[y]![x + 1] && here === rows[y + 1]?.[x] && here === rows[y + 1]?.[x + 1]) found += 3;
      if ([1, 2, 3, 4].every((step) => rows[y]![x + step] === here)) found += 1;
      if ([1, 2, 3, 4].every((step) => rows[y + step]?.[x] === here)) found += 1;
    }
  return found;
}
