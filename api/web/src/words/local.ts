/** Dates and hours as inputs have them, at a place: the browser may be in another zone. Pure. */

/** The date of an instant there: "2026-11-28". */
export function dateOf(instant: string | number, zone: string): string {
  return parts(Number(new Date(instant)), zone).slice(0, 10);
}

/** The hour of an instant there: "09:05". */
export function timeOf(instant: string | number, zone: string): string {
  return parts(Number(new Date(instant)), zone).slice(11, 16);
}

/** The instant at which it is this date and hour there, in UTC. */
export function instantAt(date: string, time: string, zone: string): string {
  const wanted = Date.parse(`${date}T${time}:00Z`);
  let guess = wanted;
  for (let turn = 0; turn < 2; turn++) guess = wanted - (Date.parse(`${parts(guess, zone)}Z`) - guess);
  return new Date(guess).toISOString();
}

/** Of two dates that are filters, the instants between which things are: both days belong to them. */
export function between(from: string, to: string, zone: string): { depuis?: string; jusqu_a?: string } {
  return {
    ...(from && { depuis: instantAt(from, "00:00", zone) }),
    ...(to && { jusqu_a: instantAt(daysLater(to, 1), "00:00", zone) }),
  };
}

/** "2026-11-28" and 4 give "2026-12-02". */
export function daysLater(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** "1er janvier": the first of a month is not said as its other days, in French. */
export function firstOf(written: string): string {
  return written.replace(/(^|\s)1 (?=\p{L}{3})/u, (_, space: string) => `${space}1er `);
}

const formats = new Map<string, Intl.DateTimeFormat>();
function parts(instant: number, zone: string): string {
  let made = formats.get(zone);
  if (!made) {
    const all = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
    formats.set(zone, (made = new Intl.DateTimeFormat("sv-SE", { ...all, hourCycle: "h23", timeZone: zone })));
  }
  return made.format(instant).replace(" ", "T");
}
