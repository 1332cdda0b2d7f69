import { describe, expect, it } from "vitest";

import { ageOn, type Typed, wrong } from "./checks";

const TODAY = "2026-11-28";
const typed = (more: Partial<Typed>): Typed => ({
  nom: "Payet", prenom: "Marie", date_naissance: "", categorie: "", email: "", telephone: "", piece_identite_type: "", piece_vue: false, notes: "", ...more,
});

describe("what is typed about a person", () => {
  it.each(["0692 12 34 56", "02 62 12.34.56", "+262 692 12 34 56", "0033 6 12 34 56 78", ""])("%s is a telephone, or none", (telephone) => {
    expect(wrong("telephone", typed({ telephone }), TODAY)).toBeUndefined();
  });
  it.each(["12", "0612345678", "+262 0692 12 34 56", "bonjour"])("%s is no telephone", (telephone) => {
    expect(wrong("telephone", typed({ telephone }), TODAY)).toBe("people.wrong_telephone");
  });
  it("needs a name that can be seen", () => expect(wrong("nom", typed({ nom: "  " }), TODAY)).toBe("people.wrong_name"));
  it("has an e-mail address as they are", () => {
    expect(wrong("email", typed({ email: "marie@exemple.re" }), TODAY)).toBeUndefined();
    expect(wrong("email", typed({ email: "marie@exemple" }), TODAY)).toBe("people.wrong_email");
  });
  it("was born, and not before everybody", () => {
    expect(wrong("date_naissance", typed({ date_naissance: "1980-02-29" }), TODAY)).toBeUndefined();
    expect(wrong("date_naissance", typed({ date_naissance: "2026-11-29" }), TODAY)).toBe("people.wrong_birth");
    expect(wrong("date_naissance", typed({ date_naissance: "1800-01-01" }), TODAY)).toBe("people.wrong_birth");
  });
});

describe("an age", () => {
  it.each([["2000-11-28", 26], ["2000-11-29", 25], ["2026-11-28", 0], ["2026-11-29", -1]])("of who was born on %s: %i", (born, age) => {
    expect(ageOn(born, TODAY)).toBe(age);
  });
});
