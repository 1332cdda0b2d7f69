/** One tab at a time. `navigator.locks` is missing where the page came without TLS: then a dated line of the storage. */
const LONGEST_MS = 10_000;

export async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (navigator.locks) return navigator.locks.request(name, work) as Promise<T>;
  const mine = `${Math.random()}`;
  while (!(await taken(name, mine))) await pause(50 + Math.random() * 100);
  try {
    return await work();
  } finally {
    localStorage.removeItem(name);
  }
}

async function taken(name: string, mine: string): Promise<boolean> {
  const [, until] = (localStorage.getItem(name) ?? "").split("|");
  if (until && Number(until) > Date.now()) return false;
  localStorage.setItem(name, `${mine}|${Date.now() + LONGEST_MS}`);
  await pause(20);
  return localStorage.getItem(name)?.startsWith(`${mine}|`) ?? true;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
