import { expect, test } from "vitest";
import { addresses } from "./mail";

test("addresses are taken as people paste them", () => {
  expect(addresses(" erika@stadt.example; max@stadt.example,\n\ncem@stadt.example ")).toEqual(["erika@stadt.example", "max@stadt.example", "cem@stadt.example"]);
});
