import { randomInt } from "node:crypto";
import type { Provider } from "./provider";

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/**
 * random.RandomPassword without special characters: made once, kept until an input changes. Without `bcryptHash`, which
 * nobody here asks for.
 */
export const randomPassword: Provider = {
  replaceOn: ["length", "special", "keepers"],
  computed: ["result"],
  create: ({ length, special }) => {
    if (typeof length !== "number" || !Number.isInteger(length) || length < 1) {
      throw new Error("length must be a whole number of at least 1");
    }
    if (special !== false)
      throw new Error("special must be false: the embedded engine knows letters and digits only");
    const result = Array.from(
      { length },
      () => LETTERS_AND_DIGITS[randomInt(LETTERS_AND_DIGITS.length)],
    ).join("");
    // As the provider has it: an id is not a secret, so it must not be one.
    return Promise.resolve({ id: "none", outputs: { result } });
  },
};
