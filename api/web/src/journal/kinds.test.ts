import { expect, test } from "vitest";

import { journal } from "@/words/journal.fr";
import { kindOf, KINDS } from "./kinds";

test("each action that has a word is of one kind, and each of a kind has a word", () => {
  const placed = Object.values(KINDS).flatMap((kind) => kind.actions);
  expect([...placed].sort()).toEqual(Object.keys(journal.action).sort());
});

test("an action that is newer than the page is of no kind", () => {
  expect(kindOf("fermeture")).toBe("session");
  expect(kindOf("quelque_chose")).toBe("autre");
});
