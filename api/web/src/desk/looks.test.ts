import { describe, expect, it } from "vitest";

import type { Poste, Session } from "@/api/client";
import { grouped, look, remaining, share, short, spelled } from "./looks";

const NOW = Date.parse("2026-11-28T10:00:00Z");
const poste = (more: Partial<Poste> = {}) => ({ statut: "disponible", est_en_ligne: true, ...more }) as Poste;
const session = (left: number, more: Partial<Session> = {}) =>
  ({ statut: "active", fin_prevue: new Date(NOW + left * 1000).toISOString(), duree_totale: 3600, temps_restant: left, ...more }) as Session;

describe("a poste looks", () => {
  it("as the server says while nobody sits there", () => {
    expect(look(poste({ statut: "nettoyage" }), undefined, NOW)).toBe("nettoyage");
  });
  it("unknown when nobody knows whether it is there", () => {
    expect(look(poste({ est_en_ligne: null }), undefined, NOW)).toBe("inconnu");
  });
  it.each([[3600, "occupe"], [300, "bientot"], [1, "bientot"], [0, "grace"], [-20, "grace"]])("with %d s left: %s", (left, state) => {
    expect(look(poste({ statut: "occupe" }), session(left), NOW)).toBe(state);
  });
  it("paused, however little is left", () => {
    expect(look(poste({ statut: "occupe" }), session(2, { statut: "suspendue" }), NOW)).toBe("suspendue");
  });
});

describe("time left", () => {
  it("comes from the deadline while it runs", () => expect(remaining(session(90), NOW + 30_000)).toBe(60));
  it("is kept while it is paused", () => expect(remaining(session(90, { statut: "suspendue" }), NOW + 30_000)).toBe(90));
  it("is never less than nothing", () => expect(remaining(session(-5), NOW)).toBe(0));
  it("is a share of what was given", () => expect(share(session(1800), NOW)).toBe(0.5));
  it("is no more than all, and nothing of nothing", () => {
    expect(share(session(7200), NOW)).toBe(1);
    expect(share(session(10, { duree_totale: 0 }), NOW)).toBe(0);
  });
});

describe("words", () => {
  it("name people by first name and initial", () => {
    expect(short("Hélène Payet")).toBe("Hélène P.");
    expect(short("Cher")).toBe("Cher");
  });
  it("group and spell a code", () => {
    expect(grouped("ABC234")).toBe("ABC 234");
    expect(spelled("A7K")).toBe("A comme Anatole, 7, K comme Kléber");
  });
});
